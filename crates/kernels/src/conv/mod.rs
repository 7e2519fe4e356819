//! Two-dimensional convolution and its gradients, for any kernel, stride, padding, dilation and groups.
//!
//! The forward pass and the input gradient are one engine (`correlate`): sums over (channel, tap) of shifted images.
//! For the input gradient, outputs are split into the phases that the stride makes; each phase sees the gradient
//! through a dense stride-1 kernel of its own, so nothing is scattered. The weight gradient has a loop of its own
//! (`weight`).
//!
//! A transposed convolution needs no code: make its shape with [`ConvShape::transposed`] and swap the roles as it says.

mod correlate;
mod narrow;
mod pack;
mod shape;
#[cfg(test)]
mod tests;
mod weight;
mod winograd;

use crate::lanes::Lanes;
use crate::path::{self, Path, Task};
use correlate::{Column, Correlation, Pass};
use narrow::{Narrow, Phase};
use rayon::prelude::*;
pub use shape::{ConvShape, Geometry, ShapeError};
use winograd::{Fast, What};

/// y = x * w + b.
///
/// # Panics
/// If a slice's length is not what `shape` says.
pub fn forward(shape: &ConvShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    assert_eq!(x.len(), shape.input_len(), "length of the images");
    assert_eq!(weight.len(), shape.weight_len(), "length of the weight");
    assert!(
        bias.is_none_or(|bias| bias.len() == shape.channels[1]),
        "length of the bias"
    );
    let path = Path::current();
    if let Some(fast) = Fast::of(shape, What::Forward) {
        return fast.forward(path, shape, x, weight, bias);
    }
    let (depth, outputs) = (
        shape.channels[0] / shape.groups,
        shape.channels[1] / shape.groups,
    );
    let [kernel_height, kernel_width] = shape.kernel;
    let taps: Vec<[isize; 2]> = (0..kernel_height)
        .flat_map(|ky| (0..kernel_width).map(move |kx| [ky, kx]))
        .map(|k| {
            std::array::from_fn(|i| (k[i] * shape.dilation[i]) as isize - shape.padding[i] as isize)
        })
        .collect();
    let terms = depth * taps.len();
    if shape.groups == 1 && shape.stride == [1, 1] && outputs <= narrow::OUTPUTS {
        let count = taps.len();
        let phase = Phase::new(taps, depth, outputs, |row, channel, tap| {
            weight[row * terms + channel * count + tap]
        });
        let narrow = Narrow {
            images: x,
            batch: shape.batch,
            depth,
            size: shape.input,
            outputs,
            output_size: shape.output,
            spread: [1, 1],
            bias,
            phases: vec![phase],
        };
        return narrow::run(path, &narrow);
    }
    let weights = pack::rows(path, shape.groups, outputs, terms, |group, row, term| {
        weight[(group * outputs + row) * terms + term]
    });
    let correlation = Correlation {
        images: x,
        batch: shape.batch,
        groups: shape.groups,
        depth,
        size: shape.input,
        step: shape.stride,
        outputs,
        output_size: shape.output,
        spread: [1, 1],
        bias,
    };
    let pass = Pass {
        phase: 0,
        rows: shape.output[0],
        columns: vec![Column { taps, weights }],
    };
    correlate::run(path, &correlation, &[pass])
}

/// The gradient to the images, `dy` being that of the output; as the forward of a transposed convolution, with a bias
/// for each of the images' channels.
///
/// # Panics
/// If a slice's length is not what `shape` says.
pub fn input_gradient(
    shape: &ConvShape,
    dy: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    assert_eq!(dy.len(), shape.output_len(), "length of the gradient");
    assert_eq!(weight.len(), shape.weight_len(), "length of the weight");
    assert!(
        bias.is_none_or(|bias| bias.len() == shape.channels[0]),
        "length of the bias"
    );
    let path = Path::current();
    if let Some(fast) = Fast::of(shape, What::InputGradient) {
        return fast.input_gradient(path, shape, dy, weight, bias);
    }
    if shape.groups == 1 && shape.channels[0] <= narrow::OUTPUTS {
        return narrow::run(path, &narrow_gradient(shape, dy, weight, bias));
    }
    let passes: Vec<Pass> = (0..shape.stride[0].min(shape.input[0]))
        .map(|phase| Pass {
            phase,
            rows: (shape.input[0] - phase).div_ceil(shape.stride[0]),
            columns: (0..shape.stride[1].min(shape.input[1]))
                .map(|phase_x| phase_column(path, shape, [phase, phase_x], weight))
                .collect(),
        })
        .collect();
    let correlation = Correlation {
        images: dy,
        batch: shape.batch,
        groups: shape.groups,
        depth: shape.channels[1] / shape.groups,
        size: shape.output,
        step: [1, 1],
        outputs: shape.channels[0] / shape.groups,
        output_size: shape.input,
        spread: shape.stride,
        bias,
    };
    correlate::run(path, &correlation, &passes)
}

/// The input gradient to few channels.
fn narrow_gradient<'a>(
    shape: &ConvShape,
    dy: &'a [f32],
    weight: &[f32],
    bias: Option<&'a [f32]>,
) -> Narrow<'a> {
    let [outputs, depth] = shape.channels;
    let area = shape.kernel[0] * shape.kernel[1];
    let phases = (0..shape.stride[0]).flat_map(|y| (0..shape.stride[1]).map(move |x| [y, x]));
    let phases = phases.map(|phase| {
        let (taps, places) = phase_kernel(shape, phase);
        Phase::new(taps, depth, outputs, |row, channel, tap| {
            weight[(channel * outputs + row) * area + places[tap]]
        })
    });
    Narrow {
        images: dy,
        batch: shape.batch,
        depth,
        size: shape.output,
        outputs,
        output_size: shape.input,
        spread: shape.stride,
        bias,
        phases: phases.collect(),
    }
}

/// The dense kernel through which one phase of input positions, (vertical, horizontal), sees the output's gradient: its
/// shifts, and where its weights are in the kernel.
fn phase_kernel(shape: &ConvShape, phase: [usize; 2]) -> (Vec<[isize; 2]>, Vec<usize>) {
    let horizontal = phase_taps(shape, 1, phase[1]);
    let (mut taps, mut places) = (Vec::new(), Vec::new());
    for (dy, ky) in phase_taps(shape, 0, phase[0]) {
        for &(dx, kx) in &horizontal {
            taps.push([dy, dx]);
            places.push(ky * shape.kernel[1] + kx);
        }
    }
    (taps, places)
}

/// [`phase_kernel`] with its weights packed.
fn phase_column(path: Path, shape: &ConvShape, phase: [usize; 2], weight: &[f32]) -> Column {
    let (depth, outputs) = (
        shape.channels[1] / shape.groups,
        shape.channels[0] / shape.groups,
    );
    let area = shape.kernel[0] * shape.kernel[1];
    let (taps, places) = phase_kernel(shape, phase);
    let terms = depth * taps.len();
    let weights = pack::rows(path, shape.groups, outputs, terms, |group, row, term| {
        let channel = group * depth + term / places.len();
        weight[(channel * outputs + row) * area + places[term % places.len()]]
    });
    Column { taps, weights }
}

/// The taps of one axis that reach input positions `phase + i · stride`: (shift in the output's gradient, tap).
fn phase_taps(shape: &ConvShape, axis: usize, phase: usize) -> Vec<(isize, usize)> {
    let stride = shape.stride[axis] as isize;
    (0..shape.kernel[axis])
        .map(|tap| {
            (
                (phase + shape.padding[axis]) as isize - (tap * shape.dilation[axis]) as isize,
                tap,
            )
        })
        .filter(|(distance, _)| distance % stride == 0)
        .map(|(distance, tap)| (distance / stride, tap))
        .collect()
}

/// The gradient to the weight, `dy` being that of the output.
///
/// # Panics
/// If a slice's length is not what `shape` says.
pub fn weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    assert_eq!(x.len(), shape.input_len(), "length of the images");
    assert_eq!(dy.len(), shape.output_len(), "length of the gradient");
    let path = Path::current();
    match Fast::of(shape, What::WeightGradient) {
        Some(fast) => fast.weight_gradient(path, shape, x, dy),
        None => match mirrored(shape) {
            Some(mirror) => unmirror(shape, &weight::gradient(path, &mirror, dy, x)),
            None => weight::gradient(path, shape, x, dy),
        },
    }
}

/// The convolution whose weight gradient is that of `shape` with images and gradient in each other's place, for few
/// outputs: the loop over the weight has a vector of outputs, which few would leave empty. Only for a stride of 1.
fn mirrored(shape: &ConvShape) -> Option<ConvShape> {
    let few = shape.channels[1] < 16 && shape.channels[0] >= 16;
    if !few || shape.groups != 1 || shape.stride != [1, 1] {
        return None;
    }
    let mut padding = [0; 2];
    for axis in 0..2 {
        let reach = (shape.kernel[axis] - 1) * shape.dilation[axis];
        padding[axis] = reach.checked_sub(shape.padding[axis])?;
    }
    let weight = [shape.channels[0], shape.channels[1], shape.kernel[0], shape.kernel[1]];
    let geometry = Geometry { padding, ..shape.geometry() };
    ConvShape::new(shape.output_shape(), weight, geometry).ok()
}

/// The weight gradient of `shape` from that of its mirror: channels swapped, taps backwards.
fn unmirror(shape: &ConvShape, mirror: &[f32]) -> Vec<f32> {
    let [depth, outputs] = shape.channels;
    let area = shape.kernel[0] * shape.kernel[1];
    let mut dw = Vec::with_capacity(mirror.len());
    for output in 0..outputs {
        for channel in 0..depth {
            let kernel = &mirror[(channel * outputs + output) * area..][..area];
            dw.extend(kernel.iter().rev());
        }
    }
    dw
}

/// The gradient to the bias: sums of `dy`, `[batch, channels, pixels]`, over batch and pixels.
///
/// # Panics
/// If `dy` is not of that length.
pub fn bias_gradient(dy: &[f32], batch: usize, channels: usize, pixels: usize) -> Vec<f32> {
    assert!(
        batch
            .checked_mul(channels)
            .and_then(|n| n.checked_mul(pixels))
            == Some(dy.len()),
        "length of the gradient"
    );
    let path = Path::current();
    let mut sums = vec![0.0; channels];
    sums.par_iter_mut().enumerate().for_each(|(channel, sum)| {
        let planes = (0..batch).map(|n| &dy[(n * channels + channel) * pixels..][..pixels]);
        let mut total = 0.0_f64;
        for block in planes.flat_map(|plane| plane.chunks(4096)) {
            let mut part = 0.0;
            path::run(
                path,
                Sum {
                    values: block,
                    sum: &mut part,
                },
            );
            total += f64::from(part);
        }
        *sum = total as f32;
    });
    sums
}

struct Sum<'a> {
    values: &'a [f32],
    sum: &'a mut f32,
}

impl Task for Sum<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let mut sums = [0.0_f32; 64];
        let (blocks, rest) = self.values.as_chunks::<64>();
        for block in blocks {
            for (sum, value) in sums.iter_mut().zip(block) {
                *sum += value;
            }
        }
        *self.sum = sums.iter().sum::<f32>() + rest.iter().sum::<f32>();
    }
}
