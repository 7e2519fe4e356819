//! The distance of a row to a point, computed directly: what all of the bank's answers rest on.

use super::rows::{Rows, Values};
use crate::lanes::Lanes;
use crate::path::{self, Path, Task};

/// A value of a row as it is kept: a float, or the bits of a half.
pub(super) trait Stored: Copy + Send + Sync {
    /// Reads `N` values.
    ///
    /// # Safety
    /// They are readable; the processor has the instruction set of `L`.
    unsafe fn load<L: Lanes>(from: *const Self) -> L;

    /// Reads the first `count` of `N` values; the other lanes are zero.
    ///
    /// # Safety
    /// They are readable; the processor has the instruction set of `L`.
    unsafe fn load_first<L: Lanes>(from: *const Self, count: usize) -> L;

    /// Copies values out as floats, as many as both slices have.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    #[inline(always)]
    unsafe fn copy<L: Lanes>(from: &[Self], to: &mut [f32]) {
        let len = from.len().min(to.len());
        let whole = len - len % L::N;
        // SAFETY: all of it lies within the slices.
        unsafe {
            for at in (0..whole).step_by(L::N) {
                Self::load::<L>(from.as_ptr().add(at)).store(to.as_mut_ptr().add(at));
            }
            if whole < len {
                Self::load_first::<L>(from.as_ptr().add(whole), len - whole)
                    .store_first(to.as_mut_ptr().add(whole), len - whole);
            }
        }
    }
}

impl Stored for f32 {
    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const Self) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::load(from) }
    }

    #[inline(always)]
    unsafe fn load_first<L: Lanes>(from: *const Self, count: usize) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::load_range(from, 0, count) }
    }
}

impl Stored for u16 {
    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const Self) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::load_half(from) }
    }

    #[inline(always)]
    unsafe fn load_first<L: Lanes>(from: *const Self, count: usize) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::load_half_first(from, count) }
    }
}

/// A bound on the relative error of a sum of about `width` products or squares in f32, with room for some operations more.
pub(super) fn rounding(width: usize) -> f32 {
    (width + 16) as f32 * (f32::EPSILON / 2.0)
}

/// Vectors summed apart, so that the additions need not wait for each other.
const SUMS: usize = 4;

/// Σ (row − point)² in f32, in an order that depends on `L` alone; or, as soon as a part of the sum is not below `limit`, that part.
///
/// A part of the sum is never above the whole: the terms are not negative, and rounding keeps order.
///
/// # Safety
/// `row` and `point` are readable for `width` values; the processor has the instruction set of `L`.
#[inline(always)]
pub(super) unsafe fn squared<L: Lanes, S: Stored>(
    row: *const S,
    point: *const f32,
    width: usize,
    limit: f32,
) -> f32 {
    // SAFETY: the caller's promise; every access ends at `width` at the latest.
    unsafe {
        let mut sums = [L::splat(0.0); SUMS];
        let mut at = 0;
        while at + SUMS * L::N <= width {
            for (i, sum) in sums.iter_mut().enumerate() {
                let at = at + i * L::N;
                let difference = S::load::<L>(row.add(at)).sub(L::load(point.add(at)));
                *sum = difference.mul_add(difference, *sum);
            }
            at += SUMS * L::N;
            if at < width {
                let part = total(&sums);
                if part >= limit {
                    return part;
                }
            }
        }
        for sum in &mut sums {
            if at >= width {
                break;
            }
            let count = (width - at).min(L::N);
            let difference = if count == L::N {
                S::load::<L>(row.add(at)).sub(L::load(point.add(at)))
            } else {
                S::load_first::<L>(row.add(at), count).sub(L::load_range(point.add(at), 0, count))
            };
            *sum = difference.mul_add(difference, *sum);
            at += count;
        }
        total(&sums)
    }
}

#[inline(always)]
unsafe fn total<L: Lanes>(sums: &[L; SUMS]) -> f32 {
    // SAFETY: the caller's promise.
    unsafe { sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum() }
}

/// The squared distances of the rows `of` to a point, in their order.
pub(super) fn of_rows(path: Path, rows: &Rows, of: &[u32], point: &[f32], to: &mut [f32]) {
    match rows.values() {
        Values::F32(rows) => path::run(
            path,
            Chosen {
                rows,
                of,
                point,
                to,
            },
        ),
        Values::F16(rows) => path::run(
            path,
            Chosen {
                rows,
                of,
                point,
                to,
            },
        ),
    }
}

struct Chosen<'a, S> {
    rows: &'a [S],
    of: &'a [u32],
    point: &'a [f32],
    to: &'a mut [f32],
}

impl<S: Stored> Task for Chosen<'_, S> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let width = self.point.len();
        for (&row, to) in self.of.iter().zip(self.to) {
            let row = &self.rows[row as usize * width..][..width];
            // SAFETY: row and point are `width` long; the instruction set is the caller's promise.
            *to =
                unsafe { squared::<L, S>(row.as_ptr(), self.point.as_ptr(), width, f32::INFINITY) };
        }
    }
}
