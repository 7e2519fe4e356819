//! Correlation to at most four channels: an image out of features, or a single logit.
//!
//! A register tile of the general engine (`correlate`) would hold few rows then, and packing pixels would cost as much as multiplying
//! them. Here a task copies the lines that it needs once, with their border of zeros, and reads them shifted: a tile is all
//! outputs by as many vectors of neighbouring pixels as fit the registers. Weights are broadcast.

use super::pack::interleave;
use super::winograd::What;
use super::{ConvShape, direct, pack};
use crate::lanes::Lanes;
use crate::memory::{Shared, uninitialized, with_scratch};
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// The most outputs.
const OUTPUTS: usize = 4;
/// Floats of lines that a task copies, about: they stay in the second-level cache.
const LINES: usize = 48 * 1024;

/// What is correlated with what; image pixels are one apart.
struct Narrow<'a> {
    /// `[batch, depth, size]`
    images: &'a [f32],
    batch: usize,
    depth: usize,
    size: [usize; 2],
    /// At most [`OUTPUTS`].
    outputs: usize,
    output_size: [usize; 2],
    /// Phases per axis: output pixels from one pixel to the next of the same phase.
    spread: [usize; 2],
    bias: Option<&'a [f32]>,
    /// All phases, the horizontal ones side by side.
    phases: Vec<Phase>,
}

/// The kernel of one phase of the output.
struct Phase {
    /// Shifts in the image, (vertical, horizontal).
    taps: Vec<[isize; 2]>,
    /// `[channel][tap][output]`
    weights: Vec<f32>,
}

impl Phase {
    /// `weight` gives that of an output, a channel and a tap.
    fn new(
        taps: Vec<[isize; 2]>,
        depth: usize,
        outputs: usize,
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let mut weights = Vec::with_capacity(depth * taps.len() * outputs);
        for channel in 0..depth {
            for tap in 0..taps.len() {
                weights.extend((0..outputs).map(|output| weight(output, channel, tap)));
            }
        }
        Self { taps, weights }
    }
}

/// Whether this engine is the one for a convolution.
pub(super) fn fits(shape: &ConvShape, what: What) -> bool {
    let outputs = match what {
        What::InputGradient => shape.channels[0],
        _ => shape.channels[1],
    };
    let dense = what == What::InputGradient || shape.stride == [1, 1];
    shape.groups == 1 && dense && outputs <= OUTPUTS
}

/// y = x * w + b, for a stride of 1.
pub(super) fn forward(
    path: Path,
    shape: &ConvShape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let [depth, outputs] = shape.channels;
    let taps = direct::taps(shape);
    let count = taps.len();
    let phase = Phase::new(taps, depth, outputs, |row, channel, tap| {
        weight[(row * depth + channel) * count + tap]
    });
    let narrow = Narrow {
        images: x,
        batch: shape.batch,
        depth,
        size: shape.input,
        outputs,
        output_size: shape.output,
        spread: [1, 1],
        bias,
        phases: vec![phase],
    };
    run(path, &narrow)
}

/// The gradient to the images.
pub(super) fn input_gradient(
    path: Path,
    shape: &ConvShape,
    dy: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let [outputs, depth] = shape.channels;
    let area = shape.kernel[0] * shape.kernel[1];
    let phases = (0..shape.stride[0]).flat_map(|y| (0..shape.stride[1]).map(move |x| [y, x]));
    let phases = phases.map(|phase| {
        let (taps, places) = direct::phase_kernel(shape, phase);
        Phase::new(taps, depth, outputs, |row, channel, tap| {
            weight[(channel * outputs + row) * area + places[tap]]
        })
    });
    let narrow = Narrow {
        images: dy,
        batch: shape.batch,
        depth,
        size: shape.output,
        outputs,
        output_size: shape.input,
        spread: shape.stride,
        bias,
        phases: phases.collect(),
    };
    run(path, &narrow)
}

/// How lines are copied and cut into tasks.
#[derive(Clone, Copy)]
struct Frame {
    /// Pixels of a phase, (vertical, horizontal).
    grid: [usize; 2],
    /// The least shift, and from there to the largest.
    first: [isize; 2],
    reach: [usize; 2],
    /// Floats of a copied line, and lines of the grid that a task makes.
    stride: usize,
    lines: usize,
}

impl Frame {
    fn new(n: &Narrow, lanes: usize) -> Self {
        let taps = || n.phases.iter().flat_map(|phase| &phase.taps);
        let (mut first, mut reach) = ([0; 2], [0; 2]);
        for axis in 0..2 {
            let least = taps().map(|tap| tap[axis]).min().unwrap_or(0);
            let most = taps().map(|tap| tap[axis]).max().unwrap_or(0);
            (first[axis], reach[axis]) = (least, (most - least) as usize);
        }
        let grid = std::array::from_fn::<_, 2, _>(|i| n.output_size[i].div_ceil(n.spread[i]));
        let stride = (grid[1].next_multiple_of(lanes) + reach[1]).next_multiple_of(lanes);
        let fitting = (LINES / (n.depth * stride)).saturating_sub(reach[0]);
        let fair = (n.batch * grid[0]).div_ceil(4 * rayon::current_num_threads());
        Self {
            grid,
            first,
            reach,
            stride,
            lines: fitting.min(fair).clamp(1, grid[0]),
        }
    }
}

/// Computes the whole output, `[batch, outputs, output_size]`.
fn run(path: Path, narrow: &Narrow) -> Vec<f32> {
    let n = narrow;
    let (lanes, _) = path::tile(path);
    let frame = Frame::new(n, lanes);
    let tasks = frame.grid[0].div_ceil(frame.lines);
    let copied = n.depth * (frame.lines + frame.reach[0]) * frame.stride;
    let sums = n.spread[1] * OUTPUTS * frame.grid[1].next_multiple_of(lanes);
    let len = n.batch * n.outputs * n.output_size[0] * n.output_size[1];
    uninitialized(len, |out| {
        (0..n.batch * tasks).into_par_iter().for_each(|task| {
            with_scratch(copied + sums, |scratch| {
                let (lines, sums) = scratch.split_at_mut(copied);
                let first = task % tasks * frame.lines;
                let block = Block {
                    narrow,
                    frame,
                    image: task / tasks,
                    first,
                    count: frame.lines.min(frame.grid[0] - first),
                    lines,
                    sums,
                    out,
                };
                path::run(path, block);
            });
        });
    })
}

/// Some lines of the grid of one image.
struct Block<'a> {
    narrow: &'a Narrow<'a>,
    frame: Frame,
    image: usize,
    first: usize,
    count: usize,
    /// `[channel][line][column]`
    lines: &'a mut [f32],
    /// `[horizontal phase][output][column]`
    sums: &'a mut [f32],
    out: Shared<'a>,
}

impl Task for Block<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(mut self) {
        let n = self.narrow;
        let (lines, sums) = (
            std::mem::take(&mut self.lines),
            std::mem::take(&mut self.sums),
        );
        let row = OUTPUTS * self.frame.grid[1].next_multiple_of(L::N);
        // SAFETY: the caller's promise about the instruction set; tasks have lines of their own.
        unsafe {
            self.copy::<L>(lines);
            for line in 0..self.count {
                for vertical in 0..n.spread[0] {
                    for (x, sums) in sums.chunks_exact_mut(row).enumerate() {
                        let phase = &n.phases[vertical * n.spread[1] + x];
                        match n.outputs {
                            1 => self.sum::<L, 1>(phase, lines, line, sums),
                            2 => self.sum::<L, 2>(phase, lines, line, sums),
                            3 => self.sum::<L, 3>(phase, lines, line, sums),
                            _ => self.sum::<L, 4>(phase, lines, line, sums),
                        }
                    }
                    self.write::<L>((self.first + line) * n.spread[0] + vertical, sums);
                }
            }
        }
    }
}

impl Block<'_> {
    /// Copies the lines that the task sees, zeros where they leave the image.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn copy<L: Lanes>(&self, lines: &mut [f32]) {
        let (n, frame) = (self.narrow, self.frame);
        let [height, width] = n.size;
        let seen = self.count + frame.reach[0];
        for (at, into) in lines
            .chunks_exact_mut(frame.stride)
            .take(n.depth * seen)
            .enumerate()
        {
            let (channel, line) = (at / seen, at % seen);
            let y = (self.first + line) as isize + frame.first[0];
            if !(0..height as isize).contains(&y) {
                into.fill(0.0);
                continue;
            }
            let from = ((self.image * n.depth + channel) * height + y as usize) * width;
            let row = n.images[from..from + width].as_ptr();
            let (to, len) = (into.as_mut_ptr(), into.len());
            // SAFETY: `row` and `into` are slices of the lengths given.
            unsafe { pack::copy_row::<L>(row, width, frame.first[1], 1, to, len) }
        }
    }

    /// Sums one line of a phase: `[output][column]`.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn sum<L: Lanes, const O: usize>(
        &self,
        phase: &Phase,
        lines: &[f32],
        line: usize,
        sums: &mut [f32],
    ) {
        let frame = self.frame;
        let vectors = frame.grid[1].div_ceil(L::N);
        let mut done = 0;
        while done < vectors {
            let at = done * L::N;
            let sums = &mut sums[at..];
            let stride = vectors * L::N;
            // SAFETY: the caller's promise; `tile` checks the lengths.
            done += unsafe {
                match vectors - done {
                    8.. if L::TALL == 12 && O < 4 => {
                        self.tile::<L, O, 8>(phase, lines, [line, at], sums, stride)
                    }
                    4.. if L::TALL == 12 || O < 4 => {
                        self.tile::<L, O, 4>(phase, lines, [line, at], sums, stride)
                    }
                    2.. => self.tile::<L, O, 2>(phase, lines, [line, at], sums, stride),
                    _ => self.tile::<L, O, 1>(phase, lines, [line, at], sums, stride),
                }
            };
        }
    }

    /// `O` outputs by `V` vectors of pixels from `[line, column]` on; returns `V`.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn tile<L: Lanes, const O: usize, const V: usize>(
        &self,
        phase: &Phase,
        lines: &[f32],
        [line, column]: [usize; 2],
        sums: &mut [f32],
        stride: usize,
    ) -> usize {
        let (n, frame) = (self.narrow, self.frame);
        let seen = self.count + frame.reach[0];
        let furthest = ((n.depth - 1) * seen + line + frame.reach[0]) * frame.stride
            + column
            + frame.reach[1]
            + V * L::N;
        assert!(furthest <= lines.len() && phase.weights.len() == n.depth * phase.taps.len() * O);
        assert!(sums.len() >= (O - 1) * stride + V * L::N);
        // SAFETY: the assertions: no tap is further than the reach, no weight beyond their number.
        unsafe {
            let mut totals = [[L::splat(0.0); V]; O];
            let mut weights = phase.weights.as_ptr();
            for channel in 0..n.depth {
                for tap in &phase.taps {
                    let y = line + (tap[0] - frame.first[0]) as usize;
                    let x = column + (tap[1] - frame.first[1]) as usize;
                    let pixels = lines.as_ptr().add((channel * seen + y) * frame.stride + x);
                    let mut kernel = [L::splat(0.0); O];
                    for (output, kernel) in kernel.iter_mut().enumerate() {
                        *kernel = L::splat(*weights.add(output));
                    }
                    weights = weights.add(O);
                    #[allow(clippy::needless_range_loop)] // The totals' second index.
                    for v in 0..V {
                        let row = L::load(pixels.add(v * L::N));
                        for output in 0..O {
                            totals[output][v] = kernel[output].mul_add(row, totals[output][v]);
                        }
                    }
                }
            }
            for (output, total) in totals.into_iter().enumerate() {
                for (v, total) in total.into_iter().enumerate() {
                    total.store(sums.as_mut_ptr().add(output * stride + v * L::N));
                }
            }
        }
        V
    }

    /// Writes one line of the output from the sums of its horizontal phases, with the bias.
    ///
    /// # Safety
    /// No other thread writes this line; the processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn write<L: Lanes>(&self, line: usize, sums: &[f32]) {
        let n = self.narrow;
        let [height, width] = n.output_size;
        if line >= height {
            return;
        }
        let stride = self.frame.grid[1].next_multiple_of(L::N);
        for output in 0..n.outputs {
            let bias = n.bias.map_or(0.0, |bias| bias[output]);
            let at = ((self.image * n.outputs + output) * height + line) * width;
            // SAFETY: the line is this task's alone, and the slice is the only one at a time.
            let out = unsafe { self.out.slice(at, width) };
            let phase = |x: usize| &sums[(x * OUTPUTS + output) * stride..][..self.frame.grid[1]];
            match n.spread[1] {
                1 => {
                    for (out, sum) in out.iter_mut().zip(phase(0)) {
                        *out = sum + bias;
                    }
                }
                // SAFETY: the caller's promise about the instruction set.
                2 => unsafe { interleave::<L>(phase(0), phase(1), bias, out) },
                spread => {
                    for (x, out) in out.iter_mut().enumerate() {
                        *out = bias + phase(x % spread)[x / spread];
                    }
                }
            }
        }
    }
}
