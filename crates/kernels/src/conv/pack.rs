//! Packing: weights into panels of rows, and pixels of images into panels of columns, as the register tile eats them.

use crate::lanes::Lanes;
use crate::memory::Aligned;
use crate::path::{self, Path};
use rayon::prelude::*;

/// Weights as `[group][panel][term][row in panel]`, rows padded with zeros to whole panels.
pub(super) fn rows(
    path: Path,
    groups: usize,
    outputs: usize,
    terms: usize,
    weight: impl Fn(usize, usize, usize) -> f32 + Sync,
) -> Aligned {
    let (_, height) = path::tile(path);
    let panels = outputs.div_ceil(height);
    let mut packed = Aligned::zeros(groups * panels * terms * height);
    if terms > 0 {
        packed
            .as_mut_slice()
            .par_chunks_mut(terms * height)
            .enumerate()
            .for_each(|(panel, into)| {
                let (group, first) = (panel / panels, panel % panels * height);
                for row in 0..height.min(outputs - first) {
                    for (term, into) in into.chunks_exact_mut(height).enumerate() {
                        into[row] = weight(group, first + row, term);
                    }
                }
            });
    }
    packed
}

/// A run of output pixels within one row of one image: pixel `first` to `first + len` of `row`, which are the columns
/// `at..at + len` of a block.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) image: usize,
    pub(super) row: usize,
    pub(super) first: usize,
    pub(super) len: usize,
    pub(super) at: usize,
}

/// Cuts the pixels `from..from + count`, counted over images, rows and columns, into runs that cross neither a row's
/// end nor a multiple of `panel` columns.
pub(super) fn runs(from: usize, count: usize, rows: usize, width: usize, panel: usize) -> Vec<Run> {
    let mut runs = Vec::with_capacity(count / panel + count / width + 2);
    let mut at = 0;
    while at < count {
        let (line, first) = ((from + at) / width, (from + at) % width);
        let len = (width - first).min(count - at).min(panel - at % panel);
        runs.push(Run {
            image: line / rows,
            row: line % rows,
            first,
            len,
            at,
        });
        at += len;
    }
    runs
}

/// Copies `len` pixels of an image's row, beginning at column `first` and `step` apart, to `to`; columns outside the
/// row are zeros.
///
/// # Safety
/// `row` is readable for `width` floats, `to` writable for `len`, and the processor has the instruction set of `L`.
#[inline(always)]
pub(super) unsafe fn copy_row<L: Lanes>(
    row: *const f32,
    width: usize,
    first: isize,
    step: usize,
    to: *mut f32,
    len: usize,
) {
    let width = width as isize;
    let lanes = L::N as isize;
    let mut done = 0;
    while done < len {
        let count = L::N.min(len - done);
        let from = first + (done * step) as isize;
        // SAFETY: each load touches columns 0..width of the row only (`load_range` for those at the edges, whose base
        // may lie outside, hence `wrapping_offset`), each store `count` floats from `to + done`.
        unsafe {
            let to = to.add(done);
            let source = row.wrapping_offset(from);
            match step {
                1 if count == L::N && from >= 0 && from + lanes <= width => {
                    L::load(source).store(to)
                }
                1 => {
                    let high = (width - from).clamp(0, count as isize);
                    let low = (-from).clamp(0, high);
                    L::load_range(source, low as usize, high as usize).store_first(to, count);
                }
                2 if count == L::N && from >= 0 && from + 2 * lanes <= width => {
                    L::load(source).evens(L::load(source.add(L::N))).store(to);
                }
                2 => {
                    let valid = |base: isize| {
                        let high = (width - base).clamp(0, lanes);
                        ((-base).clamp(0, high) as usize, high as usize)
                    };
                    let ((low, high), (next_low, next_high)) = (valid(from), valid(from + lanes));
                    let next = L::load_range(source.wrapping_add(L::N), next_low, next_high);
                    L::load_range(source, low, high)
                        .evens(next)
                        .store_first(to, count);
                }
                _ => {
                    for lane in 0..count {
                        let column = from + (lane * step) as isize;
                        let inside = (0..width).contains(&column);
                        to.add(lane).write(if inside {
                            row.offset(column).read()
                        } else {
                            0.0
                        });
                    }
                }
            }
        }
        done += count;
    }
}
