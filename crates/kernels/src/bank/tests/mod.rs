//! What the bank promises: the plain loops' results.

mod farthest;
mod nearest;
mod project;

use super::distance::of_rows;
use super::*;
use crate::path::Path;
use crate::reference::Noise;

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
