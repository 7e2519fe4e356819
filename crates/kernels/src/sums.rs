//! Sums in several partial ones, which the compiler keeps in vectors; the order is fixed.

/// A sum in 64 partial sums, which the compiler keeps in vectors.
#[inline(always)]
pub(crate) fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; 64];
    let (blocks, rest) = values.as_chunks::<64>();
    for block in blocks {
        for (sum, &value) in sums.iter_mut().zip(block) {
            *sum += term(value);
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|&value| term(value)).sum::<f32>()
}

/// A sum over pairs in 64 partial sums.
#[inline(always)]
pub(crate) fn sum_of_pairs(left: &[f32], right: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; 64];
    let ((lefts, left), (rights, right)) = (left.as_chunks::<64>(), right.as_chunks::<64>());
    for (left, right) in lefts.iter().zip(rights) {
        for (sum, (&left, &right)) in sums.iter_mut().zip(left.iter().zip(right)) {
            *sum += term(left, right);
        }
    }
    let rest = left.iter().zip(right);
    sums.iter().sum::<f32>() + rest.map(|(&left, &right)| term(left, right)).sum::<f32>()
}

/// Two sums at once, each in 32 partial sums.
#[inline(always)]
pub(crate) fn sum_of_two(
    left: &[f32],
    right: &[f32],
    term: impl Fn(f32, f32) -> (f32, f32),
) -> (f32, f32) {
    let (mut a, mut b) = ([0.0_f32; 32], [0.0_f32; 32]);
    let ((lefts, left), (rights, right)) = (left.as_chunks::<32>(), right.as_chunks::<32>());
    for (left, right) in lefts.iter().zip(rights) {
        for i in 0..32 {
            let (first, second) = term(left[i], right[i]);
            a[i] += first;
            b[i] += second;
        }
    }
    let mut total = (a.iter().sum::<f32>(), b.iter().sum::<f32>());
    for (&left, &right) in left.iter().zip(right) {
        let (first, second) = term(left, right);
        total = (total.0 + first, total.1 + second);
    }
    total
}
