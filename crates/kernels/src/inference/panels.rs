//! Sums over terms for neighbouring pixels: the register tile of the layers that read their inputs where they lie.
//!
//! Everything here has vectors of output channels. A term is a float that each pixel sees at the same distance from its own place: an input
//! channel of a 1×1 convolution, a channel's tap of a larger one.

use crate::activation::Activation;
use crate::lanes::{Lanes, curved};
use crate::memory::Aligned;
use crate::path::{self, Path};

/// The weights of all outputs and terms, in panels of two vectors of outputs, with the bias and the activation behind the sums.
#[derive(Debug)]
pub(super) struct Panels {
    path: Path,
    terms: usize,
    outputs: usize,
    /// `[panel][term][2N]`
    weights: Aligned,
    /// For whole panels.
    bias: Vec<f32>,
    /// Factor of what is below zero, and what larger values are cut to.
    pub(super) slope: f32,
    pub(super) ceiling: f32,
}

/// Slope and ceiling of an activation, as vectors take them.
///
/// # Panics
/// If the slope is not one of 0 to 1.
pub(super) fn bounds(activation: Activation) -> (f32, f32) {
    let slope = activation.slope();
    assert!((0.0..=1.0).contains(&slope), "a slope of 0 to 1");
    (slope, activation.ceiling())
}

impl Panels {
    /// From weights `[output][term]`.
    ///
    /// # Panics
    /// If the weights or the bias are not as many as outputs and terms, or a slope is not one of 0 to 1.
    pub(super) fn new(
        outputs: usize,
        terms: usize,
        weight: &[f32],
        bias: &[f32],
        activation: Activation,
    ) -> Self {
        assert_eq!(weight.len(), outputs * terms, "length of the weight");
        assert_eq!(bias.len(), outputs, "length of the bias");
        let path = Path::current();
        let double = 2 * path::tile(path).0;
        let mut weights = Aligned::zeros(outputs.next_multiple_of(double) * terms);
        let to = weights.as_mut_slice();
        for (output, row) in weight.chunks_exact(terms.max(1)).enumerate() {
            let first = output / double * double * terms + output % double;
            for (term, &weight) in row.iter().enumerate() {
                to[first + term * double] = weight;
            }
        }
        let mut whole = bias.to_vec();
        whole.resize(outputs.next_multiple_of(double), 0.0);
        let (slope, ceiling) = bounds(activation);
        Self {
            path,
            terms,
            outputs,
            weights,
            bias: whole,
            slope,
            ceiling,
        }
    }

    pub(super) fn path(&self) -> Path {
        self.path
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Panels there are.
    pub(super) fn count(&self) -> usize {
        self.outputs.div_ceil(2 * path::tile(self.path).0)
    }

    /// The vectors of a panel that have outputs: 1 or 2.
    #[inline(always)]
    pub(super) fn halves<L: Lanes>(&self, panel: usize) -> usize {
        (self.outputs - panel * 2 * L::N).div_ceil(L::N).min(2)
    }

    /// The outputs of a panel for `pixels` neighbouring pixels. Pixel p's term t is at `from + terms[t] + p · step`; its output goes to
    /// `to[half] + p · N`, to which what lies as far behind `residual[half]` is added before the activation.
    ///
    /// # Safety
    /// All those places are readable and writable, `to[1]` and `residual[1]` only where the panel has two halves; there are as many `terms`
    /// as the panels were made for; the processor has the instruction set of `L`, whose path they were made on.
    #[inline(always)]
    pub(super) unsafe fn run<L: Lanes>(
        &self,
        panel: usize,
        terms: &[usize],
        (from, step): (*const f32, usize),
        pixels: usize,
        to: [*mut f32; 2],
        residual: Option<[*const f32; 2]>,
    ) {
        let size = self.terms * 2 * L::N;
        let weights = &self.weights.as_slice()[panel * size..][..size];
        let bias = &self.bias[panel * 2 * L::N..][..2 * L::N];
        let strip = Strip {
            terms,
            step,
            weights: weights.as_ptr(),
            bias: bias.as_ptr(),
            bounds: (self.slope, self.ceiling),
            to,
            residual,
        };
        // SAFETY: the caller's promise.
        unsafe {
            match self.halves::<L>(panel) {
                1 => strip.run::<L, 1>(from, pixels),
                _ => strip.run::<L, 2>(from, pixels),
            }
        }
    }
}

/// One panel's part in a line of pixels.
#[derive(Clone, Copy)]
struct Strip<'a> {
    terms: &'a [usize],
    step: usize,
    weights: *const f32,
    bias: *const f32,
    bounds: (f32, f32),
    to: [*mut f32; 2],
    residual: Option<[*const f32; 2]>,
}

impl Strip<'_> {
    /// [`Panels::run`] for a panel of `V` vectors.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    unsafe fn run<L: Lanes, const V: usize>(&self, from: *const f32, pixels: usize) {
        let mut done = 0;
        while done < pixels {
            // SAFETY: the caller's promise; each tile stays within `pixels`.
            unsafe {
                done += match pixels - done {
                    12.. if L::TALL == 12 => self.tile::<L, 12, V>(from, done),
                    8.. if L::TALL == 12 => self.tile::<L, 8, V>(from, done),
                    6.. if L::TALL == 6 => self.tile::<L, 6, V>(from, done),
                    4.. => self.tile::<L, 4, V>(from, done),
                    2.. => self.tile::<L, 2, V>(from, done),
                    _ => self.tile::<L, 1, V>(from, done),
                };
            }
        }
    }

    /// `R` pixels from pixel `first` on; returns `R`.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    unsafe fn tile<L: Lanes, const R: usize, const V: usize>(
        &self,
        from: *const f32,
        first: usize,
    ) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            let from = from.add(first * self.step);
            let mut totals = [[L::splat(0.0); V]; R];
            let mut weights = self.weights;
            for &term in self.terms {
                let from = from.add(term);
                let mut vectors = [L::splat(0.0); V];
                for (half, vector) in vectors.iter_mut().enumerate() {
                    *vector = L::load(weights.add(half * L::N));
                }
                weights = weights.add(2 * L::N);
                for (row, total) in totals.iter_mut().enumerate() {
                    let point = L::splat(*from.add(row * self.step));
                    for half in 0..V {
                        total[half] = point.mul_add(vectors[half], total[half]);
                    }
                }
            }
            for (row, total) in totals.into_iter().enumerate() {
                for (half, total) in total.into_iter().enumerate() {
                    let at = (first + row) * L::N;
                    // Last: a folded bias may be large, and every sum on top of it would round as it does.
                    let mut total = total.add(L::load(self.bias.add(half * L::N)));
                    if let Some(residual) = self.residual {
                        total = total.add(L::load(residual[half].add(at)));
                    }
                    curved(total, self.bounds).store(self.to[half].add(at));
                }
            }
        }
        R
    }
}
