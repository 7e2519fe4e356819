//! ReLU, ReLU6 and LeakyReLU where no batch norm stands before them to be fused with, and ReLU of a sum: one pass, all threads.

use crate::lanes::Lanes;
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// What follows a normalisation or a convolution: `x` for positive x, `slope · x` for others, and nothing above a ceiling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    /// x where positive, the slope times x elsewhere.
    LeakyRelu(f32),
}

impl Activation {
    /// What negative values are multiplied by.
    #[inline(always)]
    pub(crate) fn slope(self) -> f32 {
        match self {
            Self::Identity => 1.0,
            Self::Relu | Self::Relu6 => 0.0,
            Self::LeakyRelu(slope) => slope,
        }
    }

    /// What larger values are cut to; infinite if they are not.
    #[inline(always)]
    pub(crate) fn ceiling(self) -> f32 {
        match self {
            Self::Relu6 => 6.0,
            _ => f32::INFINITY,
        }
    }

    /// The numbers that loops over elements use.
    #[inline(always)]
    pub(crate) fn curve(self) -> Curve {
        let ceiling = self.ceiling();
        Curve {
            slope: self.slope(),
            ceiling,
            last: match ceiling == f32::INFINITY {
                true => ceiling,
                false => ceiling.next_down(),
            },
        }
    }
}

/// An activation as numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Curve {
    /// What negative values are multiplied by.
    pub(crate) slope: f32,
    /// What larger values are cut to.
    pub(crate) ceiling: f32,
    /// The largest value that a gradient passes at: the last one below a ceiling (as PyTorch has it, none passes at 6).
    pub(crate) last: f32,
}

impl Curve {
    /// Its value. A NaN stays one; a slope of 0 gives 0, of an infinity too.
    #[inline(always)]
    pub(crate) fn at(self, x: f32) -> f32 {
        let y = bend(self.slope, x, x);
        if y > self.ceiling { self.ceiling } else { y }
    }

    /// The gradient to its input, `dy` being that of `output`.
    #[inline(always)]
    fn gradient(self, output: f32, dy: f32) -> f32 {
        let dx = bend(self.slope, output, dy);
        if output > self.last { 0.0 } else { dx }
    }
}

/// Elements per thread and turn.
const CHUNK: usize = 1 << 14;

/// x ← the activation of x, for every element. A NaN stays one.
pub fn apply(activation: Activation, x: &mut [f32]) {
    if activation == Activation::Identity {
        return;
    }
    let (path, curve) = (Path::current(), activation.curve());
    x.par_chunks_mut(CHUNK)
        .for_each(|x| path::run(path, Apply { curve, x }));
}

struct Apply<'a> {
    curve: Curve,
    x: &'a mut [f32],
}

impl Task for Apply<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for x in self.x {
            *x = self.curve.at(*x);
        }
    }
}

/// `x` times the slope where `at` is negative or 0, else `x`. A slope of 0 gives 0, of an infinity too.
#[inline(always)]
pub(crate) fn bend(slope: f32, at: f32, x: f32) -> f32 {
    let bent = if slope == 0.0 { 0.0 } else { slope * x };
    if at <= 0.0 { bent } else { x }
}

/// The gradient to the input of [`apply`] or [`add_relu`], in place: `gradient` comes as that of `output`. The output tells
/// which side an input was on as long as a slope is not negative.
///
/// # Panics
/// If the slices differ in length or the slope is negative.
pub fn gradient(activation: Activation, output: &[f32], gradient: &mut [f32]) {
    assert_eq!(gradient.len(), output.len(), "length of the gradient");
    let (path, curve) = (Path::current(), activation.curve());
    assert!(
        curve.slope >= 0.0,
        "a negative slope has no gradient by its output"
    );
    let chunks = gradient.par_chunks_mut(CHUNK).zip(output.par_chunks(CHUNK));
    chunks.for_each(|(gradient, output)| {
        let task = Gradient {
            curve,
            output,
            gradient,
        };
        path::run(path, task);
    });
}

struct Gradient<'a> {
    curve: Curve,
    output: &'a [f32],
    gradient: &'a mut [f32],
}

impl Task for Gradient<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for (gradient, &output) in self.gradient.iter_mut().zip(self.output) {
            *gradient = self.curve.gradient(output, *gradient);
        }
    }
}

/// `sum` ← ReLU(`sum` + `other`), in place. A NaN stays one.
///
/// # Panics
/// If the slices differ in length.
pub fn add_relu(sum: &mut [f32], other: &[f32]) {
    assert_eq!(sum.len(), other.len(), "length of the addends");
    let path = Path::current();
    let chunks = sum.par_chunks_mut(CHUNK).zip(other.par_chunks(CHUNK));
    chunks.for_each(|(sum, other)| path::run(path, AddRelu { sum, other }));
}

struct AddRelu<'a> {
    sum: &'a mut [f32],
    other: &'a [f32],
}

impl Task for AddRelu<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for (sum, &other) in self.sum.iter_mut().zip(self.other) {
            let z = *sum + other;
            *sum = bend(0.0, z, z);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::with_path;
    use crate::reference::{Noise, on_each_path};

    #[test]
    fn equals_the_plain_loop() {
        for len in [0, 1, 31, 40_001] {
            let mut noise = Noise::new(len as u64);
            let (x, dy) = (noise.floats(len), noise.floats(len));
            for (activation, slope) in [
                (Activation::Identity, 1.0),
                (Activation::Relu, 0.0),
                (Activation::LeakyRelu(0.2), 0.2),
            ] {
                let all = || {
                    let (mut y, mut dx) = (x.clone(), dy.clone());
                    apply(activation, &mut y);
                    gradient(activation, &y, &mut dx);
                    (y, dx)
                };
                on_each_path(all, |(y, dx), path| {
                    for i in 0..len {
                        let factor = if x[i] > 0.0 { 1.0 } else { slope };
                        let expected = (factor * x[i], factor * dy[i]);
                        assert_eq!((y[i], dx[i]), expected, "{path:?}, {i} of {len}");
                    }
                });
            }
        }
    }

    #[test]
    fn relu6_is_cut_and_passes_no_gradient_at_its_ends() {
        let x = [
            -1.0,
            0.0,
            0.5,
            5.999_999_5,
            6.0,
            7.0,
            f32::INFINITY,
            f32::NAN,
        ];
        for path in Path::available() {
            let (mut y, mut dx) = (x, [2.0; 8]);
            with_path(path, || {
                apply(Activation::Relu6, &mut y);
                gradient(Activation::Relu6, &y, &mut dx);
            });
            assert_eq!(y[..7], [0.0, 0.0, 0.5, 5.999_999_5, 6.0, 6.0, 6.0]);
            assert!(y[7].is_nan(), "{path:?}");
            assert_eq!(dx[..7], [0.0, 0.0, 2.0, 2.0, 0.0, 0.0, 0.0], "{path:?}");
        }
    }

    #[test]
    fn infinities_and_nans_pass() {
        let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        for path in Path::available() {
            let [mut relu, mut leaky] = [x; 2];
            with_path(path, || apply(Activation::Relu, &mut relu));
            assert!(relu[0].is_nan() && relu[1..] == [f32::INFINITY, 0.0]);
            with_path(path, || apply(Activation::LeakyRelu(0.2), &mut leaky));
            assert!(leaky[0].is_nan() && leaky[1..] == x[1..]);
        }
    }

    #[test]
    fn relu_of_a_sum_equals_the_plain_loop() {
        for len in [0, 1, 31, 40_001] {
            let mut noise = Noise::new(len as u64);
            let (a, b, dy) = (noise.floats(len), noise.floats(len), noise.floats(len));
            let all = || {
                let (mut y, mut dx) = (a.clone(), dy.clone());
                add_relu(&mut y, &b);
                gradient(Activation::Relu, &y, &mut dx);
                (y, dx)
            };
            on_each_path(all, |(y, dx), path| {
                for i in 0..len {
                    let sum = a[i] + b[i];
                    let expected = if sum > 0.0 { (sum, dy[i]) } else { (0.0, 0.0) };
                    assert_eq!((y[i], dx[i]), expected, "{path:?}, {i} of {len}");
                }
            });
        }
    }

    #[test]
    fn relu_of_a_sum_hides_no_nan() {
        for path in Path::available() {
            let mut y = [f32::NAN, 1.0, f32::NEG_INFINITY, -0.0];
            with_path(path, || add_relu(&mut y, &[0.0, f32::NAN, 0.0, -0.0]));
            assert!(y[0].is_nan() && y[1].is_nan(), "{path:?}");
            assert_eq!(y[2..], [0.0, 0.0], "{path:?}");
            let mut dx = [1.0; 4];
            with_path(path, || gradient(Activation::Relu, &y, &mut dx));
            assert_eq!(dx, [1.0, 1.0, 0.0, 0.0], "{path:?}");
        }
    }
}
