//! Adam (Kingma and Ba 2015), with its state by name so that it can be saved and restored to the bit.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Gradients, Tensor, TensorData},
};
use serde::{Deserialize, Serialize};

use crate::ops;
use crate::state::{self, Path, StateError, Tensors};

/// Adam's settings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Step size.
    pub rate: f64,
    /// Decay of the mean gradient.
    pub beta_1: f64,
    /// Decay of the mean squared gradient.
    pub beta_2: f64,
    /// Added to the root of the corrected mean squared gradient, as torch does.
    pub epsilon: f64,
}

impl AdamConfig {
    /// β₁ 0.9, β₂ 0.999, ε 1e-8.
    pub fn new(rate: f64) -> Self {
        Self {
            rate,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
        }
    }
    /// DC-GAN's choice (Radford et al. 2016): rate 2e-4, β₁ 0.5.
    pub fn dcgan() -> Self {
        Self {
            beta_1: 0.5,
            ..Self::new(2e-4)
        }
    }
}

/// The optimizer of one module.
#[derive(Debug, Clone)]
pub struct Adam {
    config: AdamConfig,
    steps: u64,
    /// First and second moment of each parameter, flattened.
    moments: BTreeMap<String, [Tensor<1>; 2]>,
}

impl Adam {
    /// An optimizer that has seen no gradient yet.
    pub fn new(config: AdamConfig) -> Self {
        Self {
            config,
            steps: 0,
            moments: BTreeMap::new(),
        }
    }

    /// One step: moves each parameter of `module` that has a gradient. Of several, as of the terms of a loss, the sum counts.
    pub fn step<M: Module>(&mut self, module: M, gradients: &[Gradients]) -> M {
        self.step_where(module, gradients, |_| true)
    }

    /// [`Adam::step`] of those parameters alone whose dotted names are `wanted`: the others may have an optimizer of their own.
    pub fn step_where<M: Module>(
        &mut self,
        module: M,
        gradients: &[Gradients],
        wanted: impl Fn(&str) -> bool,
    ) -> M {
        // Counted before, as the correction of the first needs it, and not at all where nothing moves: an encoder that rests for a thousand
        // steps begins at its first step after them.
        self.steps += 1;
        let mut updater = Updater {
            adam: self,
            path: Path::default(),
            gradients,
            wanted: &wanted,
            moved: false,
        };
        let module = module.map(&mut updater);
        if !updater.moved {
            self.steps -= 1;
        }
        module
    }

    fn moved<const D: usize>(
        &mut self,
        name: String,
        value: Tensor<D>,
        gradient: Tensor<D>,
    ) -> Tensor<D> {
        let shape = value.dims();
        let len = [shape.iter().product::<usize>()];
        let gradient = gradient.reshape(len);
        let [first, second] = self
            .moments
            .remove(&name)
            .unwrap_or_else(|| [gradient.zeros_like(), gradient.zeros_like()]);
        let tensors = [value.reshape(len), gradient, first, second];
        let [value, first, second] = ops::adam_step(tensors, self.steps, &self.config);
        self.moments.insert(name, [first, second]);
        value.reshape(shape)
    }

    /// Adds the optimizer's tensors to `tensors`, their names behind `prefix`.
    pub fn collect(&self, prefix: &str, tensors: &mut Tensors) {
        // Two halves of a 64-bit count: f32 alone is exact to 2^24 only.
        let halves = [(self.steps >> 20) as f32, (self.steps & 0xf_ffff) as f32];
        tensors.insert(format!("{prefix}steps"), TensorData::from(halves));
        for (name, [first, second]) in &self.moments {
            tensors.insert(format!("{prefix}first.{name}"), first.to_data());
            tensors.insert(format!("{prefix}second.{name}"), second.to_data());
        }
    }

    /// Takes back what [`Adam::collect`] gave, for the parameters of `module`.
    pub fn restore<M: Module>(
        &mut self,
        module: &M,
        prefix: &str,
        tensors: &mut Tensors,
    ) -> Result<(), StateError> {
        let steps = state::take(tensors, &format!("{prefix}steps"), &[2])?;
        let mut halves = steps.iter::<f32>().map(|half| half as u64);
        self.steps = halves.next().unwrap_or(0) << 20 | halves.next().unwrap_or(0);
        let mut restorer = Restorer {
            path: Path::default(),
            prefix,
            tensors,
            found: Ok(Vec::new()),
        };
        module.visit(&mut restorer);
        self.moments = restorer.found?.into_iter().collect();
        Ok(())
    }
}

struct Updater<'a> {
    adam: &'a mut Adam,
    path: Path,
    gradients: &'a [Gradients],
    wanted: &'a dyn Fn(&str) -> bool,
    /// Whether any parameter was.
    moved: bool,
}

impl ModuleMapper for Updater<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }
    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        if !(self.wanted)(&name) {
            return param;
        }
        let value = param.val();
        let terms = self.gradients.iter();
        let sum = terms
            .filter_map(|gradients| value.grad(gradients))
            .reduce(Tensor::add);
        drop(value);
        let Some(gradient) = sum else {
            return param;
        };
        self.moved = true;
        param.map(|value| {
            let moved = self.adam.moved(name, value.inner(), gradient);
            Tensor::from_inner(moved).require_grad()
        })
    }
}

struct Restorer<'a> {
    path: Path,
    prefix: &'a str,
    tensors: &'a mut Tensors,
    found: Result<Vec<(String, [Tensor<1>; 2])>, StateError>,
}

impl ModuleVisitor for Restorer<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }
    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        let keys = ["first", "second"].map(|moment| format!("{}{moment}.{name}", self.prefix));
        // A parameter that never had a gradient (a frozen one, a running statistic) has no moments.
        if !self.tensors.contains_key(&keys[0]) {
            return;
        }
        let size = param.val().dims().iter().product();
        let device = param.val().device().without_autodiff();
        let mut load = |key: &str| {
            state::take(self.tensors, key, &[size]).map(|data| Tensor::from_data(data, &device))
        };
        let moments = load(&keys[0]).and_then(|first| Ok([first, load(&keys[1])?]));
        self.found = std::mem::replace(&mut self.found, Ok(Vec::new())).and_then(|mut found| {
            found.push((name, moments?));
            Ok(found)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{ConvConfig, Init};
    use burn::tensor::Device;

    #[test]
    fn a_step_without_a_gradient_does_not_count() {
        let device = Device::flex().autodiff();
        let conv = ConvConfig::new(2, 3, 1).init(&mut Init::new(0, &device));
        let mut adam = Adam::new(AdamConfig::new(1.0));
        let nothing = Tensor::<1>::ones([1], &device).require_grad();
        for _ in 0..1000 {
            let gradients = nothing.clone().sum().backward();
            adam.step(conv.clone(), &[gradients]);
        }
        assert_eq!(adam.steps, 0);
        let gradients = conv.weight.val().sum().backward();
        let moved = adam.step(conv.clone(), &[gradients]);
        // Corrected for its beginning, the first step is one whole rate.
        let step = (conv.weight.val() - moved.weight.val()).inner().into_data();
        assert!(step.iter::<f32>().all(|step| (step - 1.0).abs() < 1e-4));
    }

    #[test]
    fn restoring_forgets_what_was_before() {
        let device = Device::flex().autodiff();
        let conv = ConvConfig::new(2, 3, 1).init(&mut Init::new(0, &device));
        let mut fresh = Tensors::new();
        Adam::new(AdamConfig::dcgan()).collect("", &mut fresh);
        let mut adam = Adam::new(AdamConfig::dcgan());
        let gradients = conv.weight.val().square().sum().backward();
        let conv = adam.step(conv, &[gradients]);
        adam.restore(&conv, "", &mut fresh.clone()).unwrap();
        let mut found = Tensors::new();
        adam.collect("", &mut found);
        assert_eq!(found, fresh);
    }
}
