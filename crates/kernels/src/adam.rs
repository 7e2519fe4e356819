//! Adam (Kingma & Ba, 2015) as PyTorch computes it, one pass over memory instead of a dozen.

use crate::lanes::Lanes;
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// The constants of an Adam step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the mean of gradients.
    pub beta_1: f64,
    /// Decay of the mean of squared gradients.
    pub beta_2: f64,
    /// Added to the root, outside it.
    pub epsilon: f64,
    /// Times the weight, added to the gradient (the classic L2 form, not AdamW's); 0 for none.
    pub weight_decay: f64,
}

/// Elements per thread and turn: four slices of this size stay in the second-level cache.
const CHUNK: usize = 1 << 14;

/// One step: moves `weight` against `gradient`, and `mean` and `square`, the running means of the gradient and of its
/// square (zeros before the first step). `step` counts from 1.
///
/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − lr/(1−β₁ᵗ) · m / (√v / √(1−β₂ᵗ) + ε)
///
/// # Panics
/// If the slices differ in length or `step` is 0.
pub fn step(
    adam: &Adam,
    step: u64,
    weight: &mut [f32],
    gradient: &[f32],
    mean: &mut [f32],
    square: &mut [f32],
) {
    assert!(step > 0, "steps count from 1");
    let len = weight.len();
    assert!(
        gradient.len() == len && mean.len() == len && square.len() == len,
        "slices differ in length"
    );
    let exponent = i32::try_from(step).unwrap_or(i32::MAX);
    let rate = adam.learning_rate / (1.0 - adam.beta_1.powi(exponent));
    let root = (1.0 - adam.beta_2.powi(exponent)).sqrt();
    let path = Path::current();
    weight
        .par_chunks_mut(CHUNK)
        .zip(gradient.par_chunks(CHUNK))
        .zip(mean.par_chunks_mut(CHUNK).zip(square.par_chunks_mut(CHUNK)))
        .for_each(|((weight, gradient), (mean, square))| {
            path::run(
                path,
                Chunk {
                    adam,
                    rate: rate as f32,
                    root: root as f32,
                    weight,
                    gradient,
                    mean,
                    square,
                },
            );
        });
}

struct Chunk<'a> {
    adam: &'a Adam,
    rate: f32,
    root: f32,
    weight: &'a mut [f32],
    gradient: &'a [f32],
    mean: &'a mut [f32],
    square: &'a mut [f32],
}

impl Task for Chunk<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Adam {
            beta_1,
            beta_2,
            epsilon,
            weight_decay,
            ..
        } = *self.adam;
        // The differences are taken in f64: 1 − 0.999 in f32 is off in the fifth digit.
        let (new_1, new_2) = ((1.0 - beta_1) as f32, (1.0 - beta_2) as f32);
        let [beta_1, beta_2, epsilon, weight_decay] =
            [beta_1, beta_2, epsilon, weight_decay].map(|x| x as f32);
        let (rate, inverse_root) = (self.rate, 1.0 / self.root);
        let moments = self.mean.iter_mut().zip(self.square.iter_mut());
        for ((w, &g), (m, v)) in self.weight.iter_mut().zip(self.gradient).zip(moments) {
            let g = g + weight_decay * *w;
            *m = beta_1 * *m + new_1 * g;
            *v = beta_2 * *v + new_2 * g * g;
            *w -= rate * *m / (v.sqrt() * inverse_root + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::with_path;
    use crate::reference::{self, Noise};

    #[test]
    fn equals_the_plain_loop() {
        let adam = Adam {
            learning_rate: 1e-2,
            beta_1: 0.5,
            beta_2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.1,
        };
        for path in Path::available() {
            for len in [1, 7, 33, 40_001] {
                let mut noise = Noise::new(len as u64);
                let mut ours = [noise.floats(len), vec![0.0; len], vec![0.0; len]];
                let mut plain = ours.clone();
                for t in 1..=5 {
                    let gradient = noise.floats(len);
                    let [w, m, v] = &mut ours;
                    with_path(path, || step(&adam, t, w, &gradient, m, v));
                    let [w, m, v] = &mut plain;
                    reference::adam(&adam, t, w, &gradient, m, v);
                }
                for (ours, plain) in ours.iter().zip(&plain) {
                    reference::assert_close(ours, plain, 1e-5, &format!("{path:?}, {len} floats"));
                }
            }
        }
    }
}
