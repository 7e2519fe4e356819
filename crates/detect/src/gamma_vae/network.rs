//! The VAE, its loss and its scores.

use burn::{
    module::{Module, Param, RunningState},
    tensor::Tensor,
};
use cavga_nn::{conv_autoencoder::ConvVae, layers::Init, part::Part, random::Stream};

use super::{config::GammaVaeConfig, projection::Projection};
use crate::{
    Batch, Result, Scores,
    descent::{Course, Descending, Descends, Lesson, Network},
    recipe::About,
    scores::{Names, of_map, of_residual},
    smooth::Gaussian,
};

/// ½·log 2π.
const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_8;

const PROJECTION: Names = Names {
    plain: "projection",
    smoothed: "projection-smoothed",
    smoothed_max: "projection-smoothed-max",
};

/// The VAE with what projects images.
#[derive(Module, Debug)]
pub(crate) struct GammaVae {
    pub(super) vae: ConvVae,
    /// log γ, divided by `gamma_rate`; `[1]`.
    gamma: Param<Tensor<1>>,
    /// The lowest L_r per pixel value of a held-out normal image, `[1]`; 0 before there was one. Off the tape.
    normal: RunningState<Tensor<1>>,
    #[module(skip)]
    pub(super) config: GammaVaeConfig,
    #[module(skip)]
    smoothing: Gaussian,
}

/// The terms of the loss, over the batch.
pub(super) struct Terms {
    /// −log p(x|z) per pixel value, `[1]`.
    pub(super) reconstruction: Tensor<1>,
    /// KL(q(z|x) ‖ N(0, I)) per pixel value, `[1]`.
    pub(super) divergence: Tensor<1>,
}

impl GammaVae {
    /// log γ, `[1]`.
    pub(super) fn log_gamma(&self) -> Tensor<1> {
        self.gamma.val().mul_scalar(self.config.gamma_rate)
    }

    /// What is to be learnt of a lesson, the latent sampled by standard normal numbers of the shape that `noise` is asked for.
    pub(super) fn terms(
        &self,
        lesson: &Lesson,
        noise: impl FnOnce([usize; 4]) -> Tensor<4>,
    ) -> Terms {
        let images = &lesson.images;
        let [_, channels, height, width] = images.dims();
        let latent = self.vae.latent(images.clone());
        let z = latent.sample(noise(latent.mu.dims()));
        let squares = lesson.mean((images.clone() - self.vae.decode(z)).square());
        let log_gamma = self.log_gamma();
        let precision = log_gamma.clone().mul_scalar(-2.0).exp();
        let values = (channels * height * width) as f64;
        Terms {
            reconstruction: squares.mul_scalar(0.5) * precision + log_gamma + HALF_LOG_TAU,
            divergence: latent.divergence().mean().div_scalar(values),
        }
    }

    /// Of the network, whose weights want no gradient by now: all that is left to differentiate by is the image.
    pub(super) fn projection(&self) -> Projection {
        Projection::new(
            self.vae.clone(),
            self.log_gamma().inner(),
            self.normal.value(),
            self.config.projection,
        )
    }
}

impl Network for GammaVae {
    type Config = GammaVaeConfig;

    const SCORES_ON_TAPE: bool = true;

    fn new(config: &GammaVaeConfig, size: [usize; 2], init: &mut Init) -> Result<Self> {
        let plan = config.plan(size)?;
        let device = init.device().clone();
        let off_tape = device.clone().without_autodiff();
        Ok(Self {
            vae: ConvVae::new(&plan, config.latent, init),
            // γ = 1.
            gamma: Param::from_tensor(Tensor::zeros([1], &device)),
            normal: RunningState::new(Tensor::zeros([1], &off_tape)),
            config: config.clone(),
            smoothing: Gaussian::of_height(config.smoothing, size, &device),
        })
    }

    fn prepared(self) -> Self {
        Self {
            vae: self.vae.no_grad(),
            ..self
        }
    }

    fn fit(self, held_out: &mut dyn Iterator<Item = Result<Batch>>) -> Result<Self> {
        let projection = self.projection();
        let mut lowest: Option<Tensor<1>> = None;
        for batch in held_out {
            let batch = batch?;
            let part = batch.valid.map(Part::new);
            let level = projection.level(batch.images, part.as_ref()).min();
            lowest = Some(match lowest.take() {
                Some(before) => before.min_pair(level),
                None => level,
            });
        }
        if let Some(lowest) = lowest {
            self.normal.update(lowest);
            self.normal.value_sync();
        }
        Ok(self)
    }

    fn is_fitted(&self, name: &str) -> bool {
        self.config.projection.stops && PROJECTION.has(name)
    }

    fn score(&self, images: Tensor<4>, part: Option<&Part>) -> Result<Scores> {
        let images = images.inner();
        let projection = self.projection();
        let apart = |a: Tensor<4>, b: Tensor<4>| (a - b).abs().mean_dim(1);
        let residual = apart(images.clone(), projection.reconstruction(images.clone()));
        let moved = apart(images.clone(), projection.project(images, part));
        let own = of_map(PROJECTION, moved, &self.smoothing, part);
        Ok(own.beside(of_residual(residual, &self.smoothing, part)))
    }
}

impl Descends for GammaVae {
    fn losses(&self, lesson: &Lesson) -> Result<Vec<(&'static str, Tensor<1>)>> {
        let terms = self.terms(lesson, |shape| lesson.noise(shape, Stream::Latent));
        let total = terms.reconstruction.clone() + terms.divergence.clone();
        Ok(vec![
            ("total", total),
            ("reconstruction", terms.reconstruction),
            ("divergence", terms.divergence),
            ("gamma", self.log_gamma().exp()),
        ])
    }
}

impl Descending for &GammaVaeConfig {
    type Network = GammaVae;

    fn about(&self) -> About {
        About {
            name: "gamma-vae-grad",
            summary: "a VAE with a learned variance: how far an image is moved until it is normal",
            paper: "Dehaene et al., Iterative energy-based projection on a normal data manifold for anomaly localization, ICLR 2020",
        }
    }

    fn config(&self) -> &GammaVaeConfig {
        self
    }

    fn course(&self) -> Course {
        Course {
            passes: self.passes,
            adam: self.adam,
        }
    }
}
