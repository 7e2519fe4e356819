//! CAVGA's autoencoder, of ResNet-18 and residual parts or of DC-GAN's.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use cavga_nn::{
    attention,
    backbone::{Backbone, Kind},
    dcgan, inference,
    latent::ConvLatent,
    layers::{Init, Mode},
    residual_decoder::ResidualDecoder,
};
use serde::{Deserialize, Serialize};

use super::CavgaConfig;
use crate::{Error, Result};

/// The longest side of an image.
const MAX_SIDE: usize = 1 << 14;

/// An error unless there is an image and all are of `size`, `[height, width]`.
pub(super) fn check_images(images: &Tensor<4>, [height, width]: [usize; 2]) -> Result<()> {
    let found = images.dims();
    if found[0] > 0 && found[1..] == [3, height, width] {
        return Ok(());
    }
    Err(Error::Shape {
        expected: format!("[at least 1, 3, {height}, {width}]"),
        found,
    })
}

/// Which parts the autoencoder is built of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parts {
    /// CAVGA-D: DC-GAN's discriminator without its head as encoder, its generator as decoder.
    Dcgan,
    /// CAVGA-R: ResNet-18 as encoder, a residual generator as decoder.
    Resnet,
}

impl Parts {
    /// How much smaller than the image features and latent are.
    pub fn stride(self, config: &CavgaConfig) -> usize {
        match self {
            Self::Dcgan => dcgan::Encoder::STRIDE,
            Self::Resnet => config.output_stride,
        }
    }

    /// An error unless images of `size`, `[height, width]`, fit: multiples of 32 (so that either parts take them), not so small
    /// that the discriminator's last 4×4 convolution has no position, and not so large that no machine could hold the features.
    pub fn check_size(self, [height, width]: [usize; 2]) -> Result<()> {
        if [height, width]
            .iter()
            .all(|&side| (64..=MAX_SIDE).contains(&side) && side % 32 == 0)
        {
            return Ok(());
        }
        Err(Error::Config {
            key: "size",
            expected: format!("height and width of 64 to {MAX_SIDE}, both multiples of 32"),
            found: format!("[{height}, {width}]"),
        })
    }
}

#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a network: nothing is saved by a box"
)]
enum Encoder {
    Dcgan(dcgan::Encoder),
    Resnet(Backbone),
}

#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a network: nothing is saved by a box"
)]
enum Decoder {
    Dcgan(dcgan::Decoder),
    Residual(ResidualDecoder),
}

/// The autoencoder.
#[derive(Module, Debug)]
pub struct Vae {
    encoder: Encoder,
    latent: ConvLatent,
    decoder: Decoder,
}

impl Vae {
    /// Fresh weights.
    pub fn new(parts: Parts, config: &CavgaConfig, init: &mut Init) -> Self {
        match parts {
            Parts::Dcgan => Self {
                encoder: Encoder::Dcgan(dcgan::Encoder::new(config.dcgan_width, init)),
                latent: ConvLatent::new(8 * config.dcgan_width, config.latent, init),
                decoder: Decoder::Dcgan(dcgan::Decoder::new(
                    config.latent,
                    config.dcgan_width,
                    init,
                )),
            },
            Parts::Resnet => Self {
                encoder: Encoder::Resnet(Backbone::new(Kind::Resnet18, config.output_stride, init)),
                latent: ConvLatent::new(Kind::Resnet18.channels(), config.latent, init),
                decoder: Decoder::Residual(ResidualDecoder::new(
                    config.latent,
                    config.output_stride,
                    config.decoder_width,
                    init,
                )),
            },
        }
    }

    /// F, the output of the encoder's last convolution.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1] → `[batch, features, height/stride, width/stride]`
    pub fn features(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        match &self.encoder {
            Encoder::Dcgan(encoder) => encoder.forward(images, mode),
            Encoder::Resnet(encoder) => encoder.forward(images, mode),
        }
    }

    /// The latent's heads.
    pub fn latent(&self) -> &ConvLatent {
        &self.latent
    }

    /// The logits of the reconstruction.
    ///
    /// # Shapes
    /// - latent: `[batch, latent, height/stride, width/stride]` → `[batch, 3, height, width]`
    pub fn decode(&self, latent: Tensor<4>, mode: Mode) -> Tensor<4> {
        match &self.decoder {
            Decoder::Dcgan(decoder) => decoder.forward(latent, mode),
            Decoder::Residual(decoder) => decoder.forward(latent, mode),
        }
    }

    /// The form that only scores images of `size`, `[height, width]`, whose latent is of `grid`; `None` on devices without one.
    pub fn inference(
        &self,
        size: [usize; 2],
        grid: [usize; 2],
        device: &Device,
    ) -> Option<VaeInference> {
        if !inference::supports(device) {
            return None;
        }
        Some(VaeInference {
            encoder: match &self.encoder {
                Encoder::Dcgan(encoder) => EncoderInference::Dcgan(encoder.inference(size)),
                Encoder::Resnet(encoder) => EncoderInference::Resnet(encoder.inference(size)?),
            },
            decoder: match &self.decoder {
                Decoder::Dcgan(decoder) => DecoderInference::Dcgan(decoder.inference(grid)),
                Decoder::Residual(decoder) => DecoderInference::Residual(decoder.inference(grid)),
            },
        })
    }

    /// The class activation map of features.
    ///
    /// # Shapes
    /// - features: as [`Vae::features`] gives → `[batch, 1, height/stride, width/stride]`
    pub fn cam(&self, features: Tensor<4>, config: &CavgaConfig) -> Tensor<4> {
        attention::cam(
            features,
            self.latent.mu.weight.val(),
            config.attention.score,
        )
    }
}

/// The autoencoder's encoder and decoder in the form that only scores.
#[derive(Debug)]
pub struct VaeInference {
    encoder: EncoderInference,
    decoder: DecoderInference,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a detector: nothing is saved by a box"
)]
enum EncoderInference {
    Dcgan(inference::Encoder),
    Resnet(inference::ResNet),
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a detector: nothing is saved by a box"
)]
enum DecoderInference {
    Dcgan(inference::Decoder),
    Residual(inference::ResidualDecoder),
}

impl VaeInference {
    /// As [`Vae::features`].
    pub fn features(&self, images: Tensor<4>) -> Tensor<4> {
        match &self.encoder {
            EncoderInference::Dcgan(encoder) => encoder.forward(images),
            EncoderInference::Resnet(encoder) => encoder.forward(images),
        }
    }

    /// As [`Vae::decode`].
    pub fn decode(&self, latent: Tensor<4>) -> Tensor<4> {
        match &self.decoder {
            DecoderInference::Dcgan(decoder) => decoder.forward(latent),
            DecoderInference::Residual(decoder) => decoder.forward(latent),
        }
    }
}
