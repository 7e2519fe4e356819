//! A backbone's features without a tape.

use std::hint::black_box;

use burn::tensor::{Device, Tensor};
use cavga_nn::{
    layers::{Init, Mode},
    resnet::ResNet18,
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
    let network = ResNet18::new(32, &mut Init::new(0, &Device::flex()));
    Box::new(move || {
        black_box(features(&network, images.clone()));
        Ok(())
    })
}

/// The form that is timed: the one place to change for another one.
fn features(network: &ResNet18, images: Tensor<4>) -> Tensor<4> {
    network.forward(images, Mode::Score)
}
