//! One test for each way in which a dataset can be wrong: that it is refused, under which name, and that `check` finds
//! it among all others.

#![allow(clippy::unwrap_used, reason = "in a test an error is a failure")]

use std::fs;
use std::path::{Path, PathBuf};

use cavga_data::generate::{GenerateConfig, write_dataset};
use cavga_data::{Dataset, DatasetSpec, Error, Limits, check, check_mask, load_image, load_mask};
use tempfile::TempDir;

/// A small generated dataset to spoil.
fn dataset() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("set");
    write_dataset(&root, &GenerateConfig::tiny()).unwrap();
    (folder, root)
}

/// The problems that `check` finds, as kind and path below the root.
fn problems(root: &Path) -> Vec<(String, String)> {
    let report = check(&DatasetSpec::default(), root, &Limits::default());
    for problem in &report.problems {
        assert!(
            problem.message.contains(problem.path.to_str().unwrap()),
            "{}",
            problem.message
        );
        assert!(problem.message.contains("expected"), "{}", problem.message);
    }
    let below = |path: &Path| {
        path.strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/")
    };
    report
        .problems
        .into_iter()
        .map(|problem| (problem.kind, below(&problem.path)))
        .collect()
}

fn only(root: &Path, kind: &str, path: &str) {
    assert_eq!(problems(root), [(kind.to_string(), path.to_string())]);
}

fn open_error(root: &Path) -> Error {
    Dataset::open(root).unwrap_err()
}

fn load_error(path: &Path) -> Error {
    let error = load_image(path, Some([16, 16]), &Limits::default()).unwrap_err();
    assert_eq!(error.path(), Some(path), "{error}");
    error
}

/// An 8 bit PGM's header that claims a size, and no pixel.
fn huge_pgm(path: &Path) {
    fs::write(path, b"P5\n30000 30000\n255\n").unwrap();
}

#[test]
fn a_good_dataset_has_no_problem() {
    let (_folder, root) = dataset();
    assert_eq!(problems(&root), []);
    let report = check(&DatasetSpec::default(), &root, &Limits::default());
    assert_eq!(report.warnings, []);
    assert_eq!(
        (
            report.counts.train,
            report.counts.test_normal,
            report.counts.test_anomalous
        ),
        (4, 2, 5)
    );
}

#[test]
fn missing_folder() {
    let (_folder, root) = dataset();
    assert_eq!(open_error(&root.join("nowhere")).kind(), "folder-missing");
    assert_eq!(
        check(
            &DatasetSpec::default(),
            &root.join("nowhere"),
            &Limits::default()
        )
        .problems
        .len(),
        1
    );
}

#[test]
fn a_file_in_place_of_a_folder() {
    let (_folder, root) = dataset();
    assert_eq!(
        open_error(&root.join("train/good/000.png")).kind(),
        "not-a-folder"
    );
}

#[test]
fn empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(open_error(folder.path()).kind(), "empty-folder");
    fs::create_dir_all(folder.path().join("train/good")).unwrap();
    assert_eq!(open_error(folder.path()).kind(), "empty-folder");
    only(folder.path(), "empty-folder", "");
}

#[test]
fn no_normal_image() {
    let (_folder, root) = dataset();
    fs::remove_dir_all(root.join("train/good")).unwrap();
    assert!(
        open_error(&root).to_string().contains("train"),
        "says where they belong"
    );
    only(&root, "no-normal-image", "");
}

#[test]
fn a_folder_of_several_datasets() {
    let (folder, _root) = dataset();
    assert!(open_error(folder.path()).to_string().contains("(set)"));
}

#[test]
fn truncated_png() {
    let (_folder, root) = dataset();
    let path = root.join("train/good/001.png");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(load_error(&path).kind(), "truncated");
    only(&root, "truncated", "train/good/001.png");
}

#[test]
fn zero_byte_file() {
    let (_folder, root) = dataset();
    let path = root.join("test/good/000.png");
    fs::write(&path, b"").unwrap();
    assert_eq!(load_error(&path).kind(), "empty-file");
    only(&root, "empty-file", "test/good/000.png");
}

#[test]
fn text_named_png() {
    let (_folder, root) = dataset();
    let path = root.join("test/good/000.png");
    fs::write(&path, b"this is no image at all").unwrap();
    assert_eq!(load_error(&path).kind(), "not-an-image");
    only(&root, "not-an-image", "test/good/000.png");
}

#[test]
fn an_image_of_thirty_thousand_squared_is_refused_before_memory_is_taken() {
    let (_folder, root) = dataset();
    let path = root.join("train/good/huge.pgm");
    huge_pgm(&path);
    let error = load_error(&path);
    assert!(
        matches!(
            error,
            Error::TooLarge {
                limit: 200_000_000,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("`max_pixels`") && error.to_string().contains("900000000"),
        "{error}"
    );
    only(&root, "too-large", "train/good/huge.pgm");
    // The limit is the user's to raise: now the missing pixels are what is wrong.
    let raised = Limits {
        max_pixels: 1_000_000_000,
    };
    assert_eq!(
        load_image(&path, None, &raised).unwrap_err().kind(),
        "truncated"
    );
    // And to lower.
    let lowered = load_image(
        &root.join("train/good/000.png"),
        None,
        &Limits { max_pixels: 1023 },
    );
    assert_eq!(lowered.unwrap_err().kind(), "too-large");
}

#[test]
fn mask_of_another_size() {
    let (_folder, root) = dataset();
    let path = root.join("ground_truth/blob/000_mask.png");
    image::GrayImage::from_pixel(30, 32, image::Luma([255]))
        .save(&path)
        .unwrap();
    let dataset = Dataset::open(&root).unwrap();
    let errors: Vec<Error> = dataset
        .test
        .iter()
        .filter_map(|sample| check_mask(sample).err())
        .collect();
    assert!(
        matches!(
            errors[..],
            [Error::MaskSize {
                image: [32, 32],
                mask: [32, 30],
                ..
            }]
        ),
        "{errors:?}"
    );
    only(&root, "mask-size", "ground_truth/blob/000_mask.png");
}

#[test]
fn mask_without_its_image() {
    let (_folder, root) = dataset();
    fs::remove_file(root.join("test/stain/000.png")).unwrap();
    assert_eq!(open_error(&root).kind(), "mask-without-image");
    only(
        &root,
        "mask-without-image",
        "ground_truth/stain/000_mask.png",
    );
}

#[test]
fn image_without_its_mask() {
    let (_folder, root) = dataset();
    fs::remove_file(root.join("ground_truth/stain/000_mask.png")).unwrap();
    let error = open_error(&root).to_string();
    assert!(error.contains("000_mask.png"), "{error}");
    only(&root, "image-without-mask", "test/stain/000.png");
}

#[test]
fn a_set_without_any_mask_is_good() {
    let (_folder, root) = dataset();
    fs::remove_dir_all(root.join("ground_truth")).unwrap();
    let dataset = Dataset::open(&root).unwrap();
    assert!(!dataset.has_masks());
    assert_eq!(problems(&root), []);
}

#[test]
fn two_files_with_one_stem() {
    let (_folder, root) = dataset();
    let photo = image::open(root.join("train/good/002.png")).unwrap();
    photo.save(root.join("train/good/000.bmp")).unwrap();
    assert_eq!(open_error(&root).kind(), "same-stem");
    only(&root, "same-stem", "train/good/000.png");
}

#[test]
fn two_masks_of_one_image() {
    let (_folder, root) = dataset();
    let masks = root.join("ground_truth/blob");
    fs::copy(masks.join("000_mask.png"), masks.join("000.png")).unwrap();
    assert_eq!(open_error(&root).kind(), "same-stem");
    only(&root, "same-stem", "ground_truth/blob/000_mask.png");
}

#[test]
fn empty_mask_of_an_anomalous_image() {
    let (_folder, root) = dataset();
    let path = root.join("ground_truth/blob/000_mask.png");
    image::GrayImage::new(32, 32).save(&path).unwrap();
    only(&root, "empty-mask", "ground_truth/blob/000_mask.png");
}

#[test]
fn the_same_bytes_in_training_and_test() {
    let (_folder, root) = dataset();
    fs::copy(
        root.join("train/good/003.png"),
        root.join("test/good/copy.png"),
    )
    .unwrap();
    only(&root, "leak", "test/good/copy.png");
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere() {
    let (_folder, root) = dataset();
    std::os::unix::fs::symlink(root.join("gone"), root.join("train/good/link.png")).unwrap();
    only(&root, "unreadable", "train/good/link.png");
}

#[test]
fn unreadable_mask() {
    let (_folder, root) = dataset();
    let path = root.join("ground_truth/blob/000_mask.png");
    fs::write(&path, b"no mask").unwrap();
    assert_eq!(
        load_mask(&path, &Limits::default()).unwrap_err().kind(),
        "not-an-image"
    );
    only(&root, "not-an-image", "ground_truth/blob/000_mask.png");
}

#[test]
fn all_problems_are_found_at_once() {
    let (_folder, root) = dataset();
    fs::write(root.join("train/good/000.png"), b"").unwrap();
    fs::write(root.join("train/good/001.png"), b"text").unwrap();
    huge_pgm(&root.join("test/good/huge.pgm"));
    fs::remove_file(root.join("ground_truth/blob/000_mask.png")).unwrap();
    fs::remove_file(root.join("test/stain/000.png")).unwrap();
    fs::copy(
        root.join("train/good/003.png"),
        root.join("test/good/001.png"),
    )
    .unwrap();
    let expected = [
        ("mask-without-image", "ground_truth/stain/000_mask.png"),
        ("image-without-mask", "test/blob/000.png"),
        ("leak", "test/good/001.png"),
        ("too-large", "test/good/huge.pgm"),
        ("empty-file", "train/good/000.png"),
        ("not-an-image", "train/good/001.png"),
    ];
    assert_eq!(
        problems(&root),
        expected.map(|(kind, path)| (kind.to_string(), path.to_string()))
    );
    assert_eq!(
        check(&DatasetSpec::default(), &root, &Limits::default()),
        check(&DatasetSpec::default(), &root, &Limits::default())
    );
}

#[test]
fn odd_files_and_sizes_are_warnings() {
    let (_folder, root) = dataset();
    fs::write(root.join("test/good/notes.txt"), b"hello").unwrap();
    image::RgbImage::from_pixel(20, 40, image::Rgb([9; 3]))
        .save(root.join("test/good/tall.png"))
        .unwrap();
    let report = check(&DatasetSpec::default(), &root, &Limits::default());
    assert_eq!(report.problems, []);
    let kinds: Vec<&str> = report
        .warnings
        .iter()
        .map(|warning| warning.kind.as_str())
        .collect();
    assert_eq!(kinds, ["several-sizes", "not-used"]);
}
