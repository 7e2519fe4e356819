//! MNIST, Fashion-MNIST and CIFAR-10 in every form they come in: small ones made here, and the real ones where they are at
//! hand (`CAVGA_TEST_DATA`, or `shared/data` beside the project).

#![allow(clippy::unwrap_used, reason = "in a test an error is a failure")]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;

use cavga_data::{Dataset, DatasetSpec, Error, Known, Limits, check};
use common::real;
use flate2::{Compression, write::GzEncoder};

fn spec(name: Known, class: Option<u8>) -> DatasetSpec {
    DatasetSpec {
        name: Some(name),
        normal_class: class,
        ..DatasetSpec::default()
    }
}

fn idx(sizes: &[usize], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| (*size as u32).to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    if path.extension().is_some_and(|end| end == "gz") {
        let mut encoder = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap();
    } else {
        fs::write(path, bytes).unwrap();
    }
}

/// Writes images of 2 x 2 whose values are their number, with these labels.
fn write_mnist(folder: &Path, dot: bool, end: &str, train: &[u8], test: &[u8]) {
    let dash = if dot { "." } else { "-" };
    for (split, labels, first) in [("train", train, 0), ("t10k", test, 100)] {
        let values = (0..labels.len()).flat_map(|i| [first + i as u8; 4]);
        let images = idx(&[labels.len(), 2, 2], &values.collect::<Vec<_>>());
        write(
            &folder.join(format!("{split}-images{dash}idx3-ubyte{end}")),
            &images,
        );
        let labels = idx(&[labels.len()], labels);
        write(
            &folder.join(format!("{split}-labels{dash}idx1-ubyte{end}")),
            &labels,
        );
    }
}

fn record(label: u8, value: u8) -> Vec<u8> {
    let mut record = vec![value; 3073];
    record[0] = label;
    record
}

fn kinds(dataset: &Dataset) -> Vec<(&str, usize)> {
    dataset.kinds().into_iter().collect()
}

#[test]
fn one_class_is_normal_and_the_whole_test_split_is_tested_on() {
    let places = [
        (Known::Mnist, "", false, ""),
        (Known::Mnist, "MNIST/raw", false, ".gz"),
        (Known::Mnist, "raw", true, ""),
        (Known::FashionMnist, "FashionMNIST/raw", true, ".gz"),
        (Known::FashionMnist, "", false, ".gz"),
    ];
    for (name, folder, dot, end) in places {
        let root = tempfile::tempdir().unwrap();
        write_mnist(
            &root.path().join(folder),
            dot,
            end,
            &[3, 1, 3, 9],
            &[1, 3, 0],
        );
        let dataset = spec(name, Some(3)).open(root.path()).unwrap();
        let ids: Vec<_> = dataset.train.iter().map(|sample| &sample.id[..]).collect();
        assert_eq!(ids, ["train/00000", "train/00002"]);
        let image = dataset.train[1].source.load(&Limits::default()).unwrap();
        assert_eq!(image.pixels, vec![2.0 / 255.0; 12]);
        let test: Vec<_> = dataset.test.iter().map(|test| &test.sample).collect();
        let ids: Vec<_> = test
            .iter()
            .map(|sample| (&sample.id[..], sample.label.kind()))
            .collect();
        let [one, zero] = match name {
            Known::Mnist => ["1", "0"],
            _ => ["trouser", "t-shirt-top"],
        };
        assert_eq!(
            ids,
            [
                ("test/00000", one),
                ("test/00001", "good"),
                ("test/00002", zero)
            ]
        );
        // Nothing goes without a word: the two of other classes.
        let tally = dataset.tally();
        assert_eq!((tally.seen, tally.used), (7, 5));
        assert_eq!(tally.refused.into_values().sum::<usize>(), 2);
    }
}

#[test]
fn cifar_is_read_in_both_forms_from_all_batches() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cifar-10-batches-bin");
    for batch in 1..=5 {
        let records = [record(batch, batch), record(2, 10 * batch)].concat();
        write(&folder.join(format!("data_batch_{batch}.bin")), &records);
    }
    write(
        &folder.join("test_batch.bin.gz"),
        &[record(2, 1), record(9, 2)].concat(),
    );
    let names = "a\nb\nc\nd\ne\nf\ng\nh\ni\nlorry\n";
    write(&folder.join("batches.meta.txt"), names.as_bytes());
    write(&folder.join("readme.html"), b"<p>");
    let dataset = spec(Known::Cifar10, Some(2)).open(root.path()).unwrap();
    let ids: Vec<_> = dataset.train.iter().map(|sample| &sample.id[..]).collect();
    let expected = ["00001", "00002", "00003", "00005", "00007", "00009"];
    assert_eq!(ids, expected.map(|id| format!("train/{id}")));
    assert_eq!(kinds(&dataset), [("good", 1), ("lorry", 1)]);
    let why: Vec<_> = dataset.tally().refused.into_iter().collect();
    assert_eq!(
        why.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
        [1, 4],
        "{why:?}"
    );

    let root = tempfile::tempdir().unwrap();
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/cifar");
    let folder = root.path().join("cifar-10-batches-py");
    fs::create_dir(&folder).unwrap();
    for file in ["data_batch_1", "data_batch_4", "test_batch"] {
        fs::copy(goldens.join("python2.pickle"), folder.join(file)).unwrap();
    }
    fs::copy(goldens.join("python2.meta"), folder.join("batches.meta")).unwrap();
    let spec = spec(Known::Cifar10, Some(3));
    let dataset = spec.open(root.path()).unwrap();
    let ids: Vec<_> = dataset.train.iter().map(|sample| &sample.id[..]).collect();
    assert_eq!(ids, ["train/00000", "train/00002"]);
    assert_eq!(kinds(&dataset), [("good", 1), ("truck", 1)]);
    let warnings = check(&spec, root.path(), &Limits::default()).warnings;
    let says = |words: &str| {
        warnings
            .iter()
            .any(|warning| warning.message.contains(words))
    };
    assert!(
        says("data_batch_2, data_batch_3, data_batch_5 are missing"),
        "{warnings:?}"
    );
    assert!(
        says("subset of the train images: 4 of 50000"),
        "{warnings:?}"
    );
}

#[test]
fn every_missing_file_is_named() {
    let root = tempfile::tempdir().unwrap();
    write_mnist(root.path(), false, ".gz", &[1], &[1]);
    fs::remove_file(root.path().join("train-labels-idx1-ubyte.gz")).unwrap();
    fs::remove_file(root.path().join("t10k-images-idx3-ubyte.gz")).unwrap();
    let report = check(
        &spec(Known::Mnist, Some(1)),
        root.path(),
        &Limits::default(),
    );
    let missing: Vec<_> = report
        .problems
        .iter()
        .map(|problem| (&problem.kind[..], &problem.path))
        .collect();
    let expected = ["t10k-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
        .map(|file| root.path().join(file));
    assert_eq!(
        missing,
        [
            ("file-missing", &expected[0]),
            ("file-missing", &expected[1])
        ]
    );

    let empty = tempfile::tempdir().unwrap();
    let report = check(
        &spec(Known::Cifar10, Some(1)),
        empty.path(),
        &Limits::default(),
    );
    let names: Vec<_> = report
        .problems
        .iter()
        .map(|p| p.path.file_name().unwrap())
        .collect();
    assert_eq!(names, ["data_batch_1.bin", "test_batch.bin"]);
    let nowhere = spec(Known::Mnist, Some(1))
        .open(empty.path().join("no"))
        .unwrap_err();
    assert_eq!(nowhere.kind(), "folder-missing");
}

#[test]
fn the_normal_class_must_be_one_of_the_ten() {
    let root = tempfile::tempdir().unwrap();
    write_mnist(root.path(), false, "", &[1, 2], &[1]);
    let error = |name, class| spec(name, class).open(root.path()).unwrap_err().to_string();
    let none = error(Known::Mnist, None);
    assert_eq!(
        none,
        "`normal_class`: expected the digit that is normal, 0 to 9, found none; change this setting"
    );
    let ten = error(Known::FashionMnist, Some(10));
    assert!(ten.contains("9 ankle-boot, found 10"), "{ten}");
    // A class that none of the training images is of.
    let eight = spec(Known::Mnist, Some(8)).open(root.path()).unwrap_err();
    assert!(matches!(eight, Error::NoNormalImage { .. }), "{eight}");
    let category = DatasetSpec {
        category: Some("bottle".into()),
        ..spec(Known::Mnist, Some(1))
    };
    assert!(
        category
            .open(root.path())
            .unwrap_err()
            .to_string()
            .contains("`category`")
    );
}

#[test]
fn one_class_is_anomalous_and_the_others_are_numbered_without_gaps() {
    let root = tempfile::tempdir().unwrap();
    write_mnist(root.path(), false, "", &[4, 2, 9, 3, 2], &[2, 3, 0]);
    let but = |anomalous_class| DatasetSpec {
        anomalous_class: Some(anomalous_class),
        ..spec(Known::Mnist, None)
    };
    let dataset = but(3).open(root.path()).unwrap();
    let train = dataset.train.iter();
    let train: Vec<_> = train.map(|s| (s.id.as_str(), s.class)).collect();
    assert_eq!(
        train,
        [
            ("train/00000", Some(3)),
            ("train/00001", Some(2)),
            ("train/00002", Some(8)),
            ("train/00004", Some(2)),
        ]
    );
    let kinds = dataset.test.iter().map(|test| test.sample.label.kind());
    assert_eq!(kinds.collect::<Vec<_>>(), ["good", "3", "good"]);
    // Where one class is normal there are no classes, and nothing new in what tells the images.
    let one = spec(Known::Mnist, Some(2)).open(root.path()).unwrap();
    assert!(one.train.iter().all(|sample| sample.class.is_none()));
    let mut labelled = one.clone();
    labelled.train[0].class = Some(0);
    assert_ne!(labelled.fingerprint().unwrap(), one.fingerprint().unwrap());
}

#[test]
fn the_anomalous_class_must_be_one_of_the_ten_and_the_only_one_named() {
    let root = tempfile::tempdir().unwrap();
    write_mnist(root.path(), false, "", &[1, 2], &[1]);
    let error = |normal, anomalous_class| {
        let spec = DatasetSpec {
            anomalous_class,
            ..spec(Known::Mnist, normal)
        };
        spec.open(root.path()).unwrap_err().to_string()
    };
    let ten = error(None, Some(10));
    assert!(
        ten.contains("`anomalous_class`: expected the class that is anomalous, 0 to 9, found 10"),
        "{ten}"
    );
    let both = error(Some(1), Some(2));
    assert!(
        both.contains("`anomalous_class`: expected none beside `normal_class`"),
        "{both}"
    );
    let nameless = DatasetSpec {
        anomalous_class: Some(1),
        ..DatasetSpec::default()
    };
    let nameless = nameless.open(root.path()).unwrap_err().to_string();
    assert!(nameless.contains("`anomalous_class`"), "{nameless}");
}

#[test]
fn files_that_contradict_each_other_are_refused() {
    let root = tempfile::tempdir().unwrap();
    write_mnist(root.path(), false, "", &[1, 2], &[1]);
    let labels = root.path().join("train-labels-idx1-ubyte");
    fs::write(&labels, idx(&[3], &[1, 2, 3])).unwrap();
    let error = |root: &Path| {
        spec(Known::Mnist, Some(1))
            .open(root)
            .unwrap_err()
            .to_string()
    };
    assert!(
        error(root.path()).contains("2 labels, one for each image"),
        "{}",
        error(root.path())
    );
    fs::write(&labels, idx(&[2], &[1, 10])).unwrap();
    assert!(
        error(root.path()).contains("found 10, at image 1"),
        "{}",
        error(root.path())
    );
    fs::write(&labels, b"").unwrap();
    assert!(
        error(root.path()).contains("ends early"),
        "{}",
        error(root.path())
    );
}

#[test]
fn real_mnist_has_the_published_counts() {
    let Some(root) = real("mnist") else { return };
    // Of the 60,000 and of the 10,000, as published.
    let train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    let test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
    for class in [0_u8, 5, 9] {
        let dataset = spec(Known::Mnist, Some(class)).open(&root).unwrap();
        assert_eq!(dataset.train.len(), train[usize::from(class)]);
        let kinds = dataset.kinds();
        for (digit, count) in test.iter().enumerate() {
            let kind = if digit == usize::from(class) {
                "good".to_owned()
            } else {
                digit.to_string()
            };
            assert_eq!(kinds[&kind[..]], *count, "{kind}");
        }
    }
    // The first training image is a 5; the mean of its values is known.
    let dataset = spec(Known::Mnist, Some(5)).open(&root).unwrap();
    assert_eq!(dataset.train[0].id, "train/00000");
    let image = dataset.train[0].source.load(&Limits::default()).unwrap();
    let mean = image.pixels.iter().sum::<f32>() / image.pixels.len() as f32;
    assert!((mean - 0.137_699).abs() < 1e-4, "{mean}");
}

#[test]
fn real_cifar_subset_opens_and_says_that_it_is_one() {
    let Some(root) = real("cifar10_subset") else {
        return;
    };
    let spec = spec(Known::Cifar10, Some(0));
    let dataset = spec.open(&root).unwrap();
    assert_eq!(dataset.test.len(), 1500);
    assert_eq!(dataset.train.len() + dataset.unused.len(), 3000);
    assert!(dataset.kinds().contains_key("truck"));
    let report = check(&spec, &root, &Limits::default());
    assert_eq!(report.problems, []);
    let says = |words: &str| {
        report
            .warnings
            .iter()
            .any(|warning| warning.message.contains(words))
    };
    assert!(
        says("3000 of 50000") && says("1500 of 10000"),
        "{:?}",
        report.warnings
    );
}
