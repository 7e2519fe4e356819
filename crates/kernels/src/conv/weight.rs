//! The gradient to the weight:
//!
//! `dw[row, channel, tap] = Σ over images and pixels of dy[row, pixel] · x[channel, pixel · stride + shift of tap]`
//!
//! There is no column matrix. Images are worked through in rounds of at least [`ROUND`] pixels. For a round, `x` is
//! copied with its border of zeros, so that every (channel, tap) is one offset into it; `dy` is transposed to
//! `[block of 2N rows][pixel][row in block]`. A register tile then sums, for some (channel, tap) and a block of rows,
//! broadcast values of `x` times vectors of `dy` over a few image lines. Threads own disjoint tiles; a tile's sum over
//! blocks of pixels, then rounds, has one order.

use super::winograd::turn;
use super::{ConvShape, Geometry};
use crate::lanes::Lanes;
use crate::memory::{Aligned, Shared, with_shared_scratch};
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// Pixels of a round, at least, if there are as many.
const ROUND: usize = 1024;
/// Pixels summed in registers, about: their `dy` stays in the second-level cache.
const BLOCK: usize = 256;

/// Pixels of `dy` that a task transposes.
const PIECE: usize = 2048;

/// The gradient to the weight, `dy` being that of the output.
pub(super) fn gradient(path: Path, shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    match mirrored(shape) {
        Some(mirror) => unmirror(shape, &sum(path, &mirror, dy, x)),
        None => sum(path, shape, x, dy),
    }
}

/// The convolution whose weight gradient is that of `shape` with images and gradient in each other's place, for few
/// outputs: the loop over the weight has a vector of outputs, which few would leave empty. Only for a stride of 1.
fn mirrored(shape: &ConvShape) -> Option<ConvShape> {
    let few = shape.channels[1] < 16 && shape.channels[0] >= 16;
    if !few || shape.groups != 1 || shape.stride != [1, 1] || shape.behind != [0, 0] {
        return None;
    }
    let mut padding = [0; 2];
    for (axis, padding) in padding.iter_mut().enumerate() {
        let reach = (shape.kernel[axis] - 1) * shape.dilation[axis];
        *padding = reach.checked_sub(shape.padding[axis])?;
    }
    let weight = [
        shape.channels[0],
        shape.channels[1],
        shape.kernel[0],
        shape.kernel[1],
    ];
    let geometry = Geometry {
        padding,
        ..shape.geometry()
    };
    ConvShape::new(shape.output_shape(), weight, geometry).ok()
}

/// The weight gradient of `shape` from that of its mirror: channels swapped, taps backwards.
fn unmirror(shape: &ConvShape, mirror: &[f32]) -> Vec<f32> {
    let [depth, outputs] = shape.channels;
    let area = shape.kernel[0] * shape.kernel[1];
    let mut dw = Vec::with_capacity(mirror.len());
    for output in 0..outputs {
        for channel in 0..depth {
            let kernel = &mirror[(channel * outputs + output) * area..][..area];
            dw.extend(kernel.iter().rev());
        }
    }
    dw
}

/// The loop itself.
fn sum(path: Path, shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let plan = Plan::new(shape, path);
    let pixels = shape.output[0] * shape.output[1];
    let round = ROUND.div_ceil(pixels).min(shape.batch);
    let mut padded = Aligned::zeros(round * shape.channels[0] * plan.padded[0] * plan.padded[1]);
    let mut sums =
        Aligned::zeros(shape.groups * plan.row_blocks * plan.term_blocks * plan.tile_len());
    let turned = shape.groups * plan.row_blocks * round * pixels * plan.lanes;
    with_shared_scratch(turned, |turned| {
        for image in (0..shape.batch).step_by(round) {
            let count = round.min(shape.batch - image);
            let x = &x[image * shape.input_len() / shape.batch..];
            plan.pad(x, count, padded.as_mut_slice());
            let dy = &dy[image * shape.output_len() / shape.batch..];
            plan.turn(path, dy, count, turned);
            plan.sum(path, padded.as_slice(), turned, count, sums.as_mut_slice());
        }
    });
    plan.collect(sums.as_slice())
}

/// The layout of one call.
struct Plan<'a> {
    shape: &'a ConvShape,
    /// Rows of `dy` in a block, and (channel, tap) terms in a block.
    lanes: usize,
    height: usize,
    row_blocks: usize,
    term_blocks: usize,
    /// Height and width of `x` with its zeros.
    padded: [usize; 2],
    /// Where each term of a group begins in a group of the padded `x`; padded to whole blocks.
    offsets: Vec<usize>,
}

impl<'a> Plan<'a> {
    fn new(shape: &'a ConvShape, path: Path) -> Self {
        let (lanes, height) = path::tile(path);
        let padded: [usize; 2] = std::array::from_fn(|i| {
            (shape.output[i] - 1) * shape.stride[i] + (shape.kernel[i] - 1) * shape.dilation[i] + 1
        });
        let depth = shape.channels[0] / shape.groups;
        let mut offsets = Vec::with_capacity(depth * shape.kernel[0] * shape.kernel[1] + height);
        for channel in 0..depth {
            for ky in 0..shape.kernel[0] {
                for kx in 0..shape.kernel[1] {
                    let line = channel * padded[0] + ky * shape.dilation[0];
                    offsets.push(line * padded[1] + kx * shape.dilation[1]);
                }
            }
        }
        let term_blocks = offsets.len().div_ceil(height);
        offsets.resize(term_blocks * height, 0);
        let row_blocks = (shape.channels[1] / shape.groups).div_ceil(2 * lanes);
        Self {
            shape,
            lanes: 2 * lanes,
            height,
            row_blocks,
            term_blocks,
            padded,
            offsets,
        }
    }

    /// Floats of a tile of sums.
    fn tile_len(&self) -> usize {
        self.lanes * self.height
    }

    /// Copies `images` images with their border: `[image][channel][padded]`.
    fn pad(&self, x: &[f32], images: usize, into: &mut [f32]) {
        let [height, width] = self.shape.input;
        let [padded_height, padded_width] = self.padded;
        let [top, left] = self.shape.padding;
        let columns = width.min(padded_width.saturating_sub(left));
        let planes = into
            .par_chunks_mut(padded_height * padded_width)
            .zip(x.par_chunks(height * width));
        planes
            .take(images * self.shape.channels[0])
            .for_each(|(into, plane)| {
                // The borders are zeros since the buffer was made.
                let lines = into
                    .chunks_exact_mut(padded_width)
                    .skip(top)
                    .zip(plane.chunks_exact(width));
                for (into, line) in lines {
                    if columns > 0 {
                        into[left..left + columns].copy_from_slice(&line[..columns]);
                    }
                }
            });
    }

    /// Transposes `dy` of `images` images: `[block of rows][pixel][row in block]`.
    fn turn(&self, path: Path, dy: &[f32], images: usize, into: &mut [f32]) {
        let shape = self.shape;
        let pixels = shape.output[0] * shape.output[1];
        // Pieces of planes, not whole ones: there may be a single large one.
        into[..shape.groups * self.row_blocks * images * pixels * self.lanes]
            .par_chunks_mut(pixels * self.lanes)
            .enumerate()
            .for_each(|(plane, into)| {
                into.par_chunks_mut(PIECE * self.lanes)
                    .enumerate()
                    .for_each(|(piece, into)| {
                        let turn = Turn {
                            plan: self,
                            dy,
                            block: plane / images,
                            image: plane % images,
                            first: piece * PIECE,
                            into,
                        };
                        path::run(path, turn);
                    });
            });
    }

    /// Adds what `images` images give, as [`Plan::pad`] and [`Plan::turn`] laid them out, to all tiles of `sums`.
    fn sum(&self, path: Path, x: &[f32], dy: &[f32], images: usize, sums: &mut [f32]) {
        // Enough tasks for balance, few enough that `dy` is read from memory a few times only.
        let blocks = self.shape.groups * self.row_blocks;
        let parts = (4 * rayon::current_num_threads()).div_ceil(blocks);
        let part = self.term_blocks.div_ceil(parts.clamp(1, self.term_blocks));
        let parts = self.term_blocks.div_ceil(part);
        let sums = Shared::new(sums);
        (0..blocks * parts).into_par_iter().for_each(|task| {
            let (block, first) = (task / parts, task % parts * part);
            let tiles = Tiles {
                plan: self,
                x,
                dy,
                images,
                block,
                terms: first..(first + part).min(self.term_blocks),
                sums,
            };
            path::run(path, tiles);
        });
    }

    /// The weight's own layout from tiles `[group][row block][term block][term][row]`.
    fn collect(&self, sums: &[f32]) -> Vec<f32> {
        let mut dw = vec![0.0; self.shape.weight_len()];
        let rows = self.shape.channels[1] / self.shape.groups;
        let terms = dw.len() / self.shape.channels[1];
        let tiles = self.term_blocks * self.tile_len();
        dw.par_chunks_mut(rows * terms)
            .zip(sums.par_chunks(self.row_blocks * tiles))
            .for_each(|(dw, sums)| {
                dw.par_chunks_mut(self.lanes * terms)
                    .zip(sums.par_chunks(tiles))
                    .for_each(|(dw, sums)| {
                        // Sixteen terms of all rows at a time: both sides move by whole cache lines.
                        for from in (0..terms).step_by(16) {
                            for (lane, dw) in dw.chunks_exact_mut(terms).enumerate() {
                                for (term, dw) in dw.iter_mut().enumerate().skip(from).take(16) {
                                    *dw = sums[term * self.lanes + lane];
                                }
                            }
                        }
                    });
            });
        dw
    }
}

/// Transposes a piece of one block of rows of an image's `dy`: `[pixel][row]`.
struct Turn<'a> {
    plan: &'a Plan<'a>,
    dy: &'a [f32],
    block: usize,
    image: usize,
    /// The first pixel.
    first: usize,
    into: &'a mut [f32],
}

impl Task for Turn<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let shape = self.plan.shape;
        let pixels = shape.output[0] * shape.output[1];
        let rows = shape.channels[1] / shape.groups;
        let (group, block) = (
            self.block / self.plan.row_blocks,
            self.block % self.plan.row_blocks,
        );
        let count = self.into.len() / self.plan.lanes;
        for half in 0..2 {
            let row = block * self.plan.lanes + half * L::N;
            let live = L::N.min(rows.saturating_sub(row));
            let plane = self.image * shape.channels[1] + group * rows + row;
            let planes = match live {
                // Rows that there are not count as zeros.
                0 => &[][..],
                live => &self.dy[plane * pixels..][..live * pixels],
            };
            for at in (0..count).step_by(L::N) {
                let high = L::N.min(count - at);
                let mut square = [0.0_f32; 16 * 16];
                // SAFETY: these `high` pixels lie inside each of the `live` planes, a square of vectors inside `square`; the
                // caller's promise about the instruction set.
                unsafe {
                    let from = planes.as_ptr().wrapping_add(self.first + at);
                    turn::read::<L>(from, pixels, live, [0, high], square.as_mut_ptr());
                }
                let vectors = square.chunks_exact(L::N).take(high);
                let into = self.into[at * 2 * L::N..].chunks_exact_mut(2 * L::N);
                for (vector, into) in vectors.zip(into) {
                    into[half * L::N..][..L::N].copy_from_slice(vector);
                }
            }
        }
    }
}

/// Some tiles of one block of rows.
struct Tiles<'a> {
    plan: &'a Plan<'a>,
    x: &'a [f32],
    dy: &'a [f32],
    images: usize,
    block: usize,
    terms: std::ops::Range<usize>,
    sums: Shared<'a>,
}

impl Task for Tiles<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let (plan, shape) = (self.plan, self.plan.shape);
        let [lines, columns] = shape.output;
        let pixels = lines * columns;
        let plane = plan.padded[0] * plan.padded[1];
        let group = self.block / plan.row_blocks;
        let depth = shape.channels[0] / shape.groups;
        let dy = &self.dy[self.block * self.images * pixels * plan.lanes..]
            [..self.images * pixels * plan.lanes];
        let all = self.images * lines;
        let step = (BLOCK / columns).clamp(1, all);
        let mut starts = Vec::with_capacity(step);
        for from in (0..all).step_by(step) {
            let upto = all.min(from + step);
            starts.clear();
            starts.extend((from..upto).map(|line| {
                let image = (line / lines * shape.groups + group) * depth * plane;
                image + line % lines * shape.stride[0] * plan.padded[1]
            }));
            let dy = &dy[from * columns * plan.lanes..upto * columns * plan.lanes];
            for block in self.terms.clone() {
                let offsets = &plan.offsets[block * L::ROWS..(block + 1) * L::ROWS];
                let reach = (columns - 1) * shape.stride[1];
                let furthest = offsets.iter().max().zip(starts.iter().max());
                assert!(
                    furthest.is_some_and(|(offset, start)| offset + start + reach < self.x.len())
                );
                let at = (self.block * plan.term_blocks + block) * plan.tile_len();
                let (x, stride) = (self.x, shape.stride[1]);
                // SAFETY: tasks own disjoint tiles; the assertion and the length of `dy` are what `tile` asks for.
                unsafe {
                    let sums = self.sums.slice(at, plan.tile_len());
                    match L::ROWS {
                        8 => tile::<L, 8>(x, &starts, offsets, columns, stride, dy, sums),
                        6 => tile::<L, 6>(x, &starts, offsets, columns, stride, dy, sums),
                        _ => tile::<L, 4>(x, &starts, offsets, columns, stride, dy, sums),
                    }
                }
            }
        }
    }
}

/// The inner loop: adds to `sums[term, 0..2N]`, over all lines and their `columns` pixels,
/// `x[start of line + offset of term + pixel · stride] · dy[pixel, 0..2N]`.
///
/// # Safety
/// `x` holds all those elements, `offsets` has `R` elements, `dy` those of as many pixels as there are columns in all lines, `dy` has `2N` floats per pixel, `sums` is `R · 2N` long, and the
/// processor has the instruction set of `L`.
#[inline(always)]
unsafe fn tile<L: Lanes, const R: usize>(
    x: &[f32],
    starts: &[usize],
    offsets: &[usize],
    columns: usize,
    stride: usize,
    dy: &[f32],
    sums: &mut [f32],
) {
    // SAFETY: all accesses are those that the caller promises.
    unsafe {
        let mut totals = [[L::splat(0.0); 2]; R];
        let mut dy = dy.as_ptr();
        for start in starts {
            let lines: [*const f32; R] =
                std::array::from_fn(|term| x.as_ptr().add(start + offsets[term]));
            for pixel in 0..columns {
                let (left, right) = (L::load(dy), L::load(dy.add(L::N)));
                dy = dy.add(2 * L::N);
                for (line, total) in lines.iter().zip(&mut totals) {
                    let value = L::splat(*line.add(pixel * stride));
                    *total = [
                        value.mul_add(left, total[0]),
                        value.mul_add(right, total[1]),
                    ];
                }
            }
        }
        for (row, total) in totals.into_iter().enumerate() {
            for (half, total) in total.into_iter().enumerate() {
                let place = sums.as_mut_ptr().add((2 * row + half) * L::N);
                total.add(L::load(place)).store(place);
            }
        }
    }
}
