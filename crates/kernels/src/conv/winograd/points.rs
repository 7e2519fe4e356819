//! From images to the points of their tiles.

use super::plan::Plan;
use super::scheme::{Input, Line, MAX, OutputGradient, Scheme, both, load};
use super::turn;
use crate::conv::pack::Run;
use crate::lanes::Lanes;
use std::ops::Range;

/// Where images lie.
#[derive(Clone, Copy)]
pub(crate) enum Images<'a> {
    /// `[batch, channels, height, width]`
    Planes(&'a [f32]),
    /// `[batch, blocks of N channels, height, width, channel in block]`, zeros in channels that there are not.
    Blocks(&'a [f32]),
}

/// Pixels that a run of tiles sees: where they begin, and how many there are, (vertical, horizontal).
#[derive(Clone, Copy)]
struct Window {
    first: [isize; 2],
    size: [usize; 2],
}

impl Window {
    /// Of the images that a plan correlates.
    #[inline(always)]
    fn seen<S: Scheme>(plan: &Plan, run: &Run) -> Self {
        let stride = (plan.step * S::OUT) as isize;
        Self {
            first: [
                plan.first(0) + run.row as isize * stride,
                plan.first(1) + run.first as isize * stride,
            ],
            size: [plan.window::<S>(0, 1), plan.window::<S>(1, run.len)],
        }
    }

    /// Of the output that tiles make.
    #[inline(always)]
    fn made<S: Scheme>(run: &Run) -> Self {
        Self {
            first: [run.row * S::OUT, run.first * S::OUT].map(|first| first as isize),
            size: [S::OUT, run.len * S::OUT],
        }
    }

    /// Vectors from one of its lines to the next.
    #[inline(always)]
    fn stride(&self, lanes: usize) -> usize {
        self.size[1].next_multiple_of(lanes)
    }

    /// Copies the window of up to `N` planes, as vectors of channels, `[line][column][channel]`; pixels outside the planes and
    /// channels beyond `channels` are zeros.
    ///
    /// # Safety
    /// `planes` holds that many planes of `size`, `to` room for all lines, and the processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn copy<L: Lanes>(
        &self,
        planes: &[f32],
        [height, width]: [usize; 2],
        channels: usize,
        to: &mut [f32],
    ) {
        let stride = self.stride(L::N) * L::N;
        let plane = height * width;
        assert!(channels > 0 && planes.len() >= channels * plane);
        for (line, to) in to.chunks_exact_mut(stride).take(self.size[0]).enumerate() {
            let y = self.first[0] + line as isize;
            if !(0..height as isize).contains(&y) {
                to.fill(0.0);
                continue;
            }
            for (block, to) in to.chunks_exact_mut(L::N * L::N).enumerate() {
                let x = self.first[1] + (block * L::N) as isize;
                let high = (width as isize - x).clamp(0, L::N as isize);
                let low = (-x).clamp(0, high);
                let at = (y * width as isize + x) as usize;
                // SAFETY: columns x + low .. x + high of line y lie inside each of the planes.
                unsafe {
                    let from = planes.as_ptr().wrapping_add(at);
                    let range = [low as usize, high as usize];
                    turn::read::<L>(from, plane, channels, range, to.as_mut_ptr());
                }
            }
        }
    }

    /// Copies the window of a block, which is of vectors already.
    #[inline(always)]
    fn copy_block(&self, block: &[f32], [height, width]: [usize; 2], lanes: usize, to: &mut [f32]) {
        let stride = self.stride(lanes) * lanes;
        let left = (-self.first[1]).clamp(0, self.size[1] as isize) as usize;
        let begin = (self.first[1] + left as isize) as usize;
        let count = (self.size[1] - left).min(width.saturating_sub(begin));
        for (line, to) in to.chunks_exact_mut(stride).take(self.size[0]).enumerate() {
            let y = self.first[0] + line as isize;
            let inside = (0..height as isize).contains(&y) && count > 0;
            if !inside {
                to.fill(0.0);
                continue;
            }
            let from = (y as usize * width + begin) * lanes;
            to[..left * lanes].fill(0.0);
            to[left * lanes..][..count * lanes].copy_from_slice(&block[from..][..count * lanes]);
            to[(left + count) * lanes..].fill(0.0);
        }
    }
}

/// Floats of scratch memory that a run of at most `tiles` tiles needs.
pub(super) fn scratch<S: Scheme>(plan: &Plan, tiles: usize, lanes: usize) -> usize {
    let size = [plan.window::<S>(0, 1), plan.window::<S>(1, tiles)];
    Window {
        first: [0; 2],
        size,
    }
    .stride(lanes)
        * size[0]
        * lanes
}

/// Where points go: `[phase spread over][point][block of terms][tile][term]`.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Tiles of the buffer.
    pub(super) tiles: usize,
    /// Blocks of terms: blocks of the depth times phases within.
    pub(super) blocks: usize,
    /// The first block of the depth that has a place.
    pub(super) first: usize,
}

impl Place {
    /// Of a plan's points for so many tiles.
    pub(super) fn new(plan: &Plan, tiles: usize, lanes: usize) -> Self {
        let blocks = plan.depth.div_ceil(lanes) * plan.within * plan.within;
        Self {
            tiles,
            blocks,
            first: 0,
        }
    }
}

/// The points of a run of tiles, for one block of the depth.
///
/// # Safety
/// `to` is writable where [`Place`] says, at the run's tiles; the processor has the instruction set of `L`.
#[inline(always)]
pub(super) unsafe fn of_run<L: Lanes, S: Scheme>(
    plan: &Plan,
    images: Images,
    run: &Run,
    block: usize,
    window: &mut [f32],
    to: *mut f32,
    place: Place,
) {
    let area = plan.size[0] * plan.size[1];
    let first = block * L::N;
    let channels = L::N.min(plan.depth - first);
    let seen = Window::seen::<S>(plan, run);
    let stride = seen.stride(L::N);
    assert!(window.len() >= stride * seen.size[0] * L::N);
    // SAFETY: the slices are as long as `copy` asks; each tile's window lies inside the copied one, by its size.
    unsafe {
        match images {
            Images::Planes(planes) => {
                let planes = &planes[(run.image * plan.depth + first) * area..];
                seen.copy::<L>(&planes[..channels * area], plan.size, channels, window);
            }
            Images::Blocks(blocks) => {
                let all = plan.depth.div_ceil(L::N);
                let block = &blocks[(run.image * all + block) * area * L::N..][..area * L::N];
                seen.copy_block(block, plan.size, L::N, window);
            }
        }
        for phase in 0..plan.phases() {
            let [y, x] = plan.phase(phase);
            let corner = plan.offset(0, y) * stride + plan.offset(1, x);
            let (spread, within) = if plan.spread > 1 {
                (phase, 0)
            } else {
                (0, phase)
            };
            let term = (block - place.first) * plan.within * plan.within + within;
            for tile in 0..run.len {
                let from = window
                    .as_ptr()
                    .add((corner + tile * S::OUT * plan.step) * L::N);
                let step = plan.step * L::N;
                let mut square = load::<L>(from, [S::POINTS; 2], [stride * step, step]);
                both::<L, Input<S>>(&mut square, S::POINTS, S::POINTS);
                let point_stride = place.blocks * place.tiles * L::N;
                let start = spread * S::POINTS * S::POINTS * point_stride;
                let to = to.add(start + (term * place.tiles + run.at + tile) * L::N);
                store::<L, S>(&square, to, point_stride);
            }
        }
    }
}

/// The points of the gradients that a run of tiles' outputs have, for one block of outputs:
/// `[point][panel][tile][2N]`, for some panels, of which the block must be.
///
/// # Safety
/// `to` is writable there for `tiles` tiles and all panels; the processor has the instruction set of `L`.
#[allow(clippy::too_many_arguments)] // What, of what, and where to: nothing of it belongs together.
#[inline(always)]
pub(super) unsafe fn of_gradients<L: Lanes, S: Scheme>(
    plan: &Plan,
    dy: &[f32],
    run: &Run,
    block: usize,
    window: &mut [f32],
    to: *mut f32,
    tiles: usize,
    panels: Range<usize>,
) {
    let area = plan.output_size[0] * plan.output_size[1];
    let first = block * L::N;
    let channels = L::N.min(plan.outputs - first);
    let made = Window::made::<S>(run);
    let planes = &dy[(run.image * plan.outputs + first) * area..][..channels * area];
    let stride = made.stride(L::N);
    assert!(window.len() >= stride * made.size[0] * L::N);
    let first_panel = panels.start;
    let panels = panels.len();
    // SAFETY: as in `of_run`.
    unsafe {
        made.copy::<L>(planes, plan.output_size, channels, window);
        for tile in 0..run.len {
            let from = window.as_ptr().add(tile * S::OUT * L::N);
            let mut square = load::<L>(from, [S::OUT; 2], [stride * L::N, L::N]);
            both::<L, OutputGradient<S>>(&mut square, S::OUT, S::POINTS);
            let place = ((block / 2 - first_panel) * tiles + run.at + tile) * 2 + block % 2;
            store::<L, S>(&square, to.add(place * L::N), panels * tiles * 2 * L::N);
        }
    }
}

/// Writes a square of points, `stride` floats apart.
///
/// # Safety
/// All those places are writable; the processor has the instruction set of `L`.
#[inline(always)]
pub(super) unsafe fn store<L: Lanes, S: Scheme>(
    square: &[Line<L>; MAX],
    to: *mut f32,
    stride: usize,
) {
    for i in 0..S::POINTS {
        for j in 0..S::POINTS {
            // SAFETY: the caller's promise.
            unsafe { square[i][j].store(to.add((i * S::POINTS + j) * stride)) }
        }
    }
}
