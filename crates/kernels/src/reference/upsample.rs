//! Nearest up-sampling by two, taken literally.

/// Each pixel of `[planes, height, width]` twice in both directions.
fn doubled(s: &[f32], [planes, height, width]: [usize; 3]) -> Vec<f64> {
    let mut up = Vec::with_capacity(4 * s.len());
    for plane in 0..planes {
        for (y, x) in (0..2 * height).flat_map(|y| (0..2 * width).map(move |x| (y, x))) {
            up.push(f64::from(s[(plane * height + y / 2) * width + x / 2]));
        }
    }
    up
}

/// [`crate::upsample::add`]
pub fn add(y: &[f32], s: &[f32], shape: [usize; 3]) -> Vec<f32> {
    let sums = y.iter().zip(doubled(s, shape));
    sums.map(|(&y, s)| (f64::from(y) + s) as f32).collect()
}

/// [`crate::upsample::add_gradient`]
pub fn add_gradient(dy: &[f32], [planes, height, width]: [usize; 3]) -> Vec<f32> {
    let mut ds = vec![0.0; planes * height * width];
    for (i, &dy) in dy.iter().enumerate() {
        let (row, x) = (i / (2 * width), i % (2 * width));
        let (plane, y) = (row / (2 * height), row % (2 * height));
        ds[(plane * height + y / 2) * width + x / 2] += f64::from(dy);
    }
    super::to_f32(ds)
}

/// Calls `visit` with the place of every weight of `[out, in, 3, 3]` and of each folded one of `[in, out, 4, 4]` that it
/// is part of: tap k of output pixel o sees up-sampled pixel o + k − 1, which is the low-resolution pixel
/// ⌊(o + k − 1) / 2⌋, which a transposed convolution of stride 2 and padding 1 meets with its tap o + 1 − 2·pixel.
fn for_each_fold([out, input]: [usize; 2], mut visit: impl FnMut(usize, usize)) {
    // Of one output pixel of either parity, far from the border.
    let folded = |pixel: usize, tap: usize| pixel + 1 - 2 * ((pixel + tap - 1) / 2);
    for (o, i) in (0..out).flat_map(|o| (0..input).map(move |i| (o, i))) {
        for (ky, kx) in (0..3).flat_map(|ky| (0..3).map(move |kx| (ky, kx))) {
            for (y, x) in [(10, 10), (10, 11), (11, 10), (11, 11)] {
                let weight = ((o * input + i) * 3 + ky) * 3 + kx;
                visit(
                    weight,
                    ((i * out + o) * 4 + folded(y, ky)) * 4 + folded(x, kx),
                );
            }
        }
    }
}

/// [`crate::upsample::fold`]
pub fn fold(weight: &[f32], channels: [usize; 2]) -> Vec<f32> {
    let mut folded = vec![0.0; channels[0] * channels[1] * 16];
    for_each_fold(channels, |w, k| folded[k] += f64::from(weight[w]));
    super::to_f32(folded)
}

/// [`crate::upsample::fold_gradient`]
pub fn fold_gradient(gradient: &[f32], channels: [usize; 2]) -> Vec<f32> {
    let mut weight = vec![0.0; channels[0] * channels[1] * 9];
    for_each_fold(channels, |w, k| weight[w] += f64::from(gradient[k]));
    super::to_f32(weight)
}
