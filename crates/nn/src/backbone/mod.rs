//! Encoders that have seen ImageNet.

use burn::{module::Module, tensor::Tensor};
use serde::{Deserialize, Serialize};

use crate::layers::{Init, Mode};
use crate::resnet::ResNet18;

/// Which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// resnet-18
    #[default]
    #[serde(rename = "resnet-18")]
    Resnet18,
}

impl Kind {
    /// Channels of the last tap.
    pub fn channels(self) -> usize {
        512
    }
    /// How much smaller than the image.
    pub fn stride(self, _stage: usize, output_stride: usize) -> usize {
        output_stride
    }
    /// How many.
    pub fn stages(self) -> usize {
        4
    }
}

/// An encoder.
#[derive(Module, Debug)]
pub enum Backbone {
    /// ResNet-18.
    Resnet(ResNet18),
}

impl Backbone {
    /// Fresh weights.
    pub fn new(_kind: Kind, output_stride: usize, init: &mut Init) -> Self {
        Self::Resnet(ResNet18::new(output_stride, init))
    }
    /// The last tap.
    pub fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        match self {
            Self::Resnet(net) => net.forward(images, mode),
        }
    }
    /// All taps.
    pub fn taps(&self, images: Tensor<4>, mode: Mode) -> Vec<Tensor<4>> {
        vec![self.forward(images, mode)]
    }
    /// The rest of the way.
    pub fn from_tap(&self, _stage: usize, features: Tensor<4>, _mode: Mode) -> Tensor<4> {
        features
    }
    /// The form that only scores.
    pub fn inference(&self, size: [usize; 2]) -> Option<crate::inference::ResNet18> {
        match self {
            Self::Resnet(net) => Some(net.inference(size)),
        }
    }
}
