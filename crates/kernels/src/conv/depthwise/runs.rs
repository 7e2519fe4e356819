//! Sums and products of runs of floats.

use super::VECTOR;
use crate::lanes::Lanes;

/// `out[i]` = `bias` + Σ weight · `from[place + i]`, over taps (place, weight).
///
/// # Safety
/// The processor has the instruction set of `L`.
#[inline(always)]
pub(super) unsafe fn correlate<L: Lanes>(
    taps: &[(usize, f32)],
    from: &[f32],
    bias: f32,
    out: &mut [f32],
) {
    let len = out.len();
    assert!(len.is_multiple_of(L::N));
    assert!(
        taps.iter()
            .all(|&(place, _)| place <= from.len() && len <= from.len() - place),
        "a run must lie inside"
    );
    let mut at = 0;
    // SAFETY: `at + 4·N`, then `at + N`, is at most `len`, and runs of `len` floats lie inside by the assertion; the caller's promise.
    unsafe {
        let (from, out) = (from.as_ptr(), out.as_mut_ptr());
        while at + 4 * L::N <= len {
            let mut sums = [L::splat(bias); 4];
            for &(place, weight) in taps {
                let weight = L::splat(weight);
                for (i, sum) in sums.iter_mut().enumerate() {
                    *sum = L::load(from.add(place + at + i * L::N)).mul_add(weight, *sum);
                }
            }
            for (i, sum) in sums.into_iter().enumerate() {
                sum.store(out.add(at + i * L::N));
            }
            at += 4 * L::N;
        }
        while at < len {
            let mut sum = L::splat(bias);
            for &(place, weight) in taps {
                sum = L::load(from.add(place + at)).mul_add(L::splat(weight), sum);
            }
            sum.store(out.add(at));
            at += L::N;
        }
    }
}

/// Adds to each tap's sum the product of `dy` with what is at the tap's place of `from`, as many taps at a time as their number allows.
///
/// # Safety
/// The processor has the instruction set of `L`.
#[inline(always)]
pub(super) unsafe fn products<L: Lanes>(
    places: &[usize],
    from: &[f32],
    dy: &[f32],
    sums: &mut [f64],
) {
    // SAFETY: the caller's promise.
    unsafe {
        match places.len() {
            count if count.is_multiple_of(9) => products_of::<L, 9>(places, from, dy, sums),
            count if count.is_multiple_of(5) => products_of::<L, 5>(places, from, dy, sums),
            count if count.is_multiple_of(7) => products_of::<L, 7>(places, from, dy, sums),
            _ => products_of::<L, 1>(places, from, dy, sums),
        }
    }
}

/// [`products`] of `G` taps at a time.
///
/// # Safety
/// The processor has the instruction set of `L`.
#[inline(always)]
unsafe fn products_of<L: Lanes, const G: usize>(
    places: &[usize],
    from: &[f32],
    dy: &[f32],
    sums: &mut [f64],
) {
    let len = dy.len();
    assert!(len.is_multiple_of(L::N) && L::N <= VECTOR);
    let groups = places.as_chunks::<G>().0;
    for (places, totals) in groups.iter().zip(sums.as_chunks_mut::<G>().0) {
        assert!(
            places
                .iter()
                .all(|&place| place <= from.len() && len <= from.len() - place),
            "a run must lie inside"
        );
        let mut lanes = [0.0; VECTOR];
        // SAFETY: `at + N` is at most `len`, and runs of `len` floats lie inside by the assertion; a vector fits into `lanes`; the
        // caller's promise.
        unsafe {
            let mut sums = [L::splat(0.0); G];
            let mut at = 0;
            while at < len {
                let dy = L::load(dy.as_ptr().add(at));
                for (sum, &place) in sums.iter_mut().zip(places) {
                    *sum = L::load(from.as_ptr().add(place + at)).mul_add(dy, *sum);
                }
                at += L::N;
            }
            for (sum, total) in sums.into_iter().zip(totals) {
                sum.store(lanes.as_mut_ptr());
                *total += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
            }
        }
    }
}
