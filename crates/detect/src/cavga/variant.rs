//! Which CAVGA: of what parts, and told how much.

use cavga_nn::dcgan;
use serde::{Deserialize, Serialize};

use super::{CavgaConfig, LatentForm};
use crate::{
    Result,
    check::{check, check_weights},
};

/// The shortest side of an image: what R's stride divides.
const MIN_SIDE: usize = 32;

/// The longest side of an image.
const MAX_SIDE: usize = 1 << 14;

/// Which parts the autoencoder is built of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parts {
    /// CAVGA-D: DC-GAN's discriminator without its head as encoder, its generator as decoder.
    Dcgan,
    /// CAVGA-R: ResNet-18, or another backbone, as encoder, a residual generator as decoder.
    Resnet,
}

/// What the training images are known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Supervision {
    /// All are normal.
    Unsupervised,
    /// A few are anomalous, and said to be; where, nobody says.
    Weak,
}

/// One of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// What it is built of.
    pub parts: Parts,
    /// What it is told.
    pub supervision: Supervision,
}

impl Variant {
    /// How much smaller than the image features and latent are.
    pub fn stride(self, config: &CavgaConfig) -> usize {
        match self.parts {
            Parts::Dcgan => dcgan::Encoder::STRIDE,
            Parts::Resnet => config.output_stride,
        }
    }

    /// Channels of the encoder's last features.
    pub fn channels(self, config: &CavgaConfig) -> usize {
        match self.parts {
            Parts::Dcgan => 8 * config.dcgan_width,
            Parts::Resnet => config.encoder.backbone.channels(),
        }
    }

    /// Height and width of an attention on images of `size`.
    pub fn attention_grid(self, config: &CavgaConfig, size: [usize; 2]) -> [usize; 2] {
        let stride = match (config.attention.stage, self.parts) {
            (None, _) => self.stride(config),
            (Some(stage), Parts::Dcgan) => 1 << stage,
            (Some(stage), Parts::Resnet) => (2 << stage.min(4)).min(config.output_stride),
        };
        size.map(|side| side / stride)
    }

    /// Channels of the features that the attention looks at.
    pub fn attention_channels(self, config: &CavgaConfig) -> usize {
        let Some(stage) = config.attention.stage else {
            return self.channels(config);
        };
        let before = stage.saturating_sub(1);
        match self.parts {
            Parts::Dcgan => config.dcgan_width << before,
            Parts::Resnet => {
                let channels = config.encoder.backbone.tap_channels();
                channels.get(before).copied().unwrap_or_default()
            }
        }
    }

    /// An error for settings that cannot work, or not with images of `size`, `[height, width]`: multiples of 32 (so that either parts
    /// take them), and not so large that no machine could hold the features.
    pub fn check(self, config: &CavgaConfig, [height, width]: [usize; 2]) -> Result<()> {
        config.check()?;
        let stages = match self.parts {
            Parts::Dcgan => dcgan::Encoder::STAGES,
            Parts::Resnet => config.encoder.backbone.stages(),
        };
        if let Some(stage) = config.attention.stage {
            let expected = format!("at most {stages}, the encoder's stages");
            check("attention.stage", stage <= stages, &expected, &stage)?;
        }
        self.check_flat(config, [height, width])?;
        let fits = [height, width]
            .iter()
            .all(|&side| (MIN_SIDE..=MAX_SIDE).contains(&side) && side % 32 == 0);
        let expected =
            format!("height and width of {MIN_SIDE} to {MAX_SIDE}, both multiples of 32");
        check("size", fits, &expected, &format!("[{height}, {width}]"))
    }

    /// An error if a flat latent's linear layers would have more weights than any machine holds.
    fn check_flat(self, config: &CavgaConfig, size: [usize; 2]) -> Result<()> {
        if config.latent.form == LatentForm::Conv {
            return Ok(());
        }
        let positions = size.map(|side| side / self.stride(config));
        let channels = self.channels(config).max(config.latent.channels);
        let dimension = config.latent.dimension;
        let factors = [positions[0], positions[1], channels, dimension];
        check_weights("latent.dimension", &dimension, &factors)
    }
}
