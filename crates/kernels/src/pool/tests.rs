//! Pooling against the plain loops.

use super::*;
use crate::reference::{Noise, assert_close, on_each_path, pool as plain};

fn same(ours: &[f32], plain: &[f32]) -> bool {
    let equal = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    ours.len() == plain.len() && ours.iter().zip(plain).all(equal)
}

/// Forward and backward on all paths.
fn check(shape: &PoolShape, x: &[f32], seed: u64) {
    let (expected, _) = plain::max(shape, x);
    let dy = Noise::new(seed).floats(expected.len());
    let expected_dx = plain::max_gradient(shape, x, &dy);
    let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let all = || {
        let (y, taps) = max_with_taps(shape, x);
        let dx = max_gradient(shape, &dy, &taps);
        // Bits, since NaNs are not equal.
        [max(shape, x), y, dx].map(|values| bits(&values))
    };
    on_each_path(all, |all, path| {
        let [alone, y, dx] =
            all.map(|bits| bits.into_iter().map(f32::from_bits).collect::<Vec<_>>());
        assert!(same(&alone, &expected), "{shape:?}, {path:?}");
        assert!(same(&y, &expected), "with taps, {shape:?}, {path:?}");
        assert_close(&dx, &expected_dx, 1e-6, &format!("{shape:?}, {path:?}"));
    });
}

#[test]
fn random_shapes_equal_the_plain_loops() {
    let mut noise = Noise::new(5);
    let mut checked = 0;
    while checked < if cfg!(miri) { 3 } else { 200 } {
        let image = [noise.pick(1, 30), noise.pick(1, 70)];
        let (planes, kernel) = (noise.pick(1, 5), noise.pick(1, 6));
        let (stride, padding) = (noise.pick(1, 5), noise.pick(0, 7));
        let dilation = noise.pick(1, 3);
        let shape = PoolShape::dilated(planes, image, kernel, stride, padding, dilation);
        let Some(shape) = shape else {
            continue;
        };
        // Few values, so that maxima tie; some of them special.
        let special = [f32::NAN, f32::NEG_INFINITY, f32::INFINITY, -0.0, 0.0];
        let x: Vec<f32> = (0..planes * image[0] * image[1])
            .map(|_| match noise.pick(0, 30) {
                pick if pick < 5 => special[pick],
                pick => (pick % 4) as f32 - 2.0,
            })
            .collect();
        check(&shape, &x, noise.bits());
        checked += 1;
    }
}

#[test]
fn resnets_pooling_equals_the_plain_loops() {
    for image in [[64, 64], [33, 35], [112, 31], [1, 1], [2, 200]] {
        let shape = PoolShape::new(6, image, 3, 2, 1).unwrap();
        // As after a ReLU: half of it ties at zero.
        let x: Vec<f32> = Noise::new(1)
            .floats(6 * image[0] * image[1])
            .into_iter()
            .map(|x| x.max(0.0))
            .collect();
        check(&shape, &x, 2);
    }
}

#[test]
fn windows_far_apart_and_far_outside_equal_the_plain_loops() {
    for (kernel, stride, padding) in [(1, 1 << 30, 0), (2, 1 << 30, 1 << 29), (9, 4, 40)] {
        let shape = PoolShape::new(2, [5, 7], kernel, stride, padding).unwrap();
        check(&shape, &Noise::new(1).floats(70), 2);
    }
}

#[test]
fn images_of_minus_infinity_give_their_gradient_to_a_windows_first_pixel() {
    let shape = PoolShape::new(1, [5, 6], 3, 2, 1).unwrap();
    check(&shape, &[f32::NEG_INFINITY; 30], 1);
}

#[test]
fn impossible_shapes_are_refused() {
    let refused = [
        (0, [4, 4], 3, 2, 1),
        (1, [0, 4], 3, 2, 1),
        (1, [2, 4], 3, 1, 0),
        (1, [4, 4], 0, 2, 1),
        (1, [4, 4], 3, 0, 1),
        (1, [300, 300], 300, 1, 0),
        (1, [4, 4], 3, 1, usize::MAX),
        (usize::MAX, [4, 4], 3, 1, 1),
    ];
    for (planes, image, kernel, stride, padding) in refused {
        let shape = PoolShape::new(planes, image, kernel, stride, padding);
        assert_eq!(
            shape, None,
            "{planes} {image:?} {kernel} {stride} {padding}"
        );
    }
}
