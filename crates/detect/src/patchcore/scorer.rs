//! Distances to a bank, and what they make of an image.

use cavga_nn::kernels::bank::{Nearest, Rows};

use super::bank::distance;
use crate::features::Counted;

/// Scores features by a bank.
#[derive(Debug)]
pub(super) struct Scorer {
    nearest: Nearest,
    /// b of equation 7.
    neighbours: usize,
}

/// What a bank says of a batch.
#[derive(Debug)]
pub(super) struct Found {
    /// Of each position of all images in a row, the distance to the nearest row; 0 where it does not count.
    pub(super) distances: Vec<f32>,
    /// Each image's largest distance.
    pub(super) largest: Vec<f32>,
    /// The same, weighed by equation 7.
    pub(super) weighted: Vec<f32>,
}

impl Scorer {
    pub(super) fn new(rows: Rows, neighbours: usize) -> Self {
        Self {
            nearest: Nearest::new(rows),
            neighbours,
        }
    }

    pub(super) fn rows(&self) -> &Rows {
        self.nearest.rows()
    }

    pub(super) fn into_rows(self) -> Rows {
        self.nearest.into_rows()
    }

    /// # Shapes
    /// - queries: `[batch, positions, channels]`
    pub(super) fn score(&self, queries: &[f32], batch: usize, counted: &Counted) -> Found {
        let (nearest, mut distances) = self.nearest.search(queries, 1);
        for (at, distance) in distances.iter_mut().enumerate() {
            *distance *= counted.get(at);
        }
        let positions = distances.len() / batch.max(1);
        let each = queries.chunks_exact(positions * self.nearest.width()).zip(
            nearest
                .chunks_exact(positions)
                .zip(distances.chunks_exact(positions)),
        );
        let (largest, weighted) = each
            .map(|(queries, found)| self.image_scores(queries, found))
            .unzip();
        Found {
            distances,
            largest,
            weighted,
        }
    }

    /// The image's largest distance among positions that count, and the same weighed by equation 7.
    fn image_scores(&self, queries: &[f32], (rows, distances): (&[u32], &[f32])) -> (f32, f32) {
        // The first of several.
        let farthest = distances
            .iter()
            .enumerate()
            .max_by(|(at, one), (other_at, other)| one.total_cmp(other).then(other_at.cmp(at)));
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
        if self.neighbours < 2 || self.nearest.len() < 2 {
            return 1.0;
        }
        let width = self.nearest.width();
        let mut values = vec![0.0; width];
        self.nearest.row(row, &mut values);
        let (around, _) = self.nearest.search(&values, self.neighbours);
        let mut far = |row: usize| {
            self.nearest.row(row, &mut values);
            distance(query, &values)
        };
        let nearest = far(row);
        // Of less than the largest exponent, as exp of a distance may be more than any number.
        let others = around.iter().filter(|&&other| other as usize != row);
        let sum: f64 = others
            .map(|&other| (far(other as usize) - nearest).exp())
            .sum();
        // One may be so far away that the sum is infinite.
        (1.0 - 1.0 / (1.0 + sum)) as f32
    }
}
