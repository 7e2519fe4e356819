//! A backbone's features without a tape.

use std::hint::black_box;

use burn::tensor::Device;
use cavga_nn::{layers::Init, resnet::ResNet18};
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
    let network = network.inference([batched.size; 2]);
    Box::new(move || {
        black_box(network.forward(images.clone()));
        Ok(())
    })
}
