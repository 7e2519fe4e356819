//! Convolution kernels against the plain loops.

use super::*;
use crate::path::with_path;
use crate::reference::{self, Noise, assert_close};

/// All kernels of a shape on all paths.
fn check(shape: &ConvShape, seed: u64) {
    let mut noise = Noise::new(seed);
    let (x, weight) = (
        noise.floats(shape.input_len()),
        noise.floats(shape.weight_len()),
    );
    let dy = noise.floats(shape.output_len());
    let (bias, input_bias) = (
        noise.floats(shape.channels[1]),
        noise.floats(shape.channels[0]),
    );
    let plain = [
        reference::forward(shape, &x, &weight, Some(&bias)),
        reference::input_gradient(shape, &dy, &weight, Some(&input_bias)),
        reference::weight_gradient(shape, &x, &dy),
        reference::bias_gradient(&dy, shape.channels[1], shape.output[0] * shape.output[1]),
    ];
    for path in Path::available() {
        let all = || {
            let pixels = shape.output[0] * shape.output[1];
            [
                forward(shape, &x, &weight, Some(&bias)),
                input_gradient(shape, &dy, &weight, Some(&input_bias)),
                weight_gradient(shape, &x, &dy),
                bias_gradient(&dy, shape.batch, shape.channels[1], pixels),
            ]
        };
        let ours = with_path(path, all);
        let names = [
            "forward",
            "input gradient",
            "weight gradient",
            "bias gradient",
        ];
        for ((ours, plain), name) in ours.iter().zip(&plain).zip(names) {
            assert_close(ours, plain, 1e-5, &format!("{name}, {path:?}, {shape:?}"));
        }
    }
}

fn square(
    images: [usize; 4],
    weight: [usize; 4],
    [stride, padding, dilation, groups]: [usize; 4],
) -> ConvShape {
    let geometry = Geometry {
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [dilation; 2],
        groups,
        ..Geometry::default()
    };
    ConvShape::new(images, weight, geometry).unwrap()
}

#[test]
fn networks_shapes_equal_the_plain_loops() {
    let shapes = [
        square([2, 3, 32, 32], [64, 3, 4, 4], [2, 1, 1, 1]),
        square([2, 20, 18, 18], [33, 20, 4, 4], [2, 1, 1, 1]),
        square([1, 3, 37, 41], [16, 3, 7, 7], [2, 3, 1, 1]),
        square([2, 17, 19, 13], [24, 17, 3, 3], [1, 1, 1, 1]),
        square([2, 17, 19, 13], [24, 17, 3, 3], [2, 1, 1, 1]),
        square([3, 16, 15, 15], [32, 16, 1, 1], [2, 0, 1, 1]),
        square([1, 64, 8, 8], [128, 64, 1, 1], [1, 0, 1, 1]),
        square([1, 40, 9, 9], [8, 40, 3, 3], [1, 2, 2, 1]),
        square([2, 5, 9, 9], [8, 5, 3, 3], [2, 2, 2, 1]),
        square([2, 64, 12, 12], [3, 64, 4, 4], [2, 1, 1, 1]),
        square([2, 12, 20, 20], [12, 1, 3, 3], [2, 1, 1, 12]),
        square([2, 32, 20, 20], [48, 8, 3, 3], [1, 1, 1, 4]),
    ];
    for (seed, shape) in shapes.iter().enumerate() {
        check(shape, seed as u64);
    }
}

#[test]
fn odd_shapes_equal_the_plain_loops() {
    let shapes = [
        // Padding larger than the kernel and than the image.
        square([1, 1, 2, 3], [1, 1, 2, 2], [1, 5, 1, 1]),
        square([2, 3, 1, 1], [4, 3, 3, 3], [2, 4, 1, 1]),
        // Stride larger than the kernel and than the image.
        square([1, 2, 7, 7], [3, 2, 1, 1], [3, 0, 1, 1]),
        square([1, 2, 3, 3], [3, 2, 2, 2], [5, 1, 1, 1]),
        // Dilation and stride share a factor: phases without a tap.
        square([1, 2, 9, 10], [3, 2, 2, 3], [2, 1, 2, 1]),
        square([1, 2, 13, 13], [3, 2, 3, 2], [4, 3, 2, 1]),
        square([1, 1, 1, 1], [1, 1, 1, 1], [1, 0, 1, 1]),
        // Rows longer than a block of pixels; more terms than a block.
        square([1, 3, 2, 600], [5, 3, 2, 3], [1, 1, 1, 1]),
        square([1, 70, 5, 5], [9, 70, 2, 2], [2, 1, 1, 1]),
    ];
    for (seed, shape) in shapes.iter().enumerate() {
        check(shape, seed as u64);
    }
}

#[test]
fn random_shapes_equal_the_plain_loops() {
    let mut noise = Noise::new(7);
    let mut checked = 0;
    while checked < if cfg!(miri) { 3 } else { 150 } {
        let groups = [1, 1, 1, 2, 3][noise.pick(0, 4)];
        let (depth, rows) = (noise.pick(1, 20), noise.pick(1, 36));
        let images = [
            noise.pick(1, 3),
            depth * groups,
            noise.pick(1, 24),
            noise.pick(1, 40),
        ];
        let weight = [rows * groups, depth, noise.pick(1, 5), noise.pick(1, 5)];
        let mut pair = |low, high| [noise.pick(low, high), noise.pick(low, high)];
        let geometry = Geometry {
            stride: pair(1, 3),
            padding: pair(0, 6),
            behind: pair(0, 2),
            dilation: pair(1, 3),
            groups,
        };
        if let Ok(shape) = ConvShape::new(images, weight, geometry) {
            check(&shape, noise.bits());
            checked += 1;
        }
    }
}

#[test]
fn shapes_of_many_channels_equal_the_plain_loops() {
    let mut noise = Noise::new(11);
    // (kernel, stride, dilation) of each scheme, and of the plain product in vectors of channels.
    let kernels = [
        [3, 1, 1],
        [4, 2, 1],
        [1, 1, 1],
        [1, 2, 1],
        [3, 2, 1],
        [7, 2, 1],
        [3, 1, 2],
    ];
    let mut checked = 0;
    while checked < if cfg!(miri) { 2 } else { 90 } {
        let [kernel, stride, dilation] = kernels[noise.pick(0, kernels.len() - 1)];
        let (depth, rows) = (noise.pick(16, 40), noise.pick(16, 70));
        // Padding up to more than an image, images down to a pixel.
        let images = [
            noise.pick(1, 3),
            depth,
            noise.pick(1, 20),
            noise.pick(1, 24),
        ];
        let geometry = Geometry {
            stride: [stride; 2],
            padding: [noise.pick(0, 5), noise.pick(0, 5)],
            behind: [noise.pick(0, 2), noise.pick(0, 2)],
            dilation: [dilation; 2],
            groups: 1,
        };
        if let Ok(shape) = ConvShape::new(images, [rows, depth, kernel, kernel], geometry) {
            check(&shape, noise.bits());
            checked += 1;
        }
    }
}

#[test]
fn large_tiles_are_taken_where_they_fit_and_equal_the_plain_loops() {
    let shape = square([1, 16, 36, 60], [16, 16, 4, 4], [2, 1, 1, 1]);
    assert_eq!(Fast::of(&shape, What::Forward), Some(Fast::ThreeOfTwo));
    assert_eq!(
        Fast::of(&shape, What::InputGradient),
        Some(Fast::ThreeOfTwo)
    );
    check(&shape, 12);
    let shape = square([1, 16, 32, 32], [16, 16, 4, 4], [2, 1, 1, 1]);
    assert_eq!(Fast::of(&shape, What::Forward), Some(Fast::TwoOfTwo));
}

#[test]
fn few_outputs_equal_the_plain_loops() {
    let mut noise = Noise::new(13);
    let mut checked = 0;
    while checked < if cfg!(miri) { 2 } else { 60 } {
        let narrow = noise.pick(1, 4);
        let images = [
            noise.pick(1, 2),
            noise.pick(1, 24),
            noise.pick(1, 20),
            noise.pick(1, 150),
        ];
        let (mut images, mut weight) = (
            images,
            [narrow, images[1], noise.pick(1, 5), noise.pick(1, 5)],
        );
        // Half of them few channels of the images: their gradient is the narrow one.
        if noise.pick(0, 1) == 1 {
            (weight[0], images[1], weight[1]) = (images[1], narrow, narrow);
        }
        let stride = noise.pick(1, 3);
        let geometry = Geometry {
            stride: [stride, noise.pick(1, 3)],
            padding: [noise.pick(0, 3), noise.pick(0, 3)],
            behind: [noise.pick(0, 2), noise.pick(0, 2)],
            dilation: [noise.pick(1, 2), noise.pick(1, 2)],
            groups: 1,
        };
        if let Ok(shape) = ConvShape::new(images, weight, geometry) {
            check(&shape, noise.bits());
            checked += 1;
        }
    }
}

#[test]
fn a_transposed_shape_gives_back_the_images_shape() {
    let geometry = Geometry {
        stride: [2, 2],
        padding: [1, 1],
        ..Geometry::default()
    };
    let shape = ConvShape::transposed([8, 64, 16, 16], [64, 3, 4, 4], [0, 0], geometry).unwrap();
    assert_eq!(shape.input_shape(), [8, 3, 32, 32]);
    assert_eq!(shape.output_shape(), [8, 64, 16, 16]);
    let shape = ConvShape::transposed([1, 2, 5, 5], [2, 4, 3, 3], [1, 1], geometry).unwrap();
    assert_eq!(shape.input_shape(), [1, 4, 10, 10]);
}

#[test]
fn impossible_shapes_are_refused() {
    let unit = Geometry::default();
    let zero_stride = Geometry {
        stride: [0, 1],
        ..unit
    };
    let huge = Geometry {
        padding: [usize::MAX, 0],
        ..unit
    };
    let refused = [
        ([0, 1, 4, 4], [1, 1, 3, 3], unit),
        ([1, 2, 4, 4], [1, 1, 3, 3], unit),
        ([1, 1, 2, 2], [1, 1, 3, 3], unit),
        ([1, 1, 4, 4], [1, 1, 3, 3], zero_stride),
        ([1, 1, 4, 4], [1, 1, 3, 3], huge),
        ([1, 3, 4, 4], [2, 1, 3, 3], Geometry { groups: 3, ..unit }),
    ];
    for (images, weight, geometry) in refused {
        assert!(
            ConvShape::new(images, weight, geometry).is_err(),
            "{images:?} {weight:?} {geometry:?}"
        );
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let shapes = [
        square([3, 24, 21, 30], [40, 24, 4, 4], [2, 1, 1, 1]),
        square([1, 64, 9, 9], [128, 64, 3, 3], [1, 1, 1, 1]),
        // Many channels and more tiles than a task sums at a time: tasks of other sizes on other numbers of threads.
        square([4, 256, 16, 16], [256, 256, 3, 3], [1, 1, 1, 1]),
        square([2, 24, 21, 30], [3, 24, 3, 3], [1, 1, 1, 1]),
        square([2, 12, 21, 30], [20, 12, 3, 3], [2, 1, 1, 1]),
    ];
    shapes.iter().for_each(same_bits);
}

fn same_bits(shape: &ConvShape) {
    let mut noise = Noise::new(3);
    let (x, weight) = (
        noise.floats(shape.input_len()),
        noise.floats(shape.weight_len()),
    );
    let dy = noise.floats(shape.output_len());
    for path in Path::available() {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let all = || {
                [
                    forward(shape, &x, &weight, None),
                    input_gradient(shape, &dy, &weight, None),
                    weight_gradient(shape, &x, &dy),
                ]
            };
            pool.install(|| with_path(path, all))
        };
        let one = on(1);
        for threads in [1, 2, 3, 7] {
            assert!(on(threads) == one, "{threads} threads differ on {path:?}");
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let shapes = [
        square([2, 3, 7, 8], [4, 3, 3, 3], [2, 1, 1, 1]),
        square([1, 16, 5, 6], [16, 16, 3, 3], [1, 1, 1, 1]),
        square([1, 16, 6, 8], [16, 16, 4, 4], [2, 1, 1, 1]),
    ];
    shapes.iter().for_each(finite_differences);
}

fn finite_differences(shape: &ConvShape) {
    let mut noise = Noise::new(4);
    let (mut x, mut weight) = (
        noise.floats(shape.input_len()),
        noise.floats(shape.weight_len()),
    );
    let dy = noise.floats(shape.output_len());
    let loss = |x: &[f32], weight: &[f32]| -> f64 {
        let y = forward(shape, x, weight, None);
        y.iter()
            .zip(&dy)
            .map(|(&y, &dy)| f64::from(y) * f64::from(dy))
            .sum()
    };
    let dx = input_gradient(shape, &dy, &weight, None);
    let dw = weight_gradient(shape, &x, &dy);
    // The loss is linear in each element, so a step of 1 is exact but for rounding.
    let by_x: Vec<f32> = (0..x.len())
        .map(|i| {
            x[i] += 1.0;
            let above = loss(&x, &weight);
            x[i] -= 2.0;
            let below = loss(&x, &weight);
            x[i] += 1.0;
            ((above - below) / 2.0) as f32
        })
        .collect();
    let by_weight: Vec<f32> = (0..weight.len())
        .map(|i| {
            weight[i] += 1.0;
            let above = loss(&x, &weight);
            weight[i] -= 2.0;
            let below = loss(&x, &weight);
            weight[i] += 1.0;
            ((above - below) / 2.0) as f32
        })
        .collect();
    assert_close(&dx, &by_x, 1e-5, "dx");
    assert_close(&dw, &by_weight, 1e-5, "dw");
}
