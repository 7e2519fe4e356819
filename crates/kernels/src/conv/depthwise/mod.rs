//! Convolutions with a kernel of its own for each channel, and their gradients.
//!
//! There is no sum over channels to feed a register tile with, so a plane is a task's business alone. It is copied once, with its zeros
//! around it and, for strides, split by the remainders of rows and columns: then what a tap sees of all outputs is one run of floats, rows
//! and all, and the outputs are a few such runs, each times a weight, summed. What a row's end reads of the next row's beginning are outputs
//! that nobody wants; they are left out when rows are copied out. Planes of a few pixels fill vectors like large ones.
//!
//! The gradient to the images is the same sum with runs of the output's gradient; that to the weight, products of runs.

mod layout;
mod runs;
#[cfg(test)]
mod tests;

use super::ConvShape;
use crate::lanes::Lanes;
use crate::memory::{Shared, uninitialized, with_scratch};
use crate::path::{self, Path, Task};
use layout::{Layout, reach};
use rayon::prelude::*;
use runs::{correlate, products};

/// Runs are of whole vectors of any path.
const VECTOR: usize = 16;

/// Floats that a task copies, about: less is not worth a thread's attention.
const TASK: usize = 1 << 13;

/// Whether it is one: as many channels in as out and as groups, and no zeros that nothing would see.
pub(super) fn fits(shape: &ConvShape) -> bool {
    let depthwise = shape.groups > 1 && shape.channels == [shape.groups; 2];
    depthwise
        && (0..2).all(|axis| {
            let reach = reach(shape, axis);
            let zeros = shape.padding[axis].max(shape.behind[axis]);
            zeros <= reach && reach <= 4 * shape.input[axis] + 64
        })
}

/// What tasks have in common.
#[derive(Clone, Copy)]
struct Common<'a> {
    layout: &'a Layout<'a>,
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
}

impl Common<'_> {
    /// The weight of a channel.
    #[inline(always)]
    fn kernel(&self, channel: usize) -> &[f32] {
        let taps = self.layout.taps.len();
        &self.weight[channel * taps..][..taps]
    }

    #[inline(always)]
    fn bias(&self, channel: usize) -> f32 {
        self.bias.map_or(0.0, |bias| bias[channel])
    }
}

/// y = x * w + b.
pub(super) fn forward(
    path: Path,
    shape: &ConvShape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let layout = &Layout::new(shape);
    let common = Common {
        layout,
        weight,
        bias,
    };
    by_planes(
        layout,
        x,
        [layout.input_area(), layout.output_area()],
        layout.parts() + layout.run,
        |first, x, y, scratch| {
            let task = Forward {
                common,
                first,
                x,
                y,
                scratch,
            };
            path::run(path, task);
        },
    )
}

/// Runs `task` on some planes at a time, of `areas` floats from and to, with scratch memory, and the number of the first of them.
fn by_planes(
    layout: &Layout,
    from: &[f32],
    areas: [usize; 2],
    scratch: usize,
    task: impl Fn(usize, &[f32], &mut [f32], &mut [f32]) + Sync,
) -> Vec<f32> {
    let planes = layout.planes();
    let len = layout.shape.batch * layout.shape.groups * areas[1];
    // Each task writes its planes.
    uninitialized(len, |out: Shared| {
        let tasks = from.par_chunks(planes * areas[0]).enumerate();
        tasks.for_each(|(at, from)| {
            let len = from.len() / areas[0] * areas[1];
            // SAFETY: each task has planes of its own.
            let to = unsafe { out.slice(at * planes * areas[1], len) };
            with_scratch(scratch, |scratch| task(at * planes, from, to, scratch));
        });
    })
}

/// Some planes.
struct Forward<'a> {
    common: Common<'a>,
    /// The number of the first of them.
    first: usize,
    x: &'a [f32],
    y: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl Task for Forward<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let layout = self.common.layout;
        let (parts, run) = self.scratch.split_at_mut(layout.parts());
        // Once: what lies around a plane stays.
        parts.fill(0.0);
        let mut taps: Vec<(usize, f32)> = layout.places().map(|place| (place, 0.0)).collect();
        let planes = self.x.chunks_exact(layout.input_area());
        let outputs = self.y.chunks_exact_mut(layout.output_area());
        for (at, (x, y)) in planes.zip(outputs).enumerate() {
            let channel = (self.first + at) % layout.shape.groups;
            layout.split(x, parts);
            for (tap, &weight) in taps.iter_mut().zip(self.common.kernel(channel)) {
                tap.1 = weight;
            }
            // SAFETY: the caller's promise.
            unsafe { correlate::<L>(&taps, parts, self.common.bias(channel), run) };
            layout.take(run, y);
        }
    }
}

/// The gradient to the images.
pub(super) fn input_gradient(
    path: Path,
    shape: &ConvShape,
    dy: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let layout = &Layout::new(shape);
    let common = Common {
        layout,
        weight,
        bias,
    };
    by_planes(
        layout,
        dy,
        [layout.output_area(), layout.input_area()],
        layout.parts() + layout.part() + layout.margin(),
        |first, dy, dx, scratch| {
            let task = InputGradient {
                common,
                first,
                dy,
                dx,
                scratch,
            };
            path::run(path, task);
        },
    )
}

/// Some planes.
struct InputGradient<'a> {
    common: Common<'a>,
    /// The number of the first of them.
    first: usize,
    dy: &'a [f32],
    dx: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl Task for InputGradient<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let layout = self.common.layout;
        let (parts, run) = self.scratch.split_at_mut(layout.parts());
        // Zeros before, between and behind the rows: once.
        run.fill(0.0);
        let margin = layout.margin();
        let mut taps = Vec::with_capacity(layout.taps.len());
        let planes = self.dy.chunks_exact(layout.output_area());
        let inputs = self.dx.chunks_exact_mut(layout.input_area());
        for (at, (dy, dx)) in planes.zip(inputs).enumerate() {
            let channel = (self.first + at) % layout.shape.groups;
            layout.lay(dy, &mut run[margin..]);
            let kernel = self.common.kernel(channel);
            for (number, part) in parts.chunks_exact_mut(layout.part()).enumerate() {
                taps.clear();
                for (&(of, place), &weight) in layout.taps.iter().zip(kernel) {
                    if of == number {
                        taps.push((margin - place, weight));
                    }
                }
                // SAFETY: the caller's promise.
                unsafe { correlate::<L>(&taps, run, 0.0, part) };
            }
            layout.merge(parts, self.common.bias(channel), dx);
        }
    }
}

/// The gradient to the weight.
pub(super) fn weight_gradient(path: Path, shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let layout = &Layout::new(shape);
    let taps = layout.taps.len();
    let channels = layout.planes().div_ceil(shape.batch);
    let mut dw = vec![0.0; shape.weight_len()];
    let tasks = dw.par_chunks_mut(channels * taps).enumerate();
    tasks.for_each(|(at, dw)| {
        with_scratch(layout.parts() + layout.run, |scratch| {
            let task = WeightGradient {
                layout,
                first: at * channels,
                x,
                dy,
                dw,
                scratch,
            };
            path::run(path, task);
        });
    });
    dw
}

/// Some channels of all images.
struct WeightGradient<'a> {
    layout: &'a Layout<'a>,
    /// The first of them.
    first: usize,
    x: &'a [f32],
    dy: &'a [f32],
    dw: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl Task for WeightGradient<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let layout = self.layout;
        let (parts, run) = self.scratch.split_at_mut(layout.parts());
        // Once: what lies around and between stays.
        parts.fill(0.0);
        run.fill(0.0);
        let places: Vec<usize> = layout.places().collect();
        let mut sums = vec![0.0; places.len()];
        let areas = [layout.input_area(), layout.output_area()];
        for (at, dw) in self.dw.chunks_exact_mut(places.len()).enumerate() {
            sums.fill(0.0);
            for image in 0..layout.shape.batch {
                let plane = image * layout.shape.groups + self.first + at;
                layout.split(&self.x[plane * areas[0]..][..areas[0]], parts);
                layout.lay(&self.dy[plane * areas[1]..][..areas[1]], run);
                // SAFETY: the caller's promise.
                unsafe { products::<L>(&places, parts, run, &mut sums) };
            }
            for (dw, &sum) in dw.iter_mut().zip(&sums) {
                *dw = sum as f32;
            }
        }
    }
}
