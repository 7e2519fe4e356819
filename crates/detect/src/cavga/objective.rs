//! One training step's numbers: L + L_adv + 0.01·L_ae (section 3).

use burn::tensor::Tensor;
use cavga_nn::{attention, latent::Gaussian, layers::Mode, losses, ops};

use super::{CavgaConfig, Vae, Weights};

/// What the autoencoder makes of a batch in training.
#[derive(Debug, Clone)]
pub struct Forward {
    /// The latent's distribution.
    pub latent: Gaussian,
    /// The reconstruction's logits, `[batch, 3, height, width]`.
    pub logits: Tensor<4>,
    /// The reconstruction x̂ in [0, 1], `[batch, 3, height, width]`.
    pub reconstruction: Tensor<4>,
    /// The attention A in [0, 1], `[batch, 1, height/stride, width/stride]`.
    pub attention: Tensor<4>,
}

impl Forward {
    /// Runs the autoencoder as in training. `noise` makes ε ~ N(0, I) in the latent's shape.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1]
    pub fn new(
        vae: &Vae,
        images: Tensor<4>,
        noise: impl FnOnce([usize; 4]) -> Tensor<4>,
        config: &CavgaConfig,
    ) -> Self {
        let features = vae.features(images, Mode::Train);
        let latent = vae.latent().forward(features.clone());
        let sample = latent.sample(noise(latent.mu.dims()));
        let logits = vae.decode(sample, Mode::Train);
        let options = &config.attention;
        Self {
            latent,
            reconstruction: ops::sigmoid(logits.clone()),
            logits,
            attention: attention::attention(
                vae.cam(features, config),
                options.relu,
                options.normalize,
            ),
        }
    }
}

/// The terms of the encoder's and decoder's objective, each `[1]`.
#[derive(Debug, Clone)]
pub struct Objective {
    /// L_R.
    pub reconstruction: Tensor<1>,
    /// KL(q(z|x) ‖ N(0, I)).
    pub divergence: Tensor<1>,
    /// L_adv as the encoder and decoder see it.
    pub adversarial: Tensor<1>,
    /// L_ae.
    pub attention_expansion: Tensor<1>,
}

impl Objective {
    /// The terms. `fake`: the discriminator's logits of x̂, `[batch]`.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1]
    pub fn new(
        forward: &Forward,
        images: Tensor<4>,
        fake: Tensor<1>,
        config: &CavgaConfig,
    ) -> Self {
        let [_, channels, height, width] = images.dims();
        let divisor = config.weights.reduction.divisor([channels, height, width]);
        let reduce = |per_image: Tensor<1>| per_image.mean().div_scalar(divisor);
        Self {
            reconstruction: reduce(losses::reconstruction(forward.logits.clone(), images)),
            divergence: reduce(forward.latent.divergence()),
            adversarial: losses::adversarial(fake, config.adversary.saturating),
            attention_expansion: losses::attention_expansion(
                forward.attention.clone(),
                config.attention.expansion,
            ),
        }
    }

    /// w_r·L + w_adv·L_adv + w_ae·L_ae.
    pub fn total(&self, weights: &Weights) -> Tensor<1> {
        self.without_adversary(weights) + self.adversarial.clone().mul_scalar(weights.adversarial)
    }

    /// w_r·L + w_ae·L_ae.
    pub fn without_adversary(&self, weights: &Weights) -> Tensor<1> {
        (self.reconstruction.clone() + self.divergence.clone()).mul_scalar(weights.reconstruction)
            + self
                .attention_expansion
                .clone()
                .mul_scalar(weights.attention_expansion)
    }
}
