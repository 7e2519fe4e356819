//! Convolution with fewer products (Winograd, 1980; Lavin and Gray, CVPR 2016), for the kernels that networks are made of.
//!
//! A tile of outputs is a polynomial product in disguise: its inputs and the kernel are each turned into *points* by a few
//! sums, multiplied point by point, and the products turned into outputs by a few more sums. Over channels, the products of a
//! point are a matrix product, which is where the time goes. `scheme` has the sums, `plan` says how a stride's phases reduce 4×4 kernels of
//! stride 2 to 2×2 ones, `points` and `kernel` make the points, `product` multiplies, `images` and `weight` put it together.
//!
//! | kernel | stride | products per output and channel, plain | here |
//! |---|---|---|---|
//! | 3×3 | 1 | 9 | 4 |
//! | 4×4 | 2 | 16 | 9, or 7.1 for images that 3×3 tiles fit |
//!
//! Inside, vectors hold channels, not pixels: images are turned on the way in and out (`turn`). Then every sum is a plain one of
//! vectors, and the same points serve the weight's gradient, where they are summed over tiles.

#![allow(clippy::needless_range_loop)] // Squares of vectors are read by row and by column; indices say which.

mod images;
mod kernel;
mod plan;
mod points;
mod product;
mod scheme;
pub(super) mod turn;
mod weight;

use super::ConvShape;
use crate::memory::{Aligned, Shared, uninitialized};
use crate::path::{self, Path};
use images::Finish;
use plan::Plan;
pub(crate) use points::Images;
use scheme::{OneOfOne, Scheme, ThreeOfTwo, TwoOfThree, TwoOfTwo};

/// The schemes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fast {
    /// F(1×1, 1×1).
    OneOfOne,
    /// F(2×2, 2×2).
    TwoOfTwo,
    /// F(3×3, 2×2).
    ThreeOfTwo,
    /// F(2×2, 3×3).
    TwoOfThree,
}

/// What is computed of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Forward,
    InputGradient,
    WeightGradient,
}

impl Fast {
    /// The scheme that pays for a convolution, if one does.
    pub(crate) fn of(shape: &ConvShape, what: What) -> Option<Self> {
        const NARROW: usize = 16;
        let many = shape.channels.iter().all(|&channels| channels >= NARROW);
        if shape.groups != 1 || !many {
            return None;
        }
        let plain = || {
            let [kernel, width] = shape.kernel;
            let square = kernel == width && kernel <= 7 && shape.stride[0] == shape.stride[1];
            let dense = what != What::InputGradient || (kernel == 1 && shape.stride == [1, 1]);
            (square && dense).then_some(Self::OneOfOne)
        };
        if shape.dilation != [1, 1] {
            return plain();
        }
        let output = match what {
            What::InputGradient => {
                std::array::from_fn(|i| shape.input[i].div_ceil(shape.stride[i]))
            }
            _ => shape.output,
        };
        match (shape.kernel, shape.stride) {
            ([3, 3], [1, 1]) => Some(Self::TwoOfThree),
            ([4, 4], [2, 2]) => {
                let products = |out: usize, points: usize| -> usize {
                    output
                        .iter()
                        .map(|size| size.div_ceil(out) * points)
                        .product()
                };
                // The larger tiles have more points of weights to make and to read.
                let larger = products(3, 4) * 10 < products(2, 3) * 9;
                Some(if larger {
                    Self::ThreeOfTwo
                } else {
                    Self::TwoOfTwo
                })
            }
            _ => plain(),
        }
    }

    pub(super) fn weight_gradient(
        self,
        path: Path,
        shape: &ConvShape,
        x: &[f32],
        dy: &[f32],
    ) -> Vec<f32> {
        match self {
            Self::OneOfOne => weight_gradient::<OneOfOne>(path, shape, x, dy),
            Self::TwoOfTwo => weight_gradient::<TwoOfTwo>(path, shape, x, dy),
            Self::ThreeOfTwo => weight_gradient::<ThreeOfTwo>(path, shape, x, dy),
            Self::TwoOfThree => weight_gradient::<TwoOfThree>(path, shape, x, dy),
        }
    }
}

/// A convolution, or the input gradient of one, whose weight is turned into points once.
#[derive(Debug)]
pub(crate) struct Prepared {
    scheme: Fast,
    path: Path,
    plan: Plan,
    points: Aligned,
    bias: Vec<f32>,
    bounds: (f32, f32),
}

impl Prepared {
    /// `what` is the forward pass or the input gradient; `bounds` are the factor of what is below zero, 0 to 1, and what larger
    /// values are cut to. `None` where no scheme fits.
    pub(crate) fn new(
        shape: &ConvShape,
        what: What,
        weight: &[f32],
        bias: Option<&[f32]>,
        bounds: (f32, f32),
    ) -> Option<Self> {
        let scheme = Fast::of(shape, what)?;
        let path = Path::current();
        let (plan, points) = match scheme {
            Fast::OneOfOne => prepare::<OneOfOne>(path, shape, what, weight),
            Fast::TwoOfTwo => prepare::<TwoOfTwo>(path, shape, what, weight),
            Fast::ThreeOfTwo => prepare::<ThreeOfTwo>(path, shape, what, weight),
            Fast::TwoOfThree => prepare::<TwoOfThree>(path, shape, what, weight),
        };
        let bias = padded(path, plan.outputs, bias);
        Some(Self {
            scheme,
            path,
            plan,
            points,
            bias,
            bounds,
        })
    }

    /// Correlates a batch of images into `out`; with `blocks`, into blocks of channels. `residual`: see [`Finish`].
    pub(crate) fn run(
        &self,
        batch: usize,
        images: Images,
        residual: Option<(&[f32], bool)>,
        blocks: bool,
        out: Shared,
    ) {
        let plan = self.plan.with_batch(batch);
        let finish = Finish {
            bias: &self.bias,
            residual,
            bounds: self.bounds,
            blocks,
        };
        let (path, points) = (self.path, self.points.as_slice());
        let correlate = match self.scheme {
            Fast::OneOfOne => images::correlate::<OneOfOne>,
            Fast::TwoOfTwo => images::correlate::<TwoOfTwo>,
            Fast::ThreeOfTwo => images::correlate::<ThreeOfTwo>,
            Fast::TwoOfThree => images::correlate::<TwoOfThree>,
        };
        correlate(path, &plan, images, points, finish, out);
    }

    /// Correlates a batch of planes to planes.
    pub(super) fn planes(&self, images: &[f32]) -> Vec<f32> {
        let plan = &self.plan;
        let len = plan.batch * plan.outputs * plan.output_size[0] * plan.output_size[1];
        uninitialized(len, |out| {
            self.run(plan.batch, Images::Planes(images), None, false, out);
        })
    }

    /// Channels of a block.
    pub(crate) fn lanes(&self) -> usize {
        path::tile(self.path).0
    }
}

fn prepare<S: Scheme>(
    path: Path,
    shape: &ConvShape,
    what: What,
    weight: &[f32],
) -> (Plan, Aligned) {
    let plan = match what {
        What::InputGradient => Plan::input_gradient(shape, S::TAPS),
        _ => Plan::forward(shape, S::TAPS),
    };
    let points = kernel::points::<S>(path, &plan, weight);
    (plan, points)
}

/// A bias for whole panels, zeros where there is none.
fn padded(path: Path, outputs: usize, bias: Option<&[f32]>) -> Vec<f32> {
    let (lanes, _) = path::tile(path);
    let mut padded = vec![0.0; outputs.next_multiple_of(2 * lanes)];
    if let Some(bias) = bias {
        padded[..outputs].copy_from_slice(bias);
    }
    padded
}

fn weight_gradient<S: Scheme>(path: Path, shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    weight::gradient::<S>(path, &Plan::forward(shape, S::TAPS), x, dy)
}
