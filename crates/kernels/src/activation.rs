//! ReLU and LeakyReLU on their own, where no batch norm stands before them to be fused with: one pass, all threads.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::with_path;
    use crate::reference::Noise;

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
}
