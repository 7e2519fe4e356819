//! ADVAE against PyTorch: `conformance/advae/make_goldens.py` computed what is expected here.

use std::collections::BTreeMap;

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use cavga_detect::advae::{Advae, AdvaeConfig, EncoderForm};
use cavga_nn::layers::Init;
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
    form: EncoderForm,
    side: usize,
    stage: usize,
    beta: f64,
    /// The name that its images are drawn by.
    images: String,
    losses: BTreeMap<String, f64>,
    logits: Summary,
    gradients: Summaries,
    mu: Summary,
    attention: Summary,
}

impl Case {
    fn network(&self, device: &Device) -> Result<Advae> {
        let config = AdvaeConfig {
            stage: self.stage,
            beta: self.beta,
            ..AdvaeConfig::tiny(self.form)
        };
        let network = Advae::new(&config, [self.side; 2], &mut Init::new(0, device))?;
        fill(network, "advae.", [0.0; 2])
    }

    fn images(&self, device: &Device) -> Tensor<4> {
        let shape = [BATCH, 3, self.side, self.side];
        Tensor::from_data(values::tensor(&self.images, &shape, 0.5, 0.5), device)
    }
}

fn noise(shape: [usize; 4]) -> TensorData {
    values::tensor("noise", &shape, 3_f64.sqrt(), 0.0)
}

#[test]
fn advaes_losses_gradients_and_attention_are_pytorchs() -> Result<()> {
    let goldens: Goldens = serde_json::from_str(include_str!("advae.json"))?;
    let device = Device::flex().autodiff();
    let mut worst = Worst::default();
    for case in goldens.cases {
        let network = case.network(&device)?;
        let images = case.images(&device);
        let mut place = |what: &str, error| worst.add(format!("{}: {what}", case.name), error);
        let draw = |shape| Tensor::from_data(noise(shape), &device);
        let (latent, logits) = network.forward(images.clone(), draw);
        place("logits", case.logits.error("logits", &vec(logits.clone())));
        let found = network.objective(&latent, logits, images.clone(), None);
        assert_eq!(found.len(), case.losses.len());
        for (name, loss) in &found {
            let expected = case.losses[*name];
            place(name, (value(loss) - expected).abs() / expected.abs());
        }
        // By the statistics that the pass moved.
        let look = network.clone().no_grad().look(images)?;
        place("mu", case.mu.error("mu", &vec(look.latent.mu)));
        let attention = vec(look.attention);
        place("attention", case.attention.error("attention", &attention));
        let tape = found[0].1.backward();
        let found = gradients(&network, &tape);
        compare(&case.name, "total/", &case.gradients, found, &mut worst);
    }
    worst.assert_within(LIMIT);
    Ok(())
}
