//! Separable filters of maps.

use burn::tensor::Tensor;

use super::{Window, conv2d};

/// A filter of an odd number of taps down and then across, of each channel by itself. The edge's value goes on beyond it.
///
/// # Shapes
/// - x: `[batch, channels, height, width]`; kernel: `[taps]` → as x
pub fn filter(x: Tensor<4>, kernel: Tensor<1>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let [taps] = kernel.dims();
    let planes = x.reshape([batch * channels, 1, height, width]);
    let down = kernel.clone().reshape([1, 1, taps, 1]);
    let down = conv2d(extend(planes, 2, taps / 2), down, None, Window::default());
    let across = kernel.reshape([1, 1, 1, taps]);
    let both = conv2d(extend(down, 3, taps / 2), across, None, Window::default());
    both.reshape([batch, channels, height, width])
}

/// Repeats the first and last row (`dim` 2) or column (3) `count` times.
///
/// # Shapes
/// - maps: `[batch, channels, height, width]` → `count` more on each side
pub fn extend(maps: Tensor<4>, dim: usize, count: usize) -> Tensor<4> {
    let last = maps.dims()[dim] - 1;
    let first = maps.clone().narrow(dim, 0, 1).repeat_dim(dim, count);
    let end = maps.clone().narrow(dim, last, 1).repeat_dim(dim, count);
    Tensor::cat(vec![first, maps, end], dim)
}
