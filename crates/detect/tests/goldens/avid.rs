//! AVID against PyTorch: `conformance/avid/make_goldens.py` computed what is expected here.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use cavga_detect::{
    Detector, Method,
    avid::{Avid, AvidConfig},
};
use cavga_nn::{
    layers::Init,
    state::{self, Tensors},
};
use serde::Deserialize;

use crate::{
    LIMIT,
    case::{Result, compare, fill},
    tensors::{Summaries, gradients},
    value,
    values::{self, Summary, Worst},
    vec,
};

const BATCH: usize = 2;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    conditional: bool,
    /// Of the L1 loss.
    weight: f64,
    side: usize,
    noise: f64,
    /// The name that its images are drawn by.
    images: String,
    losses: BTreeMap<String, f64>,
    inpainted: Summary,
    gradients: Summaries,
    detector_gradients: Summaries,
    maps: Summaries,
}

impl Case {
    fn config(&self) -> AvidConfig {
        AvidConfig {
            conditional: self.conditional,
            ..AvidConfig::tiny()
        }
    }

    fn network(&self, device: &Device) -> Result<Avid> {
        let network = Avid::new(&self.config(), [self.side; 2], &mut Init::new(0, device))?;
        fill(network, "avid.", [0.0; 2])
    }

    fn drawn(&self, name: &str, [scale, shift]: [f64; 2], device: &Device) -> Tensor<4> {
        let shape = [BATCH, 3, self.side, self.side];
        Tensor::from_data(values::tensor(name, &shape, scale, shift), device)
    }

    fn detector(&self, network: &Avid) -> Result<Box<dyn Detector>> {
        let mut tensors = Tensors::new();
        state::collect(network, "", &mut tensors);
        let method = Method::Avid(self.config());
        Ok(method.detector([self.side; 2], tensors, &Device::flex())?)
    }
}

#[test]
fn avids_losses_gradients_and_maps_are_pytorchs() -> Result<()> {
    let goldens: Goldens = serde_json::from_str(include_str!("avid.json"))?;
    let device = Device::flex().autodiff();
    let mut worst = Worst::default();
    for case in goldens.cases {
        let network = case.network(&device)?;
        let images = case.drawn(&case.images, [0.5; 2], &device);
        let noise = case.drawn("noise", [3_f64.sqrt(), 0.0], &device);
        let noisy = images.clone() + noise.mul_scalar(case.noise / 2.0);
        let inpainted = network.inpaint(noisy.clone());
        let off_tape = inpainted.clone().detach();
        let detector = network.detector_loss(images.clone(), off_tape, noisy.clone());
        let adversarial = network.adversarial_loss(inpainted.clone(), noisy).mean();
        let error = (images.clone() - inpainted.clone()).abs().mean();
        let reconstruction = error.mul_scalar(2.0);
        let total = adversarial.clone() + reconstruction.clone().mul_scalar(case.weight);
        let (detector, mut place) = (detector.mean(), |what: &str, error| {
            worst.add(format!("{}: {what}", case.name), error);
        });
        place(
            "inpainted",
            case.inpainted.error("inpainted", &vec(inpainted)),
        );
        for (name, loss) in [
            ("total", &total),
            ("adversarial", &adversarial),
            ("reconstruction", &reconstruction),
            ("detector", &detector),
        ] {
            let expected = case.losses[name];
            place(name, (value(loss) - expected).abs() / expected.abs());
        }
        // By the statistics that the passes moved.
        let scores = case.detector(&network)?.score(images.inner(), None)?;
        for (name, expected) in &case.maps {
            let map = scores.maps.iter().find(|map| map.name == name);
            let map = map.ok_or("no such map")?.values.clone();
            place(name, expected.error(name, &vec(map)));
        }
        for (loss, expected) in [
            (total, &case.gradients),
            (detector, &case.detector_gradients),
        ] {
            let found = gradients(&network, &loss.backward());
            compare(&case.name, "total/", expected, found, &mut worst);
        }
    }
    worst.assert_within(LIMIT);
    Ok(())
}
