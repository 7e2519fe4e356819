//! CAVGA's settings: the paper's where it gives them, else ours with the reason beside them.

mod check;

use cavga_nn::{
    adam::AdamConfig,
    attention::{Normalize, Reach, Score},
    backbone::Kind,
    losses::Expansion,
    weights::Source,
};
use serde::{Deserialize, Serialize};

/// CAVGA's settings. The default is the paper's where it says; where it is silent, or training fails as printed, each key says why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CavgaConfig {
    /// Passes over the training images. Unknown in the paper.
    pub passes: usize,
    /// Which network looks at the images, and what it knows before it starts.
    pub encoder: EncoderConfig,
    /// The form and size of the latent.
    pub latent: LatentConfig,
    /// Whether L_ae is in the unsupervised objective. Without it: columns 1 and 3 of table 8.
    pub ae: bool,
    /// Whether L_cga is in the weakly supervised objective. Without it: columns 5 and 7 of table 8.
    pub cga: bool,
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
    /// Whether `feature-deviation` is scored too. Off by default: the encoder then looks at x̂ as well, which makes scoring slower.
    pub feature_deviation: bool,
}

/// The encoder, and what it knows before it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderConfig {
    /// The encoder of CAVGA-R; the paper's is resnet-18. CAVGA-D's is always DC-GAN's.
    pub backbone: Kind,
    /// `auto`: the backbone's ImageNet weights, from the cache folder or their home; `none`: drawn from the seed; or a file: for
    /// CAVGA-R of the backbone, for CAVGA-D of `cavga pretrain dcgan`, whose generator the decoder then takes too.
    pub weights: Source,
    /// Passes for which an encoder with weights from a file stays as it is: heads and decoder are fresh, and what they send back at first would
    /// only undo what it knows.
    pub frozen_passes: usize,
    /// What the rate of an encoder with weights from a file is of `adam.rate`, after that.
    pub rate: f64,
    /// Whether an encoder with weights from a file keeps the statistics of its batch norms. Those of a batch of a few images are others, and
    /// to go over to them costs more than fine-tuning brings (`docs/paper.md`).
    pub keep_statistics: bool,
}

/// The form and size of the latent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatentConfig {
    /// With height and width, or a vector.
    pub form: LatentForm,
    /// Channels at each position: of the convolutional latent, and of what a flat one is expanded to for the decoder. Unknown in the
    /// paper; public re-implementations use 128.
    pub channels: usize,
    /// Dimension of the flat latent; 100 in table 8, after Bergmann et al. 2019.
    pub dimension: usize,
}

/// The form of the latent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatentForm {
    /// A Gaussian at every position, by 1×1 convolutions.
    #[default]
    Conv,
    /// One Gaussian for the flattened features, by linear layers: "*" in table 8.
    Flat,
}

/// Weights of the objective's terms (section 3: 1, 1, and 0.01; weakly supervised 1, 1, 0.001 and 0.01).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// w_r: reconstruction + KL.
    pub reconstruction: f64,
    /// w_adv; at 0 there is no adversary, and its discriminator rests.
    pub adversarial: f64,
    /// w_ae; unsupervised alone.
    pub attention_expansion: f64,
    /// w_c, of L_bce; weakly supervised alone, as the two below.
    pub classifier: f64,
    /// w_cga.
    pub guided_attention: f64,
    /// How much an anomalous image counts in L_bce beside a normal one; 1 in the paper.
    pub anomalous: f64,
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
    /// The score whose gradient weighs the features' channels; unsupervised alone (a classifier's are its logits).
    pub score: Score,
    /// How the CAM becomes an attention.
    pub normalize: Normalize,
    /// Whether negative CAM values count as zero. Off: after a ReLU, 1 − A can never pass ½.
    pub relu: bool,
    /// What L_ae asks for; unsupervised alone.
    pub expansion: Expansion,
    /// Whether L_ae and L_cga reach through α too.
    pub reach: Reach,
    /// The encoder's stage that the attention looks at, 1 being the first; without it the last, the paper's. An earlier one has a finer
    /// grid; its α is found by differentiating, image by image, and counts as a constant (`reach = "detached"`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<usize>,
}

/// The discriminator's side of the game. Rates are DC-GAN's; smoothed labels and instance noise keep the discriminator from
/// winning outright, after which nothing is left to learn but noise (`docs/attention.md` shows both).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adversary {
    /// `none`, or a file of `cavga pretrain dcgan`, whose discriminator this one starts as.
    pub weights: Source,
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
            encoder: EncoderConfig::default(),
            latent: LatentConfig::default(),
            ae: true,
            cga: true,
            output_stride: 32,
            dcgan_width: 64,
            decoder_width: 32,
            adam: AdamConfig::new(5e-4),
            weights: Weights::default(),
            attention: AttentionConfig::default(),
            adversary: Adversary::default(),
            smoothing: 4.0 / 256.0,
            feature_deviation: false,
        }
    }
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            backbone: Kind::default(),
            weights: Source::None,
            frozen_passes: 10,
            rate: 0.1,
            keep_statistics: true,
        }
    }
}

impl Default for LatentConfig {
    fn default() -> Self {
        Self {
            form: LatentForm::Conv,
            channels: 128,
            dimension: 100,
        }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            reconstruction: 1.0,
            adversarial: 1.0,
            attention_expansion: 0.01,
            classifier: 0.001,
            guided_attention: 0.01,
            anomalous: 1.0,
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
            reach: Reach::Exact,
            stage: None,
        }
    }
}

impl Default for Adversary {
    fn default() -> Self {
        Self {
            weights: Source::None,
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
    /// Whether the encoder starts with weights from a file.
    pub(super) fn starts_pretrained(&self) -> bool {
        self.encoder.weights != Source::None
    }

    /// The paper's CAVGA-R: with an encoder that has seen ImageNet.
    pub fn pretrained() -> Self {
        Self {
            encoder: EncoderConfig {
                weights: Source::Auto,
                ..EncoderConfig::default()
            },
            ..Self::default()
        }
    }

    /// Few channels and passes, for tests and demonstrations on images of 64 pixels.
    pub fn tiny() -> Self {
        Self {
            passes: 2,
            latent: LatentConfig {
                channels: 8,
                dimension: 6,
                ..LatentConfig::default()
            },
            dcgan_width: 4,
            decoder_width: 4,
            ..Self::default()
        }
    }
}
