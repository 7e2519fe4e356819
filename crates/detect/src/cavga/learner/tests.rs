//! The adversary's push against the literal objective, whose gradient goes through the discriminator on one tape.

use burn::tensor::{TensorData, activation};

use super::*;
use crate::PAINT;
use crate::cavga::{Parts, Reduction, Supervision};

const STEP: u64 = 3;

fn learner(parts: Parts, config: &CavgaConfig) -> CavgaLearner {
    let supervision = Supervision::Unsupervised;
    let (variant, known) = (Variant { parts, supervision }, Pretrained::default());
    CavgaLearner::new(variant, config, [64, 64], 7, &known, &Device::flex()).unwrap()
}

fn labels() -> Labels {
    Labels::new(&[false; 3], 3).unwrap()
}

/// Images, of which all counts or, `in_part`, columns 20 to 50 without a corner.
fn batch(in_part: bool) -> Batch {
    let mut generator = random::generator(1, Stream::Latent, 0);
    let images = random::normal([3, 3, 64, 64], &mut generator, &Device::flex());
    let images = activation::sigmoid(images);
    let valid = in_part.then(|| {
        let zeros = Tensor::<4>::zeros([3, 1, 64, 64], &Device::flex());
        let strip = zeros.slice_fill([0..3, 0..1, 0..64, 20..50], 1.0);
        strip.slice_fill([1..2, 0..1, 0..30, 20..40], 0.0)
    });
    let painted = |valid: Tensor<4>| Part::new(valid).painted(images.clone(), PAINT);
    Batch {
        images: valid.clone().map_or(images.clone(), painted),
        valid,
        anomalous: vec![false; 3],
        classes: Vec::new(),
        numbers: Vec::new(),
        step: STEP,
        pass: 0,
    }
}

/// L + L_adv + 0.01·L_ae with x̂ given by `logits`, all on one tape.
fn literal(
    learner: &CavgaLearner,
    forward: &Forward,
    logits: Tensor<4>,
    images: Tensor<4>,
) -> Objective {
    let reconstruction = activation::sigmoid(logits.clone());
    let noise = learner.instance_noise(&reconstruction, Stream::InstanceFake, STEP);
    let seen = seen(forward.painted(reconstruction.clone()), &noise);
    let judge = learner.discriminator.clone().no_grad();
    let fake = judge.forward(seen, Mode::Train);
    let forward = Forward {
        logits,
        reconstruction,
        ..forward.clone()
    };
    Objective::new(&forward, images, &labels(), Some(fake), &learner.config)
}

/// What [`CavgaLearner::observe`] does, with the literal objective descended.
fn observe_literally(learner: &mut CavgaLearner, batch: Batch) {
    let images = Tensor::from_inner(batch.images);
    let seen = learner.see(images.clone(), 0, Mode::Train);
    let forward = learner.forward(&seen, &labels(), STEP).unwrap();
    let forward = forward.with_valid(batch.valid.map(Tensor::from_inner), &labels());
    let noise = learner.instance_noise(&images, Stream::InstanceFake, STEP);
    learner
        .step_discriminator(images.clone(), &forward, &noise, STEP)
        .unwrap();
    let objective = literal(learner, &forward, forward.logits.clone(), images);
    learner.step(&[objective.total(&learner.config).backward()]);
}

fn floats(data: &TensorData) -> Vec<f64> {
    data.iter::<f64>().collect()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, value| value.abs().max(most))
}

/// Parameters within 1e-5; gradients, which Adam's first moments are after one step, within 1e-4 of the tensor's largest.
fn assert_same_step(ours: &CavgaLearner, literal: &CavgaLearner, what: &str) {
    let (ours, literal) = (
        ours.state().unwrap().unwrap(),
        literal.state().unwrap().unwrap(),
    );
    let is_gradient =
        |name: &str| name.starts_with("adam.vae.first.") || name.starts_with("adam.encoder.first.");
    let gradients = literal.iter().filter(|(name, _)| is_gradient(name));
    let of_all = gradients.fold(0.0, |most: f64, (_, data)| most.max(largest(&floats(data))));
    assert!(of_all > 0.0, "{what}: no gradient");
    for (name, literal) in &literal {
        let limit = match name.as_str() {
            // Where terms cancel, what is left is rounding: to be seen beside the other tensors'.
            name if is_gradient(name) => 1e-4 * largest(&floats(literal)).max(1e-3 * of_all),
            name if name.starts_with("vae.") => 1e-5,
            _ => continue,
        };
        for (ours, literal) in floats(&ours[name]).iter().zip(floats(literal)) {
            let error = (ours - literal).abs();
            assert!(
                error <= limit,
                "{what}: {name}: {ours} instead of {literal}"
            );
        }
    }
}

#[test]
fn a_step_descends_the_literal_objective_but_for_the_factor() {
    let mut config = CavgaConfig::tiny();
    // Adam's first step is nearly a sign, which would make a whole step of rounding where terms cancel.
    config.adam.epsilon = 1e-4;
    for (parts, limit, saturating, in_part) in [
        (Parts::Dcgan, 0.0, false, false),
        (Parts::Dcgan, 0.0, true, false),
        (Parts::Dcgan, 0.01, false, false),
        (Parts::Dcgan, 0.01, false, true),
        (Parts::Resnet, 0.0, false, false),
    ] {
        let what = format!("{parts:?}, limit {limit}, saturating {saturating}, part {in_part}");
        config.adversary.limit = limit;
        config.adversary.saturating = saturating;
        let mut ours = learner(parts, &config);
        let losses = ours.observe(&batch(in_part)).unwrap();
        let factor = value_of(&losses, "adversarial_factor");
        assert_eq!(factor < 1.0, limit > 0.0, "{what}: {factor}");
        let mut scaled = config.clone();
        scaled.weights.adversarial *= factor;
        let mut literal = learner(parts, &scaled);
        observe_literally(&mut literal, batch(in_part));
        assert_same_step(&ours, &literal, &what);
    }
}

fn value_of(losses: &Losses, wanted: &str) -> f64 {
    let mut losses = losses.iter();
    losses.find(|(name, _)| *name == wanted).unwrap().1
}

/// Norms of the gradients on the logits: the reconstruction loss's and the adversary's, both by the tape and unweighted.
fn norms(learner: &CavgaLearner, batch: Batch) -> [f64; 2] {
    let images = Tensor::from_inner(batch.images);
    let seen = learner.see(images.clone(), 0, Mode::Train);
    let forward = learner.forward(&seen, &labels(), STEP).unwrap();
    let forward = forward.with_valid(batch.valid.map(Tensor::from_inner), &labels());
    let logits = forward.logits.clone().detach().require_grad();
    let objective = literal(learner, &forward, logits.clone(), images);
    [objective.reconstruction, objective.adversarial.unwrap()].map(|loss| {
        let gradient = logits.grad(&loss.backward()).unwrap();
        let squares = floats(&gradient.into_data()).into_iter().map(|g| g * g);
        squares.sum::<f64>().sqrt()
    })
}

#[test]
fn the_limit_is_a_ratio_of_weighted_norms() {
    for (reduction, in_part) in [
        (Reduction::PerPixelValue, false),
        (Reduction::Sum, false),
        (Reduction::PerPixelValue, true),
    ] {
        let mut config = CavgaConfig::tiny();
        config.weights.reduction = reduction;
        config.weights.reconstruction = 2.0;
        config.weights.adversarial = 3.0;
        // The discriminator stays as it is, so that the gradient can be taken beside the step.
        config.adversary.rest_below = 1e9;
        let [own, push] = norms(&learner(Parts::Dcgan, &config), batch(in_part));
        let ratio = (3.0 * push) / (2.0 * own);
        for (limit, expected) in [(0.0, 1.0), (0.25, 0.25), (0.999, 0.999), (1.001, 1.0)] {
            config.adversary.limit = limit * ratio;
            let losses = learner(Parts::Dcgan, &config)
                .observe(&batch(in_part))
                .unwrap();
            let factor = value_of(&losses, "adversarial_factor");
            let error = (factor - expected).abs();
            assert!(error < 1e-4, "{reduction:?}: {factor}, not {expected}");
        }
    }
}

#[test]
fn a_limit_that_does_not_bind_changes_no_bit() {
    let mut config = CavgaConfig::tiny();
    let [unlimited, loose] = [0.0, 1e9].map(|limit| {
        config.adversary.limit = limit;
        let mut learner = learner(Parts::Dcgan, &config);
        learner.observe(&batch(false)).unwrap();
        learner.state().unwrap().unwrap()
    });
    assert!(unlimited == loose);
}

#[test]
fn without_its_weight_the_adversary_rests_and_the_rest_learns_as_if_it_were_not_heard() {
    let mut config = CavgaConfig::tiny();
    config.weights.adversarial = 0.0;
    let mut ours = learner(Parts::Dcgan, &config);
    let discriminator = |learner: &CavgaLearner| {
        let mut state = learner.state().unwrap().unwrap();
        state.retain(|name, _| name.contains("discriminator."));
        state
    };
    let before = discriminator(&ours);
    let losses = ours.observe(&batch(false)).unwrap();
    assert!(before == discriminator(&ours));
    let of_adversary = |name: &str| name.contains("advers") || name == "discriminator";
    assert!(!losses.iter().any(|(name, _)| of_adversary(name)));
    // One that plays, and is weighed by nothing.
    let mut literal = learner(Parts::Dcgan, &config);
    observe_literally(&mut literal, batch(false));
    assert_same_step(&ours, &literal, "without an adversary");
}

#[test]
fn a_run_without_an_adversary_is_resumed_bit_for_bit() {
    let mut config = CavgaConfig::tiny();
    config.weights.adversarial = 0.0;
    let mut straight = learner(Parts::Dcgan, &config);
    straight.observe(&batch(false)).unwrap();
    let mut resumed = learner(Parts::Dcgan, &config);
    resumed.restore(straight.state().unwrap().unwrap()).unwrap();
    for learner in [&mut straight, &mut resumed] {
        let step = STEP + 1;
        learner
            .observe(&Batch {
                step,
                ..batch(false)
            })
            .unwrap();
    }
    assert!(straight.state().unwrap() == resumed.state().unwrap());
}
