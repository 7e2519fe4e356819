//! Exact nearest rows of queries.
//!
//! ‖q−b‖² = ‖q‖² + ‖b‖² − 2q·b: a matrix product gives all scores q·b − ½‖b‖², the larger the nearer, and no more of them are kept than
//! a tile of registers. Where q and b are near each other the sum cancels, so scores only choose candidates: a row stays one unless `k`
//! others are better by more than rounding can explain. The candidates' distances are then computed directly.

use super::distance::{Stored, of_rows, rounding};
use super::rows::{Rows, Values};
use super::shortlist::Shortlist;
use super::tile::{self, Bank, Panel, Scores};
use crate::memory::{with_scratch, with_shared_scratch};
use crate::path::{self, Path};
use crate::sums::sum;
use rayon::prelude::*;

/// Panels of queries that a thread scores a block of rows for, once it has them in its cache.
const PANELS: usize = 4;

/// The fewest rows that are worth another part of the bank, where queries are too few for all threads.
const PART: usize = 2048;

/// A bank of rows, prepared to be searched.
#[derive(Debug)]
pub struct Nearest {
    rows: Rows,
    /// Per row, −½‖b‖².
    halves: Vec<f32>,
    /// Per row, ‖b‖.
    norms: Vec<f32>,
    /// The largest of `norms`; a NaN or infinite if one of them is.
    largest: f32,
}

impl Nearest {
    /// Takes the rows as the bank. They stay as they are, and are in memory once.
    ///
    /// # Panics
    /// If there are more rows than a `u32` can count.
    pub fn new(rows: Rows) -> Self {
        assert!(
            u32::try_from(rows.len()).is_ok(),
            "rows are counted in 32 bits"
        );
        let path = Path::current();
        let origin = vec![0.0; rows.width()];
        let mut squares = vec![0.0; rows.len()];
        squares
            .par_chunks_mut(PART)
            .enumerate()
            .for_each(|(part, squares)| {
                let first = (part * PART) as u32;
                let of: Vec<u32> = (first..first + squares.len() as u32).collect();
                of_rows(path, &rows, &of, &origin, squares);
            });
        let norms: Vec<f32> = squares.iter().map(|square| square.sqrt()).collect();
        let larger = |a: f32, b: f32| if b.is_nan() || b > a { b } else { a };
        Self {
            halves: squares.into_iter().map(|square| -0.5 * square).collect(),
            largest: norms.iter().copied().fold(0.0, larger),
            norms,
            rows,
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Values per row.
    pub fn width(&self) -> usize {
        self.rows.width()
    }

    /// Copies a row out, as floats.
    ///
    /// # Panics
    /// If there is no row `at`, or `into` is not [`Self::width`] long.
    pub fn row(&self, at: usize, into: &mut [f32]) {
        self.rows.get(at, into);
    }

    /// The rows.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The rows, given back.
    pub fn into_rows(self) -> Rows {
        self.rows
    }

    /// The `k` nearest rows of each query, nearest first, of equally near ones the first in the bank: their numbers, and their
    /// distances, Euclidean, each `[queries, k]`. If there are fewer rows than `k`, all of them.
    ///
    /// `queries` is `[queries, width]`. Distances of a query with a NaN are NaNs, and its nearest rows the first of the bank. Queries
    /// and rows should be finite, and their squares too: else distances are infinite or NaN, and the search slow.
    ///
    /// # Panics
    /// If `queries` are not whole rows.
    pub fn search(&self, queries: &[f32], k: usize) -> (Vec<u32>, Vec<f32>) {
        let width = self.width();
        assert!(
            queries.len().is_multiple_of(width),
            "queries of the bank's width"
        );
        let (k, count) = (k.min(self.len()), queries.len() / width);
        let (mut rows, mut distances) = (vec![0; count * k], vec![0.0; count * k]);
        if rows.is_empty() {
            return (rows, distances);
        }
        let search = Search {
            bank: self,
            path: Path::current(),
            queries,
            k,
        };
        match self.rows.values() {
            Values::F32(values) => search.run(values, &mut rows, &mut distances),
            Values::F16(values) => search.run(values, &mut rows, &mut distances),
        }
        (rows, distances)
    }
}

struct Search<'a> {
    bank: &'a Nearest,
    path: Path,
    queries: &'a [f32],
    k: usize,
}

impl Search<'_> {
    fn run<S: Stored>(&self, values: &[S], rows: &mut [u32], distances: &mut [f32]) {
        let (width, k) = (self.bank.width(), self.k);
        let lanes = 2 * path::tile(self.path).0;
        let count = self.queries.len() / width;
        let panels = count.div_ceil(lanes);
        // So that all threads have something to do.
        let groups = panels.div_ceil(PANELS);
        let parts = (2 * rayon::current_num_threads())
            .div_ceil(groups)
            .clamp(1, self.bank.len().div_ceil(PART));
        with_shared_scratch(panels * width * lanes, |packed| {
            let norms = self.pack(lanes, packed);
            let panels: Vec<Panel> = packed
                .chunks_exact(width * lanes)
                .zip(norms.chunks_exact(lanes))
                .map(|(queries, norms)| Panel { queries, norms })
                .collect();
            let group = PANELS * lanes;
            let answers = rows
                .par_chunks_mut(group * k)
                .zip(distances.par_chunks_mut(group * k));
            panels
                .par_chunks(PANELS)
                .zip(self.queries.par_chunks(group * width))
                .zip(answers)
                .for_each(|((panels, queries), (rows, distances))| {
                    let count = queries.len() / width;
                    let mut lists = self.candidates(values, panels, count, parts);
                    let answers = rows.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
                    for ((query, list), (rows, distances)) in
                        queries.chunks_exact(width).zip(&mut lists).zip(answers)
                    {
                        self.decide(query, list, rows, distances);
                    }
                });
        });
    }

    /// Turns queries into panels, `[panel, width, lane]`; where there is no query, zeros. Returns the queries' norms, a NaN for those that
    /// are not there and those whose scores would overflow.
    fn pack(&self, lanes: usize, packed: &mut [f32]) -> Vec<f32> {
        let width = self.bank.width();
        let mut norms = vec![f32::NAN; packed.len() / width];
        packed
            .par_chunks_mut(width * lanes)
            .zip(norms.par_chunks_mut(lanes))
            .zip(self.queries.par_chunks(width * lanes))
            .for_each(|((packed, norms), queries)| {
                packed.fill(0.0);
                for (lane, (query, norm)) in queries.chunks_exact(width).zip(norms).enumerate() {
                    for (term, &value) in query.iter().enumerate() {
                        packed[term * lanes + lane] = value;
                    }
                    let length = sum(query, |value| value * value).sqrt();
                    let most = length + self.bank.largest;
                    if (4.0 * most * most).is_finite() {
                        *norm = length;
                    }
                }
            });
        norms
    }

    /// The candidates of each of `count` queries, found in so many parts of the bank at a time.
    fn candidates<S: Stored>(
        &self,
        values: &[S],
        panels: &[Panel],
        count: usize,
        parts: usize,
    ) -> Vec<Shortlist> {
        let (width, len) = (self.bank.width(), self.bank.len());
        let in_part = |part: usize| {
            let mut lists: Vec<Shortlist> = (0..count).map(|_| Shortlist::new(self.k)).collect();
            with_scratch(tile::scratch(width), |block| {
                let scores = Scores {
                    bank: Bank {
                        rows: values,
                        halves: &self.bank.halves,
                        norms: &self.bank.norms,
                        rounding: 2.0 * rounding(width),
                    },
                    width,
                    range: part * len / parts..(part + 1) * len / parts,
                    panels,
                    lists: &mut lists,
                    block,
                };
                path::run(self.path, scores);
            });
            lists
        };
        let joined = |mut lists: Vec<Shortlist>, others: Vec<Shortlist>| {
            lists
                .iter_mut()
                .zip(&others)
                .for_each(|(list, other)| list.join(other));
            lists
        };
        let all = (0..parts).into_par_iter().map(in_part).reduce_with(joined);
        all.unwrap_or_default()
    }

    /// Measures a query's candidates and takes the nearest.
    fn decide(&self, query: &[f32], list: &mut Shortlist, rows: &mut [u32], distances: &mut [f32]) {
        let mut candidates: Vec<u32> = if query.iter().any(|value| value.is_nan()) {
            (0..self.k as u32).collect()
        } else {
            list.rows().collect()
        };
        if candidates.len() < self.k {
            // Scores that overflow leave too few.
            candidates = (0..self.bank.len() as u32).collect();
        }
        let mut squares = vec![0.0; candidates.len()];
        of_rows(self.path, &self.bank.rows, &candidates, query, &mut squares);
        // Of the two signs that a NaN may have, the one that comes last in the order.
        let number = |square: f32| if square.is_nan() { f32::NAN } else { square };
        let squares = squares.into_iter().map(number);
        let mut order: Vec<(f32, u32)> = squares.zip(candidates).collect();
        let nearer = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if order.len() > self.k {
            order.select_nth_unstable_by(self.k - 1, nearer);
            order.truncate(self.k);
        }
        order.sort_unstable_by(nearer);
        for ((square, at), (row, distance)) in order.into_iter().zip(rows.iter_mut().zip(distances))
        {
            *row = at;
            *distance = square.sqrt();
        }
    }
}
