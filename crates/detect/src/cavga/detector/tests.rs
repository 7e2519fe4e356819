//! The inference form beside the network.

use super::*;
use crate::{
    Learner, Pretrained,
    cavga::{CavgaLearner, Parts, Supervision},
};
use cavga_nn::random;

fn batch(seed: u64) -> Batch {
    let mut noise = random::generator(seed, random::Stream::Latent, 0);
    let images = random::normal([4, 3, 64, 96], &mut noise, &Device::flex());
    Batch {
        images: ops::sigmoid(images),
        valid: None,
        anomalous: vec![false; 4],
        classes: Vec::new(),
        numbers: Vec::new(),
        step: seed,
        pass: 0,
    }
}

fn values(scores: Scores) -> Vec<Vec<f32>> {
    let maps = scores.maps.into_iter();
    let maps = maps.map(|maps| maps.values.into_data().iter::<f32>().collect());
    let images = scores.images.into_iter().map(|scores| scores.values);
    images.chain(maps).collect()
}

#[test]
fn the_inference_form_scores_as_the_network() {
    let device = Device::flex();
    for parts in [Parts::Dcgan, Parts::Resnet] {
        let (config, size) = (CavgaConfig::tiny(), [64, 96]);
        let supervision = Supervision::Weak;
        let parts = Variant { parts, supervision };
        let known = Pretrained::default();
        let mut learner = CavgaLearner::new(parts, &config, size, 1, &known, &device).unwrap();
        (0..3).for_each(|step| {
            learner.observe(&batch(step)).unwrap();
        });
        let mut held_out = (3..5).map(|step| Ok(batch(step)));
        let finished = Box::new(learner).finish(&mut held_out, &mut ()).unwrap();
        let tensors = finished.state().unwrap();
        let ours = CavgaDetector::restore(parts, &config, size, tensors.clone(), &device);
        let mut plain = CavgaDetector::restore(parts, &config, size, tensors, &device).unwrap();
        assert!(plain.score_as_trained());
        assert!(!plain.score_as_trained(), "a second time there is none");
        let images = batch(9).images;
        let ours = values(ours.unwrap().score(images.clone(), None).unwrap());
        let plain = values(plain.score(images, None).unwrap());
        for (at, (ours, plain)) in ours.iter().zip(&plain).enumerate() {
            let largest = plain
                .iter()
                .fold(0.0_f32, |most, value| most.max(value.abs()));
            for (ours, plain) in ours.iter().zip(plain) {
                let close = (ours - plain).abs() <= 1e-5 * largest;
                assert!(close, "{parts:?}, output {at}: {ours} instead of {plain}");
            }
        }
    }
}

/// A score that says more than the network does, and is not said to be fitted, would have its threshold from the images it was fitted on.
#[test]
fn what_is_fitted_on_held_out_images_and_nothing_else_says_so() {
    let device = Device::flex();
    for supervision in [Supervision::Unsupervised, Supervision::Weak] {
        let config = CavgaConfig {
            feature_deviation: true,
            ..CavgaConfig::tiny()
        };
        let parts = Parts::Dcgan;
        let variant = Variant { parts, supervision };
        let known = Pretrained::default();
        let said = [3, 5].map(|first| {
            let learner = CavgaLearner::new(variant, &config, [64, 96], 1, &known, &device);
            let mut held_out = (first..first + 2).map(|step| Ok(batch(step)));
            let learner: Box<dyn Learner> = Box::new(learner.unwrap());
            let detector = learner.finish(&mut held_out, &mut ()).unwrap();
            let scores = detector.score(batch(9).images, None).unwrap();
            let names = scores.images.iter().map(|scores| scores.name);
            let names: Vec<_> = names
                .chain(scores.maps.iter().map(|maps| maps.name))
                .collect();
            let fitted: Vec<_> = names.iter().map(|name| detector.is_fitted(name)).collect();
            (names, fitted, values(scores))
        });
        let [(names, fitted, first), (_, _, second)] = said;
        assert!(fitted.contains(&true) && fitted.contains(&false));
        for (at, name) in names.iter().enumerate() {
            assert_eq!(
                fitted[at],
                first[at] != second[at],
                "{supervision:?} {name}"
            );
        }
    }
}
