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
                let live = height.min(outputs - first);
                // Some terms of all rows at a time: reads are runs of cache lines, writes stay in the first-level cache.
                for (block, into) in into.chunks_mut(64 * height).enumerate() {
                    for row in 0..live {
                        for (term, into) in into.chunks_exact_mut(height).enumerate() {
                            into[row] = weight(group, first + row, block * 64 + term);
                        }
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
    // SAFETY: the caller's promises are theirs.
    unsafe {
        match step {
            1 => copy_dense::<L>(row, width as isize, first, to, len),
            2 => copy_evens::<L>(row, width as isize, first, to, len),
            _ => {
                for i in 0..len {
                    let column = first + (i * step) as isize;
                    let inside = (0..width as isize).contains(&column);
                    to.add(i).write(if inside {
                        row.offset(column).read()
                    } else {
                        0.0
                    });
                }
            }
        }
    }
}

/// The lanes of `L` at column `from` that lie in a row.
#[inline(always)]
fn inside<L: Lanes>(from: isize, width: isize) -> (usize, usize) {
    let high = (width - from).clamp(0, L::N as isize);
    ((-from).clamp(0, high) as usize, high as usize)
}

/// [`copy_row`] with step 1.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn copy_dense<L: Lanes>(
    row: *const f32,
    width: isize,
    first: isize,
    to: *mut f32,
    len: usize,
) {
    // SAFETY: loads touch columns 0..width only (masked at the edges, where lane 0 may lie outside, hence
    // `wrapping_offset`), stores the `len` floats at `to`.
    unsafe {
        if first >= 0 && first + len as isize <= width && len == 2 * L::N {
            let (row, next) = (row.offset(first), to.add(L::N));
            L::load(row).store(to);
            return L::load(row.add(L::N)).store(next);
        }
        for done in (0..len).step_by(L::N) {
            let from = first + done as isize;
            if from >= 0 && from + L::N as isize <= width && done + L::N <= len {
                L::load(row.offset(from)).store(to.add(done));
                continue;
            }
            let (low, high) = inside::<L>(from, width);
            L::load_range(row.wrapping_offset(from), low, high)
                .store_first(to.add(done), L::N.min(len - done));
        }
    }
}

/// [`copy_row`] with step 2.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn copy_evens<L: Lanes>(
    row: *const f32,
    width: isize,
    first: isize,
    to: *mut f32,
    len: usize,
) {
    let lanes = L::N as isize;
    // SAFETY: as in `copy_dense`.
    unsafe {
        for done in (0..len).step_by(L::N) {
            let (from, count) = (first + 2 * done as isize, L::N.min(len - done));
            let source = row.wrapping_offset(from);
            if count == L::N && from >= 0 && from + 2 * lanes <= width {
                L::load(source)
                    .evens(L::load(source.add(L::N)))
                    .store(to.add(done));
            } else {
                let ((low, high), (next_low, next_high)) =
                    (inside::<L>(from, width), inside::<L>(from + lanes, width));
                let next = L::load_range(source.wrapping_add(L::N), next_low, next_high);
                L::load_range(source, low, high)
                    .evens(next)
                    .store_first(to.add(done), count);
            }
        }
    }
}

/// `out[2i] = even[i] + bias`, `out[2i + 1] = odd[i] + bias`; `out` may end one short.
///
/// # Safety
/// The processor has the instruction set of `L`.
#[inline(always)]
pub(super) unsafe fn interleave<L: Lanes>(even: &[f32], odd: &[f32], bias: f32, out: &mut [f32]) {
    let mut done = 0;
    while done + L::N <= even.len().min(odd.len()) && 2 * (done + L::N) <= out.len() {
        // SAFETY: the condition keeps all pointers inside their slices.
        unsafe {
            let bias = L::splat(bias);
            let (low, high) = (L::load(even.as_ptr().add(done)).add(bias))
                .interleave(L::load(odd.as_ptr().add(done)).add(bias));
            low.store(out.as_mut_ptr().add(2 * done));
            high.store(out.as_mut_ptr().add(2 * done + L::N));
        }
        done += L::N;
    }
    for (i, out) in out.iter_mut().enumerate().skip(2 * done) {
        *out = bias + if i % 2 == 0 { even[i / 2] } else { odd[i / 2] };
    }
}
