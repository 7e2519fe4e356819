//! A single code, as scoring has it: a product of each row of the weights with what it sees of the code, bound by the reading of the weights.

use rayon::prelude::*;

use super::MaskedShape;
use crate::lanes::Lanes;
use crate::path::{self, Path, Task};
use crate::sums::sum_of_pairs;

/// Rows per thread and turn.
const ROWS: usize = 64;

/// y = x·(W ∘ M)ᵀ of a batch of one.
pub(super) fn forward(shape: &MaskedShape, x: &[f32], weight: &[f32]) -> Vec<f32> {
    let [rows, columns] = shape.weight_shape();
    let path = Path::current();
    let mut y = vec![0.0; rows];
    let weights = weight.par_chunks(ROWS * columns);
    let parts = y.par_chunks_mut(ROWS).zip(weights).enumerate();
    parts.for_each(|(index, (y, weight))| {
        let first = index * ROWS;
        path::run(
            path,
            Products {
                shape,
                first,
                x,
                weight,
                y,
            },
        );
    });
    y
}

/// Some rows.
struct Products<'a> {
    shape: &'a MaskedShape,
    /// Which the first one is.
    first: usize,
    x: &'a [f32],
    weight: &'a [f32],
    y: &'a mut [f32],
}

impl Task for Products<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let rows = self.weight.chunks_exact(self.x.len());
        for (index, (y, row)) in self.y.iter_mut().zip(rows).enumerate() {
            let seen = self.shape.seen(self.first + index);
            *y = sum_of_pairs(&row[..seen], &self.x[..seen], |a, b| a * b);
        }
    }
}
