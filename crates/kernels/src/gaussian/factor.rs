//! Covariances in the form that distances are computed in.

use rayon::prelude::*;

use super::{BLOCK, Block, Scatter, as_blocks, gathered, triangle};
use crate::lanes::Lanes;
use crate::path::{self, Path, Task};

/// The Gaussian of each position: its mean, and the Cholesky factor of its covariance.
#[derive(Debug)]
pub struct Gaussians {
    dims: usize,
    positions: usize,
    /// `[blocks, dims, BLOCK]`
    means: Vec<f32>,
    /// L of Σ = L·Lᵀ, its lower triangle row by row, with 1 / L_ii in place of L_ii: `[blocks, triangle(dims), BLOCK]`.
    factors: Vec<f32>,
}

impl Gaussians {
    /// With covariances Σ = Σ (x − mean)(x − mean)ᵀ / (n − 1) + `regularisation`·I; where one vector alone was seen, the second alone;
    /// where none was, every distance is 0.
    /// The factors are computed in double precision.
    pub fn new(scatter: &Scatter, regularisation: f64) -> Self {
        let dims = scatter.dims;
        let [counts, means, products] = scatter.parts();
        let mut factors = vec![0.0; products.len()];
        let entries = triangle(dims);
        let path = Path::current();
        factors
            .par_chunks_exact_mut(entries * BLOCK)
            .zip(products.par_chunks_exact(entries * BLOCK))
            .zip(counts.par_chunks_exact(BLOCK))
            .for_each_init(
                || vec![[0.0; BLOCK]; entries],
                |work, ((factors, products), counts)| {
                    let factor = Factor {
                        counts: gathered(counts, 0),
                        regularisation,
                        products: products.as_chunks().0,
                        work,
                        factors: as_blocks(factors),
                    };
                    path::run(path, factor);
                },
            );
        Self {
            dims,
            positions: scatter.positions,
            means: means.to_vec(),
            factors,
        }
    }

    /// Mahalanobis distances √((x − mean)ᵀ Σ⁻¹ (x − mean)). `vectors`: `[batch, dims, positions]` → `[batch, positions]`.
    ///
    /// # Panics
    /// If the slice's length does not fit.
    pub fn distances(&self, vectors: &[f32]) -> Vec<f32> {
        let (dims, positions) = (self.dims, self.positions);
        let image = dims * positions;
        assert_eq!(vectors.len() % image.max(1), 0, "length of the vectors");
        let batch = vectors.len() / image.max(1);
        let path = Path::current();
        let blocks = self.means.par_chunks_exact(dims * BLOCK);
        let blocks = blocks.zip(self.factors.par_chunks_exact(triangle(dims) * BLOCK));
        let of_block: Vec<Vec<Block>> = blocks
            .enumerate()
            .map_init(
                || vec![[0.0; BLOCK]; dims],
                |apart, (block, (means, factors))| {
                    let images = vectors.chunks_exact(image).map(|image| {
                        let planes = image.chunks_exact(positions);
                        apart
                            .iter_mut()
                            .zip(planes)
                            .for_each(|(x, plane)| *x = gathered(plane, block));
                        let mut distances = [0.0; BLOCK];
                        let distance = Distance {
                            means: means.as_chunks().0,
                            factors: factors.as_chunks().0,
                            apart,
                            distances: &mut distances,
                        };
                        path::run(path, distance);
                        distances
                    });
                    images.collect()
                },
            )
            .collect();
        let mut distances = Vec::with_capacity(batch * positions);
        for at in 0..batch {
            let blocks = of_block.iter().flat_map(|images| images[at]);
            distances.extend(blocks.take(positions));
        }
        distances
    }
}

/// A block's covariances become their factors.
struct Factor<'a> {
    counts: Block,
    regularisation: f64,
    products: &'a [Block],
    /// Scratch: the factors in double precision.
    work: &'a mut [[f64; BLOCK]],
    factors: &'a mut [Block],
}

impl Task for Factor<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Self {
            counts,
            regularisation,
            products,
            work,
            factors,
        } = self;
        let share = counts.map(|count| match count >= 2.0 {
            true => 1.0 / (f64::from(count) - 1.0),
            false => 0.0,
        });
        let mut row = 0;
        let mut start = 0;
        while start < products.len() {
            let (above, here) = work.split_at_mut(start);
            let here = &mut here[..row + 1];
            for column in 0..=row {
                let mut sum = [0.0; BLOCK];
                for lane in 0..BLOCK {
                    sum[lane] = f64::from(products[start + column][lane]) * share[lane];
                }
                // Row `column` of L: of those above, or this one.
                let at = triangle(column);
                let (done, this) = here.split_at_mut(column);
                if column < row {
                    let of = &above[at..at + column + 1];
                    subtract(&mut sum, done, of);
                    for lane in 0..BLOCK {
                        this[0][lane] = sum[lane] * of[column][lane];
                    }
                } else {
                    subtract(&mut sum, done, done);
                    for lane in 0..BLOCK {
                        // What is left of a scatter is not negative, but for the rounding of vectors that came and went.
                        let pivot = sum[lane].max(0.0) + regularisation;
                        this[0][lane] = 1.0 / pivot.sqrt();
                    }
                }
            }
            row += 1;
            start = triangle(row);
        }
        for (factor, work) in factors.iter_mut().zip(work.iter()) {
            for lane in 0..BLOCK {
                // Where nothing was seen nothing is known: every distance is 0 there.
                factor[lane] = match counts[lane] > 0.0 {
                    true => work[lane] as f32,
                    false => 0.0,
                };
            }
        }
    }
}

/// Takes the products of two rows, as far as both go, from a sum.
#[inline(always)]
fn subtract(sum: &mut [f64; BLOCK], left: &[[f64; BLOCK]], right: &[[f64; BLOCK]]) {
    for (left, right) in left.iter().zip(right) {
        for lane in 0..BLOCK {
            sum[lane] -= left[lane] * right[lane];
        }
    }
}

/// A block's distances: the length of the solution y of L·y = x − mean.
struct Distance<'a> {
    means: &'a [Block],
    factors: &'a [Block],
    /// x; then y.
    apart: &'a mut [Block],
    distances: &'a mut Block,
}

impl Task for Distance<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Self {
            means,
            factors,
            apart,
            distances,
        } = self;
        let mut squares = [0.0; BLOCK];
        let mut rest = factors;
        for row in 0..apart.len() {
            let (entries, below) = rest.split_at(row + 1);
            rest = below;
            let (done, here) = apart.split_at_mut(row);
            let mut sum = [0.0; BLOCK];
            for lane in 0..BLOCK {
                sum[lane] = here[0][lane] - means[row][lane];
            }
            for (entry, y) in entries.iter().zip(done.iter()) {
                for lane in 0..BLOCK {
                    sum[lane] -= entry[lane] * y[lane];
                }
            }
            for lane in 0..BLOCK {
                let y = sum[lane] * entries[row][lane];
                here[0][lane] = y;
                squares[lane] += y * y;
            }
        }
        for lane in 0..BLOCK {
            distances[lane] = squares[lane].sqrt();
        }
    }
}
