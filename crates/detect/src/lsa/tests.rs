//! Against `conformance/latent_space_autoregression/make_goldens.py`.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use burn::tensor::Device;
use cavga_nn::layers::Init;
use serde::Deserialize;

use super::*;
use crate::goldens::{
    tensors::{Summaries, compare, fill, gradients, weight},
    values::{Summary, Worst, tensor},
};

const LIMIT: f64 = 1e-4;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: LsaConfig,
    size: [usize; 2],
    images: String,
    losses: BTreeMap<String, f64>,
    code: Summary,
    logits: Summary,
    squares: Summary,
    gradients: Summaries,
    surprisal_gradients: Summaries,
    scores: Summaries,
}

impl Case {
    fn network(&self, device: &Device) -> Lsa {
        let network = Lsa::new(&self.config, self.size, &mut Init::new(0, device)).unwrap();
        // The range is none of the script's: that of before it is known.
        let values = |name: &str, shape: &[usize]| match name {
            "range" => vec![0_f32, 1.0, 0.0, 1.0].as_slice().into(),
            _ => weight(name, shape, 0.0),
        };
        fill(network, "", values).unwrap()
    }

    fn images(&self, device: &Device) -> Tensor<4> {
        let shape = [5, 3, self.size[0], self.size[1]];
        Tensor::from_data(tensor(&self.images, &shape, 0.5, 0.5), device)
    }
}

fn cases() -> Vec<Case> {
    let goldens: Goldens = serde_json::from_str(include_str!("goldens.json")).unwrap();
    goldens.cases
}

#[test]
fn codes_logits_errors_losses_and_all_gradients_are_pytorchs() {
    let mut worst = Worst::default();
    for case in cases() {
        let device = Device::flex().autodiff();
        let network = case.network(&device);
        let images = case.images(&device);
        let seen = match network.is_grey {
            true => images.clone().mean_dim(1),
            false => images.clone(),
        };
        let code = network.encoder.forward(seen, Mode::Look);
        let mut place = |what: &str, error| worst.add(format!("{}: {what}", case.name), error);
        place("code", case.code.error("code", &ops::values(code.clone())));
        let logits = ops::values(network.estimator.forward(code));
        place("logits", case.logits.error("logits", &logits));
        let squares = network.pass(images.clone(), Mode::Look).difference.square();
        place(
            "squares",
            case.squares.error("squares", &ops::values(squares)),
        );
        let losses = network
            .losses(&Lesson::of(images.clone(), Vec::new()))
            .unwrap();
        for (name, loss) in &losses {
            let expected = case.losses[*name];
            let found = f64::from(loss.clone().into_scalar::<f32>());
            place(name, (found - expected).abs() / expected);
        }
        let (_, total) = losses.into_iter().next().unwrap();
        let surprisal = network.pass(images, Mode::Look).surprisal.mean();
        for (prefix, loss, expected) in [
            ("", total, &case.gradients),
            ("surprisal/", surprisal, &case.surprisal_gradients),
        ] {
            let found = gradients(&network, &loss.backward());
            let largest = expected
                .values()
                .fold(0.0, |most: f64, one| most.max(one.max));
            // Batch norm takes a shift away again, and the size of a single weight: what is found is the rounding of sums that cancel.
            let scale = |name: &str, summary: &Summary| match name {
                "encoder.down.0.conv2a.weight" => (summary.max / largest).min(1.0),
                name if name.ends_with(".linear.bias") => (summary.max / largest).min(1.0),
                _ => 1.0,
            };
            compare(&case.name, prefix, expected, found, &mut worst, scale);
        }
    }
    worst.assert_within(LIMIT);
}

#[test]
fn the_surprisals_gradient_reaches_the_encoder_and_not_the_decoder() {
    for case in cases() {
        let names: Vec<&String> = case.surprisal_gradients.keys().collect();
        assert!(names.iter().any(|name| name.starts_with("encoder.down.0")));
        assert!(!names.iter().any(|name| name.starts_with("decoder.")));
    }
}

#[test]
fn scores_by_running_statistics_are_pytorchs() {
    let mut worst = Worst::default();
    for mut case in cases() {
        let device = Device::flex();
        let network = case.network(&device.clone().autodiff());
        network.pass(case.images(&device.clone().autodiff()), Mode::Train);
        let scores = network.score(case.images(&device), None).unwrap();
        for score in scores.images {
            if let Some(expected) = case.scores.remove(score.name) {
                let error = expected.error(score.name, &score.values);
                worst.add(format!("{}: {}", case.name, score.name), error);
            }
        }
        assert!(case.scores.is_empty());
    }
    worst.assert_within(LIMIT);
}

/// A batch of them.
fn held_out(images: Tensor<4>) -> Batch {
    let [count, ..] = images.dims();
    Batch {
        images,
        valid: None,
        anomalous: vec![false; count],
        classes: Vec::new(),
        numbers: Vec::new(),
        step: 0,
        pass: 0,
    }
}

#[test]
fn novelty_is_0_for_the_least_and_1_more_for_the_largest_of_each_on_held_out_images() {
    let case = cases().swap_remove(0);
    let device = Device::flex();
    let images = case.images(&device);
    let network = case.network(&device);
    let mut batches = (0..5).map(|at| Ok(held_out(images.clone().narrow(0, at, 1))));
    let network = network.fit(&mut batches).unwrap();
    let scores = network.score(images, None).unwrap().images;
    let share = |values: &[f32]| {
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let share = values.iter().map(|value| (value - least) / (most - least));
        share.collect::<Vec<_>>()
    };
    let [novelty, surprisal, reconstruction] = [0, 1, 2].map(|at| &scores[at].values);
    let sums = share(surprisal).into_iter().zip(share(reconstruction));
    for (novelty, (a, b)) in novelty.iter().zip(sums) {
        assert!((novelty - a - b).abs() < 1e-4, "{novelty} {a} {b}");
    }
}

#[test]
fn one_held_out_image_gives_finite_novelties() {
    let case = cases().swap_remove(1);
    let device = Device::flex();
    let images = case.images(&device);
    let network = case.network(&device);
    let one = images.clone().narrow(0, 0, 1);
    let network = network
        .fit(&mut std::iter::once(Ok(held_out(one))))
        .unwrap();
    let scores = network.score(images, None).unwrap().images;
    assert!(scores[0].values[0].abs() < 1e-2);
    assert!(scores[0].values.iter().all(|value| value.is_finite()));
}
