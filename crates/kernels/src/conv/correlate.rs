//! The engine of the forward pass and of the input gradient:
//!
//! `out[row, pixel] = bias[row] + Σ over (channel, tap) of weight[row, channel, tap] · image[channel, pixel · step + shift of tap]`
//!
//! A task takes a block of up to 256 pixels and some rows. For each block of [`DEPTH`] terms (channel, tap) it packs the
//! pixels that those terms see into panels of two vectors, `[panel][term][lane]`, straight from the image; then a
//! register tile of `ROWS` weights by two vectors runs down each pair of panels and adds to the task's sums, which stay
//! in the second-level cache. At the end the sums are written to the image, together with the bias.
//!
//! The input gradient writes pixels `spread` apart: all column phases of a row phase are summed in one task and
//! interleaved on the way out, so that stores stay dense.

use super::pack::{self, Run, interleave};
use crate::activation::bend;
use crate::lanes::Lanes;
use crate::memory::{Aligned, Shared, with_scratch};
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// Terms summed in registers between two visits to the sums: a panel of them fits the first-level cache.
const DEPTH: usize = 256;
/// Pixels of a task.
const PIXELS: usize = 256;

/// What is correlated with what.
pub(super) struct Correlation<'a> {
    /// `[batch, groups · depth, size]`
    pub(super) images: &'a [f32],
    pub(super) batch: usize,
    pub(super) groups: usize,
    /// Channels of a group of the images.
    pub(super) depth: usize,
    pub(super) size: [usize; 2],
    /// Input pixels from one output pixel to the next (of the same phase).
    pub(super) step: [usize; 2],
    /// Channels of a group of the output.
    pub(super) outputs: usize,
    pub(super) output_size: [usize; 2],
    /// Phases per axis: output pixels from one pixel to the next of the same phase.
    pub(super) spread: [usize; 2],
    pub(super) bias: Option<&'a [f32]>,
    /// Factor of outputs below zero; only where `spread` is 1.
    pub(super) slope: f32,
}

/// One phase of output rows, `phase + i · spread`.
pub(super) struct Pass {
    pub(super) phase: usize,
    pub(super) rows: usize,
    /// The phases of its columns, in order.
    pub(super) columns: Vec<Column>,
}

/// One phase of output columns.
pub(super) struct Column {
    /// Shifts in the image, (vertical, horizontal).
    pub(super) taps: Vec<[isize; 2]>,
    /// From [`pack::rows`], terms being channels times taps.
    pub(super) weights: Aligned,
}

/// Computes the whole output, `[batch, groups · outputs, output_size]`.
pub(super) fn run(path: Path, correlation: &Correlation, passes: &[Pass]) -> Vec<f32> {
    let c = correlation;
    let mut out = vec![0.0; c.batch * c.groups * c.outputs * c.output_size[0] * c.output_size[1]];
    let shared = Shared::new(&mut out);
    for pass in passes {
        let split = Split::new(path, correlation, pass);
        (0..c.groups * split.blocks * split.parts)
            .into_par_iter()
            .for_each(|task| run_task(path, correlation, pass, &split, task, shared));
    }
    out
}

/// How the output of a pass is cut into tasks: blocks of pixels, times parts of a group's panels of rows.
struct Split {
    /// Pixels of the pass, and of a block.
    pixels: usize,
    block: usize,
    blocks: usize,
    /// Panels of a group, and of a part.
    panels: usize,
    part: usize,
    parts: usize,
}

impl Split {
    fn new(path: Path, c: &Correlation, pass: &Pass) -> Self {
        let (_, height) = path::tile(path);
        let panels = c.outputs.div_ceil(height);
        let pixels = c.batch * pass.rows * c.output_size[1].div_ceil(c.spread[1]);
        // Sums of a task stay well below the second-level cache.
        let wide = pass.columns.len() * c.outputs > 512;
        let block = if wide { PIXELS / 2 } else { PIXELS };
        let blocks = pixels.div_ceil(block);
        // Too few blocks of pixels for all threads: split the rows too, at the price of packing pixels more than once.
        let parts = (2 * rayon::current_num_threads())
            .div_ceil(blocks * c.groups)
            .clamp(1, panels.div_ceil(4));
        let part = panels.div_ceil(parts);
        Self {
            pixels,
            block,
            blocks,
            panels,
            part,
            parts: panels.div_ceil(part),
        }
    }
}

/// Runs one task of a pass with this thread's scratch memory.
fn run_task(
    path: Path,
    correlation: &Correlation,
    pass: &Pass,
    split: &Split,
    task: usize,
    out: Shared,
) {
    let (lanes, height) = path::tile(path);
    let (block, part) = (task / split.parts, task % split.parts);
    let (group, block) = (block / split.blocks, block % split.blocks);
    let (at, first) = (block * split.block, part * split.part);
    let panels = first..(first + split.part).min(split.panels);
    let count = split.block.min(split.pixels - at);
    let columns = count.next_multiple_of(2 * lanes);
    let sums = pass.columns.len() * panels.len() * height * columns;
    // Not inside the task: a closure there would not be compiled for the task's instruction set.
    with_scratch(sums + (DEPTH + 1) * columns, |scratch| {
        let (sums, packed) = scratch.split_at_mut(sums);
        let block = Block {
            correlation,
            pass,
            group,
            panels,
            at,
            count,
            out,
            sums,
            packed,
        };
        path::run(path, block);
    });
}

/// A block of pixels times some panels of rows: what one task computes.
struct Block<'a> {
    correlation: &'a Correlation<'a>,
    pass: &'a Pass,
    group: usize,
    panels: std::ops::Range<usize>,
    at: usize,
    count: usize,
    out: Shared<'a>,
    /// `[column phase][row][column]`
    sums: &'a mut [f32],
    /// `[panel][term][lane]`, with room for [`DEPTH`] terms and one that keeps panels off each other's cache sets.
    packed: &'a mut [f32],
}

impl Task for Block<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(mut self) {
        let c = self.correlation;
        let width = c.output_size[1].div_ceil(c.spread[1]);
        let columns = self.count.next_multiple_of(2 * L::N);
        let rows = self.panels.len() * L::ROWS;
        let runs = pack::runs(self.at, self.count, self.pass.rows, width, 2 * L::N);
        let (sums, packed) = (
            std::mem::take(&mut self.sums),
            std::mem::take(&mut self.packed),
        );
        for (column, sums) in self
            .pass
            .columns
            .iter()
            .zip(sums.chunks_exact_mut(rows * columns))
        {
            // SAFETY: the caller's promise about the instruction set.
            unsafe { self.sum::<L>(column, &runs, columns, sums, packed) }
        }
        let runs = pack::runs(self.at, self.count, self.pass.rows, width, usize::MAX);
        // SAFETY: as above; tasks cover disjoint pixels, rows or groups.
        unsafe { self.write::<L>(&runs, columns, sums) }
    }
}

impl Block<'_> {
    /// Sums all terms of one column phase into `sums`, `[row][column]`.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn sum<L: Lanes>(
        &self,
        column: &Column,
        runs: &[Run],
        columns: usize,
        sums: &mut [f32],
        packed: &mut [f32],
    ) {
        let c = self.correlation;
        let terms = c.depth * column.taps.len();
        if terms == 0 {
            sums.fill(0.0);
        }
        let panel_len = terms * L::ROWS;
        let group_panels = c.outputs.div_ceil(L::ROWS);
        let weights = column.weights.as_slice();
        for from in (0..terms).step_by(DEPTH) {
            let depth = DEPTH.min(terms - from);
            // SAFETY: the caller's promise.
            unsafe { self.pack::<L>(&column.taps, runs, from, depth, packed) };
            for (i, panel) in self.panels.clone().enumerate() {
                let start = (self.group * group_panels + panel) * panel_len + from * L::ROWS;
                let weights = &weights[start..start + depth * L::ROWS];
                let rows = (c.outputs - panel * L::ROWS).min(L::ROWS);
                for at in (0..columns).step_by(2 * L::N) {
                    let pixels = &packed[at * (DEPTH + 1)..][..depth * 2 * L::N];
                    let sums = &mut sums[i * L::ROWS * columns + at..]
                        [..(L::ROWS - 1) * columns + 2 * L::N];
                    // SAFETY: the three slices are of the lengths that a tile of at most `ROWS` rows touches.
                    unsafe {
                        let (a, b, s) = (weights.as_ptr(), pixels.as_ptr(), sums.as_mut_ptr());
                        tile_of::<L>(rows, depth, a, b, s, columns, from > 0);
                    }
                }
            }
        }
    }

    /// Packs what the terms `from..from + depth` see of each pixel: `[panel][term][lane]`.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn pack<L: Lanes>(
        &self,
        taps: &[[isize; 2]],
        runs: &[Run],
        from: usize,
        depth: usize,
        packed: &mut [f32],
    ) {
        let c = self.correlation;
        let [height, width] = c.size;
        let (lanes, plane) = (2 * L::N, height * width);
        let (mut channel, mut tap) = (from / taps.len(), from % taps.len());
        // Term by term, not run by run: neighbouring runs share lines of the image, and its taps all of them.
        for term in 0..depth {
            let [dy, dx] = taps[tap];
            for run in runs {
                let place = run.at / lanes * (DEPTH + 1) * lanes + term * lanes + run.at % lanes;
                let into = &mut packed[place..place + run.len];
                let y = (run.row * c.step[0]) as isize + dy;
                if (0..height as isize).contains(&y) {
                    let image = (run.image * c.groups + self.group) * c.depth;
                    let line = (image + channel) * plane + y as usize * width;
                    let row = c.images[line..line + width].as_ptr();
                    let first = (run.first * c.step[1]) as isize + dx;
                    // SAFETY: `row` and `into` are slices of the lengths given.
                    unsafe {
                        let to = into.as_mut_ptr();
                        pack::copy_row::<L>(row, width, first, c.step[1], to, run.len);
                    }
                } else {
                    into.fill(0.0);
                }
            }
            tap += 1;
            if tap == taps.len() {
                (channel, tap) = (channel + 1, 0);
            }
        }
    }

    /// Writes the sums of all column phases, with the bias, to the output.
    ///
    /// # Safety
    /// No other thread writes these pixels of these rows; the processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn write<L: Lanes>(&self, runs: &[Run], columns: usize, sums: &[f32]) {
        let c = self.correlation;
        let [height, width] = c.output_size;
        let phase_len = self.panels.len() * L::ROWS * columns;
        let first_row = self.panels.start * L::ROWS;
        for row in first_row..(self.panels.end * L::ROWS).min(c.outputs) {
            let sums = &sums[(row - first_row) * columns..];
            let bias = c
                .bias
                .map_or(0.0, |bias| bias[self.group * c.outputs + row]);
            for run in runs {
                let plane = (run.image * c.groups + self.group) * c.outputs + row;
                let line = (plane * height + self.pass.phase + run.row * c.spread[0]) * width;
                let start = run.first * c.spread[1];
                let end = width.min((run.first + run.len) * c.spread[1]);
                // SAFETY: these pixels belong to this task alone, and the slice is the only one at a time.
                let out = unsafe { self.out.slice(line + start, end - start) };
                let even = &sums[run.at..run.at + run.len];
                match c.spread[1] {
                    1 => {
                        for (out, sum) in out.iter_mut().zip(even) {
                            let sum = sum + bias;
                            *out = bend(c.slope, sum, sum);
                        }
                    }
                    2 if self.pass.columns.len() == 2 => {
                        let odd = &sums[phase_len + run.at..][..run.len];
                        // SAFETY: the caller's promise about the instruction set.
                        unsafe { interleave::<L>(even, odd, bias, out) }
                    }
                    spread => {
                        for phase in 0..self.pass.columns.len() {
                            let sums = &sums[phase * phase_len + run.at..][..run.len];
                            let out = out.iter_mut().skip(phase).step_by(spread);
                            out.zip(sums).for_each(|(out, sum)| *out = sum + bias);
                        }
                    }
                }
            }
        }
    }
}

/// A tile with as many rows in registers as are needed, of those compiled.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn tile_of<L: Lanes>(
    rows: usize,
    depth: usize,
    weights: *const f32,
    pixels: *const f32,
    sums: *mut f32,
    stride: usize,
    add: bool,
) {
    // SAFETY: the caller's promise; fewer rows touch less.
    unsafe {
        match rows {
            1 => tile::<L, 1>(depth, weights, pixels, sums, stride, add),
            2 => tile::<L, 2>(depth, weights, pixels, sums, stride, add),
            3 | 4 => tile::<L, 4>(depth, weights, pixels, sums, stride, add),
            _ if L::ROWS == 6 => tile::<L, 6>(depth, weights, pixels, sums, stride, add),
            _ => tile::<L, 8>(depth, weights, pixels, sums, stride, add),
        }
    }
}

/// The inner loop: `sums[row, 0..2N] (+)= Σ over terms of weights[term, row] · pixels[term, 0..2N]`.
///
/// # Safety
/// `weights` is readable for `depth · L::ROWS` floats, `pixels` for `depth · 2N`, `sums` writable at `row · stride + 0..2N`
/// for `R` rows, `R <= L::ROWS`; the processor has the instruction set of `L`.
#[inline(always)]
unsafe fn tile<L: Lanes, const R: usize>(
    depth: usize,
    weights: *const f32,
    pixels: *const f32,
    sums: *mut f32,
    stride: usize,
    add: bool,
) {
    // SAFETY: all accesses are within the lengths that the caller promises.
    unsafe {
        let zero = L::splat(0.0);
        let mut totals = [[zero; 2]; R];
        for term in 0..depth {
            let pixels = pixels.add(term * 2 * L::N);
            let (left, right) = (L::load(pixels), L::load(pixels.add(L::N)));
            for (row, total) in totals.iter_mut().enumerate() {
                let weight = L::splat(*weights.add(term * L::ROWS + row));
                *total = [
                    weight.mul_add(left, total[0]),
                    weight.mul_add(right, total[1]),
                ];
            }
        }
        for (row, total) in totals.into_iter().enumerate() {
            for (half, total) in total.into_iter().enumerate() {
                let place = sums.add(row * stride + half * L::N);
                let total = if add {
                    total.add(L::load(place))
                } else {
                    total
                };
                total.store(place);
            }
        }
    }
}
