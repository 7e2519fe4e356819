//! The plain autoencoders against PyTorch: `conformance/autoencoders/make_goldens.py` computed what is expected here.
//!
//! Gradients are read off Adam's first moment after one step, which is a tenth of them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "../../nn/tests/goldens/values.rs"]
mod values;

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use cavga_detect::{Batch, Learner, Method, Pretrained, Tensors};
use cavga_nn::random::{self, Stream};
use serde::Deserialize;
use values::{Summary, Worst};

const LIMIT: f64 = 1e-4;

#[derive(Deserialize)]
struct Goldens {
    size: [usize; 2],
    noise: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    method: Method,
    losses: BTreeMap<String, f64>,
    gradients: BTreeMap<String, Summary>,
    scores: BTreeMap<String, Vec<f32>>,
    maps: BTreeMap<String, Summary>,
    /// The level at which the projection stops.
    level: Option<f32>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("goldens/autoencoders.json")).unwrap()
}

fn images([height, width]: [usize; 2]) -> Tensor<4> {
    let data = values::tensor("images", &[2, 3, height, width], 0.5, 0.5);
    Tensor::from_data(data, &Device::flex())
}

/// The values that the script gives a tensor.
fn filled(case: &Case, name: &str, shape: &[usize]) -> TensorData {
    match name {
        "normal" => TensorData::from([case.level.unwrap_or_default()]),
        "gamma" => values::tensor(name, shape, 0.01, -0.02),
        _ if shape.len() == 1 => values::tensor(name, shape, 0.1, 0.0),
        _ => {
            let fan_in: usize = shape[1..].iter().product();
            values::tensor(name, shape, (3.0 / fan_in as f64).sqrt(), 0.0)
        }
    }
}

/// A learner of a case with the script's weights, and these.
fn learner(case: &Case, size: [usize; 2]) -> (Box<dyn Learner>, Tensors) {
    let known = Pretrained::default();
    let device = Device::flex();
    let mut learner = case.method.learner(size, 0, &known, &device).unwrap();
    let mut weights = Tensors::new();
    let mut state = learner.state().unwrap().unwrap();
    for (name, data) in &mut state {
        if let Some(name) = name.strip_prefix("network.") {
            *data = filled(case, name, data.shape());
            weights.insert(name.to_owned(), data.clone());
        }
    }
    learner.restore(state).unwrap();
    (learner, weights)
}

#[test]
fn every_loss_and_every_gradient_is_pytorchs() {
    let Goldens { size, noise, cases } = goldens();
    let mut generator = random::generator(0, Stream::Latent, 0);
    let drawn = random::normal([2, noise.len() / 2, 1, 1], &mut generator, &Device::flex());
    assert_eq!(drawn.into_data().iter::<f32>().collect::<Vec<_>>(), noise);
    let mut worst = Worst::default();
    for case in &cases {
        let (mut learner, _) = learner(case, size);
        let batch = Batch {
            images: images(size),
            valid: None,
            anomalous: vec![false; 2],
            classes: Vec::new(),
            numbers: Vec::new(),
            step: 0,
            pass: 0,
        };
        let losses = learner.observe(&batch).unwrap();
        assert_eq!(losses.len(), case.losses.len(), "{}", case.name);
        for (name, loss) in losses {
            let expected = case.losses[name];
            let error = (loss - expected).abs() / expected.abs();
            worst.add(format!("{}: {name}", case.name), error);
        }
        let state = learner.state().unwrap().unwrap();
        for (name, expected) in &case.gradients {
            let moment = &state[&format!("adam.first.{name}")];
            let gradient: Vec<f32> = moment.iter::<f32>().map(|first| first * 10.0).collect();
            worst.add(
                format!("{}: {name}", case.name),
                expected.error(name, &gradient),
            );
        }
    }
    worst.assert_within(LIMIT);
}

#[test]
fn every_score_and_every_map_is_pytorchs() {
    let Goldens { size, cases, .. } = goldens();
    let mut worst = Worst::default();
    for case in &cases {
        let (_, weights) = learner(case, size);
        let detector = case
            .method
            .detector(size, weights, &Device::flex())
            .unwrap();
        let scores = detector.score(images(size), None).unwrap();
        for (name, expected) in &case.scores {
            let found = scores.images.iter().find(|found| found.name == name);
            for (found, expected) in found.unwrap().values.iter().zip(expected) {
                let error = f64::from((found - expected).abs() / expected.abs());
                worst.add(format!("{}: {name}", case.name), error);
            }
        }
        for (name, expected) in &case.maps {
            let found = scores.maps.iter().find(|found| found.name == name);
            let found: Vec<f32> = found.unwrap().values.to_data().iter::<f32>().collect();
            worst.add(
                format!("{}: map {name}", case.name),
                expected.error(name, &found),
            );
        }
    }
    worst.assert_within(LIMIT);
}
