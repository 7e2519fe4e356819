//! Real photographs and a real dataset, where they are at hand: `CAVGA_TEST_DATA`, or `shared/data` beside the project.

#![allow(clippy::unwrap_used, reason = "in a test an error is a failure")]

mod common;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cavga_data::{
    Dataset, DatasetSpec, Limits, Loader, LoaderConfig, check, hold_out, image_size, leaks,
    list_images, load_image,
};
use common::real;

#[test]
fn photos_of_many_sizes_and_colour_types_load() {
    let Some(folder) = real("photos") else { return };
    let photos = list_images(&folder).unwrap();
    assert!(photos.len() >= 10, "{}", photos.len());
    for path in &photos {
        let [height, width] = image_size(path).unwrap();
        let image = load_image(path, None, &Limits::default()).unwrap();
        assert_eq!(
            [image.height, image.width],
            [height, width],
            "{}",
            path.display()
        );
        assert_eq!(image.pixels.len(), 3 * height * width);
        let small = load_image(path, Some([64, 48]), &Limits::default()).unwrap();
        assert_eq!(small.pixels.len(), 3 * 64 * 48);
        // Resizing keeps the mean, so nothing was shifted, swapped or left out.
        let mean = |pixels: &[f32]| {
            pixels.iter().map(|&v| f64::from(v)).sum::<f64>() / pixels.len() as f64
        };
        assert!(
            (mean(&image.pixels) - mean(&small.pixels)).abs() < 0.01,
            "{}",
            path.display()
        );
    }
}

#[test]
fn toothbrush_opens_checks_and_loads() {
    let Some(folder) = real("toothbrush") else {
        return;
    };
    let dataset = Dataset::open(&folder).unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len()), (48, 42));
    assert_eq!(
        dataset.kinds().into_iter().collect::<Vec<_>>(),
        [("defective", 30), ("good", 12)]
    );
    assert!(dataset.has_masks());
    let report = check(&DatasetSpec::default(), &folder, &Limits::default());
    assert_eq!(report.problems, [], "{:?}", report.warnings);
    assert_eq!(report.counts.masks, 30);
    let mask = dataset
        .test
        .iter()
        .find_map(|sample| sample.mask.as_ref())
        .unwrap();
    let mask = mask.load(&Limits::default()).unwrap();
    assert!(mask.area() > 0 && mask.area() < mask.pixels.len() / 2);

    let (train, calibration) = hold_out(dataset.train, 0.25, 0);
    assert_eq!((train.len(), calibration.len()), (36, 12));
    let samples: Arc<[_]> = train.into();
    let order = (0..samples.len()).collect();
    let config = LoaderConfig {
        size: [128, 128],
        batch: 8,
        ..LoaderConfig::default()
    };
    let batches: Vec<_> = Loader::start(samples, order, config)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        batches
            .iter()
            .map(|batch| batch.ids.len())
            .collect::<Vec<_>>(),
        [8, 8, 8, 8, 4]
    );
}

#[test]
fn leather_with_its_four_training_images_splits() {
    let Some(folder) = real("leather") else {
        return;
    };
    let dataset = Dataset::open(&folder).unwrap();
    let (train, calibration) = hold_out(dataset.train, 0.1, 0);
    assert_eq!((train.len(), calibration.len()), (3, 1));
    assert_eq!(
        check(&DatasetSpec::default(), &folder, &Limits::default()).problems,
        []
    );
}

#[test]
fn no_real_set_has_a_training_image_in_its_test_set() {
    for name in ["toothbrush", "leather", "ucsd_ped2"] {
        let Some(folder) = real(name) else { continue };
        let dataset = Dataset::open(&folder).unwrap();
        let test = dataset.test_split().samples();
        let stop = AtomicBool::new(false);
        let start = std::time::Instant::now();
        let found = leaks(&dataset.train, &test, &Limits::default(), &stop);
        let found = found.unwrap().unwrap();
        println!(
            "{name}: {} images in {:?}, {found:?}",
            dataset.tally().used,
            start.elapsed()
        );
        assert_eq!(found.between, [], "{name}");
    }
}
