//! Names, optimizer and barrier against PyTorch and torchvision, as `conformance/cavga/make_goldens.py` wrote them beside this file.

#[path = "goldens/values.rs"]
#[expect(
    dead_code,
    reason = "the summaries of large tensors are for cavga-detect's goldens"
)]
mod values;

use std::{collections::BTreeMap, error::Error};

use burn::{
    module::Param,
    tensor::{Device, Tensor},
};
use cavga_nn::{
    adam::{Adam, AdamConfig},
    backbone::{Backbone, Kind},
    layers::{Conv2d, ConvConfig, Init},
    losses::{self, Expansion},
    state::{self, Tensors},
};
use serde::Deserialize;
use values::Worst;

const LIMIT: f64 = 1e-5;

#[derive(Deserialize)]
struct Goldens {
    resnet18: Vec<String>,
    adam: Vec<AdamCase>,
    barrier: Vec<BarrierCase>,
}

#[derive(Deserialize)]
struct AdamCase {
    rate: f64,
    beta_1: f64,
    beta_2: f64,
    /// The values after each step.
    steps: Vec<BTreeMap<String, Vec<f64>>>,
}

#[derive(Deserialize)]
struct BarrierCase {
    level: f64,
    loss: f64,
    gradient: f64,
}

fn goldens() -> serde_json::Result<Goldens> {
    serde_json::from_str(include_str!("goldens/nn.json"))
}

#[test]
fn resnet_18s_tensors_are_called_as_torchvisions() -> Result<(), Box<dyn Error>> {
    let mut expected = goldens()?.resnet18;
    expected.sort();
    for output_stride in [32, 16, 8] {
        let mut tensors = Tensors::new();
        let network = Backbone::new(
            Kind::Resnet18,
            output_stride,
            &mut Init::new(0, &Device::flex()),
        );
        state::collect(&network, "", &mut tensors);
        // Sorted already, as a map's keys are.
        let found: Vec<String> = tensors.into_keys().collect();
        assert_eq!(found, expected, "output stride {output_stride}");
    }
    Ok(())
}

/// A module with a weight of `[3, 2, 2, 2]` and a bias, at the script's values.
fn parameters(device: &Device) -> Conv2d {
    let mut conv = ConvConfig::new(2, 3, 2)
        .bias()
        .init(&mut Init::new(0, device));
    let value = |name: &str, shape: &[usize]| values::tensor(name, shape, 1.0, 0.0);
    conv.weight = Param::from_data(value("adam.weight", &[3, 2, 2, 2]), device);
    conv.bias = Some(Param::from_data(value("adam.bias", &[3]), device));
    conv
}

/// A loss whose gradient is the script's at `step`.
fn loss(conv: &Conv2d, step: usize, device: &Device) -> Tensor<1> {
    let scale = [1.0, 0.01, 0.0001][step];
    let gradient = |name: &str, shape: &[usize]| {
        values::tensor(&format!("adam.{name}/{step}"), shape, scale, 0.0)
    };
    let weight = Tensor::<4>::from_data(gradient("weight", &[3, 2, 2, 2]), device);
    let bias = Tensor::<1>::from_data(gradient("bias", &[3]), device);
    let loss = (conv.weight.val() * weight).sum();
    match &conv.bias {
        Some(param) => loss + (param.val() * bias).sum(),
        None => loss,
    }
}

#[test]
fn three_steps_of_adam_are_torchs() -> Result<(), Box<dyn Error>> {
    let device = Device::flex().autodiff();
    let mut worst = Worst::default();
    for case in goldens()?.adam {
        let config = AdamConfig {
            beta_1: case.beta_1,
            beta_2: case.beta_2,
            ..AdamConfig::new(case.rate)
        };
        let mut adam = Adam::new(config);
        let mut conv = parameters(&device);
        let mut start = Tensors::new();
        state::collect(&conv, "", &mut start);
        for (step, expected) in case.steps.iter().enumerate() {
            let gradients = loss(&conv, step, &device).backward();
            conv = adam.step(conv, &[gradients]);
            let mut found = Tensors::new();
            state::collect(&conv, "", &mut found);
            assert_eq!(found.len(), expected.len());
            for (name, data) in &found {
                for (index, value) in data.iter::<f32>().enumerate() {
                    // Beside the values, which are below 1: one rounding to f32 is 6e-8.
                    let error = (f64::from(value) - expected[name][index]).abs();
                    let place = format!("{name}[{index}] after step {step}");
                    worst.add(place, error / case.rate * 1e-2);
                }
            }
            assert_ne!(found, start);
        }
    }
    worst.assert_within(LIMIT);
    Ok(())
}

#[test]
fn the_extended_barrier_and_its_gradient_are_the_papers() -> Result<(), Box<dyn Error>> {
    let device = Device::flex().autodiff();
    let mut worst = Worst::default();
    for case in goldens()?.barrier {
        let data = values::tensor("barrier", &[1, 1, 2, 2], 0.02, case.level);
        let attention = Tensor::<4>::from_data(data, &device).require_grad();
        let loss = losses::attention_expansion(attention.clone(), Expansion::Barrier);
        let found = f64::from(loss.clone().into_scalar::<f32>());
        let gradients = loss.backward();
        let gradient = attention.grad(&gradients).ok_or("no gradient")?;
        let place = |what: &str| format!("{what} at a mean of about {}", case.level);
        worst.add(place("loss"), (found - case.loss).abs() / case.loss.abs());
        for value in gradient.into_data().iter::<f32>() {
            let error = (f64::from(value) - case.gradient).abs() / case.gradient.abs();
            worst.add(place("gradient"), error);
        }
    }
    worst.assert_within(LIMIT);
    Ok(())
}
