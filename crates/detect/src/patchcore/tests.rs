//! PatchCore against NumPy, and what it promises of memory and of images that come and go.

use burn::tensor::{Device, Tensor, TensorData};
use cavga_nn::{kernels::bank::Rows, random};

use super::{
    PatchcoreConfig,
    bank::{Bank, Origin},
    candidates::{Candidates, pick},
    scorer::Scorer,
};
use crate::{
    Batch, Detector, Error, Learner, Memory, Method, Observer, Precision, Pretrained, Source,
    features::{
        Counted, FeatureConfig, MapMaker,
        goldens::{Case, LIMIT, Patchcore, Worst, goldens},
        local, rows,
    },
};

/// The rows that a golden case is chosen among.
fn measured(of: &Patchcore, all: &Rows) -> Rows {
    let Some(entries) = &of.projection else {
        return all.select(&(0..all.len()).collect::<Vec<_>>());
    };
    let to = entries.iter().map(|(row, ..)| row + 1).max().unwrap();
    let mut projected = Rows::with_capacity(to, all.precision(), all.len());
    let mut row = vec![0.0; all.width()];
    for at in 0..all.len() {
        all.get(at, &mut row);
        let mut short = vec![0.0; to];
        for &(into, from, value) in entries {
            short[into] += value as f32 * row[from];
        }
        projected.push(&short);
    }
    projected
}

#[test]
fn picks_distances_maps_and_scores_are_numpys() {
    let mut worst = Worst::default();
    for of in goldens().patchcore {
        let case = &of.case;
        let mut place = |what: &str, error| worst.add(format!("{}: {what}", case.name), error);
        let all: Vec<f32> = case
            .train()
            .into_iter()
            .flat_map(|taps| rows(local(taps)))
            .collect();
        place("rows", of.rows.error("rows", &all));
        let width = all.len() / case.train().len() / case.grid().iter().product::<usize>();
        let all = Rows::from_f32(width, all);
        let config = PatchcoreConfig {
            coreset: of.share,
            ..PatchcoreConfig::default()
        };
        let wanted = config.rows(all.len() as u64);
        let (picks, ..) = pick(&measured(&of, &all), &[of.first], wanted, &mut ()).unwrap();
        assert_eq!(picks, of.picks, "{}", case.name);
        let scorer = Scorer::new(all.select(&picks), of.neighbours);
        let maps = MapMaker::new(case.grid(), case.size, case.smoothing(), &Device::flex());
        for (image, (taps, expected)) in case.test().into_iter().zip(&of.tests).enumerate() {
            let found = scorer.score(&rows(local(taps)), 1, &Counted::all());
            place(
                "distances",
                Case::apart(&found.distances, &expected.distances),
            );
            let largest = found.distances[expected.patch];
            assert_eq!(found.largest, [largest], "{}", case.name);
            place("score", Case::apart(&found.weighted, &[expected.score]));
            let map: Vec<f32> = maps
                .map(found.distances, &Counted::all())
                .into_data()
                .iter()
                .collect();
            place("map", expected.map.error(&format!("map{image}"), &map));
        }
    }
    worst.assert_within(LIMIT);
}

const SIZE: [usize; 2] = [64, 96];

fn config() -> PatchcoreConfig {
    PatchcoreConfig {
        encoder: FeatureConfig {
            weights: Source::None,
            ..FeatureConfig::default()
        },
        ..PatchcoreConfig::default()
    }
}

/// Images that differ by their numbers.
fn batch(numbers: &[usize]) -> Batch {
    let [height, width] = SIZE;
    let pixels = numbers.iter().flat_map(|&number| {
        (0..3 * height * width).map(move |at| {
            let phase = (number + 1) as f32 * 0.37;
            0.5 + 0.4 * (at as f32 * 0.013 * phase).sin()
        })
    });
    let data = TensorData::new(
        pixels.collect::<Vec<f32>>(),
        [numbers.len(), 3, height, width],
    );
    Batch {
        images: Tensor::from_data(data, &Device::flex()),
        valid: None,
        anomalous: vec![false; numbers.len()],
        classes: Vec::new(),
        numbers: numbers.to_vec(),
        step: 0,
        pass: 0,
    }
}

fn learner(config: &PatchcoreConfig) -> Box<dyn Learner> {
    let (known, method) = (Pretrained::default(), Method::Patchcore(config.clone()));
    method.learner(SIZE, 3, &known, &Device::flex()).unwrap()
}

fn finished(learner: Box<dyn Learner>) -> Box<dyn Detector> {
    learner.finish(&mut std::iter::empty(), &mut ()).unwrap()
}

fn fit(config: &PatchcoreConfig, numbers: &[usize]) -> Box<dyn Detector> {
    let mut learner = learner(config);
    learner.observe(&batch(numbers)).unwrap();
    finished(learner)
}

fn distances(detector: &dyn Detector, numbers: &[usize]) -> Vec<f32> {
    let scores = detector.score(batch(numbers).images, None).unwrap();
    scores.maps[0].values.clone().into_data().iter().collect()
}

fn tensor<T: burn::tensor::Element>(detector: &dyn Detector, name: &str) -> Vec<T> {
    detector.state().unwrap()[name].iter::<T>().collect()
}

#[test]
fn scores_do_not_depend_on_the_batch_and_survive_a_file() {
    for precision in [Precision::F32, Precision::F16] {
        let config = PatchcoreConfig {
            precision,
            ..config()
        };
        let detector = fit(&config, &[0, 1, 2]);
        let together = distances(&*detector, &[7, 8]);
        let alone = [distances(&*detector, &[7]), distances(&*detector, &[8])].concat();
        assert_eq!(together, alone);
        let method = Method::Patchcore(config);
        let read = method.detector(SIZE, detector.state().unwrap(), &Device::flex());
        assert_eq!(distances(&*read.unwrap(), &[7, 8]), together);
    }
}

#[test]
fn images_that_were_learnt_whole_are_at_no_distance() {
    let all = PatchcoreConfig {
        coreset: 1.0,
        neighbours: 0,
        ..config()
    };
    let detector = fit(&all, &[0, 1]);
    let seen = distances(&*detector, &[0, 1]);
    assert!(seen.iter().all(|&distance| distance < 1e-3));
    let scores = detector.score(batch(&[5]).images, None).unwrap();
    assert!(scores.images[0].values[0] > 1e-2);
    assert_eq!(scores.images[0].values, scores.images[1].values);
}

/// The largest distance of the rows that images have to those of a bank.
fn reach(detector: &dyn Detector, numbers: &[usize]) -> f32 {
    let scores = detector.score(batch(numbers).images, None).unwrap();
    scores.images[1].values.iter().copied().fold(0.0, f32::max)
}

#[test]
fn no_feature_that_was_learnt_lies_beyond_the_radius_whatever_comes_and_goes() {
    for (most, projection) in [(10_000, 0), (20, 0), (10_000, 16), (20, 16)] {
        let config = PatchcoreConfig {
            most,
            projection,
            ..config()
        };
        let radius = |detector: &dyn Detector| tensor::<f32>(detector, "bank.radius")[0];
        let first = fit(&config, &[0, 1, 2]);
        assert!(reach(&*first, &[0, 1, 2]) <= radius(&*first) * 1.0001);
        let mut again = first.reopened().unwrap();
        again.observe(&batch(&[3, 4])).unwrap();
        let grown = finished(again);
        assert!(reach(&*grown, &[0, 1, 2, 3, 4]) <= radius(&*grown) * 1.0001);
        let rows = tensor::<f32>(&*grown, "bank.owners").len();
        assert_eq!(rows, (5 * 96_usize / 10).min(most));
        let mut fewer = grown.reopened().unwrap();
        fewer.forget(&[1, 4], &mut std::iter::empty()).unwrap();
        let fewer = finished(fewer);
        let owners = tensor::<u32>(&*fewer, "bank.owners");
        assert!(!owners.is_empty() && owners.iter().all(|owner| ![1, 4].contains(owner)));
        assert!(reach(&*fewer, &[0, 2, 3]) <= radius(&*fewer) * 1.0001);
        assert_eq!(tensor::<u32>(&*fewer, "bank.features"), [96, 0, 96, 96, 0]);
    }
}

#[test]
fn forgetting_all_is_an_error() {
    let mut learner = fit(&config(), &[0, 1]).reopened().unwrap();
    learner.forget(&[0, 1], &mut std::iter::empty()).unwrap();
    let error = learner
        .finish(&mut std::iter::empty(), &mut ())
        .err()
        .unwrap();
    assert!(matches!(error, Error::NoImages(_)), "{error}");
}

/// Offers rows that say which they are.
fn offered(memory: u64, count: usize) -> Candidates {
    let config = PatchcoreConfig {
        memory: Memory::mib(memory),
        ..config()
    };
    let mut candidates = Candidates::new(&config, 64);
    let mut generator = random::generator(1, random::Stream::Reservoir, 0);
    for at in 0..count {
        let row = vec![at as f32; 64];
        candidates.offer(&row, (at % 100) as u32, &mut generator);
    }
    candidates
}

#[test]
fn more_features_than_memory_holds_have_the_same_chance_each() {
    // 64 numbers, an owner, a nearest pick and a distance to it.
    let capacity = (1 << 20) / (67 * 4);
    let fits = offered(1, capacity);
    assert!(fits.is_whole() && fits.rows.len() == capacity);
    let thinned = offered(1, 10 * capacity);
    assert!(!thinned.is_whole());
    assert_eq!(thinned.rows.len(), capacity);
    let mut first = vec![0.0; 64];
    let mut tenths = [0_usize; 10];
    for at in 0..capacity {
        thinned.rows.get(at, &mut first);
        tenths[first[0] as usize / capacity] += 1;
        assert_eq!(thinned.owners[at], first[0] as u32 % 100);
    }
    // Each tenth is expected to have a tenth of them; five deviations are some 100 of 391.
    let expected = capacity / 10;
    assert!(
        tenths.iter().all(|count| count.abs_diff(expected) < 100),
        "{tenths:?}"
    );
}

#[test]
fn what_fits_in_memory_is_chosen_among_as_if_there_were_no_limit() {
    let within = |memory| PatchcoreConfig {
        memory: Memory::mib(memory),
        ..config()
    };
    let [small, large] = [within(1), within(100)].map(|config| fit(&config, &[0, 1, 2]));
    assert_eq!(small.state().unwrap(), large.state().unwrap());
}

#[test]
fn a_choice_that_is_stopped_ends() {
    struct Impatient;
    impl Observer for Impatient {
        fn begin(&mut self, _: &'static str, _: u64) {}
        fn advance(&mut self, _: u64) -> crate::Result<()> {
            Err(Error::Stopped)
        }
        fn end(&mut self) {}
    }
    let all = PatchcoreConfig {
        coreset: 1.0,
        ..config()
    };
    let mut learner = learner(&all);
    learner.observe(&batch(&[0, 1])).unwrap();
    let error = learner
        .finish(&mut std::iter::empty(), &mut Impatient)
        .err()
        .unwrap();
    assert!(matches!(error, Error::Stopped), "{error}");
}

#[test]
fn a_state_of_another_shape_is_refused() {
    let detector = fit(&config(), &[0, 1]);
    let refused = |name: &str, data: TensorData| {
        let mut state = detector.state().unwrap();
        state.insert(name.into(), data);
        let read = Method::Patchcore(config()).detector(SIZE, state, &Device::flex());
        read.err().unwrap().to_string()
    };
    let rows = TensorData::new(vec![0.0_f32; 6], [2, 3]);
    assert!(refused("bank.rows", rows).contains("bank.rows"));
    let owners = TensorData::new(vec![0_u32; 3], [3]);
    assert!(refused("bank.owners", owners).contains("bank.owners"));
    let half = Method::Patchcore(PatchcoreConfig {
        precision: Precision::F16,
        ..config()
    });
    let read = half.detector(SIZE, detector.state().unwrap(), &Device::flex());
    assert!(read.err().unwrap().to_string().contains("bank.rows"));
}

#[test]
fn a_bank_that_has_no_room_chooses_among_all() {
    let row = |value: f32| vec![value, 0.0];
    let rows = |values: &[f32]| Rows::from_f32(2, values.iter().flat_map(|&v| row(v)).collect());
    let bank = Bank {
        rows: rows(&[0.0, 1.0]),
        origin: Origin {
            owners: vec![0, 0],
            features: vec![2],
            radius: 0.25,
        },
    };
    let mut candidates = Candidates::new(&config(), 2);
    let mut generator = random::generator(1, random::Stream::Reservoir, 0);
    candidates.offer(&row(10.0), 1, &mut generator);
    let bank = candidates.choose(bank, 2, (&config(), 0), &mut ()).unwrap();
    assert_eq!(bank.origin.owners.len(), 2);
    assert!(bank.origin.owners.contains(&1));
    assert!(bank.origin.radius >= 1.0);
}
