//! ReLU and LeakyReLU where no batch norm stands before them to be fused with, and ReLU of a sum: one pass, all threads.

use crate::lanes::Lanes;
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// What follows a normalisation or a convolution: `x` for positive x, `slope · x` for others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// max(x, 0).
    Relu,
    /// x where positive, the slope times x elsewhere.
    LeakyRelu(f32),
}

impl Activation {
    /// What negative values are multiplied by.
    #[inline(always)]
    pub(crate) fn slope(self) -> f32 {
        match self {
            Self::Identity => 1.0,
            Self::Relu => 0.0,
            Self::LeakyRelu(slope) => slope,
        }
    }
}

/// Elements per thread and turn.
const CHUNK: usize = 1 << 14;

/// The activation of every element.
pub fn forward(activation: Activation, x: &[f32]) -> Vec<f32> {
    let (path, slope) = (Path::current(), activation.slope());
    let mut y = vec![0.0; x.len()];
    let chunks = y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK));
    chunks.for_each(|(y, x)| path::run(path, Forward { slope, x, y }));
    y
}

struct Forward<'a> {
    slope: f32,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Task for Forward<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = if x > 0.0 { x } else { self.slope * x };
        }
    }
}

/// The gradient to `x`, `dy` being that of the output.
///
/// # Panics
/// If the slices differ in length.
pub fn backward(activation: Activation, x: &[f32], dy: &[f32]) -> Vec<f32> {
    assert_eq!(x.len(), dy.len(), "length of the gradient");
    let (path, slope) = (Path::current(), activation.slope());
    let mut dx = vec![0.0; x.len()];
    let chunks = dx
        .par_chunks_mut(CHUNK)
        .zip(x.par_chunks(CHUNK).zip(dy.par_chunks(CHUNK)));
    chunks.for_each(|(dx, (x, dy))| path::run(path, Backward { slope, x, dy, dx }));
    dx
}

struct Backward<'a> {
    slope: f32,
    x: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Task for Backward<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for (dx, (&x, &dy)) in self.dx.iter_mut().zip(self.x.iter().zip(self.dy)) {
            *dx = if x > 0.0 { dy } else { self.slope * dy };
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
            *sum = if z <= 0.0 { 0.0 } else { z };
        }
    }
}

/// The gradient to either addend of [`add_relu`], in place: `gradient`, that of its output, where `output` is not 0.
///
/// # Panics
/// If the slices differ in length.
pub fn add_relu_gradient(gradient: &mut [f32], output: &[f32]) {
    assert_eq!(gradient.len(), output.len(), "length of the gradient");
    let path = Path::current();
    let chunks = gradient.par_chunks_mut(CHUNK).zip(output.par_chunks(CHUNK));
    chunks.for_each(|(gradient, output)| path::run(path, Mask { gradient, output }));
}

struct Mask<'a> {
    gradient: &'a mut [f32],
    output: &'a [f32],
}

impl Task for Mask<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for (gradient, &output) in self.gradient.iter_mut().zip(self.output) {
            *gradient = if output <= 0.0 { 0.0 } else { *gradient };
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
        for path in Path::available() {
            for len in [0, 1, 31, 40_001] {
                let mut noise = Noise::new(len as u64);
                let (x, dy) = (noise.floats(len), noise.floats(len));
                for (activation, slope) in
                    [(Activation::Relu, 0.0), (Activation::LeakyRelu(0.2), 0.2)]
                {
                    let y = with_path(path, || forward(activation, &x));
                    let dx = with_path(path, || backward(activation, &x, &dy));
                    for i in 0..len {
                        let factor = if x[i] > 0.0 { 1.0 } else { slope };
                        assert_eq!((y[i], dx[i]), (factor * x[i], factor * dy[i]));
                    }
                }
            }
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
                add_relu_gradient(&mut dx, &y);
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
            with_path(path, || add_relu_gradient(&mut dx, &y));
            assert_eq!(dx, [1.0, 1.0, 0.0, 0.0], "{path:?}");
        }
    }
}
