//! What a memory bank of features needs (PatchCore, Roth et al., CVPR 2022): the rows, which of them to keep, and which of those are
//! nearest to a query.
//!
//! | type | what it does |
//! |---|---|
//! | [`Rows`] | features of one width, in f32 or in IEEE halves |
//! | [`Farthest`] | greedy k-centre: the coreset of a bank |
//! | [`Nearest`] | exact nearest rows of queries |
//! | [`SparseProjection`] | fewer dimensions that nearly keep distances |
//!
//! **Exact.** What decides is always the distance computed directly, Σ(a−b)² in f32 in one fixed order of summation. Shortcuts (the
//! triangle inequality, products of matrices) only leave out what their own rounding errors cannot make a difference to, so results
//! are those of the plain loops, for any number of threads. Paths differ in the last bits of a distance.

mod distance;
mod farthest;
mod nearest;
mod project;
mod rows;
mod shortlist;
#[cfg(test)]
mod tests;
mod tile;

pub use farthest::Farthest;
pub use nearest::Nearest;
pub use project::SparseProjection;
pub use rows::{Precision, Rows, Values};
