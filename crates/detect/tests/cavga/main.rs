//! CAVGA's learner and detector as a user of the traits sees them.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod pretrained;

use burn::tensor::{Device, Tensor};
use cavga_detect::{
    Batch, Error, Learner, Losses, Method, Pretrained, Scores, Source, Tensors, WeightFile,
    cavga::{CavgaConfig, LatentForm},
};
use cavga_nn::{attention::Reach, backbone::Kind};

const SIZE: [usize; 2] = [64, 64];

fn methods() -> [Method; 4] {
    let config = CavgaConfig::tiny();
    [
        Method::CavgaDU(config.clone()),
        Method::CavgaRU(config.clone()),
        Method::CavgaDW(config.clone()),
        Method::CavgaRW(config),
    ]
}

/// A learner with fresh weights.
fn fresh(method: &Method, size: [usize; 2], seed: u64) -> Result<Box<dyn Learner>, Error> {
    method.learner(size, seed, &Pretrained::default(), &Device::flex())
}

/// A batch to learn from: a weakly supervised method gets an anomalous image in it, and now and then nothing else.
fn lesson(method: &Method, step: u64) -> Batch {
    let mut batch = batch(step);
    if method.learns_from_anomalous() {
        batch.anomalous = match step % 4 {
            3 => vec![true; 4],
            _ => vec![false, true, false, false],
        };
    }
    batch
}

fn batch(step: u64) -> Batch {
    let count = 4 * 3 * SIZE[0] * SIZE[1];
    let values: Vec<f32> = (0..count)
        .map(|index| ((index as f32 + 37.0 * step as f32) * 0.013).sin() * 0.4 + 0.5)
        .collect();
    let images = Tensor::<1>::from_floats(values.as_slice(), &Device::flex());
    Batch {
        images: images.reshape([4, 3, SIZE[0], SIZE[1]]),
        valid: None,
        anomalous: vec![false; 4],
        classes: Vec::new(),
        numbers: Vec::new(),
        step,
        pass: 0,
    }
}

fn bits(scores: Scores) -> Vec<u32> {
    let images = scores.images.into_iter().flat_map(|scores| scores.values);
    let maps = scores
        .maps
        .into_iter()
        .flat_map(|maps| maps.values.into_data().iter::<f32>().collect::<Vec<_>>());
    images.chain(maps).map(f32::to_bits).collect()
}

/// A learner of `method` after `steps` steps, and how much of the adversary's push each step left.
fn learnt(method: &Method, steps: u64) -> (Box<dyn Learner>, Vec<f64>) {
    let mut learner = fresh(method, SIZE, 5).unwrap();
    let factors = (0..steps).map(|step| {
        let losses = learner.observe(&lesson(method, step)).unwrap();
        loss(&losses, "adversarial_factor")
    });
    let factors = factors.collect();
    (learner, factors)
}

fn loss(losses: &Losses, wanted: &str) -> f64 {
    let mut losses = losses.iter();
    losses
        .find(|(name, _)| *name == wanted)
        .map_or(f64::NAN, |(_, value)| *value)
}

fn assert_resumes(method: &Method) -> Vec<f64> {
    let (straight, factors) = learnt(method, 5);
    let state = learnt(method, 2).0.state().unwrap().unwrap();
    // One that has been elsewhere: nothing of that may stay.
    let mut second = learnt(method, 1).0;
    second.restore(state).unwrap();
    (2..5).for_each(|step| drop(second.observe(&lesson(method, step)).unwrap()));
    let (straight, second) = (
        straight.state().unwrap().unwrap(),
        second.state().unwrap().unwrap(),
    );
    assert!(straight == second, "{method:?}");
    factors
}

#[test]
fn a_restored_learner_goes_on_as_if_never_stopped() {
    for method in methods() {
        assert_resumes(&method);
    }
}

#[test]
fn a_limited_adversary_that_learns_at_times_goes_on_as_if_never_stopped() {
    let mut config = CavgaConfig::tiny();
    config.adversary.limit = 0.01;
    config.adversary.every = 3;
    let factors = assert_resumes(&Method::CavgaDU(config));
    let limited = factors.iter().all(|factor| (0.0..1.0).contains(factor));
    assert!(limited, "the limit does nothing: {factors:?}");
}

/// Nothing was learnt by the discriminator yet: its loss is none, and no infinity that a guard takes for divergence.
#[test]
fn a_first_batch_of_anomalous_images_leaves_nothing_infinite() {
    let mut config = CavgaConfig::tiny();
    config.adversary.every = 2;
    let method = Method::CavgaDW(config);
    let mut learner = fresh(&method, SIZE, 1).unwrap();
    let mut batch = lesson(&method, 0);
    batch.anomalous = vec![true; 4];
    let mut losses = learner.observe(&batch).unwrap();
    let state = learner.state().unwrap().unwrap();
    losses.extend(learner.observe(&lesson(&method, 1)).unwrap());
    assert!(
        losses.iter().all(|(_, loss)| loss.is_finite()),
        "{losses:?}"
    );
    for (name, data) in &state {
        assert!(data.iter::<f64>().all(f64::is_finite), "{name}");
    }
    let statistics = |(name, _): &(&String, _)| name.contains(".running_");
    let fresh = fresh(&method, SIZE, 1).unwrap().state().unwrap().unwrap();
    let [before, after] = [&fresh, &state].map(|state| state.iter().filter(statistics));
    assert!(before.eq(after), "they are no part of what is normal");
    learner.restore(state).unwrap();
}

#[test]
fn a_flat_latent_that_no_machine_holds_is_refused() {
    let mut config = CavgaConfig::tiny();
    config.latent.form = LatentForm::Flat;
    config.latent.dimension = 1 << 14;
    let error = fresh(&Method::CavgaDU(config), [1 << 14; 2], 1)
        .err()
        .unwrap();
    assert!(error.to_string().starts_with("latent.dimension"), "{error}");
}

/// Tensors after two steps.
fn two_steps(method: Method) -> Tensors {
    learnt(&method, 2).0.state().unwrap().unwrap()
}

#[test]
fn a_term_left_out_is_a_term_without_weight() {
    let plain = CavgaConfig::tiny();
    let mut off = plain.clone();
    (off.ae, off.cga) = (false, false);
    let mut weightless = plain.clone();
    weightless.weights.attention_expansion = 0.0;
    weightless.weights.guided_attention = 0.0;
    for of in [Method::CavgaDU, Method::CavgaDW] {
        assert!(two_steps(of(off.clone())) == two_steps(of(weightless.clone())));
        assert!(two_steps(of(off.clone())) != two_steps(of(plain.clone())));
    }
}

#[test]
fn every_backbone_stride_latent_and_stage_learns_and_scores() {
    let mut configs = Vec::new();
    for backbone in Kind::ALL {
        let mut config = CavgaConfig::tiny();
        config.encoder.backbone = backbone;
        // SqueezeNet has strides of 16 and no more, and leaves out the rim.
        config.output_stride = if backbone == Kind::Resnet34 { 8 } else { 32 };
        configs.push(config);
    }
    for stage in 1..=3 {
        let mut config = CavgaConfig::tiny();
        config.encoder.backbone = Kind::Squeezenet1x1;
        config.latent.form = LatentForm::Flat;
        config.attention.stage = Some(stage);
        config.attention.reach = Reach::Detached;
        configs.push(config);
    }
    for config in configs {
        let what = format!("{:?}", config.encoder.backbone);
        let method = Method::CavgaRW(config);
        let mut learner = fresh(&method, SIZE, 1).unwrap();
        learner.observe(&lesson(&method, 0)).unwrap();
        let detector = learner
            .finish(&mut std::iter::once(Ok(batch(1))), &mut ())
            .unwrap();
        let state = detector.state().unwrap();
        let restored = method.detector(SIZE, state, &Device::flex()).unwrap();
        let [ours, theirs] =
            [&detector, &restored].map(|d| bits(d.score(batch(2).images, None).unwrap()));
        assert!(ours == theirs, "{what}");
    }
}

#[test]
fn a_detector_says_the_same_restored_and_in_any_batch() {
    for method in methods() {
        let device = Device::flex();
        let mut learner = fresh(&method, SIZE, 5).unwrap();
        learner.observe(&lesson(&method, 0)).unwrap();
        let detector = learner
            .finish(&mut std::iter::once(Ok(batch(1))), &mut ())
            .unwrap();
        let restored = method
            .detector(SIZE, detector.state().unwrap(), &device)
            .unwrap();
        let images = batch(2).images;
        let whole = detector.score(images.clone(), None).unwrap();
        assert_eq!(
            bits(whole.clone()),
            bits(restored.score(images.clone(), None).unwrap())
        );
        assert!(
            whole
                .maps
                .iter()
                .all(|map| map.values.dims() == [4, 64, 64])
        );
        let alone = detector.score(images.narrow(0, 1, 1), None).unwrap();
        for (whole, alone) in whole.images.iter().zip(&alone.images) {
            let [a, b] = [whole.values[1], alone.values[0]];
            assert_eq!(a.to_bits(), b.to_bits(), "{}: {a} {b}", whole.name);
        }
        for (whole, alone) in whole.maps.into_iter().zip(alone.maps) {
            let part = whole.values.narrow(0, 1, 1).into_data();
            assert_eq!(part, alone.values.into_data(), "{}", whole.name);
        }
    }
}

/// With it, on images of one position of CAVGA-R's features, of four of CAVGA-D's, and of more than a covariance is made of; and where the
/// encoder is on a tape.
#[test]
fn feature_deviation_is_the_same_restored_and_in_any_batch_and_nothing_else_changes() {
    let images = |seed| batch(seed).images.narrow(2, 0, 32).narrow(3, 0, 32);
    let mut configs = vec![CavgaConfig::tiny(); 2];
    configs[1].attention.stage = Some(2);
    configs[1].attention.reach = Reach::Detached;
    for config in configs {
        for (of, size) in [
            (Method::CavgaDU as fn(_) -> _, 32),
            (Method::CavgaRU, 32),
            (Method::CavgaDU, 64),
        ] {
            let of_size = |mut batch: Batch, seed| {
                if size == 32 {
                    batch.images = images(seed);
                }
                batch
            };
            let detector = |on| {
                let mut config = config.clone();
                config.feature_deviation = on;
                let method = of(config);
                let mut learner = fresh(&method, [size; 2], 3).unwrap();
                learner.observe(&of_size(lesson(&method, 0), 0)).unwrap();
                let held_out = of_size(batch(1), 1);
                let detector = learner
                    .finish(&mut std::iter::once(Ok(held_out)), &mut ())
                    .unwrap();
                let restored =
                    method.detector([size; 2], detector.state().unwrap(), &Device::flex());
                (detector, restored.unwrap())
            };
            let ((detector, restored), (without, _)) = (detector(true), detector(false));
            let images = of_size(batch(2), 2).images;
            let whole = detector.score(images.clone(), None).unwrap();
            assert_eq!(
                bits(whole.clone()),
                bits(restored.score(images.clone(), None).unwrap())
            );
            let alone = detector
                .score(images.clone().narrow(0, 1, 1), None)
                .unwrap();
            let last = |scores: &Scores| scores.images.last().cloned().unwrap();
            let (found, alone) = (last(&whole), last(&alone));
            assert_eq!(
                (found.name, found.values[1]),
                ("feature-deviation", alone.values[0])
            );
            assert!(
                found
                    .values
                    .iter()
                    .all(|&value| value > 0.0 && value.is_finite()),
                "{found:?}"
            );
            let mut others = whole;
            others.images.pop();
            assert_eq!(bits(others), bits(without.score(images, None).unwrap()));
        }
    }
}

#[test]
fn training_lowers_the_reconstruction_loss() {
    let mut config = CavgaConfig::tiny();
    config.adam.rate = 1e-3;
    config.weights.adversarial = 0.0;
    for method in [Method::CavgaDU(config.clone()), Method::CavgaRU(config)] {
        let mut learner = fresh(&method, SIZE, 1).unwrap();
        let mut reconstruction = |_| loss(&learner.observe(&batch(0)).unwrap(), "reconstruction");
        let losses: Vec<f64> = (0..20).map(&mut reconstruction).collect();
        assert!(losses[19] < losses[0], "{}: {losses:?}", method.name());
    }
}

#[test]
fn divergence_is_an_error_that_names_the_loss() {
    let mut config = CavgaConfig::tiny();
    config.adam.rate = 1e30;
    let mut learner = fresh(&Method::CavgaDU(config), SIZE, 1).unwrap();
    let error = (0..5)
        .find_map(|step| learner.observe(&batch(step)).err())
        .unwrap();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let refused = |config: CavgaConfig, size| {
        let error = fresh(&Method::CavgaRU(config), size, 1).err();
        error.unwrap().to_string()
    };
    assert!(refused(CavgaConfig::tiny(), [65, 64]).contains("size"));
    assert!(refused(CavgaConfig::tiny(), [64, 1 << 40]).contains("size"));
    assert!(refused(CavgaConfig::tiny(), [64, 0]).contains("size"));
    type Change = fn(&mut CavgaConfig);
    let changes: [(&str, Change); 11] = [
        ("output_stride", |config| config.output_stride = 4),
        ("decoder_width", |config| config.decoder_width = usize::MAX),
        ("adam.beta_2", |config| config.adam.beta_2 = 1.0),
        ("adversary.adam.epsilon", |config| {
            config.adversary.adam.epsilon = 0.0
        }),
        ("adversary.real_target", |config| {
            config.adversary.real_target = f64::NAN
        }),
        ("adversary.every", |config| config.adversary.every = 0),
        ("smoothing", |config| config.smoothing = 1e9),
        ("encoder.rate", |config| config.encoder.rate = -1.0),
        ("latent.dimension", |config| config.latent.dimension = 0),
        ("attention.reach", |config| config.attention.stage = Some(2)),
        ("attention.stage", |config| {
            config.attention.stage = Some(9);
            config.attention.reach = Reach::Detached;
        }),
    ];
    for (key, change) in changes {
        let mut config = CavgaConfig::tiny();
        change(&mut config);
        let error = refused(config, SIZE);
        assert!(error.starts_with(&format!("{key} = ")), "{error}");
    }
}

#[test]
fn images_of_another_size_and_empty_batches_are_refused() {
    let method = Method::CavgaDU(CavgaConfig::tiny());
    let mut learner = fresh(&method, [96, 64], 1).unwrap();
    let refused = |error| matches!(error, Some(Error::Shape { .. }));
    assert!(refused(learner.observe(&batch(0)).err()));
    let right = Tensor::zeros([2, 3, 96, 64], &Device::flex());
    let mut empty = batch(0);
    empty.images = Tensor::zeros([0, 3, 96, 64], &Device::flex());
    assert!(refused(learner.observe(&empty).err()));
    let held_out = Batch {
        images: right,
        ..batch(0)
    };
    let detector = learner
        .finish(&mut std::iter::once(Ok(held_out)), &mut ())
        .unwrap();
    assert!(refused(detector.score(batch(0).images, None).err()));
    assert!(refused(detector.score(empty.images, None).err()));
}
