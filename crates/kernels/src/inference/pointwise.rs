//! 1×1 convolutions that read blocks of channels where they lie.

use super::features::{Features, Form, Pool, lanes};
use super::panels::Panels;
use crate::activation::Activation;
use crate::lanes::Lanes;
use crate::memory::Shared;
use crate::path::{self, Task};
use rayon::prelude::*;

/// Pixels of a task, about: all weights pass by them once, and their channels stay in the second-level cache.
const PIXELS: usize = 96;

/// A 1×1 convolution of stride 1, its bias and what follows: blocks to blocks.
#[derive(Debug)]
pub struct Pointwise {
    inputs: usize,
    pub(super) panels: Panels,
}

impl Pointwise {
    /// From `inputs` channels to as many as there are in `bias`; `weight` is `[output, input]`.
    ///
    /// # Panics
    /// If there are not as many weights, or the activation's slope is not one of 0 to 1.
    pub fn new(inputs: usize, weight: &[f32], bias: &[f32], activation: Activation) -> Self {
        Self {
            inputs,
            panels: Panels::new(bias.len(), inputs, weight, bias, activation),
        }
    }

    /// Runs it; `residual`, of the output's shape, is added before the activation.
    ///
    /// # Panics
    /// If `x` or the residual are not in blocks, or of other channels or sizes.
    pub fn run(&self, x: &Features, residual: Option<&Features>, pool: &Pool) -> Features {
        let [batch, _, height, width] = x.shape();
        self.check(x);
        let shape = [batch, self.panels.outputs(), height, width];
        let residual = residual.map(|residual| {
            assert_eq!(residual.shape(), shape, "shape of the residual");
            residual.blocks()
        });
        let area = height * width;
        let terms = self.terms(area);
        let chunks = area.div_ceil(PIXELS);
        // As many for each thread, so that none waits for another.
        let chunks = chunks.next_multiple_of(rayon::current_num_threads());
        let chunk = area.div_ceil(chunks).next_multiple_of(4);
        let chunks = area.div_ceil(chunk);
        Features::filled(shape, Form::Blocks, pool, |out| {
            (0..batch * chunks).into_par_iter().for_each(|task| {
                let (image, first) = (task / chunks, task % chunks * chunk);
                let task = Chunk {
                    layer: self,
                    x: x.blocks(),
                    residual,
                    terms: &terms,
                    area,
                    image,
                    pixels: first..area.min(first + chunk),
                    out,
                };
                path::run(self.panels.path(), task);
            });
        })
    }

    /// Refuses features that it was not made for.
    pub(super) fn check(&self, x: &Features) {
        assert_eq!(x.shape()[1], self.inputs, "channels of the features");
        let prepared = path::tile(self.panels.path()).0;
        assert_eq!(prepared, lanes(), "prepared for other kernels");
    }

    /// Where in an image of `area` pixels the first pixel's input channels are.
    pub(super) fn terms(&self, area: usize) -> Vec<usize> {
        let lanes = lanes();
        let inputs = 0..self.inputs;
        inputs
            .map(|input| input / lanes * area * lanes + input % lanes)
            .collect()
    }

    /// Floats of an image of `area` pixels in blocks of `N` channels.
    #[inline(always)]
    pub(super) fn image<L: Lanes>(&self, area: usize) -> usize {
        self.inputs.next_multiple_of(L::N) * area
    }
}

/// Some pixels of an image, all outputs.
struct Chunk<'a> {
    layer: &'a Pointwise,
    x: &'a [f32],
    residual: Option<&'a [f32]>,
    terms: &'a [usize],
    area: usize,
    image: usize,
    pixels: std::ops::Range<usize>,
    out: Shared<'a>,
}

impl Task for Chunk<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let panels = &self.layer.panels;
        let (first, count) = (self.pixels.start, self.pixels.len());
        let image = self.layer.image::<L>(self.area);
        let x = &self.x[self.image * image..][..image];
        let blocks = panels.outputs().div_ceil(L::N);
        for panel in 0..panels.count() {
            let halves = panels.halves::<L>(panel);
            let block = self.image * blocks + 2 * panel;
            let place = |half: usize| ((block + half) * self.area + first) * L::N;
            // The second half where there is one, else the first again, which nobody touches.
            let places = [place(0), place(halves - 1)];
            let mut residuals = None;
            if let Some(residual) = self.residual {
                let [left, right] = places;
                let len = count * L::N;
                residuals = Some([
                    residual[left..][..len].as_ptr(),
                    residual[right..][..len].as_ptr(),
                ]);
            }
            // SAFETY: these pixels of the panel's blocks are this task's alone, and inside the output by its assertions; the terms of its
            // pixels lie inside the image; the caller's promise.
            unsafe {
                let [left, right] = places;
                let to = [
                    self.out.pointer(left, count * L::N),
                    self.out.pointer(right, count * L::N),
                ];
                let from = x.as_ptr().add(first * L::N);
                panels.run::<L>(panel, self.terms, (from, L::N), count, to, residuals);
            }
        }
    }
}
