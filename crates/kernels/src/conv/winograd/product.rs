//! The products at one point: a matrix product, in register tiles of some rows by two vectors.

use crate::lanes::Lanes;

/// `products[tile, 0..2N] = Σ over k of points[tile, k] · weights[k, 0..2N]` for all tiles of a block.
///
/// `points` is `[block of N terms][tile][term in block]` with room for `stride` tiles, `weights` `[term][2N]`, `products` `[tile][2N]`.
///
/// # Safety
/// The pointers are good for `blocks` blocks and `tiles` tiles, an even number; the processor has the instruction set of `L`.
#[inline(always)]
pub(super) unsafe fn of_tiles<L: Lanes>(
    blocks: usize,
    tiles: usize,
    stride: usize,
    points: *const f32,
    weights: *const f32,
    products: *mut f32,
) {
    let mut done = 0;
    while done < tiles {
        // SAFETY: the caller's promise; each tile stays within `tiles`.
        unsafe {
            let (from, to) = (points.add(done * L::N), products.add(done * 2 * L::N));
            let stride = stride * L::N;
            done += match tiles - done {
                12.. if L::TALL == 12 => rows::<L, 12>(blocks, stride, from, weights, to),
                8.. if L::TALL == 12 => rows::<L, 8>(blocks, stride, from, weights, to),
                6.. if L::TALL == 6 => rows::<L, 6>(blocks, stride, from, weights, to),
                4.. => rows::<L, 4>(blocks, stride, from, weights, to),
                _ => rows::<L, 2>(blocks, stride, from, weights, to),
            };
        }
    }
}

/// `R` tiles of [`of_tiles`]; returns `R`. `stride`: floats from one block of `points` to the next.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn rows<L: Lanes, const R: usize>(
    blocks: usize,
    stride: usize,
    points: *const f32,
    weights: *const f32,
    products: *mut f32,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        let mut totals = [[L::splat(0.0); 2]; R];
        let mut weights = weights;
        for block in 0..blocks {
            let points = points.add(block * stride);
            for term in 0..L::N {
                let (left, right) = (L::load(weights), L::load(weights.add(L::N)));
                weights = weights.add(2 * L::N);
                for (row, total) in totals.iter_mut().enumerate() {
                    let point = L::splat(*points.add(row * L::N + term));
                    *total = [
                        point.mul_add(left, total[0]),
                        point.mul_add(right, total[1]),
                    ];
                }
            }
        }
        for (row, total) in totals.into_iter().enumerate() {
            for (half, total) in total.into_iter().enumerate() {
                total.store(products.add((2 * row + half) * L::N));
            }
        }
    }
    R
}

/// `sums[term, 0..2N] = Σ over tiles of points[tile, term] · gradients[tile, 0..2N]` for one block of `N` terms; with `add`, added to
/// what is there.
///
/// `points` is `[tile][term in block]`, `gradients` `[tile][2N]`, `sums` `[term][2N]`.
///
/// # Safety
/// The pointers are good for `tiles` tiles and `N` terms; the processor has the instruction set of `L`.
#[inline(always)]
pub(super) unsafe fn of_terms<L: Lanes>(
    tiles: usize,
    points: *const f32,
    gradients: *const f32,
    sums: *mut f32,
    add: bool,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match L::TALL {
            12 => {
                terms::<L, 8>(tiles, points, gradients, sums, add);
                terms::<L, 8>(tiles, points.add(8), gradients, sums.add(16 * L::N), add);
            }
            _ => {
                terms::<L, 4>(tiles, points, gradients, sums, add);
                terms::<L, 4>(tiles, points.add(4), gradients, sums.add(8 * L::N), add);
            }
        }
    }
}

/// `R` terms of [`of_terms`].
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn terms<L: Lanes, const R: usize>(
    tiles: usize,
    points: *const f32,
    gradients: *const f32,
    sums: *mut f32,
    add: bool,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut totals = [[L::splat(0.0); 2]; R];
        for tile in 0..tiles {
            let gradient = gradients.add(tile * 2 * L::N);
            let (left, right) = (L::load(gradient), L::load(gradient.add(L::N)));
            for (row, total) in totals.iter_mut().enumerate() {
                let point = L::splat(*points.add(tile * L::N + row));
                *total = [
                    point.mul_add(left, total[0]),
                    point.mul_add(right, total[1]),
                ];
            }
        }
        for (row, total) in totals.into_iter().enumerate() {
            for (half, total) in total.into_iter().enumerate() {
                let place = sums.add((2 * row + half) * L::N);
                let total = if add {
                    total.add(L::load(place))
                } else {
                    total
                };
                total.store(place);
            }
        }
    }
}
