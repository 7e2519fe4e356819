//! CAVGA's settings: the paper's where it gives them, else ours with the reason beside them.

use cavga_nn::{
    adam::AdamConfig,
    attention::{Normalize, Score},
    losses::Expansion,
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// CAVGA's settings. The default is the paper's reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CavgaConfig {
    /// Passes over the training images. Unknown in the paper.
    pub passes: usize,
    /// Channels of the latent at each position. Unknown in the paper; public re-implementations use 128.
    pub latent: usize,
    /// How much smaller than the image the features of the R encoder are: 32 (the paper's), 16 or 8 for a finer map. The D encoder's
    /// is always 16.
    pub output_stride: usize,
    /// Channels of the DC-GAN parts' first convolution (64 in DC-GAN).
    pub dcgan_width: usize,
    /// Channels of the residual decoder at full size.
    pub decoder_width: usize,
    /// Adam of encoder, latent and decoder. Unknown in the paper. 5e-4 reaches in 100 steps the reconstruction of held-out
    /// images that the usual 1e-4 does not reach in 200, and does not diverge (`docs/attention.md`).
    pub adam: AdamConfig,
    /// Weights of the objective's terms.
    pub weights: Weights,
    /// The attention and what is asked of it.
    pub attention: AttentionConfig,
    /// The discriminator's side of the game.
    pub adversary: Adversary,
    /// Deviation of the Gaussian that smooths the `residual-smoothed` and `residual-deviation` maps, as a fraction of the image's height. A
    /// defect is wider than a pixel, reconstruction noise is not.
    pub smoothing: f64,
}

/// Weights of the objective's terms (section 3: 1, 1, 0.01).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// w_r: reconstruction + KL.
    pub reconstruction: f64,
    /// w_adv.
    pub adversarial: f64,
    /// w_ae.
    pub attention_expansion: f64,
    /// How reconstruction and KL are reduced. Unknown in the paper.
    pub reduction: Reduction,
}

/// How the reconstruction and KL of an image are reduced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Both summed, then divided by the number of pixel values: the negative ELBO per pixel value. With sums, the other
    /// terms' weights of 1 and 0.01 would be nothing beside 10⁵.
    #[default]
    PerPixelValue,
    /// Both summed over the image.
    Sum,
}

/// The attention and what is asked of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttentionConfig {
    /// The score whose gradient weighs the features' channels.
    pub score: Score,
    /// How the CAM becomes an attention.
    pub normalize: Normalize,
    /// Whether negative CAM values count as zero. Off: after a ReLU, 1 − A can never pass ½.
    pub relu: bool,
    /// What L_ae asks for.
    pub expansion: Expansion,
}

/// The discriminator's side of the game. Rates are DC-GAN's; smoothed labels and instance noise keep the discriminator from
/// winning outright, after which nothing is left to learn but noise (`docs/attention.md` shows both).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adversary {
    /// Adam of the discriminator.
    pub adam: AdamConfig,
    /// The literal log(1 − D(x̂)) for the encoder and decoder instead of −log D(x̂), whose gradient vanishes when the
    /// discriminator wins.
    pub saturating: bool,
    /// The probability that the discriminator is asked for on real images; below 1 is label smoothing.
    pub real_target: f64,
    /// Deviation of the Gaussian noise on the images that the discriminator sees.
    pub instance_noise: f64,
    /// The discriminator learns at every n-th step.
    pub every: u64,
    /// The adversary's gradient on the reconstruction is scaled down to at most this many times the reconstruction loss's own; 0
    /// for no limit. A mean over 10⁵ pixel values has a small gradient, and a discriminator that wins a large one: unlimited,
    /// images are reconstructed many passes later (`docs/attention.md`).
    pub limit: f64,
    /// The discriminator rests at a step where its loss is below this: a game already won teaches nobody. 0 never rests.
    pub rest_below: f64,
}

impl Default for CavgaConfig {
    fn default() -> Self {
        Self {
            passes: 100,
            latent: 128,
            output_stride: 32,
            dcgan_width: 64,
            decoder_width: 32,
            adam: AdamConfig::new(5e-4),
            weights: Weights::default(),
            attention: AttentionConfig::default(),
            adversary: Adversary::default(),
            smoothing: 4.0 / 256.0,
        }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            reconstruction: 1.0,
            adversarial: 1.0,
            attention_expansion: 0.01,
            reduction: Reduction::default(),
        }
    }
}

impl Default for AttentionConfig {
    fn default() -> Self {
        Self {
            score: Score::Sum,
            normalize: Normalize::Sigmoid,
            relu: false,
            expansion: Expansion::Equality,
        }
    }
}

impl Default for Adversary {
    fn default() -> Self {
        Self {
            adam: AdamConfig::dcgan(),
            saturating: false,
            real_target: 0.9,
            instance_noise: 0.1,
            every: 1,
            limit: 1.0,
            rest_below: 0.0,
        }
    }
}

impl CavgaConfig {
    /// Few channels and passes, for tests and demonstrations on images of 64 pixels.
    pub fn tiny() -> Self {
        Self {
            passes: 2,
            latent: 8,
            dcgan_width: 4,
            decoder_width: 4,
            ..Self::default()
        }
    }

    /// An error for a value that cannot work.
    pub fn check(&self) -> Result<()> {
        let error = |key, expected: &str, found: String| {
            let expected = expected.to_owned();
            Err(Error::Config {
                key,
                expected,
                found,
            })
        };
        if !matches!(self.output_stride, 8 | 16 | 32) {
            return error(
                "output_stride",
                "8, 16 or 32",
                self.output_stride.to_string(),
            );
        }
        let counts = [
            ("passes", self.passes),
            ("latent", self.latent),
            ("dcgan_width", self.dcgan_width),
            ("decoder_width", self.decoder_width),
            ("adversary.every", self.adversary.every as usize),
        ];
        if let Some((key, found)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return error(key, "at least 1", found.to_string());
        }
        let numbers = [
            ("adam.rate", self.adam.rate),
            ("adversary.adam.rate", self.adversary.adam.rate),
            ("adversary.instance_noise", self.adversary.instance_noise),
            ("adversary.limit", self.adversary.limit),
            ("adversary.rest_below", self.adversary.rest_below),
            ("weights.reconstruction", self.weights.reconstruction),
            ("weights.adversarial", self.weights.adversarial),
            (
                "weights.attention_expansion",
                self.weights.attention_expansion,
            ),
            ("smoothing", self.smoothing),
        ];
        if let Some((key, found)) = numbers
            .into_iter()
            .find(|(_, value)| !(*value >= 0.0 && value.is_finite()))
        {
            return error(key, "a number of at least 0", found.to_string());
        }
        if !(self.adversary.real_target > 0.0 && self.adversary.real_target <= 1.0) {
            return error(
                "adversary.real_target",
                "above 0, at most 1",
                self.adversary.real_target.to_string(),
            );
        }
        Ok(())
    }
}
