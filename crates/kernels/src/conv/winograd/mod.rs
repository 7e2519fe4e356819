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

mod images;
mod kernel;
mod plan;
mod points;
mod product;
mod scheme;
mod turn;
mod weight;

use super::ConvShape;
use crate::path::Path;
use plan::Plan;
use scheme::{OneOfOne, Scheme, ThreeOfTwo, TwoOfThree, TwoOfTwo};

/// The schemes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fast {
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
pub(super) enum What {
    Forward,
    InputGradient,
    WeightGradient,
}

impl Fast {
    /// The scheme that pays for a convolution, if one does.
    pub(super) fn of(shape: &ConvShape, what: What) -> Option<Self> {
        const NARROW: usize = 16;
        let simple = shape.groups == 1 && shape.dilation == [1, 1];
        if !simple || shape.channels.iter().any(|&channels| channels < NARROW) {
            return None;
        }
        let output = match what {
            What::InputGradient => std::array::from_fn(|i| shape.input[i].div_ceil(shape.stride[i])),
            _ => shape.output,
        };
        match (shape.kernel, shape.stride) {
            ([3, 3], [1, 1]) => Some(Self::TwoOfThree),
            ([4, 4], [2, 2]) => {
                let products = |out: usize, points: usize| -> usize {
                    output.iter().map(|size| size.div_ceil(out) * points).product()
                };
                // The larger tiles have more points of weights to make and to read.
                let larger = products(3, 4) * 10 < products(2, 3) * 9;
                Some(if larger { Self::ThreeOfTwo } else { Self::TwoOfTwo })
            }
            ([kernel, width], [stride, across]) if kernel == width && stride == across && kernel <= 7 => {
                let dense = what != What::InputGradient || (kernel == 1 && stride == 1);
                dense.then_some(Self::OneOfOne)
            }
            _ => None,
        }
    }

    pub(super) fn forward(
        self,
        path: Path,
        shape: &ConvShape,
        x: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Vec<f32> {
        match self {
            Self::OneOfOne => forward::<OneOfOne>(path, shape, x, weight, bias),
            Self::TwoOfTwo => forward::<TwoOfTwo>(path, shape, x, weight, bias),
            Self::ThreeOfTwo => forward::<ThreeOfTwo>(path, shape, x, weight, bias),
            Self::TwoOfThree => forward::<TwoOfThree>(path, shape, x, weight, bias),
        }
    }

    pub(super) fn input_gradient(
        self,
        path: Path,
        shape: &ConvShape,
        dy: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Vec<f32> {
        match self {
            Self::OneOfOne => input_gradient::<OneOfOne>(path, shape, dy, weight, bias),
            Self::TwoOfTwo => input_gradient::<TwoOfTwo>(path, shape, dy, weight, bias),
            Self::ThreeOfTwo => input_gradient::<ThreeOfTwo>(path, shape, dy, weight, bias),
            Self::TwoOfThree => input_gradient::<TwoOfThree>(path, shape, dy, weight, bias),
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

fn forward<S: Scheme>(
    path: Path,
    shape: &ConvShape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    images::correlate::<S>(path, &Plan::forward(shape, S::TAPS), x, weight, bias)
}

fn input_gradient<S: Scheme>(
    path: Path,
    shape: &ConvShape,
    dy: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    images::correlate::<S>(path, &Plan::input_gradient(shape, S::TAPS), dy, weight, bias)
}

fn weight_gradient<S: Scheme>(path: Path, shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    weight::gradient::<S>(path, &Plan::forward(shape, S::TAPS), x, dy)
}
