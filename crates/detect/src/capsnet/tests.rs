//! Against `conformance/capsules/make_goldens.py`, and the classes that are refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use burn::tensor::Device;
use serde::Deserialize;

use super::*;
use crate::{
    Batch, Pretrained,
    goldens::{
        tensors::{Summaries, compare, fill, gradients, weight},
        values::{Summary, Worst, tensor},
    },
    recipe::Recipe,
};

const LIMIT: f64 = 1e-4;
const IMAGES: usize = 4;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: CapsnetConfig,
    size: [usize; 2],
    /// None for a single class.
    classes: Vec<u8>,
    images: String,
    losses: BTreeMap<String, f64>,
    capsules: Summary,
    gradients: Summaries,
    scores: Summaries,
    residual: Summary,
}

impl Case {
    fn network(&self, evidence: Evidence, device: &Device) -> Capsnet {
        let by = self.config.by(evidence);
        let network = Capsnet::new(&by, self.size, &mut Init::new(0, device)).unwrap();
        fill(network, "", |name, shape| weight(name, shape, 0.0)).unwrap()
    }

    fn images(&self, device: &Device) -> Tensor<4> {
        let shape = [IMAGES, 3, self.size[0], self.size[1]];
        Tensor::from_data(tensor(&self.images, &shape, 0.5, 0.5), device)
    }
}

fn cases() -> Vec<Case> {
    let goldens: Goldens = serde_json::from_str(include_str!("goldens.json")).unwrap();
    goldens.cases
}

#[test]
fn capsules_losses_and_all_gradients_are_pytorchs() {
    let mut worst = Worst::default();
    for case in cases() {
        let device = Device::flex().autodiff();
        let network = case.network(Evidence::Prediction, &device);
        let images = case.images(&device);
        let capsules = network.network.capsules(network.inside(images.clone()));
        let error = case.capsules.error("capsules", &ops::values(capsules));
        worst.add(format!("{}: capsules", case.name), error);
        let lesson = Lesson::of(images, case.classes.clone());
        let losses = network.losses(&lesson).unwrap();
        for (name, loss) in &losses {
            let expected = case.losses[*name];
            let found = f64::from(loss.clone().into_scalar::<f32>());
            let error = (found - expected).abs() / expected.max(1e-9);
            worst.add(format!("{}: {name}", case.name), error);
        }
        let found = gradients(&network, &losses[0].1.backward());
        compare(
            &case.name,
            "",
            &case.gradients,
            found,
            &mut worst,
            |_, _| 1.0,
        );
    }
    worst.assert_within(LIMIT);
}

#[test]
fn scores_and_maps_are_pytorchs_and_each_methods_own_comes_first() {
    let mut worst = Worst::default();
    for case in cases() {
        let device = Device::flex();
        for (evidence, own) in [
            (Evidence::Prediction, "one-minus-capsule-length"),
            (Evidence::Reconstruction, "relative-squared-error"),
        ] {
            let network = case.network(evidence, &device);
            let scores = network.score(case.images(&device), None).unwrap();
            assert_eq!(scores.images[0].name, own);
            for (name, expected) in &case.scores {
                let found = scores
                    .images
                    .iter()
                    .find(|score| score.name == name)
                    .unwrap();
                let error = expected.error(name, &found.values);
                worst.add(format!("{}: {name}", case.name), error);
            }
            let map = ops::values(scores.maps[0].values.clone());
            let error = case.residual.error("residual", &map);
            worst.add(format!("{}: residual", case.name), error);
        }
    }
    worst.assert_within(LIMIT);
}

/// What a learner of so many classes says of two images of these.
fn observed(classes: usize, of: &[u8]) -> Result<()> {
    let config = CapsnetConfig {
        classes,
        ..CapsnetConfig::tiny()
    };
    let known = Pretrained::default();
    let device = Device::flex();
    let by = config.by(Evidence::Prediction);
    let mut learner = by.learner([20, 20], 1, &known, &device)?;
    let batch = Batch {
        images: Tensor::full([2, 3, 20, 20], 0.4, &device),
        valid: None,
        anomalous: vec![false; 2],
        classes: of.to_vec(),
        numbers: Vec::new(),
        step: 0,
        pass: 0,
    };
    learner.observe(&batch).map(|_| ())
}

#[test]
fn classes_that_do_not_fit_are_refused() {
    observed(1, &[]).unwrap();
    observed(3, &[2, 0]).unwrap();
    for (classes, of, expected) in [
        (3, vec![], "1, as"),
        (3, vec![0, 3], "at least 4"),
        (2, vec![2, 0], "at least 3"),
    ] {
        match observed(classes, &of) {
            Err(Error::Config {
                key,
                expected: told,
                ..
            }) => {
                assert_eq!(key, "classes");
                assert!(told.starts_with(expected), "{told}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_key() {
    let of = |change: fn(&mut CapsnetConfig)| {
        let mut config = CapsnetConfig::default();
        change(&mut config);
        match config.check() {
            Err(Error::Config { key, .. }) => key,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(of(|c| c.side = 16), "side");
    assert_eq!(of(|c| c.classes = 0), "classes");
    assert_eq!(of(|c| c.routing = 0), "routing");
    assert_eq!(of(|c| c.width = 0), "width");
    assert_eq!(of(|c| (c.side, c.decoder[1]) = (512, 2048)), "side");
    assert_eq!(of(|c| (c.width, c.capsules) = (16384, 2048)), "width");
    assert_eq!(of(|c| (c.side, c.classes) = (256, 256)), "capsules");
    assert_eq!(of(|c| c.reconstruction = f64::NAN), "reconstruction");
}
