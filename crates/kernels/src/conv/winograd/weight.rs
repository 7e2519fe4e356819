//! The weight's gradient: products of the images' points with those of the gradient's, summed over all tiles.
//!
//! A task has some blocks of the images' channels and some panels of the gradient's, and sums over all tiles, some at a time: first it
//! makes their points, then it multiplies. Points are made more than once that way, by each task that needs them, but what a task
//! reads its own processor has written; sent from one to another, they cost more than to make. Each sum takes the tiles in
//! order, whoever makes it.

use super::kernel::{self, Layout};
use super::plan::Plan;
use super::points::{self, Images, Place};
use super::product;
use super::scheme::Scheme;
use crate::conv::pack;
use crate::lanes::Lanes;
use crate::memory::{Aligned, Shared, with_scratch};
use crate::path::{self, Path, Task};
use rayon::prelude::*;
use std::ops::Range;

/// Tiles summed in registers: their gradients' points, of one panel, stay in the first-level cache. The same for all tasks: a sum's
/// bits depend on it.
const TILES: usize = 96;

/// The gradient to the weight of a forward plan.
pub(super) fn gradient<S: Scheme>(path: Path, plan: &Plan, images: &[f32], dy: &[f32]) -> Vec<f32> {
    let (lanes, _) = path::tile(path);
    let layout = Layout::new(plan, lanes);
    let split = Split::new(plan, layout, lanes);
    // Every block of every panel is some task's, and its first tiles overwrite what is there.
    let sums = Aligned::filled(layout.len::<S>(plan), |sums| {
        (0..split.parts[0] * split.parts[1])
            .into_par_iter()
            .for_each(|task| {
                let (blocks, panels) = split.task(task);
                let sizes = Sizes::new::<S>(plan, blocks.len(), panels.len(), lanes);
                with_scratch(sizes.total(), |scratch| {
                    let task = Part::<S> {
                        plan,
                        layout,
                        images,
                        dy,
                        blocks,
                        panels,
                        sizes,
                        scratch,
                        sums,
                        scheme: std::marker::PhantomData,
                    };
                    path::run(path, task);
                });
            });
    });
    kernel::gradient::<S>(path, plan, sums.as_slice())
}

/// How blocks of the depth, and panels of outputs, are shared between tasks. Results do not depend on it.
struct Split {
    counts: [usize; 2],
    parts: [usize; 2],
}

impl Split {
    /// The cut whose slowest thread is done first.
    fn new(plan: &Plan, layout: Layout, lanes: usize) -> Self {
        let counts = [plan.depth.div_ceil(lanes), layout.panels];
        let threads = rayon::current_num_threads();
        let phases = plan.within * plan.within;
        let most = counts.map(|count| count.min(2 * threads));
        let cuts =
            (1..=most[0]).flat_map(|blocks| (1..=most[1]).map(move |panels| [blocks, panels]));
        let cost = |cut: &[usize; 2]| {
            let [blocks, panels] = std::array::from_fn(|i| counts[i].div_ceil(cut[i]));
            let turns = (cut[0] * cut[1]).div_ceil(threads);
            // Cycles for each point of a tile: making it takes about 3 per vector, multiplying one per two products.
            turns * (3 * (blocks * phases + 2 * panels) + blocks * phases * panels * lanes)
        };
        Self {
            counts,
            parts: cuts.min_by_key(cost).unwrap_or([1, 1]),
        }
    }

    /// The blocks and panels of a task.
    fn task(&self, task: usize) -> (Range<usize>, Range<usize>) {
        let range = |axis: usize, part: usize| {
            let (count, parts) = (self.counts[axis], self.parts[axis]);
            part * count / parts..(part + 1) * count / parts
        };
        (
            range(0, task / self.parts[1]),
            range(1, task % self.parts[1]),
        )
    }
}

/// Floats of a task's scratch memory.
#[derive(Clone, Copy)]
struct Sizes {
    /// Tiles at a time.
    tiles: usize,
    /// Tiles that the points have room for: odd, so that points do not fall on one another's cache sets.
    stride: usize,
    window: usize,
    points: usize,
    gradients: usize,
}

impl Sizes {
    fn new<S: Scheme>(plan: &Plan, blocks: usize, panels: usize, lanes: usize) -> Self {
        let square = S::POINTS * S::POINTS;
        let terms = blocks * plan.within * plan.within * lanes;
        let grid = [plan.tiles::<S>(0), plan.tiles::<S>(1)];
        let tiles = TILES.min(plan.batch * grid[0] * grid[1]);
        let stride = tiles | 1;
        Self {
            tiles,
            stride,
            window: points::scratch::<S>(plan, tiles.min(grid[1]), lanes),
            points: square * terms * stride,
            gradients: square * panels * 2 * lanes * stride,
        }
    }

    fn total(&self) -> usize {
        self.window + self.points + self.gradients
    }
}

/// Some blocks of the depth, some panels of outputs, all tiles.
struct Part<'a, S> {
    plan: &'a Plan,
    layout: Layout,
    images: &'a [f32],
    dy: &'a [f32],
    blocks: Range<usize>,
    panels: Range<usize>,
    sizes: Sizes,
    scratch: &'a mut [f32],
    /// As [`kernel`] has points of weights.
    sums: Shared<'a>,
    scheme: std::marker::PhantomData<S>,
}

impl<S: Scheme> Task for Part<'_, S> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(mut self) {
        let (plan, sizes) = (self.plan, self.sizes);
        let grid = [plan.tiles::<S>(0), plan.tiles::<S>(1)];
        let all = plan.batch * grid[0] * grid[1];
        let scratch = std::mem::take(&mut self.scratch);
        let (window, rest) = scratch.split_at_mut(sizes.window);
        let (points, gradients) = rest.split_at_mut(sizes.points);
        for at in (0..all).step_by(sizes.tiles) {
            let count = sizes.tiles.min(all - at);
            let runs = pack::runs(at, count, grid[0], grid[1], usize::MAX);
            // SAFETY: the buffers are as long as `Sizes` says; the caller's promise.
            unsafe {
                self.transform::<L>(&runs, window, points, gradients);
                self.sum::<L>(count, points, gradients, at > 0);
            }
        }
    }
}

impl<S: Scheme> Part<'_, S> {
    /// Makes the points of images, `[point][block][tile][term]`, and of gradients, `[point][panel][tile][2N]`.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn transform<L: Lanes>(
        &self,
        runs: &[pack::Run],
        window: &mut [f32],
        points: &mut [f32],
        gradients: &mut [f32],
    ) {
        let plan = self.plan;
        let stride = self.sizes.stride;
        let place = Place {
            tiles: stride,
            blocks: self.blocks.len() * plan.within * plan.within,
            first: self.blocks.start,
        };
        let outputs = plan.outputs.div_ceil(L::N);
        for run in runs {
            // SAFETY: the buffers have room for the task's own blocks and panels; the caller's promise.
            unsafe {
                for block in self.blocks.clone() {
                    let (images, to) = (Images::Planes(self.images), points.as_mut_ptr());
                    points::of_run::<L, S>(plan, images, run, block, window, to, place);
                }
                for block in 2 * self.panels.start..outputs.min(2 * self.panels.end) {
                    let (to, panels) = (gradients.as_mut_ptr(), self.panels.clone());
                    points::of_gradients::<L, S>(
                        plan, self.dy, run, block, window, to, stride, panels,
                    );
                }
            }
        }
    }

    /// The products of `count` tiles, as the task's sums or added to them.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn sum<L: Lanes>(&self, count: usize, points: &[f32], gradients: &[f32], add: bool) {
        let stride = self.sizes.stride;
        let phases = self.plan.within * self.plan.within;
        let blocks = self.blocks.len() * phases;
        let panels = self.panels.len();
        let tile = 2 * L::N * L::N;
        for point in 0..S::POINTS * S::POINTS {
            for panel in 0..panels {
                let from = (point * panels + panel) * stride * 2 * L::N;
                let gradients = &gradients[from..][..count * 2 * L::N];
                let to = (point * self.layout.panels + self.panels.start + panel)
                    * self.layout.panel()
                    + self.blocks.start * phases * tile;
                // SAFETY: these blocks of this panel are this task's alone.
                let sums = unsafe { self.sums.slice(to, blocks * tile) };
                for (block, sums) in sums.chunks_exact_mut(tile).enumerate() {
                    let points = &points[(point * blocks + block) * stride * L::N..];
                    let (points, gradients) = (&points[..count * L::N], gradients.as_ptr());
                    // SAFETY: the slices have the lengths that are asked for; the caller's promise.
                    unsafe {
                        product::of_terms::<L>(
                            count,
                            points.as_ptr(),
                            gradients,
                            sums.as_mut_ptr(),
                            add,
                        );
                    }
                }
            }
        }
    }
}
