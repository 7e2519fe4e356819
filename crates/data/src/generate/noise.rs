//! Smooth random fields and waves, from sums, products and square roots alone: those are exact on every machine.

use crate::stream::mix;

/// A random value in [0, 1) for a point of a grid.
pub(super) fn at_point(seed: u64, x: i64, y: i64) -> f64 {
    let hash = mix(seed ^ mix(x as u64 ^ mix(y as u64)));
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// Smooth noise in [0, 1] with features of size 1: grid values joined by cubic steps.
pub(super) fn smooth(seed: u64, x: f64, y: f64) -> f64 {
    let (x0, y0) = (x.floor(), y.floor());
    let (tx, ty) = (step(x - x0), step(y - y0));
    let (ix, iy) = (x0 as i64, y0 as i64);
    let row = |y: i64| {
        let (left, right) = (at_point(seed, ix, y), at_point(seed, ix + 1, y));
        left + (right - left) * tx
    };
    row(iy) + (row(iy + 1) - row(iy)) * ty
}

/// Noise of several sizes, each half of the one before, in [0, 1].
pub(super) fn layered(seed: u64, x: f64, y: f64, layers: u32) -> f64 {
    let (mut sum, mut total, mut weight, mut scale) = (0.0, 0.0, 1.0, 1.0);
    for layer in 0..u64::from(layers) {
        sum += weight * smooth(seed.wrapping_add(layer), x * scale, y * scale);
        total += weight;
        weight *= 0.5;
        scale *= 2.0;
    }
    sum / total
}

/// Distances to the nearest and the second nearest of random points, one in each cell of size 1.
pub(super) fn cells(seed: u64, x: f64, y: f64) -> (f64, f64) {
    let (mut nearest, mut second) = (f64::MAX, f64::MAX);
    let (ix, iy) = (x.floor() as i64, y.floor() as i64);
    for cy in iy - 1..=iy + 1 {
        for cx in ix - 1..=ix + 1 {
            let dx = cx as f64 + at_point(seed, cx, cy) - x;
            let dy = cy as f64 + at_point(seed ^ 1, cx, cy) - y;
            let squared = dx * dx + dy * dy;
            if squared < nearest {
                (nearest, second) = (squared, nearest);
            } else if squared < second {
                second = squared;
            }
        }
    }
    (nearest.sqrt(), second.sqrt())
}

/// A cubic step from 0 at t ≤ 0 to 1 at t ≥ 1.
pub(super) fn step(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A wave of period 1 between 0 (at whole numbers) and 1 (at halves).
pub(super) fn wave(t: f64) -> f64 {
    let within = t - t.floor();
    step(1.0 - (2.0 * within - 1.0).abs())
}

/// The angle of a direction in turns, 0 to 1, to within 0.001: a polynomial in place of `atan2`.
pub(super) fn turns(x: f64, y: f64) -> f64 {
    let (ax, ay) = (x.abs(), y.abs());
    let ratio = ax.min(ay) / ax.max(ay).max(1e-12);
    let eighth = ratio * (0.125 + 0.0434 * (1.0 - ratio));
    let quarter = if ay > ax { 0.25 - eighth } else { eighth };
    let half = if x < 0.0 { 0.5 - quarter } else { quarter };
    if y < 0.0 { 1.0 - half } else { half }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_stays_in_range_and_is_smooth() {
        for i in 0..2000 {
            let (x, y) = (f64::from(i) * 0.37 - 90.0, f64::from(i) * 0.11 - 70.0);
            let value = layered(5, x, y, 4);
            assert!((0.0..=1.0).contains(&value));
            assert!((value - layered(5, x + 1e-6, y, 4)).abs() < 1e-4);
        }
    }

    #[test]
    fn turns_follow_the_angle() {
        for i in 0..360 {
            let angle = f64::from(i) / 360.0;
            let (sin, cos) = (angle * std::f64::consts::TAU).sin_cos();
            let difference = (turns(cos, sin) - angle).abs();
            assert!(difference.min(1.0 - difference) < 0.001, "{angle}");
        }
    }
}
