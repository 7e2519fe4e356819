//! Bilinear resizing by the centres of pixels, as PyTorch's `interpolate(mode="bilinear", align_corners=False)`, which
//! does not smooth what it makes smaller.
//!
//! Separable: an image row is brought to the new width once and kept while output rows lie beside it; an output row is then
//! a sum of two such rows, in vectors. The gradient goes the same way backwards.

use crate::lanes::Lanes;
use crate::memory::with_scratch;
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// From which size to which, checked, with the places of the pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Resize {
    planes: usize,
    from: [usize; 2],
    to: [usize; 2],
    axes: [Vec<Place>; 2],
}

/// Where an output coordinate lies among the input's.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    /// The input coordinates around it; one and the same at the end.
    around: [usize; 2],
    /// How far it is from the first to the second.
    share: f32,
}

impl Resize {
    /// Of `planes` images from one size to another, both `[height, width]`. None if one of the numbers is 0 or the images
    /// could not be held.
    pub fn new(planes: usize, from: [usize; 2], to: [usize; 2]) -> Option<Self> {
        for size in [from, to] {
            let pixels = size[0].checked_mul(size[1])?.checked_mul(planes)?;
            if pixels == 0 || pixels > isize::MAX as usize / size_of::<f32>() {
                return None;
            }
        }
        let axes = [0, 1].map(|axis| places(from[axis], to[axis]));
        Some(Self {
            planes,
            from,
            to,
            axes,
        })
    }

    /// How many images.
    pub fn planes(&self) -> usize {
        self.planes
    }

    /// Height and width of an image.
    pub fn from(&self) -> [usize; 2] {
        self.from
    }

    /// Height and width of an output.
    pub fn to(&self) -> [usize; 2] {
        self.to
    }
}

fn places(from: usize, to: usize) -> Vec<Place> {
    let scale = from as f64 / to as f64;
    let place = |at: usize| {
        let place = ((at as f64 + 0.5) * scale - 0.5).max(0.0);
        let first = (place as usize).min(from - 1);
        Place {
            around: [first, (first + 1).min(from - 1)],
            share: (place - first as f64) as f32,
        }
    };
    (0..to).map(place).collect()
}

/// The images at their new size.
///
/// # Panics
/// If the length does not fit the sizes.
pub fn bilinear(resize: &Resize, x: &[f32]) -> Vec<f32> {
    let [input, output] = [resize.from, resize.to].map(|size| size[0] * size[1]);
    assert_eq!(x.len(), resize.planes * input, "length of the images");
    if resize.from == resize.to {
        return x.to_vec();
    }
    let path = Path::current();
    let mut y = vec![0.0; resize.planes * output];
    y.par_chunks_mut(output)
        .zip(x.par_chunks(input))
        .for_each(|(y, x)| {
            with_scratch(2 * resize.to[1], |rows| {
                path::run(path, Forward { resize, x, y, rows });
            });
        });
    y
}

/// One plane.
struct Forward<'a> {
    resize: &'a Resize,
    x: &'a [f32],
    y: &'a mut [f32],
    /// Scratch for two rows of the new width.
    rows: &'a mut [f32],
}

impl Task for Forward<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let ([rows, columns], width) = (&self.resize.axes, self.resize.from[1]);
        let (mut first, mut second) = self.rows.split_at_mut(columns.len());
        // Which image rows they hold: none yet.
        let mut held = [usize::MAX; 2];
        for (y, place) in self.y.chunks_mut(columns.len()).zip(rows) {
            if held[1] == place.around[0] && held[0] != held[1] {
                std::mem::swap(&mut first, &mut second);
                held.swap(0, 1);
            }
            for (index, row) in [&mut *first, &mut *second].into_iter().enumerate() {
                if held[index] != place.around[index] {
                    held[index] = place.around[index];
                    widen(&self.x[held[index] * width..][..width], columns, row);
                }
            }
            for ((y, &first), &second) in y.iter_mut().zip(&*first).zip(&*second) {
                *y = first * (1.0 - place.share) + second * place.share;
            }
        }
    }
}

/// A row at its new width.
#[inline(always)]
fn widen(from: &[f32], columns: &[Place], to: &mut [f32]) {
    for (to, place) in to.iter_mut().zip(columns) {
        let [first, second] = place.around.map(|column| from[column]);
        *to = first * (1.0 - place.share) + second * place.share;
    }
}

/// The gradient to the images, `dy` being that of the output.
///
/// # Panics
/// If the length does not fit the sizes.
pub fn bilinear_gradient(resize: &Resize, dy: &[f32]) -> Vec<f32> {
    let [input, output] = [resize.from, resize.to].map(|size| size[0] * size[1]);
    assert_eq!(dy.len(), resize.planes * output, "length of the output");
    if resize.from == resize.to {
        return dy.to_vec();
    }
    let path = Path::current();
    let mut dx = vec![0.0; resize.planes * input];
    dx.par_chunks_mut(input)
        .zip(dy.par_chunks(output))
        .for_each(|(dx, dy)| {
            with_scratch(resize.to[1], |row| {
                path::run(
                    path,
                    Backward {
                        resize,
                        dy,
                        dx,
                        row,
                    },
                );
            });
        });
    dx
}

/// One plane.
struct Backward<'a> {
    resize: &'a Resize,
    dy: &'a [f32],
    dx: &'a mut [f32],
    /// Scratch for a row of the new width.
    row: &'a mut [f32],
}

impl Task for Backward<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let ([rows, columns], width) = (&self.resize.axes, self.resize.from[1]);
        // The output rows that see one image row lie side by side: first those whose second row it is.
        let mut begin = 0;
        for (index, dx) in self.dx.chunks_mut(width).enumerate() {
            self.row.fill(0.0);
            while rows.get(begin).is_some_and(|place| place.around[1] < index) {
                begin += 1;
            }
            let seen = rows[begin..]
                .iter()
                .zip(self.dy[begin * columns.len()..].chunks(columns.len()));
            for (place, dy) in seen.take_while(|(place, _)| place.around[0] <= index) {
                let mut share = 0.0;
                if place.around[0] == index {
                    share += 1.0 - place.share;
                }
                if place.around[1] == index {
                    share += place.share;
                }
                for (sum, &dy) in self.row.iter_mut().zip(dy) {
                    *sum += dy * share;
                }
            }
            for (&value, place) in self.row.iter().zip(columns) {
                dx[place.around[0]] += value * (1.0 - place.share);
                dx[place.around[1]] += value * place.share;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{Noise, assert_close, on_each_path, resize as plain};

    fn check(planes: usize, from: [usize; 2], to: [usize; 2]) {
        let resize = Resize::new(planes, from, to).unwrap();
        let mut noise = Noise::new(from[0] as u64);
        let x = noise.floats(planes * from[0] * from[1]);
        let dy = noise.floats(planes * to[0] * to[1]);
        let (expected, expected_dx) = (
            plain::bilinear(&resize, &x),
            plain::bilinear_gradient(&resize, &dy),
        );
        let all = || (bilinear(&resize, &x), bilinear_gradient(&resize, &dy));
        on_each_path(all, |(y, dx), path| {
            let what = format!("{planes} of {from:?} to {to:?}, {path:?}");
            assert_close(&y, &expected, 1e-6, &what);
            assert_close(&dx, &expected_dx, 2e-6, &what);
        });
    }

    #[test]
    fn maps_to_the_images_size_equal_the_plain_loops() {
        for (from, to) in [
            ([16, 16], [256, 256]),
            ([8, 8], [64, 96]),
            ([64, 64], [16, 16]),
            ([7, 5], [7, 5]),
            ([7, 5], [7, 50]),
            ([1, 1], [9, 4]),
            ([9, 4], [1, 1]),
            ([2, 300], [300, 2]),
        ] {
            check(3, from, to);
        }
    }

    #[test]
    fn random_sizes_equal_the_plain_loops() {
        let mut noise = Noise::new(9);
        for _ in 0..if cfg!(miri) { 3 } else { 60 } {
            let mut size = || [noise.pick(1, 50), noise.pick(1, 50)];
            let (from, to) = (size(), size());
            check(noise.pick(1, 4), from, to);
        }
    }

    #[test]
    fn centres_are_half_pixels() {
        // Six from three: the centres fall on -¼ (clamped), ¼, ¾, ...
        for (to, expected) in [
            (6, vec![0.0, 0.25, 0.75, 1.75, 3.25, 4.0]),
            (2, vec![0.25, 3.25]),
            (1, vec![1.0]),
        ] {
            let resize = Resize::new(1, [1, 3], [1, to]).unwrap();
            assert_eq!(bilinear(&resize, &[0.0, 1.0, 4.0]), expected);
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (planes, from, to) in [
            (0, [1, 1], [1, 1]),
            (1, [0, 1], [1, 1]),
            (1, [1, 1], [1, 0]),
            (1, [1, 1], [usize::MAX, 2]),
            (1 << 40, [1, 1], [1 << 20, 1 << 20]),
        ] {
            assert_eq!(Resize::new(planes, from, to), None);
        }
    }
}
