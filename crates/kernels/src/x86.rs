//! The vector operations in AVX-512 and in AVX2 with FMA.

use crate::lanes::Lanes;
use std::arch::x86_64::*;

/// Sixteen floats in an AVX-512 register.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

/// Eight floats in an AVX register.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256);

// SAFETY of all bodies below: the processor has AVX-512F, since only the entry point of that path (`path::avx512`)
// instantiates kernels with this type; pointers are valid for the lanes that the trait's contract names, and masked
// lanes are not accessed (the instructions suppress faults there).
impl Lanes for Avx512 {
    const N: usize = 16;
    const ROWS: usize = 8;
    const TALL: usize = 12;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_range(from: *const f32, low: usize, high: usize) -> Self {
        let mask = ((1_u32 << high) - 1) & !((1_u32 << low) - 1);
        // SAFETY: see the impl.
        Self(unsafe { _mm512_maskz_loadu_ps(mask as __mmask16, from) })
    }

    #[inline(always)]
    unsafe fn load_half(from: *const u16) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) })
    }

    #[inline(always)]
    unsafe fn load_half_first(from: *const u16, count: usize) -> Self {
        let mask = ((1_u32 << count) - 1) as __mmask16;
        // SAFETY: see the impl; the entry point has AVX-512BW and VL too.
        Self(unsafe { _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, from.cast())) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see the impl.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        // SAFETY: see the impl.
        unsafe { _mm512_mask_storeu_ps(to, ((1_u32 << count) - 1) as __mmask16, self.0) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, term.0) })
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        // SAFETY: see the impl.
        unsafe {
            let high = _mm512_extractf32x8_ps::<1>(self.0);
            Avx2(_mm256_add_ps(_mm512_castps512_ps256(self.0), high)).sum()
        }
    }

    #[inline(always)]
    unsafe fn transpose(rows: &mut [Self; 16]) {
        // SAFETY: see the impl.
        unsafe {
            // Squares of 2, then of 4 within each 128-bit part; then the parts.
            let mut a = [rows[0].0; 16];
            for i in 0..8 {
                a[2 * i] = _mm512_unpacklo_ps(rows[2 * i].0, rows[2 * i + 1].0);
                a[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i].0, rows[2 * i + 1].0);
            }
            let mut b = [a[0]; 16];
            for i in 0..4 {
                for half in 0..2 {
                    let low = _mm512_castps_pd(a[4 * i + half]);
                    let high = _mm512_castps_pd(a[4 * i + 2 + half]);
                    b[4 * i + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
                    b[4 * i + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
                }
            }
            for i in 0..4 {
                let left = _mm512_shuffle_f32x4::<0x88>(b[i], b[4 + i]);
                let right = _mm512_shuffle_f32x4::<0xdd>(b[i], b[4 + i]);
                let next_left = _mm512_shuffle_f32x4::<0x88>(b[8 + i], b[12 + i]);
                let next_right = _mm512_shuffle_f32x4::<0xdd>(b[8 + i], b[12 + i]);
                rows[i].0 = _mm512_shuffle_f32x4::<0x88>(left, next_left);
                rows[4 + i].0 = _mm512_shuffle_f32x4::<0x88>(right, next_right);
                rows[8 + i].0 = _mm512_shuffle_f32x4::<0xdd>(left, next_left);
                rows[12 + i].0 = _mm512_shuffle_f32x4::<0xdd>(right, next_right);
            }
        }
    }

    #[inline(always)]
    unsafe fn evens(self, next: Self) -> Self {
        // SAFETY: see the impl.
        unsafe {
            let pick = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            Self(_mm512_permutex2var_ps(self.0, pick, next.0))
        }
    }

    #[inline(always)]
    unsafe fn interleave(self, other: Self) -> (Self, Self) {
        // SAFETY: see the impl.
        unsafe {
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high =
                _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            (
                Self(_mm512_permutex2var_ps(self.0, low, other.0)),
                Self(_mm512_permutex2var_ps(self.0, high, other.0)),
            )
        }
    }
}

/// All ones in the lanes `low..high`.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn range_mask(low: usize, high: usize) -> __m256i {
    // SAFETY: the caller's promise; no memory is touched.
    unsafe {
        let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        let from_low = _mm256_cmpgt_epi32(lane, _mm256_set1_epi32(low as i32 - 1));
        _mm256_and_si256(
            from_low,
            _mm256_cmpgt_epi32(_mm256_set1_epi32(high as i32), lane),
        )
    }
}

// SAFETY of all bodies below: as above, with AVX2 and FMA and the entry point `path::avx2`.
impl Lanes for Avx2 {
    const N: usize = 8;
    const ROWS: usize = 6;
    const TALL: usize = 6;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_range(from: *const f32, low: usize, high: usize) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm256_maskload_ps(from, range_mask(low, high)) })
    }

    #[inline(always)]
    unsafe fn load_half(from: *const u16) -> Self {
        // SAFETY: see the impl; the entry points have F16C too.
        Self(unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.cast())) })
    }

    #[inline(always)]
    unsafe fn load_half_first(from: *const u16, count: usize) -> Self {
        let mut halves = [0_u16; 8];
        for (lane, half) in halves.iter_mut().enumerate().take(count) {
            // SAFETY: the first `count` halves are readable.
            *half = unsafe { from.add(lane).read() };
        }
        // SAFETY: eight halves.
        unsafe { Self::load_half(halves.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see the impl.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        // SAFETY: see the impl.
        unsafe { _mm256_maskstore_ps(to, range_mask(0, count), self.0) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, term.0) })
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm256_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        // SAFETY: see the impl.
        unsafe {
            let four = _mm_add_ps(
                _mm256_castps256_ps128(self.0),
                _mm256_extractf128_ps::<1>(self.0),
            );
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    unsafe fn transpose(rows: &mut [Self; 16]) {
        // SAFETY: see the impl.
        unsafe {
            // Squares of 2, then of 4 within each 128-bit half; then the halves.
            let mut a = [rows[0].0; 8];
            for i in 0..4 {
                a[2 * i] = _mm256_unpacklo_ps(rows[2 * i].0, rows[2 * i + 1].0);
                a[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i].0, rows[2 * i + 1].0);
            }
            let mut b = [a[0]; 8];
            for i in 0..2 {
                for half in 0..2 {
                    let low = _mm256_castps_pd(a[4 * i + half]);
                    let high = _mm256_castps_pd(a[4 * i + 2 + half]);
                    b[4 * i + 2 * half] = _mm256_castpd_ps(_mm256_unpacklo_pd(low, high));
                    b[4 * i + 2 * half + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low, high));
                }
            }
            for i in 0..4 {
                rows[i].0 = _mm256_permute2f128_ps::<0x20>(b[i], b[4 + i]);
                rows[4 + i].0 = _mm256_permute2f128_ps::<0x31>(b[i], b[4 + i]);
            }
        }
    }

    #[inline(always)]
    unsafe fn evens(self, next: Self) -> Self {
        // SAFETY: see the impl.
        unsafe {
            let halves = _mm256_shuffle_ps::<0x88>(self.0, next.0);
            Self(_mm256_castpd_ps(_mm256_permute4x64_pd::<0xD8>(
                _mm256_castps_pd(halves),
            )))
        }
    }

    #[inline(always)]
    unsafe fn interleave(self, other: Self) -> (Self, Self) {
        // SAFETY: see the impl.
        unsafe {
            let (low, high) = (
                _mm256_unpacklo_ps(self.0, other.0),
                _mm256_unpackhi_ps(self.0, other.0),
            );
            (
                Self(_mm256_permute2f128_ps::<0x20>(low, high)),
                Self(_mm256_permute2f128_ps::<0x31>(low, high)),
            )
        }
    }
}
