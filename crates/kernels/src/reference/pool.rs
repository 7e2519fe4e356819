//! Pooling, taken literally.

use crate::pool::PoolShape;

/// [`crate::pool::max`], and of each window the place in `x` of its maximum, as PyTorch finds it: the first in reading
/// order; of several NaNs the last. None for a window without any pixel.
pub fn max(shape: &PoolShape, x: &[f32]) -> (Vec<f32>, Vec<Option<usize>>) {
    let ([height, width], [out_height, out_width]) = (shape.image(), shape.output());
    let (kernel, stride, padding) = (shape.kernel(), shape.stride(), shape.padding());
    let dilation = shape.dilation();
    let (mut y, mut places) = (Vec::new(), Vec::new());
    for plane in 0..shape.planes() {
        for (oy, ox) in (0..out_height).flat_map(|oy| (0..out_width).map(move |ox| (oy, ox))) {
            let (mut best, mut at) = (f32::NEG_INFINITY, None);
            for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
                let inside =
                    |place: usize, size| place.checked_sub(padding).filter(|&place| place < size);
                let row = inside(oy * stride + ky * dilation, height);
                let column = inside(ox * stride + kx * dilation, width);
                if let (Some(row), Some(column)) = (row, column) {
                    let place = (plane * height + row) * width + column;
                    if x[place] > best || x[place].is_nan() || at.is_none() {
                        (best, at) = (x[place], Some(place));
                    }
                }
            }
            y.push(best);
            places.push(at);
        }
    }
    (y, places)
}

/// [`crate::pool::max_gradient`]
pub fn max_gradient(shape: &PoolShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dx = vec![0.0; x.len()];
    for (place, &dy) in max(shape, x).1.into_iter().zip(dy) {
        if let Some(place) = place {
            dx[place] += f64::from(dy);
        }
    }
    super::to_f32(dx)
}
