//! The first convolution, of the few channels that images have: planes to blocks.

use super::features::{Features, Form, Pool, lanes};
use super::panels::Panels;
use crate::activation::Activation;
use crate::conv::{ConvShape, Geometry};
use crate::lanes::Lanes;
use crate::memory::{Shared, with_scratch};
use crate::path::{self, Task};
use rayon::prelude::*;
use std::ops::Range;

/// Lines of output of a task: its part of the image stays in the second-level cache.
const LINES: usize = 8;

/// A convolution of images, which are first normalised, its bias and what follows.
#[derive(Debug)]
pub struct Stem {
    shape: ConvShape,
    /// Per channel of the images.
    mean: Vec<f32>,
    deviation: Vec<f32>,
    panels: Panels,
}

impl Stem {
    /// `shape`'s batch does not matter. A pixel x of channel c is seen as `(x − mean[c]) / deviation[c]`; the zeros around an image stay
    /// zeros.
    ///
    /// # Panics
    /// If `shape` has groups, lengths are not what it says, or the activation's slope is not one of 0 to 1.
    pub fn new(
        shape: &ConvShape,
        [mean, deviation]: [&[f32]; 2],
        weight: &[f32],
        bias: &[f32],
        activation: Activation,
    ) -> Self {
        let [outputs, channels, height, width] = shape.weight_shape();
        assert_eq!(shape.geometry().groups, 1, "groups");
        let lens = [mean.len(), deviation.len()];
        assert_eq!(lens, [channels; 2], "length of mean and deviation");
        let terms = channels * height * width;
        Self {
            shape: *shape,
            mean: mean.to_vec(),
            deviation: deviation.to_vec(),
            panels: Panels::new(outputs, terms, weight, bias, activation),
        }
    }

    /// Runs it.
    ///
    /// # Panics
    /// If the images are not of the shape that it was made for.
    pub fn run(&self, images: &Features, pool: &Pool) -> Features {
        let [batch, ..] = images.shape();
        let input = self.shape.input_shape();
        assert_eq!(images.shape()[1..], input[1..], "shape of the images");
        let prepared = path::tile(self.panels.path()).0;
        assert_eq!(prepared, lanes(), "prepared for other kernels");
        let [_, outputs, lines, columns] = self.shape.output_shape();
        let pixels = images.planes();
        let padded = Padded::new(&self.shape);
        let terms = padded.terms(&self.shape);
        let bands = lines.div_ceil(LINES);
        let shape = [batch, outputs, lines, columns];
        Features::filled(shape, Form::Blocks, pool, |out| {
            (0..batch * bands).into_par_iter().for_each(|task| {
                let (image, first) = (task / bands, task % bands * LINES);
                let len = input[1..].iter().product::<usize>();
                with_scratch(padded.len(input[1]), |scratch| {
                    let task = Band {
                        layer: self,
                        padded,
                        terms: &terms,
                        image: &pixels[image * len..][..len],
                        number: image,
                        lines: first..lines.min(first + LINES),
                        scratch,
                        out,
                    };
                    path::run(self.panels.path(), task);
                });
            });
        })
    }
}

/// The part of an image that a task sees, between zeros: `[channel][line][column]`.
#[derive(Clone, Copy)]
struct Padded {
    lines: usize,
    line: usize,
}

impl Padded {
    fn new(shape: &ConvShape) -> Self {
        let [_, _, _, width] = shape.input_shape();
        let [_, _, _, columns] = shape.output_shape();
        let [_, _, kernel_height, kernel_width] = shape.weight_shape();
        let Geometry {
            stride,
            padding,
            dilation,
            ..
        } = shape.geometry();
        let seen = |axis: usize, outputs: usize, kernel: usize| {
            (outputs - 1) * stride[axis] + (kernel - 1) * dilation[axis] + 1
        };
        Self {
            lines: seen(0, LINES, kernel_height),
            line: seen(1, columns, kernel_width).max(padding[1] + width),
        }
    }

    fn len(&self, channels: usize) -> usize {
        channels * self.lines * self.line
    }

    /// Where what the first output sees is.
    fn terms(&self, shape: &ConvShape) -> Vec<usize> {
        let [_, channels, height, width] = shape.weight_shape();
        let [down, right] = shape.geometry().dilation;
        let taps = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
        let places = taps.map(|(y, x)| y * down * self.line + x * right);
        let places: Vec<usize> = places.collect();
        (0..channels)
            .flat_map(|channel| places.iter().map(move |place| (channel, place)))
            .map(|(channel, place)| channel * self.lines * self.line + place)
            .collect()
    }
}

/// Some lines of output of an image.
struct Band<'a> {
    layer: &'a Stem,
    padded: Padded,
    terms: &'a [usize],
    /// Its planes.
    image: &'a [f32],
    number: usize,
    lines: Range<usize>,
    scratch: &'a mut [f32],
    out: Shared<'a>,
}

impl Task for Band<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(mut self) {
        let scratch = std::mem::take(&mut self.scratch);
        self.fill(scratch);
        let panels = &self.layer.panels;
        let [_, outputs, lines, columns] = self.layer.shape.output_shape();
        let stride = self.layer.shape.geometry().stride;
        let blocks = outputs.div_ceil(L::N);
        for panel in 0..panels.count() {
            let halves = panels.halves::<L>(panel);
            for line in self.lines.clone() {
                let place = |half: usize| {
                    let block = self.number * blocks + 2 * panel + half;
                    (block * lines + line) * columns * L::N
                };
                let from = (line - self.lines.start) * stride[0] * self.padded.line;
                let from = scratch[from..].as_ptr();
                // SAFETY: this line of the panel's blocks is this task's alone; its terms lie within the padded part, by `Padded::new`; the
                // second place is the first's where there is no second half, and nobody touches it then; the caller's promise.
                unsafe {
                    let len = columns * L::N;
                    let to = [
                        self.out.pointer(place(0), len),
                        self.out.pointer(place(halves - 1), len),
                    ];
                    match stride[1] {
                        2 => panels.run::<L>(panel, self.terms, (from, 2), columns, to, None),
                        step => panels.run::<L>(panel, self.terms, (from, step), columns, to, None),
                    }
                }
            }
        }
    }
}

impl Band<'_> {
    /// Copies what the task sees of the image, normalised, between zeros.
    #[inline(always)]
    fn fill(&self, scratch: &mut [f32]) {
        let [_, channels, height, width] = self.layer.shape.input_shape();
        let Geometry {
            stride, padding, ..
        } = self.layer.shape.geometry();
        let top = self.lines.start * stride[0];
        let Padded { lines, line } = self.padded;
        for channel in 0..channels {
            let (mean, deviation) = (self.layer.mean[channel], self.layer.deviation[channel]);
            for at in 0..lines {
                let to = &mut scratch[(channel * lines + at) * line..][..line];
                let Some(y) = (top + at).checked_sub(padding[0]).filter(|&y| y < height) else {
                    to.fill(0.0);
                    continue;
                };
                let (left, rest) = to.split_at_mut(padding[1]);
                let (middle, right) = rest.split_at_mut(width);
                left.fill(0.0);
                right.fill(0.0);
                let from = &self.image[(channel * height + y) * width..][..width];
                for (to, &from) in middle.iter_mut().zip(from) {
                    *to = (from - mean) / deviation;
                }
            }
        }
    }
}
