//! What the bank promises: the plain loops' results.

use super::distance::of_rows;
use super::*;
use crate::path::Path;
use crate::reference::{Noise, on_each_path};

/// Rows of several kinds: spread evenly, in clusters far from the origin with a few outliers, with duplicates.
fn samples(width: usize, len: usize) -> Vec<Vec<f32>> {
    let mut noise = Noise::new((width * 1000 + len) as u64);
    let even = noise.floats(len * width);
    let middles = noise.floats(5 * width);
    let mut clustered = Vec::new();
    for row in 0..len {
        let spread = if row % 50 == 7 { 3.0 } else { 0.02 };
        let middle = &middles[noise.pick(0, 4) * width..][..width];
        let jitter = noise.floats(width);
        clustered.extend(middle.iter().zip(jitter).map(|(m, j)| 5.0 + m + spread * j));
    }
    let mut twice = even.clone();
    for row in len / 2..len {
        let same = noise.pick(0, len / 2 - 1) * width;
        twice.copy_within(same..same + width, row * width);
    }
    vec![even, clustered, twice]
}

fn kept(width: usize, values: &[f32], precision: Precision) -> Rows {
    let mut rows = Rows::new(width, precision);
    values.chunks(width).for_each(|row| rows.push(row));
    rows
}

/// All rows' squared distances to a point.
fn squares(rows: &Rows, point: &[f32]) -> Vec<f32> {
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    let mut squares = vec![0.0; all.len()];
    of_rows(Path::current(), rows, &all, point, &mut squares);
    squares
}

/// The greedy choice by the plain loop: after each pick, every row's distance to it.
fn plain_picks(rows: &Rows, cover: &[f32], first: Option<usize>, count: usize) -> Vec<usize> {
    let mut nearest = vec![f32::INFINITY; rows.len()];
    let mut take = |point: &[f32], picked: Option<usize>| {
        for (nearest, square) in nearest.iter_mut().zip(squares(rows, point)) {
            *nearest = nearest.min(square);
        }
        if let Some(row) = picked {
            nearest[row] = 0.0;
        }
        let mut best = 0;
        for (row, &square) in nearest.iter().enumerate() {
            if square > nearest[best] {
                best = row;
            }
        }
        best
    };
    let mut point = vec![0.0; rows.width()];
    let (mut picks, mut next) = (Vec::new(), first.unwrap_or(0));
    for centre in cover.chunks(rows.width()) {
        next = take(centre, None);
    }
    while picks.len() < count {
        picks.push(next);
        rows.get(next, &mut point);
        next = take(&point, Some(next));
    }
    picks
}

fn picks(rows: &Rows, cover: &[f32], first: Option<usize>, count: usize) -> Vec<usize> {
    let mut farthest = Farthest::new(rows);
    cover
        .chunks(rows.width())
        .for_each(|centre| farthest.cover(centre));
    first.into_iter().for_each(|row| farthest.pick(row));
    while farthest.picked().len() < count {
        let (row, _) = farthest.farthest().unwrap();
        farthest.pick(row);
    }
    farthest.picked().to_vec()
}

#[test]
fn picks_are_those_of_the_plain_loop() {
    for (width, len, count) in [(1, 600, 40), (7, 900, 80), (152, 700, 120), (200, 300, 60)] {
        for (kind, values) in samples(width, len).iter().enumerate() {
            for precision in [Precision::F32, Precision::F16] {
                let rows = kept(width, values, precision);
                let work = || {
                    (
                        picks(&rows, &[], Some(3), count),
                        plain_picks(&rows, &[], Some(3), count),
                    )
                };
                on_each_path(work, |(ours, plain), path| {
                    assert_eq!(
                        ours, plain,
                        "{width} wide, kind {kind}, {precision:?}, {path:?}"
                    );
                });
            }
        }
    }
}

#[test]
fn covered_points_count_like_picks() {
    let (width, len) = (24, 500);
    let mut noise = Noise::new(9);
    let bank = noise.floats(17 * width);
    for values in samples(width, len) {
        let rows = kept(width, &values, Precision::F32);
        let work = || {
            (
                picks(&rows, &bank, None, 50),
                plain_picks(&rows, &bank, None, 50),
            )
        };
        on_each_path(work, |(ours, plain), path| {
            assert_eq!(ours, plain, "{path:?}")
        });
    }
}

#[test]
fn each_pick_is_as_far_as_any_row_by_distances_in_f64() {
    let (width, len) = (152, 400);
    let rows = Rows::from_f32(width, samples(width, len).remove(1));
    let Values::F32(values) = rows.values() else {
        unreachable!()
    };
    let row = |at: usize| &values[at * width..][..width];
    let exact = |a: usize, b: usize| -> f64 {
        let pairs = row(a).iter().zip(row(b));
        pairs
            .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    let mut farthest = Farthest::new(&rows);
    farthest.pick(0);
    for _ in 0..60 {
        let (pick, distance) = farthest.farthest().unwrap();
        let gap = |a: usize| {
            farthest
                .picked()
                .iter()
                .map(|&b| exact(a, b))
                .fold(f64::MAX, f64::min)
        };
        let largest = (0..len).map(gap).fold(0.0, f64::max);
        assert!(gap(pick) >= largest * (1.0 - 1e-6));
        assert!((f64::from(distance) / largest - 1.0).abs() < 1e-6);
        farthest.pick(pick);
    }
}

#[test]
fn of_equally_far_rows_the_first_is_named() {
    let rows = Rows::from_f32(2, vec![0.0, 0.0, 3.0, 4.0, 3.0, 4.0, -4.0, 3.0]);
    let mut farthest = Farthest::new(&rows);
    assert_eq!(farthest.farthest(), None);
    farthest.pick(0);
    assert_eq!(farthest.farthest(), Some((1, 5.0)));
    farthest.pick(1);
    assert_eq!(farthest.farthest(), Some((3, 5.0)));
    farthest.pick(3);
    assert_eq!(farthest.farthest(), Some((0, 0.0)));
    let none = Rows::new(2, Precision::F16);
    let mut farthest = Farthest::new(&none);
    farthest.cover(&[1.0, 2.0]);
    assert_eq!(farthest.farthest(), None);
}

#[test]
fn rows_that_are_no_numbers_or_too_far_apart_are_picked_once() {
    let mut values = vec![0.0; 2 * 600];
    values[2 * 20] = f32::NAN;
    values[2 * 40] = 1e30;
    values[2 * 41] = -1e30;
    values[2 * 60 + 1] = f32::INFINITY;
    values[2 * 599] = 2.0;
    let rows = Rows::from_f32(2, values);
    for first in [0, 20, 40, 60] {
        let work = || picks(&rows, &[], Some(first), 6);
        on_each_path(work, |picks, path| {
            let mut sorted = picks.clone();
            sorted.sort();
            sorted.dedup();
            let extreme = [20, 40, 41, 60];
            assert!(
                extreme.iter().all(|row| picks[..5].contains(row)),
                "{path:?}: {picks:?}"
            );
            assert_eq!(sorted.len(), 6, "{path:?}: {picks:?}");
        });
    }
}

#[test]
fn rows_come_back_as_they_were_put_in() {
    let mut noise = Noise::new(4);
    for width in [1, 8, 19, 40] {
        let values = noise.floats(5 * width);
        for precision in [Precision::F32, Precision::F16] {
            let rounded = |value: f32| match precision {
                Precision::F32 => value,
                Precision::F16 => crate::half::widen(crate::half::narrow(value)),
            };
            let mut rows = Rows::with_capacity(width, precision, 5);
            values.chunks(width).for_each(|row| rows.push(row));
            rows.replace(1, &values[3 * width..][..width]);
            assert_eq!(
                (rows.len(), rows.width(), rows.is_empty()),
                (5, width, false)
            );
            let chosen = rows.select(&[4, 1, 1]);
            for path in Path::available() {
                let mut row = vec![0.0; width];
                for (at, from) in [(0, 4), (1, 3), (2, 3)] {
                    crate::path::with_path(path, || chosen.get(at, &mut row));
                    let expected = values[from * width..][..width].iter().map(|&v| rounded(v));
                    assert!(row.iter().copied().eq(expected), "{path:?}, {precision:?}");
                }
            }
            let again = match rows.values() {
                Values::F32(values) => Rows::from_f32(width, values.to_vec()),
                Values::F16(bits) => Rows::from_f16(width, bits.to_vec()),
            };
            assert_eq!(again, rows);
            assert_eq!(again.precision(), precision);
        }
    }
    assert_eq!(Rows::bytes_per_row(152, Precision::F16), 304);
    assert_eq!(Rows::bytes_per_row(152, Precision::F32), 608);
}
