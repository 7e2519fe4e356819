//! Bilinear resizing, taken literally.

use crate::resize::Resize;

/// Calls `visit` with every pixel of the images and of the output that it is part of, and its share in it.
fn for_each_share(resize: &Resize, mut visit: impl FnMut(usize, usize, f64)) {
    let (from, to) = (resize.from(), resize.to());
    // Where an output pixel's centre falls among the centres of the input's pixels, and the two around it with their shares.
    let around = |axis: usize, at: usize| {
        let scale = from[axis] as f64 / to[axis] as f64;
        let place = ((at as f64 + 0.5) * scale - 0.5).clamp(0.0, (from[axis] - 1) as f64);
        let low = place.floor();
        let high = (low as usize + 1).min(from[axis] - 1);
        [(low as usize, 1.0 - (place - low)), (high, place - low)]
    };
    for plane in 0..resize.planes() {
        for (y, x) in (0..to[0]).flat_map(|y| (0..to[1]).map(move |x| (y, x))) {
            for (row, down) in around(0, y) {
                for (column, right) in around(1, x) {
                    let pixel = (plane * from[0] + row) * from[1] + column;
                    visit(pixel, (plane * to[0] + y) * to[1] + x, down * right);
                }
            }
        }
    }
}

/// [`crate::resize::bilinear`]
pub fn bilinear(resize: &Resize, x: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; resize.planes() * resize.to()[0] * resize.to()[1]];
    for_each_share(resize, |i, o, share| y[o] += share * f64::from(x[i]));
    super::to_f32(y)
}

/// [`crate::resize::bilinear_gradient`]
pub fn bilinear_gradient(resize: &Resize, dy: &[f32]) -> Vec<f32> {
    let mut dx = vec![0.0; resize.planes() * resize.from()[0] * resize.from()[1]];
    for_each_share(resize, |i, o, share| dx[i] += share * f64::from(dy[o]));
    super::to_f32(dx)
}
