//! Datasets as found on disk, their fingerprints, and generated ones.

#![allow(clippy::unwrap_used, reason = "in a test an error is a failure")]

use std::collections::BTreeSet;
use std::fs;

use cavga_data::generate::{
    Defect, GenerateConfig, Texture, defective_image, normal_image, write_dataset,
};
use cavga_data::{Dataset, DatasetSpec, Label, Limits, MaskSource, load_image};

#[test]
fn layout_gives_ids_labels_and_masks_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = write_dataset(folder.path(), &GenerateConfig::tiny()).unwrap();
    let ids: Vec<&str> = dataset
        .test
        .iter()
        .map(|test| test.sample.id.as_str())
        .collect();
    let expected = [
        "blob/000",
        "good/000",
        "good/001",
        "misprint/000",
        "missing_part/000",
        "scratch/000",
        "stain/000",
    ];
    assert_eq!(ids, expected.map(|name| format!("test/{name}.png")));
    assert_eq!(dataset.train[3].id, "train/good/003.png");
    for sample in &dataset.test {
        let (sample, mask) = (&sample.sample, &sample.mask);
        assert_eq!(mask.is_some(), sample.label.is_anomalous());
        assert!(sample.id.contains(sample.label.kind()));
    }
    assert_eq!(
        dataset.test[0].sample.label,
        Label::Anomalous {
            kind: "blob".into()
        }
    );
    assert_eq!(dataset.test[1].sample.label.kind(), "good");
    assert_eq!(dataset.test_split().len(), 7);
}

#[test]
fn masks_may_be_named_as_their_images_and_be_of_other_types() {
    let folder = tempfile::tempdir().unwrap();
    write_dataset(folder.path(), &GenerateConfig::tiny()).unwrap();
    let masks = folder.path().join("ground_truth/blob");
    fs::rename(masks.join("000_mask.png"), masks.join("000.PNG")).unwrap();
    let dataset = Dataset::open(folder.path()).unwrap();
    assert_eq!(
        dataset.test[0].mask,
        Some(MaskSource::image(masks.join("000.PNG")))
    );
}

#[test]
fn a_plain_folder_is_all_for_training() {
    let folder = tempfile::tempdir().unwrap();
    write_dataset(folder.path(), &GenerateConfig::tiny()).unwrap();
    let dataset = Dataset::open(folder.path().join("train/good")).unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len()), (4, 0));
    assert_eq!(dataset.train[0].id, "000.png");
    assert!(
        dataset
            .train
            .iter()
            .all(|sample| sample.label == Label::Normal)
    );
}

#[test]
fn a_plain_folder_counts_what_is_no_image() {
    let folder = tempfile::tempdir().unwrap();
    write_dataset(folder.path(), &GenerateConfig::tiny()).unwrap();
    let root = folder.path().join("train/good");
    fs::create_dir(root.join("deep")).unwrap();
    fs::write(root.join("deep/notes.txt"), "x").unwrap();
    let tally = Dataset::open(&root).unwrap().tally();
    assert_eq!((tally.seen, tally.used), (5, 4));
    let empty = Dataset::open(root.join("deep")).unwrap_err();
    assert_eq!(empty.kind(), "empty-folder");
}

#[test]
fn what_lies_beside_the_layouts_folders_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let before = write_dataset(root, &GenerateConfig::tiny()).unwrap();
    fs::create_dir_all(root.join("validation/good")).unwrap();
    for extra in ["extra.png", "validation/good/000.png"] {
        fs::copy(root.join("train/good/000.png"), root.join(extra)).unwrap();
    }
    let after = Dataset::open(root).unwrap();
    let [old, new] = [&before, &after].map(Dataset::tally);
    assert_eq!((new.used, new.seen), (old.used, old.seen + 2));
    assert_eq!(
        before.fingerprint().unwrap(),
        after.fingerprint().unwrap(),
        "what is not used changes nothing"
    );
}

#[test]
fn a_category_or_a_normal_class_without_a_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_dataset(folder.path(), &GenerateConfig::tiny()).unwrap();
    for spec in [
        DatasetSpec {
            category: Some("bottle".into()),
            ..DatasetSpec::default()
        },
        DatasetSpec {
            normal_class: Some(3),
            normal: vec!["train/good".into()],
            ..DatasetSpec::default()
        },
    ] {
        assert_eq!(spec.open(folder.path()).unwrap_err().kind(), "setting");
    }
}

#[test]
fn a_fingerprint_follows_names_images_and_masks_but_not_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let fingerprint = |name: &str| {
        Dataset::open(folder.path().join(name))
            .unwrap()
            .fingerprint()
            .unwrap()
    };
    let root = folder.path().join("a");
    write_dataset(&root, &GenerateConfig::tiny()).unwrap();
    write_dataset(folder.path().join("b"), &GenerateConfig::tiny()).unwrap();
    let mut seen = BTreeSet::from([fingerprint("a")]);
    assert_eq!(fingerprint("b"), fingerprint("a"));
    assert_eq!(fingerprint("a").len(), 64);
    fs::rename(
        root.join("train/good/003.png"),
        root.join("train/good/004.png"),
    )
    .unwrap();
    assert!(seen.insert(fingerprint("a")));
    fs::copy(
        root.join("train/good/000.png"),
        root.join("train/good/004.png"),
    )
    .unwrap();
    assert!(seen.insert(fingerprint("a")));
    fs::copy(
        root.join("ground_truth/blob/000_mask.png"),
        root.join("ground_truth/stain/000_mask.png"),
    )
    .unwrap();
    assert!(seen.insert(fingerprint("a")));
}

#[test]
fn a_new_dataset_is_never_mixed_with_an_old_one() {
    let folder = tempfile::tempdir().unwrap();
    write_dataset(folder.path(), &GenerateConfig::tiny()).unwrap();
    let again = write_dataset(folder.path(), &GenerateConfig::tiny());
    assert_eq!(again.unwrap_err().kind(), "folder-not-empty");
}

#[test]
fn masks_are_exactly_the_changed_pixels() {
    for texture in Texture::ALL {
        for defect in Defect::ALL {
            for index in 0..6 {
                let config = GenerateConfig {
                    texture,
                    size: [64, 80],
                    ..GenerateConfig::default()
                };
                let clean = normal_image(&config, index).unwrap();
                let (damaged, mask) = defective_image(&config, defect, index).unwrap();
                let plane = 64 * 80;
                let changed = |i: usize| {
                    (0..3).any(|c| clean.pixels[c * plane + i] != damaged.pixels[c * plane + i])
                };
                assert!(
                    (0..plane).all(|i| changed(i) == mask.pixels[i]),
                    "{texture:?} {defect:?} {index}"
                );
                let share = mask.area() as f64 / plane as f64;
                assert!(
                    (0.0005..0.25).contains(&share),
                    "{texture:?} {defect:?} {index}: {share}"
                );
            }
        }
    }
}

#[test]
fn files_hold_what_is_generated_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let config = GenerateConfig::tiny();
    let dataset = write_dataset(folder.path(), &config).unwrap();
    let limits = Limits::default();
    assert_eq!(
        load_image(dataset.train[2].path(), None, &limits).unwrap(),
        normal_image(&config, 2).unwrap()
    );
    // Four training and two normal test images come first, then the kinds in the order of `Defect::ALL`.
    let (image, mask) = defective_image(&config, Defect::Blob, 7).unwrap();
    assert_eq!(
        load_image(dataset.test[0].sample.path(), None, &limits).unwrap(),
        image
    );
    assert_eq!(
        dataset.test[0]
            .mask
            .as_ref()
            .unwrap()
            .load(&limits)
            .unwrap(),
        mask
    );
}

#[test]
fn images_differ_by_number_and_by_seed_and_sizes_are_checked() {
    let config = GenerateConfig::tiny();
    let other = GenerateConfig {
        seed: 1,
        ..GenerateConfig::tiny()
    };
    assert_eq!(
        normal_image(&config, 0).unwrap(),
        normal_image(&config, 0).unwrap()
    );
    assert_ne!(
        normal_image(&config, 0).unwrap(),
        normal_image(&config, 1).unwrap()
    );
    assert_ne!(
        normal_image(&config, 0).unwrap(),
        normal_image(&other, 0).unwrap()
    );
    let bad = GenerateConfig {
        size: [8, 32],
        ..GenerateConfig::tiny()
    };
    assert!(
        normal_image(&bad, 0)
            .unwrap_err()
            .to_string()
            .contains("`size`")
    );
}
