//! Where things are in a plane that was copied for its taps.

use super::super::ConvShape;
use super::{TASK, VECTOR};

/// From a kernel's first tap to its last.
pub(super) fn reach(shape: &ConvShape, axis: usize) -> usize {
    (shape.kernel[axis] - 1) * shape.dilation[axis]
}

/// Where things are in a copied plane: first by remainder of rows and columns modulo the stride, then by row.
pub(super) struct Layout<'a> {
    pub(super) shape: &'a ConvShape,
    /// Remainders that taps see, (vertical, horizontal).
    parts: [usize; 2],
    /// Rows of a part, and floats of a row.
    size: [usize; 2],
    /// Of each tap: its part, and where in it what the first output sees is.
    pub(super) taps: Vec<(usize, usize)>,
    /// Floats of a run: the first `size[1]` of each row of outputs are wanted.
    pub(super) run: usize,
}

impl<'a> Layout<'a> {
    pub(super) fn new(shape: &'a ConvShape) -> Self {
        let parts = [0, 1].map(|axis| shape.stride[axis].min(reach(shape, axis) + 1));
        let size = [0, 1].map(|axis| shape.output[axis] + reach(shape, axis) / shape.stride[axis]);
        let [height, width] = shape.kernel;
        let taps = (0..height).flat_map(|ky| (0..width).map(move |kx| [ky, kx]));
        let taps = taps.map(|tap| {
            let place = |axis: usize| tap[axis] * shape.dilation[axis];
            let part = [0, 1].map(|axis| place(axis) % shape.stride[axis]);
            let shift = [0, 1].map(|axis| place(axis) / shape.stride[axis]);
            (part[0] * parts[1] + part[1], shift[0] * size[1] + shift[1])
        });
        Self {
            shape,
            parts,
            size,
            taps: taps.collect(),
            run: (shape.output[0] * size[1]).next_multiple_of(VECTOR),
        }
    }

    /// Floats from one part to the next: a run from any tap's place stays inside.
    pub(super) fn part(&self) -> usize {
        self.run + self.margin()
    }

    /// The farthest place of a tap in its part, in whole vectors.
    pub(super) fn margin(&self) -> usize {
        let farthest = self.taps.iter().map(|tap| tap.1).max();
        farthest.unwrap_or_default().next_multiple_of(VECTOR)
    }

    /// Where what the first output sees of each tap is.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        let part = self.part();
        self.taps.iter().map(move |tap| tap.0 * part + tap.1)
    }

    /// Floats of all parts.
    pub(super) fn parts(&self) -> usize {
        self.parts[0] * self.parts[1] * self.part()
    }

    pub(super) fn input_area(&self) -> usize {
        self.shape.input[0] * self.shape.input[1]
    }

    pub(super) fn output_area(&self) -> usize {
        self.shape.output[0] * self.shape.output[1]
    }

    /// Planes of a task, whose number does not depend on that of threads.
    pub(super) fn planes(&self) -> usize {
        (TASK / self.parts()).max(1)
    }

    /// Row `y` of an image, or rather where its columns are: of each remainder, that of the first column, its place, and how many follow.
    /// Nothing where no tap sees the row.
    #[inline(always)]
    fn row(&self, y: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let [vertical, horizontal] = self.shape.stride;
        let [top, left] = self.shape.padding;
        let width = self.shape.input[1];
        let (part, row) = ((y + top) % vertical, (y + top) / vertical);
        let seen = part < self.parts[0] && row < self.size[0];
        let parts = if seen { self.parts[1] } else { 0 };
        (0..parts).map(move |remainder| {
            // The first column with that remainder.
            let first = (remainder + horizontal - left % horizontal) % horizontal;
            let column = (first + left) / horizontal;
            let there = width.saturating_sub(first).div_ceil(horizontal);
            let count = there.min(self.size[1].saturating_sub(column));
            let start = (part * self.parts[1] + remainder) * self.part();
            (first, start + row * self.size[1] + column, count)
        })
    }

    /// Copies a plane into parts, between zeros that are there.
    #[inline(always)]
    pub(super) fn split(&self, x: &[f32], parts: &mut [f32]) {
        let [height, width] = self.shape.input;
        for y in 0..height {
            let from = &x[y * width..][..width];
            for (first, place, count) in self.row(y) {
                let to = &mut parts[place..][..count];
                if !to.is_empty() {
                    gather(&from[first..], self.shape.stride[1], to);
                }
            }
        }
    }

    /// The reverse, plus `bias`; pixels that no tap sees become that.
    #[inline(always)]
    pub(super) fn merge(&self, parts: &[f32], bias: f32, x: &mut [f32]) {
        let [height, width] = self.shape.input;
        let stride = self.shape.stride[1];
        for y in 0..height {
            let to = &mut x[y * width..][..width];
            to.fill(bias);
            for (first, place, count) in self.row(y) {
                let from = &parts[place..][..count];
                if let Some(to) = to.get_mut(first..) {
                    spread(from, stride, to);
                }
            }
        }
    }

    /// Copies a plane of outputs, or of their gradient, into the rows of a run.
    #[inline(always)]
    pub(super) fn lay(&self, y: &[f32], run: &mut [f32]) {
        let rows = y.chunks_exact(self.shape.output[1]);
        for (from, to) in rows.zip(run.chunks_mut(self.size[1])) {
            to[..from.len()].copy_from_slice(from);
        }
    }

    /// The reverse.
    #[inline(always)]
    pub(super) fn take(&self, run: &[f32], y: &mut [f32]) {
        let rows = y.chunks_exact_mut(self.shape.output[1]);
        for (to, from) in rows.zip(run.chunks(self.size[1])) {
            to.copy_from_slice(&from[..to.len()]);
        }
    }
}

/// Every `stride`-th float of `from`.
#[inline(always)]
fn gather(from: &[f32], stride: usize, to: &mut [f32]) {
    match stride {
        1 => to.copy_from_slice(&from[..to.len()]),
        2 => {
            // All but the last have a neighbour to their right, so that whole pairs can be read.
            let last = to.len() - 1;
            for (to, pair) in to[..last].iter_mut().zip(from.as_chunks::<2>().0) {
                *to = pair[0];
            }
            to[last] = from[2 * last];
        }
        _ => {
            for (to, from) in to.iter_mut().zip(from.iter().step_by(stride)) {
                *to = *from;
            }
        }
    }
}

/// Adds to every `stride`-th float of `to`.
#[inline(always)]
fn spread(from: &[f32], stride: usize, to: &mut [f32]) {
    match stride {
        1 => {
            for (to, from) in to.iter_mut().zip(from) {
                *to += *from;
            }
        }
        _ => {
            for (to, from) in to.iter_mut().step_by(stride).zip(from) {
                *to += *from;
            }
        }
    }
}
