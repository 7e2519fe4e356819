//! The latent: a Gaussian at every position of the feature map, by two 1×1 convolutions, or one for the whole flattened map.

use burn::{module::Module, tensor::Tensor};

use crate::layers::{Conv2d, ConvConfig, Init, Linear};

/// q(z|x) in one of its two forms.
#[derive(Module, Debug)]
pub enum Latent {
    /// With the features' height and width.
    Conv(ConvLatent),
    /// A vector.
    Flat(FlatLatent),
}

/// q(z|x) = N(μ, diag σ²) with the features' height and width (CAVGA, section 3; after Baur et al. 2018).
#[derive(Module, Debug)]
pub struct ConvLatent {
    /// Makes μ.
    pub mu: Conv2d,
    /// Makes log σ².
    pub logvar: Conv2d,
}

/// q(z|x) of the flattened features, by linear heads: the ablation "*" of table 8, after Bergmann et al. 2019, whose dimension is 100.
#[derive(Module, Debug)]
pub struct FlatLatent {
    /// Makes μ.
    pub mu: Linear,
    /// Makes log σ².
    pub logvar: Linear,
    /// Makes of z what the decoder takes.
    pub expand: Linear,
    #[module(skip)]
    grid: [usize; 3],
}

/// The latent's distribution for a batch, both `[batch, channels, height, width]`; height and width of a flattened latent are 1.
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
}

impl FlatLatent {
    /// Fresh weights. `grid`: `[features, height, width]` of the features; `dimension` of the latent; `channels` of what the
    /// decoder takes, at the features' height and width.
    pub fn new(grid: [usize; 3], dimension: usize, channels: usize, init: &mut Init) -> Self {
        let [features, height, width] = grid;
        let values = features * height * width;
        Self::between(values, dimension, [channels, height, width], init)
    }

    /// Fresh weights, from so many `values` to what the decoder takes, `[channels, height, width]`.
    pub fn between(values: usize, dimension: usize, decoded: [usize; 3], init: &mut Init) -> Self {
        Self {
            mu: Linear::new(values, dimension, init),
            logvar: Linear::new(values, dimension, init),
            expand: Linear::new(dimension, decoded.iter().product(), init),
            grid: decoded,
        }
    }
}

impl Latent {
    /// The distribution.
    ///
    /// # Shapes
    /// - features: `[batch, features, height, width]`
    pub fn forward(&self, features: Tensor<4>) -> Gaussian {
        Gaussian {
            mu: self.mean(features.clone()),
            logvar: match self {
                Self::Conv(conv) => conv.logvar.forward(features),
                Self::Flat(flat) => flatly(&flat.logvar, features),
            },
        }
    }

    /// μ alone.
    ///
    /// # Shapes
    /// - features: `[batch, features, height, width]`
    pub fn mean(&self, features: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(conv) => conv.mu.forward(features),
            Self::Flat(flat) => flatly(&flat.mu, features),
        }
    }

    /// What the decoder takes of z.
    ///
    /// # Shapes
    /// - z: as μ → `[batch, channels, height, width]`
    pub fn expand(&self, z: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(_) => z,
            Self::Flat(flat) => {
                let [channels, height, width] = flat.grid;
                let [batch, ..] = z.dims();
                let vector = flat.expand.forward(flatten(z));
                vector.reshape([batch, channels, height, width])
            }
        }
    }
}

/// Everything of an image in one row.
///
/// # Shapes
/// - x: `[batch, channels, height, width]` → `[batch, channels·height·width]`
pub fn flatten(x: Tensor<4>) -> Tensor<2> {
    let [batch, channels, height, width] = x.dims();
    x.reshape([batch, channels * height * width])
}

fn flatly(head: &Linear, features: Tensor<4>) -> Tensor<4> {
    let vector = head.forward(flatten(features));
    let [batch, dimension] = vector.dims();
    vector.reshape([batch, dimension, 1, 1])
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
