//! One golden case: its networks with their weights, and what is expected of them.

use std::{collections::BTreeMap, error::Error};

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use cavga_detect::cavga::{CavgaConfig, Forward, Guidance, Labels, Objective, Vae, Variant};
use cavga_nn::{
    dcgan::Discriminator,
    layers::{Init, Mode},
    losses,
};
use serde::Deserialize;

pub(crate) use crate::tensors::gradients;
use crate::{
    tensors::{self, Summaries},
    values::{self, Summary, Worst},
};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub(crate) const SIZE: [usize; 2] = [64, 64];

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) variant: Variant,
    pub(crate) config: CavgaConfig,
    mu_offset: f64,
    class_offset: f32,
    /// The name that its images are drawn by: no unit of the network is at its kink with them.
    pub(crate) images: String,
    anomalous: Vec<bool>,
    pub(crate) features_shape: [usize; 4],
    pub(crate) losses: BTreeMap<String, f64>,
    pub(crate) features: Summary,
    pub(crate) attention: Summary,
    pub(crate) gradients: Summaries,
    pub(crate) attention_gradients: Summaries,
    pub(crate) discriminator_gradients: Summaries,
    pub(crate) running: Summaries,
    pub(crate) maps: Summaries,
    pub(crate) scores: Summaries,
}

/// All cases.
pub(crate) fn cases() -> Result<Vec<Case>> {
    let goldens: Goldens = serde_json::from_str(include_str!("cavga.json"))?;
    Ok(goldens.cases)
}

/// The networks of a case on the tape.
pub(crate) struct Networks {
    pub(crate) vae: Vae,
    pub(crate) discriminator: Discriminator,
    pub(crate) images: Tensor<4>,
    /// Those of them that are normal.
    pub(crate) normal: Tensor<4>,
    labels: Labels,
}

/// A training forward pass and its objective.
pub(crate) struct Pass {
    pub(crate) forward: Forward,
    pub(crate) objective: Objective,
    pub(crate) judge: Discriminator,
}

impl Case {
    pub(crate) fn networks(&self) -> Result<Networks> {
        let device = Device::flex().autodiff();
        let mut init = Init::new(0, &device);
        let vae = Vae::new(self.variant, &self.config, SIZE, &mut init);
        let discriminator = Discriminator::new(self.config.dcgan_width, &mut init);
        let images = Tensor::from_data(self.image_data(), &device);
        let labels = Labels::new(&self.anomalous, self.anomalous.len())?;
        Ok(Networks {
            vae: fill(vae, "vae.", [self.mu_offset, f64::from(self.class_offset)])?,
            discriminator: fill(discriminator, "discriminator.", [0.0; 2])?,
            normal: labels.of_normal(images.clone()),
            images,
            labels,
        })
    }

    /// The encoder-decoder's step, with the discriminator frozen.
    pub(crate) fn pass(&self, networks: &Networks) -> Result<Pass> {
        let Networks {
            vae,
            images,
            normal,
            labels,
            ..
        } = networks;
        let noise = |shape: [usize; 4]| {
            let data = values::tensor("noise", &shape, 3_f64.sqrt(), 0.0);
            Tensor::from_data(data, &images.device())
        };
        let seen = vae.see(images.clone(), Mode::Train, &self.config);
        let forward = Forward::new(vae, &seen, labels, noise, &self.config)?;
        let judge = networks.discriminator.clone().no_grad();
        let fake = judge.forward(forward.reconstruction.clone(), Mode::Train);
        let objective = Objective::new(&forward, normal.clone(), labels, Some(fake), &self.config);
        Ok(Pass {
            forward,
            objective,
            judge,
        })
    }

    pub(crate) fn image_data(&self) -> TensorData {
        let shape = [self.anomalous.len(), 3, SIZE[0], SIZE[1]];
        values::tensor(&self.images, &shape, 0.5, 0.5)
    }

    /// The discriminator's loss on a batch and its reconstruction.
    pub(crate) fn discriminator_loss(&self, networks: &Networks, forward: &Forward) -> Tensor<1> {
        let real = networks
            .discriminator
            .forward(networks.normal.clone(), Mode::Train);
        let fake = forward.reconstruction.clone().detach();
        let fake = networks.discriminator.forward(fake, Mode::Train);
        let target = self.config.adversary.real_target;
        losses::discriminator_on_real(real, target) + losses::discriminator_on_fake(fake)
    }
}

impl Pass {
    /// The loss on the attention: L_ae or L_cga.
    pub(crate) fn attention_loss(&self) -> Tensor<1> {
        match &self.objective.guidance {
            Guidance::Expansion(loss) => loss.clone(),
            Guidance::Classes {
                guided_attention, ..
            } => guided_attention.clone(),
        }
    }

    /// Every term of the objective by name.
    pub(crate) fn terms(&self) -> Vec<(&'static str, Tensor<1>)> {
        let objective = self.objective.clone();
        let mut terms = vec![
            ("reconstruction", objective.reconstruction),
            ("divergence", objective.divergence),
        ];
        terms.extend(objective.adversarial.map(|loss| ("adversarial", loss)));
        match objective.guidance {
            Guidance::Expansion(loss) => terms.push(("attention_expansion", loss)),
            Guidance::Classes {
                classification,
                guided_attention,
            } => terms.extend([
                ("classification", classification),
                ("guided_attention", guided_attention),
            ]),
        }
        terms
    }
}

/// Gives every tensor of `module` its values, as `weight` in `networks.py` does.
pub(crate) fn fill<M: Module>(
    module: M,
    prefix: &str,
    [mu_offset, class_offset]: [f64; 2],
) -> Result<M> {
    let module = tensors::fill(module, prefix, |name, shape| {
        let is_mu = name.ends_with("latent.mu.weight");
        let values = tensors::weight(name, shape, if is_mu { mu_offset } else { 0.0 });
        if !name.ends_with("classifier.bias") {
            return values;
        }
        let mut bias: Vec<f32> = values.iter::<f32>().collect();
        bias[0] += class_offset as f32;
        TensorData::new(bias, shape.to_vec())
    })?;
    Ok(module)
}

/// [`tensors::compare`]. The batch norm behind the decoder's first convolution takes a shift of μ away again: what reaches the bias through
/// it is a sum of terms that cancel, whose rounding is to be seen beside the terms, and so beside the weight's gradient.
pub(crate) fn compare(
    case: &str,
    prefix: &str,
    expected: &Summaries,
    found: BTreeMap<String, Vec<f32>>,
    worst: &mut Worst,
) {
    let scale = |name: &str, summary: &Summary| match (name, expected.get("latent.mu.weight")) {
        ("latent.mu.bias", Some(weight)) => (summary.max / weight.max).min(1.0),
        _ => 1.0,
    };
    tensors::compare(case, prefix, expected, found, worst, scale);
}
