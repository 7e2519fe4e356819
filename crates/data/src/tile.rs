//! Large images in tiles: where they lie, how they are cut, how what is found in each becomes one map without a seam.
//!
//! Tiles are all of one size, overlap, and lie evenly: the first and the last of a row touch the image's borders, and nothing is
//! padded. In the merged map each pixel is a weighted mean over the tiles that hold it; a tile's weights fall linearly from its
//! middle to its rim, so that no tile begins or ends with a step.

use crate::error::{Error, Result};
use crate::valid::Valid;

/// The longest side of an image that is cut; resizing has the same limit.
const MAX_SIDE: usize = 1 << 16;

/// The largest overlap: at ¾, 16 tiles hold each pixel, each another pass of the network.
pub const MAX_OVERLAP: f64 = 0.75;

/// Where the tiles of images of one size lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Tiles {
    overlap: f64,
    rows: Axis,
    columns: Axis,
}

/// Tiles along one side.
#[derive(Debug, Clone, PartialEq)]
struct Axis {
    length: usize,
    tile: usize,
    starts: Vec<usize>,
    /// For each tile, the weight of each of its pixels; over all tiles that hold a pixel they sum to 1.
    weights: Vec<Vec<f32>>,
}

impl Axis {
    fn new(length: usize, tile: usize, overlap: f64) -> Self {
        let step = (tile as f64 * (1.0 - overlap)).floor().max(1.0) as usize;
        let gaps = (length - tile).div_ceil(step);
        // Evenly, to the nearest pixel; no two begin more than a step apart, as a step is a whole number.
        let start = |index: usize| match gaps {
            0 => 0,
            _ => (index * (length - tile) + gaps / 2) / gaps,
        };
        let starts: Vec<_> = (0..=gaps).map(start).collect();
        let raw: Vec<_> = (0..tile).map(|at| (at + 1).min(tile - at) as f64).collect();
        let mut sums = vec![0.0; length];
        for &start in &starts {
            let held = sums.iter_mut().skip(start);
            held.zip(&raw).for_each(|(sum, weight)| *sum += weight);
        }
        let weights = starts.iter().map(|&start| {
            let held = sums.iter().skip(start);
            held.zip(&raw)
                .map(|(sum, weight)| (weight / sum) as f32)
                .collect()
        });
        Self {
            length,
            tile,
            weights: weights.collect(),
            starts,
        }
    }

    fn weights(&self, index: usize) -> &[f32] {
        self.weights
            .get(index)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    fn start(&self, index: usize) -> usize {
        self.starts.get(index).copied().unwrap_or(0)
    }
}

impl Tiles {
    /// Tiles of `tile`, `[height, width]`, over images of `size`; neighbours share at least `overlap`, a part of a tile's side.
    ///
    /// # Errors
    /// [`Error::Setting`] for a tile larger than the image or of no pixels, and for an overlap outside 0 to [`MAX_OVERLAP`].
    pub fn new(size: [usize; 2], tile: [usize; 2], overlap: f64) -> Result<Self> {
        let fits = |at: usize| (1..=size[at]).contains(&tile[at]) && size[at] <= MAX_SIDE;
        if !(fits(0) && fits(1)) {
            return Err(Error::Setting {
                key: "tile",
                expected: "a height and a width of at least 1 and at most the image's (data.size), which is at most 65536",
                found: format!("{tile:?} for images of {size:?}"),
            });
        }
        if !(0.0..=MAX_OVERLAP).contains(&overlap) {
            return Err(Error::Setting {
                key: "overlap",
                expected: "a part of a tile's side of 0 to 0.75",
                found: overlap.to_string(),
            });
        }
        let [rows, columns] = [0, 1].map(|at| Axis::new(size[at], tile[at], overlap));
        Ok(Self {
            overlap,
            rows,
            columns,
        })
    }

    /// What neighbours share at least, a part of a tile's side.
    pub fn overlap(&self) -> f64 {
        self.overlap
    }

    /// How many there are, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.rows.starts.len() * self.columns.starts.len()
    }

    /// `[height, width]` of a tile.
    pub fn tile(&self) -> [usize; 2] {
        [self.rows.tile, self.columns.tile]
    }

    /// `[height, width]` of the images.
    pub fn size(&self) -> [usize; 2] {
        [self.rows.length, self.columns.length]
    }

    /// Row and column of a tile among the tiles.
    fn place(&self, index: usize) -> [usize; 2] {
        let columns = self.columns.starts.len();
        [index / columns, index % columns]
    }

    /// `[row, column]` of the upper left pixel of a tile.
    pub fn origin(&self, index: usize) -> [usize; 2] {
        let [row, column] = self.place(index);
        [self.rows.start(row), self.columns.start(column)]
    }

    /// A tile out of a planar image of any number of channels. What the image lacks is left out.
    pub fn cut<T: Copy>(&self, planar: &[T], index: usize) -> Vec<T> {
        let [top, left] = self.origin(index);
        let [height, width] = self.size();
        let [rows, columns] = self.tile();
        let planes = planar.chunks_exact(height * width);
        let mut tile = Vec::with_capacity(planes.len() * rows * columns);
        for plane in planes {
            for line in plane.chunks_exact(width).skip(top).take(rows) {
                tile.extend_from_slice(line.get(left..left + columns).unwrap_or_default());
            }
        }
        tile
    }

    /// The part of `valid`, of an image's size, that lies in a tile.
    pub fn cut_valid(&self, valid: &Valid, index: usize) -> Valid {
        Valid {
            size: self.tile(),
            pixels: self.cut(&valid.pixels, index),
        }
    }

    /// Adds what was found in a tile, one value for each of its pixels, times its weights to a map of an image's size. A map of zeros
    /// to which all tiles were added is the merged one.
    pub fn add(&self, part: &[f32], index: usize, map: &mut [f32]) {
        let [row, column] = self.place(index);
        let [top, left] = self.origin(index);
        let (width, columns) = (self.columns.length, self.columns.tile);
        let across = self.columns.weights(column);
        let lines = map.chunks_exact_mut(width).skip(top);
        for ((line, part), down) in lines
            .zip(part.chunks_exact(columns))
            .zip(self.rows.weights(row))
        {
            let held = line.iter_mut().skip(left);
            for ((value, part), across) in held.zip(part).zip(across) {
                *value += down * across * part;
            }
        }
    }

    /// How much of an image is a tile's: its weights, summed over its pixels that count. Over all tiles, the image's pixels that count.
    pub fn share(&self, index: usize, valid: Option<&Valid>) -> f64 {
        let [row, column] = self.place(index);
        let across = self.columns.weights(column);
        let Some(valid) = valid.map(|valid| self.cut_valid(valid, index)) else {
            let sum = |weights: &[f32]| weights.iter().copied().map(f64::from).sum::<f64>();
            return sum(self.rows.weights(row)) * sum(across);
        };
        let lines = valid.pixels.chunks_exact(self.columns.tile);
        let of_line = |(line, down): (&[bool], &f32)| {
            let counted = line.iter().zip(across).filter(|(counts, _)| **counts);
            f64::from(*down) * counted.map(|(_, weight)| f64::from(*weight)).sum::<f64>()
        };
        lines.zip(self.rows.weights(row)).map(of_line).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tiles_touch_the_borders_and_lie_evenly() {
        let tiles = Tiles::new([10, 4], [4, 4], 0.25).unwrap();
        let origins: Vec<_> = (0..tiles.len()).map(|index| tiles.origin(index)).collect();
        assert_eq!(origins, [[0, 0], [3, 0], [6, 0]]);
        let whole = Tiles::new([4, 4], [4, 4], 0.25).unwrap();
        assert_eq!((whole.len(), whole.origin(0)), (1, [0, 0]));
    }

    #[test]
    fn settings_that_cannot_be_are_refused_by_name() {
        for (size, tile, overlap, key) in [
            ([8, 8], [9, 8], 0.0, "tile"),
            ([8, 8], [8, 0], 0.0, "tile"),
            ([1 << 20, 8], [8, 8], 0.0, "tile"),
            ([8, 8], [4, 4], 0.9, "overlap"),
            ([8, 8], [4, 4], f64::NAN, "overlap"),
        ] {
            let error = Tiles::new(size, tile, overlap).unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("`{key}`")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_cut_keeps_channels_apart() {
        let tiles = Tiles::new([2, 3], [1, 2], 0.0).unwrap();
        let image: Vec<_> = (0..12).collect();
        assert_eq!(tiles.cut(&image, 3), [4, 5, 10, 11]);
    }

    fn cases() -> impl Strategy<Value = ([usize; 2], [usize; 2], f64)> {
        let side = || (1..40_usize).prop_flat_map(|tile| (tile..120, Just(tile)));
        (side(), side(), 0.0..=MAX_OVERLAP).prop_map(
            |((height, rows), (width, columns), overlap)| {
                ([height, width], [rows, columns], overlap)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A detector that looks at each pixel alone says of tiles what it says of the whole.
        #[test]
        fn cut_and_merged_is_the_identity((size, tile, overlap) in cases(), seed in any::<u32>()) {
            let tiles = Tiles::new(size, tile, overlap).unwrap();
            let image: Vec<f32> = (0..size[0] * size[1])
                .map(|at| ((at as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 8) as f32 / (1 << 24) as f32)
                .collect();
            let detect = |value: &f32| 1.0 - value * value;
            let mut merged = vec![0.0; image.len()];
            for index in 0..tiles.len() {
                let part: Vec<_> = tiles.cut(&image, index).iter().map(detect).collect();
                tiles.add(&part, index, &mut merged);
            }
            for (merged, value) in merged.iter().zip(&image) {
                prop_assert!((merged - detect(value)).abs() <= 1e-6, "{merged} {}", detect(value));
            }
        }

        /// The weights of all tiles sum to 1 at each pixel: those of pixels that count, to how many count.
        #[test]
        fn shares_sum_to_the_pixels_that_count((size, tile, overlap) in cases(), every in 1..5_usize) {
            let tiles = Tiles::new(size, tile, overlap).unwrap();
            let pixels = size[0] * size[1];
            let valid = Valid { size, pixels: (0..pixels).map(|at| at % every == 0).collect() };
            let sum = |valid| (0..tiles.len()).map(|index| tiles.share(index, valid)).sum::<f64>();
            prop_assert!((sum(None) / pixels as f64 - 1.0).abs() < 1e-6);
            prop_assert!((sum(Some(&valid)) / valid.count() as f64 - 1.0).abs() < 1e-6);
        }
    }
}
