//! The weight's gradient: products of the images' points with those of the gradient's, summed over all tiles.
//!
//! Tiles are worked through in rounds. In a round, threads first share the tiles, to make points; then they share the sums, each of which
//! takes the round's tiles in order: so a sum's order is fixed, whoever makes it.

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

/// Floats of a round's points, about: they stay in the last-level cache.
const ROUND: usize = 1536 * 1024;

/// The gradient to the weight of a forward plan.
pub(super) fn gradient<S: Scheme>(path: Path, plan: &Plan, images: &[f32], dy: &[f32]) -> Vec<f32> {
    let (lanes, _) = path::tile(path);
    let layout = Layout::new(plan, lanes);
    let grid = [plan.tiles::<S>(0), plan.tiles::<S>(1)];
    let all = plan.batch * grid[0] * grid[1];
    let square = S::POINTS * S::POINTS;
    let per_tile = square * (layout.terms + layout.panels * 2 * lanes);
    let round = (ROUND / per_tile).clamp(64, 512).min(all);
    // An odd number of lines from block to block, so that points do not fall on one another's cache sets.
    let stride = round | 1;
    let mut points = Aligned::zeros(square * layout.terms * stride);
    let mut gradients = Aligned::zeros(square * layout.panels * 2 * lanes * stride);
    let mut sums = Aligned::zeros(layout.len::<S>(plan));
    for at in (0..all).step_by(round) {
        let count = round.min(all - at);
        let of = Round::<S> {
            plan,
            layout,
            grid,
            at,
            count,
            stride,
            scheme: std::marker::PhantomData,
        };
        of.transform(
            path,
            images,
            dy,
            points.as_mut_slice(),
            gradients.as_mut_slice(),
        );
        of.sum(
            path,
            points.as_slice(),
            gradients.as_slice(),
            sums.as_mut_slice(),
        );
    }
    kernel::gradient::<S>(path, plan, sums.as_slice())
}

/// Some tiles.
struct Round<'a, S> {
    plan: &'a Plan,
    layout: Layout,
    grid: [usize; 2],
    at: usize,
    count: usize,
    /// Tiles that the buffers have room for.
    stride: usize,
    scheme: std::marker::PhantomData<S>,
}

impl<S: Scheme> Round<'_, S> {
    /// Makes the points of images and gradients.
    fn transform(
        &self,
        path: Path,
        images: &[f32],
        dy: &[f32],
        points: &mut [f32],
        gradients: &mut [f32],
    ) {
        let (lanes, _) = path::tile(path);
        let plan = self.plan;
        let inputs = plan.depth.div_ceil(lanes);
        let outputs = plan.outputs.div_ceil(lanes);
        let (points, gradients) = (Shared::new(points), Shared::new(gradients));
        (0..inputs + outputs).into_par_iter().for_each(|block| {
            let scratch = points::scratch::<S>(plan, self.count.min(self.grid[1]), lanes);
            with_scratch(scratch, |window| {
                let task = Transform {
                    round: self,
                    images,
                    dy,
                    points,
                    gradients,
                    input: (block < inputs).then_some(block),
                    output: block.wrapping_sub(inputs),
                    window,
                };
                path::run(path, task);
            });
        });
    }

    /// Adds the products of all tiles to the sums.
    fn sum(&self, path: Path, points: &[f32], gradients: &[f32], sums: &mut [f32]) {
        sums.par_chunks_mut(self.layout.panel())
            .enumerate()
            .for_each(|(at, sums)| {
                let point = at / self.layout.panels;
                let (terms, width) = (self.layout.terms, self.layout.panel() / self.layout.terms);
                let task = Sum {
                    count: self.count,
                    stride: self.stride,
                    points: &points[point * terms * self.stride..][..terms * self.stride],
                    gradients: &gradients[at * self.stride * width..][..self.stride * width],
                    sums,
                };
                path::run(path, task);
            });
    }
}

/// The points of one block of channels.
struct Transform<'a, S> {
    round: &'a Round<'a, S>,
    images: &'a [f32],
    dy: &'a [f32],
    points: Shared<'a>,
    gradients: Shared<'a>,
    /// A block of the images' channels, or else
    input: Option<usize>,
    /// a block of the gradient's.
    output: usize,
    window: &'a mut [f32],
}

impl<S: Scheme> Task for Transform<'_, S> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Round {
            plan,
            layout,
            grid,
            at,
            count,
            stride,
            ..
        } = *self.round;
        let square = S::POINTS * S::POINTS;
        let place = Place::new(plan, stride, L::N);
        for run in pack::runs(at, count, grid[0], grid[1], usize::MAX) {
            // SAFETY: tasks write the terms, or the panels' halves, of blocks of their own.
            unsafe {
                match self.input {
                    Some(block) => {
                        let to = self.points.pointer(0, square * layout.terms * stride);
                        let (images, window) = (Images::Planes(self.images), &mut *self.window);
                        points::of_run::<L, S>(plan, images, &run, block, window, to, place);
                    }
                    None => {
                        let len = square * layout.panels * 2 * L::N * stride;
                        let to = self.gradients.pointer(0, len);
                        let (block, window) = (self.output, &mut *self.window);
                        points::of_gradients::<L, S>(
                            plan, self.dy, &run, block, window, to, stride,
                        );
                    }
                }
            }
        }
    }
}

/// The sums of one point and panel, `[term][2N]`.
struct Sum<'a> {
    count: usize,
    stride: usize,
    points: &'a [f32],
    gradients: &'a [f32],
    sums: &'a mut [f32],
}

impl Task for Sum<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        assert!(self.gradients.len() >= self.count * 2 * L::N);
        let blocks = self.points.chunks_exact(self.stride * L::N);
        for (points, sums) in blocks.zip(self.sums.chunks_exact_mut(2 * L::N * L::N)) {
            let (points, sums) = (points.as_ptr(), sums.as_mut_ptr());
            // SAFETY: the slices have the lengths that are asked for; the caller's promise.
            unsafe { product::of_terms::<L>(self.count, points, self.gradients.as_ptr(), sums) }
        }
    }
}
