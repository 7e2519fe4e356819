//! The plain loops that say what each kernel computes, in f64, and what tests need to compare with them. Slow, obvious.

pub mod logit;
pub mod pool;
pub mod resize;
pub mod upsample;

use crate::activation::Activation;
use crate::adam::Adam;
use crate::batch_norm::{Gradients, Layer, Normalized};
use crate::conv::ConvShape;

/// Calls `visit` with every product that a convolution sums: indices into the images, the weight, and the output.
fn for_each_product(shape: &ConvShape, mut visit: impl FnMut(usize, usize, usize)) {
    let [batch, in_channels, height, width] = shape.input_shape();
    let [_, out_channels, out_height, out_width] = shape.output_shape();
    let [_, depth, kernel_height, kernel_width] = shape.weight_shape();
    let g = shape.geometry();
    let rows = out_channels / g.groups;
    // The input coordinate that a tap sees, if it is inside the image.
    let place = |axis: usize, at: usize, tap: usize, size: usize| {
        (at * g.stride[axis] + tap * g.dilation[axis])
            .checked_sub(g.padding[axis])
            .filter(|&place| place < size)
    };
    for n in 0..batch {
        for co in 0..out_channels {
            for (oy, ox) in (0..out_height).flat_map(|oy| (0..out_width).map(move |ox| (oy, ox))) {
                let out = ((n * out_channels + co) * out_height + oy) * out_width + ox;
                for ci in 0..depth {
                    for (ky, kx) in
                        (0..kernel_height).flat_map(|ky| (0..kernel_width).map(move |kx| (ky, kx)))
                    {
                        let weight = ((co * depth + ci) * kernel_height + ky) * kernel_width + kx;
                        let channel = n * in_channels + co / rows * depth + ci;
                        if let (Some(y), Some(x)) =
                            (place(0, oy, ky, height), place(1, ox, kx, width))
                        {
                            visit((channel * height + y) * width + x, weight, out);
                        }
                    }
                }
            }
        }
    }
}

fn to_f32(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|value| value as f32).collect()
}

/// A bias in every pixel of `[batch, channels, height, width]`.
fn filled([batch, channels, height, width]: [usize; 4], bias: Option<&[f32]>) -> Vec<f64> {
    let plane = height * width;
    (0..batch * channels * plane)
        .map(|i| bias.map_or(0.0, |bias| f64::from(bias[i / plane % channels])))
        .collect()
}

/// [`crate::conv::forward`]
pub fn forward(shape: &ConvShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let mut y = filled(shape.output_shape(), bias);
    for_each_product(shape, |i, w, o| {
        y[o] += f64::from(x[i]) * f64::from(weight[w])
    });
    to_f32(y)
}

/// [`crate::conv::input_gradient`]
pub fn input_gradient(
    shape: &ConvShape,
    dy: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let mut dx = filled(shape.input_shape(), bias);
    for_each_product(shape, |i, w, o| {
        dx[i] += f64::from(dy[o]) * f64::from(weight[w])
    });
    to_f32(dx)
}

/// [`crate::conv::weight_gradient`]
pub fn weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dw = vec![0.0; shape.weight_len()];
    for_each_product(shape, |i, w, o| dw[w] += f64::from(x[i]) * f64::from(dy[o]));
    to_f32(dw)
}

/// [`crate::conv::bias_gradient`]
pub fn bias_gradient(dy: &[f32], channels: usize, pixels: usize) -> Vec<f32> {
    let mut sums = vec![0.0; channels];
    for (i, &value) in dy.iter().enumerate() {
        sums[i / pixels % channels] += f64::from(value);
    }
    to_f32(sums)
}

/// [`crate::adam::step`]
pub fn adam(
    adam: &Adam,
    step: u64,
    weight: &mut [f32],
    gradient: &[f32],
    mean: &mut [f32],
    square: &mut [f32],
) {
    let (beta_1, beta_2) = (adam.beta_1, adam.beta_2);
    for i in 0..weight.len() {
        let w = f64::from(weight[i]);
        let g = f64::from(gradient[i]) + adam.weight_decay * w;
        let m = beta_1 * f64::from(mean[i]) + (1.0 - beta_1) * g;
        let v = beta_2 * f64::from(square[i]) + (1.0 - beta_2) * g * g;
        let (m_hat, v_hat) = (
            m / (1.0 - beta_1.powf(step as f64)),
            v / (1.0 - beta_2.powf(step as f64)),
        );
        weight[i] = (w - adam.learning_rate * m_hat / (v_hat.sqrt() + adam.epsilon)) as f32;
        (mean[i], square[i]) = (m as f32, v as f32);
    }
}

/// The values of one channel of `[batch, channels, pixels]`, with their places.
fn channel_of(
    [batch, channels, pixels]: [usize; 3],
    channel: usize,
) -> impl Iterator<Item = usize> + Clone {
    (0..batch).flat_map(move |n| (0..pixels).map(move |p| (n * channels + channel) * pixels + p))
}

fn statistics(shape: [usize; 3], x: &[f32], channel: usize) -> (f64, f64) {
    let values = channel_of(shape, channel).map(|i| f64::from(x[i]));
    let count = (shape[0] * shape[2]) as f64;
    let mean = values.clone().sum::<f64>() / count;
    (
        mean,
        values.map(|x| (x - mean) * (x - mean)).sum::<f64>() / count,
    )
}

fn slope(activation: Activation) -> f64 {
    match activation {
        Activation::Identity => 1.0,
        Activation::Relu | Activation::Relu6 => 0.0,
        Activation::LeakyRelu(slope) => f64::from(slope),
    }
}

/// [`crate::batch_norm::train`]
pub fn batch_norm(shape: [usize; 3], x: &[f32], layer: &Layer) -> Normalized {
    let (mut y, mut mean, mut variance) = (vec![0.0; x.len()], Vec::new(), Vec::new());
    for channel in 0..shape[1] {
        let (middle, spread) = statistics(shape, x, channel);
        mean.push(middle as f32);
        variance.push(spread as f32);
        for i in channel_of(shape, channel) {
            let normal = (f64::from(x[i]) - middle) / (spread + f64::from(layer.epsilon)).sqrt();
            let z = normal * f64::from(layer.gamma[channel]) + f64::from(layer.beta[channel]);
            let z = if z > 0.0 {
                z
            } else {
                slope(layer.activation) * z
            };
            y[i] = z.min(f64::from(layer.activation.ceiling())) as f32;
        }
    }
    Normalized { y, mean, variance }
}

/// [`crate::batch_norm::backward`], with the statistics computed again.
pub fn batch_norm_backward(shape: [usize; 3], x: &[f32], dy: &[f32], layer: &Layer) -> Gradients {
    let (mut dx, mut dgamma, mut dbeta) = (vec![0.0; x.len()], Vec::new(), Vec::new());
    for channel in 0..shape[1] {
        let (mean, variance) = statistics(shape, x, channel);
        let deviation = (variance + f64::from(layer.epsilon)).sqrt();
        let gamma = f64::from(layer.gamma[channel]);
        let normal = |i: usize| (f64::from(x[i]) - mean) / deviation;
        let dz = |i: usize| {
            let z = normal(i) * gamma + f64::from(layer.beta[channel]);
            f64::from(dy[i])
                * if z >= f64::from(layer.activation.ceiling()) {
                    0.0
                } else if z > 0.0 {
                    1.0
                } else {
                    slope(layer.activation)
                }
        };
        let count = (shape[0] * shape[2]) as f64;
        let direct: f64 = channel_of(shape, channel).map(dz).sum();
        let along: f64 = channel_of(shape, channel).map(|i| dz(i) * normal(i)).sum();
        for i in channel_of(shape, channel) {
            dx[i] =
                (gamma / deviation * (dz(i) - direct / count - normal(i) * along / count)) as f32;
        }
        dgamma.push(along as f32);
        dbeta.push(direct as f32);
    }
    Gradients { dx, dgamma, dbeta }
}

/// Numbers between -1 and 1 from a seed (SplitMix64), for tests and measurements.
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    /// A stream.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number of `low..=high`.
    pub fn pick(&mut self, low: usize, high: usize) -> usize {
        low + (self.bits() % (high - low + 1) as u64) as usize
    }

    /// `len` numbers in [-1, 1).
    pub fn floats(&mut self, len: usize) -> Vec<f32> {
        (0..len)
            .map(|_| (self.bits() >> 40) as f32 / (1 << 23) as f32 - 1.0)
            .collect()
    }
}

/// Fails unless the largest difference is at most `tolerance` times the largest of the plain values' magnitudes.
///
/// # Panics
/// If so, with `what` in the message.
pub fn assert_close(ours: &[f32], plain: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), plain.len(), "{what}: lengths");
    let largest = plain
        .iter()
        .fold(0.0_f32, |largest, value| largest.max(value.abs()));
    for (i, (&ours, &plain)) in ours.iter().zip(plain).enumerate() {
        // Negated, so that a NaN fails too.
        let close = (ours - plain).abs() <= tolerance * largest.max(1e-3);
        assert!(
            close,
            "{what}: element {i} is {ours} instead of {plain} (largest {largest})"
        );
    }
}

/// What `work` gives on each path, for `check`; fails where another number of threads gives other bits.
#[cfg(test)]
pub(crate) fn on_each_path<R: PartialEq + Send>(
    work: impl Fn() -> R + Sync,
    check: impl Fn(R, crate::Path),
) {
    use crate::path::with_path;
    for path in crate::Path::available() {
        let result = with_path(path, &work);
        for threads in [1, 2, 3, 7] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let again = pool.install(|| with_path(path, &work));
            assert!(result == again, "{threads} threads differ on {path:?}");
        }
        check(result, path);
    }
}
