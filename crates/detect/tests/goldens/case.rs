//! One golden case: its networks with their weights, and what is expected of them.

use std::{collections::BTreeMap, error::Error};

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Gradients, Tensor},
};
use cavga_detect::cavga::{CavgaConfig, Forward, Objective, Parts, Vae};
use cavga_nn::{
    dcgan::Discriminator,
    layers::{Init, Mode},
    losses,
    state::{self, Tensors},
};
use serde::Deserialize;

use crate::values::{self, Summary, Worst};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub(crate) const SIZE: [usize; 2] = [64, 64];
const BATCH: usize = 2;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) parts: Parts,
    pub(crate) config: CavgaConfig,
    mu_offset: f64,
    /// The name that its images are drawn by: no unit of the network is at its kink with them.
    pub(crate) images: String,
    pub(crate) features_shape: [usize; 4],
    pub(crate) losses: BTreeMap<String, f64>,
    pub(crate) features: Summary,
    pub(crate) attention: Summary,
    pub(crate) gradients: Summaries,
    pub(crate) expansion_gradients: Summaries,
    pub(crate) discriminator_gradients: Summaries,
    pub(crate) running: Summaries,
    pub(crate) maps: Summaries,
}

/// Of tensors by name.
pub(crate) type Summaries = BTreeMap<String, Summary>;

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
        let vae = Vae::new(self.parts, &self.config, &mut init);
        let discriminator = Discriminator::new(self.config.dcgan_width, &mut init);
        Ok(Networks {
            vae: fill(vae, "vae.", self.mu_offset)?,
            discriminator: fill(discriminator, "discriminator.", 0.0)?,
            images: Tensor::from_data(image_data(&self.images), &device),
        })
    }

    /// The encoder-decoder's step, with the discriminator frozen.
    pub(crate) fn pass(&self, networks: &Networks) -> Pass {
        let images = networks.images.clone();
        let noise = |shape: [usize; 4]| {
            let data = values::tensor("noise", &shape, 3_f64.sqrt(), 0.0);
            Tensor::from_data(data, &images.device())
        };
        let forward = Forward::new(&networks.vae, images.clone(), noise, &self.config);
        let judge = networks.discriminator.clone().no_grad();
        let fake = judge.forward(forward.reconstruction.clone(), Mode::Train);
        let objective = Objective::new(&forward, images, fake, &self.config);
        Pass {
            forward,
            objective,
            judge,
        }
    }

    /// The discriminator's loss on a batch and its reconstruction.
    pub(crate) fn discriminator_loss(&self, networks: &Networks, forward: &Forward) -> Tensor<1> {
        let real = networks
            .discriminator
            .forward(networks.images.clone(), Mode::Train);
        let fake = forward.reconstruction.clone().detach();
        let fake = networks.discriminator.forward(fake, Mode::Train);
        let target = self.config.adversary.real_target;
        losses::discriminator_on_real(real, target) + losses::discriminator_on_fake(fake)
    }
}

pub(crate) fn image_data(name: &str) -> burn::tensor::TensorData {
    values::tensor(name, &[BATCH, 3, SIZE[0], SIZE[1]], 0.5, 0.5)
}

/// Gives every tensor of `module` its values, as `weight` in `networks.py` does.
fn fill<M: Module>(module: M, prefix: &str, mu_offset: f64) -> Result<M> {
    let mut shapes = Tensors::new();
    state::collect(&module, prefix, &mut shapes);
    let mut tensors = shapes
        .into_iter()
        .map(|(name, old)| {
            let shape = old.shape().to_vec();
            let (scale, shift) = if name.ends_with("running_var") {
                (0.5, 1.0)
            } else if name.ends_with("running_mean") || name.ends_with("bias") {
                (0.1, 0.0)
            } else if shape.len() == 1 {
                (0.25, 1.0)
            } else {
                let fan_in: usize = shape[1..].iter().product();
                let is_mu = name.ends_with("latent.mu.weight");
                let shift = if is_mu { mu_offset } else { 0.0 };
                ((6.0 / fan_in as f64).sqrt(), shift)
            };
            let values = values::tensor(&name, &shape, scale, shift);
            (name, values)
        })
        .collect();
    let module = state::load(module, prefix, &mut tensors)?;
    state::expect_empty(&tensors)?;
    Ok(module)
}

/// The gradients of a module's parameters by name, those that have one.
pub(crate) fn gradients<M: Module>(
    module: &M,
    gradients: &Gradients,
) -> BTreeMap<String, Vec<f32>> {
    let mut visitor = GradientVisitor {
        path: Vec::new(),
        gradients,
        found: BTreeMap::new(),
    };
    module.visit(&mut visitor);
    visitor.found
}

struct GradientVisitor<'a> {
    path: Vec<String>,
    gradients: &'a Gradients,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for GradientVisitor<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.push(name.to_owned());
        }
    }
    fn exit_module(&mut self, _name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.pop();
        }
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.gradients) {
            let values = gradient.into_data().iter::<f32>().collect();
            self.found.insert(self.path.join("."), values);
        }
    }
}

/// Compares every tensor by name; one that is not expected must be zero. `prefix` stands before the names in the script.
pub(crate) fn compare(
    case: &str,
    prefix: &str,
    expected: &Summaries,
    mut found: BTreeMap<String, Vec<f32>>,
    worst: &mut Worst,
) {
    for (name, summary) in expected {
        let values = found.remove(name).unwrap_or_default();
        let mut error = summary.error(&format!("{prefix}{name}"), &values);
        // The batch norm behind the decoder's first convolution takes a shift of μ away again: what reaches the bias through it
        // is a sum of terms that cancel, whose rounding is to be seen beside the terms, and so beside the weight's gradient.
        if let ("latent.mu.bias", Some(weight)) = (name.as_str(), expected.get("latent.mu.weight"))
        {
            error *= (summary.max / weight.max).min(1.0);
        }
        worst.add(format!("{case}: {name}"), error);
    }
    for (name, values) in found {
        if values.iter().any(|&value| value != 0.0) {
            worst.add(format!("{case}: {name}, expected to be 0"), f64::INFINITY);
        }
    }
}
