//! What some stages of a backbone make of images.

use burn::tensor::{Device, Tensor, TensorData};
use cavga_kernels::inference::{Features, Pool};
use cavga_kernels::threads::together;

use super::ResNet;
use super::mobile::MobileNet;
use crate::backbone::{mobile, resnet};

/// A prepared network in pieces.
pub(super) trait Stages {
    /// Where its features live.
    fn pool(&self) -> &Pool;
    /// What comes before the first stage, normalisation included.
    fn stem(&self, images: Tensor<4>) -> Features;
    /// One stage; the memory of what goes in goes back.
    fn stage(&self, stage: usize, x: Features) -> Features;
}

#[derive(Debug)]
enum Network {
    ResNet(ResNet),
    MobileNet(MobileNet),
}

/// A backbone that gives the features of some of its stages: [`Backbone::inference_taps`](crate::backbone::Backbone::inference_taps).
/// What lies behind the deepest of them is not in it.
#[derive(Debug)]
pub struct Taps {
    network: Network,
    /// Counted from 0, as they are wanted.
    stages: Vec<usize>,
}

/// How many stages are needed for those.
fn depth(stages: &[usize]) -> usize {
    stages.iter().max().map_or(0, |&deepest| deepest + 1)
}

impl Taps {
    pub(crate) fn of_resnet(network: &resnet::ResNet, size: [usize; 2], stages: &[usize]) -> Self {
        Self {
            network: Network::ResNet(network.prepared(size, depth(stages))),
            stages: stages.to_vec(),
        }
    }

    pub(crate) fn of_mobilenet(
        network: &mobile::MobileNet,
        size: [usize; 2],
        stages: &[usize],
    ) -> Self {
        Self {
            network: Network::MobileNet(MobileNet::new(network, size, depth(stages))),
            stages: stages.to_vec(),
        }
    }

    fn network(&self) -> &(dyn Stages + Sync) {
        match &self.network {
            Network::ResNet(network) => network,
            Network::MobileNet(network) => network,
        }
    }

    /// The taps of the wanted stages, in the order in which they were named: those of
    /// [`Backbone::taps`](crate::backbone::Backbone::taps) in [`Mode::Score`](crate::layers::Mode), to rounding.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1] → `[batch, channels, height', width']` for each
    ///
    /// # Panics
    /// If the images are not of the size that this was made for.
    pub fn run(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        together(|| self.taps(images))
    }

    fn taps(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        let (network, depth) = (self.network(), depth(&self.stages));
        let mut taps: Vec<Option<Tensor<4>>> = vec![None; depth];
        let mut x = network.stem(images);
        for (stage, tap) in taps.iter_mut().enumerate() {
            x = network.stage(stage, x);
            if self.stages.contains(&stage) {
                let data = TensorData::new(x.to_planes(), x.shape());
                *tap = Some(Tensor::from_data(data, &Device::flex()));
            }
        }
        network.pool().give(x);
        let wanted = self.stages.iter();
        wanted
            .filter_map(|&stage| taps.get(stage)?.clone())
            .collect()
    }
}
