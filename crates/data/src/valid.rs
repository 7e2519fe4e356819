//! Which pixels of an image count.

use crate::error::{Error, Result};

/// What the pixels that don't count are painted with: the middle of the range, 128 of 255. It lies as near to dark pictures as to
/// bright ones, so that no constant makes a weaker edge around what counts for all of them; and it is the same number in 8 and 16 bits
/// and in floats.
pub const PAINT: f32 = 128.0 / 255.0;

/// Which pixels of an image count: in training, scores, figures and pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid {
    /// `[height, width]`.
    pub size: [usize; 2],
    /// `height * width` values, row by row; `true` where a pixel counts.
    pub pixels: Vec<bool>,
}

impl Valid {
    /// All of them.
    pub fn all(size: [usize; 2]) -> Self {
        Self {
            size,
            pixels: vec![true; size[0].saturating_mul(size[1])],
        }
    }

    /// How many count.
    pub fn count(&self) -> usize {
        self.pixels.iter().filter(|&&counts| counts).count()
    }

    /// At another size: a pixel counts if at least half of its area does.
    pub fn resized(&self, size: [usize; 2]) -> Self {
        if size == self.size {
            return self.clone();
        }
        let [height, width] = self.size;
        let rows = spans(height, size[0]);
        let columns = spans(width, size[1]);
        let mut pixels = Vec::with_capacity(size[0].saturating_mul(size[1]));
        let mut shares = vec![0.0_f64; width];
        for span in &rows {
            shares.fill(0.0);
            for (row, weight) in span.parts() {
                let line = self.pixels.chunks_exact(width.max(1)).nth(row);
                for (share, &counts) in shares.iter_mut().zip(line.unwrap_or_default()) {
                    *share += if counts { weight } else { 0.0 };
                }
            }
            for span in &columns {
                let parts = span.parts();
                let area: f64 = parts
                    .filter_map(|(column, weight)| Some(shares.get(column)? * weight))
                    .sum();
                // Of parts that are halves exactly, rounding must not take one.
                pixels.push(area >= 0.5 - 1e-9);
            }
        }
        Self { size, pixels }
    }

    /// Paints the pixels of a planar image that don't count; none if it is of another size.
    pub fn paint(&self, planar: &mut [f32]) {
        if self.pixels.is_empty() {
            return;
        }
        for plane in planar.chunks_exact_mut(self.pixels.len()) {
            for (value, counts) in plane.iter_mut().zip(&self.pixels) {
                if !counts {
                    *value = PAINT;
                }
            }
        }
    }

    /// 1 where a pixel counts, else 0.
    pub fn numbers(&self) -> Vec<f32> {
        let number = |&counts: &bool| if counts { 1.0 } else { 0.0 };
        self.pixels.iter().map(number).collect()
    }

    /// From numbers, of which those of at least ½ count.
    pub(crate) fn from_numbers(size: [usize; 2], numbers: &[f32]) -> Self {
        Self {
            size,
            pixels: numbers.iter().map(|&number| number >= 0.5).collect(),
        }
    }
}

/// The stretch of a row of pixels that one pixel of another size covers.
struct Span {
    start: f64,
    end: f64,
}

impl Span {
    /// The pixels that it covers, and the share of it that each of them makes.
    fn parts(&self) -> impl Iterator<Item = (usize, f64)> + use<'_> {
        let length = self.end - self.start;
        (self.start.floor() as usize..self.end.ceil() as usize).map(move |pixel| {
            let covered = self.end.min(pixel as f64 + 1.0) - self.start.max(pixel as f64);
            (pixel, covered.max(0.0) / length)
        })
    }
}

fn spans(from: usize, to: usize) -> Vec<Span> {
    let scale = from as f64 / to.max(1) as f64;
    let span = |index: usize| Span {
        start: index as f64 * scale,
        end: (index as f64 + 1.0) * scale,
    };
    (0..to).map(span).collect()
}

/// A mask as lengths of runs: of pixels that are not marked, then of marked ones, and so on.
pub(crate) fn runs(pixels: &[bool]) -> Vec<u64> {
    let mut runs = vec![0];
    let mut marked = false;
    for &pixel in pixels {
        if pixel != marked {
            runs.push(0);
            marked = pixel;
        }
        if let Some(last) = runs.last_mut() {
            *last += 1;
        }
    }
    runs
}

/// What [`runs`] were made of; an error unless they make `pixels` pixels.
pub(crate) fn from_runs(runs: &[u64], pixels: usize) -> Result<Vec<bool>> {
    let sum = runs
        .iter()
        .try_fold(0_u64, |sum, &run| sum.checked_add(run));
    if sum != Some(pixels as u64) {
        return Err(Error::Setting {
            key: "runs",
            expected: "lengths that make as many pixels as the mask has",
            found: sum.map_or_else(|| "an overflow".into(), |sum| sum.to_string()),
        });
    }
    let mut mask = Vec::with_capacity(pixels);
    for (index, &run) in runs.iter().enumerate() {
        // Each is at most `pixels`.
        let run = usize::try_from(run).unwrap_or(0);
        mask.extend(std::iter::repeat_n(index % 2 == 1, run));
    }
    Ok(mask)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn valid(rows: &[&str]) -> Valid {
        Valid {
            size: [rows.len(), rows[0].len()],
            pixels: rows.concat().bytes().map(|byte| byte == b'#').collect(),
        }
    }

    #[test]
    fn a_pixel_counts_if_half_of_its_area_does() {
        let rows = valid(&["##..", "#...", "####", "...."]);
        assert_eq!(rows.resized([2, 2]), valid(&["#.", "##"]));
        // One and a half columns each: the first covers 1 of 1.5, the second .5 of 1.5.
        assert_eq!(
            valid(&["##.", "##.", "##."]).resized([1, 2]),
            valid(&["#."])
        );
        assert_eq!(
            valid(&["#."]).resized([2, 4]),
            valid(&["##..", "##.."]),
            "a larger size"
        );
    }

    #[test]
    fn only_what_does_not_count_is_painted() {
        let mut planar = vec![0.25; 6];
        valid(&["#."]).paint(&mut planar);
        assert_eq!(planar, [0.25, PAINT, 0.25, PAINT, 0.25, PAINT]);
    }

    #[test]
    fn runs_of_another_length_are_refused() {
        assert!(from_runs(&[3, 1], 5).is_err() && from_runs(&[u64::MAX, 1], 0).is_err());
    }

    proptest! {
        #[test]
        fn runs_give_back_their_mask(mask in proptest::collection::vec(any::<bool>(), 0..200)) {
            prop_assert_eq!(from_runs(&runs(&mask), mask.len()).unwrap(), mask);
        }

        #[test]
        fn all_and_nothing_stay_so(from in [1..20_usize, 1..20], to in [1..20_usize, 1..20]) {
            prop_assert_eq!(Valid::all(from).resized(to), Valid::all(to));
            let nothing = Valid { size: from, pixels: vec![false; from[0] * from[1]] };
            prop_assert_eq!(nothing.resized(to).count(), 0);
        }
    }
}
