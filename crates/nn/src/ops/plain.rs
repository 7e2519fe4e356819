//! The operations as Burn has them: what every device without kernels of ours does, and what tests compare with.

use burn::tensor::{
    Tensor, activation, module,
    ops::{ConvOptions, ConvTransposeOptions, InterpolateMode, InterpolateOptions, MaxPoolOptions},
};

use super::{Activation, Mask, Normalized, Window};
use crate::adam::AdamConfig;

/// Stride, padding and dilation, (vertical, horizontal).
fn pairs(window: Window) -> [[usize; 2]; 3] {
    [[window.stride; 2], window.padding, [window.dilation; 2]]
}

/// 2-D convolution (cross-correlation, as torch's).
///
/// # Shapes
/// - x: `[batch, in, height, width]`; weight: `[out, in, kernel, kernel]`; bias: `[out]`
/// - output: `[batch, out, height', width']`
pub(super) fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    window: Window,
) -> Tensor<4> {
    let [stride, padding, dilation] = pairs(window);
    let options = ConvOptions::new(stride, padding, dilation, window.groups);
    let [below, right] = window.behind;
    let x = match (below, right) {
        (0, 0) => x,
        _ => x.pad((0, right, 0, below), 0.0),
    };
    module::conv2d(x, weight, bias, options)
}

/// 2-D transposed convolution; what the window has behind is its output padding.
///
/// # Shapes
/// - x: `[batch, in, height, width]`; weight: `[in, out, kernel, kernel]`; bias: `[out]`
/// - output: `[batch, out, (height − 1)·stride − 2·padding + kernel + behind, …]`
pub(super) fn conv_transpose2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    window: Window,
) -> Tensor<4> {
    let [stride, padding, dilation] = pairs(window);
    let options =
        ConvTransposeOptions::new(stride, padding, window.behind, dilation, window.groups);
    module::conv_transpose2d(x, weight, bias, options)
}

/// Batch norm by the batch's own statistics, then an activation.
///
/// # Shapes
/// - x: `[batch, channels, height, width]`; gamma, beta: `[channels]`
pub(super) fn batch_norm_train(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    activation: Activation,
) -> Normalized {
    let out = module::batch_norm_train(x, gamma, beta, epsilon);
    Normalized {
        output: activation.apply(out.output),
        mean: out.mean,
        variance: out.variance,
    }
}

/// Batch norm by given statistics, then an activation.
///
/// # Shapes
/// - x: `[batch, channels, height, width]`; gamma, beta, mean, variance: `[channels]`
pub(super) fn batch_norm(
    x: Tensor<4>,
    [gamma, beta, mean, variance]: [Tensor<1>; 4],
    epsilon: f64,
    activation: Activation,
) -> Tensor<4> {
    activation.apply(module::batch_norm(x, gamma, beta, mean, variance, epsilon))
}

/// Largest value under each position of a square window.
///
/// # Shapes
/// - x: `[batch, channels, height, width]` → `[batch, channels, height', width']`
pub(super) fn max_pool2d(x: Tensor<4>, kernel: usize, window: Window) -> Tensor<4> {
    let [stride, padding, dilation] = pairs(window);
    let options = MaxPoolOptions::new([kernel; 2])
        .with_stride(stride)
        .with_padding(padding)
        .with_dilation(dilation);
    module::max_pool2d(x, options)
}

/// Bilinear resizing with half-pixel centres.
///
/// # Shapes
/// - x: `[batch, channels, height, width]` → `[batch, channels, size[0], size[1]]`
pub(super) fn resize_bilinear(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    module::interpolate(
        x,
        InterpolateOptions::new(InterpolateMode::Bilinear)
            .with_align_corners(false)
            .with_output_size(size),
    )
}

/// The binary cross entropy of each image.
///
/// # Shapes
/// - logits, images: `[batch, channels, height, width]`, images in [0, 1] → `[batch]`
pub(super) fn cross_entropy(logits: Tensor<4>, images: Tensor<4>) -> Tensor<1> {
    let terms = super::softplus(logits.clone()) - logits * images;
    terms.sum_dims(&[1, 2, 3]).squeeze_dims::<1>(&[1, 2, 3])
}

/// A masked fully connected layer without a bias, its weights masked at each call.
///
/// # Shapes
/// - x: `[batch, places·in]`; weight: `[places·out, places·in]` → `[batch, places·out]`
pub(super) fn masked_linear(
    x: Tensor<2>,
    weight: Tensor<2>,
    places: usize,
    mask: Mask,
) -> Tensor<2> {
    let [rows, columns] = weight.dims();
    let diagonal = match mask {
        Mask::Before => -1,
        Mask::UpTo => 0,
    };
    let mask = Tensor::<2>::ones([places; 2], &weight.device()).tril(diagonal);
    let blocks = weight.reshape([places, rows / places, places, columns / places]);
    let seen = blocks * mask.reshape([places, 1, places, 1]);
    x.matmul(seen.reshape([rows, columns]).transpose())
}

/// One step of Adam.
pub(super) fn adam_step(
    [value, gradient, first, second]: [Tensor<1>; 4],
    steps: u64,
    config: &AdamConfig,
) -> [Tensor<1>; 3] {
    let AdamConfig {
        rate,
        beta_1,
        beta_2,
        epsilon,
    } = *config;
    let first = first.mul_scalar(beta_1) + gradient.clone().mul_scalar(1.0 - beta_1);
    let second = second.mul_scalar(beta_2) + gradient.square().mul_scalar(1.0 - beta_2);
    let steps = steps as f64;
    let scale = rate / (1.0 - beta_1.powf(steps));
    let correction = (1.0 - beta_2.powf(steps)).sqrt();
    let root = second
        .clone()
        .sqrt()
        .div_scalar(correction)
        .add_scalar(epsilon);
    let delta = first.clone().div(root).mul_scalar(scale);
    [value - delta, first, second]
}

/// An activation.
pub(super) fn activate<const D: usize>(x: Tensor<D>, by: Activation) -> Tensor<D> {
    match by {
        Activation::Identity => x,
        Activation::Relu => activation::relu(x),
        Activation::Relu6 => activation::relu(x).clamp_max(6.0),
        Activation::LeakyRelu(slope) => activation::leaky_relu(x, slope),
    }
}
