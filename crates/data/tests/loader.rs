//! The loader: order, bits, errors, bounds and its end.

#![allow(clippy::unwrap_used, reason = "in a test an error is a failure")]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cavga_data::generate::{GenerateConfig, write_dataset};
use cavga_data::{
    Augment, Batch, Limits, Loader, LoaderConfig, Sample, Tiles, load_image, shuffled,
};
use tempfile::TempDir;

fn samples(train: usize) -> (TempDir, Arc<[Sample]>) {
    let folder = tempfile::tempdir().unwrap();
    let dataset = write_dataset(
        folder.path(),
        &GenerateConfig {
            train,
            ..GenerateConfig::tiny()
        },
    )
    .unwrap();
    (folder, dataset.train.into())
}

fn config(batch: usize, threads: usize) -> LoaderConfig {
    let augment = Augment {
        flip_horizontal: true,
        rotate: 10.0,
        crop: 0.1,
        brightness: 0.1,
        ..Augment::default()
    };
    LoaderConfig {
        size: [24, 20],
        batch,
        augment,
        seed: 3,
        pass: 1,
        threads,
        ..LoaderConfig::default()
    }
}

fn all(samples: &Arc<[Sample]>, order: Vec<usize>, config: LoaderConfig) -> Vec<Batch> {
    Loader::start(Arc::clone(samples), order, config)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn batches_come_in_order_with_the_last_one_short() {
    let (_folder, samples) = samples(10);
    let order = shuffled(10, 5, 0);
    let batches = all(&samples, order.clone(), config(4, 3));
    assert_eq!(
        batches.iter().map(|batch| batch.shape).collect::<Vec<_>>(),
        [[4, 3, 24, 20], [4, 3, 24, 20], [2, 3, 24, 20]]
    );
    assert_eq!(
        batches
            .iter()
            .flat_map(|batch| batch.samples.clone())
            .collect::<Vec<_>>(),
        order
    );
    for batch in &batches {
        assert_eq!(batch.pixels.len(), batch.shape.iter().product::<usize>());
        assert!(
            batch
                .ids
                .iter()
                .zip(&batch.samples)
                .all(|(id, &index)| *id == samples[index].id)
        );
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (_folder, samples) = samples(12);
    let one = all(&samples, shuffled(12, 0, 0), config(5, 1));
    for threads in [0, 2, 7] {
        assert_eq!(all(&samples, shuffled(12, 0, 0), config(5, threads)), one);
    }
}

#[test]
fn the_rest_of_an_order_continues_a_pass() {
    let (_folder, samples) = samples(9);
    let order = shuffled(9, 0, 0);
    let whole = all(&samples, order.clone(), config(3, 2));
    assert_eq!(all(&samples, order[3..].to_vec(), config(3, 2)), whole[1..]);
}

#[test]
fn without_changes_a_batch_holds_what_load_image_gives() {
    let (_folder, samples) = samples(2);
    let plain = LoaderConfig {
        augment: Augment::default(),
        ..config(2, 2)
    };
    let batch = all(&samples, vec![1, 0], plain).remove(0);
    let first = load_image(samples[1].path(), Some([24, 20]), &Limits::default()).unwrap();
    assert_eq!(batch.pixels[..3 * 24 * 20], first.pixels);
}

#[test]
fn a_broken_image_is_an_error_that_names_it_and_the_next_batch_comes() {
    let (_folder, samples) = samples(6);
    fs::write(samples[3].path(), b"broken").unwrap();
    let results: Vec<_> = Loader::start(Arc::clone(&samples), (0..6).collect(), config(2, 2))
        .unwrap()
        .collect();
    assert!(results[0].is_ok() && results[2].is_ok());
    assert_eq!(
        results[1].as_ref().unwrap_err().path(),
        Some(samples[3].path())
    );
}

#[test]
fn work_in_flight_is_bounded_while_nobody_takes_it() {
    let (_folder, samples) = samples(4);
    // A long pass over few files; a loader without bounds would finish it within the wait.
    let order: Vec<usize> = (0..4000).map(|i| i % 4).collect();
    let mut loader = Loader::start(
        Arc::clone(&samples),
        order,
        LoaderConfig {
            ahead: 2,
            ..config(3, 4)
        },
    )
    .unwrap();
    for taken in 1..4 {
        loader.next().unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while loader.images_ready() < 6 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(
            loader.images_ready(),
            6,
            "two batches of three, after {taken}"
        );
    }
    let start = Instant::now();
    drop(loader);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "threads end when the loader does"
    );
}

#[test]
fn an_empty_order_is_an_empty_pass() {
    let (_folder, samples) = samples(1);
    assert!(
        Loader::start(samples, Vec::new(), config(2, 0))
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let (_folder, samples) = samples(1);
    let refused = |order: Vec<usize>, config: LoaderConfig| {
        Loader::start(Arc::clone(&samples), order, config)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    assert!(refused(vec![0], config(0, 1)).contains("`batch`"));
    assert!(
        refused(
            vec![0],
            LoaderConfig {
                ahead: 0,
                ..config(1, 1)
            }
        )
        .contains("`ahead`")
    );
    assert!(
        refused(
            vec![0],
            LoaderConfig {
                size: [0, 9],
                ..config(1, 1)
            }
        )
        .contains("`size`")
    );
    assert!(refused(vec![1], config(1, 1)).contains("`order`"));
    let bad = Augment {
        brightness: 2.0,
        ..Augment::default()
    };
    assert!(
        refused(
            vec![0],
            LoaderConfig {
                augment: bad,
                ..config(1, 1)
            }
        )
        .contains("`brightness`")
    );
}

#[test]
fn files_that_vanish_are_skipped_and_counted() {
    let (folder, samples) = samples(10);
    let remove = |number: usize| {
        fs::remove_file(folder.path().join(format!("train/good/{number:03}.png"))).unwrap();
    };
    let load = |missing_allowed| {
        let config = LoaderConfig {
            missing_allowed,
            ..config(2, 1)
        };
        Loader::start(Arc::clone(&samples), (0..10).collect(), config).unwrap()
    };
    // Before: both of the second batch, which keeps its place with no image.
    remove(2);
    remove(3);
    let mut loader = load(4);
    let first = loader.next().unwrap().unwrap();
    assert_eq!((first.samples, first.gone), (vec![0, 1], vec![]));
    let second = loader.next().unwrap().unwrap();
    assert_eq!((second.shape, second.gone), ([0, 3, 24, 20], vec![2, 3]));
    assert!(second.pixels.is_empty() && second.ids.is_empty());
    // During: it works two batches ahead at most, so that the last is still to come.
    remove(8);
    let rest: Vec<Batch> = loader.by_ref().map(Result::unwrap).collect();
    assert_eq!(rest.len(), 3);
    assert_eq!((&rest[2].samples, &rest[2].gone), (&vec![9], &vec![8]));
    let missing: Vec<_> = loader
        .missing()
        .iter()
        .map(|path| path.file_name())
        .collect();
    assert_eq!(
        missing,
        ["002.png", "003.png", "008.png"].map(|name| Some(name.as_ref()))
    );
    // The others are what they were.
    assert_eq!(first.pixels, load(9).next().unwrap().unwrap().pixels);
    // Past the limit, and by default.
    let error = load(2).find_map(Result::err).unwrap();
    assert_eq!(error.kind(), "vanished");
    assert!(
        error
            .to_string()
            .contains("3 files are gone so far, 2 may be"),
        "{error}"
    );
    assert_eq!(load(0).find_map(Result::err).unwrap().kind(), "unreadable");
    // What is there and is no image is an error however many may be gone.
    fs::write(folder.path().join("train/good/005.png"), b"text").unwrap();
    assert_eq!(
        load(9).find_map(Result::err).unwrap().kind(),
        "not-an-image"
    );
}

#[test]
fn tiles_of_another_size_than_the_images_are_refused() {
    let (_folder, samples) = samples(1);
    let config = LoaderConfig {
        size: [24, 20],
        tiles: Some(Arc::new(Tiles::new([20, 24], [8, 8], 0.0).unwrap())),
        ..LoaderConfig::default()
    };
    let error = Loader::start(samples, vec![0], config).unwrap_err();
    assert!(error.to_string().contains("`tiles`"), "{error}");
}
