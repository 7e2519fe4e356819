//! What is made of logits: probabilities, and their cross entropy with images, without ever taking a probability's logarithm.
//!
//! The cross entropy −x·ln σ(l) − (1−x)·ln(1−σ(l)) of a logit l and a target x is max(l, 0) − l·x + ln(1 + e^−|l|), here
//! written as |l|·(1−x or x) + ln(1 + e^−|l|), a sum of two terms that are never negative. Its gradient to l is σ(l) − x.
//!
//! Sums are made in f32 over blocks of a fixed size and in f64 over the blocks, in their order, whoever made them.

use crate::lanes::Lanes;
use crate::math::{exp, ln_1p, sigmoid as sigmoid_of};
use crate::path::{self, Path, Task};
use crate::sums::sum_of_pairs;
use rayon::prelude::*;

/// Elements per thread and turn.
const CHUNK: usize = 1 << 14;

/// Floats of a block of sums: they stay in the first-level cache.
const BLOCK: usize = 2048;

/// 1 / (1 + e⁻ˣ) of every element.
pub fn sigmoid(x: &[f32]) -> Vec<f32> {
    let path = Path::current();
    let mut y = vec![0.0; x.len()];
    let chunks = y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK));
    chunks.for_each(|(y, x)| path::run(path, Sigmoid { x, y }));
    y
}

struct Sigmoid<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Task for Sigmoid<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = sigmoid_of(x);
        }
    }
}

/// The gradient to the input of [`sigmoid`], in place: `gradient` comes as that of `output`.
///
/// # Panics
/// If the slices differ in length.
pub fn sigmoid_gradient(output: &[f32], gradient: &mut [f32]) {
    assert_eq!(gradient.len(), output.len(), "length of the gradient");
    let path = Path::current();
    let chunks = gradient.par_chunks_mut(CHUNK).zip(output.par_chunks(CHUNK));
    chunks.for_each(|(gradient, output)| path::run(path, SigmoidGradient { output, gradient }));
}

struct SigmoidGradient<'a> {
    output: &'a [f32],
    gradient: &'a mut [f32],
}

impl Task for SigmoidGradient<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for (gradient, &y) in self.gradient.iter_mut().zip(self.output) {
            *gradient *= y * (1.0 - y);
        }
    }
}

/// The cross entropy of the logits of each image with `targets`, summed over its values. Images are of `len` values each.
///
/// # Panics
/// If the slices differ in length, or are not whole images.
pub fn cross_entropy(logits: &[f32], targets: &[f32], len: usize) -> Vec<f32> {
    check(logits, targets, len);
    if len == 0 {
        return Vec::new();
    }
    let path = Path::current();
    let pieces = len.div_ceil(CHUNK);
    let mut sums = vec![0.0_f64; logits.len() / len * pieces];
    sums.par_iter_mut().enumerate().for_each(|(index, sum)| {
        let start = index / pieces * len + index % pieces * CHUNK;
        let end = (start + CHUNK).min((index / pieces + 1) * len);
        let task = CrossEntropy {
            logits: &logits[start..end],
            targets: &targets[start..end],
            sum,
        };
        path::run(path, task);
    });
    sums.chunks(pieces)
        .map(|sums| sums.iter().sum::<f64>() as f32)
        .collect()
}

fn check(logits: &[f32], targets: &[f32], len: usize) {
    assert_eq!(logits.len(), targets.len(), "length of the targets");
    let images = logits.len().checked_div(len).unwrap_or(0);
    assert_eq!(logits.len(), images * len, "length of the images");
}

/// A piece of an image.
struct CrossEntropy<'a> {
    logits: &'a [f32],
    targets: &'a [f32],
    sum: &'a mut f64,
}

impl Task for CrossEntropy<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let blocks = self.logits.chunks(BLOCK).zip(self.targets.chunks(BLOCK));
        for (logits, targets) in blocks {
            *self.sum += f64::from(sum_of_pairs(logits, targets, |logit, target| {
                let missing = if logit < 0.0 { target } else { 1.0 - target };
                logit.abs() * missing + ln_1p(exp(-logit.abs()))
            }));
        }
    }
}

/// The gradient to the logits of [`cross_entropy`], given that of each image's sum.
///
/// # Panics
/// If the slices differ in length, or are not as many whole images as there are gradients.
pub fn cross_entropy_gradient(logits: &[f32], targets: &[f32], gradients: &[f32]) -> Vec<f32> {
    let len = logits.len().checked_div(gradients.len()).unwrap_or(0);
    check(logits, targets, len);
    assert_eq!(logits.len(), gradients.len() * len, "number of images");
    let path = Path::current();
    let mut result = vec![0.0; logits.len()];
    if len == 0 {
        return result;
    }
    // Pieces of images, so that one image keeps all threads busy.
    result
        .par_chunks_mut(len)
        .zip(logits.par_chunks(len).zip(targets.par_chunks(len)))
        .zip(gradients)
        .for_each(|((result, (logits, targets)), &factor)| {
            result
                .par_chunks_mut(CHUNK)
                .zip(logits.par_chunks(CHUNK).zip(targets.par_chunks(CHUNK)))
                .for_each(|(result, (logits, targets))| {
                    let task = CrossEntropyGradient {
                        logits,
                        targets,
                        factor,
                        result,
                    };
                    path::run(path, task);
                });
        });
    result
}

struct CrossEntropyGradient<'a> {
    logits: &'a [f32],
    targets: &'a [f32],
    factor: f32,
    result: &'a mut [f32],
}

impl Task for CrossEntropyGradient<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let pairs = self.logits.iter().zip(self.targets);
        for (result, (&logit, &target)) in self.result.iter_mut().zip(pairs) {
            *result = (sigmoid_of(logit) - target) * self.factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{Noise, assert_close, logit as plain, on_each_path};

    /// Logits and targets, some of them at the ends.
    fn images(count: usize, len: usize) -> (Vec<f32>, Vec<f32>) {
        let mut noise = Noise::new(len as u64);
        let ends = [0.0, -0.0, 40.0, -40.0, 200.0, -200.0];
        let mut logits: Vec<f32> = noise.floats(count * len).iter().map(|x| 8.0 * x).collect();
        for (logit, end) in logits.iter_mut().step_by(7).zip(ends.into_iter().cycle()) {
            *logit = end;
        }
        let targets = noise.floats(count * len).iter().map(|x| x.abs()).collect();
        (logits, targets)
    }

    const SIZES: [(usize, usize); 7] = [
        (0, 5),
        (1, 1),
        (3, 31),
        (2, 2048),
        (5, 2049),
        (1, 40_001),
        (3, 16_385),
    ];

    #[test]
    fn cross_entropy_equals_the_plain_loops() {
        for (count, len) in SIZES {
            let (logits, targets) = images(count, len);
            let gradients = Noise::new(1).floats(count);
            let all = || {
                (
                    cross_entropy(&logits, &targets, len),
                    cross_entropy_gradient(&logits, &targets, &gradients),
                )
            };
            on_each_path(all, |(sums, dl), path| {
                let what = format!("{count} images of {len}, {path:?}");
                let expected = plain::cross_entropy(&logits, &targets, len);
                for (ours, plain) in sums.iter().zip(&expected) {
                    assert!(
                        (ours - plain).abs() <= 1e-6 * plain,
                        "{what}: {ours} {plain}"
                    );
                }
                assert_eq!(sums.len(), count);
                let expected = plain::cross_entropy_gradient(&logits, &targets, &gradients);
                assert_close(&dl, &expected, 1e-6, &what);
            });
        }
    }

    #[test]
    fn the_gradient_at_a_logit_of_zero_is_half_less_the_target() {
        let targets = [0.0, 0.25, 1.0];
        let all = || cross_entropy_gradient(&[0.0, -0.0, 0.0], &targets, &[1.0]);
        on_each_path(all, |gradient, _| assert_eq!(gradient, [0.5, 0.25, -0.5]));
    }

    #[test]
    fn a_nan_shows() {
        let all = || cross_entropy(&[0.0, f32::NAN, 1.0, 1.0], &[0.5; 4], 2)[0].is_nan();
        on_each_path(all, |nan, path| assert!(nan, "{path:?}"));
    }

    #[test]
    fn sigmoid_equals_the_plain_loop() {
        for (count, len) in SIZES {
            let (x, dy) = images(count, len);
            let all = || {
                let (y, mut dx) = (sigmoid(&x), dy.clone());
                sigmoid_gradient(&y, &mut dx);
                (y, dx)
            };
            let (expected, expected_dx) = plain::sigmoid(&x, &dy);
            on_each_path(all, |(y, dx), path| {
                assert_close(&y, &expected, 1e-6, &format!("{path:?}"));
                assert_close(&dx, &expected_dx, 1e-6, &format!("gradient, {path:?}"));
            });
        }
    }
}
