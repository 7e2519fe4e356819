use super::*;
use crate::reference::assert_close;

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
        assert_close(&out, &plain, 1e-5, "projected");
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
