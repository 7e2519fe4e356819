//! Gaussians of many positions at once: a mean and a covariance at each, learnt image by image, and distances under them.
//!
//! Sixteen positions lie side by side (a block), so that every operation on matrices of one position is one on vectors of sixteen: a
//! block's triangle of 100 dimensions is 320 KiB and stays in the second-level cache while a batch of images goes over it.

mod factor;
#[cfg(test)]
mod tests;

pub use factor::Gaussians;

use rayon::prelude::*;

use crate::lanes::Lanes;
use crate::path::{self, Path, Task};

/// Positions of a block.
pub const BLOCK: usize = 16;

/// One number for each position of a block.
type Block = [f32; BLOCK];

/// Entries of the lower triangle of a matrix, its diagonal included.
pub fn triangle(dims: usize) -> usize {
    dims * (dims + 1) / 2
}

/// How many vectors were seen at each position, their mean, and Σ (x − mean)(x − mean)ᵀ, its lower triangle row by row. Vectors may be taken out
/// again (Welford 1962; Chan, Golub, LeVeque 1983): what is left is, to rounding, what the others alone give.
#[derive(Debug, Clone, PartialEq)]
pub struct Scatter {
    dims: usize,
    positions: usize,
    /// `[blocks, BLOCK]`
    counts: Vec<f32>,
    /// `[blocks, dims, BLOCK]`
    means: Vec<f32>,
    /// `[blocks, triangle(dims), BLOCK]`
    products: Vec<f32>,
}

impl Scatter {
    /// Nothing seen.
    pub fn new(dims: usize, positions: usize) -> Self {
        let lanes = positions.div_ceil(BLOCK) * BLOCK;
        Self {
            dims,
            positions,
            counts: vec![0.0; lanes],
            means: vec![0.0; lanes * dims],
            products: vec![0.0; lanes * triangle(dims)],
        }
    }

    /// From what [`Scatter::parts`] gave; `None` if that does not fit.
    pub fn from_parts(
        [dims, positions]: [usize; 2],
        [counts, means, products]: [Vec<f32>; 3],
    ) -> Option<Self> {
        let lanes = positions.div_ceil(BLOCK) * BLOCK;
        let fits = counts.len() == lanes
            && means.len() == lanes * dims
            && products.len() == lanes * triangle(dims);
        fits.then_some(Self {
            dims,
            positions,
            counts,
            means,
            products,
        })
    }

    /// Counts `[blocks, BLOCK]`, means `[blocks, dims, BLOCK]` and products `[blocks, triangle(dims), BLOCK]`, to save them.
    pub fn parts(&self) -> [&[f32]; 3] {
        [&self.counts, &self.means, &self.products]
    }

    /// Length of the vectors.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// How many vectors were seen at the position where most were.
    pub fn most(&self) -> usize {
        self.counts
            .iter()
            .fold(0.0, |most: f32, &count| most.max(count)) as usize
    }

    /// Takes in a batch of images. `vectors`: `[batch, dims, positions]`; `counted`: `[batch, positions]`, 1 where a vector counts, else 0.
    ///
    /// # Panics
    /// If the slices' lengths do not fit.
    pub fn add(&mut self, vectors: &[f32], counted: &[f32]) {
        self.update(vectors, counted, 1.0);
    }

    /// Takes a batch of images out again that was taken in before.
    ///
    /// # Panics
    /// If the slices' lengths do not fit.
    pub fn remove(&mut self, vectors: &[f32], counted: &[f32]) {
        self.update(vectors, counted, -1.0);
    }

    fn update(&mut self, vectors: &[f32], counted: &[f32], sign: f32) {
        let (dims, positions) = (self.dims, self.positions);
        assert_eq!(vectors.len(), counted.len() * dims, "length of the vectors");
        assert_eq!(counted.len() % positions.max(1), 0, "length of what counts");
        let path = Path::current();
        let blocks = self.counts.par_chunks_exact_mut(BLOCK);
        let blocks = blocks
            .zip(self.means.par_chunks_exact_mut(dims * BLOCK))
            .zip(self.products.par_chunks_exact_mut(triangle(dims) * BLOCK));
        blocks.enumerate().for_each_init(
            || vec![[0.0; BLOCK]; dims],
            |apart, (block, ((counts, means), products))| {
                let images = vectors.chunks_exact(dims * positions);
                for (image, counted) in images.zip(counted.chunks_exact(positions)) {
                    let mut weights = gathered(counted, block);
                    weights.iter_mut().for_each(|weight| *weight *= sign);
                    let planes = image.chunks_exact(positions);
                    apart
                        .iter_mut()
                        .zip(planes)
                        .for_each(|(x, plane)| *x = gathered(plane, block));
                    let update = Update {
                        weights,
                        apart,
                        counts: as_blocks(counts),
                        means: as_blocks(means),
                        products: as_blocks(products),
                    };
                    path::run(path, update);
                }
            },
        );
    }
}

/// What a plane has at a block's positions; 0 behind the last.
fn gathered(plane: &[f32], block: usize) -> Block {
    let mut values = [0.0; BLOCK];
    let from = plane.get(block * BLOCK..).unwrap_or_default();
    values
        .iter_mut()
        .zip(from)
        .for_each(|(value, &from)| *value = from);
    values
}

fn as_blocks(values: &mut [f32]) -> &mut [Block] {
    values.as_chunks_mut().0
}

/// One vector at each position of a block comes or goes.
struct Update<'a> {
    /// 1 where it comes, −1 where it goes, 0 where it does not count.
    weights: Block,
    /// The vectors; then how far they are from the mean.
    apart: &'a mut [Block],
    counts: &'a mut [Block],
    means: &'a mut [Block],
    products: &'a mut [Block],
}

impl Task for Update<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Self {
            weights,
            apart,
            counts,
            means,
            products,
        } = self;
        let (mut steps, mut factors, mut stays) = ([0.0; BLOCK], [0.0; BLOCK], [1.0; BLOCK]);
        for lane in 0..BLOCK {
            let before = counts[0][lane];
            let after = (before + weights[lane]).max(0.0);
            counts[0][lane] = after;
            match after > 0.0 {
                true => {
                    steps[lane] = weights[lane] / after;
                    factors[lane] = weights[lane] * before / after;
                }
                // The last is gone: nothing may be left of it, no rounding either.
                false => stays[lane] = 0.0,
            }
        }
        for (apart, mean) in apart.iter_mut().zip(means.iter_mut()) {
            for lane in 0..BLOCK {
                apart[lane] -= mean[lane];
                mean[lane] = (mean[lane] + apart[lane] * steps[lane]) * stays[lane];
            }
        }
        let mut rest = products;
        for (row, of_row) in apart.iter().enumerate() {
            let (entries, below) = rest.split_at_mut(row + 1);
            rest = below;
            let mut scaled = [0.0; BLOCK];
            for lane in 0..BLOCK {
                scaled[lane] = of_row[lane] * factors[lane];
            }
            for (entry, of_column) in entries.iter_mut().zip(apart.iter()) {
                for lane in 0..BLOCK {
                    entry[lane] = (entry[lane] + scaled[lane] * of_column[lane]) * stays[lane];
                }
            }
        }
    }
}
