//! Depthwise convolutions on blocks of channels, with the 1×1 convolution before them if there is one.
//!
//! A task has two blocks of channels of an image and a band of lines. Lines of what the kernel sees pass through a ring in the cache, between
//! zeros for the padding, so that no tap needs to ask where an image ends: copied there from blocks, or made there by the 1×1 convolution,
//! whose many channels then never reach memory.

use super::features::{Features, Form, Pool, lanes};
use super::panels::bounds;
use super::pointwise::Pointwise;
use crate::activation::Activation;
use crate::conv::{ConvShape, Geometry};
use crate::lanes::{Lanes, curved};
use crate::memory::{Shared, with_scratch};
use crate::path::{self, Path, Task};
use rayon::prelude::*;
use std::ops::Range;

/// Lines of output that a task has at least: those before its first are made for it alone.
const LINES: usize = 8;

/// A convolution with a kernel of its own for each channel, its bias and what follows: blocks to blocks.
#[derive(Debug)]
pub struct Depthwise {
    shape: ConvShape,
    path: Path,
    /// `[block][tap][N]`
    weight: Vec<f32>,
    /// For whole blocks.
    bias: Vec<f32>,
    bounds: (f32, f32),
    expand: Option<Pointwise>,
}

impl Depthwise {
    /// `shape`'s batch does not matter; `weight` is `[channels, 1, kernel height, kernel width]`.
    ///
    /// # Panics
    /// If `shape` is not depthwise, lengths are not what it says, or the activation's slope is not one of 0 to 1.
    pub fn new(shape: &ConvShape, weight: &[f32], bias: &[f32], activation: Activation) -> Self {
        let [channels, depth, height, width] = shape.weight_shape();
        let groups = shape.geometry().groups;
        assert!(
            depth == 1 && groups == channels,
            "a kernel for each channel"
        );
        assert_eq!(weight.len(), shape.weight_len(), "length of the weight");
        assert_eq!(bias.len(), channels, "length of the bias");
        let (lanes, area) = (lanes(), height * width);
        let whole = channels.next_multiple_of(lanes);
        let mut blocks = vec![0.0; whole * area];
        for (channel, kernel) in weight.chunks_exact(area).enumerate() {
            let first = channel / lanes * lanes * area + channel % lanes;
            for (tap, &weight) in kernel.iter().enumerate() {
                blocks[first + tap * lanes] = weight;
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(whole, 0.0);
        Self {
            shape: *shape,
            path: Path::current(),
            weight: blocks,
            bias,
            bounds: bounds(activation),
            expand: None,
        }
    }

    /// Both together: `expand`, then this.
    ///
    /// # Panics
    /// If `expand` gives other channels than this takes.
    pub fn behind(self, expand: Pointwise) -> Self {
        let [_, channels, ..] = self.shape.input_shape();
        assert_eq!(expand.panels.outputs(), channels, "channels between");
        Self {
            expand: Some(expand),
            ..self
        }
    }

    /// Runs it.
    ///
    /// # Panics
    /// If `x` is not in blocks, or not of the shape that this was made for.
    pub fn run(&self, x: &Features, pool: &Pool) -> Features {
        let [batch, channels, height, width] = x.shape();
        let [_, inside, lines, columns] = self.shape.output_shape();
        let input = self.shape.input_shape();
        assert_eq!([height, width], input[2..], "size of the features");
        match &self.expand {
            Some(expand) => expand.check(x),
            None => assert_eq!(channels, inside, "channels of the features"),
        }
        let lanes = lanes();
        assert_eq!(path::tile(self.path).0, lanes, "prepared for other kernels");
        let terms = self
            .expand
            .as_ref()
            .map(|expand| expand.terms(height * width));
        let terms = terms.unwrap_or_default();
        let pairs = inside.div_ceil(2 * lanes);
        let bands = (4 * rayon::current_num_threads()).div_ceil(batch * pairs);
        let bands = bands.clamp(1, lines.div_ceil(LINES));
        let band = lines.div_ceil(bands);
        let bands = lines.div_ceil(band);
        let ring = Ring::new(&self.shape, lanes);
        let shape = [batch, inside, lines, columns];
        Features::filled(shape, Form::Blocks, pool, |out| {
            (0..batch * pairs * bands).into_par_iter().for_each(|task| {
                let (pair, first) = (task / bands, task % bands * band);
                with_scratch(ring.len(), |scratch| {
                    let task = Band {
                        layer: self,
                        ring,
                        x: x.blocks(),
                        terms: &terms,
                        image: pair / pairs,
                        pair: pair % pairs,
                        lines: first..lines.min(first + band),
                        scratch,
                        out,
                    };
                    path::run(self.path, task);
                });
            });
        })
    }
}

/// How the lines that a kernel sees lie in scratch memory: `[half of the pair][slot][column]`, and behind the slots a line of zeros.
#[derive(Clone, Copy)]
struct Ring {
    /// Lines from a kernel's first tap to its last.
    slots: usize,
    /// Floats of a line with its zeros.
    line: usize,
    /// Floats of zeros before a line.
    left: usize,
}

impl Ring {
    fn new(shape: &ConvShape, lanes: usize) -> Self {
        let [_, _, _, width] = shape.input_shape();
        let [_, _, _, columns] = shape.output_shape();
        let [_, _, kernel_height, kernel_width] = shape.weight_shape();
        let Geometry {
            stride,
            padding,
            dilation,
            ..
        } = shape.geometry();
        let seen = (columns - 1) * stride[1] + (kernel_width - 1) * dilation[1] + 1;
        Self {
            slots: (kernel_height - 1) * dilation[0] + 1,
            line: seen.max(padding[1] + width) * lanes,
            left: padding[1] * lanes,
        }
    }

    /// Floats of one half.
    fn half(&self) -> usize {
        (self.slots + 1) * self.line
    }

    fn len(&self) -> usize {
        2 * self.half()
    }
}

/// Some lines of output of two blocks of an image.
struct Band<'a> {
    layer: &'a Depthwise,
    ring: Ring,
    x: &'a [f32],
    terms: &'a [usize],
    image: usize,
    pair: usize,
    lines: Range<usize>,
    scratch: &'a mut [f32],
    out: Shared<'a>,
}

impl Task for Band<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(mut self) {
        let scratch = std::mem::take(&mut self.scratch);
        scratch.fill(0.0);
        let shape = &self.layer.shape;
        let [_, inside, lines, columns] = shape.output_shape();
        let [_, _, height, _] = shape.input_shape();
        let [_, _, kernel_height, kernel_width] = shape.weight_shape();
        let Geometry {
            stride,
            padding,
            dilation,
            ..
        } = shape.geometry();
        let blocks = inside.div_ceil(L::N);
        let halves = (blocks - 2 * self.pair).min(2);
        let area = kernel_height * kernel_width;
        let mut taps = vec![0; area];
        // The next line to come into the ring.
        let mut next = (self.lines.start * stride[0]).saturating_sub(padding[0]);
        for line in self.lines.clone() {
            let first = line * stride[0];
            let end = (first + self.ring.slots).saturating_sub(padding[0]);
            while next < end.min(height) {
                // SAFETY: the caller's promise.
                unsafe { self.fetch::<L>(next, halves, scratch) };
                next += 1;
            }
            for (tap, place) in taps.iter_mut().enumerate() {
                let seen = first + tap / kernel_width * dilation[0];
                let seen = seen.checked_sub(padding[0]).filter(|&seen| seen < height);
                // Zeros are behind the last slot.
                let slot = seen.map_or(self.ring.slots, |seen| seen % self.ring.slots);
                *place = slot * self.ring.line + tap % kernel_width * dilation[1] * L::N;
            }
            for half in 0..halves {
                let block = 2 * self.pair + half;
                let at = (self.image * blocks + block) * lines + line;
                let row = Row {
                    taps: &taps,
                    from: &scratch[half * self.ring.half()..][..self.ring.half()],
                    weight: &self.layer.weight[block * area * L::N..][..area * L::N],
                    bias: &self.layer.bias[block * L::N..][..L::N],
                    bounds: self.layer.bounds,
                };
                // SAFETY: this line of this block is this task's alone; a tap sees `Ring::new`'s columns of its line.
                unsafe {
                    let to = self.out.slice(at * columns * L::N, columns * L::N);
                    match stride[1] {
                        1 => row.run::<L>(1, to),
                        2 => row.run::<L>(2, to),
                        stride => row.run::<L>(stride, to),
                    }
                }
            }
        }
    }
}

impl Band<'_> {
    /// Brings a line of the images into its slot.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn fetch<L: Lanes>(&self, line: usize, halves: usize, scratch: &mut [f32]) {
        let [_, channels, height, width] = self.layer.shape.input_shape();
        let area = height * width;
        let slot = line % self.ring.slots * self.ring.line + self.ring.left;
        let places = [slot, (halves - 1) * self.ring.half() + slot];
        let Some(expand) = &self.layer.expand else {
            let blocks = self.image * channels.div_ceil(L::N) + 2 * self.pair;
            for (half, &place) in places.iter().enumerate().take(halves) {
                let from = ((blocks + half) * area + line * width) * L::N;
                let from = &self.x[from..][..width * L::N];
                scratch[place..][..width * L::N].copy_from_slice(from);
            }
            return;
        };
        let image = expand.image::<L>(area);
        let x = &self.x[self.image * image..][..image];
        let [left, right] = places;
        assert!(right + width * L::N <= scratch.len());
        // SAFETY: the line's pixels are inside the image, and inside their slots by the assertion; the caller's promise.
        unsafe {
            let from = x.as_ptr().add(line * width * L::N);
            let to = scratch.as_mut_ptr();
            let to = [to.add(left), to.add(right)];
            let panels = &expand.panels;
            panels.run::<L>(self.pair, self.terms, (from, L::N), width, to, None);
        }
    }
}

/// A line of output of a block.
struct Row<'a> {
    /// Where what the first output sees of each tap is.
    taps: &'a [usize],
    from: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    bounds: (f32, f32),
}

impl Row<'_> {
    /// All of it.
    ///
    /// # Safety
    /// Every tap has `stride` vectors for each of the line's pixels, but one for the last; the processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn run<L: Lanes>(&self, stride: usize, to: &mut [f32]) {
        let pixels = to.len() / L::N;
        let to = to.as_mut_ptr();
        let mut done = 0;
        while done < pixels {
            // SAFETY: the caller's promise; each group stays within the line.
            unsafe {
                done += match pixels - done {
                    8.. if L::TALL == 12 => self.pixels::<L, 8>(done, stride, to),
                    4.. => self.pixels::<L, 4>(done, stride, to),
                    2.. => self.pixels::<L, 2>(done, stride, to),
                    _ => self.pixels::<L, 1>(done, stride, to),
                };
            }
        }
    }

    /// `R` pixels from pixel `first` on; returns `R`.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    unsafe fn pixels<L: Lanes, const R: usize>(
        &self,
        first: usize,
        stride: usize,
        to: *mut f32,
    ) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            let from = self.from.as_ptr().add(first * stride * L::N);
            let mut weight = self.weight.as_ptr();
            let mut totals = [L::splat(0.0); R];
            for &tap in self.taps {
                let (from, factor) = (from.add(tap), L::load(weight));
                weight = weight.add(L::N);
                for (pixel, total) in totals.iter_mut().enumerate() {
                    *total = L::load(from.add(pixel * stride * L::N)).mul_add(factor, *total);
                }
            }
            let bias = L::load(self.bias.as_ptr());
            for (pixel, total) in totals.into_iter().enumerate() {
                curved(total.add(bias), self.bounds).store(to.add((first + pixel) * L::N));
            }
        }
        R
    }
}
