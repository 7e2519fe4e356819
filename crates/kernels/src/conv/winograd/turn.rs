//! Between images, whose pixels lie side by side, and vectors of channels.

use crate::lanes::{Lanes, curved};

/// Reads the floats `low..high` of the `N` at `from + row · stride`, for the first `rows` rows, and writes their
/// transpose: `N` vectors at `to`, vector `i` holding float `i` of every row. What is not read is zero.
///
/// # Safety
/// Those floats are readable, `to` is writable for `N · N`, and the processor has the instruction set of `L`.
#[inline(always)]
pub(in crate::conv) unsafe fn read<L: Lanes>(
    from: *const f32,
    stride: usize,
    rows: usize,
    [low, high]: [usize; 2],
    to: *mut f32,
) {
    // SAFETY: the caller's promise; `wrapping_add`, since lanes outside `low..high` may lie outside the memory.
    unsafe {
        let mut square = [L::splat(0.0); 16];
        if rows >= L::N && low == 0 && high == L::N {
            for row in 0..L::N {
                square[row] = L::load(from.add(row * stride));
            }
        } else {
            for row in 0..L::N {
                if row < rows {
                    square[row] = L::load_range(from.wrapping_add(row * stride), low, high);
                }
            }
        }
        L::transpose(&mut square);
        for lane in 0..L::N {
            square[lane].store(to.add(lane * L::N));
        }
    }
}

/// The way back: reads `len` vectors at `from`, and writes lane `row` of all of them, plus `bias[row]` and through an
/// activation of the given slope below zero and ceiling, to `to + row · stride`, for the first `rows` rows.
///
/// # Safety
/// `from` is readable for `len · N` floats, `bias` for `N`, each row writable for `len`; the processor has the instruction set of `L`.
#[inline(always)]
pub(super) unsafe fn write<L: Lanes>(
    from: *const f32,
    len: usize,
    bias: *const f32,
    bounds: (f32, f32),
    to: *mut f32,
    stride: usize,
    rows: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        for at in (0..len).step_by(L::N) {
            let (from, to) = (from.add(at * L::N), to.add(at));
            let count = L::N.min(len - at);
            let mut square = [L::splat(0.0); 16];
            if count == L::N && rows >= L::N {
                for lane in 0..L::N {
                    square[lane] = L::load(from.add(lane * L::N));
                }
                L::transpose(&mut square);
                for row in 0..L::N {
                    let sum = square[row].add(L::splat(*bias.add(row)));
                    curved(sum, bounds).store(to.add(row * stride));
                }
                continue;
            }
            for lane in 0..L::N {
                if lane < count {
                    square[lane] = L::load(from.add(lane * L::N));
                }
            }
            L::transpose(&mut square);
            for row in 0..L::N {
                if row < rows {
                    let sum = square[row].add(L::splat(*bias.add(row)));
                    curved(sum, bounds).store_first(to.add(row * stride), count);
                }
            }
        }
    }
}
