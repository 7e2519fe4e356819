//! Prepared layers against the ordinary kernels.

use super::*;
use crate::activation::{self, Activation};
use crate::conv::{self, ConvShape, Geometry};
use crate::path::{Path, with_path};
use crate::reference::{Noise, assert_close};

fn geometry(stride: usize, padding: usize) -> Geometry {
    Geometry {
        stride: [stride; 2],
        padding: [padding; 2],
        ..Geometry::default()
    }
}

fn dilated(dilation: usize) -> Geometry {
    Geometry {
        dilation: [dilation; 2],
        ..geometry(1, dilation)
    }
}

/// Images, weight, geometry, transposed.
type Case = ([usize; 4], [usize; 4], Geometry, bool);

/// Many channels and few, every scheme, sizes that tiles do not fit.
fn cases() -> Vec<Case> {
    vec![
        ([2, 24, 13, 18], [40, 24, 3, 3], geometry(1, 1), false),
        ([1, 16, 9, 9], [64, 16, 3, 3], geometry(1, 0), false),
        ([3, 32, 16, 18], [48, 32, 4, 4], geometry(2, 1), false),
        ([1, 17, 22, 22], [33, 17, 4, 4], geometry(2, 1), false),
        ([2, 20, 15, 15], [24, 20, 3, 3], geometry(2, 1), false),
        ([2, 20, 15, 15], [24, 20, 1, 1], geometry(2, 0), false),
        ([2, 24, 12, 12], [24, 24, 3, 3], dilated(2), false),
        ([2, 64, 8, 8], [128, 64, 1, 1], geometry(1, 0), false),
        ([2, 3, 33, 31], [20, 3, 7, 7], geometry(2, 3), false),
        ([2, 20, 9, 12], [3, 20, 3, 3], geometry(1, 1), false),
        ([2, 32, 8, 9], [32, 16, 4, 4], geometry(2, 1), true),
        ([1, 16, 12, 12], [16, 40, 4, 4], geometry(2, 1), true),
        ([2, 16, 10, 10], [16, 3, 4, 4], geometry(2, 1), true),
    ]
}

fn shape_of((images, weight, geometry, transposed): &Case) -> ConvShape {
    match transposed {
        true => ConvShape::transposed(*images, *weight, [0, 0], *geometry).unwrap(),
        false => ConvShape::new(*images, *weight, *geometry).unwrap(),
    }
}

#[test]
fn layers_equal_the_ordinary_kernels_in_both_forms() {
    for (seed, case) in cases().into_iter().enumerate() {
        let shape = shape_of(&case);
        let (images, .., transposed) = case;
        let mut noise = Noise::new(seed as u64);
        let x = noise.floats(images.iter().product());
        let weight = noise.floats(shape.weight_len());
        let activation = [
            Activation::Identity,
            Activation::Relu,
            Activation::LeakyRelu(0.2),
            Activation::Relu6,
        ][seed % 4];
        let outputs = if transposed {
            shape.input_shape()
        } else {
            shape.output_shape()
        };
        let bias = noise.floats(outputs[1]);
        for path in Path::available() {
            with_path(path, || {
                let mut plain = match transposed {
                    true => conv::input_gradient(&shape, &x, &weight, Some(&bias)),
                    false => conv::forward(&shape, &x, &weight, Some(&bias)),
                };
                activation::apply(activation, &mut plain);
                let layer = Layer::new(&shape, transposed, &weight, Some(&bias), activation);
                let pool = Pool::default();
                for (from, to) in [
                    (Form::Planes, Form::Planes),
                    (Form::Blocks, Form::Planes),
                    (Form::Blocks, Form::Blocks),
                ] {
                    let mut features = Features::new(images, x.clone());
                    if from == Form::Blocks {
                        features = features.into_blocks(Activation::Identity, &pool);
                    }
                    let y = layer.run(&features, None, to, &pool);
                    assert_eq!(y.shape(), outputs);
                    let what = format!("{case:?} {path:?} {from:?} {to:?}");
                    assert_close(&y.into_planes(&pool), &plain, 1e-6, &what);
                    pool.give(features);
                }
            });
        }
    }
}

#[test]
fn residuals_are_added_before_the_activation() {
    for depth in [16, 3] {
        residual(depth);
    }
}

/// A layer from `depth` channels to 20.
fn residual(depth: usize) {
    let shape = ConvShape::new([2, depth, 6, 8], [20, depth, 3, 3], geometry(1, 1)).unwrap();
    let mut noise = Noise::new(1);
    let (x, weight) = (
        noise.floats(shape.input_len()),
        noise.floats(shape.weight_len()),
    );
    let (same, half) = (noise.floats(2 * 20 * 6 * 8), noise.floats(2 * 20 * 3 * 4));
    for path in Path::available() {
        with_path(path, || {
            let pool = Pool::default();
            let layer = Layer::new(&shape, false, &weight, None, Activation::Relu);
            let images = Features::new([2, depth, 6, 8], x.clone());
            let y = conv::forward(&shape, &x, &weight, None);
            let blocks = |shape, values: &[f32]| {
                Features::new(shape, values.to_vec()).into_blocks(Activation::Identity, &pool)
            };
            let residual = blocks([2, 20, 6, 8], &same);
            let ours = layer.run(
                &images,
                Some(Residual::Same(&residual)),
                Form::Planes,
                &pool,
            );
            let sum: Vec<f32> = y
                .iter()
                .zip(&same)
                .map(|(y, same)| (y + same).max(0.0))
                .collect();
            assert_close(&ours.into_planes(&pool), &sum, 1e-6, "same");
            let residual = blocks([2, 20, 3, 4], &half);
            let ours = layer.run(
                &images,
                Some(Residual::Half(&residual)),
                Form::Blocks,
                &pool,
            );
            let sum: Vec<f32> = (0..y.len())
                .map(|i| {
                    let (plane, line, column) = (i / 48, i / 8 % 6, i % 8);
                    (y[i] + half[plane * 12 + line / 2 * 4 + column / 2]).max(0.0)
                })
                .collect();
            assert_close(&ours.into_planes(&pool), &sum, 1e-6, "half");
        });
    }
}

#[test]
fn a_norm_is_scale_shift_and_activation() {
    let mut noise = Noise::new(2);
    let (x, scale, shift) = (
        noise.floats(2 * 20 * 35),
        noise.floats(20),
        noise.floats(20),
    );
    let pool = Pool::default();
    let features = Features::new([2, 20, 5, 7], x.clone());
    let features = features.into_blocks(Activation::Identity, &pool);
    let y = Norm::new(&scale, &shift, Activation::LeakyRelu(0.2)).run(&features, &pool);
    let plain: Vec<f32> = (0..x.len())
        .map(|i| {
            let sum = x[i] * scale[i / 35 % 20] + shift[i / 35 % 20];
            if sum > 0.0 { sum } else { 0.2 * sum }
        })
        .collect();
    assert_close(&y.into_planes(&pool), &plain, 1e-6, "norm");
}

#[test]
fn an_image_alone_gives_the_same_bits_as_in_a_batch() {
    let case = &cases()[0];
    let shape = shape_of(case);
    let mut noise = Noise::new(3);
    let (x, weight) = (
        noise.floats(shape.input_len()),
        noise.floats(shape.weight_len()),
    );
    let layer = Layer::new(&shape, false, &weight, None, Activation::Identity);
    let pool = Pool::default();
    let run = |images: [usize; 4], x: &[f32]| {
        let features = Features::new(images, x.to_vec());
        layer
            .run(&features, None, Form::Planes, &pool)
            .into_planes(&pool)
    };
    let both = run(case.0, &x);
    let alone = run([1, case.0[1], case.0[2], case.0[3]], &x[x.len() / 2..]);
    assert!(both[both.len() / 2..] == alone[..]);
}
