//! The settings of ADVAE.

use cavga_nn::{adam::AdamConfig, backbone::Kind, weights::Source};
use serde::{Deserialize, Serialize};

use super::networks::ConvEncoder;
use crate::{
    Result,
    cavga::CavgaConfig,
    check::{
        ADAM_KEYS, check, check_adam, check_amount, check_smoothing, check_weights, check_width,
    },
};

/// Images below this many pixels to a side are MNIST's kin: `auto` takes the convolutions for them.
const SMALL: usize = 64;

/// The longest side for the convolutions, whose linear layers grow with the image.
const MAX_CONV_SIDE: usize = 128;

/// How much smaller than the image the map is that a backbone's decoder begins with.
pub(super) const STRIDE: usize = 32;

/// The longest side for a backbone.
const MAX_SIDE: usize = 1 << 14;

/// ADVAE's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdvaeConfig {
    /// Passes over the training images; 100 in the published code.
    pub passes: usize,
    /// The encoder; the decoder is of the same kind.
    pub encoder: EncoderConfig,
    /// Numbers of the latent; 32 in the published code and both reproductions.
    pub dimension: usize,
    /// Channels at full size of the decoder that goes with a backbone, as CAVGA-R's.
    pub decoder_width: usize,
    /// The encoder's stage that the attention looks at, 1 being the first. The second is the published code's of its two convolutions, and
    /// the reproductions' of ResNet-18 (`layer2`: an eighth of the image's size).
    pub stage: usize,
    /// The weight of the KL term; 1 is the ELBO, the published code's.
    pub beta: f64,
    /// The optimizer; Adam at 10⁻³ in the published code.
    pub adam: AdamConfig,
    /// Deviation of the Gaussian that smooths `residual-smoothed`, as a fraction of the image's height.
    pub smoothing: f64,
}

/// The encoder, and what it knows before it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderConfig {
    /// `auto`: `conv` for images below 64 pixels to a side, else `backbone`.
    pub form: EncoderForm,
    /// Which backbone; the reproductions' is resnet-18.
    pub backbone: Kind,
    /// What a backbone starts with. `none`, drawn from the seed, as in both reproductions (the paper does not say); `auto`: its ImageNet
    /// weights; or a file.
    pub weights: Source,
    /// Channels of the first convolution of `conv`; the second has twice as many.
    pub width: usize,
    /// Numbers between the convolutions of `conv` and the latent.
    pub hidden: usize,
}

/// What the encoder is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncoderForm {
    /// As the images' size suggests.
    #[default]
    Auto,
    /// Two convolutions and a linear layer, without batch norm: the published code's, for MNIST.
    Conv,
    /// A backbone, its last features averaged over their positions: the reproductions', for images of 256 pixels.
    Backbone,
}

impl Default for AdvaeConfig {
    fn default() -> Self {
        Self {
            passes: 100,
            encoder: EncoderConfig::default(),
            dimension: 32,
            decoder_width: 32,
            stage: 2,
            beta: 1.0,
            adam: AdamConfig::new(1e-3),
            smoothing: CavgaConfig::default().smoothing,
        }
    }
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            form: EncoderForm::Auto,
            backbone: Kind::Resnet18,
            weights: Source::None,
            width: 64,
            hidden: 1024,
        }
    }
}

impl AdvaeConfig {
    /// Few channels and passes, for tests on images of 64 pixels.
    pub fn tiny(form: EncoderForm) -> Self {
        Self {
            passes: 2,
            encoder: EncoderConfig {
                form,
                width: 4,
                hidden: 16,
                ..EncoderConfig::default()
            },
            dimension: 6,
            decoder_width: 4,
            ..Self::default()
        }
    }

    /// An error for settings that cannot work, or not with images of `size`, `[height, width]`.
    pub(super) fn check(&self, size: [usize; 2]) -> Result<()> {
        check_width("encoder.width", self.encoder.width)?;
        check_width("encoder.width", 2 * self.encoder.width)?;
        check_width("encoder.hidden", self.encoder.hidden)?;
        check_width("dimension", self.dimension)?;
        check_width("decoder_width", self.decoder_width)?;
        check_adam(ADAM_KEYS, &self.adam)?;
        check_amount("beta", self.beta)?;
        check_smoothing(self.smoothing)?;
        let (stages, unit, longest) = match self.encoder.form(size) {
            EncoderForm::Conv => {
                let [height, width] = size.map(|side| side / ConvEncoder::STRIDE);
                let (first, hidden) = (self.encoder.width, self.encoder.hidden);
                check_weights("encoder.width", &first, &[first, 2 * first, 4, 4])?;
                let factors = [hidden, 2 * first, height, width];
                check_weights("encoder.hidden", &hidden, &factors)?;
                (ConvEncoder::STAGES, ConvEncoder::STRIDE, MAX_CONV_SIDE)
            }
            _ => {
                let [height, width] = size.map(|side| side / STRIDE);
                let (last, deepest) = (self.decoder_width, 8 * self.decoder_width);
                check_weights("decoder_width", &last, &[deepest, deepest, 3, 3])?;
                let factors = [self.dimension, deepest, height, width];
                check_weights("dimension", &self.dimension, &factors)?;
                (self.encoder.backbone.stages(), STRIDE, MAX_SIDE)
            }
        };
        let knows = self.encoder.weights != Source::None;
        let fits = !knows || self.encoder.form(size) != EncoderForm::Conv;
        let expected = "\"none\", as encoder.form is \"conv\": nobody has weights of it";
        check("encoder.weights", fits, expected, &"a file of weights")?;
        let expected = format!("1 to {stages}, the encoder's stages");
        check(
            "stage",
            (1..=stages).contains(&self.stage),
            &expected,
            &self.stage,
        )?;
        let fits = |side: &usize| (unit..=longest).contains(side) && side.is_multiple_of(unit);
        let [height, width] = size;
        let expected = format!(
            "height and width of {unit} to {longest}, both multiples of {unit}, for this encoder.form"
        );
        let found = format!("[{height}, {width}]");
        check("size", size.iter().all(fits), &expected, &found)
    }
}

impl EncoderConfig {
    /// The form for images of a size, `[height, width]`: one of the two.
    pub(super) fn form(&self, size: [usize; 2]) -> EncoderForm {
        match self.form {
            EncoderForm::Auto if size.iter().all(|&side| side < SMALL) => EncoderForm::Conv,
            EncoderForm::Auto => EncoderForm::Backbone,
            form => form,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_images_have_convolutions_and_large_ones_a_backbone() {
        let encoder = EncoderConfig::default();
        assert_eq!(encoder.form([28, 28]), EncoderForm::Conv);
        assert_eq!(encoder.form([32, 64]), EncoderForm::Backbone);
        let small = AdvaeConfig::tiny(EncoderForm::Auto);
        small.check([28, 28]).unwrap();
        small.check([256, 192]).unwrap();
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let conv = AdvaeConfig::tiny(EncoderForm::Conv);
        let backbone = AdvaeConfig::tiny(EncoderForm::Backbone);
        for size in [[30, 28], [256, 256], [0, 4]] {
            conv.check(size).unwrap_err();
        }
        for size in [[28, 28], [100, 96]] {
            backbone.check(size).unwrap_err();
        }
        for stage in [0, 3] {
            let conv = AdvaeConfig {
                stage,
                ..conv.clone()
            };
            conv.check([28, 28]).unwrap_err();
        }
        let mut conv = conv;
        conv.encoder.weights = Source::Auto;
        conv.check([28, 28]).unwrap_err();
    }
}
