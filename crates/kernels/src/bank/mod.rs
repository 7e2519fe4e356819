//! What a memory bank of features needs (PatchCore, Roth et al., CVPR 2022): the rows, which of them to keep, and which of those are
//! nearest to a query.
//!
//! | type | what it does |
//! |---|---|
//! | [`Rows`] | features of one width, in f32 or in IEEE halves |
//! | [`Farthest`] | greedy k-centre: the coreset of a bank |
//!
//! **Exact.** What decides is always the distance computed directly, Σ(a−b)² in f32 in one fixed order of summation. Shortcuts (the
//! triangle inequality, products of matrices) only leave out what their own rounding errors cannot make a difference to, so results
//! are those of the plain loops, for any number of threads. Paths differ in the last bits of a distance.

mod distance;
mod farthest;
mod rows;
#[cfg(test)]
mod tests;

pub use farthest::Farthest;
pub use rows::{Precision, Rows, Values};
