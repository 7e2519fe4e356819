//! CAVGA's settings: the paper's where it gives them, else ours with the reason beside them.

use cavga_nn::{
    adam::AdamConfig,
    attention::{Normalize, Score},
    losses::Expansion,
};
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    check::{check, check_adam, check_amount, check_width},
};

/// CAVGA's settings. The default is the paper's where it says; where it is silent, or training fails as printed, each key says why.
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

impl Reduction {
    /// What an image's sums are divided by. `image`: `[channels, height, width]`.
    pub(super) fn divisor(self, image: [usize; 3]) -> f64 {
        match self {
            Self::PerPixelValue => image.iter().product::<usize>() as f64,
            Self::Sum => 1.0,
        }
    }
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
    /// for no limit. A mean over 10⁵ pixel values has a small gradient, and a discriminator that wins has one a thousand times as
    /// large: unlimited, images are learnt late; held to 1, the latent carries too little. 10 gave the best reconstruction of
    /// held-out normal images (`docs/attention.md`).
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
            limit: 10.0,
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
        let stride = self.output_stride;
        check(
            "output_stride",
            matches!(stride, 8 | 16 | 32),
            "8, 16 or 32",
            &stride,
        )?;
        check("passes", self.passes > 0, "at least 1", &self.passes)?;
        check_width("latent", self.latent)?;
        check_width("dcgan_width", self.dcgan_width)?;
        check_width("decoder_width", self.decoder_width)?;
        check_adam(
            ["adam.rate", "adam.beta_1", "adam.beta_2", "adam.epsilon"],
            &self.adam,
        )?;
        self.weights.check()?;
        self.adversary.check()?;
        let smoothing = (0.0..=1.0).contains(&self.smoothing);
        check("smoothing", smoothing, "0 to 1", &self.smoothing)
    }
}

impl Weights {
    fn check(&self) -> Result<()> {
        check_amount("weights.reconstruction", self.reconstruction)?;
        check_amount("weights.adversarial", self.adversarial)?;
        check_amount("weights.attention_expansion", self.attention_expansion)
    }
}

impl Adversary {
    fn check(&self) -> Result<()> {
        let keys = [
            "adversary.adam.rate",
            "adversary.adam.beta_1",
            "adversary.adam.beta_2",
            "adversary.adam.epsilon",
        ];
        check_adam(keys, &self.adam)?;
        let target = self.real_target;
        let is_share = target > 0.0 && target <= 1.0;
        check(
            "adversary.real_target",
            is_share,
            "above 0, at most 1",
            &target,
        )?;
        check_amount("adversary.instance_noise", self.instance_noise)?;
        check("adversary.every", self.every > 0, "at least 1", &self.every)?;
        check_amount("adversary.limit", self.limit)?;
        check_amount("adversary.rest_below", self.rest_below)
    }
}
