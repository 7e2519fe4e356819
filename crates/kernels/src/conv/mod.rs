//! Two-dimensional convolution and its gradients, for any kernel, stride, padding, dilation and groups.
//!
//! The forward pass and the input gradient are one problem: sums over (channel, tap) of shifted images. For the input
//! gradient, outputs are split into the phases that the stride makes; each phase sees the gradient through a dense stride-1
//! kernel of its own, so nothing is scattered. Four engines solve it, the first that fits:
//!
//! | engine | for | how |
//! |---|---|---|
//! | `winograd` | 16 channels and more on both sides, no groups | channels in vectors, fewer products for 3×3 and for 4×4 with stride 2 |
//! | `depthwise` | as many groups as channels, on both sides | pixels in vectors, a plane at a time |
//! | `narrow` | at most 4 output channels | pixels in vectors, read shifted from copied lines |
//! | `correlate` | everything else | pixels in vectors, packed into panels |
//!
//! `direct` describes a convolution to the last of them. The weight gradient has a loop of its own where neither `winograd` nor
//! `depthwise` fits (`weight`).
//!
//! A transposed convolution needs no code: make its shape with [`ConvShape::transposed`] and swap the roles as it says.

mod correlate;
mod depthwise;
mod direct;
mod narrow;
mod pack;
mod shape;
#[cfg(test)]
mod tests;
mod weight;
pub(crate) mod winograd;

use crate::activation::{self, Activation};
use crate::lanes::{Lanes, UNBENT};
use crate::path::{self, Path, Task};
use crate::sums::sum;
use rayon::prelude::*;
pub use shape::{ConvShape, Geometry, ShapeError};
use winograd::{Fast, Prepared, What};

/// y = x * w + b.
///
/// # Panics
/// If a slice's length is not what `shape` says.
pub fn forward(shape: &ConvShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    check(shape, x, weight, bias);
    let path = Path::current();
    if let Some(prepared) = Prepared::new(shape, What::Forward, weight, bias, UNBENT) {
        return prepared.planes(x);
    }
    if depthwise::fits(shape) {
        return depthwise::forward(path, shape, x, weight, bias);
    }
    match narrow::fits(shape, What::Forward) {
        true => narrow::forward(path, shape, x, weight, bias),
        false => direct::forward(path, shape, x, weight, bias, 1.0),
    }
}

fn check(shape: &ConvShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) {
    assert_eq!(x.len(), shape.input_len(), "length of the images");
    assert_eq!(weight.len(), shape.weight_len(), "length of the weight");
    assert!(
        bias.is_none_or(|bias| bias.len() == shape.channels[1]),
        "length of the bias"
    );
}

/// [`forward`], then an activation, while the output is written.
///
/// # Panics
/// If a slice's length is not what `shape` says.
pub fn forward_activated(
    shape: &ConvShape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
) -> Vec<f32> {
    let engine = Fast::of(shape, What::Forward).is_some()
        || depthwise::fits(shape)
        || narrow::fits(shape, What::Forward);
    let plain = activation == Activation::Identity || activation.ceiling() < f32::INFINITY;
    if engine || plain {
        let mut y = forward(shape, x, weight, bias);
        activation::apply(activation, &mut y);
        return y;
    }
    check(shape, x, weight, bias);
    let path = Path::current();
    direct::forward(path, shape, x, weight, bias, activation.slope())
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
    if let Some(prepared) = Prepared::new(shape, What::InputGradient, weight, bias, UNBENT) {
        return prepared.planes(dy);
    }
    if depthwise::fits(shape) {
        return depthwise::input_gradient(path, shape, dy, weight, bias);
    }
    match narrow::fits(shape, What::InputGradient) {
        true => narrow::input_gradient(path, shape, dy, weight, bias),
        false => direct::input_gradient(path, shape, dy, weight, bias),
    }
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
        None if depthwise::fits(shape) => depthwise::weight_gradient(path, shape, x, dy),
        None => weight::gradient(path, shape, x, dy),
    }
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
        *self.sum = sum(self.values, |value| value);
    }
}
