//! CAVGA's autoencoder, of ResNet-18 (or another backbone) and residual parts or of DC-GAN's, and its classifier.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use cavga_nn::{
    backbone::Backbone,
    dcgan,
    fit::Misfit,
    inference::{self, ResNet},
    latent::{ConvLatent, FlatLatent, Latent, flatten},
    layers::{Init, Linear, Mode},
    ops,
    residual_decoder::ResidualDecoder,
    state::Tensors,
};

use super::{CavgaConfig, LatentForm, Parts, Supervision, Variant};

#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a network: nothing is saved by a box"
)]
pub(super) enum Encoder {
    Dcgan(dcgan::Encoder),
    Backbone(Backbone),
}

impl Encoder {
    fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        match self {
            Self::Dcgan(encoder) => encoder.forward(images, mode),
            Self::Backbone(encoder) => encoder.forward(images, mode),
        }
    }

    pub(super) fn taps(&self, images: Tensor<4>, mode: Mode) -> Vec<Tensor<4>> {
        match self {
            Self::Dcgan(encoder) => encoder.taps(images, mode),
            Self::Backbone(encoder) => encoder.taps(images, mode),
        }
    }

    pub(super) fn after_tap(&self, stage: usize, features: Tensor<4>, mode: Mode) -> Tensor<4> {
        match self {
            Self::Dcgan(encoder) => encoder.after_tap(stage, features, mode),
            Self::Backbone(encoder) => encoder.after_tap(stage, features, mode),
        }
    }
}

#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a network: nothing is saved by a box"
)]
pub(super) enum Decoder {
    Dcgan(dcgan::Decoder),
    Residual(ResidualDecoder),
}

/// The autoencoder, and the classifier where there is one.
#[derive(Module, Debug)]
pub struct Vae {
    pub(super) encoder: Encoder,
    latent: Latent,
    pub(super) decoder: Decoder,
    classifier: Option<Linear>,
    /// Height and width of the features.
    #[module(skip)]
    grid: [usize; 2],
}

impl Vae {
    /// Fresh weights, for images of `size`, `[height, width]`.
    pub fn new(variant: Variant, config: &CavgaConfig, size: [usize; 2], init: &mut Init) -> Self {
        let grid = size.map(|side| side / variant.stride(config));
        let [height, width] = grid;
        let channels = config.latent.channels;
        let encoder = match variant.parts {
            Parts::Dcgan => Encoder::Dcgan(dcgan::Encoder::new(config.dcgan_width, init)),
            Parts::Resnet => {
                let stride = config.output_stride;
                Encoder::Backbone(Backbone::new(config.encoder.backbone, stride, init))
            }
        };
        let features = variant.channels(config);
        let latent = match config.latent.form {
            LatentForm::Conv => Latent::Conv(ConvLatent::new(features, channels, init)),
            LatentForm::Flat => {
                let (grid, dimension) = ([features, height, width], config.latent.dimension);
                Latent::Flat(FlatLatent::new(grid, dimension, channels, init))
            }
        };
        let decoder = match variant.parts {
            Parts::Dcgan => Decoder::Dcgan(dcgan::Decoder::new(channels, config.dcgan_width, init)),
            Parts::Resnet => {
                let (scale, width) = (config.output_stride, config.decoder_width);
                Decoder::Residual(ResidualDecoder::new(channels, scale, width, init))
            }
        };
        let values = match config.latent.form {
            LatentForm::Conv => channels * height * width,
            LatentForm::Flat => config.latent.dimension,
        };
        let is_weak = variant.supervision == Supervision::Weak;
        Self {
            encoder,
            latent,
            decoder,
            classifier: is_weak.then(|| Linear::new(values, 2, init)),
            grid,
        }
    }

    /// With the weights of a file: of the backbone for its encoder; of a DC-GAN for both the encoder and the decoder.
    pub(super) fn with_weights(self, tensors: &Tensors) -> Result<Self, Misfit> {
        let Self {
            encoder, decoder, ..
        } = self;
        let encoder = match encoder {
            Encoder::Backbone(backbone) => {
                Encoder::Backbone(backbone.with_weights(tensors.clone())?)
            }
            Encoder::Dcgan(encoder) => Encoder::Dcgan(encoder.with_pretrained(tensors)?),
        };
        let decoder = match decoder {
            Decoder::Dcgan(decoder) => Decoder::Dcgan(decoder.with_pretrained(tensors)?),
            residual => residual,
        };
        Ok(Self {
            encoder,
            decoder,
            latent: self.latent,
            classifier: self.classifier,
            grid: self.grid,
        })
    }

    /// F, the output of the encoder's last convolution.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1] → `[batch, features, height/stride, width/stride]`
    pub fn features(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        self.on_grid(self.encoder.forward(images, mode))
    }

    /// The encoder's last features at the latent's height and width. They come so from all but SqueezeNet, whose strides end at 16 and whose
    /// poolings leave out the rim.
    pub(super) fn on_grid(&self, features: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = features.dims();
        if [height, width] == self.grid {
            return features;
        }
        ops::resize_bilinear(features, self.grid)
    }

    /// The latent's heads.
    pub fn latent(&self) -> &Latent {
        &self.latent
    }

    /// The classifier, of a weakly supervised one.
    pub fn classifier(&self) -> Option<&Linear> {
        self.classifier.as_ref()
    }

    /// The logits of the classes, normal and anomalous, of a weakly supervised one.
    ///
    /// # Shapes
    /// - mu: the latent's mean → `[batch, 2]`
    pub fn classify(&self, mu: Tensor<4>) -> Option<Tensor<2>> {
        let classifier = self.classifier.as_ref()?;
        Some(classifier.forward(flatten(mu)))
    }

    /// The logits of the reconstruction.
    ///
    /// # Shapes
    /// - z: as the latent's mean → `[batch, 3, height, width]`
    pub fn decode(&self, z: Tensor<4>, mode: Mode) -> Tensor<4> {
        let z = self.latent.expand(z);
        match &self.decoder {
            Decoder::Dcgan(decoder) => decoder.forward(z, mode),
            Decoder::Residual(decoder) => decoder.forward(z, mode),
        }
    }

    /// The form that only scores images of `size`, `[height, width]`, for which it was made; `None` on devices without one.
    pub fn inference(&self, size: [usize; 2], device: &Device) -> Option<VaeInference> {
        inference::supports(device).then(|| VaeInference {
            encoder: match &self.encoder {
                Encoder::Dcgan(encoder) => Some(EncoderInference::Dcgan(encoder.inference(size))),
                Encoder::Backbone(encoder) => encoder.inference(size).map(EncoderInference::ResNet),
            },
            decoder: match &self.decoder {
                Decoder::Dcgan(decoder) => DecoderInference::Dcgan(decoder.inference(self.grid)),
                Decoder::Residual(decoder) => {
                    DecoderInference::Residual(decoder.inference(self.grid))
                }
            },
        })
    }
}

/// The autoencoder's encoder and decoder in the form that only scores.
#[derive(Debug)]
pub struct VaeInference {
    /// Not every backbone has one.
    encoder: Option<EncoderInference>,
    decoder: DecoderInference,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a detector: nothing is saved by a box"
)]
enum EncoderInference {
    Dcgan(inference::Encoder),
    ResNet(ResNet),
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
    /// As [`Vae::features`] of `vae`, which this is a form of.
    pub fn features(&self, vae: &Vae, images: Tensor<4>) -> Tensor<4> {
        match &self.encoder {
            Some(EncoderInference::Dcgan(encoder)) => encoder.forward(images),
            Some(EncoderInference::ResNet(encoder)) => encoder.forward(images),
            None => vae.features(images, Mode::Score),
        }
    }

    /// As [`Vae::decode`].
    pub fn decode(&self, vae: &Vae, z: Tensor<4>) -> Tensor<4> {
        let z = vae.latent.expand(z);
        match &self.decoder {
            DecoderInference::Dcgan(decoder) => decoder.forward(z),
            DecoderInference::Residual(decoder) => decoder.forward(z),
        }
    }
}
