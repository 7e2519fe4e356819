//! The inference form beside the network.

use super::*;
use crate::{
    Learner,
    cavga::{CavgaLearner, Parts, Pretrained, Supervision},
};
use cavga_nn::random;

fn batch(seed: u64) -> Batch {
    let mut noise = random::generator(seed, random::Stream::Latent, 0);
    let images = random::normal([4, 3, 64, 96], &mut noise, &Device::flex());
    Batch {
        images: ops::sigmoid(images),
        valid: None,
        anomalous: vec![false; 4],
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
        let finished = Box::new(learner).finish(&mut held_out).unwrap();
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
