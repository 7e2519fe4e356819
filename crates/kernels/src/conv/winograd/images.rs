//! The correlation itself: points of some tiles, products with the weight's points, outputs.

use super::kernel::Layout;
use super::plan::Plan;
use super::points::{self, Images, Place};
use super::product;
use super::scheme::{Output, Scheme, both, load};
use super::turn;
use crate::conv::pack::{self, Run};
use crate::lanes::{Lanes, curved};
use crate::memory::{Shared, with_scratch};
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// Tiles of a task: enough to use each weight several times, few enough that their points stay near.
const TILES: usize = 96;
/// Floats of points that a task may have: about what the second-level cache holds.
const POINTS: usize = 320 * 1024;

/// What happens to an output, and where it goes.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    /// Added per channel; for whole panels.
    pub(super) bias: &'a [f32],
    /// Added per pixel, in blocks like the output's; `true`: at half its size, each pixel four times.
    pub(super) residual: Option<(&'a [f32], bool)>,
    /// Factor of what is then below zero, 0 to 1, and what larger values are cut to.
    pub(super) bounds: (f32, f32),
    /// In blocks of channels instead of planes.
    pub(super) blocks: bool,
}

/// Correlates `images` with the points of a weight into `out`, `[batch, outputs, output_size]`, all of it.
pub(super) fn correlate<S: Scheme>(
    path: Path,
    plan: &Plan,
    images: Images,
    weights: &[f32],
    finish: Finish,
    out: Shared,
) {
    let (lanes, _) = path::tile(path);
    let layout = Layout::new(plan, lanes);
    let grid = [plan.tiles::<S>(0), plan.tiles::<S>(1)];
    let split = Split::new::<S>(plan, layout, lanes);
    (0..split.blocks * split.parts)
        .into_par_iter()
        .for_each(|task| {
            let at = task / split.parts * split.block;
            let first = task % split.parts * split.part;
            let panels = first..(first + split.part).min(layout.panels);
            let count = split.block.min(split.tiles.saturating_sub(at));
            if count == 0 || panels.is_empty() {
                return;
            }
            let sizes = Sizes::new::<S>(plan, count, lanes);
            with_scratch(sizes.total(), |scratch| {
                let task = Block::<S> {
                    plan,
                    layout,
                    panels,
                    images,
                    weights,
                    finish,
                    grid,
                    at,
                    count,
                    sizes,
                    scratch,
                    out,
                    scheme: std::marker::PhantomData,
                };
                path::run(path, task);
            });
        });
}

/// How the work is cut into tasks: blocks of tiles, times parts of the panels. Results do not depend on it.
struct Split {
    tiles: usize,
    /// Tiles of a block.
    block: usize,
    blocks: usize,
    /// Panels of a part.
    part: usize,
    parts: usize,
}

impl Split {
    fn new<S: Scheme>(plan: &Plan, layout: Layout, lanes: usize) -> Self {
        let tiles = plan.batch * plan.tiles::<S>(0) * plan.tiles::<S>(1);
        let per_tile = S::POINTS * S::POINTS * plan.phases() * plan.depth.next_multiple_of(lanes);
        let near = (POINTS / per_tile).clamp(24, TILES);
        let threads = rayon::current_num_threads();
        // As many for each thread, so that none waits for another.
        let blocks = match tiles.div_ceil(near) {
            few if few * 2 <= threads => few,
            blocks => blocks.next_multiple_of(threads),
        };
        let block = tiles.div_ceil(blocks).next_multiple_of(4);
        let blocks = tiles.div_ceil(block);
        // Few tiles: each task makes all their points, and multiplies some panels.
        let parts = (2 * threads).div_ceil(blocks).min(layout.panels);
        let parts = if blocks >= 2 * threads { 1 } else { parts };
        let part = layout.panels.div_ceil(parts);
        Self {
            tiles,
            block,
            blocks,
            part,
            parts: layout.panels.div_ceil(part),
        }
    }
}

/// Floats of a task's scratch memory.
#[derive(Clone, Copy)]
struct Sizes {
    /// Tiles that are multiplied, an even number.
    tiles: usize,
    /// Tiles that the points have room for: odd, so that points do not fall on one another's cache sets.
    stride: usize,
    window: usize,
    points: usize,
    products: usize,
    outputs: usize,
}

impl Sizes {
    fn new<S: Scheme>(plan: &Plan, count: usize, lanes: usize) -> Self {
        let tiles = count.next_multiple_of(2);
        let square = S::POINTS * S::POINTS;
        let stride = tiles + 1;
        let place = Place::new(plan, stride, lanes);
        let longest = count.min(plan.tiles::<S>(1));
        Self {
            tiles,
            stride,
            window: points::scratch::<S>(plan, longest, lanes),
            points: plan.spread * plan.spread * square * place.blocks * stride * lanes,
            products: square * tiles * 2 * lanes,
            outputs: 2 * count * (S::OUT * plan.spread).pow(2) * lanes,
        }
    }

    fn total(&self) -> usize {
        self.window + self.points + self.products + self.outputs
    }
}

/// Some tiles, all outputs of them.
struct Block<'a, S> {
    plan: &'a Plan,
    layout: Layout,
    panels: std::ops::Range<usize>,
    images: Images<'a>,
    weights: &'a [f32],
    finish: Finish<'a>,
    /// Tiles of an image, (vertical, horizontal).
    grid: [usize; 2],
    at: usize,
    count: usize,
    sizes: Sizes,
    scratch: &'a mut [f32],
    out: Shared<'a>,
    scheme: std::marker::PhantomData<S>,
}

impl<S: Scheme> Task for Block<'_, S> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(mut self) {
        let scratch = std::mem::take(&mut self.scratch);
        let (window, rest) = scratch.split_at_mut(self.sizes.window);
        let (points, rest) = rest.split_at_mut(self.sizes.points);
        let (products, outputs) = rest.split_at_mut(self.sizes.products);
        let runs = pack::runs(self.at, self.count, self.grid[0], self.grid[1], usize::MAX);
        let place = Place::new(self.plan, self.sizes.stride, L::N);
        for run in &runs {
            for block in 0..self.plan.depth.div_ceil(L::N) {
                let (images, to) = (self.images, points.as_mut_ptr());
                // SAFETY: `points` has room for all tiles of the task, by `Sizes`; the caller's promise.
                unsafe { points::of_run::<L, S>(self.plan, images, run, block, window, to, place) }
            }
        }
        for panel in self.panels.clone() {
            for phase in 0..self.plan.spread * self.plan.spread {
                // SAFETY: the buffers are as long as `Sizes` says; the caller's promise.
                unsafe {
                    self.multiply::<L>(panel, phase, points, products);
                    self.transform::<L>(&runs, phase, products, outputs);
                }
            }
            // SAFETY: no other task has these tiles of this panel; the caller's promise.
            unsafe { self.write::<L>(&runs, panel, outputs) }
        }
    }
}

impl<S: Scheme> Block<'_, S> {
    /// The products of one phase and panel, `[point][tile][2N]`.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn multiply<L: Lanes>(
        &self,
        panel: usize,
        phase: usize,
        points: &[f32],
        products: &mut [f32],
    ) {
        let square = S::POINTS * S::POINTS;
        let Sizes { tiles, stride, .. } = self.sizes;
        let blocks = self.layout.terms / L::N;
        for point in 0..square {
            let from = (phase * square + point) * blocks * stride * L::N;
            let points = &points[from..][..blocks * stride * L::N];
            let at = ((phase * square + point) * self.layout.panels + panel) * self.layout.panel();
            let weights = &self.weights[at..][..self.layout.panel()];
            let products = &mut products[point * tiles * 2 * L::N..][..tiles * 2 * L::N];
            let (points, weights) = (points.as_ptr(), weights.as_ptr());
            // SAFETY: the slices have the lengths that are asked for.
            unsafe {
                product::of_tiles::<L>(
                    blocks,
                    tiles,
                    stride,
                    points,
                    weights,
                    products.as_mut_ptr(),
                );
            }
        }
    }

    /// The outputs of one phase: `[half of the panel][tile's run][line][column][output]`, all phases interleaved.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn transform<L: Lanes>(
        &self,
        runs: &[Run],
        phase: usize,
        products: &[f32],
        outputs: &mut [f32],
    ) {
        let spread = self.plan.spread;
        let side = S::OUT * spread;
        let (y, x) = (phase / spread, phase % spread);
        let point_stride = self.sizes.tiles * 2 * L::N;
        assert!(products.len() >= S::POINTS * S::POINTS * point_stride);
        assert!(outputs.len() >= 2 * self.count * side * side * L::N);
        for half in 0..2 {
            for run in runs {
                let start = (half * self.count + run.at) * side * side;
                for tile in 0..run.len {
                    let from = (run.at + tile) * 2 * L::N + half * L::N;
                    // SAFETY: tiles are fewer than the buffers have, by the assertions.
                    unsafe {
                        let from = products.as_ptr().add(from);
                        let strides = [S::POINTS * point_stride, point_stride];
                        let mut square = load::<L>(from, [S::POINTS; 2], strides);
                        both::<L, Output<S>>(&mut square, S::POINTS, S::OUT);
                        for i in 0..S::OUT {
                            for j in 0..S::OUT {
                                let line = start + (i * spread + y) * run.len * side;
                                let column = (tile * S::OUT + j) * spread + x;
                                let to = outputs.as_mut_ptr().add((line + column) * L::N);
                                square[i][j].store(to);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Writes a panel's outputs to their images.
    ///
    /// # Safety
    /// No other thread writes these tiles' outputs; the processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn write<L: Lanes>(&self, runs: &[Run], panel: usize, outputs: &[f32]) {
        let plan = self.plan;
        let side = S::OUT * plan.spread;
        let [height, width] = plan.output_size;
        for half in 0..2 {
            let first = (2 * panel + half) * L::N;
            if first >= plan.outputs {
                continue;
            }
            let channels = L::N.min(plan.outputs - first);
            for run in runs {
                let start = (half * self.count + run.at) * side * side;
                let (top, left) = (run.row * side, run.first * side);
                let len = (run.len * side).min(width - left);
                for line in 0..side.min(height - top) {
                    let from = &outputs[(start + line * run.len * side) * L::N..][..len * L::N];
                    if self.finish.blocks {
                        let at = [run.image, 2 * panel + half, top + line, left];
                        // SAFETY: this task's tiles; the caller's promise.
                        unsafe { self.write_block::<L>(from, at) }
                        continue;
                    }
                    let plane = run.image * plan.outputs + first;
                    let at = (plane * height + top + line) * width + left;
                    let bias = self.finish.bias[first..first + L::N].as_ptr();
                    // SAFETY: the lines of these channels' planes are this task's, and inside the output.
                    unsafe {
                        let (area, bounds) = (height * width, self.finish.bounds);
                        let to = self.out.pointer(at, (channels - 1) * area + len);
                        turn::write::<L>(from.as_ptr(), len, bias, bounds, to, area, channels);
                    }
                }
            }
        }
    }

    /// Writes some vectors of a line of a block, from `[image, block, line, column]` on.
    ///
    /// # Safety
    /// No other thread writes them; the processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn write_block<L: Lanes>(&self, from: &[f32], at: [usize; 4]) {
        let [image, block, line, column] = at;
        let [height, width] = self.plan.output_size;
        let blocks = self.plan.outputs.div_ceil(L::N);
        let plane = image * blocks + block;
        let start = ((plane * height + line) * width + column) * L::N;
        let bias = &self.finish.bias[block * L::N..][..L::N];
        // SAFETY: all places are inside slices, by their indexing or assertions; the caller's promise.
        unsafe {
            let bias = L::load(bias.as_ptr());
            let to = self.out.slice(start, from.len());
            for (i, (from, to)) in from
                .chunks_exact(L::N)
                .zip(to.chunks_exact_mut(L::N))
                .enumerate()
            {
                let mut sum = L::load(from.as_ptr()).add(bias);
                if let Some((residual, half)) = self.finish.residual {
                    let place = match half {
                        false => start + i * L::N,
                        true => {
                            let line = plane * (height / 2) + line / 2;
                            (line * (width / 2) + (column + i) / 2) * L::N
                        }
                    };
                    sum = sum.add(L::load(residual[place..][..L::N].as_ptr()));
                }
                curved(sum, self.finish.bounds).store(to.as_mut_ptr());
            }
        }
    }
}
