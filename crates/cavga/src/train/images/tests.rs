use std::fs;

use cavga_data::generate::{GenerateConfig, write_dataset};

use super::*;

fn data(folder: &Path) -> std::path::PathBuf {
    let root = folder.join("data");
    let config = GenerateConfig {
        train: 6,
        test_per_defect: 2,
        ..GenerateConfig::tiny()
    };
    write_dataset(&root, &config).unwrap();
    root
}

#[test]
fn drawn_images_are_learnt_from_and_never_calibrated_on() {
    let folder = tempfile::tempdir().unwrap();
    let root = data(folder.path());
    let images = Images::split((Dataset::open(&root).unwrap(), &root), 0.3, Some(0.2), 1).unwrap();
    assert_eq!((images.train.len(), images.held_out.len()), (6, 2));
    assert_eq!(
        (images.anomalous.len(), images.train.normal().len()),
        (2, 4)
    );
    assert!(
        images
            .held_out
            .iter()
            .all(|held| !held.label.is_anomalous())
    );
    for (sample, learnt) in images.train.iter().skip(4).zip(&images.anomalous) {
        assert!(sample.label.is_anomalous() && sample.id == learnt.id);
        assert_eq!(sample.sha256().unwrap(), learnt.sha256);
    }
}

#[test]
fn held_out_images_are_halved_where_there_are_four() {
    let folder = tempfile::tempdir().unwrap();
    let root = data(folder.path());
    for (share, expected) in [(0.67, (2, 2)), (0.5, (3, 0)), (0.1, (1, 0))] {
        let dataset = Dataset::open(&root).unwrap();
        let images = Images::split((dataset, &root), share, None, 1).unwrap();
        let (fit, rest) = &images.halves;
        assert_eq!((fit.len(), rest.len()), expected, "{share}");
        assert!(fit.iter().all(|sample| !rest.contains(sample)));
        assert_eq!(images.held_out.len(), fit.len() + rest.len());
    }
}

#[test]
fn a_fingerprint_covers_the_images_drawn_and_no_other_test_image() {
    let folder = tempfile::tempdir().unwrap();
    let root = data(folder.path());
    let open =
        |share| Images::split((Dataset::open(&root).unwrap(), &root), 0.3, share, 1).unwrap();
    let (weak, plain) = (open(Some(0.1)), open(None));
    assert!(plain.anomalous.is_empty() && plain.train.len() == 4);
    assert_ne!(weak.fingerprint, plain.fingerprint);
    let spoil = |id: &str| fs::copy(root.join("train/good/000.png"), root.join(id)).unwrap();
    let drawn = &weak.anomalous[0].id;
    let other = ["test/blob/000.png", "test/blob/001.png"];
    spoil(other.iter().find(|id| *id != drawn).unwrap());
    assert_eq!(open(Some(0.1)).fingerprint, weak.fingerprint);
    spoil(drawn);
    assert_ne!(open(Some(0.1)).fingerprint, weak.fingerprint);
    assert_eq!(open(None).fingerprint, plain.fingerprint);
}

#[test]
fn a_fingerprint_does_not_cover_masks() {
    let folder = tempfile::tempdir().unwrap();
    let root = data(folder.path());
    let fingerprint = || {
        Images::split((Dataset::open(&root).unwrap(), &root), 0.3, Some(0.1), 1)
            .unwrap()
            .fingerprint
    };
    let before = fingerprint();
    fs::remove_dir_all(root.join("ground_truth")).unwrap();
    assert_eq!(fingerprint(), before);
}

#[test]
fn one_anomalous_image_is_too_few_to_learn_from_and_test_on() {
    let folder = tempfile::tempdir().unwrap();
    let root = data(folder.path());
    fs::remove_dir_all(root.join("ground_truth")).unwrap();
    for kind in ["blob", "misprint", "missing_part", "scratch"] {
        fs::remove_dir_all(root.join("test").join(kind)).unwrap();
    }
    fs::remove_file(root.join("test/stain/001.png")).unwrap();
    let open = |share| Images::split((Dataset::open(&root).unwrap(), &root), 0.3, share, 1);
    let error = open(Some(0.02)).err().unwrap().to_string();
    assert!(error.starts_with(&root.display().to_string()), "{error}");
    assert!(error.contains(": 1 anomalous test images"), "{error}");
    assert!(error.ends_with("at least 2 needed"), "{error}");
    assert!(open(None).is_ok());
}
