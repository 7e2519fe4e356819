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

/// The nearest rows by the plain loop: all distances, sorted.
fn plain_search(rows: &Rows, queries: &[f32], k: usize) -> (Vec<u32>, Vec<f32>) {
    let (mut found, mut distances) = (Vec::new(), Vec::new());
    for query in queries.chunks(rows.width()) {
        let squares = squares(rows, query);
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        let key = |row: u32| match squares[row as usize] {
            square if square.is_nan() => f32::NAN,
            square => square,
        };
        order.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
        order.truncate(k);
        distances.extend(order.iter().map(|&row| key(row).sqrt()));
        found.extend(order);
    }
    (found, distances)
}

/// Compares bits, so that a NaN equals a NaN.
fn assert_same(ours: &(Vec<u32>, Vec<f32>), plain: &(Vec<u32>, Vec<f32>), what: &str) {
    assert_eq!(ours.0, plain.0, "{what}");
    let bits = |distances: &[f32]| distances.iter().map(|d| d.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&ours.1), bits(&plain.1), "{what}");
}

#[test]
fn nearest_rows_are_those_of_the_plain_loop() {
    let cases = [
        (1, 30, 5),
        (7, 4100, 70),
        (64, 500, 33),
        (152, 2500, 200),
        (1030, 150, 3),
    ];
    for (width, len, count) in cases {
        let samples = samples(width, len + count);
        for (kind, values) in samples.iter().enumerate() {
            let (bank, queries) = values.split_at(len * width);
            // Some queries are rows of the bank.
            let queries = [&bank[..2 * width], queries].concat();
            for precision in [Precision::F32, Precision::F16] {
                let rows = kept(width, bank, precision);
                let nearest = Nearest::new(rows.clone());
                for k in [1, 2, 9, 40] {
                    let what = format!("{width} wide, kind {kind}, {precision:?}, k {k}");
                    let work = || {
                        (
                            nearest.search(&queries, k),
                            plain_search(&rows, &queries, k),
                        )
                    };
                    on_each_path(work, |(ours, plain), path| {
                        assert_same(&ours, &plain, &format!("{what}, {path:?}"));
                    });
                }
            }
        }
    }
}

#[test]
fn nearest_rows_hold_far_from_the_origin_where_products_cancel() {
    let (width, len) = (48, 3000);
    let mut noise = Noise::new(5);
    let far = |values: Vec<f32>| values.iter().map(|v| 100.0 + 1e-3 * v).collect::<Vec<_>>();
    let rows = Rows::from_f32(width, far(noise.floats(len * width)));
    let queries = far(noise.floats(40 * width));
    let nearest = Nearest::new(rows.clone());
    let work = || {
        (
            nearest.search(&queries, 3),
            plain_search(&rows, &queries, 3),
        )
    };
    on_each_path(work, |(ours, plain), path| {
        assert_same(&ours, &plain, path.name())
    });
}

#[test]
fn rows_that_come_ever_nearer_and_rows_all_alike_are_found() {
    let descending: Vec<f32> = (0..5000).rev().flat_map(|row| [row as f32, 1.0]).collect();
    let alike = vec![0.3; 2 * 5000];
    for values in [descending, alike] {
        let rows = Rows::from_f32(2, values);
        let nearest = Nearest::new(rows.clone());
        let queries = [0.1, 1.0, 0.3, 0.3];
        let plain = plain_search(&rows, &queries, 7);
        assert_same(&nearest.search(&queries, 7), &plain, "");
    }
}

#[test]
fn numbers_that_are_none_or_too_large_come_out_as_such() {
    let width = 20;
    let mut noise = Noise::new(6);
    let mut queries = noise.floats(6 * width);
    queries[3] = f32::NAN;
    queries[width + 3] = f32::INFINITY;
    queries[2 * width + 3] = 1e30;
    let values = noise.floats(300 * width);
    let sound = Rows::from_f32(width, values.clone());
    let mut broken = sound.clone();
    broken.replace(7, &[f32::NAN; 20]);
    broken.replace(8, &[f32::NEG_INFINITY; 20]);
    for rows in [sound, broken] {
        let nearest = Nearest::new(rows.clone());
        let work = || nearest.search(&queries, 4).0;
        on_each_path(work, |_, path| {
            let same = |ours| assert_same(&ours, &plain_search(&rows, &queries, 4), path.name());
            crate::path::with_path(path, || same(nearest.search(&queries, 4)));
        });
        let (found, distances) = nearest.search(&queries, 4);
        assert_eq!(found[..4], [0, 1, 2, 3]);
        assert!(distances[..4].iter().all(|distance| distance.is_nan()));
        assert!(
            distances[4..12]
                .iter()
                .all(|&distance| distance == f32::INFINITY)
        );
        assert!(distances[12..].iter().all(|distance| distance.is_finite()));
    }
}

#[test]
fn more_rows_than_there_are_give_all_of_them() {
    let nearest = Nearest::new(Rows::from_f32(1, vec![5.0, 1.0, 3.0]));
    assert_eq!(
        nearest.search(&[0.0], 9),
        (vec![1, 2, 0], vec![1.0, 3.0, 5.0])
    );
    assert_eq!(nearest.search(&[], 2), (vec![], vec![]));
    assert_eq!(nearest.search(&[0.0], 0), (vec![], vec![]));
    let empty = Nearest::new(Rows::new(4, Precision::F16));
    assert_eq!(empty.search(&[0.0; 8], 1), (vec![], vec![]));
    let mut row = [0.0];
    nearest.row(2, &mut row);
    assert_eq!((row, nearest.len(), nearest.width()), ([3.0], 3, 1));
}

#[test]
fn a_sparse_projection_is_its_matrix_and_keeps_lengths_on_average() {
    let (width, to) = (400, 300);
    let mut noise = Noise::new(8);
    let projection = SparseProjection::new(width, to, || noise.bits());
    assert_eq!((projection.width(), projection.to()), (width, to));
    // Column by column, the matrix.
    let mut matrix = vec![vec![0.0; to]; width];
    for (column, out) in matrix.iter_mut().enumerate() {
        let mut unit = vec![0.0; width];
        unit[column] = 1.0;
        projection.apply(&unit, out);
    }
    let entries = matrix.concat();
    let size = (20.0 / to as f32).sqrt();
    assert!(
        entries
            .iter()
            .all(|&entry| entry == 0.0 || entry.abs() == size)
    );
    let share = entries.iter().filter(|&&entry| entry != 0.0).count() as f32 / entries.len() as f32;
    assert!((share * 20.0 - 1.0).abs() < 0.05, "{share}");
    let mean = entries
        .iter()
        .map(|&entry| f64::from(entry.signum() * entry.abs()))
        .sum::<f64>();
    assert!(mean.abs() / entries.len() as f64 <= 0.01 * f64::from(size));
    let mut ratios = 0.0;
    for _ in 0..50 {
        let row = noise.floats(width);
        let mut out = vec![0.0; to];
        projection.apply(&row, &mut out);
        let mut plain = vec![0.0; to];
        for (column, value) in matrix.iter().zip(&row) {
            plain
                .iter_mut()
                .zip(column)
                .for_each(|(plain, entry)| *plain += value * entry);
        }
        crate::reference::assert_close(&out, &plain, 1e-5, "projected");
        let square = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>();
        ratios += square(&out) / square(&row);
    }
    assert!((ratios / 50.0 - 1.0).abs() < 0.05, "{ratios}");
}

#[test]
fn the_same_bits_give_the_same_projection() {
    let make = |seed| {
        let mut noise = Noise::new(seed);
        SparseProjection::new(30, 10, move || noise.bits())
    };
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(2));
}
