//! The autoencoder, what it descends, and what it says of images.

use burn::{module::Module, tensor::Tensor};
use cavga_nn::{
    attention,
    backbone::Backbone,
    latent::{FlatLatent, Gaussian as Posterior, Latent},
    layers::{Init, Mode},
    ops,
    part::Part,
    random::Stream,
    residual_decoder::ResidualDecoder,
};

use super::{
    AdvaeConfig, EncoderForm,
    config::STRIDE,
    networks::{ConvEncoder, Decoder, Encoder},
};
use crate::{
    Error, Merge, Pretrained, Result, Scores,
    descent::{Descends, Lesson, Network},
    elbo::Elbo,
    pretrained::ENCODER,
    scores::{image_scores, largest, named, of_residual},
    smooth::Gaussian,
};

/// Added to the root mean square of a gradient, as the published code does.
const EPSILON: f64 = 1e-5;

/// The autoencoder.
#[derive(Module, Debug)]
pub struct Advae {
    encoder: Encoder,
    latent: Latent,
    decoder: Decoder,
    /// Which the attention looks at, counted from 0.
    #[module(skip)]
    stage: usize,
    #[module(skip)]
    beta: f64,
    #[module(skip)]
    smoothing: Gaussian,
}

/// What a look at images finds, off the tape.
#[derive(Debug)]
pub struct Look {
    /// |Σ_k α_k·A_k| at the images' size, `[batch, 1, height, width]`.
    pub attention: Tensor<4>,
    /// The latent's distribution.
    pub latent: Posterior,
}

impl Advae {
    /// Fresh weights, for images of `size`, `[height, width]`.
    ///
    /// # Errors
    /// [`Error::Config`] for settings that cannot work, or not at this size.
    pub fn new(config: &AdvaeConfig, size: [usize; 2], init: &mut Init) -> Result<Self> {
        config.check(size)?;
        let options = &config.encoder;
        let (encoder, latent, decoder) = match options.form(size) {
            EncoderForm::Conv => {
                let (width, hidden) = (options.width, options.hidden);
                let grid = size.map(|side| side / ConvEncoder::STRIDE);
                (
                    Encoder::conv(width, hidden, grid, init),
                    FlatLatent::between(hidden, config.dimension, [hidden, 1, 1], init),
                    Decoder::conv(width, hidden, grid, init),
                )
            }
            _ => {
                let (kind, width) = (options.backbone, config.decoder_width);
                let [height, breadth] = size.map(|side| side / STRIDE);
                let channels = 8 * width;
                let decoded = [channels, height, breadth];
                (
                    Encoder::Backbone(Backbone::new(kind, STRIDE, init)),
                    FlatLatent::between(kind.channels(), config.dimension, decoded, init),
                    Decoder::Residual(ResidualDecoder::new(channels, STRIDE, width, init)),
                )
            }
        };
        Ok(Self {
            encoder,
            latent: Latent::Flat(latent),
            decoder,
            stage: config.stage - 1,
            beta: config.beta,
            smoothing: Gaussian::of_height(config.smoothing, size, init.device()),
        })
    }

    /// The latent's distribution, and the logits of the reconstruction from a sample of it. `noise` makes ε ~ N(0, I) in the latent's shape.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1]
    /// - output: means `[batch, dimension, 1, 1]`, logits as the images
    pub fn forward(
        &self,
        images: Tensor<4>,
        noise: impl FnOnce([usize; 4]) -> Tensor<4>,
    ) -> (Posterior, Tensor<4>) {
        let seen = self.encoder.forward(images, Mode::Train);
        let latent = self.latent.forward(seen);
        let sample = latent.sample(noise(latent.mu.dims()));
        let logits = self.decode(sample, Mode::Train);
        (latent, logits)
    }

    /// What is descended, BCE + β·KL per pixel value, then its two terms; each `[1]`.
    ///
    /// # Shapes
    /// - logits, images: `[batch, 3, height, width]`, images in [0, 1]
    pub fn objective(
        &self,
        latent: &Posterior,
        logits: Tensor<4>,
        images: Tensor<4>,
        part: Option<&Part>,
    ) -> Vec<(&'static str, Tensor<1>)> {
        Elbo::new(latent, logits, images, part).losses(self.beta)
    }

    fn decode(&self, z: Tensor<4>, mode: Mode) -> Tensor<4> {
        self.decoder.forward(self.latent.expand(z), mode)
    }

    /// Looks at images, which are on a tape. Of weights that want no gradient, the tape begins at the stage that is looked at.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1]
    ///
    /// # Errors
    /// [`Error::NoGradient`] on a device without a tape.
    pub fn look(&self, images: Tensor<4>) -> Result<Look> {
        let [_, _, height, width] = images.dims();
        let tap = self.encoder.tap(self.stage, images, Mode::Score);
        let leaf = attention::leaf(&tap);
        let seen = self
            .encoder
            .after_tap(self.stage, leaf.clone(), Mode::Score);
        let Posterior { mu, logvar } = self.latent.forward(seen);
        let gradient = attention::gradient(&leaf, mu.clone().sum()).ok_or(Error::NoGradient)?;
        let size = gradient.clone().square().mean_dims(&[1, 2, 3]).sqrt();
        let alpha = attention::weights_of_each(gradient / size.add_scalar(EPSILON));
        let cam = attention::cam_of_each(leaf.inner(), alpha);
        Ok(Look {
            attention: ops::resize_bilinear(cam, [height, width]).abs(),
            latent: Posterior {
                mu: mu.inner(),
                logvar: logvar.inner(),
            },
        })
    }
}

impl Network for Advae {
    type Config = AdvaeConfig;

    const SCORES_ON_TAPE: bool = true;

    fn new(config: &AdvaeConfig, size: [usize; 2], init: &mut Init) -> Result<Self> {
        Self::new(config, size, init)
    }

    fn with_weights(self, pretrained: &Pretrained) -> Result<Self> {
        let Some(file) = pretrained.get(ENCODER) else {
            return Ok(self);
        };
        let encoder = match self.encoder {
            Encoder::Backbone(backbone) => {
                let known = backbone.with_weights(file.tensors.clone());
                Encoder::Backbone(known.map_err(Error::weights(&file.path))?)
            }
            conv => conv,
        };
        Ok(Self { encoder, ..self })
    }

    fn prepared(self) -> Self {
        self.no_grad()
    }

    fn score(&self, images: Tensor<4>, part: Option<&Part>) -> Result<Scores> {
        let Look { attention, latent } = self.look(images.clone())?;
        // On the tape's device, where the weights are; as none wants a gradient, nothing of the decoder is kept for one.
        let logits = self.decode(Tensor::from_inner(latent.mu.clone()), Mode::Score);
        let (images, logits) = (images.inner(), logits.inner());
        let residual = (images.clone() - ops::sigmoid(logits.clone())).abs();
        let elbo = Elbo::new(&latent, logits, images, part).negative(1.0);
        let own = Scores {
            images: vec![
                largest("attention-max", &attention, part),
                image_scores("negative-elbo", elbo, Merge::Mean),
            ],
            maps: vec![named("attention", attention)],
        };
        Ok(own.beside(of_residual(residual.mean_dim(1), &self.smoothing, part)))
    }
}

impl Descends for Advae {
    fn losses(&self, lesson: &Lesson) -> Result<Vec<(&'static str, Tensor<1>)>> {
        let noise = |shape| lesson.noise(shape, Stream::Latent);
        let images = lesson.images.clone();
        let (latent, logits) = self.forward(images.clone(), noise);
        Ok(self.objective(&latent, logits, images, lesson.part.as_ref()))
    }
}
