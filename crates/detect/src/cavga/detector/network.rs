//! The network of a detector: one pass over images, and all that a score or a map is made of.

use burn::tensor::{Device, Tensor, module::adaptive_avg_pool2d};
use cavga_nn::{
    layers::{Init, Mode},
    losses, ops,
    part::Part,
    state,
};

use super::super::{CavgaConfig, Seen, Vae, VaeInference, Variant};
use crate::{
    PAINT, Result, Tensors,
    check::{check_images, check_valid},
    smooth::Gaussian,
};

/// Height and width that F is averaged to for `feature-deviation` where it has more: a covariance is to be known from the images there are.
const FEATURE_GRID: usize = 2;

/// The network alone.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) vae: Vae,
    /// What runs instead where there is one.
    pub(super) inference: Option<VaeInference>,
    pub(super) variant: Variant,
    pub(super) config: CavgaConfig,
    pub(super) size: [usize; 2],
    pub(super) smoothing: Gaussian,
}

/// What the network makes of images.
pub(super) struct Pass {
    /// `[batch, maps, height', width']`.
    pub(super) cams: Tensor<4>,
    /// What their evidence is the sum of, `[batch, channels, height', width']`.
    pub(super) terms: Tensor<4>,
    /// What the classifier says, above 0 for "anomalous", `[batch]`.
    pub(super) evidence: Option<Tensor<1>>,
    /// `[batch, 1, height, width]`.
    pub(super) residual: Tensor<4>,
    /// `[batch, 1, height, width]`.
    pub(super) smoothed: Tensor<4>,
    /// F(x) − F(x̂) and F(x) of each image in a row, where they are wanted.
    pub(super) feature_pair: Option<Vec<f32>>,
}

impl Pass {
    /// The one map whose deviation is looked at: the CAM, or where there are classes what speaks for c_a, CAM^{c_a} − CAM^{c_n}.
    pub(super) fn cam(&self) -> Tensor<4> {
        let of = |map| self.cams.clone().narrow(1, map, 1);
        match self.evidence {
            None => self.cams.clone(),
            Some(_) => of(losses::ANOMALOUS) - of(losses::NORMAL),
        }
    }
}

impl Network {
    pub(super) fn take(
        variant: Variant,
        config: &CavgaConfig,
        size: [usize; 2],
        tensors: &mut Tensors,
        device: &Device,
    ) -> Result<Self> {
        variant.check(config, size)?;
        let device = device.clone().without_autodiff();
        // The attention of an earlier stage is found by differentiating, also on a test image.
        let on = match config.attention.stage {
            Some(_) => device.clone().autodiff(),
            None => device.clone(),
        };
        // Any weights: they are replaced at once.
        let vae = Vae::new(variant, config, size, &mut Init::new(0, &on));
        let vae = state::load(vae, "", tensors)?;
        // That form keeps no stage but the last.
        let inference = match config.attention.stage {
            Some(_) => None,
            None => vae.inference(size, &device),
        };
        Ok(Self {
            inference,
            vae,
            variant,
            config: config.clone(),
            size,
            smoothing: Gaussian::of_height(config.smoothing, size, &device),
        })
    }

    pub(super) fn pass(&self, images: Tensor<4>, part: Option<&Part>) -> Result<Pass> {
        check_images(&images, self.size)?;
        check_valid(&images, part)?;
        let given = match self.config.attention.stage {
            Some(_) => Tensor::from_inner(images.clone()),
            None => images.clone(),
        };
        let seen = match &self.inference {
            Some(inference) => Seen::of(inference.features(&self.vae, given)),
            None => self.vae.see(given, Mode::Score, &self.config),
        };
        let mean = self.vae.latent().mean(seen.features.clone());
        let alpha = self.vae.alpha(&seen, &self.config)?;
        let [cams, terms] = [alpha.cams(&seen), alpha.terms(&seen)].map(|maps| self.on_grid(maps));
        let classes = self.vae.classify(mean.clone());
        let logits = match &self.inference {
            Some(inference) => inference.decode(&self.vae, mean),
            None => self.vae.decode(mean, Mode::Score),
        };
        let reconstruction = ops::sigmoid(logits.without_autodiff());
        let feature_pair = self.config.feature_deviation.then(|| {
            let features = seen.features.clone().without_autodiff();
            let again = match part {
                Some(part) => part.painted(reconstruction.clone(), PAINT),
                None => reconstruction.clone(),
            };
            self.feature_pair(features, again)
        });
        let residual = (images - reconstruction).abs().mean_dim(1);
        Ok(Pass {
            cams,
            terms,
            evidence: classes.map(|logits| losses::evidence(logits.without_autodiff())),
            smoothed: self.smoothing.of_part(residual.clone(), part),
            residual,
            feature_pair,
        })
    }

    /// F(x) − F(x̂) and F(x), averaged to the grid of `feature-deviation`, of each image in a row.
    fn feature_pair(&self, features: Tensor<4>, reconstruction: Tensor<4>) -> Vec<f32> {
        let given = match self.config.attention.stage {
            Some(_) => Tensor::from_inner(reconstruction),
            None => reconstruction,
        };
        let again = match &self.inference {
            Some(inference) => inference.features(&self.vae, given),
            None => self.vae.features(given, Mode::Score),
        };
        let pair = vec![features.clone() - again.without_autodiff(), features];
        let pair = adaptive_avg_pool2d(Tensor::cat(pair, 1), self.feature_grid());
        pair.into_data().iter::<f32>().collect()
    }

    fn feature_grid(&self) -> [usize; 2] {
        let stride = self.variant.stride(&self.config);
        self.size.map(|side| (side / stride).min(FEATURE_GRID))
    }

    /// How many numbers an image has there.
    pub(super) fn feature_length(&self) -> usize {
        let [height, width] = self.feature_grid();
        2 * self.variant.channels(&self.config) * height * width
    }

    /// Maps at the attention's grid, and off the tape. They come so but from SqueezeNet's earlier stages, whose poolings leave out the
    /// rim.
    fn on_grid(&self, maps: Tensor<4>) -> Tensor<4> {
        let maps = maps.without_autodiff();
        match maps.dims() {
            [_, _, height, width] if [height, width] == self.grid() => maps,
            _ => ops::resize_bilinear(maps, self.grid()),
        }
    }

    /// Height and width of the features that the attention looks at.
    pub(super) fn grid(&self) -> [usize; 2] {
        self.variant.attention_grid(&self.config, self.size)
    }
}
