//! β-VAE: I. Higgins et al., "β-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework", ICLR 2017.
//!
//! A VAE whose KL term weighs β times, so that its latent keeps less and what it keeps lies apart: BCE(x, x̂) + β·KL(q(z|x) ‖ N(0, I)). An
//! image scores by its negative ELBO per pixel value (`negative-elbo`), where β is 1 again: only then is it a bound on the likelihood. The map is
//! |x − x̂|: the cross entropy of a grey pixel with itself is not 0, and would show what is grey.
//!
//! Where we differ: other sizes than 64 pixels have more or fewer halvings ([`Plan::higgins`]); images are scored at z = μ; grey images come
//! as three equal channels, so that a β of 4 weighs as 4/3 would on one.
//!
//! Known for: nothing in anomaly detection by its authors. What CAVGA's authors say of it comes to a mean image AUROC of about .913 on
//! MNIST and .534 on CIFAR-10, one class normal; how they scored it they do not say. By `residual` it comes to that on MNIST, by `negative-elbo` it
//! stays some .06 below: a likelihood is high where there is little ink, whatever it shows, so that a 1 passes for a normal 8.

use burn::{module::Module, tensor::Tensor};
use cavga_nn::{
    adam::AdamConfig,
    conv_autoencoder::{ConvVae, Plan},
    layers::Init,
    ops,
    part::Part,
    random::Stream,
};
use serde::{Deserialize, Serialize};

use crate::{
    Merge, Result, Scores,
    check::{ADAM_KEYS, check_adam, check_amount, check_plan, check_smoothing, check_width},
    descent::{Course, Descending, Descends, Lesson, Network},
    elbo::Elbo,
    recipe::About,
    scores::{image_scores, of_residual},
    smooth::Gaussian,
};

/// The β-VAE's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BetaVaeConfig {
    /// Passes over the training images. The paper counts steps, on sets a thousand times as large; as CAVGA's.
    pub passes: usize,
    /// Numbers of the latent: 32, the paper's for photographs (10 for its drawn shapes).
    pub latent: usize,
    /// Channels of the first convolution, 32 in the paper; the linear layers have 8 times as many units.
    pub width: usize,
    /// The weight of the KL term: 4, the paper's for drawn shapes; 1 is the plain VAE.
    pub beta: f64,
    /// The optimizer: rate 1e-4, the paper's for photographs.
    pub adam: AdamConfig,
    /// Deviation of the Gaussian that smooths `residual-smoothed`, as a fraction of the image's height: as CAVGA's.
    pub smoothing: f64,
}

impl Default for BetaVaeConfig {
    fn default() -> Self {
        let cavga = crate::cavga::CavgaConfig::default();
        Self {
            passes: cavga.passes,
            latent: 32,
            width: 32,
            beta: 4.0,
            adam: AdamConfig::new(1e-4),
            smoothing: cavga.smoothing,
        }
    }
}

impl BetaVaeConfig {
    /// Few channels and passes, for tests.
    pub fn tiny() -> Self {
        Self {
            passes: 2,
            latent: 6,
            width: 4,
            ..Self::default()
        }
    }
}

/// The autoencoder with what scores it.
#[derive(Module, Debug)]
pub(crate) struct BetaVae {
    vae: ConvVae,
    #[module(skip)]
    beta: f64,
    #[module(skip)]
    smoothing: Gaussian,
}

impl BetaVae {
    /// The terms of the loss, the latent sampled by standard normal numbers of the shape that `noise` is asked for.
    fn terms(
        &self,
        images: &Tensor<4>,
        part: Option<&Part>,
        noise: impl FnOnce([usize; 4]) -> Tensor<4>,
    ) -> Elbo {
        let latent = self.vae.latent(images.clone());
        let z = latent.sample(noise(latent.mu.dims()));
        Elbo::new(&latent, self.vae.decode(z), images.clone(), part)
    }
}

impl Network for BetaVae {
    type Config = BetaVaeConfig;

    fn new(config: &BetaVaeConfig, size: [usize; 2], init: &mut Init) -> Result<Self> {
        check_width("width", config.width)?;
        check_width("latent", config.latent)?;
        check_amount("beta", config.beta)?;
        check_smoothing(config.smoothing)?;
        check_adam(ADAM_KEYS, &config.adam)?;
        let plan = Plan::higgins(3, size, config.width);
        let plan = check_plan(plan, [config.width, config.latent], "size", size)?;
        Ok(Self {
            vae: ConvVae::new(&plan, config.latent, init),
            beta: config.beta,
            smoothing: Gaussian::of_height(config.smoothing, size, init.device()),
        })
    }

    fn score(&self, images: Tensor<4>, part: Option<&Part>) -> Result<Scores> {
        let latent = self.vae.latent(images.clone());
        let logits = self.vae.decode(latent.mu.clone());
        let elbo = Elbo::new(&latent, logits.clone(), images.clone(), part).negative(1.0);
        let residual = (images - ops::sigmoid(logits)).abs().mean_dim(1);
        let own = Scores {
            images: vec![image_scores("negative-elbo", elbo, Merge::Mean)],
            maps: Vec::new(),
        };
        Ok(own.beside(of_residual(residual, &self.smoothing, part)))
    }
}

impl Descends for BetaVae {
    fn losses(&self, lesson: &Lesson) -> Result<Vec<(&'static str, Tensor<1>)>> {
        let noise = |shape| lesson.noise(shape, Stream::Latent);
        let terms = self.terms(&lesson.images, lesson.part.as_ref(), noise);
        Ok(terms.losses(self.beta))
    }
}

impl Descending for &BetaVaeConfig {
    type Network = BetaVae;

    fn about(&self) -> About {
        About {
            name: "beta-vae",
            summary: "a VAE with a weightier prior, scored by its evidence lower bound",
            paper: "Higgins et al., beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework, ICLR 2017",
        }
    }

    fn config(&self) -> &BetaVaeConfig {
        self
    }

    fn course(&self) -> Course {
        Course {
            passes: self.passes,
            adam: self.adam,
        }
    }
}
