//! Scores of a block of rows for a few panels of queries: a matrix product whose results are looked at and forgotten.

use super::distance::Stored;
use super::shortlist::{Candidate, Shortlist};
use crate::lanes::Lanes;
use crate::path::Task;

/// Floats of the rows that a thread scores before it goes on: a part of the second-level cache.
const BLOCK: usize = 1 << 16;

/// The most scores of a tile: 12 rows by two vectors of 16 queries.
const SCORES: usize = 12 * 32;

/// What is known of all rows.
#[derive(Clone, Copy)]
pub(super) struct Bank<'a, S> {
    /// `[rows, width]`
    pub(super) rows: &'a [S],
    /// Per row, −½‖b‖².
    pub(super) halves: &'a [f32],
    /// Per row, ‖b‖.
    pub(super) norms: &'a [f32],
    /// Times (‖q‖ + ‖b‖)², what a score may be off.
    pub(super) rounding: f32,
}

/// A panel of queries, two vectors wide.
pub(super) struct Panel<'a> {
    /// `[width, 2N]`
    pub(super) queries: &'a [f32],
    /// Per query, ‖q‖; a NaN where there is none, or none whose scores are good for anything.
    pub(super) norms: &'a [f32],
}

/// Scores some rows of a bank for some panels of queries, and keeps the candidates in `lists`, one per query.
pub(super) struct Scores<'a, S> {
    pub(super) bank: Bank<'a, S>,
    pub(super) width: usize,
    /// First row and end.
    pub(super) range: std::ops::Range<usize>,
    pub(super) panels: &'a [Panel<'a>],
    pub(super) lists: &'a mut [Shortlist],
    /// [`scratch`] floats.
    pub(super) block: &'a mut [f32],
}

/// Floats of scratch memory that rows of a width are scored in.
pub(super) fn scratch(width: usize) -> usize {
    rows_per_block(width) * stride(width)
}

/// Rows of a block: whole tiles of every path.
fn rows_per_block(width: usize) -> usize {
    (BLOCK / stride(width) / 12).max(1) * 12
}

/// Floats from one row of a block to the next: whole vectors, and an odd number of cache lines, so that the rows of a tile do not all
/// fall into the same few sets of the cache.
fn stride(width: usize) -> usize {
    (width.div_ceil(16) | 1) * 16
}

impl<S: Stored> Task for Scores<'_, S> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let (width, stride) = (self.width, stride(self.width));
        let (block, per_block) = (self.block, rows_per_block(width));
        for first in self.range.clone().step_by(per_block) {
            let count = per_block.min(self.range.end - first);
            let rows = &self.bank.rows[first * width..(first + count) * width];
            for (row, to) in rows.chunks_exact(width).zip(block.chunks_exact_mut(stride)) {
                // SAFETY: the instruction set is the caller's promise.
                unsafe { S::copy::<L>(row, to) }
            }
            let at = Place {
                first,
                count,
                width,
                stride,
            };
            for (panel, lists) in self.panels.iter().zip(self.lists.chunks_mut(2 * L::N)) {
                // SAFETY: as above.
                unsafe { score_block::<L, S>(&self.bank, at, block, panel, lists) }
            }
        }
    }
}

/// Where a block of rows lies.
#[derive(Clone, Copy)]
struct Place {
    /// In the bank.
    first: usize,
    count: usize,
    width: usize,
    stride: usize,
}

/// # Safety
/// The processor has the instruction set of `L`.
#[inline(always)]
unsafe fn score_block<L: Lanes, S>(
    bank: &Bank<S>,
    at: Place,
    block: &[f32],
    panel: &Panel,
    lists: &mut [Shortlist],
) {
    let mut scores = [0.0_f32; SCORES];
    let mut floors = [f32::INFINITY; 32];
    for (floor, list) in floors.iter_mut().zip(&*lists) {
        *floor = list.floor();
    }
    let mut done = 0;
    while done < at.count {
        let (first, live) = (at.first + done, L::TALL.min(at.count - done));
        let halves = &bank.halves[first..first + live];
        let rows = &block[done * at.stride..][..L::TALL * at.stride];
        // SAFETY: `rows` and the panel are of the lengths that a tile reads; the instruction set is the caller's promise.
        unsafe {
            match L::TALL {
                12 => tile::<L, 12>(at, rows, halves, panel.queries, &mut scores),
                6 => tile::<L, 6>(at, rows, halves, panel.queries, &mut scores),
                _ => tile::<L, 4>(at, rows, halves, panel.queries, &mut scores),
            }
        }
        let norms = &bank.norms[first..first + live];
        let largest = norms.iter().copied().fold(0.0, f32::max);
        let mut bars = [f32::INFINITY; 32];
        for ((bar, &floor), &norm) in bars.iter_mut().zip(&floors).zip(panel.norms) {
            *bar = floor - slack(bank.rounding, norm, largest);
        }
        let mut best = [f32::NEG_INFINITY; 32];
        for scores in scores.chunks_exact(2 * L::N).take(live) {
            for (best, &score) in best.iter_mut().zip(scores) {
                *best = if score > *best { score } else { *best };
            }
        }
        let reached = best
            .iter()
            .zip(&bars)
            .fold(false, |any, (best, bar)| any | (best >= bar));
        if reached {
            for (lane, list) in lists.iter_mut().enumerate() {
                if best[lane] >= bars[lane] {
                    let scores = scores.chunks_exact(2 * L::N).map(|scores| scores[lane]);
                    for (row, (score, &norm)) in scores.zip(norms).enumerate() {
                        let slack = slack(bank.rounding, panel.norms[lane], norm);
                        let (low, high) = (score - slack, score + slack);
                        let row = (first + row) as u32;
                        list.offer(Candidate { row, low, high });
                    }
                    floors[lane] = list.floor();
                }
            }
        }
        done += L::TALL;
    }
}

/// What the score of a row of norm `row` may be off, for a query of norm `query`.
#[inline(always)]
fn slack(rounding: f32, query: f32, row: f32) -> f32 {
    let sum = query + row;
    rounding * sum * sum + f32::MIN_POSITIVE
}

/// The scores of `R` rows for a panel: `scores[row, 0..2N] = halves[row] + Σ over k of rows[row, k] · queries[k, 0..2N]`. Rows beyond
/// `halves` get what does not matter.
///
/// # Safety
/// `rows` holds `R` rows, `queries` `width` terms, `scores` `R · 2N` floats; the processor has the instruction set of `L`.
#[inline(always)]
unsafe fn tile<L: Lanes, const R: usize>(
    at: Place,
    rows: &[f32],
    halves: &[f32],
    queries: &[f32],
    scores: &mut [f32; SCORES],
) {
    let (rows, mut queries, scores) = (rows.as_ptr(), queries.as_ptr(), scores.as_mut_ptr());
    // SAFETY: the caller's promise.
    unsafe {
        let mut totals = [[L::splat(0.0); 2]; R];
        for (total, &half) in totals.iter_mut().zip(halves) {
            *total = [L::splat(half); 2];
        }
        for term in 0..at.width {
            let (left, right) = (L::load(queries), L::load(queries.add(L::N)));
            queries = queries.add(2 * L::N);
            for (row, total) in totals.iter_mut().enumerate() {
                let value = L::splat(*rows.add(row * at.stride + term));
                *total = [
                    value.mul_add(left, total[0]),
                    value.mul_add(right, total[1]),
                ];
            }
        }
        for (row, total) in totals.into_iter().enumerate() {
            total[0].store(scores.add(2 * row * L::N));
            total[1].store(scores.add((2 * row + 1) * L::N));
        }
    }
}
