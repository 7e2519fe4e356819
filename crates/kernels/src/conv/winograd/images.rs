//! The correlation itself: points of some tiles, products with the weight's points, outputs.

use super::kernel::{self, Layout};
use super::plan::Plan;
use super::points::{self, Place};
use super::product;
use super::scheme::{MAX, Output, Scheme, both};
use super::turn;
use crate::conv::pack::{self, Run};
use crate::lanes::Lanes;
use crate::memory::{Shared, uninitialized, with_scratch};
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// Tiles of a task: enough to use each weight several times, few enough that their points stay near.
const TILES: usize = 96;
/// Floats of points that a task may have: about what the second-level cache holds.
const POINTS: usize = 320 * 1024;

/// Correlates `images` with a weight: `[batch, outputs, output_size]`.
pub(super) fn correlate<S: Scheme>(
    path: Path,
    plan: &Plan,
    images: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let weights = kernel::points::<S>(path, plan, weight);
    let (lanes, _) = path::tile(path);
    let layout = Layout::new(plan, lanes);
    let mut padded = vec![0.0; layout.panels * 2 * lanes];
    if let Some(bias) = bias {
        padded[..bias.len()].copy_from_slice(bias);
    }
    let grid = [plan.tiles::<S>(0), plan.tiles::<S>(1)];
    let all = plan.batch * grid[0] * grid[1];
    let block = tiles_of_task::<S>(plan, all, lanes);
    let len = plan.batch * plan.outputs * plan.output_size[0] * plan.output_size[1];
    uninitialized(len, |out| {
        (0..all.div_ceil(block)).into_par_iter().for_each(|task| {
            let at = task * block;
            let count = block.min(all - at);
            let sizes = Sizes::new::<S>(plan, count, lanes);
            with_scratch(sizes.total(), |scratch| {
                let task = Block::<S> {
                    plan,
                    layout,
                    images,
                    weights: weights.as_slice(),
                    bias: &padded,
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
    })
}

/// How many tiles a task takes. Results do not depend on it.
fn tiles_of_task<S: Scheme>(plan: &Plan, all: usize, lanes: usize) -> usize {
    let per_tile = S::POINTS * S::POINTS * plan.phases() * plan.depth.next_multiple_of(lanes);
    let near = (POINTS / per_tile).clamp(24, TILES);
    let fair = all.div_ceil(2 * rayon::current_num_threads()).max(12);
    near.min(fair).next_multiple_of(4)
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
    images: &'a [f32],
    weights: &'a [f32],
    /// For whole panels.
    bias: &'a [f32],
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
                unsafe {
                    points::of_run::<L, S>(self.plan, images, run, block, window, to, place, run.at)
                }
            }
        }
        for panel in 0..self.layout.panels {
            for phase in 0..self.plan.spread * self.plan.spread {
                // SAFETY: the buffers are as long as `Sizes` says; the caller's promise.
                unsafe {
                    self.multiply::<L>(panel, phase, points, products);
                    self.finish::<L>(&runs, phase, products, outputs);
                }
            }
            // SAFETY: no other task has these tiles; the caller's promise.
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
                product::of_tiles::<L>(blocks, tiles, stride, points, weights, products.as_mut_ptr());
            }
        }
    }

    /// The outputs of one phase: `[half of the panel][tile's run][line][column][output]`, all phases interleaved.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn finish<L: Lanes>(
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
                    let mut square = [[unsafe { L::splat(0.0) }; MAX]; MAX];
                    // SAFETY: tiles are fewer than the buffers have, by the assertions.
                    unsafe {
                        let from = products.as_ptr().add(from);
                        for i in 0..S::POINTS {
                            for j in 0..S::POINTS {
                                square[i][j] =
                                    L::load(from.add((i * S::POINTS + j) * point_stride));
                            }
                        }
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
                    let plane = run.image * plan.outputs + first;
                    let at = (plane * height + top + line) * width + left;
                    let bias = self.bias[first..first + L::N].as_ptr();
                    // SAFETY: the lines of these channels' planes are this task's, and inside the output.
                    unsafe {
                        let reach = (channels - 1) * height * width + len;
                        let to = self.out.pointer(at, reach);
                        turn::write::<L>(from.as_ptr(), len, bias, to, height * width, channels);
                    }
                }
            }
        }
    }
}
