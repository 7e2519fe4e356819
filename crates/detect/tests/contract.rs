//! What every method that learns by descent keeps, whatever it is made of.

#![allow(clippy::unwrap_used, reason = "tests")]

use burn::tensor::{Device, Tensor};
use cavga_detect::{
    Batch, Detector, Learner, Method, PAINT, Pretrained, Scores,
    advae::{AdvaeConfig, EncoderForm},
    ae::AeConfig,
    avid::AvidConfig,
    beta_vae::BetaVaeConfig,
    capsnet::CapsnetConfig,
    gamma_vae::GammaVaeConfig,
    lsa::LsaConfig,
    vae::VaeConfig,
};

const SIDE: usize = 64;

/// Each with few channels.
fn methods() -> Vec<Method> {
    let texture = AeConfig {
        patch: Some(32),
        ..AeConfig::tiny()
    };
    let advae = |form| Method::Advae(AdvaeConfig::tiny(form));
    vec![
        Method::Vae(VaeConfig::tiny()),
        Method::AeL2(AeConfig::tiny()),
        Method::AeL2(texture.clone()),
        Method::AeSsim(AeConfig::tiny()),
        Method::AeSsim(texture),
        Method::BetaVae(BetaVaeConfig::tiny()),
        Method::GammaVaeGrad(GammaVaeConfig::tiny()),
        Method::Lsa(LsaConfig::tiny()),
        advae(EncoderForm::Conv),
        advae(EncoderForm::Backbone),
        Method::CapsnetPp(CapsnetConfig::tiny()),
        Method::CapsnetRe(CapsnetConfig::tiny()),
        Method::Avid(AvidConfig::tiny()),
        Method::Avid(AvidConfig {
            conditional: true,
            reconstruction: 100.0,
            ..AvidConfig::tiny()
        }),
    ]
}

/// Four images, of which the left `counted` columns count.
fn batch(step: u64, counted: Option<usize>) -> Batch {
    let device = Device::flex();
    let values: Vec<f32> = (0..4 * 3 * SIDE * SIDE)
        .map(|index| ((index as f32 + 37.0 * step as f32) * 0.013).sin() * 0.4 + 0.5)
        .collect();
    let images = Tensor::<1>::from_floats(values.as_slice(), &device).reshape([4, 3, SIDE, SIDE]);
    let valid = counted.map(|counted| {
        let ones = Tensor::<4>::ones([4, 1, SIDE, counted], &device);
        let zeros = Tensor::zeros([4, 1, SIDE, SIDE - counted], &device);
        Tensor::cat(vec![ones, zeros], 3)
    });
    let images = match &valid {
        None => images,
        Some(valid) => images * valid.clone() + (valid.clone().neg() + 1.0).mul_scalar(PAINT),
    };
    Batch {
        images,
        valid,
        anomalous: vec![false; 4],
        classes: Vec::new(),
        numbers: Vec::new(),
        step,
        pass: 0,
    }
}

fn fresh(method: &Method) -> Box<dyn Learner> {
    let known = Pretrained::default();
    method
        .learner([SIDE; 2], 5, &known, &Device::flex())
        .unwrap()
}

/// A learner after some steps.
fn learnt(method: &Method, steps: u64) -> Box<dyn Learner> {
    let mut learner = fresh(method);
    for step in 0..steps {
        learner.observe(&batch(step, None)).unwrap();
    }
    learner
}

fn detector(method: &Method, counted: Option<usize>) -> Box<dyn Detector> {
    let mut learner = fresh(method);
    for step in 0..2 {
        let losses = learner.observe(&batch(step, counted)).unwrap();
        assert!(!losses.is_empty() && losses.iter().all(|(_, loss)| loss.is_finite()));
    }
    let mut held_out = (2..4).map(|step| Ok(batch(step, counted)));
    learner.finish(&mut held_out, &mut ()).unwrap()
}

/// Every number of the scores and maps of an image.
fn numbers(scores: &Scores, image: usize) -> Vec<f32> {
    let of_images = scores.images.iter().map(|score| score.values[image]);
    let of_maps = scores.maps.iter().flat_map(|map| {
        let map = map.values.clone().narrow(0, image, 1);
        map.into_data().iter::<f32>().collect::<Vec<_>>()
    });
    of_images.chain(of_maps).collect()
}

fn assert_close(method: &Method, a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    let far = a
        .iter()
        .zip(b)
        .find(|(a, b)| (*a - *b).abs() > 2e-4 * a.abs().max(1.0));
    assert!(far.is_none(), "{}: {far:?}", method.name());
}

#[test]
fn a_restored_learner_goes_on_as_if_never_stopped() {
    for method in methods() {
        let straight = learnt(&method, 4).state().unwrap().unwrap();
        let half = learnt(&method, 2).state().unwrap().unwrap();
        // One that has been elsewhere: nothing of that may stay.
        let mut second = learnt(&method, 1);
        second.restore(half).unwrap();
        for step in 2..4 {
            second.observe(&batch(step, None)).unwrap();
        }
        assert!(
            straight == second.state().unwrap().unwrap(),
            "{}",
            method.name()
        );
    }
}

#[test]
fn a_detector_is_its_state() {
    for method in methods() {
        let detector = detector(&method, None);
        let state = detector.state().unwrap();
        let again = method.detector([SIDE; 2], state, &Device::flex()).unwrap();
        let images = batch(7, None).images;
        let [one, other] = [&detector, &again].map(|of| of.score(images.clone(), None).unwrap());
        for image in 0..4 {
            assert!(
                numbers(&one, image) == numbers(&other, image),
                "{}",
                method.name()
            );
        }
    }
}

#[test]
fn an_images_scores_do_not_depend_on_its_batch() {
    for method in methods() {
        let detector = detector(&method, None);
        let images = batch(7, None).images;
        let together = detector.score(images.clone(), None).unwrap();
        for image in 0..4 {
            let alone = detector
                .score(images.clone().narrow(0, image, 1), None)
                .unwrap();
            assert_close(&method, &numbers(&together, image), &numbers(&alone, 0));
        }
    }
}

#[test]
fn maps_are_as_large_as_the_images_and_all_numbers_are_finite() {
    for method in methods() {
        for counted in [None, Some(40)] {
            let detector = detector(&method, counted);
            let Batch { images, valid, .. } = batch(7, counted);
            let scores = detector.score(images, valid).unwrap();
            assert!(!scores.images.is_empty());
            for map in &scores.maps {
                assert_eq!(map.values.dims(), [4, SIDE, SIDE], "{}", map.name);
            }
            let all = (0..4).flat_map(|image| numbers(&scores, image));
            assert!(all.into_iter().all(f32::is_finite), "{}", method.name());
        }
    }
}

/// That is to say nothing.
#[test]
fn to_say_that_all_counts_changes_nothing_but_rounding() {
    for method in methods() {
        let detector = detector(&method, None);
        let Batch { images, valid, .. } = batch(7, Some(SIDE));
        let [plain, whole] = [None, valid].map(|valid| detector.score(images.clone(), valid));
        let [plain, whole] = [plain.unwrap(), whole.unwrap()];
        for image in 0..4 {
            assert_close(&method, &numbers(&plain, image), &numbers(&whole, image));
        }
    }
}
