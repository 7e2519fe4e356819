//! A backbone's features without a tape.

use std::hint::black_box;

use burn::tensor::Device;
use cavga_nn::{
    backbone::{Backbone, Kind},
    layers::{Init, Mode},
};
use serde::Deserialize;

use crate::{cases::Work, pattern};

/// How many images of which size; they are square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Batched {
    pub(crate) batch: usize,
    pub(crate) size: usize,
}

/// ResNet-18 up to `layer4`.
pub(crate) fn resnet(batched: Batched) -> Work {
    let images = pattern::images(batched);
    let network = Backbone::new(Kind::Resnet18, 32, &mut Init::new(0, &Device::flex()));
    let fast = network.inference([batched.size; 2]);
    Box::new(move || {
        let images = images.clone();
        black_box(match &fast {
            Some(fast) => fast.forward(images),
            None => network.forward(images, Mode::Score),
        });
        Ok(())
    })
}

/// The taps of MobileNetV2 that detectors of patches look at: strides 8 and 16.
pub(crate) fn taps(batched: Batched) -> Work {
    const STAGES: [usize; 2] = [1, 2];
    let images = pattern::images(batched);
    let network = Backbone::new(Kind::MobilenetV2, 32, &mut Init::new(0, &Device::flex()));
    let network = network.up_to(STAGES[1] + 1);
    let fast = network.inference_taps([batched.size; 2], &STAGES);
    Box::new(move || {
        let images = images.clone();
        black_box(match &fast {
            Some(fast) => fast.run(images),
            None => network.taps(images, Mode::Score),
        });
        Ok(())
    })
}
