//! Nearest up-sampling by two, without ever making the up-sampled images.
//!
//! **Before a convolution.** Of a 3×3 window over up-sampled images, taps that fall on the same low-resolution pixel may
//! be added up beforehand. Which do depends on the output pixel's parity, and in one dimension, with taps w₀ w₁ w₂ and
//! low-resolution pixels x: y₂ᵢ = w₀·xᵢ₋₁ + (w₁+w₂)·xᵢ and y₂ᵢ₊₁ = (w₀+w₁)·xᵢ + w₂·xᵢ₊₁. That is a transposed
//! convolution of stride 2 and padding 1 with the four taps w₂, w₁+w₂, w₀+w₁, w₀, at the borders too, where both see
//! zeros. In two dimensions 36 multiplications per low-resolution pixel become 16: [`fold`] makes that kernel.
//!
//! **Added to something.** [`add`] reads each low-resolution pixel where it belongs.

use crate::lanes::Lanes;
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// Taps of a 3×3 window, and of the 4×4 window that it becomes.
const TAPS: usize = 9;
const FOLDED: usize = 16;

/// Input channels per thread and turn.
const CHANNELS: usize = 8;

/// The sums of taps along one axis.
#[inline(always)]
fn fold_axis([first, second, third]: [f32; 3]) -> [f32; 4] {
    [third, second + third, first + second, first]
}

/// The transposed of [`fold_axis`]: what each tap gets of the gradients of the sums that it is part of.
#[inline(always)]
fn fold_axis_gradient([a, b, c, d]: [f32; 4]) -> [f32; 3] {
    [c + d, b + c, a + b]
}

/// The kernel `[in, out, 4, 4]` of the transposed convolution (stride 2, padding 1) that equals up-sampling by two and then
/// convolving with `weight`, `[out, in, 3, 3]` (padding 1). `channels` is `[out, in]`.
///
/// # Panics
/// If the length does not fit the channels.
pub fn fold(weight: &[f32], channels: [usize; 2]) -> Vec<f32> {
    let [out, input] = channels;
    assert_eq!(weight.len(), out * input * TAPS, "length of the weight");
    let path = Path::current();
    let mut folded = vec![0.0; out * input * FOLDED];
    folded
        .par_chunks_mut((CHANNELS * out * FOLDED).max(1))
        .enumerate()
        .for_each(|(index, folded)| {
            let first = index * CHANNELS;
            path::run(
                path,
                Fold {
                    weight,
                    channels,
                    first,
                    folded,
                },
            );
        });
    folded
}

struct Fold<'a> {
    weight: &'a [f32],
    channels: [usize; 2],
    /// The first input channel of `folded`.
    first: usize,
    folded: &'a mut [f32],
}

impl Task for Fold<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let [out, input] = self.channels;
        let (folded, _) = self.folded.as_chunks_mut::<FOLDED>();
        let (weight, _) = self.weight.as_chunks::<TAPS>();
        // The weight is read in order; each folded kernel is one cache line, wherever it is.
        for o in 0..out {
            for i in 0..folded.len() / out {
                let w = &weight[o * input + self.first + i];
                let rows: [[f32; 4]; 3] =
                    std::array::from_fn(|y| fold_axis([w[3 * y], w[3 * y + 1], w[3 * y + 2]]));
                let to = &mut folded[i * out + o];
                for x in 0..4 {
                    let column = fold_axis([rows[0][x], rows[1][x], rows[2][x]]);
                    for (y, value) in column.into_iter().enumerate() {
                        to[4 * y + x] = value;
                    }
                }
            }
        }
    }
}

/// The gradient to the weight of [`fold`], `[out, in, 3, 3]`, `gradient` being that of its kernel, `[in, out, 4, 4]`.
///
/// # Panics
/// If the length does not fit the channels.
pub fn fold_gradient(gradient: &[f32], channels: [usize; 2]) -> Vec<f32> {
    let [out, input] = channels;
    assert_eq!(
        gradient.len(),
        out * input * FOLDED,
        "length of the gradient"
    );
    let path = Path::current();
    let mut weight = vec![0.0; out * input * TAPS];
    weight
        .par_chunks_mut((input * TAPS).max(1))
        .enumerate()
        .for_each(|(o, weight)| {
            path::run(
                path,
                Unfold {
                    gradient,
                    out,
                    o,
                    weight,
                },
            );
        });
    weight
}

struct Unfold<'a> {
    gradient: &'a [f32],
    out: usize,
    /// The output channel of `weight`.
    o: usize,
    weight: &'a mut [f32],
}

impl Task for Unfold<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let (gradient, _) = self.gradient.as_chunks::<FOLDED>();
        let (weight, _) = self.weight.as_chunks_mut::<TAPS>();
        for (i, weight) in weight.iter_mut().enumerate() {
            let g = &gradient[i * self.out + self.o];
            let rows: [[f32; 4]; 3] = {
                let columns: [[f32; 3]; 4] = std::array::from_fn(|x| {
                    fold_axis_gradient([g[x], g[4 + x], g[8 + x], g[12 + x]])
                });
                std::array::from_fn(|y| columns.map(|column| column[y]))
            };
            for (to, row) in weight.as_chunks_mut::<3>().0.iter_mut().zip(rows) {
                *to = fold_axis_gradient(row);
            }
        }
    }
}

/// Adds to `y`, `[planes, 2·height, 2·width]`, the up-sampled `s`. `shape` is that of `s`, `[planes, height, width]`.
///
/// # Panics
/// If a length does not fit the shape.
pub fn add(y: &mut [f32], s: &[f32], shape: [usize; 3]) {
    let [planes, height, width] = shape;
    assert_eq!(s.len(), planes * height * width, "length of the addend");
    assert_eq!(y.len(), 4 * s.len(), "length of the sum");
    if s.is_empty() {
        return;
    }
    let path = Path::current();
    y.par_chunks_mut(4 * width)
        .zip(s.par_chunks(width))
        .with_min_len(rows_at_once(width))
        .for_each(|(y, s)| path::run(path, Add { y, s }));
}

/// Low-resolution rows per thread and turn, at the least.
fn rows_at_once(width: usize) -> usize {
    (1 << 12) / width + 1
}

/// Two rows, and the one that both get.
struct Add<'a> {
    y: &'a mut [f32],
    s: &'a [f32],
}

impl Task for Add<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let (upper, lower) = self.y.split_at_mut(2 * self.s.len());
        for row in [upper, lower] {
            for (pair, &s) in row.as_chunks_mut::<2>().0.iter_mut().zip(self.s) {
                *pair = [pair[0] + s, pair[1] + s];
            }
        }
    }
}

/// The gradient to the up-sampled addend of [`add`], `[planes, height, width]`, `dy` being that of the sum: sums over
/// squares of four pixels. The other addend's gradient is `dy` itself. `shape` is `[planes, height, width]`.
///
/// # Panics
/// If a length does not fit the shape.
pub fn add_gradient(dy: &[f32], shape: [usize; 3]) -> Vec<f32> {
    let [planes, height, width] = shape;
    assert_eq!(
        dy.len(),
        4 * planes * height * width,
        "length of the gradient"
    );
    let path = Path::current();
    let mut ds = vec![0.0; planes * height * width];
    if ds.is_empty() {
        return ds;
    }
    ds.par_chunks_mut(width)
        .zip(dy.par_chunks(4 * width))
        .with_min_len(rows_at_once(width))
        .for_each(|(ds, dy)| path::run(path, Squares { dy, ds }));
    ds
}

/// Two rows, and the one of their sums.
struct Squares<'a> {
    dy: &'a [f32],
    ds: &'a mut [f32],
}

impl Task for Squares<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let (upper, lower) = self.dy.split_at(2 * self.ds.len());
        let pairs = upper
            .as_chunks::<2>()
            .0
            .iter()
            .zip(lower.as_chunks::<2>().0);
        for (ds, (upper, lower)) in self.ds.iter_mut().zip(pairs) {
            *ds = (upper[0] + upper[1]) + (lower[0] + lower[1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::{self, ConvShape, Geometry};
    use crate::reference::{self, Noise, assert_close, on_each_path, upsample as plain};

    #[test]
    fn folding_equals_the_plain_loops() {
        for channels in [[1, 1], [3, 2], [33, 17], [64, 40], [5, 256]] {
            let [out, input] = channels;
            let mut noise = Noise::new(out as u64);
            let (weight, gradient) = (
                noise.floats(out * input * 9),
                noise.floats(out * input * 16),
            );
            on_each_path(
                || fold(&weight, channels),
                |ours, path| {
                    let what = format!("fold, {channels:?}, {path:?}");
                    assert_close(&ours, &plain::fold(&weight, channels), 1e-6, &what);
                },
            );
            on_each_path(
                || fold_gradient(&gradient, channels),
                |ours, path| {
                    let what = format!("gradient, {channels:?}, {path:?}");
                    assert_close(
                        &ours,
                        &plain::fold_gradient(&gradient, channels),
                        1e-6,
                        &what,
                    );
                },
            );
        }
    }

    #[test]
    fn adding_equals_the_plain_loops() {
        let mut noise = Noise::new(1);
        let mut shapes = vec![[0, 3, 3], [2, 0, 3], [1, 1, 1], [3, 8, 8], [2, 5, 130]];
        shapes.extend((0..30).map(|_| [noise.pick(1, 9), noise.pick(1, 40), noise.pick(1, 70)]));
        for shape in shapes {
            let len = shape.iter().product();
            let (y, s) = (noise.floats(4 * len), noise.floats(len));
            let added = || {
                let mut sum = y.clone();
                add(&mut sum, &s, shape);
                sum
            };
            on_each_path(added, |ours, path| {
                let what = format!("sum, {shape:?}, {path:?}");
                assert_close(&ours, &plain::add(&y, &s, shape), 1e-6, &what);
            });
            let gradient = || add_gradient(&y, shape);
            on_each_path(gradient, |ours, path| {
                let what = format!("gradient, {shape:?}, {path:?}");
                assert_close(&ours, &plain::add_gradient(&y, shape), 1e-6, &what);
            });
        }
    }

    /// Up-sampled images convolved with 3×3, and the images convolved with the folded kernel; forward and both gradients.
    #[test]
    fn a_folded_convolution_is_the_one_of_up_sampled_images() {
        for [batch, input, out, height, width] in
            [[1, 1, 1, 1, 1], [2, 5, 7, 4, 6], [1, 16, 9, 9, 1]]
        {
            let geometry = |stride| Geometry {
                stride: [stride; 2],
                padding: [1, 1],
                ..Geometry::default()
            };
            let large = [batch, input, 2 * height, 2 * width];
            let literal = ConvShape::new(large, [out, input, 3, 3], geometry(1)).unwrap();
            let images = [batch, input, height, width];
            let folded =
                ConvShape::transposed(images, [input, out, 4, 4], [0, 0], geometry(2)).unwrap();
            let mut noise = Noise::new(height as u64);
            let x = noise.floats(images.iter().product());
            let weight = noise.floats(out * input * 9);
            let dy = noise.floats(literal.output_len());
            let planes = [batch * input, height, width];
            let up = plain::add(&vec![0.0; 4 * x.len()], &x, planes);
            let kernel = fold(&weight, [out, input]);

            let y = conv::input_gradient(&folded, &x, &kernel, None);
            let expected = reference::forward(&literal, &up, &weight, None);
            assert_close(&y, &expected, 1e-5, "forward");
            let dx = conv::forward(&folded, &dy, &kernel, None);
            let dup = reference::input_gradient(&literal, &dy, &weight, None);
            assert_close(&dx, &plain::add_gradient(&dup, planes), 1e-5, "images");
            let dk = conv::weight_gradient(&folded, &dy, &x);
            let dw = fold_gradient(&dk, [out, input]);
            let expected = reference::weight_gradient(&literal, &up, &dy);
            assert_close(&dw, &expected, 1e-5, "weight");
        }
    }
}
