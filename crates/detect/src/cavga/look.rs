//! What the encoder sees of images, and what of it the attention looks at.

use burn::{module::Module, tensor::Tensor};
use cavga_nn::{
    attention::{self, Reach, Score},
    layers::Mode,
    losses,
};

use super::{CavgaConfig, Vae};
use crate::{Error, Result};

/// What the encoder sees.
#[derive(Debug, Clone)]
pub struct Seen {
    /// F, `[batch, features, height/stride, width/stride]`.
    pub features: Tensor<4>,
    /// An earlier stage of the encoder, counted from 0, and its output: where the attention is to look at it.
    tap: Option<(usize, Tensor<4>)>,
    /// How a second look at the same batch is to be had.
    again: Mode,
}

impl Seen {
    /// Of a trained encoder's last features.
    pub(super) fn of(features: Tensor<4>) -> Self {
        Self {
            features,
            tap: None,
            again: Mode::Score,
        }
    }
}

impl Seen {
    /// The features that the attention looks at.
    fn looked_at(&self) -> &Tensor<4> {
        self.tap.as_ref().map_or(&self.features, |(_, tap)| tap)
    }
}

impl Vae {
    /// Lets the encoder see images.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1]
    pub fn see(&self, images: Tensor<4>, mode: Mode, config: &CavgaConfig) -> Seen {
        let again = match mode {
            Mode::Train => Mode::Look,
            other => other,
        };
        let Some(stage) = config.attention.stage else {
            let features = self.features(images, mode);
            return Seen {
                features,
                tap: None,
                again,
            };
        };
        let mut taps = self.encoder.taps(images.clone(), mode);
        let stage = stage.saturating_sub(1);
        let tap = taps.get(stage).cloned();
        Seen {
            features: self.on_grid(taps.pop().unwrap_or(images)),
            tap: tap.map(|tap| (stage, tap)),
            again,
        }
    }

    /// [`Vae::see`] by an encoder that stays as it is: by its running statistics, and off the tape.
    pub fn see_frozen(&self, images: Tensor<4>, config: &CavgaConfig) -> Seen {
        let frozen = self.clone().no_grad();
        frozen.see(images, Mode::Score, config)
    }

    /// α: how much each channel of the features looked at weighs, for the latent's score, or for each class where there is a classifier.
    ///
    /// # Errors
    /// [`Error::NoGradient`] of an earlier stage on a device without a tape.
    pub fn alpha(&self, seen: &Seen, config: &CavgaConfig) -> Result<Alpha> {
        if let Some((stage, tap)) = &seen.tap {
            return self.alpha_of_tap(*stage, tap, seen.again, config.attention.score);
        }
        let [_, _, height, width] = seen.features.dims();
        let grid = [height, width];
        let alpha = match self.classifier() {
            None => attention::latent_weights(self.latent(), grid, config.attention.score),
            Some(classifier) => attention::class_weights(self.latent(), grid, classifier),
        };
        Ok(Alpha::Shared(match config.attention.reach {
            Reach::Exact => alpha,
            Reach::Detached => alpha.detach(),
        }))
    }

    /// Grad-CAM as its authors define it: between an earlier stage and the score lie a batch norm and a kink, and no closed form. The
    /// gradient is found on a tape of its own and counts as a constant.
    fn alpha_of_tap(
        &self,
        stage: usize,
        tap: &Tensor<4>,
        again: Mode,
        score: Score,
    ) -> Result<Alpha> {
        // Alone on its tape: the weights want no gradient here.
        let frozen = self.clone().no_grad();
        let maps = (0..if self.classifier().is_some() { 2 } else { 1 }).map(|map| {
            let leaf = attention::leaf(tap);
            let features = frozen.encoder.after_tap(stage, leaf.clone(), again);
            let mu = frozen.latent().mean(frozen.on_grid(features));
            let score = match (frozen.classify(mu.clone()), score) {
                (Some(logits), _) => logits.narrow(1, map, 1).sum(),
                (None, Score::Sum) => mu.sum(),
                (None, Score::Mean) => {
                    let values = mu.dims().into_iter().skip(1).product::<usize>();
                    mu.sum().div_scalar(values as f64)
                }
            };
            let gradient = attention::gradient(&leaf, score).ok_or(Error::NoGradient)?;
            Ok(Tensor::from_inner(attention::weights_of_each(gradient)))
        });
        Ok(Alpha::OfEach(maps.collect::<Result<_>>()?))
    }
}

/// How much each channel of the features looked at weighs in each map.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a step: nothing is saved by a box"
)]
pub enum Alpha {
    /// The same for all images, `[maps, channels]`.
    Shared(Tensor<2>),
    /// For each map, each image's own, `[batch, channels]`.
    OfEach(Vec<Tensor<2>>),
}

impl Alpha {
    /// The class activation maps.
    ///
    /// # Shapes
    /// - output: `[batch, maps, height', width']`, at the size of the features looked at
    pub fn cams(&self, seen: &Seen) -> Tensor<4> {
        match self {
            Self::Shared(alpha) => attention::cam(seen.looked_at().clone(), alpha.clone()),
            Self::OfEach(maps) => {
                let cam = |alpha: &Tensor<2>| {
                    attention::cam_of_each(seen.looked_at().clone(), alpha.clone())
                };
                Tensor::cat(maps.iter().map(cam).collect(), 1)
            }
        }
    }

    /// The terms whose sum over channels is the one map of the latent, or of two classes CAM^{c_a} − CAM^{c_n}.
    ///
    /// # Shapes
    /// - output: `[batch, channels, height', width']`
    pub fn terms(&self, seen: &Seen) -> Tensor<4> {
        let row = |map: usize| match self {
            Self::Shared(alpha) => alpha.clone().narrow(0, map, 1),
            Self::OfEach(maps) => maps[map].clone(),
        };
        let maps = match self {
            Self::Shared(alpha) => alpha.dims()[0],
            Self::OfEach(maps) => maps.len(),
        };
        let alpha = match maps {
            1 => row(0),
            _ => row(losses::ANOMALOUS) - row(losses::NORMAL),
        };
        let [rows, channels] = alpha.dims();
        seen.looked_at().clone() * alpha.reshape([rows, channels, 1, 1])
    }
}
