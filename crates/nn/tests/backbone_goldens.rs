//! Backbones against PyTorch and torchvision, as `conformance/backbones/make_goldens.py` wrote them beside this file: features in training
//! mode, running statistics behind it, and gradients of a sum of features.
//!
//! Of gradients through so many batch norms, a float32's rounding leaves less than of features, in PyTorch as here: the script says how
//! far PyTorch in float32 is from PyTorch in float64, by the measure used here, and we may be [`WORSE`] times as far.

#[path = "goldens/values.rs"]
mod values;

use std::{collections::BTreeMap, error::Error};

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Gradients, Tensor, TensorData},
};
use cavga_nn::{
    backbone::{Backbone, Kind},
    layers::{Init, Mode},
    state::{self, Tensors},
};
use serde::Deserialize;
use values::{Summary, Worst};

const LIMIT: f64 = 1e-4;
const WORSE: f64 = 4.0;
const SIZE: usize = 64;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    kind: Kind,
    output_stride: usize,
    /// Which images, of those fixed by name, are farthest from any kink.
    images: usize,
    /// How far PyTorch's gradients in float32 are off.
    float32: f64,
    shape: [usize; 4],
    features: Summary,
    gradients: BTreeMap<String, Summary>,
    running: BTreeMap<String, Summary>,
}

/// A tensor's value: as the script's `value`, which says why batch norms are as they are.
fn value(name: &str, shape: &[usize]) -> TensorData {
    let scaled = |scale, shift| values::tensor(name, shape, scale, shift);
    let plain = name.starts_with("squeezenet");
    let resnet = name.starts_with("resnet") || name.starts_with("wide");
    match shape {
        [_] if name.ends_with("running_var") => scaled(0.5, 1.0),
        [_] if name.ends_with("running_mean") => scaled(0.1, 0.0),
        [_] if plain => scaled(0.1, 0.0),
        [_] if name.ends_with("weight") => scaled(0.05, 0.25),
        [count] => {
            // In f64, and only then rounded, as the script adds.
            let near = scaled(0.1, 0.0);
            let near = near.iter::<f32>().map(f64::from);
            let shift = |side: f64| match side {
                _ if resnet && !name.ends_with("bn1.bias") => 1.5,
                _ if resnet => [1.5, -1.5][usize::from(side < -0.5)],
                _ if name.ends_with("bn2.bias") => 0.0,
                side if side < -0.7 => -1.5,
                side if side < 0.0 => 1.5,
                side if side < 0.7 => 4.5,
                _ => 7.5,
            };
            let values = near.map(|near| (near + shift(10.0 * near)) as f32);
            TensorData::new(values.collect::<Vec<f32>>(), [*count])
        }
        _ => {
            let inputs: usize = shape[1..].iter().product();
            scaled((6.0 / inputs as f64).sqrt(), 0.0)
        }
    }
}

/// Collects gradients by name.
struct Collect<'a> {
    path: Vec<String>,
    tape: &'a Gradients,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.push(name.to_owned());
        }
    }
    fn exit_module(&mut self, _: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.pop();
        }
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.tape) {
            let values = gradient.into_data().iter::<f32>().collect();
            self.found.insert(self.path.join("."), values);
        }
    }
}

fn compare(case: &Case) -> Result<(), Box<dyn Error>> {
    let device = Device::flex().autodiff();
    let network = Backbone::new(case.kind, case.output_stride, &mut Init::new(0, &device));
    let shapes = state::shapes(&network, "");
    let tensors: Tensors = shapes
        .into_iter()
        .map(|(name, shape)| {
            let value = value(&format!("{}.{name}", case.kind.name()), &shape);
            (name, value)
        })
        .collect();
    let network = network.with_weights(tensors)?;
    let name = format!("{}images{}", case.name, case.images);
    let images = values::tensor(&name, &[2, 3, SIZE, SIZE], 0.5, 0.5);
    let features = network.forward(Tensor::from_data(images, &device), Mode::Train);
    assert_eq!(features.dims(), case.shape, "{}", case.name);
    let factors = values::tensor(&format!("{}loss", case.name), &case.shape, 1.0, 0.0);
    let loss = (features.clone() * Tensor::from_data(factors, &device)).sum();
    let found: Vec<f32> = features.into_data().iter::<f32>().collect();
    let (mut features, mut gradients) = (Worst::default(), Worst::default());
    let place = |what: &str| format!("{}{what}", case.name);
    features.add(place("features"), case.features.error("features", &found));
    let tape = loss.backward();
    let mut collect = Collect {
        path: Vec::new(),
        tape: &tape,
        found: BTreeMap::new(),
    };
    network.visit(&mut collect);
    for (name, expected) in &case.gradients {
        let found = collect.found.get(name).ok_or(name.as_str())?;
        gradients.add(place(name), expected.error(name, found));
    }
    let mut tensors = Tensors::new();
    state::collect(&network, "", &mut tensors);
    for (name, expected) in &case.running {
        let found: Vec<f32> = tensors[name].iter::<f32>().collect();
        features.add(place(name), expected.error(name, &found));
    }
    features.assert_within(LIMIT);
    gradients.assert_within(LIMIT.max(WORSE * case.float32));
    Ok(())
}

#[test]
fn features_statistics_and_gradients_are_pytorchs() -> Result<(), Box<dyn Error>> {
    let goldens: Goldens = serde_json::from_str(include_str!("goldens/backbones.json"))?;
    assert!(!goldens.cases.is_empty());
    goldens.cases.iter().try_for_each(compare)
}
