//! LSA: an autoencoder whose code is bounded, and a density of that code by autoregression (Abati, Porrello, Calderara and Cucchiara,
//! "Latent Space Autoregression for Novelty Detection", CVPR 2019).
//!
//! L = ‖x − x̂‖² − λ·log p(z): the sum of an image's squared errors, and the surprisal of its code z, a vector of numbers in [0, 1] each put
//! into one of 100 bins. What is normal is rebuilt well, and its code foretold. Both networks learn together, so that codes become ones
//! that are easily foretold. Binning has no gradient: the encoder feels the surprisal only through what the estimator is given, as each number
//! of the code is to foretell those behind it, and never through the bins that are asked for (the authors' code detaches those).
//!
//! The own score, `novelty`, is the sum of surprisal and squared error, each taken relative to its least and largest value on normal images
//! held out of training (equations 9 and 10; the authors' sum of likelihoods, turned round). `surprisal` is −log p(z), in nats, `reconstruction`
//! the sum of squares, of what counts as if it were the whole image. The map is |x − x̂|.
//!
//! Shapes are those of the authors' code (`aimagelab/novelty-detection`, of which training is no part): for MNIST's 28 grey pixels, halvings to
//! 32 and 64 channels; for CIFAR-10's 32 pixels, a convolution without padding and a residual block of 32 channels, halvings to 64, 128 and
//! 256. Larger images get more halvings, down to a grid of 4 to 8 positions along the shorter side, and begin with fewer channels (no fewer
//! than 8), as the authors' networks for video do: the linear layers stay as large as CIFAR-10's. Where halving rounds up, what the decoder
//! makes too much is cut off.
//!
//! Where we differ: `log softmax` is not clamped (the authors' probabilities are at least 2e-16); weights start as elsewhere here, not as torch's
//! layers do. The supplement's λ is 1, its Adam rate 1e-4 and its batch 256 (as told in the code's issue 2, where such a training came to
//! .817 on MNIST, one with batches of 64 to .916): `train.batch` is the run's, 8 if not told otherwise; 64 suits classes of thousands of images.
//!
//! Known for: one-class MNIST, a mean AUROC of .975; CIFAR-10 .641.

mod config;
mod networks;
#[cfg(test)]
mod tests;

use burn::{
    module::{Module, RunningState},
    tensor::Tensor,
};
use cavga_nn::{
    autoregression::Estimator,
    layers::{Init, Mode},
    ops,
    part::Part,
};

pub use config::{Form, LsaConfig};

use self::{
    config::Shape,
    networks::{Decoder, Encoder},
};
use crate::{
    Batch, Merge, Result, Scores,
    descent::{Course, Descending, Descends, Lesson, Network},
    recipe::About,
    scores::{image_scores, of_residual},
    smooth::Gaussian,
};

/// The own score.
const NOVELTY: &str = "novelty";

/// Autoencoder and estimator, with what scores them.
#[derive(Module, Debug)]
pub(crate) struct Lsa {
    encoder: Encoder,
    decoder: Decoder,
    estimator: Estimator,
    /// Least and largest surprisal, least and largest squared error of normal images, `[4]`; of [0, 1] both until they are known.
    range: RunningState<Tensor<1>>,
    #[module(skip)]
    is_grey: bool,
    #[module(skip)]
    lambda: f64,
    #[module(skip)]
    smoothing: Gaussian,
}

/// What is made of a batch.
struct Pass {
    /// Surprisal of each code, `[batch]`.
    surprisal: Tensor<1>,
    /// x − x̂, `[batch, channels, height, width]`.
    difference: Tensor<4>,
}

impl Pass {
    /// ‖x − x̂‖² of each image, `[batch]`.
    fn reconstruction(&self, part: Option<&Part>) -> Tensor<1> {
        let squares = self.difference.clone().square();
        let squares = match part {
            Some(part) => part.spread(squares),
            None => squares,
        };
        squares.sum_dims(&[1, 2, 3]).squeeze_dims::<1>(&[1, 2, 3])
    }
}

impl Lsa {
    fn pass(&self, images: Tensor<4>, mode: Mode) -> Pass {
        let images = match self.is_grey {
            true => images.mean_dim(1),
            false => images,
        };
        let code = self.encoder.forward(images.clone(), mode);
        let surprisal = self.estimator.surprisal(code.clone());
        let reconstruction = self.decoder.forward(code, mode);
        Pass {
            surprisal,
            difference: images - reconstruction,
        }
    }
}

impl Network for Lsa {
    type Config = LsaConfig;

    fn new(config: &LsaConfig, size: [usize; 2], init: &mut Init) -> Result<Self> {
        let shape = Shape::new(config, size)?;
        let off_tape = init.device().clone().without_autodiff();
        Ok(Self {
            encoder: Encoder::new(&shape, init),
            decoder: Decoder::new(&shape, init),
            estimator: Estimator::new(config.code, &config.estimator, config.bins, init),
            range: RunningState::new(Tensor::from_floats([0.0, 1.0, 0.0, 1.0], &off_tape)),
            is_grey: shape.is_grey,
            lambda: config.lambda,
            smoothing: Gaussian::of_height(config.smoothing, size, init.device()),
        })
    }

    fn fit(self, held_out: &mut dyn Iterator<Item = Result<Batch>>) -> Result<Self> {
        let mut found: Option<[f32; 4]> = None;
        for batch in held_out {
            let batch = batch?;
            let part = batch.valid.map(Part::new);
            let pass = self.pass(batch.images, Mode::Score);
            let reconstruction = pass.reconstruction(part.as_ref());
            let surprisals = ops::values(pass.surprisal);
            for (s, r) in surprisals.into_iter().zip(ops::values(reconstruction)) {
                let [least, most, low, high] = found.unwrap_or([s, s, r, r]);
                found = Some([least.min(s), most.max(s), low.min(r), high.max(r)]);
            }
        }
        let device = self.range.value().device();
        Ok(match found {
            None => self,
            Some(range) => Self {
                range: RunningState::new(Tensor::from_floats(range, &device)),
                ..self
            },
        })
    }

    fn is_fitted(&self, name: &str) -> bool {
        name == NOVELTY
    }

    fn score(&self, images: Tensor<4>, part: Option<&Part>) -> Result<Scores> {
        let pass = self.pass(images, Mode::Score);
        let reconstruction = pass.reconstruction(part);
        let range = self.range.value();
        let of = |at| range.clone().narrow(0, at, 1);
        // Of one image, or of equal ones, the range is empty: then the value itself counts, from there.
        let share = |values: Tensor<1>, at| {
            let width = of(at + 1) - of(at);
            let is_empty = width.clone().lower_equal_scalar(0.0);
            (values - of(at)) / width.mask_fill(is_empty, 1.0)
        };
        let novelty = share(pass.surprisal.clone(), 0) + share(reconstruction.clone(), 2);
        let own = Scores {
            images: vec![
                image_scores(NOVELTY, novelty, Merge::Mean),
                image_scores("surprisal", pass.surprisal, Merge::Mean),
                image_scores("reconstruction", reconstruction, Merge::Mean),
            ],
            maps: Vec::new(),
        };
        let residual = pass.difference.abs().mean_dim(1);
        Ok(own.beside(of_residual(residual, &self.smoothing, part)))
    }
}

impl Descends for Lsa {
    fn losses(&self, lesson: &Lesson) -> Result<Vec<(&'static str, Tensor<1>)>> {
        let pass = self.pass(lesson.images.clone(), Mode::Train);
        let reconstruction = pass.reconstruction(lesson.part.as_ref()).mean();
        let surprisal = pass.surprisal.mean();
        let total = reconstruction.clone() + surprisal.clone().mul_scalar(self.lambda);
        Ok(vec![
            ("total", total),
            ("reconstruction", reconstruction),
            ("surprisal", surprisal),
        ])
    }
}

impl Descending for &LsaConfig {
    type Network = Lsa;

    fn about(&self) -> About {
        About {
            name: "lsa",
            summary: "an autoencoder, and a density of its code by autoregression",
            paper: "Abati et al., Latent Space Autoregression for Novelty Detection, CVPR 2019",
        }
    }

    fn config(&self) -> &LsaConfig {
        self
    }

    fn course(&self) -> Course {
        Course {
            passes: self.passes,
            adam: self.adam,
        }
    }
}
