//! The plain floor: CAVGA's variational autoencoder with neither attention nor adversary.
//!
//! L = BCE(x, x̂) + β·KL(q(z|x) ‖ N(0, I)) per pixel value, of the very networks that CAVGA is made of (DC-GAN's parts, or ResNet-18 and
//! residual ones), so that what its attention and its adversary add can be told from what an autoencoder does alone. The map is |x − x̂|.
//!
//! | | CAVGA's attention | CAVGA's adversary |
//! |---|---|---|
//! | `vae` | no | no |
//! | `cavga-d-u` with `method.ae = false` | no | yes |
//! | `cavga-d-u` with `method.weights.adversarial = 0` | yes | no |
//!
//! Known for: a ResNet-18 VAE with an 8×8 latent has a pixel AUROC of .744 on MVTec AD (Defard et al., PaDiM, table III).

use burn::{module::Module, tensor::Tensor};
use cavga_nn::{
    adam::AdamConfig,
    layers::{Init, Mode},
    ops,
    part::Part,
    random::Stream,
};
use serde::{Deserialize, Serialize};

use crate::{
    Result, Scores,
    cavga::{CavgaConfig, LatentConfig, Parts, Supervision, Vae, Variant},
    check::check_amount,
    descent::{Course, Descending, Descends, Lesson, Network},
    elbo::Elbo,
    recipe::About,
    scores::of_residual,
    smooth::Gaussian,
};

/// The plain VAE's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VaeConfig {
    /// Passes over the training images, as CAVGA's.
    pub passes: usize,
    /// Whose networks: `dcgan`, CAVGA-D's, or `resnet`, CAVGA-R's with fresh weights.
    pub parts: Parts,
    /// The form and size of the latent, as CAVGA's.
    pub latent: LatentConfig,
    /// Channels of the DC-GAN parts' first convolution.
    pub dcgan_width: usize,
    /// How much smaller than the image the ResNet's features are: 32, 16 or 8.
    pub output_stride: usize,
    /// Channels of the residual decoder at full size.
    pub decoder_width: usize,
    /// The weight of the KL term; 1 is the ELBO.
    pub beta: f64,
    /// The optimizer, as CAVGA's.
    pub adam: AdamConfig,
    /// Deviation of the Gaussian that smooths `residual-smoothed`, as a fraction of the image's height.
    pub smoothing: f64,
}

impl Default for VaeConfig {
    fn default() -> Self {
        let cavga = CavgaConfig::default();
        Self {
            passes: cavga.passes,
            parts: Parts::Dcgan,
            latent: cavga.latent,
            dcgan_width: cavga.dcgan_width,
            output_stride: cavga.output_stride,
            decoder_width: cavga.decoder_width,
            beta: 1.0,
            adam: cavga.adam,
            smoothing: cavga.smoothing,
        }
    }
}

impl VaeConfig {
    /// Few channels and passes, for tests on images of 64 pixels.
    pub fn tiny() -> Self {
        let cavga = CavgaConfig::tiny();
        Self {
            passes: cavga.passes,
            latent: cavga.latent,
            dcgan_width: cavga.dcgan_width,
            decoder_width: cavga.decoder_width,
            ..Self::default()
        }
    }

    fn variant(&self) -> Variant {
        Variant {
            parts: self.parts,
            supervision: Supervision::Unsupervised,
        }
    }

    /// The CAVGA whose autoencoder it is.
    fn cavga(&self) -> CavgaConfig {
        CavgaConfig {
            passes: self.passes,
            latent: self.latent.clone(),
            dcgan_width: self.dcgan_width,
            output_stride: self.output_stride,
            decoder_width: self.decoder_width,
            adam: self.adam,
            smoothing: self.smoothing,
            ..CavgaConfig::default()
        }
    }
}

/// The autoencoder with what scores it.
#[derive(Module, Debug)]
pub(crate) struct PlainVae {
    vae: Vae,
    #[module(skip)]
    beta: f64,
    #[module(skip)]
    smoothing: Gaussian,
}

impl Network for PlainVae {
    type Config = VaeConfig;

    fn new(config: &VaeConfig, size: [usize; 2], init: &mut Init) -> Result<Self> {
        let cavga = config.cavga();
        config.variant().check(&cavga, size)?;
        check_amount("beta", config.beta)?;
        Ok(Self {
            vae: Vae::new(config.variant(), &cavga, size, init),
            beta: config.beta,
            smoothing: Gaussian::of_height(config.smoothing, size, init.device()),
        })
    }

    fn score(&self, images: Tensor<4>, part: Option<&Part>) -> Result<Scores> {
        let features = self.vae.features(images.clone(), Mode::Score);
        let mean = self.vae.latent().mean(features);
        let reconstruction = ops::sigmoid(self.vae.decode(mean, Mode::Score));
        let residual = (images - reconstruction).abs().mean_dim(1);
        Ok(of_residual(residual, &self.smoothing, part))
    }
}

impl Descends for PlainVae {
    fn losses(&self, lesson: &Lesson) -> Result<Vec<(&'static str, Tensor<1>)>> {
        let features = self.vae.features(lesson.images.clone(), Mode::Train);
        let latent = self.vae.latent().forward(features);
        let z = latent.sample(lesson.noise(latent.mu.dims(), Stream::Latent));
        let logits = self.vae.decode(z, Mode::Train);
        let (images, part) = (lesson.images.clone(), lesson.part.as_ref());
        Ok(Elbo::new(&latent, logits, images, part).losses(self.beta))
    }
}

impl Descending for &VaeConfig {
    type Network = PlainVae;

    fn about(&self) -> About {
        About {
            name: "vae",
            summary: "CAVGA's variational autoencoder without attention and adversary: the plain floor",
            paper: "Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014",
        }
    }

    fn config(&self) -> &VaeConfig {
        self
    }

    fn course(&self) -> Course {
        Course {
            passes: self.passes,
            adam: self.adam,
        }
    }
}
