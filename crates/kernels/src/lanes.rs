//! The few vector operations that the kernels are written in, and their plain-Rust form.
//!
//! A kernel is an `#[inline(always)]` function generic over [`Lanes`]. Inlined into an entry point that enables an
//! instruction set (see [`crate::path`]), it becomes code for that set; so each kernel exists once.

use crate::half;

/// A vector of `N` floats. Every method must be inlined into code compiled for the instruction set that it needs.
///
/// # Safety
/// Callers run on a processor that has the instruction set; pointers are valid for the lanes named by each method.
pub(crate) trait Lanes: Copy {
    /// Floats per vector.
    const N: usize;
    /// Rows of a register tile of two vectors, so that accumulators and operands just fit the registers.
    const ROWS: usize;
    /// Rows of the tallest register tile of two vectors.
    const TALL: usize;

    /// All lanes `value`.
    unsafe fn splat(value: f32) -> Self;
    /// Reads `N` floats.
    unsafe fn load(from: *const f32) -> Self;
    /// Reads the lanes `low..high` of the `N` floats at `from`; the others are zero and not touched in memory.
    unsafe fn load_range(from: *const f32, low: usize, high: usize) -> Self;
    /// Reads `N` floats kept as IEEE halves.
    unsafe fn load_half(from: *const u16) -> Self;
    /// Reads the first `count` of `N` halves; the other lanes are zero and not touched in memory.
    unsafe fn load_half_first(from: *const u16, count: usize) -> Self;
    /// Writes `N` floats.
    unsafe fn store(self, to: *mut f32);
    /// Writes the first `count` lanes.
    unsafe fn store_first(self, to: *mut f32, count: usize);
    /// `self · factor + term`.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    /// Lane by lane sum.
    unsafe fn add(self, other: Self) -> Self;
    /// Lane by lane difference.
    unsafe fn sub(self, other: Self) -> Self;
    /// Lane by lane product.
    unsafe fn mul(self, other: Self) -> Self;
    /// Lane by lane, the larger; `other` where either is NaN.
    unsafe fn max(self, other: Self) -> Self;
    /// The sum of all lanes, in a fixed order that never gives less where a lane is more.
    unsafe fn sum(self) -> f32;
    /// Lane by lane, the smaller; `other` where either is NaN.
    unsafe fn min(self, other: Self) -> Self;
    /// Turns the square of the first `N` rows: lane `i` of row `j` goes to lane `j` of row `i`.
    unsafe fn transpose(rows: &mut [Self; 16]);
    /// The lanes 0, 2, 4, ... of `self` followed by `next`.
    unsafe fn evens(self, next: Self) -> Self;
    /// The lanes of both in turn: `self[0], other[0], self[1], ...`, as two vectors.
    unsafe fn interleave(self, other: Self) -> (Self, Self);
}

/// x above zero, `slope` · x below it, for a slope of 0 to 1. A NaN stays one, and −∞ is 0 under a slope of 0.
///
/// # Safety
/// The processor has the instruction set of `L`.
#[inline(always)]
pub(crate) unsafe fn bend<L: Lanes>(x: L, slope: f32) -> L {
    // SAFETY: the caller's promise.
    unsafe {
        match slope {
            0.0 => L::splat(0.0).max(x),
            slope => x.mul(L::splat(slope)).max(x),
        }
    }
}

/// Asks for the first lines of some values, at most [`SOON`] bytes, to be brought to the cache. Changes nothing but time.
#[inline(always)]
pub(crate) fn prefetch<T>(values: &[T]) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    for at in (0..size_of_val(values).min(SOON)).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of x86-64, and the instruction reads nothing that the program sees, wherever it points.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().cast::<i8>().wrapping_add(at)) }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = values;
}

/// What [`prefetch`] asks for at most: more than a few lines are a stream, which the processor follows by itself.
#[cfg(all(target_arch = "x86_64", not(miri)))]
const SOON: usize = 320;

/// The slope and the ceiling of [`curved`] that leave everything as it is.
pub(crate) const UNBENT: (f32, f32) = (1.0, f32::INFINITY);

/// [`bend`], then cut to a ceiling, which may be infinite. A NaN stays one.
///
/// # Safety
/// The processor has the instruction set of `L`.
#[inline(always)]
pub(crate) unsafe fn curved<L: Lanes>(x: L, (slope, ceiling): (f32, f32)) -> L {
    // SAFETY: the caller's promise.
    unsafe { L::splat(ceiling).min(bend(x, slope)) }
}

/// Eight floats in plain Rust: two NEON or SSE registers, one AVX register, as the compiler likes.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; 8]);

// SAFETY of the bodies below: each pointer is used for exactly the lanes that the trait's contract promises.
impl Lanes for Portable {
    const N: usize = 8;
    const ROWS: usize = 4;
    const TALL: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises N readable floats; no alignment is assumed.
        Self(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_range(from: *const f32, low: usize, high: usize) -> Self {
        let mut lanes = [0.0; 8];
        for (lane, value) in lanes.iter_mut().enumerate().take(high).skip(low) {
            // SAFETY: lanes low..high are readable; `wrapping_add` since lane 0 may lie outside the slice.
            *value = unsafe { from.wrapping_add(lane).read() };
        }
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn load_half(from: *const u16) -> Self {
        // SAFETY: the caller promises N readable halves; no alignment is assumed.
        Self(unsafe { from.cast::<[u16; 8]>().read_unaligned() }.map(half::widen))
    }

    #[inline(always)]
    unsafe fn load_half_first(from: *const u16, count: usize) -> Self {
        let mut halves = [0; 8];
        for (lane, half) in halves.iter_mut().enumerate().take(count) {
            // SAFETY: the first `count` halves are readable.
            *half = unsafe { from.add(lane).read() };
        }
        Self(halves.map(half::widen))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises N writable floats; no alignment is assumed.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        for (lane, &value) in self.0.iter().enumerate().take(count) {
            // SAFETY: the first `count` lanes are writable.
            unsafe { to.add(lane).write(value) }
        }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // Not `f32::mul_add`: without an FMA instruction that is a slow library call.
        let mut lanes = term.0;
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += self.0[lane] * factor.0[lane];
        }
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        let mut lanes = self.0;
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += other.0[lane];
        }
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        let mut lanes = self.0;
        for (lane, difference) in lanes.iter_mut().enumerate() {
            *difference -= other.0[lane];
        }
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        let mut lanes = self.0;
        for (lane, product) in lanes.iter_mut().enumerate() {
            *product *= other.0[lane];
        }
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        let mut lanes = other.0;
        for (lane, largest) in lanes.iter_mut().enumerate() {
            if self.0[lane] > *largest {
                *largest = self.0[lane];
            }
        }
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.0;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        let mut lanes = other.0;
        for (lane, smallest) in lanes.iter_mut().enumerate() {
            if self.0[lane] < *smallest {
                *smallest = self.0[lane];
            }
        }
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn transpose(rows: &mut [Self; 16]) {
        for i in 0..8 {
            for j in 0..i {
                let upper = rows[j].0[i];
                rows[j].0[i] = rows[i].0[j];
                rows[i].0[j] = upper;
            }
        }
    }

    #[inline(always)]
    unsafe fn evens(self, next: Self) -> Self {
        let (a, b) = (self.0, next.0);
        Self([a[0], a[2], a[4], a[6], b[0], b[2], b[4], b[6]])
    }

    #[inline(always)]
    unsafe fn interleave(self, other: Self) -> (Self, Self) {
        let (a, b) = (self.0, other.0);
        (
            Self([a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]]),
            Self([a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7]]),
        )
    }
}
