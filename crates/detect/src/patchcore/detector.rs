//! Scoring with a memory bank.
//!
//! | map | what it is |
//! |---|---|
//! | `patch-distance` | distance of each position's features to the nearest row, bilinear to the image's size and smoothed: the paper's |
//!
//! | score | what it is |
//! |---|---|
//! | `patch-distance-weighted` | the largest distance of the image, weighed by how lonely the nearest row is: the paper's, equation 7 |
//! | `patch-distance-max` | the largest distance of the image |

use burn::tensor::{Device, Tensor};
use cavga_nn::{kernels::bank::Nearest, part::Part, state};

use super::{
    PatchcoreConfig, PatchcoreLearner,
    bank::{Bank, Origin},
};
use crate::{
    Detector, ImageScores, Learner, Maps, Merge, Result, Scores, Tensors,
    check::check_valid,
    features::{Counted, Extractor, MapMaker, rows},
};

/// A trained PatchCore.
#[derive(Debug)]
pub struct PatchcoreDetector {
    config: PatchcoreConfig,
    extractor: Extractor,
    nearest: Nearest,
    origin: Origin,
    maps: MapMaker,
}

impl PatchcoreDetector {
    pub(super) fn new(config: &PatchcoreConfig, extractor: Extractor, bank: Bank) -> Self {
        let (grid, size) = (extractor.grid(), extractor.size());
        Self {
            config: config.clone(),
            nearest: Nearest::new(bank.rows),
            origin: bank.origin,
            maps: MapMaker::new(grid, size, config.smoothing, extractor.device()),
            extractor,
        }
    }

    /// From what [`Detector::state`] gave.
    pub fn restore(
        config: &PatchcoreConfig,
        size: [usize; 2],
        mut tensors: Tensors,
        device: &Device,
    ) -> Result<Self> {
        config.check()?;
        let extractor = Extractor::take(&config.encoder, size, &mut tensors, device)?;
        let bank = Bank::take(config, config.encoder.channels(), &mut tensors)?;
        state::expect_empty(&tensors)?;
        Ok(Self::new(config, extractor, bank))
    }

    /// No feature that was chosen among lies farther than this from its nearest row.
    pub fn radius(&self) -> f32 {
        self.origin.radius
    }

    /// The image's largest distance among positions that count, and the same weighed by equation 7.
    fn image_scores(&self, queries: &[f32], (rows, distances): (&[u32], &[f32])) -> (f32, f32) {
        let farthest = distances
            .iter()
            .enumerate()
            .max_by(|(_, one), (_, other)| one.total_cmp(other));
        let Some((at, &largest)) = farthest else {
            return (0.0, 0.0);
        };
        let width = self.nearest.width();
        let query = queries.get(at * width..(at + 1) * width);
        let (Some(query), Some(&row)) = (query, rows.get(at)) else {
            return (largest, largest);
        };
        (largest, largest * self.weight(query, row as usize))
    }

    /// 1 − exp‖q − m*‖ / Σ exp‖q − m‖ over the rows m around the nearest one m*, itself among them: near 1 where the bank is dense, as then
    /// the same distance tells more.
    fn weight(&self, query: &[f32], row: usize) -> f32 {
        if self.config.neighbours < 2 || self.nearest.len() < 2 {
            return 1.0;
        }
        let width = self.nearest.width();
        let mut values = vec![0.0; width];
        self.nearest.row(row, &mut values);
        let (around, _) = self.nearest.search(&values, self.config.neighbours);
        let mut distance = |row: usize| {
            self.nearest.row(row, &mut values);
            let squares = query
                .iter()
                .zip(&values)
                .map(|(q, m)| f64::from(q - m).powi(2));
            squares.sum::<f64>().sqrt()
        };
        let nearest = distance(row);
        // Of less than the largest exponent, as exp of a distance may be more than any number.
        let others = around.iter().filter(|&&other| other as usize != row);
        let sum: f64 = others
            .map(|&other| (distance(other as usize) - nearest).exp())
            .sum();
        (sum / (1.0 + sum)) as f32
    }
}

impl Detector for PatchcoreDetector {
    fn score(&self, images: Tensor<4>, valid: Option<Tensor<4>>) -> Result<Scores> {
        let part = valid.map(Part::new);
        check_valid(&images, part.as_ref())?;
        let counted = Counted::of(part.as_ref(), self.extractor.grid());
        let [batch, ..] = images.dims();
        let queries = rows(self.extractor.local_features(images)?);
        let (nearest, mut distances) = self.nearest.search(&queries, 1);
        for (at, distance) in distances.iter_mut().enumerate() {
            *distance *= counted.get(at);
        }
        let positions = distances.len() / batch;
        let each = queries.chunks_exact(positions * self.nearest.width()).zip(
            nearest
                .chunks_exact(positions)
                .zip(distances.chunks_exact(positions)),
        );
        let (largest, weighted) = each
            .map(|(queries, found)| self.image_scores(queries, found))
            .unzip();
        let score = |name, values| ImageScores {
            name,
            values,
            merge: Merge::Max,
        };
        let map = self.maps.map(distances, &counted);
        Ok(Scores {
            images: vec![
                score("patch-distance-weighted", weighted),
                score("patch-distance-max", largest),
            ],
            maps: vec![Maps {
                name: "patch-distance",
                values: map.squeeze_dim(1),
            }],
        })
    }

    fn score_as_trained(&mut self) -> bool {
        self.extractor.run_as_trained()
    }

    fn is_fitted(&self, _name: &str) -> bool {
        false
    }

    fn remembers(&self) -> bool {
        true
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("rows", self.nearest.len() as f64),
            ("radius", f64::from(self.origin.radius)),
        ]
    }

    fn reopened(self: Box<Self>) -> Option<Box<dyn Learner>> {
        let Self {
            config,
            extractor,
            nearest,
            origin,
            ..
        } = *self;
        let rows = nearest.into_rows();
        let bank = Bank { rows, origin };
        Some(Box::new(PatchcoreLearner::of(&config, 0, extractor, bank)))
    }

    fn state(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        self.extractor.collect(&mut tensors);
        self.origin.collect(self.nearest.rows(), &mut tensors);
        Ok(tensors)
    }

    fn device(&self) -> &Device {
        self.extractor.device()
    }
}
