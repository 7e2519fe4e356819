use super::*;
use crate::path::with_path;
use crate::reference::on_each_path;

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

/// Fails unless the search gives what the plain loop does, bit by bit, on each path.
fn assert_plain(nearest: &Nearest, queries: &[f32], k: usize, what: &str) {
    let search = || Bits::from(nearest.search(queries, k));
    on_each_path(search, |ours, path| {
        let plain = with_path(path, || plain_search(nearest.rows(), queries, k));
        assert_eq!(ours, Bits::from(plain), "{what}, {path:?}");
    });
}

/// Compares bits, so that a NaN equals a NaN.
#[derive(Debug, PartialEq)]
struct Bits(Vec<u32>, Vec<u32>);

impl From<(Vec<u32>, Vec<f32>)> for Bits {
    fn from((rows, distances): (Vec<u32>, Vec<f32>)) -> Self {
        Self(rows, distances.into_iter().map(f32::to_bits).collect())
    }
}

#[test]
fn nearest_rows_are_those_of_the_plain_loop() {
    let cases = [
        (1, 30, 5),
        (7, 4100, 70),
        (64, 500, 33),
        (152, 2100, 140),
        (1030, 150, 3),
    ];
    for (width, len, count) in cases {
        let samples = samples(width, len + count);
        for (kind, values) in samples.iter().enumerate() {
            let (bank, queries) = values.split_at(len * width);
            // Some queries are rows of the bank.
            let queries = [&bank[..2 * width], queries].concat();
            for precision in [Precision::F32, Precision::F16] {
                let nearest = Nearest::new(kept(width, bank, precision));
                for k in [1, 9, 40] {
                    let what = format!("{width} wide, kind {kind}, {precision:?}, k {k}");
                    assert_plain(&nearest, &queries, k, &what);
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
    let nearest = Nearest::new(Rows::from_f32(width, far(noise.floats(len * width))));
    assert_plain(&nearest, &far(noise.floats(40 * width)), 3, "far");
}

#[test]
fn rows_that_come_ever_nearer_and_rows_all_alike_are_found() {
    let descending: Vec<f32> = (0..5000).rev().flat_map(|row| [row as f32, 1.0]).collect();
    let alike = vec![0.3; 2 * 5000];
    for values in [descending, alike] {
        let nearest = Nearest::new(Rows::from_f32(2, values));
        assert_plain(&nearest, &[0.1, 1.0, 0.3, 0.3], 7, "");
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
    let sound = Rows::from_f32(width, noise.floats(300 * width));
    let mut broken = sound.clone();
    broken.replace(7, &[f32::NAN; 20]);
    broken.replace(8, &[f32::NEG_INFINITY; 20]);
    for rows in [sound, broken] {
        let nearest = Nearest::new(rows);
        assert_plain(&nearest, &queries, 4, "");
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
