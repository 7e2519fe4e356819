//! PaDiM against NumPy, and what it promises of images that come and go.

use burn::tensor::{Device, Tensor};
use cavga_nn::kernels::gaussian::{Gaussians, Scatter};

use super::{PadimConfig, normal::chosen};
use crate::{
    Batch, Detector, Learner, Method, Pretrained, Source,
    features::{
        Counted, FeatureConfig, MapMaker,
        goldens::{Case, LIMIT, Worst, goldens},
        on_grid,
    },
};

#[test]
fn distances_maps_and_scores_are_numpys() {
    let mut worst = Worst::default();
    for of in goldens().padim {
        let case = &of.case;
        let positions = case.grid().iter().product();
        let vectors = |taps| chosen(on_grid(taps), &of.channels);
        let mut scatter = Scatter::new(of.channels.len(), positions);
        for taps in case.train() {
            scatter.add(&vectors(taps), &vec![1.0; positions]);
        }
        let gaussians = Gaussians::new(&scatter, of.epsilon);
        let maps = MapMaker::new(case.grid(), case.size, case.smoothing(), &Device::flex());
        for (image, (taps, expected)) in case.test().into_iter().zip(&of.tests).enumerate() {
            let mut place = |what: &str, error| worst.add(format!("{}: {what}", case.name), error);
            let distances = gaussians.distances(&vectors(taps));
            place("distances", Case::apart(&distances, &expected.distances));
            let map = maps.map(distances, &Counted::all());
            let map: Vec<f32> = map.into_data().iter().collect();
            place("map", expected.map.error(&format!("map{image}"), &map));
            let score = map.iter().copied().fold(0.0, f32::max);
            place("score", Case::apart(&[score], &[expected.score]));
        }
    }
    worst.assert_within(LIMIT);
}

const SIZE: [usize; 2] = [64, 96];

fn method() -> Method {
    Method::Padim(PadimConfig {
        encoder: FeatureConfig {
            weights: Source::None,
            ..PadimConfig::default().encoder
        },
        channels: 12,
        ..PadimConfig::default()
    })
}

/// Images without a pattern, with these numbers.
fn batch(numbers: &[usize]) -> Batch {
    let [height, width] = SIZE;
    let pixels = numbers.iter().flat_map(|number| {
        (0..3 * height * width).map(move |at| {
            let hash = (at as u32 ^ (*number as u32) << 20).wrapping_mul(2_654_435_761);
            (hash >> 16) as f32 / 65_536.0
        })
    });
    let pixels: Vec<f32> = pixels.collect();
    let images = Tensor::<1>::from_floats(pixels.as_slice(), &Device::flex());
    Batch {
        images: images.reshape([numbers.len(), 3, height, width]),
        valid: None,
        anomalous: vec![false; numbers.len()],
        classes: Vec::new(),
        numbers: numbers.to_vec(),
        step: 0,
        pass: 0,
    }
}

fn learner() -> Box<dyn Learner> {
    let known = Pretrained::default();
    method().learner(SIZE, 3, &known, &Device::flex()).unwrap()
}

fn finished(learner: Box<dyn Learner>) -> Box<dyn Detector> {
    learner.finish(&mut std::iter::empty(), &mut ()).unwrap()
}

fn map(detector: &dyn Detector, numbers: &[usize]) -> Vec<f32> {
    let scores = detector.score(batch(numbers).images, None).unwrap();
    scores.maps[0].values.clone().into_data().iter().collect()
}

fn assert_near(found: &[f32], expected: &[f32]) {
    let expected: Vec<f64> = expected.iter().map(|&value| f64::from(value)).collect();
    let apart = Case::apart(found, &expected);
    assert!(apart < 1e-4, "{apart}");
}

#[test]
fn images_that_come_later_and_go_again_leave_what_the_others_give() {
    let device = Device::flex();
    let fit = |batches: &[&[usize]]| {
        let mut learner = learner();
        for numbers in batches {
            learner.observe(&batch(numbers)).unwrap();
        }
        finished(learner)
    };
    let all = fit(&[&[0, 1, 2, 3], &[4, 5, 6]]);
    let first = fit(&[&[0, 1, 2, 3]]);
    let state = first.state().unwrap();
    let mut again = method()
        .detector(SIZE, state, &device)
        .unwrap()
        .reopened()
        .unwrap();
    again.observe(&batch(&[4, 5])).unwrap();
    again.observe(&batch(&[6])).unwrap();
    let grown = finished(again);
    assert_near(&map(&*grown, &[9]), &map(&*all, &[9]));
    let mut fewer = grown.reopened().unwrap();
    let mut gone = [Ok(batch(&[4, 5, 6]))].into_iter();
    fewer.forget(&[4, 5, 6], &mut gone).unwrap();
    assert_near(&map(&*finished(fewer), &[9]), &map(&*first, &[9]));
}

#[test]
fn a_resumed_learner_equals_an_uninterrupted_one() {
    let mut straight = learner();
    straight.observe(&batch(&[0, 1])).unwrap();
    let state = straight.state().unwrap().unwrap();
    straight.observe(&batch(&[2])).unwrap();
    let mut resumed = learner();
    resumed.restore(state).unwrap();
    resumed.observe(&batch(&[2])).unwrap();
    assert_eq!(resumed.state().unwrap(), straight.state().unwrap());
}

#[test]
fn scores_do_not_depend_on_the_batch_and_survive_a_file() {
    let mut learner = learner();
    learner.observe(&batch(&[0, 1, 2])).unwrap();
    let detector = finished(learner);
    let together = map(&*detector, &[7, 8]);
    let alone = [map(&*detector, &[7]), map(&*detector, &[8])].concat();
    assert_eq!(together, alone);
    let state = detector.state().unwrap();
    let read = method().detector(SIZE, state, &Device::flex()).unwrap();
    assert_eq!(map(&*read, &[7, 8]), together);
}

#[test]
fn nothing_seen_and_settings_that_cannot_work_are_errors() {
    let error = learner()
        .finish(&mut std::iter::empty(), &mut ())
        .err()
        .unwrap();
    assert!(error.to_string().contains("no image is left"), "{error}");
    let with = |change: &dyn Fn(&mut PadimConfig)| {
        let mut config = PadimConfig::default();
        change(&mut config);
        let known = Pretrained::default();
        let learner = Method::Padim(config).learner(SIZE, 0, &known, &Device::flex());
        learner.err().unwrap().to_string()
    };
    assert!(with(&|config| config.channels = 0).contains("channels = 0"));
    assert!(with(&|config| config.regularisation = 0.0).contains("at least 1e-12"));
    assert!(with(&|config| config.encoder.stages = vec![3, 1]).contains("rising order"));
}
