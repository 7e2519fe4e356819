//! Depthwise kernels against the plain loops.

use super::super::tests::{check, same_bits, square};
use super::super::{ConvShape, Geometry};
use super::fits;
use crate::reference::Noise;

#[test]
fn kernels_of_one_channel_equal_the_plain_loops() {
    let mut noise = Noise::new(17);
    let mut checked = 0;
    while checked < if cfg!(miri) { 4 } else { 250 } {
        let channels = noise.pick(2, 20);
        let images = [
            noise.pick(1, 3),
            channels,
            noise.pick(1, 24),
            noise.pick(1, 40),
        ];
        let kernel = [noise.pick(1, 7), noise.pick(1, 5)];
        let dilation = [noise.pick(1, 4), noise.pick(1, 4)];
        let zeros = |noise: &mut Noise| {
            [0, 1].map(|axis| noise.pick(0, (kernel[axis] - 1) * dilation[axis]))
        };
        let geometry = Geometry {
            stride: [noise.pick(1, 4), noise.pick(1, 4)],
            padding: zeros(&mut noise),
            behind: zeros(&mut noise),
            dilation,
            groups: channels,
        };
        if let Ok(shape) = ConvShape::new(images, [channels, 1, kernel[0], kernel[1]], geometry) {
            assert!(fits(&shape), "{shape:?}");
            check(&shape, noise.bits());
            checked += 1;
        }
    }
}

#[test]
fn mobile_networks_shapes_equal_the_plain_loops() {
    for (seed, [size, kernel, stride]) in [
        [64, 3, 1],
        [64, 3, 2],
        [33, 5, 2],
        [16, 5, 1],
        [4, 5, 2],
        [4, 3, 1],
        [1, 3, 2],
    ]
    .into_iter()
    .enumerate()
    {
        let channels = 40;
        let images = [3, channels, size, size];
        let weight = [channels, 1, kernel, kernel];
        let shape = square(images, weight, [stride, kernel / 2, 1, channels]);
        assert!(fits(&shape), "{shape:?}");
        check(&shape, seed as u64);
        same_bits(&shape);
    }
}
