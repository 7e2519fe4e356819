//! Greedy k-centre: again and again the row that is farthest from all picked before (Gonzalez, "Clustering to minimize the maximum
//! intercluster distance", 1985; Algorithm 1 of PatchCore, Roth et al., CVPR 2022).
//!
//! Each row keeps its squared distance m² to its nearest centre c, and which one that is. A new centre p can only be nearer than m
//! if d(p, c) < 2m, since d(p, row) ≥ d(p, c) − m (Elkan, ICML 2003). So a pick costs one distance per centre, a look at 8 bytes per
//! row, and the features of the few rows that pass.

use super::distance::{Stored, rounding, squared};
use super::rows::{Rows, Values};
use crate::lanes::{Lanes, prefetch};
use crate::path::{self, Path, Task};
use crate::threads;
use rayon::prelude::*;

/// Rows that a thread looks at in a turn; their largest distance is kept.
const BLOCK: usize = 256;

/// So many rows ahead their features are asked for: they lie scattered, which the processor cannot foresee.
const AHEAD: usize = 4;

/// Centres per thread and turn.
const CENTRES: usize = 128;

/// Greedy k-centre over rows. Every row's nearest centre among those picked is known, and the row farthest from them.
///
/// Takes 8 bytes per row beside the rows, and the centres' values as floats, `4 · width` bytes each (up to three times that while their
/// memory grows). Many picks in a row are best made within [`crate::threads::together`].
///
/// Rows should be finite. A row with a NaN is infinitely far until it is picked.
#[derive(Debug)]
pub struct Farthest<'a> {
    rows: &'a Rows,
    picked: Vec<usize>,
    /// `[centre, width]`: the rows picked, in turn.
    centres: Vec<f32>,
    /// Per row, the squared distance to its nearest centre.
    distances: Vec<f32>,
    /// Per row, its nearest centre; of equally near ones the first.
    nearest: Vec<u32>,
    /// Per block of rows, the largest of `distances`.
    peaks: Vec<f32>,
    /// Per centre, the squared distance to the newest, up to the largest float.
    apart: Vec<f32>,
}

impl<'a> Farthest<'a> {
    /// With no centres yet.
    pub fn new(rows: &'a Rows) -> Self {
        let len = rows.len();
        Self {
            rows,
            picked: Vec::new(),
            centres: Vec::new(),
            distances: vec![f32::INFINITY; len],
            nearest: vec![0; len],
            peaks: vec![f32::INFINITY; len.div_ceil(BLOCK)],
            apart: Vec::new(),
        }
    }

    /// Makes a row a centre: every row's distance to its nearest centre is known anew.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn pick(&mut self, row: usize) {
        let width = self.rows.width();
        let from = self.centres.len();
        self.centres.resize(from + width, 0.0);
        self.rows.get(row, &mut self.centres[from..]);
        self.picked.push(row);
        threads::together(|| self.update());
        // Also of a row that is not at distance 0 from itself, having a NaN or an infinity.
        self.distances[row] = 0.0;
        let block = row / BLOCK;
        let first = block * BLOCK;
        let end = self.distances.len().min(first + BLOCK);
        self.peaks[block] = peak(&self.distances[first..end]);
    }

    /// The row farthest from all centres, and its distance, Euclidean; of equally far ones the first. At distance 0 every row equals a
    /// centre, and the row named may be one already picked. `None` before the first centre, or if there are no rows.
    pub fn farthest(&self) -> Option<(usize, f32)> {
        if self.centres.is_empty() {
            return None;
        }
        let largest = peak(&self.peaks);
        let block = self.peaks.iter().position(|&peak| peak == largest)?;
        let rows = &self.distances[block * BLOCK..];
        let row = rows.iter().position(|&distance| distance == largest)?;
        Some((block * BLOCK + row, largest.sqrt()))
    }

    /// Of each row, which of the centres is nearest, counted in the order in which they became centres; of equally near ones the first.
    pub fn into_nearest(self) -> Vec<u32> {
        self.nearest
    }

    /// The rows picked, in order.
    pub fn picked(&self) -> &[usize] {
        &self.picked
    }

    /// Takes the last of `centres` into account.
    fn update(&mut self) {
        let path = Path::current();
        let width = self.rows.width();
        let (before, centre) = self.centres.split_at(self.centres.len() - width);
        // Before the first pass all rows name centre 0 as nearest, at an infinite distance.
        let count = (before.len() / width).max(1);
        self.apart.clear();
        self.apart.resize(count, 0.0);
        let sizes = before.par_chunks(CENTRES * width);
        sizes
            .zip(self.apart.par_chunks_mut(CENTRES))
            .for_each(|(centres, apart)| {
                path::run(
                    path,
                    Apart {
                        centres,
                        centre,
                        apart,
                    },
                )
            });
        let pass = Pass {
            centre,
            name: (before.len() / width) as u32,
            apart: &self.apart,
            factor: 4.0 * (1.0 + 4.0 * rounding(width)),
        };
        let distances = self.distances.par_chunks_mut(BLOCK);
        let nearest = self.nearest.par_chunks_mut(BLOCK);
        distances
            .zip(nearest)
            .zip(self.peaks.par_iter_mut())
            .enumerate()
            .with_min_len(4)
            .for_each(|(block, ((distances, nearest), peak))| {
                let range = block * BLOCK * width..(block * BLOCK + distances.len()) * width;
                let state = (distances, nearest, peak);
                match self.rows.values() {
                    Values::F32(values) => pass.block(path, &values[range], state),
                    Values::F16(values) => pass.block(path, &values[range], state),
                }
            });
    }
}

/// The largest of distances, none of which is a NaN.
#[inline(always)]
fn peak(distances: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (blocks, rest) = distances.as_chunks::<32>();
    let mut peaks = [0.0; 32];
    for block in blocks {
        for (peak, &distance) in peaks.iter_mut().zip(block) {
            *peak = larger(*peak, distance);
        }
    }
    peaks.iter().chain(rest).copied().fold(0.0, larger)
}

/// The squared distances of some centres to the newest.
struct Apart<'a> {
    centres: &'a [f32],
    centre: &'a [f32],
    apart: &'a mut [f32],
}

impl Task for Apart<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let width = self.centre.len();
        for (other, apart) in self.centres.chunks_exact(width).zip(self.apart) {
            // SAFETY: both are `width` long; the instruction set is the caller's promise.
            let squared = unsafe {
                let (other, centre) = (other.as_ptr(), self.centre.as_ptr());
                squared::<L, f32>(other, centre, width, f32::INFINITY)
            };
            // What is no number or too large for one tells nothing; at most the largest float, it excludes no row infinitely far.
            *apart = squared.min(f32::MAX);
        }
    }
}

/// What all blocks of rows need to take a new centre into account.
#[derive(Clone, Copy)]
struct Pass<'a> {
    centre: &'a [f32],
    /// The new centre's number.
    name: u32,
    apart: &'a [f32],
    /// Times m², what d²(p, c) must be below for the row to come into question: 4, and what covers the rounding of both. With γ the
    /// relative error of a square, the row's new square is at least (1−γ)·(2·√(k·(1−γ)/(1+γ)) − 1)² of its old one's exact value where
    /// d² ≥ 4k·m², and that is at least 1+γ for k ≥ 1 + 3γ.
    factor: f32,
}

impl Pass<'_> {
    /// Whether a row at the squared distance `distance` from its centre may be nearer to the new one, which is `apart` from that.
    #[inline(always)]
    fn reaches(&self, distance: f32, apart: f32) -> bool {
        // The smallest normal number covers squares that vanish.
        apart < distance * self.factor + f32::MIN_POSITIVE
    }

    fn block<S: Stored>(
        &self,
        path: Path,
        rows: &[S],
        (distances, nearest, peak): (&mut [f32], &mut [u32], &mut f32),
    ) {
        let pass = *self;
        path::run(
            path,
            Block {
                pass,
                rows,
                distances,
                nearest,
                peak,
            },
        );
    }
}

struct Block<'a, S> {
    pass: Pass<'a>,
    rows: &'a [S],
    distances: &'a mut [f32],
    nearest: &'a mut [u32],
    peak: &'a mut f32,
}

impl<S: Stored> Task for Block<'_, S> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let (pass, width) = (self.pass, self.pass.centre.len());
        // Without branches, which would be guessed wrong all the time.
        let (mut reached, mut count) = ([0_u32; BLOCK], 0);
        for (row, (&distance, &nearest)) in self.distances.iter().zip(&*self.nearest).enumerate() {
            reached[count] = row as u32;
            count += usize::from(pass.reaches(distance, pass.apart[nearest as usize]));
        }
        let mut any = false;
        for (at, &row) in reached[..count].iter().enumerate() {
            if let Some(&soon) = reached[..count].get(at + AHEAD) {
                prefetch(&self.rows[soon as usize * width..][..width]);
            }
            let row = row as usize;
            let distance = &mut self.distances[row];
            let values = &self.rows[row * width..][..width];
            // SAFETY: both are `width` long; the instruction set is the caller's promise.
            let new =
                unsafe { squared::<L, S>(values.as_ptr(), pass.centre.as_ptr(), width, *distance) };
            if new < *distance {
                *distance = new;
                self.nearest[row] = pass.name;
                any = true;
            }
        }
        if any {
            *self.peak = peak(self.distances);
        }
    }
}
