//! The layers of depthwise networks against the plain loops.

use super::*;
use crate::activation::Activation;
use crate::conv::{ConvShape, Geometry};
use crate::reference::{self, Noise, assert_close, on_each_path};

/// What a layer should give: the plain convolution, something added, then the activation.
fn plain(
    shape: &ConvShape,
    x: &[f32],
    [weight, bias]: [&[f32]; 2],
    residual: Option<&[f32]>,
    activation: Activation,
) -> Vec<f32> {
    let mut y = reference::forward(shape, x, weight, Some(bias));
    for (i, y) in y.iter_mut().enumerate() {
        let sum = *y + residual.map_or(0.0, |residual| residual[i]);
        *y = match activation {
            Activation::Identity => sum,
            Activation::Relu => sum.max(0.0),
            Activation::Relu6 => sum.clamp(0.0, 6.0),
            Activation::LeakyRelu(slope) => sum.max(slope * sum),
        };
    }
    y
}

fn blocks(shape: [usize; 4], values: &[f32], pool: &Pool) -> Features {
    Features::new(shape, values.to_vec()).into_blocks(Activation::Identity, pool)
}

/// Noise so large that a ceiling of 6 is met. What is cut was larger, and so is its rounding: hence the tolerances.
fn loud(noise: &mut Noise, len: usize) -> Vec<f32> {
    let quiet = noise.floats(len);
    quiet.into_iter().map(|value| 8.0 * value).collect()
}

const ACTIVATIONS: [Activation; 4] = [
    Activation::Relu6,
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu(0.2),
];

#[test]
fn a_pointwise_layer_is_the_plain_convolution() {
    // Batch, inputs, outputs, height, width.
    let cases = [
        [1, 16, 96, 12, 13],
        [3, 24, 40, 7, 5],
        [2, 5, 17, 1, 1],
        [1, 112, 8, 3, 41],
        [2, 33, 64, 16, 17],
    ];
    for (seed, [batch, inputs, outputs, height, width]) in cases.into_iter().enumerate() {
        let images = [batch, inputs, height, width];
        let shape = ConvShape::new(images, [outputs, inputs, 1, 1], Geometry::default()).unwrap();
        let mut noise = Noise::new(seed as u64);
        let x = loud(&mut noise, shape.input_len());
        let (weight, bias) = (noise.floats(shape.weight_len()), noise.floats(outputs));
        let more = noise.floats(shape.output_len());
        for activation in ACTIVATIONS {
            for residual in [None, Some(&more[..])] {
                let expected = plain(&shape, &x, [&weight, &bias], residual, activation);
                let run = || {
                    let pool = Pool::default();
                    let layer = Pointwise::new(inputs, &weight, &bias, activation);
                    let x = blocks(images, &x, &pool);
                    let residual =
                        residual.map(|residual| blocks(shape.output_shape(), residual, &pool));
                    layer.run(&x, residual.as_ref(), &pool).into_planes(&pool)
                };
                on_each_path(run, |y, path| {
                    let what = format!("{images:?} to {outputs}, {activation:?}, {path:?}");
                    assert_close(&y, &expected, 1e-5, &what);
                });
            }
        }
    }
}

/// Images, kernel, geometry but for the groups.
fn depthwise_cases() -> Vec<([usize; 4], [usize; 2], Geometry)> {
    let geometry = |stride, padding, behind, dilation| Geometry {
        stride: [stride; 2],
        padding: [padding; 2],
        behind: [behind; 2],
        dilation: [dilation; 2],
        groups: 1,
    };
    vec![
        ([2, 24, 13, 18], [3, 3], geometry(1, 1, 0, 1)),
        ([1, 96, 33, 20], [3, 3], geometry(2, 1, 0, 1)),
        ([1, 40, 16, 16], [3, 3], geometry(2, 0, 1, 1)),
        ([3, 17, 15, 9], [5, 5], geometry(1, 2, 0, 1)),
        ([1, 48, 40, 26], [5, 5], geometry(2, 1, 1, 1)),
        ([2, 33, 7, 7], [5, 5], geometry(1, 4, 0, 2)),
        ([1, 20, 9, 11], [3, 3], geometry(1, 4, 0, 4)),
        ([1, 16, 1, 1], [3, 3], geometry(1, 1, 0, 1)),
        ([1, 19, 23, 8], [2, 3], geometry(3, 0, 0, 2)),
    ]
}

#[test]
fn a_depthwise_layer_is_the_plain_convolution_also_behind_a_pointwise_one() {
    for (seed, (images, [height, width], geometry)) in depthwise_cases().into_iter().enumerate() {
        let [batch, channels, rows, columns] = images;
        let groups = Geometry {
            groups: channels,
            ..geometry
        };
        let shape = ConvShape::new(images, [channels, 1, height, width], groups).unwrap();
        let mut noise = Noise::new(seed as u64);
        let inputs = 21;
        let narrow = [batch, inputs, rows, columns];
        let before = [channels, inputs, 1, 1];
        let before = ConvShape::new(narrow, before, Geometry::default()).unwrap();
        let few = loud(&mut noise, before.input_len());
        let (mix, offset) = (noise.floats(before.weight_len()), noise.floats(channels));
        let (weight, bias) = (noise.floats(shape.weight_len()), noise.floats(channels));
        for activation in ACTIVATIONS {
            let x = plain(&before, &few, [&mix, &offset], None, activation);
            let expected = plain(&shape, &x, [&weight, &bias], None, activation);
            let run = || {
                let pool = Pool::default();
                let layer = || Depthwise::new(&shape, &weight, &bias, activation);
                let alone = layer().run(&blocks(images, &x, &pool), &pool);
                let expand = Pointwise::new(inputs, &mix, &offset, activation);
                let both = layer().behind(expand);
                let both = both.run(&blocks(narrow, &few, &pool), &pool);
                [alone, both].map(|y| y.into_planes(&pool))
            };
            on_each_path(run, |[alone, both], path| {
                let what = format!("{shape:?}, {activation:?}, {path:?}");
                assert_close(&alone, &expected, 1e-5, &what);
                assert_close(&both, &expected, 1e-5, &format!("behind, {what}"));
            });
        }
    }
}

#[test]
fn a_stem_is_the_plain_convolution_of_normalised_images_between_zeros() {
    let geometry = |stride, padding, behind| Geometry {
        stride: [stride; 2],
        padding: [padding; 2],
        behind: [behind; 2],
        ..Geometry::default()
    };
    let cases = [
        ([2, 3, 33, 47], [32, 3, 3, 3], geometry(2, 1, 0)),
        ([1, 3, 20, 64], [24, 3, 3, 3], geometry(2, 0, 1)),
        ([1, 1, 19, 30], [40, 1, 7, 7], geometry(2, 3, 0)),
        ([2, 4, 5, 6], [8, 4, 2, 2], geometry(1, 0, 0)),
        ([1, 3, 31, 31], [16, 3, 3, 3], geometry(3, 0, 0)),
    ];
    for (seed, (images, weights, geometry)) in cases.into_iter().enumerate() {
        let shape = ConvShape::new(images, weights, geometry).unwrap();
        let mut noise = Noise::new(seed as u64);
        let x = loud(&mut noise, shape.input_len());
        let (weight, bias) = (noise.floats(shape.weight_len()), noise.floats(weights[0]));
        let mean = noise.floats(images[1]);
        let deviation: Vec<f32> = mean.iter().map(|mean| 1.5 + mean).collect();
        let area = images[2] * images[3];
        let normalised: Vec<f32> = (0..x.len())
            .map(|i| (x[i] - mean[i / area % images[1]]) / deviation[i / area % images[1]])
            .collect();
        for activation in ACTIVATIONS {
            let expected = plain(&shape, &normalised, [&weight, &bias], None, activation);
            let run = || {
                let pool = Pool::default();
                let stem = Stem::new(&shape, [&mean, &deviation], &weight, &bias, activation);
                let y = stem.run(&Features::new(images, x.clone()), &pool);
                y.into_planes(&pool)
            };
            on_each_path(run, |y, path| {
                let what = format!("{shape:?}, {activation:?}, {path:?}");
                assert_close(&y, &expected, 1e-5, &what);
            });
        }
    }
}

#[test]
fn a_nan_stays_one_through_every_layer() {
    let images = [1, 16, 4, 4];
    let geometry = Geometry {
        groups: 16,
        padding: [1; 2],
        ..Geometry::default()
    };
    let shape = ConvShape::new(images, [16, 1, 3, 3], geometry).unwrap();
    let (ones, zeros) = (vec![1.0; 256], vec![0.0; 16]);
    let pool = Pool::default();
    let x = blocks(images, &[f32::NAN; 256], &pool);
    let depthwise = Depthwise::new(&shape, &ones[..144], &zeros, Activation::Relu6);
    let pointwise = Pointwise::new(16, &ones, &zeros, Activation::Relu6);
    let y = pointwise.run(&depthwise.run(&x, &pool), None, &pool);
    assert!(y.into_planes(&pool).into_iter().all(f32::is_nan));
}
