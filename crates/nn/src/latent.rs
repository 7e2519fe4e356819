//! The convolutional latent: a Gaussian at every position of the feature map, by two 1×1 convolutions.

use burn::{module::Module, tensor::Tensor};

use crate::layers::{Conv2d, ConvConfig, Init};

/// q(z|x) = N(μ, diag σ²) with the features' height and width (CAVGA, section 3; after Baur et al. 2018).
#[derive(Module, Debug)]
pub struct ConvLatent {
    /// Makes μ.
    pub mu: Conv2d,
    /// Makes log σ².
    pub logvar: Conv2d,
}

/// The latent's distribution for a batch, both `[batch, channels, height, width]`.
#[derive(Debug, Clone)]
pub struct Gaussian {
    /// Mean.
    pub mu: Tensor<4>,
    /// Logarithm of the variance.
    pub logvar: Tensor<4>,
}

impl ConvLatent {
    /// Fresh weights, from `features` channels to `channels`.
    pub fn new(features: usize, channels: usize, init: &mut Init) -> Self {
        let mut head = || ConvConfig::new(features, channels, 1).bias().init(init);
        Self {
            mu: head(),
            logvar: head(),
        }
    }

    /// # Shapes
    /// - features: `[batch, features, height, width]`
    pub fn forward(&self, features: Tensor<4>) -> Gaussian {
        Gaussian {
            mu: self.mu.forward(features.clone()),
            logvar: self.logvar.forward(features),
        }
    }
}

impl Gaussian {
    /// z = μ + ε·exp(½ log σ²).
    ///
    /// # Shapes
    /// - noise: ε ~ N(0, I), as μ
    pub fn sample(&self, noise: Tensor<4>) -> Tensor<4> {
        self.mu.clone() + noise * self.logvar.clone().mul_scalar(0.5).exp()
    }

    /// KL(q(z|x) ‖ N(0, I)) of each image, summed over its latent.
    ///
    /// # Shapes
    /// - output: `[batch]`
    pub fn divergence(&self) -> Tensor<1> {
        let Self { mu, logvar } = self.clone();
        let terms = mu.square() + logvar.clone().exp() - logvar - 1.0;
        terms
            .sum_dims(&[1, 2, 3])
            .squeeze_dims::<1>(&[1, 2, 3])
            .mul_scalar(0.5)
    }
}
