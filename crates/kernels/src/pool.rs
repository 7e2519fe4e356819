//! Max-pooling of images by a square window, and its gradient, as PyTorch computes them: what lies outside the image is
//! −∞, a NaN is larger than anything, and the gradient goes to the first of equal maxima in reading order.
//!
//! A row of windows is computed at once. Each image row under it is split by its columns' remainders modulo the stride,
//! with the padding written out; then tap `kx` of all windows lies side by side in one part, and stride and
//! border cost nothing in the loops that compare. Which tap won is kept for the gradient: two bytes per output, where
//! finding it again would need the images.

#[cfg(test)]
mod tests;

use crate::lanes::Lanes;
use crate::memory::with_scratch;
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// The numbers of a pooling, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    planes: usize,
    image: [usize; 2],
    output: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
}

/// The tap of a window that has no pixel.
const NONE: u16 = u16::MAX;

impl PoolShape {
    /// Of `planes` images of size `image`, `[height, width]`, by a window of `kernel` × `kernel` pixels, `stride` apart,
    /// with `padding` pixels of −∞ added on each side.
    ///
    /// None if there is no image, no window fits, `stride` or `kernel` is 0, or a number is beyond any use (a window of
    /// more than 65000 pixels, a padded side of more than 2³¹).
    pub fn new(
        planes: usize,
        image: [usize; 2],
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Option<Self> {
        Self::dilated(planes, image, kernel, stride, padding, 1)
    }

    /// [`PoolShape::new`] with `dilation` pixels from one tap of a window to the next.
    ///
    /// None also if that is 0.
    pub fn dilated(
        planes: usize,
        image: [usize; 2],
        kernel: usize,
        stride: usize,
        padding: usize,
        dilation: usize,
    ) -> Option<Self> {
        let taps = kernel.checked_mul(kernel)?;
        let reach = kernel
            .checked_sub(1)?
            .checked_mul(dilation)?
            .checked_add(1)?;
        let side = |size: usize| {
            let padded = padding.checked_mul(2)?.checked_add(size)?;
            let room = padded.checked_sub(reach)?;
            (size > 0 && padded < 1 << 31).then(|| room / stride + 1)
        };
        if planes == 0 || taps == 0 || taps > 65_000 || stride == 0 || dilation == 0 {
            return None;
        }
        let output = [side(image[0])?, side(image[1])?];
        image[0].checked_mul(image[1])?.checked_mul(planes)?;
        output[0].checked_mul(output[1])?.checked_mul(planes)?;
        Some(Self {
            planes,
            image,
            output,
            kernel,
            stride,
            padding,
            dilation,
        })
    }

    /// How many images.
    pub fn planes(&self) -> usize {
        self.planes
    }

    /// Height and width of an image.
    pub fn image(&self) -> [usize; 2] {
        self.image
    }

    /// Height and width of an output.
    pub fn output(&self) -> [usize; 2] {
        self.output
    }

    /// Height and width of the window.
    pub fn kernel(&self) -> usize {
        self.kernel
    }

    /// Distance between two windows.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Pixels of −∞ on each side.
    pub fn padding(&self) -> usize {
        self.padding
    }

    /// Pixels from one tap to the next.
    pub fn dilation(&self) -> usize {
        self.dilation
    }

    fn input_pixels(&self) -> usize {
        self.image[0] * self.image[1]
    }

    fn output_pixels(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// The taps of window `at` along an axis that lie inside the image: first and end.
    #[inline(always)]
    fn inside(&self, axis: usize, at: usize) -> (usize, usize) {
        let start = at * self.stride;
        let first = self.padding.saturating_sub(start).div_ceil(self.dilation);
        let end = (self.image[axis] + self.padding)
            .saturating_sub(start)
            .div_ceil(self.dilation)
            .min(self.kernel);
        (first, end)
    }
}

/// The largest value under each window.
///
/// # Panics
/// If the length does not fit the shape.
pub fn max(shape: &PoolShape, x: &[f32]) -> Vec<f32> {
    check(shape, x);
    let path = Path::current();
    let mut y = vec![0.0; shape.planes * shape.output_pixels()];
    y.par_chunks_mut(shape.output_pixels())
        .zip(x.par_chunks(shape.input_pixels()))
        .for_each(|(y, x)| max_of_plane(path, shape, x, y, None));
    y
}

/// [`max`], and which tap of each window it is, for [`max_gradient`].
///
/// # Panics
/// If the length does not fit the shape.
pub fn max_with_taps(shape: &PoolShape, x: &[f32]) -> (Vec<f32>, Vec<u16>) {
    check(shape, x);
    let path = Path::current();
    let len = shape.planes * shape.output_pixels();
    let (mut y, mut taps) = (vec![0.0; len], vec![0; len]);
    y.par_chunks_mut(shape.output_pixels())
        .zip(taps.par_chunks_mut(shape.output_pixels()))
        .zip(x.par_chunks(shape.input_pixels()))
        .for_each(|((y, taps), x)| max_of_plane(path, shape, x, y, Some(taps)));
    (y, taps)
}

fn check(shape: &PoolShape, x: &[f32]) {
    assert_eq!(
        x.len(),
        shape.planes * shape.input_pixels(),
        "length of the images"
    );
}

fn max_of_plane(path: Path, shape: &PoolShape, x: &[f32], y: &mut [f32], taps: Option<&mut [u16]>) {
    let width = shape.output[1];
    // Columns of a part: those of the windows' first taps, and how far the last taps reach beyond.
    let reach = (shape.kernel - 1) * shape.dilation;
    let part = width + reach / shape.stride;
    let parts = part * shape.stride.min(reach + 1);
    // Outside the task: a closure that is not inlined into it would not be compiled for its instruction set.
    with_scratch(parts + 2 * width, |scratch| {
        let (parts, rows) = scratch.split_at_mut(parts);
        let (first, tap) = rows.split_at_mut(width);
        for (ox, first) in first.iter_mut().enumerate() {
            *first = match shape.inside(1, ox) {
                (low, high) if low < high => low as f32,
                _ => f32::from(NONE),
            };
        }
        let rows = Rows {
            shape,
            x,
            first,
            part,
        };
        let task = Max {
            rows,
            parts,
            tap,
            y,
            taps,
        };
        path::run(path, task);
    });
}

/// One plane.
struct Max<'a> {
    rows: Rows<'a>,
    /// Scratch for a split image row.
    parts: &'a mut [f32],
    /// The taps of one row of windows. Counted in floats: they are exact there, and stay in the vectors of the values that
    /// they belong to.
    tap: &'a mut [f32],
    y: &'a mut [f32],
    taps: Option<&'a mut [u16]>,
}

impl Task for Max<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let width = self.rows.shape.output[1];
        let out = self.y.chunks_mut(width).enumerate();
        let mut taps = self.taps.map(|taps| taps.chunks_mut(width));
        for (oy, y) in out {
            self.rows.max(oy, self.parts, y, self.tap);
            if let Some(taps) = taps.as_mut().and_then(Iterator::next) {
                for (to, &tap) in taps.iter_mut().zip(&*self.tap) {
                    *to = tap as u16;
                }
            }
        }
    }
}

/// What the rows of windows of a plane have in common.
struct Rows<'a> {
    shape: &'a PoolShape,
    x: &'a [f32],
    /// The first column of each window that is inside the image.
    first: &'a [f32],
    /// Columns of a part of a split row.
    part: usize,
}

impl Rows<'_> {
    /// The largest values of a row of windows, and their taps; `parts` is scratch for a split image row.
    #[inline(always)]
    fn max(&self, oy: usize, parts: &mut [f32], best: &mut [f32], tap: &mut [f32]) {
        let PoolShape {
            kernel,
            stride,
            padding,
            dilation,
            image: [_, width],
            ..
        } = *self.shape;
        let (low, high) = self.shape.inside(0, oy);
        best.fill(f32::NEG_INFINITY);
        // A window that holds nothing but −∞ has its maximum at its first pixel.
        for (tap, &first) in tap.iter_mut().zip(self.first) {
            *tap = match low < high && first != f32::from(NONE) {
                true => first + (low * kernel) as f32,
                false => f32::from(NONE),
            };
        }
        for ky in low..high {
            let row = oy * stride + ky * dilation - padding;
            self.split(&self.x[row * width..(row + 1) * width], parts);
            for kx in 0..kernel {
                let column = kx * dilation;
                let from = column % stride * self.part + column / stride;
                let values = &parts[from..from + best.len()];
                let number = (ky * kernel + kx) as f32;
                for ((best, tap), &value) in best.iter_mut().zip(tap.iter_mut()).zip(values) {
                    // Not `!(value <= *best)`, which is also true of a number beside a best that is NaN.
                    let larger = (value > *best) | value.is_nan();
                    *best = if larger { value } else { *best };
                    *tap = if larger { number } else { *tap };
                }
            }
        }
    }

    /// Splits an image row, with its padding, into the columns of each remainder modulo the stride.
    #[inline(always)]
    fn split(&self, row: &[f32], parts: &mut [f32]) {
        let (stride, padding) = (self.shape.stride, self.shape.padding);
        for (remainder, part) in parts.chunks_mut(self.part).enumerate() {
            // The columns of this part whose pixels, `column · stride + remainder − padding`, are inside the image.
            let low = padding
                .saturating_sub(remainder)
                .div_ceil(stride)
                .min(part.len());
            let high = (row.len() + padding)
                .saturating_sub(remainder)
                .div_ceil(stride)
                .clamp(low, part.len());
            part[..low].fill(f32::NEG_INFINITY);
            part[high..].fill(f32::NEG_INFINITY);
            let inner = &mut part[low..high];
            if inner.is_empty() {
                continue;
            }
            let from = &row[low * stride + remainder - padding..];
            match stride {
                1 => inner.copy_from_slice(&from[..inner.len()]),
                2 => {
                    // All but the last have a neighbour to their right, so that whole pairs can be read.
                    let last = inner.len() - 1;
                    let pairs = from.as_chunks::<2>().0;
                    for (to, pair) in inner[..last].iter_mut().zip(pairs) {
                        *to = pair[0];
                    }
                    inner[last] = from[2 * last];
                }
                _ => {
                    for (to, from) in inner.iter_mut().zip(from.iter().step_by(stride)) {
                        *to = *from;
                    }
                }
            }
        }
    }
}

/// The gradient to the images, `dy` being that of the output and `taps` those of [`max_with_taps`].
///
/// # Panics
/// If a length does not fit the shape; it may if the taps are another shape's.
pub fn max_gradient(shape: &PoolShape, dy: &[f32], taps: &[u16]) -> Vec<f32> {
    let len = shape.planes * shape.output_pixels();
    assert!(dy.len() == len && taps.len() == len, "length of the output");
    let mut dx = vec![0.0; shape.planes * shape.input_pixels()];
    let offsets: Vec<usize> = (0..shape.kernel)
        .flat_map(|ky| (0..shape.kernel).map(move |kx| (ky * shape.image[1] + kx) * shape.dilation))
        .collect();
    dx.par_chunks_mut(shape.input_pixels())
        .zip(dy.par_chunks(shape.output_pixels()))
        .zip(taps.par_chunks(shape.output_pixels()))
        .for_each(|((dx, dy), taps)| scatter(shape, &offsets, dy, taps, dx));
    dx
}

/// One plane. Nothing in it is worth a vector: neighbours may go to one pixel.
fn scatter(shape: &PoolShape, offsets: &[usize], dy: &[f32], taps: &[u16], dx: &mut [f32]) {
    let PoolShape {
        stride,
        padding,
        image: [_, width],
        output: [_, columns],
        ..
    } = *shape;
    // What the padding shifts by is taken off at the end: the windows' corners may lie outside the image.
    let shift = padding * width + padding;
    for (oy, (dy, taps)) in dy.chunks(columns).zip(taps.chunks(columns)).enumerate() {
        for (ox, (&dy, &tap)) in dy.iter().zip(taps).enumerate() {
            if tap != NONE {
                let corner = oy * stride * width + ox * stride;
                dx[corner + offsets[usize::from(tap)] - shift] += dy;
            }
        }
    }
}
