//! The heavy operations, in one place, so that a device with faster ones has them without the layers knowing.
//!
//! On the CPU they are the kernels of `cavga-kernels` with hand-written backward passes (`flex`); on every other device,
//! and for other types than f32, Burn's own (`plain`).

mod filter;
mod flex;
mod plain;
#[cfg(test)]
mod tests;

use burn::tensor::{Tensor, activation};

pub use cavga_kernels::masked::Mask;

use crate::adam::AdamConfig;

/// What follows a normalisation or a convolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// The value itself.
    Identity,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6); on the CPU no gradient passes at 0 or 6, as in PyTorch.
    Relu6,
    /// x where positive, `slope`·x elsewhere.
    LeakyRelu(f64),
}

impl Activation {
    /// Applies it element by element.
    pub fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Identity => x,
            by if flex::can_activate(&x, by) => flex::activate(x, by),
            by => plain::activate(x, by),
        }
    }
}

/// max(a + b, 0), of two tensors of one shape.
///
/// # Shapes
/// - a, b: `[batch, channels, height, width]` → the same
pub fn add_relu(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    match flex::can_add_relu(&a, &b) {
        true => flex::add_relu(a, b),
        false => Activation::Relu.apply(a + b),
    }
}

/// 1 / (1 + exp(−x)).
pub fn sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    flex::sigmoid(&x).unwrap_or_else(|| activation::sigmoid(x))
}

/// log(1 + exp x), without overflow: max(x, 0) + log1p(exp(−|x|)) is exact for large |x| of either sign.
pub fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let positive = activation::relu(x.clone());
    // −|x| as x − 2·max(x, 0): whatever a device takes for the gradient of max(x, 0) at 0, it cancels, and leaves ½.
    let negative = x - positive.clone().mul_scalar(2.0);
    positive + negative.exp().log1p()
}

/// The binary cross entropy −[x log σ(l) + (1 − x) log(1 − σ(l))] of logits l with images x, summed over each image.
///
/// # Shapes
/// - logits, images: `[batch, channels, height, width]`, images in [0, 1] → `[batch]`
pub fn cross_entropy(logits: Tensor<4>, images: Tensor<4>) -> Tensor<1> {
    match flex::can_cross_entropy(&logits, &images) {
        true => flex::cross_entropy(logits, images),
        false => plain::cross_entropy(logits, images),
    }
}

/// How a kernel moves over an image; the same in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Distance between two positions.
    pub stride: usize,
    /// Zeros added on each side, (vertical, horizontal).
    pub padding: [usize; 2],
    /// Zeros below and to the right beyond those; of a transposed convolution, how many rows and columns more its output has there (torch's
    /// output padding).
    pub behind: [usize; 2],
    /// Distance between two taps.
    pub dilation: usize,
    /// Independent groups of channels.
    pub groups: usize,
}

impl Window {
    /// Without padding, of one group.
    pub const fn new(stride: usize, dilation: usize) -> Self {
        Self {
            stride,
            padding: [0; 2],
            behind: [0; 2],
            dilation,
            groups: 1,
        }
    }

    /// With `padding` zeros on each side.
    pub const fn padded(self, padding: usize) -> Self {
        Self {
            padding: [padding; 2],
            ..self
        }
    }
}

impl Default for Window {
    /// Every position, no padding, taps side by side.
    fn default() -> Self {
        Self::new(1, 1)
    }
}

pub use filter::{extend, filter};
pub(crate) use flex::geometry;

/// 2-D convolution (cross-correlation, as torch's).
///
/// # Shapes
/// - x: `[batch, in, height, width]`; weight: `[out, in / groups, kernel, kernel]`; bias: `[out]`
/// - output: `[batch, out, height', width']`
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    window: Window,
) -> Tensor<4> {
    match flex::Convolution::of(&x, &weight, window) {
        Some(convolution) => flex::convolve(x, weight, bias, convolution),
        None => plain::conv2d(x, weight, bias, window),
    }
}

/// 2-D transposed convolution.
///
/// # Shapes
/// - x: `[batch, in, height, width]`; weight: `[in, out, kernel, kernel]`; bias: `[out]`
/// - output: `[batch, out, (height − 1)·stride − 2·padding + kernel + behind, …]`
pub fn conv_transpose2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    window: Window,
) -> Tensor<4> {
    match flex::Convolution::transposed(&x, &weight, window) {
        Some(convolution) => flex::convolve(x, weight, bias, convolution),
        None => plain::conv_transpose2d(x, weight, bias, window),
    }
}

/// A convolution's numbers and weights.
#[derive(Debug, Clone)]
pub(crate) struct Convolved {
    /// `[out, in, kernel, kernel]`, or `[in, out, kernel, kernel]` if `transposed`.
    pub(crate) weight: Tensor<4>,
    /// `[out]`.
    pub(crate) bias: Option<Tensor<1>>,
    /// How it moves.
    pub(crate) window: Window,
    /// Whether it is a transposed one.
    pub(crate) transposed: bool,
}

impl Convolved {
    /// [`conv2d`] or [`conv_transpose2d`].
    pub(crate) fn forward(self, x: Tensor<4>) -> Tensor<4> {
        match self.transposed {
            true => conv_transpose2d(x, self.weight, self.bias, self.window),
            false => conv2d(x, self.weight, self.bias, self.window),
        }
    }
}

/// What [`batch_norm_train`] gives.
pub struct Normalized {
    /// `[batch, channels, height, width]`.
    pub output: Tensor<4>,
    /// Mean over batch and positions, `[channels]`, detached.
    pub mean: Tensor<1>,
    /// Biased variance over batch and positions, `[channels]`, detached.
    pub variance: Tensor<1>,
}

/// Batch norm by the batch's own statistics, then an activation.
///
/// # Shapes
/// - x: `[batch, channels, height, width]`; gamma, beta: `[channels]`
pub fn batch_norm_train(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    activation: Activation,
) -> Normalized {
    match flex::Norm::of(&x, [&gamma, &beta], epsilon, activation) {
        Some(norm) => flex::normalize(x, gamma, beta, norm),
        None => plain::batch_norm_train(x, gamma, beta, epsilon, activation),
    }
}

/// [`batch_norm_train`], then a convolution of its output; on the CPU, the tape does not keep what lies between.
///
/// # Shapes
/// - x: `[batch, channels, height, width]`; gamma, beta: `[channels]`
pub(crate) fn batch_norm_train_convolved(
    x: Tensor<4>,
    [gamma, beta]: [Tensor<1>; 2],
    epsilon: f64,
    activation: Activation,
    convolved: Convolved,
) -> Normalized {
    let norm = flex::Norm::of(&x, [&gamma, &beta], epsilon, activation);
    let of = match convolved.transposed {
        true => flex::Convolution::transposed,
        false => flex::Convolution::of,
    };
    match (norm, of(&x, &convolved.weight, convolved.window)) {
        (Some(norm), Some(convolution)) => {
            let Convolved { weight, bias, .. } = convolved;
            flex::normalize_convolve([gamma, beta], norm, x, weight, bias, convolution)
        }
        _ => {
            let between = batch_norm_train(x, gamma, beta, epsilon, activation);
            Normalized {
                output: convolved.forward(between.output),
                ..between
            }
        }
    }
}

/// Batch norm by given statistics, then an activation.
///
/// # Shapes
/// - x: `[batch, channels, height, width]`; gamma, beta, mean, variance: `[channels]`
pub fn batch_norm(
    x: Tensor<4>,
    parameters: [Tensor<1>; 4],
    epsilon: f64,
    activation: Activation,
) -> Tensor<4> {
    flex::infer(&x, &parameters, epsilon, activation)
        .unwrap_or_else(|| plain::batch_norm(x, parameters, epsilon, activation))
}

/// A masked fully connected layer without a bias: y = x·(W ∘ M)ᵀ, the channels at each of `places` places of a code being made of those at the
/// places that `mask` shows them.
///
/// # Shapes
/// - x: `[batch, places·in]`, all channels of a place side by side; weight: `[places·out, places·in]`
/// - output: `[batch, places·out]`
pub fn masked_linear(x: Tensor<2>, weight: Tensor<2>, places: usize, mask: Mask) -> Tensor<2> {
    flex::masked(&x, &weight, places, mask)
        .unwrap_or_else(|| plain::masked_linear(x, weight, places, mask))
}

/// Largest value under each position of a square window of `kernel` × `kernel` taps; outside the image is −∞. Of the window, `behind` and
/// `groups` are not looked at.
///
/// # Shapes
/// - x: `[batch, channels, height, width]` → `[batch, channels, height', width']`
pub fn max_pool2d(x: Tensor<4>, kernel: usize, window: Window) -> Tensor<4> {
    flex::max_pool(&x, kernel, window).unwrap_or_else(|| plain::max_pool2d(x, kernel, window))
}

/// Each pixel twice in both directions.
///
/// # Shapes
/// - x: `[batch, channels, height, width]` → `[batch, channels, 2·height, 2·width]`
pub fn upsample_nearest2(x: Tensor<4>) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    x.reshape([b, c, h, 1, w, 1])
        .expand([b, c, h, 2, w, 2])
        .reshape([b, c, 2 * h, 2 * w])
}

/// `y` + [`upsample_nearest2`] of `s`.
///
/// # Shapes
/// - y: `[batch, channels, 2·height, 2·width]`; s: `[batch, channels, height, width]`
/// - output: as y
pub fn add_upsampled(y: Tensor<4>, s: Tensor<4>) -> Tensor<4> {
    match flex::can_add_upsampled(&y, &s) {
        true => flex::add_upsampled(y, s),
        false => y + upsample_nearest2(s),
    }
}

/// How the transposed convolution that up-samples and convolves moves.
pub(crate) const UPSAMPLING: Window = Window::new(2, 1).padded(1);

/// The 3×3 convolution, with one zero added on each side, of [`upsample_nearest2`] of `x`. The kernels do it without the
/// up-sampled images, as one transposed 4×4 convolution.
///
/// # Shapes
/// - x: `[batch, in, height, width]`; weight: `[out, in, 3, 3]`
/// - output: `[batch, out, 2·height, 2·width]`
pub fn upsample2_conv3x3(x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    match upsampling(&x, &weight) {
        Some(folded) => folded.forward(x),
        None => conv2d(
            upsample_nearest2(x),
            weight,
            None,
            Window::default().padded(1),
        ),
    }
}

/// [`upsample2_conv3x3`] as one transposed 4×4 convolution of `x`, whose taps are sums of the weight's: 16 multiplications per
/// pixel of `x` instead of 36. `None` where the kernels can't.
pub(crate) fn upsampling(x: &Tensor<4>, weight: &Tensor<4>) -> Option<Convolved> {
    flex::fold(x, weight).map(|weight| Convolved {
        weight,
        bias: None,
        window: UPSAMPLING,
        transposed: true,
    })
}

/// A tensor's values, in order.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.without_autodiff().into_data().convert::<f32>();
    // Of f32 they are now.
    data.try_into_vec::<f32>().unwrap_or_default()
}

/// Bilinear resizing with half-pixel centres (torch's `align_corners=False`).
///
/// # Shapes
/// - x: `[batch, channels, height, width]` → `[batch, channels, size[0], size[1]]`
pub fn resize_bilinear(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    flex::resize(&x, size).unwrap_or_else(|| plain::resize_bilinear(x, size))
}

/// One step of Adam on one flattened parameter, its gradient and its two moments, all of one size and off the tape:
/// the new parameter and moments. `steps` counts from 1.
pub(crate) fn adam_step(
    tensors: [Tensor<1>; 4],
    steps: u64,
    config: &AdamConfig,
) -> [Tensor<1>; 3] {
    if flex::can_step(&tensors) {
        flex::adam_step(tensors, steps, config)
    } else {
        plain::adam_step(tensors, steps, config)
    }
}
