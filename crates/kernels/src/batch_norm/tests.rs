//! Batch norm against the plain loops.

use super::*;
use crate::path::with_path;
use crate::reference::{self, Noise};

#[test]
fn equals_the_plain_loops() {
    let activations = [
        Activation::Identity,
        Activation::Relu,
        Activation::Relu6,
        Activation::LeakyRelu(0.2),
    ];
    for (seed, shape) in [
        [1, 1, 9],
        [2, 3, 35],
        [8, 5, 64],
        [3, 17, 2049],
        [1, 2, 5000],
    ]
    .into_iter()
    .enumerate()
    {
        for (activation, path) in activations
            .iter()
            .flat_map(|&a| Path::available().into_iter().map(move |p| (a, p)))
        {
            let mut noise = Noise::new(seed as u64);
            let len = shape.iter().product();
            // Far from zero, where sums of squares would cancel.
            let x: Vec<f32> = noise.floats(len).into_iter().map(|x| x + 3.0).collect();
            let dy = noise.floats(len);
            let (mut gamma, beta) = (noise.floats(shape[1]), noise.floats(shape[1]));
            if activation == Activation::Relu6 {
                // So that some are cut.
                gamma.iter_mut().for_each(|gamma| *gamma *= 8.0);
            }
            let layer = Layer {
                gamma: &gamma,
                beta: &beta,
                epsilon: 1e-5,
                activation,
            };
            let what = format!("{shape:?}, {activation:?}, {path:?}");
            let ours = with_path(path, || train(shape, &x, &layer));
            let plain = reference::batch_norm(shape, &x, &layer);
            reference::assert_close(&ours.y, &plain.y, 1e-5, &what);
            reference::assert_close(&ours.mean, &plain.mean, 1e-6, &what);
            reference::assert_close(&ours.variance, &plain.variance, 1e-5, &what);
            let ours_too = with_path(path, || {
                infer(shape, &x, &layer, &plain.mean, &plain.variance)
            });
            reference::assert_close(&ours_too, &plain.y, 1e-5, &what);
            let ours = with_path(path, || {
                backward(shape, &x, &dy, &layer, &plain.mean, &plain.variance)
            });
            let plain = reference::batch_norm_backward(shape, &x, &dy, &layer);
            reference::assert_close(&ours.dx, &plain.dx, 1e-5, &what);
            reference::assert_close(&ours.dgamma, &plain.dgamma, 1e-5, &what);
            reference::assert_close(&ours.dbeta, &plain.dbeta, 1e-5, &what);
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let shape = [2, 2, 20];
    let mut noise = Noise::new(1);
    let (mut x, dy) = (noise.floats(80), noise.floats(80));
    let (gamma, beta) = (noise.floats(2), noise.floats(2));
    let layer = Layer {
        gamma: &gamma,
        beta: &beta,
        epsilon: 1e-5,
        activation: Activation::LeakyRelu(0.2),
    };
    let out = train(shape, &x, &layer);
    let dx = backward(shape, &x, &dy, &layer, &out.mean, &out.variance).dx;
    let loss = |x: &[f32]| -> f64 {
        let y = train(shape, x, &layer).y;
        y.iter()
            .zip(&dy)
            .map(|(&y, &dy)| f64::from(y) * f64::from(dy))
            .sum()
    };
    let step = 1e-3;
    let numeric: Vec<f32> = (0..80)
        .map(|i| {
            let middle = x[i];
            let [above, below] = [step, -step].map(|step| {
                x[i] = middle + step;
                loss(&x)
            });
            x[i] = middle;
            ((above - below) / (2.0 * f64::from(step))) as f32
        })
        .collect();
    reference::assert_close(&dx, &numeric, 1e-2, "dx");
}
