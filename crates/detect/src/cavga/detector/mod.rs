//! Scoring with a trained CAVGA: the paper's map and score, and what else the same pass tells, under names of their own.
//!
//! | map | what it is |
//! |---|---|
//! | `one-minus-attention` | unsupervised: 1 − A, bilinear to the image's size: the paper's |
//! | `attention` | unsupervised: A itself: on some data the sign of 1 − A fails |
//! | `attention-anomalous` | weakly supervised: A^{c_a}: the paper's |
//! | `one-minus-attention-normal` | weakly supervised: 1 − A^{c_n} |
//! | `residual` | \|x − x̂\|, mean over channels |
//! | `residual-smoothed` | the residual under a Gaussian |
//! | `attention-deviation` | \|CAM − mean\| / spread per position, of held-out normal images; of CAM^{c_a} − CAM^{c_n} where there are classes |
//! | `attention-terms-deviation` | the same of the terms α_k·F_k whose sum the CAM is: their distance from their mean, in spreads; in the sum, terms cancel |
//! | `residual-deviation` | (smoothed residual − mean) / spread per position, of held-out normal images |
//!
//! | score | what it is |
//! |---|---|
//! | `classifier` | weakly supervised: the logit of c_a less that of c_n, above 0 for "anomalous": the paper's |
//! | `attention-anomalous-mean` | weakly supervised: the mean of A^{c_a} |
//! | `residual` | s_a, the mean of the residual: the paper's, unsupervised |
//! | `residual-smoothed-max`, `attention-deviation-max`, `attention-terms-deviation-max`, `residual-deviation-max` | the largest value of that map |
//! | `feature-deviation` | with `feature_deviation`: how far (F(x) − F(x̂), F(x)) lies from that of held-out normal images, under their covariance |

mod network;
#[cfg(test)]
mod tests;

use burn::tensor::{Device, Tensor};
use cavga_nn::{attention, losses, ops, part::Part, state};

use network::{Network, Pass};

use super::{
    CavgaConfig, Variant,
    apart::{Spread, Vectors},
    normal::{Normal, Seen as NormalSeen},
};
use crate::{
    Batch, Detector, Error, ImageScores, Maps, Merge, Result, Scores, Tensors,
    scores::{image_scores, largest, mean, named},
};

/// The maps and scores that rest on what held-out images showed.
const FITTED: [&str; 7] = [
    "attention-deviation",
    "attention-terms-deviation",
    "residual-deviation",
    "attention-deviation-max",
    "attention-terms-deviation-max",
    "residual-deviation-max",
    "feature-deviation",
];

/// A trained CAVGA.
#[derive(Debug)]
pub struct CavgaDetector {
    network: Network,
    normal_cam: Normal,
    normal_terms: Normal,
    normal_residual: Normal,
    normal_features: Option<Spread>,
    device: Device,
}

impl CavgaDetector {
    /// From a trained network's tensors and normal images held out of its training.
    pub(super) fn learn(
        variant: Variant,
        config: &CavgaConfig,
        size: [usize; 2],
        mut tensors: Tensors,
        device: &Device,
        held_out: &mut dyn Iterator<Item = Result<Batch>>,
    ) -> Result<Self> {
        let network = Network::take(variant, config, size, &mut tensors, device)?;
        state::expect_empty(&tensors)?;
        let (mut cams, mut terms, mut residuals) = (
            NormalSeen::default(),
            NormalSeen::default(),
            NormalSeen::default(),
        );
        let mut features = Vectors::default();
        for batch in held_out {
            let Batch { images, valid, .. } = batch?;
            let part = valid.map(Part::new);
            let pass = network.pass(images, part.as_ref())?;
            let on_grid = part.as_ref().map(|part| part.on_grid(network.grid()));
            cams.add(pass.cam(), on_grid.as_ref());
            terms.add(pass.terms, on_grid.as_ref());
            residuals.add(pass.smoothed, part.as_ref());
            let values = pass.feature_pair.unwrap_or_default();
            features.add(&values, network.feature_length());
        }
        let none = || {
            Error::NoImages("no normal image was held out: the deviation maps need at least one")
        };
        Ok(Self {
            network,
            normal_cam: cams.normal().ok_or_else(none)?,
            normal_terms: terms.normal().ok_or_else(none)?,
            normal_residual: residuals.normal().ok_or_else(none)?,
            normal_features: features.spread(),
            device: device.clone(),
        })
    }

    /// From what [`Detector::state`] gave.
    pub fn restore(
        variant: Variant,
        config: &CavgaConfig,
        size: [usize; 2],
        mut tensors: Tensors,
        device: &Device,
    ) -> Result<Self> {
        let network = Network::take(variant, config, size, &mut tensors, device)?;
        let [height, width] = network.grid();
        let channels = variant.attention_channels(config);
        let mut take = |name, shape| Normal::take(name, shape, &mut tensors, device);
        let normal_cam = take("normal.cam", [1, height, width])?;
        let normal_terms = take("normal.terms", [channels, height, width])?;
        let normal_residual = take("normal.residual", [1, size[0], size[1]])?;
        let normal_features = config.feature_deviation.then(|| {
            let length = network.feature_length();
            Spread::take("normal.features", length, &mut tensors)
        });
        state::expect_empty(&tensors)?;
        Ok(Self {
            network,
            normal_cam,
            normal_terms,
            normal_residual,
            normal_features: normal_features.transpose()?,
            device: device.clone(),
        })
    }
}

impl Detector for CavgaDetector {
    fn score(&self, images: Tensor<4>, valid: Option<Tensor<4>>) -> Result<Scores> {
        let part = valid.map(Part::new);
        let pass = self.network.pass(images, part.as_ref())?;
        let (options, size) = (&self.network.config.attention, self.network.size);
        let cam_deviation = self.normal_cam.deviation(pass.cam()).abs();
        let Pass {
            cams,
            terms,
            evidence,
            residual,
            smoothed,
            feature_pair,
        } = pass;
        let terms_deviation = ops::resize_bilinear(self.normal_terms.distance(terms), size);
        let attention = attention::attention(cams, options.relu, options.normalize);
        let mut scores = Vec::new();
        let is_weak = evidence.is_some();
        if let Some(evidence) = evidence {
            scores.push(image_scores("classifier", evidence, Merge::Max));
            scores.push(anomalous_mean(&attention, part.as_ref()));
        }
        let attention = ops::resize_bilinear(attention, size);
        let cam_deviation = ops::resize_bilinear(cam_deviation, size);
        let residual_deviation = self.normal_residual.deviation(smoothed.clone());
        let mut maps = attention_maps(attention, is_weak);
        scores.push(mean("residual", residual.clone(), part.as_ref()));
        let highest = [
            ("residual-smoothed-max", &smoothed),
            ("attention-deviation-max", &cam_deviation),
            ("attention-terms-deviation-max", &terms_deviation),
            ("residual-deviation-max", &residual_deviation),
        ];
        scores.extend(highest.map(|(name, map)| largest(name, map, part.as_ref())));
        if let (Some(normal), Some(values)) = (&self.normal_features, feature_pair) {
            scores.push(ImageScores {
                name: "feature-deviation",
                values: normal.distances(&values),
                merge: Merge::Max,
            });
        }
        maps.extend([
            named("residual", residual),
            named("residual-smoothed", smoothed),
            named("attention-deviation", cam_deviation),
            named("attention-terms-deviation", terms_deviation),
            named("residual-deviation", residual_deviation),
        ]);
        Ok(Scores {
            images: scores,
            maps,
        })
    }

    fn score_as_trained(&mut self) -> bool {
        self.network.inference.take().is_some()
    }

    fn boundary(&self) -> Option<f32> {
        // Where both classes are as likely.
        self.network.vae.classifier().map(|_| 0.0)
    }

    fn is_fitted(&self, name: &str) -> bool {
        FITTED.contains(&name)
    }

    fn state(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        state::collect(&self.network.vae, "", &mut tensors);
        self.normal_cam.collect("normal.cam", &mut tensors);
        self.normal_terms.collect("normal.terms", &mut tensors);
        self.normal_residual
            .collect("normal.residual", &mut tensors);
        if let Some(normal) = &self.normal_features {
            normal.collect("normal.features", &mut tensors);
        }
        Ok(tensors)
    }

    fn device(&self) -> &Device {
        &self.device
    }
}

/// The mean of A^{c_a}, of attention `[batch, classes, height', width']`.
fn anomalous_mean(attention: &Tensor<4>, part: Option<&Part>) -> ImageScores {
    let name = "attention-anomalous-mean";
    let anomalous = |maps: Tensor<4>| maps.narrow(1, losses::ANOMALOUS, 1);
    match part {
        // Of all maps, and then one: the order of a sum is in its last bit.
        None => {
            let means = attention.clone().mean_dims(&[2, 3]);
            image_scores(name, anomalous(means), Merge::Mean)
        }
        Some(_) => mean(name, anomalous(attention.clone()), part),
    }
}

/// The maps that attention `[batch, maps, height, width]` is itself: the paper's first.
fn attention_maps(attention: Tensor<4>, is_weak: bool) -> Vec<Maps> {
    let of = |map| attention.clone().narrow(1, map, 1);
    let one_minus = |map: Tensor<4>| map.neg().add_scalar(1.0);
    match is_weak {
        false => vec![
            named("one-minus-attention", one_minus(attention.clone())),
            named("attention", attention),
        ],
        true => vec![
            named("attention-anomalous", of(losses::ANOMALOUS)),
            named("one-minus-attention-normal", one_minus(of(losses::NORMAL))),
        ],
    }
}
