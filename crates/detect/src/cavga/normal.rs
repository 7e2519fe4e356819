//! What normal images held out of training show, position by position.

use burn::tensor::{Device, Tensor};
use cavga_nn::state;

use crate::{Result, Tensors};

/// How many images' worth of trust the spread pooled over all positions gets beside a position's own: with a handful of held-out images, a
/// position that happened to vary little would otherwise call anything anomalous.
const POOLED_IMAGES: f64 = 8.0;

/// Mean and spread of a quantity over normal images at each position.
#[derive(Debug, Clone)]
pub(super) struct Normal {
    /// `[1, channels, height, width]`.
    mean: Tensor<4>,
    /// Root of the variance, summed over channels, `[1, 1, height, width]`.
    spread: Tensor<4>,
}

impl Normal {
    /// Of values `[images, channels, height, width]`.
    pub(super) fn of(values: Tensor<4>) -> Self {
        let images = values.dims()[0] as f64;
        let mean = values.clone().mean_dim(0);
        let variance = (values - mean.clone()).square().mean_dim(0).sum_dim(1);
        let pooled = variance.clone().mean_dims(&[2, 3]);
        let shrunk = (variance.mul_scalar(images) + pooled.mul_scalar(POOLED_IMAGES))
            .div_scalar(images + POOLED_IMAGES);
        Self {
            mean,
            spread: shrunk.sqrt().clamp_min(1e-6),
        }
    }

    /// How many spreads above the mean, of one channel.
    pub(super) fn deviation(&self, values: Tensor<4>) -> Tensor<4> {
        (values - self.mean.clone()) / self.spread.clone()
    }

    /// How many spreads away from the mean, over all channels, `[batch, 1, height, width]`.
    pub(super) fn distance(&self, values: Tensor<4>) -> Tensor<4> {
        self.deviation(values).square().sum_dim(1).sqrt()
    }

    pub(super) fn collect(&self, name: &str, tensors: &mut Tensors) {
        tensors.insert(format!("{name}.mean"), self.mean.to_data());
        tensors.insert(format!("{name}.spread"), self.spread.to_data());
    }

    /// Takes back what [`Normal::collect`] gave.
    pub(super) fn take(
        name: &str,
        [channels, height, width]: [usize; 3],
        tensors: &mut Tensors,
        device: &Device,
    ) -> Result<Self> {
        let mut load = |part: &str, channels| -> Result<Tensor<4>> {
            let shape = [1, channels, height, width];
            let data = state::take(tensors, &format!("{name}.{part}"), &shape)?;
            Ok(Tensor::from_data(data, device))
        };
        Ok(Self {
            mean: load("mean", channels)?,
            spread: load("spread", 1)?,
        })
    }
}
