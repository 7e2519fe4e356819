//! A trained network as a detector.

use burn::tensor::{Device, Tensor};
use cavga_nn::{layers::Init, part::Part, state};

use super::Network;
use crate::{
    Batch, Detector, Result, Scores, Tensors,
    check::{check_images, check_valid},
};

/// A trained network.
#[derive(Debug)]
pub(crate) struct Trained<N> {
    network: N,
    size: [usize; 2],
    device: Device,
}

impl<N: Network> Trained<N> {
    /// From a network in training, and normal images held out of it.
    pub(crate) fn finish(
        network: &N,
        config: &N::Config,
        size: [usize; 2],
        held_out: &mut dyn Iterator<Item = Result<Batch>>,
        device: &Device,
    ) -> Result<Self> {
        let mut tensors = Tensors::new();
        state::collect(network, "", &mut tensors);
        let trained = Self::restore(config, size, tensors, device)?;
        Ok(Self {
            network: trained.network.fit(held_out)?,
            ..trained
        })
    }

    /// From what [`Detector::state`] gave.
    pub(crate) fn restore(
        config: &N::Config,
        size: [usize; 2],
        mut tensors: Tensors,
        device: &Device,
    ) -> Result<Self> {
        let device = device.clone().without_autodiff();
        let on = match N::SCORES_ON_TAPE {
            true => device.clone().autodiff(),
            false => device.clone(),
        };
        // Any weights: they are replaced at once.
        let network = N::new(config, size, &mut Init::new(0, &on))?;
        let network = state::load(network, "", &mut tensors)?;
        state::expect_empty(&tensors)?;
        Ok(Self {
            network: network.prepared(),
            size,
            device,
        })
    }
}

impl<N: Network> Detector for Trained<N> {
    fn score(&self, images: Tensor<4>, valid: Option<Tensor<4>>) -> Result<Scores> {
        let part = valid.map(Part::new);
        check_images(&images, self.size)?;
        check_valid(&images, part.as_ref())?;
        let images = match N::SCORES_ON_TAPE {
            true => Tensor::from_inner(images),
            false => images,
        };
        self.network.score(images, part.as_ref())
    }

    fn is_fitted(&self, name: &str) -> bool {
        self.network.is_fitted(name)
    }

    fn state(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        state::collect(&self.network, "", &mut tensors);
        Ok(tensors)
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
