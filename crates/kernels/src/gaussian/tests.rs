use super::*;
use crate::reference::assert_close;

/// Numbers without a pattern, in [-1, 1).
fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Mean and covariance at a position in double precision.
fn plainly(images: &[Vec<f32>], [dims, positions]: [usize; 2], at: usize) -> (Vec<f64>, Vec<f64>) {
    let vector = |image: &Vec<f32>| -> Vec<f64> {
        (0..dims)
            .map(|dim| f64::from(image[dim * positions + at]))
            .collect()
    };
    let vectors: Vec<_> = images.iter().map(vector).collect();
    let count = vectors.len() as f64;
    let mean: Vec<f64> = (0..dims)
        .map(|dim| vectors.iter().map(|vector| vector[dim]).sum::<f64>() / count)
        .collect();
    let mut covariance = vec![0.0; dims * dims];
    for vector in &vectors {
        for row in 0..dims {
            for column in 0..dims {
                covariance[row * dims + column] +=
                    (vector[row] - mean[row]) * (vector[column] - mean[column]) / (count - 1.0);
            }
        }
    }
    (mean, covariance)
}

/// xᵀ A⁻¹ x by elimination.
fn quadratic(mut matrix: Vec<f64>, x: &[f64]) -> f64 {
    let dims = x.len();
    let mut solved = x.to_vec();
    for pivot in 0..dims {
        for row in pivot + 1..dims {
            let factor = matrix[row * dims + pivot] / matrix[pivot * dims + pivot];
            for column in pivot..dims {
                matrix[row * dims + column] -= factor * matrix[pivot * dims + column];
            }
            solved[row] -= factor * solved[pivot];
        }
    }
    for row in (0..dims).rev() {
        let known: f64 = (row + 1..dims)
            .map(|c| matrix[row * dims + c] * solved[c])
            .sum();
        solved[row] = (solved[row] - known) / matrix[row * dims + row];
    }
    x.iter().zip(&solved).map(|(x, solved)| x * solved).sum()
}

#[test]
fn distances_are_those_of_the_definition() {
    let of @ [dims, positions] = [7, 21];
    let images: Vec<_> = (0..5).map(|seed| noise(dims * positions, seed)).collect();
    let test = noise(2 * dims * positions, 99);
    for path in Path::available() {
        path::with_path(path, || {
            let mut scatter = Scatter::new(dims, positions);
            let (first, second) = (images[..3].concat(), images[3..].concat());
            scatter.add(&first, &vec![1.0; 3 * positions]);
            scatter.add(&second, &vec![1.0; 2 * positions]);
            assert_eq!(scatter.most(), 5);
            let found = Gaussians::new(&scatter, 0.01).distances(&test);
            let expected = (0..2 * positions).map(|at| {
                let (image, at) = (at / positions, at % positions);
                let (mean, mut covariance) = plainly(&images, of, at);
                (0..dims).for_each(|dim| covariance[dim * dims + dim] += 0.01);
                let x = |dim| f64::from(test[(image * dims + dim) * positions + at]) - mean[dim];
                quadratic(covariance, &(0..dims).map(x).collect::<Vec<_>>()).sqrt() as f32
            });
            assert_close(&found, &expected.collect::<Vec<_>>(), 1e-4, path.name());
        });
    }
}

#[test]
fn what_is_taken_out_again_leaves_no_trace() {
    let [dims, positions] = [5, 18];
    let all = noise(6 * dims * positions, 3);
    let counted = |images: usize| vec![1.0; images * positions];
    let (stay, go) = all.split_at(4 * dims * positions);
    let mut scatter = Scatter::new(dims, positions);
    scatter.add(&all, &counted(6));
    scatter.remove(go, &counted(2));
    let mut alone = Scatter::new(dims, positions);
    alone.add(stay, &counted(4));
    for (found, expected) in scatter.parts().into_iter().zip(alone.parts()) {
        assert_close(found, expected, 1e-5, "without two");
    }
    scatter.remove(stay, &counted(4));
    assert_eq!(scatter, Scatter::new(dims, positions));
}

#[test]
fn a_vector_that_does_not_count_is_as_none() {
    let [dims, positions] = [3, 4];
    let (one, other) = (noise(dims * positions, 1), noise(dims * positions, 2));
    let mut scatter = Scatter::new(dims, positions);
    scatter.add(&one, &[1.0; 4]);
    scatter.add(&other, &[1.0, 0.0, 1.0, 0.0]);
    let mut nan = other.clone();
    nan[1] = 1e30;
    let mut again = Scatter::new(dims, positions);
    again.add(&one, &[1.0; 4]);
    again.add(&nan, &[1.0, 0.0, 1.0, 0.0]);
    let (found, expected) = (again.parts(), scatter.parts());
    assert_eq!(found[..2], expected[..2]);
    assert_eq!(scatter.parts()[0][..5], [2.0, 1.0, 2.0, 1.0, 0.0]);
    let distances = Gaussians::new(&again, 0.01).distances(&one);
    assert!(distances.iter().all(|distance| distance.is_finite()));
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let scatter = Scatter::new(3, 20);
    let parts = || scatter.parts().map(<[f32]>::to_vec);
    assert_eq!(Scatter::from_parts([3, 20], parts()), Some(scatter.clone()));
    assert_eq!(Scatter::from_parts([4, 20], parts()), None);
    assert_eq!(Scatter::from_parts([3, 40], parts()), None);
}
