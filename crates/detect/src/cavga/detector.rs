//! Scoring with a trained CAVGA: the paper's map and score, and what else the same pass tells, under names of their own.
//!
//! | map | what it is |
//! |---|---|
//! | `one-minus-attention` | 1 − A, bilinear to the image's size: the paper's |
//! | `attention` | A itself: on some data the sign of 1 − A fails |
//! | `residual` | \|x − x̂\|, mean over channels |
//! | `residual-smoothed` | the residual under a Gaussian |
//! | `attention-deviation` | \|CAM − mean\| / spread per position, of held-out normal images |
//! | `residual-deviation` | (smoothed residual − mean) / spread per position, of held-out normal images |
//!
//! | score | what it is |
//! |---|---|
//! | `residual` | s_a, the mean of the residual: the paper's |
//! | `residual-smoothed-max`, `attention-deviation-max`, `residual-deviation-max` | the largest value of that map |

use burn::tensor::{Device, Tensor};
use cavga_nn::{
    attention,
    layers::{Init, Mode},
    ops, state,
};

use super::{CavgaConfig, Parts, Vae, VaeInference, networks::check_images};
use crate::{Batch, Detector, Error, ImageScores, Maps, Result, Scores, Tensors, smooth::Gaussian};

/// Mean and spread of a quantity over normal images at each position, both `[1, 1, height, width]`.
#[derive(Debug, Clone)]
struct Normal {
    mean: Tensor<4>,
    spread: Tensor<4>,
}

/// How many images' worth of trust the spread pooled over all positions gets beside a position's own: with a handful of held-out images, a
/// position that happened to vary little would otherwise call anything anomalous.
const POOLED_IMAGES: f64 = 8.0;

impl Normal {
    /// Of values `[images, 1, height, width]`.
    fn of(values: Tensor<4>) -> Self {
        let images = values.dims()[0] as f64;
        let mean = values.clone().mean_dim(0);
        let variance = (values - mean.clone()).square().mean_dim(0);
        let pooled = variance.clone().mean_dims(&[2, 3]);
        let shrunk = (variance.mul_scalar(images) + pooled.mul_scalar(POOLED_IMAGES))
            .div_scalar(images + POOLED_IMAGES);
        Self {
            mean,
            spread: shrunk.sqrt().clamp_min(1e-6),
        }
    }

    fn deviation(&self, values: Tensor<4>) -> Tensor<4> {
        (values - self.mean.clone()) / self.spread.clone()
    }

    fn collect(&self, name: &str, tensors: &mut Tensors) {
        tensors.insert(format!("{name}.mean"), self.mean.to_data());
        tensors.insert(format!("{name}.spread"), self.spread.to_data());
    }

    fn take(
        name: &str,
        [height, width]: [usize; 2],
        tensors: &mut Tensors,
        device: &Device,
    ) -> Result<Self> {
        let mut load = |part: &str| -> Result<Tensor<4>> {
            let data = state::take(tensors, &format!("{name}.{part}"), &[1, 1, height, width])?;
            Ok(Tensor::from_data(data, device))
        };
        Ok(Self {
            mean: load("mean")?,
            spread: load("spread")?,
        })
    }
}

/// The network alone.
#[derive(Debug)]
struct Network {
    vae: Vae,
    /// What runs instead where there is one.
    inference: Option<VaeInference>,
    config: CavgaConfig,
    size: [usize; 2],
    smoothing: Gaussian,
}

/// What the network makes of images.
struct Pass {
    /// `[batch, 1, height/stride, width/stride]`.
    cam: Tensor<4>,
    /// `[batch, 1, height, width]`.
    residual: Tensor<4>,
    /// `[batch, 1, height, width]`.
    smoothed: Tensor<4>,
}

impl Network {
    fn take(
        parts: Parts,
        config: &CavgaConfig,
        size: [usize; 2],
        tensors: &mut Tensors,
        device: &Device,
    ) -> Result<Self> {
        config.check()?;
        parts.check_size(size)?;
        let device = device.clone().without_autodiff();
        // Any weights: they are replaced at once.
        let vae = Vae::new(parts, config, &mut Init::new(0, &device));
        let vae = state::load(vae, "", tensors)?;
        let grid = size.map(|side| side / parts.stride(config));
        Ok(Self {
            inference: vae.inference(size, grid, &device),
            vae,
            config: config.clone(),
            size,
            smoothing: Gaussian::new(config.smoothing * size[0] as f64, &device),
        })
    }

    fn pass(&self, images: Tensor<4>) -> Result<Pass> {
        check_images(&images, self.size)?;
        let features = match &self.inference {
            Some(inference) => inference.features(images.clone()),
            None => self.vae.features(images.clone(), Mode::Score),
        };
        let mean = self.vae.latent().mu.forward(features.clone());
        let logits = match &self.inference {
            Some(inference) => inference.decode(mean),
            None => self.vae.decode(mean, Mode::Score),
        };
        let reconstruction = ops::sigmoid(logits);
        let residual = (images - reconstruction).abs().mean_dim(1);
        Ok(Pass {
            cam: self.vae.cam(features, &self.config),
            smoothed: self.smoothing.apply(residual.clone()),
            residual,
        })
    }
}

/// A trained CAVGA.
#[derive(Debug)]
pub struct CavgaDetector {
    network: Network,
    normal_cam: Normal,
    normal_residual: Normal,
    device: Device,
}

impl CavgaDetector {
    /// From a trained network's tensors and normal images held out of its training.
    pub(super) fn learn(
        parts: Parts,
        config: &CavgaConfig,
        size: [usize; 2],
        mut tensors: Tensors,
        device: &Device,
        held_out: &mut dyn Iterator<Item = Result<Batch>>,
    ) -> Result<Self> {
        let network = Network::take(parts, config, size, &mut tensors, device)?;
        state::expect_empty(&tensors)?;
        let (mut cams, mut residuals) = (Vec::new(), Vec::new());
        for batch in held_out {
            let pass = network.pass(batch?.images)?;
            cams.push(pass.cam);
            residuals.push(pass.smoothed);
        }
        if cams.is_empty() {
            return Err(Error::NoImages(
                "no normal image was held out: the deviation maps need at least one",
            ));
        }
        Ok(Self {
            network,
            normal_cam: Normal::of(Tensor::cat(cams, 0)),
            normal_residual: Normal::of(Tensor::cat(residuals, 0)),
            device: device.clone(),
        })
    }

    /// From what [`Detector::state`] gave.
    pub fn restore(
        parts: Parts,
        config: &CavgaConfig,
        size: [usize; 2],
        mut tensors: Tensors,
        device: &Device,
    ) -> Result<Self> {
        let network = Network::take(parts, config, size, &mut tensors, device)?;
        let grid = size.map(|side| side / parts.stride(config));
        let normal_cam = Normal::take("normal.cam", grid, &mut tensors, device)?;
        let normal_residual = Normal::take("normal.residual", size, &mut tensors, device)?;
        state::expect_empty(&tensors)?;
        Ok(Self {
            network,
            normal_cam,
            normal_residual,
            device: device.clone(),
        })
    }
}

impl Detector for CavgaDetector {
    fn score(&self, images: Tensor<4>) -> Result<Scores> {
        let Pass {
            cam,
            residual,
            smoothed,
        } = self.network.pass(images)?;
        let options = &self.network.config.attention;
        let attention = attention::attention(cam.clone(), options.relu, options.normalize);
        let attention = ops::resize_bilinear(attention, self.network.size);
        let cam_deviation =
            ops::resize_bilinear(self.normal_cam.deviation(cam).abs(), self.network.size);
        let residual_deviation = self.normal_residual.deviation(smoothed.clone());
        let images = vec![
            image_scores("residual", residual.clone().mean_dims(&[1, 2, 3])),
            image_scores("residual-smoothed-max", largest(&smoothed)),
            image_scores("attention-deviation-max", largest(&cam_deviation)),
            image_scores("residual-deviation-max", largest(&residual_deviation)),
        ];
        let map = |name, values: Tensor<4>| Maps {
            name,
            values: values.squeeze_dim::<3>(1),
        };
        let maps = vec![
            map(
                "one-minus-attention",
                attention.clone().neg().add_scalar(1.0),
            ),
            map("attention", attention),
            map("residual", residual),
            map("residual-smoothed", smoothed),
            map("attention-deviation", cam_deviation),
            map("residual-deviation", residual_deviation),
        ];
        Ok(Scores { images, maps })
    }

    fn state(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        state::collect(&self.network.vae, "", &mut tensors);
        self.normal_cam.collect("normal.cam", &mut tensors);
        self.normal_residual
            .collect("normal.residual", &mut tensors);
        Ok(tensors)
    }

    fn device(&self) -> &Device {
        &self.device
    }
}

fn largest(map: &Tensor<4>) -> Tensor<4> {
    map.clone().max_dim(3).max_dim(2)
}

fn image_scores(name: &'static str, values: Tensor<4>) -> ImageScores {
    ImageScores {
        name,
        values: values.into_data().iter::<f32>().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Learner, cavga::CavgaLearner};
    use cavga_nn::random;

    fn batch(seed: u64) -> Batch {
        let mut noise = random::generator(seed, random::Stream::Latent, 0);
        let images = random::normal([4, 3, 64, 96], &mut noise, &Device::flex());
        Batch {
            images: ops::sigmoid(images),
            anomalous: vec![false; 4],
            step: seed,
        }
    }

    fn values(scores: Scores) -> Vec<Vec<f32>> {
        let maps = scores.maps.into_iter();
        let maps = maps.map(|maps| maps.values.into_data().iter::<f32>().collect());
        let images = scores.images.into_iter().map(|scores| scores.values);
        images.chain(maps).collect()
    }

    #[test]
    fn the_inference_form_scores_as_the_network() {
        let device = Device::flex();
        for parts in [Parts::Dcgan, Parts::Resnet] {
            let (config, size) = (CavgaConfig::tiny(), [64, 96]);
            let mut learner = CavgaLearner::new(parts, &config, size, 1, &device).unwrap();
            (0..3).for_each(|step| {
                learner.observe(&batch(step)).unwrap();
            });
            let mut held_out = (3..5).map(|step| Ok(batch(step)));
            let finished = Box::new(learner).finish(&mut held_out).unwrap();
            let tensors = finished.state().unwrap();
            let ours = CavgaDetector::restore(parts, &config, size, tensors.clone(), &device);
            let mut plain = CavgaDetector::restore(parts, &config, size, tensors, &device).unwrap();
            assert!(plain.network.inference.take().is_some());
            let images = batch(9).images;
            let ours = values(ours.unwrap().score(images.clone()).unwrap());
            let plain = values(plain.score(images).unwrap());
            for (at, (ours, plain)) in ours.iter().zip(&plain).enumerate() {
                let largest = plain
                    .iter()
                    .fold(0.0_f32, |most, value| most.max(value.abs()));
                for (ours, plain) in ours.iter().zip(plain) {
                    let close = (ours - plain).abs() <= 1e-5 * largest;
                    assert!(close, "{parts:?}, output {at}: {ours} instead of {plain}");
                }
            }
        }
    }
}
