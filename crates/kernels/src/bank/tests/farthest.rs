use super::*;
use crate::reference::on_each_path;

/// The greedy choice by the plain loop: after each pick, every row's distance to it.
fn plain_picks(rows: &Rows, first: usize, count: usize) -> Vec<usize> {
    let mut nearest = vec![f32::INFINITY; rows.len()];
    let mut take = |point: &[f32], picked: usize| {
        for (nearest, square) in nearest.iter_mut().zip(squares(rows, point)) {
            *nearest = nearest.min(square);
        }
        nearest[picked] = 0.0;
        let mut best = 0;
        for (row, &square) in nearest.iter().enumerate() {
            if square > nearest[best] {
                best = row;
            }
        }
        best
    };
    let mut point = vec![0.0; rows.width()];
    let (mut picks, mut next) = (Vec::new(), first);
    while picks.len() < count {
        picks.push(next);
        rows.get(next, &mut point);
        next = take(&point, next);
    }
    picks
}

fn picks(rows: &Rows, first: usize, count: usize) -> Vec<usize> {
    let mut farthest = Farthest::new(rows);
    farthest.pick(first);
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
                let work = || (picks(&rows, 3, count), plain_picks(&rows, 3, count));
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
    assert_eq!(Farthest::new(&none).farthest(), None);
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
        let work = || picks(&rows, first, 6);
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
