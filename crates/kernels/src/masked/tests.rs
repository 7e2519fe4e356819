use super::*;
use crate::path::{Path, with_path};
use crate::reference::{Noise, assert_close};

/// The layer and its gradients by plain loops over all weights: y, dx, dW.
fn plainly(shape: &MaskedShape, x: &[f32], weight: &[f32], dy: &[f32]) -> [Vec<f32>; 3] {
    let [rows, columns] = shape.weight_shape();
    let mut y = vec![0.0; shape.batch * rows];
    let mut dx = vec![0.0; shape.batch * columns];
    let mut dw = vec![0.0; rows * columns];
    for image in 0..shape.batch {
        for row in 0..rows {
            for column in 0..columns {
                if column >= shape.seen(row) {
                    continue;
                }
                let (into, from) = (image * rows + row, image * columns + column);
                let at = row * columns + column;
                y[into] += x[from] * weight[at];
                dx[from] += dy[into] * weight[at];
                dw[at] += dy[into] * x[from];
            }
        }
    }
    [y, dx, dw]
}

fn shapes() -> Vec<MaskedShape> {
    let sizes = [
        (1, 1, [1, 1]),
        (3, 2, [1, 5]),
        (2, 4, [3, 2]),
        (3, 5, [1, 2]),
        (4, 5, [2, 1]),
        (5, 9, [7, 4]),
        (17, 13, [8, 11]),
        (1, 64, [4, 5]),
    ];
    let masks = [Mask::Before, Mask::UpTo];
    let shape = |(batch, places, channels)| {
        masks.map(|mask| MaskedShape::new(batch, places, channels, mask).unwrap())
    };
    sizes.into_iter().flat_map(shape).collect()
}

#[test]
fn equals_plain_loops_and_what_is_hidden_is_never_read() {
    for shape in shapes() {
        let mut noise = Noise::new(1);
        let mut floats = |[height, width]: [usize; 2]| noise.floats(height * width);
        let (x, dy) = (floats(shape.input_shape()), floats(shape.output_shape()));
        let mut weight = floats(shape.weight_shape());
        let [y, dx, dw] = plainly(&shape, &x, &weight, &dy);
        let [rows, columns] = shape.weight_shape();
        for row in 0..rows {
            weight[row * columns + shape.seen(row)..(row + 1) * columns].fill(f32::NAN);
        }
        for path in Path::available() {
            let found = with_path(path, || forward(&shape, &x, &weight));
            assert_close(&found, &y, 1e-5, "y");
        }
        assert_close(&input_gradient(&shape, &dy, &weight), &dx, 1e-5, "dx");
        let found = weight_gradient(&shape, &x, &dy);
        assert_close(&found, &dw, 1e-5, "dw");
        let hidden = (0..rows * columns).filter(|at| weight[*at].is_nan());
        assert!(hidden.into_iter().all(|at| found[at] == 0.0));
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    the_same_on_any_number_of_threads(MaskedShape::new(17, 13, [8, 11], Mask::UpTo).unwrap());
    the_same_on_any_number_of_threads(MaskedShape::new(1, 60, [3, 4], Mask::Before).unwrap());
}

fn the_same_on_any_number_of_threads(shape: MaskedShape) {
    let mut noise = Noise::new(2);
    let mut floats = |[height, width]: [usize; 2]| noise.floats(height * width);
    let (x, dy) = (floats(shape.input_shape()), floats(shape.output_shape()));
    let weight = floats(shape.weight_shape());
    let all = || {
        let y = forward(&shape, &x, &weight);
        let dx = input_gradient(&shape, &dy, &weight);
        [y, dx, weight_gradient(&shape, &x, &dy)]
    };
    let of = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(all)
    };
    assert_eq!(of(1), of(5));
}

#[test]
fn sizes_of_nothing_or_beyond_counting_are_none() {
    assert!(MaskedShape::new(0, 1, [1, 1], Mask::UpTo).is_none());
    assert!(MaskedShape::new(1, 0, [1, 1], Mask::UpTo).is_none());
    assert!(MaskedShape::new(1, 1, [0, 1], Mask::UpTo).is_none());
    assert!(MaskedShape::new(1, usize::MAX, [2, 1], Mask::UpTo).is_none());
}
