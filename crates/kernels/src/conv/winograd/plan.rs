//! What is correlated with what, so that the forward pass and the input gradient are one problem.
//!
//! A stride of s splits a kernel of s·r taps into s kernels of r taps, each of which sees every s-th pixel. In the forward
//! pass those phases lie within the images, and their products are summed; in the input gradient they lie in the output, each
//! phase of it being a correlation of its own. So a plan has phases `within` or phases it is `spread` over, never both.

use super::super::ConvShape;
use super::scheme::Scheme;

/// The most phases per axis.
const PHASES: usize = 7;

/// One axis of a plan.
#[derive(Clone, Copy, Debug)]
struct Axis {
    /// The pixel that the first tap of the first output sees, for each phase.
    first: [isize; PHASES],
    /// The kernel's tap that is tap `u` of phase `p`: `taps[p][u]`.
    taps: [[usize; 3]; PHASES],
}

impl Axis {
    const NONE: Self = Self {
        first: [0; PHASES],
        taps: [[0; 3]; PHASES],
    };
}

/// A correlation of images `[batch, depth, size]` to `[batch, outputs, output_size]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) batch: usize,
    pub(super) depth: usize,
    pub(super) size: [usize; 2],
    pub(super) outputs: usize,
    pub(super) output_size: [usize; 2],
    /// Pixels from one position to the next of the same phase.
    pub(super) step: usize,
    /// Phases per axis that are summed.
    pub(super) within: usize,
    /// Phases per axis of the output.
    pub(super) spread: usize,
    /// Taps of the kernel per axis.
    pub(super) kernel: usize,
    /// Floats of the weight from one output's kernel to the next, and from one depth's to the next.
    pub(super) weight_strides: [usize; 2],
    axes: [Axis; 2],
}

impl Plan {
    /// The same for another number of images.
    pub(super) fn with_batch(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    /// y = x * w. With one tap, each of the kernel's is a phase of its own: the plain sum.
    pub(super) fn forward(shape: &ConvShape, taps: usize) -> Self {
        let (stride, kernel) = (shape.stride[0], shape.kernel[0]);
        let within = kernel / taps;
        let axis = |axis: usize| {
            let mut it = Axis::NONE;
            for phase in 0..within {
                let tap_of_first = (phase * shape.dilation[axis]) as isize;
                it.first[phase] = tap_of_first - shape.padding[axis] as isize;
                for tap in 0..taps {
                    it.taps[phase][tap] = within * tap + phase;
                }
            }
            it
        };
        let area = kernel * kernel;
        Self {
            batch: shape.batch,
            depth: shape.channels[0],
            size: shape.input,
            outputs: shape.channels[1],
            output_size: shape.output,
            step: stride,
            within,
            spread: 1,
            kernel,
            weight_strides: [shape.channels[0] * area, area],
            axes: [axis(0), axis(1)],
        }
    }

    /// The gradient to x from that of y.
    pub(super) fn input_gradient(shape: &ConvShape, taps: usize) -> Self {
        let (stride, kernel) = (shape.stride[0], shape.kernel[0]);
        let axis = |axis: usize| {
            let mut it = Axis::NONE;
            for phase in 0..stride {
                // Pixel s·m + phase of x met tap t at pixel (s·m + phase + padding − t) / s of y.
                let reach = phase + shape.padding[axis];
                it.first[phase] = (reach / stride) as isize - (taps as isize - 1);
                for tap in 0..taps {
                    it.taps[phase][tap] = stride * (taps - 1 - tap) + reach % stride;
                }
            }
            it
        };
        let area = kernel * kernel;
        Self {
            batch: shape.batch,
            depth: shape.channels[1],
            size: shape.output,
            outputs: shape.channels[0],
            output_size: shape.input,
            step: 1,
            within: 1,
            spread: stride,
            kernel,
            weight_strides: [area, shape.channels[0] * area],
            axes: [axis(0), axis(1)],
        }
    }

    /// Phases of a kind in both axes: those within, or those of the output.
    pub(super) fn phases(&self) -> usize {
        (self.within * self.spread).pow(2)
    }

    /// A phase's place per axis.
    #[inline(always)]
    pub(super) fn phase(&self, phase: usize) -> [usize; 2] {
        let per_axis = self.within * self.spread;
        [phase / per_axis, phase % per_axis]
    }

    /// The kernel's place of a phase's tap (vertical, horizontal).
    #[inline(always)]
    pub(super) fn tap(&self, phase: usize, [vertical, horizontal]: [usize; 2]) -> usize {
        let [y, x] = self.phase(phase);
        self.axes[0].taps[y][vertical] * self.kernel + self.axes[1].taps[x][horizontal]
    }

    /// The pixel that the first phase's window begins at, for the tile at 0.
    pub(super) fn first(&self, axis: usize) -> isize {
        (0..self.within * self.spread)
            .map(|phase| self.axes[axis].first[phase])
            .min()
            .unwrap_or(0)
    }

    /// How far a phase's window begins behind [`Plan::first`].
    #[inline(always)]
    pub(super) fn offset(&self, axis: usize, phase: usize) -> usize {
        (self.axes[axis].first[phase] - self.first(axis)) as usize
    }

    /// Pixels along an axis that `tiles` neighbouring tiles see.
    pub(super) fn window<S: Scheme>(&self, axis: usize, tiles: usize) -> usize {
        let last = (0..self.within * self.spread)
            .map(|phase| self.offset(axis, phase))
            .max()
            .unwrap_or(0);
        self.step * ((tiles - 1) * S::OUT + S::POINTS - 1) + last + 1
    }

    /// Tiles along an axis.
    pub(super) fn tiles<S: Scheme>(&self, axis: usize) -> usize {
        self.output_size[axis]
            .div_ceil(self.spread)
            .div_ceil(S::OUT)
    }
}
