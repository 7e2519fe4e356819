//! Batch norm (Ioffe & Szegedy, 2015) with the activation behind it, over `[batch, channels, pixels]`.
//!
//! Training reads the images twice and writes once: statistics of a channel, then normalisation and activation while
//! the channel is still in the cache. Backward needs only the images and the statistics: what the activation let through
//! is computed again from them, so nothing else is kept. A channel is one task; its sums are made in blocks, each
//! around its own mean and merged in f64 (Chan et al., 1979), because sums of squares cancel for images far from zero.

#[cfg(test)]
mod tests;

use crate::activation::{Activation, Curve};
use crate::lanes::Lanes;
use crate::memory::{Shared, uninitialized};
use crate::path::{self, Path, Task};
use crate::sums::{sum, sum_of_two};
use rayon::prelude::*;

/// The parameters of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Scale per channel.
    pub gamma: &'a [f32],
    /// Shift per channel.
    pub beta: &'a [f32],
    /// Added to the variance.
    pub epsilon: f32,
    /// What follows.
    pub activation: Activation,
}

/// What the training form gives.
#[derive(Clone, Debug)]
pub struct Normalized {
    /// The output, like the images.
    pub y: Vec<f32>,
    /// Mean per channel.
    pub mean: Vec<f32>,
    /// Biased variance per channel.
    pub variance: Vec<f32>,
}

/// Gradients of the training form.
#[derive(Clone, Debug)]
pub struct Gradients {
    /// To the images.
    pub dx: Vec<f32>,
    /// To the scale.
    pub dgamma: Vec<f32>,
    /// To the shift.
    pub dbeta: Vec<f32>,
}

/// Floats of a block of sums: they stay in the first-level cache.
const BLOCK: usize = 2048;

/// Where things are: channel `c` of image `n` is the plane `n · channels + c`.
#[derive(Clone, Copy)]
struct Planes {
    batch: usize,
    channels: usize,
    pixels: usize,
}

impl Planes {
    fn check(shape: [usize; 3], len: usize, layer: &Layer) -> Self {
        let [batch, channels, pixels] = shape;
        let all = batch
            .checked_mul(channels)
            .and_then(|planes| planes.checked_mul(pixels));
        assert!(all == Some(len) && len > 0, "length of the images");
        assert!(
            layer.gamma.len() == channels && layer.beta.len() == channels,
            "length of scale and shift"
        );
        Self {
            batch,
            channels,
            pixels,
        }
    }

    /// Where the planes of a channel begin.
    #[inline(always)]
    fn of(self, channel: usize) -> impl Iterator<Item = usize> {
        (0..self.batch).map(move |n| (n * self.channels + channel) * self.pixels)
    }
}

/// Normalises by the statistics of these images. `shape` is `[batch, channels, pixels]`.
///
/// # Panics
/// If there are no pixels, or a length does not fit the shape.
pub fn train(shape: [usize; 3], x: &[f32], layer: &Layer) -> Normalized {
    let planes = Planes::check(shape, x.len(), layer);
    let path = Path::current();
    let (mut mean, mut variance) = (vec![0.0; shape[1]], vec![0.0; shape[1]]);
    // Each channel's task writes its planes.
    let y = uninitialized(x.len(), |y| {
        mean.par_iter_mut().zip(&mut variance).enumerate().for_each(
            |(channel, (mean, variance))| {
                let task = Train {
                    planes,
                    x,
                    layer,
                    channel,
                    mean,
                    variance,
                    y,
                };
                path::run(path, task);
            },
        );
    });
    Normalized { y, mean, variance }
}

struct Train<'a> {
    planes: Planes,
    x: &'a [f32],
    layer: &'a Layer<'a>,
    channel: usize,
    mean: &'a mut f32,
    variance: &'a mut f32,
    y: Shared<'a>,
}

impl Task for Train<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let pixels = self.planes.pixels;
        let (mut count, mut mean, mut squares) = (0.0_f64, 0.0_f64, 0.0_f64);
        for start in self.planes.of(self.channel) {
            for block in self.x[start..start + pixels].chunks(BLOCK) {
                let len = block.len() as f64;
                let middle = sum(block, |x| x) / block.len() as f32;
                // Also corrects the rounding of `middle`.
                let rest = f64::from(sum(block, |x| x - middle)) / len;
                let around =
                    f64::from(sum(block, |x| (x - middle) * (x - middle))) - rest * rest * len;
                let distance = f64::from(middle) + rest - mean;
                squares += around + distance * distance * count * len / (count + len);
                count += len;
                mean += distance * len / count;
            }
        }
        (*self.mean, *self.variance) = (mean as f32, (squares / count) as f32);
        let map = Affine::new(self.layer, self.channel, *self.mean, *self.variance);
        for start in self.planes.of(self.channel) {
            // SAFETY: each task writes the planes of its own channel.
            let y = unsafe { self.y.slice(start, pixels) };
            apply(
                &self.x[start..start + pixels],
                map,
                self.layer.activation.curve(),
                y,
            );
        }
    }
}

/// Normalises by given statistics, as at inference.
///
/// # Panics
/// If there are no pixels, or a length does not fit the shape.
pub fn infer(
    shape: [usize; 3],
    x: &[f32],
    layer: &Layer,
    mean: &[f32],
    variance: &[f32],
) -> Vec<f32> {
    let planes = Planes::check(shape, x.len(), layer);
    assert!(
        mean.len() == shape[1] && variance.len() == shape[1],
        "length of the statistics"
    );
    let path = Path::current();
    uninitialized(x.len(), |out| {
        x.par_chunks(planes.pixels)
            .enumerate()
            .for_each(|(plane, x)| {
                let channel = plane % planes.channels;
                let map = Affine::new(layer, channel, mean[channel], variance[channel]);
                let curve = layer.activation.curve();
                // SAFETY: each task writes a plane of its own.
                let y = unsafe { out.slice(plane * planes.pixels, planes.pixels) };
                path::run(path, Infer { x, map, curve, y });
            });
    })
}

struct Infer<'a> {
    x: &'a [f32],
    map: Affine,
    curve: Curve,
    y: &'a mut [f32],
}

impl Task for Infer<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        apply(self.x, self.map, self.curve, self.y);
    }
}

/// Gradients of [`train`], `dy` being that of its output, given the statistics that it returned; the gradient that
/// flows through the statistics is included.
///
/// # Panics
/// If there are no pixels, or a length does not fit the shape.
pub fn backward(
    shape: [usize; 3],
    x: &[f32],
    dy: &[f32],
    layer: &Layer,
    mean: &[f32],
    variance: &[f32],
) -> Gradients {
    let planes = Planes::check(shape, x.len(), layer);
    assert_eq!(dy.len(), x.len(), "length of the gradient");
    assert!(
        mean.len() == shape[1] && variance.len() == shape[1],
        "length of the statistics"
    );
    let path = Path::current();
    let (mut dgamma, mut dbeta) = (vec![0.0; shape[1]], vec![0.0; shape[1]]);
    // Each channel's task writes its planes.
    let dx =
        uninitialized(x.len(), |dx| {
            dgamma.par_iter_mut().zip(&mut dbeta).enumerate().for_each(
                |(channel, (dgamma, dbeta))| {
                    let statistics = (mean[channel], variance[channel]);
                    let task = Backward {
                        planes,
                        x,
                        dy,
                        layer,
                        channel,
                        statistics,
                        dgamma,
                        dbeta,
                        dx,
                    };
                    path::run(path, task);
                },
            );
        });
    Gradients { dx, dgamma, dbeta }
}

struct Backward<'a> {
    planes: Planes,
    x: &'a [f32],
    dy: &'a [f32],
    layer: &'a Layer<'a>,
    channel: usize,
    statistics: (f32, f32),
    dgamma: &'a mut f32,
    dbeta: &'a mut f32,
    dx: Shared<'a>,
}

impl Task for Backward<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Planes { batch, pixels, .. } = self.planes;
        let (mean, variance) = self.statistics;
        let map = Affine::new(self.layer, self.channel, mean, variance);
        let scale = map.scale;
        let Curve { slope, last, .. } = self.layer.activation.curve();
        let inverse = inverse_deviation(variance, self.layer.epsilon);
        let (mut direct, mut along) = (0.0_f64, 0.0_f64);
        for start in self.planes.of(self.channel) {
            let (x, dy) = (
                &self.x[start..start + pixels],
                &self.dy[start..start + pixels],
            );
            for (x, dy) in x.chunks(BLOCK).zip(dy.chunks(BLOCK)) {
                let (a, b) = sum_of_two(x, dy, |x, dy| {
                    let dz = through(map.at(x), dy, slope, last);
                    (dz, dz * (x - mean))
                });
                direct += f64::from(a);
                along += f64::from(b);
            }
        }
        along *= f64::from(inverse);
        (*self.dgamma, *self.dbeta) = (along as f32, direct as f32);
        // dx = γ/σ · (dz − mean of dz − x̂ · mean of dz·x̂), as dz·scale + x·by_x + constant.
        let count = (batch * pixels) as f64;
        let by_x = (-f64::from(scale) * along / count * f64::from(inverse)) as f32;
        let constant = (-f64::from(scale) * direct / count) as f32;
        for start in self.planes.of(self.channel) {
            // SAFETY: each task writes the planes of its own channel.
            let dx = unsafe { self.dx.slice(start, pixels) };
            let (x, dy) = (
                &self.x[start..start + pixels],
                &self.dy[start..start + pixels],
            );
            for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                let dz = through(map.at(x), dy, slope, last);
                *dx = dz * scale + ((x - mean) * by_x + constant);
            }
        }
    }
}

/// 1 / √(variance + ε)
#[inline(always)]
fn inverse_deviation(variance: f32, epsilon: f32) -> f32 {
    1.0 / (variance + epsilon).sqrt()
}

/// Normalisation, scale and shift of one channel. The mean is taken off first: folded into the shift it would cost the
/// digits that a mean far from zero has in common with the values.
#[derive(Clone, Copy)]
struct Affine {
    mean: f32,
    scale: f32,
    shift: f32,
}

impl Affine {
    #[inline(always)]
    fn new(layer: &Layer, channel: usize, mean: f32, variance: f32) -> Self {
        let scale = layer.gamma[channel] * inverse_deviation(variance, layer.epsilon);
        Self {
            mean,
            scale,
            shift: layer.beta[channel],
        }
    }

    #[inline(always)]
    fn at(self, x: f32) -> f32 {
        (x - self.mean) * self.scale + self.shift
    }
}

#[inline(always)]
fn apply(x: &[f32], map: Affine, curve: Curve, y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        let z = map.at(x);
        let z = if z > 0.0 { z } else { curve.slope * z };
        *y = if z > curve.ceiling { curve.ceiling } else { z };
    }
}

/// The gradient to what the activation saw, z; see [`Curve`].
#[inline(always)]
fn through(z: f32, dy: f32, slope: f32, last: f32) -> f32 {
    if (z > 0.0) & (z <= last) {
        dy
    } else {
        slope * dy
    }
}
