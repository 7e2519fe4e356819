//! Images of which a part counts: learning and scoring look at that part alone.

#![allow(clippy::unwrap_used, reason = "tests")]

use burn::tensor::{Device, Tensor};
use cavga_detect::{Batch, Detector, Method, PAINT, Pretrained, Scores, cavga::CavgaConfig};

const SIDE: usize = 64;

/// Four images, painted where they don't count: from a column on, another one in each.
fn batch(step: u64, counted: Option<usize>) -> Batch {
    let device = Device::flex();
    let values: Vec<f32> = (0..4 * 3 * SIDE * SIDE)
        .map(|index| ((index as f32 + 37.0 * step as f32) * 0.013).sin() * 0.4 + 0.5)
        .collect();
    let images = Tensor::<1>::from_floats(values.as_slice(), &device).reshape([4, 3, SIDE, SIDE]);
    let valid = counted.map(|counted| {
        let values: Vec<f32> = (0..4 * SIDE * SIDE)
            .map(|at| {
                if at % SIDE < counted + at / (SIDE * SIDE) {
                    1.0
                } else {
                    0.0
                }
            })
            .collect();
        Tensor::<1>::from_floats(values.as_slice(), &device).reshape([4, 1, SIDE, SIDE])
    });
    let painted = |valid: Tensor<4>| {
        let rest = valid.clone().mul_scalar(-PAINT).add_scalar(PAINT);
        images.clone() * valid + rest
    };
    Batch {
        images: valid.clone().map_or(images.clone(), painted),
        valid,
        anomalous: vec![false; 4],
        classes: Vec::new(),
        numbers: Vec::new(),
        step,
        pass: 0,
    }
}

fn methods() -> [Method; 4] {
    let config = CavgaConfig::tiny();
    [
        Method::CavgaDU(config.clone()),
        Method::CavgaRU(config.clone()),
        Method::CavgaDW(config.clone()),
        Method::CavgaRW(config),
    ]
}

/// Two steps, and a detector; with the losses of the second step.
fn trained(method: &Method, counted: Option<usize>) -> (Vec<f64>, Box<dyn Detector>) {
    let known = Pretrained::default();
    let mut learner = method
        .learner([SIDE; 2], 1, &known, &Device::flex())
        .unwrap();
    let lesson = |step| {
        let mut batch = batch(step, counted);
        batch.anomalous[1] = method.learns_from_anomalous();
        batch
    };
    learner.observe(&lesson(0)).unwrap();
    let losses = learner.observe(&lesson(1)).unwrap();
    let mut held_out = (2..4).map(|step| Ok(batch(step, counted)));
    let losses = losses.into_iter().map(|(_, value)| value).collect();
    (losses, learner.finish(&mut held_out, &mut ()).unwrap())
}

fn values(scores: &Scores) -> Vec<f32> {
    let scores = scores.images.iter();
    scores.flat_map(|score| score.values.clone()).collect()
}

/// To say that everything counts is to say nothing, but for rounding.
#[test]
fn where_all_counts_nothing_changes() {
    for method in methods() {
        let (plain, detector) = trained(&method, None);
        let (whole, other) = trained(&method, Some(SIDE));
        let close = |a: f64, b: f64, limit: f64| (a - b).abs() <= limit * a.abs().max(1.0);
        assert!(
            plain.iter().zip(&whole).all(|(a, b)| close(*a, *b, 1e-3)),
            "{}: {plain:?} {whole:?}",
            method.name()
        );
        let all = batch(5, Some(SIDE));
        let said = values(&detector.score(all.images.clone(), None).unwrap());
        let counted = values(
            &detector
                .score(all.images.clone(), all.valid.clone())
                .unwrap(),
        );
        let same = |(a, b): (&f32, &f32)| close(f64::from(*a), f64::from(*b), 1e-4);
        assert!(said.iter().zip(&counted).all(same), "{said:?} {counted:?}");
        assert_eq!(
            values(&other.score(all.images, all.valid).unwrap()).len(),
            said.len()
        );
    }
}

/// Means and maxima are those of the maps where they count.
#[test]
fn scores_are_those_of_the_part_that_counts() {
    for method in methods() {
        let (losses, detector) = trained(&method, Some(40));
        assert!(losses.iter().all(|loss| loss.is_finite()), "{losses:?}");
        let Batch { images, valid, .. } = batch(6, Some(40));
        let said = detector.score(images, valid.clone()).unwrap();
        let valid: Vec<f32> = valid.unwrap().into_data().iter::<f32>().collect();
        let map = |name: &str| -> Vec<f32> {
            let map = said.maps.iter().find(|map| map.name == name).unwrap();
            map.values.clone().into_data().iter::<f32>().collect()
        };
        let kept = |map: &[f32], image: usize| -> Vec<f32> {
            let pixels = map.iter().zip(&valid).skip(image * SIDE * SIDE);
            let counted = pixels.take(SIDE * SIDE).filter(|(_, valid)| **valid == 1.0);
            counted.map(|(value, _)| *value).collect()
        };
        for score in &said.images {
            let largest = score.name.strip_suffix("-max");
            let Some(name) = largest.or((score.name == "residual").then_some("residual")) else {
                continue;
            };
            let map = map(name);
            for (image, value) in score.values.iter().enumerate() {
                let kept = kept(&map, image);
                let expected = match largest {
                    Some(_) => kept.iter().copied().fold(f32::NEG_INFINITY, f32::max),
                    None => kept.iter().sum::<f32>() / kept.len() as f32,
                };
                let error = (value - expected).abs();
                assert!(
                    error <= 1e-4 * expected.abs(),
                    "{}: {value} {expected}",
                    score.name
                );
            }
        }
    }
}
