//! CAVGA against PyTorch: `conformance/cavga/make_goldens.py` computed what is expected here, with its attention differentiated
//! twice by the machine where ours is a closed form differentiated once. Other methods are beside it, in files of their own.

#[path = "goldens/advae.rs"]
mod advae;
#[path = "goldens/avid.rs"]
mod avid;
#[path = "goldens/case.rs"]
mod case;
#[path = "goldens/tensors.rs"]
mod tensors;
#[path = "../../nn/tests/goldens/values.rs"]
mod values;

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use case::{Case, Result, SIZE, cases, compare, gradients};
use cavga_detect::{Detector, cavga::CavgaDetector};
use cavga_nn::{
    layers::Mode,
    state::{self, Tensors},
};
use values::Worst;

const LIMIT: f64 = 1e-4;

fn vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn value(loss: &Tensor<1>) -> f64 {
    f64::from(loss.clone().into_scalar::<f32>())
}

#[test]
fn features_attention_and_every_loss_are_pytorchs() -> Result<()> {
    let mut worst = Worst::default();
    for case in cases()? {
        let networks = case.networks()?;
        let features = networks.vae.features(networks.images.clone(), Mode::Train);
        assert_eq!(features.dims(), case.features_shape, "{}", case.name);
        let mut place = |what: &str, error| worst.add(format!("{}: {what}", case.name), error);
        place("features", case.features.error("features", &vec(features)));
        let pass = case.pass(&networks)?;
        let discriminator = case.discriminator_loss(&networks, &pass.forward);
        let attention = vec(pass.forward.attention.clone());
        place("attention", case.attention.error("attention", &attention));
        let mut found = pass.terms();
        found.extend([
            ("total", pass.objective.total(&case.config)),
            ("discriminator", discriminator),
        ]);
        assert_eq!(found.len(), case.losses.len());
        for (name, loss) in found {
            let expected = case.losses[name];
            place(name, (value(&loss) - expected).abs() / expected.abs());
        }
    }
    worst.assert_within(LIMIT);
    Ok(())
}

#[test]
fn every_gradient_of_the_whole_objective_is_pytorchs_and_the_discriminator_stays_frozen()
-> Result<()> {
    let mut worst = Worst::default();
    for case in cases()? {
        let networks = case.networks()?;
        let pass = case.pass(&networks)?;
        let tape = pass.objective.total(&case.config).backward();
        assert!(gradients(&pass.judge, &tape).is_empty(), "{}", case.name);
        let found = gradients(&networks.vae, &tape);
        compare(&case.name, "total/", &case.gradients, found, &mut worst);
    }
    worst.assert_within(LIMIT);
    Ok(())
}

#[test]
fn every_gradient_of_the_attention_is_the_one_differentiated_twice() -> Result<()> {
    let mut worst = Worst::default();
    for case in cases()? {
        let networks = case.networks()?;
        let pass = case.pass(&networks)?;
        let tape = pass.attention_loss().backward();
        let found = gradients(&networks.vae, &tape);
        let expected = &case.attention_gradients;
        compare(&case.name, "attention/", expected, found, &mut worst);
    }
    worst.assert_within(LIMIT);
    Ok(())
}

#[test]
fn every_gradient_of_the_discriminator_is_pytorchs() -> Result<()> {
    let mut worst = Worst::default();
    for case in cases()? {
        let networks = case.networks()?;
        let forward = case.pass(&networks)?.forward;
        let tape = case.discriminator_loss(&networks, &forward).backward();
        let found = gradients(&networks.discriminator, &tape);
        let expected = &case.discriminator_gradients;
        compare(&case.name, "discriminator/", expected, found, &mut worst);
        assert!(gradients(&networks.vae, &tape).is_empty(), "{}", case.name);
    }
    worst.assert_within(LIMIT);
    Ok(())
}

/// The tensors of the autoencoder after one forward pass in training.
fn trained(case: &Case) -> Result<Tensors> {
    let networks = case.networks()?;
    case.pass(&networks)?;
    let mut tensors = Tensors::new();
    state::collect(&networks.vae, "", &mut tensors);
    Ok(tensors)
}

#[test]
fn running_statistics_after_a_training_pass_are_pytorchs() -> Result<()> {
    let mut worst = Worst::default();
    for case in cases()? {
        let found: BTreeMap<_, Vec<f32>> = trained(&case)?
            .into_iter()
            .filter(|(name, _)| name.contains(".running_"))
            .map(|(name, data)| (name, data.iter::<f32>().collect()))
            .collect();
        compare(&case.name, "", &case.running, found, &mut worst);
    }
    worst.assert_within(LIMIT);
    Ok(())
}

#[test]
fn a_detectors_maps_by_running_statistics_are_pytorchs() -> Result<()> {
    let mut worst = Worst::default();
    for mut case in cases()? {
        let mut tensors = trained(&case)?;
        // Normal images with a CAM, its terms and a residual of 0, and a spread of 1.
        let [height, width] = case.variant.attention_grid(&case.config, SIZE);
        let channels = case.variant.attention_channels(&case.config);
        for (name, channels, [height, width]) in [
            ("normal.cam", 1, [height, width]),
            ("normal.terms", channels, [height, width]),
            ("normal.residual", 1, SIZE),
        ] {
            for (part, channels, value) in [("mean", channels, 0_f32), ("spread", 1, 1.0)] {
                let values = vec![value; channels * height * width];
                let data = TensorData::new(values, [1, channels, height, width]);
                tensors.insert(format!("{name}.{part}"), data);
            }
        }
        let device = Device::flex();
        let detector = CavgaDetector::restore(case.variant, &case.config, SIZE, tensors, &device)?;
        let scores = detector.score(Tensor::from_data(case.image_data(), &device), None)?;
        for map in scores.maps {
            if let Some(expected) = case.maps.remove(map.name) {
                let error = expected.error(map.name, &vec(map.values));
                worst.add(format!("{}: {}", case.name, map.name), error);
            }
        }
        assert!(case.maps.is_empty(), "not all maps: {:?}", case.maps);
        for scores in scores.images {
            if let Some(expected) = case.scores.remove(scores.name) {
                let error = expected.error(scores.name, &scores.values);
                worst.add(format!("{}: {}", case.name, scores.name), error);
            }
        }
        assert!(case.scores.is_empty(), "not all scores: {:?}", case.scores);
    }
    worst.assert_within(LIMIT);
    Ok(())
}

/// L_ae or L_cga with one weight moved by `step`.
fn moved(case: &Case, name: &str, index: usize, step: f32) -> Result<f64> {
    let mut networks = case.networks()?;
    let mut tensors = Tensors::new();
    state::collect(&networks.vae, "", &mut tensors);
    let old = tensors.remove(name).ok_or("no such tensor")?;
    let shape = old.shape().to_vec();
    let mut values: Vec<f32> = old.iter::<f32>().collect();
    values[index] += step;
    tensors.insert(name.to_owned(), TensorData::new(values, shape));
    networks.vae = state::load(networks.vae, "", &mut tensors)?;
    Ok(value(&case.pass(&networks)?.attention_loss()))
}

#[test]
fn finite_differences_of_the_loss_on_the_attention_are_its_gradient() -> Result<()> {
    const STEP: f32 = 2e-3;
    let names = ["d", "d-min-max", "d-barrier", "d-flat", "d-w", "d-w-flat"];
    let mut worst = Worst::default();
    for case in cases()?
        .into_iter()
        .filter(|case| names.contains(&case.name.as_str()))
    {
        let networks = case.networks()?;
        let tape = case.pass(&networks)?.attention_loss().backward();
        let found = gradients(&networks.vae, &tape);
        for name in [
            "latent.mu.weight",
            "encoder.conv.3.weight",
            "encoder.norm.1.bias",
        ] {
            // Where the gradient is largest: elsewhere the loss's last bits would show.
            let index = case.attention_gradients[name].indices[0];
            let gradient = f64::from(found[name][index]);
            let [up, down] = [
                moved(&case, name, index, STEP)?,
                moved(&case, name, index, -STEP)?,
            ];
            let difference = (up - down) / (2.0 * f64::from(STEP));
            // The loss's own last bits, divided by the step, are no error of the gradient.
            let loss = value(&case.pass(&networks)?.attention_loss());
            let rounding = f64::from(f32::EPSILON) * loss.abs() / f64::from(STEP);
            let error = ((difference - gradient).abs() - rounding).max(0.0) / gradient.abs();
            worst.add(format!("{}: {name}", case.name), error);
        }
    }
    worst.assert_within(1e-2);
    Ok(())
}
