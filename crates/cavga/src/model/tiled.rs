//! What a detector says of an image that it sees in tiles.
//!
//! Maps are merged as [`Tiles`] has it; of scores each has a rule: the mean of the tiles', each weighing as much as pixels that count are
//! its, or the largest. A tile in which no pixel counts is not asked about.

use burn::tensor::{Tensor, TensorData};
use cavga_data::{Tiles, Valid};
use cavga_detect::{Detector, Merge, Scores};

use super::Scored;
use crate::Result;

/// Tiles that a network sees at once: enough to keep it busy, few enough to bound its memory. What is said of a tile does not depend on it.
pub(super) const AT_ONCE: usize = 8;

/// `pixels`: planar, of the tiles' image size; `at_once` of the tiles are seen at once, at least one.
pub(super) fn score(
    detector: &dyn Detector,
    tiles: &Tiles,
    pixels: &[f32],
    valid: Option<Valid>,
    at_once: usize,
) -> Result<Scored> {
    let shares = (0..tiles.len()).map(|tile| (tile, tiles.share(tile, valid.as_ref())));
    let asked: Vec<_> = shares.filter(|(_, share)| *share > 0.0).collect();
    let mut merged = Merged::default();
    for some in asked.chunks(at_once.max(1)) {
        let [height, width] = tiles.tile();
        let batch = |planes: usize, cut: &dyn Fn(usize) -> Vec<f32>| {
            let values: Vec<_> = some.iter().flat_map(|(tile, _)| cut(*tile)).collect();
            let values = TensorData::new(values, [some.len(), planes, height, width]);
            Tensor::<4>::from_data(values, detector.device())
        };
        let images = batch(3, &|tile| tiles.cut(pixels, tile));
        let counted = valid
            .as_ref()
            .map(|valid| batch(1, &|tile| tiles.cut_valid(valid, tile).numbers()));
        merged.add(tiles, some, detector.score(images, counted)?);
    }
    let whole: f64 = asked.iter().map(|(_, share)| share).sum();
    let scores = merged.scores.into_iter().map(|(name, merge, value)| {
        let value = match merge {
            Merge::Mean => value / whole,
            Merge::Max => value,
        };
        (name, value as f32)
    });
    Ok(Scored {
        scores: scores.collect(),
        maps: merged.maps,
        valid,
    })
}

/// What was said so far.
#[derive(Default)]
struct Merged {
    /// Sums of means times shares, and maxima.
    scores: Vec<(&'static str, Merge, f64)>,
    maps: Vec<(&'static str, Vec<f32>)>,
}

impl Merged {
    fn add(&mut self, tiles: &Tiles, some: &[(usize, f64)], said: Scores) {
        if self.scores.is_empty() {
            let start = |merge| match merge {
                Merge::Mean => 0.0,
                Merge::Max => f64::NEG_INFINITY,
            };
            let scores = said.images.iter();
            self.scores = scores
                .map(|score| (score.name, score.merge, start(score.merge)))
                .collect();
            let [height, width] = tiles.size();
            let maps = said.maps.iter();
            self.maps = maps
                .map(|map| (map.name, vec![0.0; height * width]))
                .collect();
        }
        for ((_, merge, sum), score) in self.scores.iter_mut().zip(&said.images) {
            for (&value, (_, share)) in score.values.iter().zip(some) {
                let value = f64::from(value);
                *sum = match merge {
                    Merge::Mean => *sum + share * value,
                    // Not `max`, which would pass over a value that is no number.
                    Merge::Max if sum.is_nan() || value <= *sum => *sum,
                    Merge::Max => value,
                };
            }
        }
        let [height, width] = tiles.tile();
        for ((_, whole), map) in self.maps.iter_mut().zip(said.maps) {
            let values: Vec<f32> = map.values.into_data().iter::<f32>().collect();
            for (part, (tile, _)) in values.chunks_exact(height * width).zip(some) {
                tiles.add(part, *tile, whole);
            }
        }
    }
}
