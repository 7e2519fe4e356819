//! The user's own data, however it is laid out, and whatever is wrong with it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test an error is a failure"
)]

mod annotations;
mod folders;
mod index;
mod leaks;
mod masks;
mod splits;

use std::fs;
use std::path::Path;

use cavga_data::{Dataset, DatasetSpec, Limits, Report, TestSample, check};
use tempfile::TempDir;

/// Files with these names, each with other bytes; of images only names are looked at.
fn tree(files: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files.split_whitespace() {
        write(folder.path(), file, file);
    }
    folder
}

fn write(root: &Path, file: &str, content: impl AsRef<[u8]>) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A grey PNG of 8 x 6 pixels, each of another shade.
fn shade(root: &Path, file: &str, shade: u8) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixel = |x, y| image::Luma([shade.wrapping_add((x * 7 + y) as u8)]);
    let image = image::GrayImage::from_fn(8, 6, pixel);
    image.save(path).unwrap();
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// Normal and anomalous images by folders, files and globs.
fn folders(normal: &[&str], anomalous: &[&str]) -> DatasetSpec {
    DatasetSpec {
        normal: texts(normal),
        anomalous: texts(anomalous),
        ..DatasetSpec::default()
    }
}

fn index(path: &str) -> DatasetSpec {
    DatasetSpec {
        index: Some(path.into()),
        ..DatasetSpec::default()
    }
}

fn open(root: &TempDir, spec: &DatasetSpec) -> Dataset {
    spec.open(root.path()).unwrap()
}

/// Why it isn't opened.
fn refused(root: &TempDir, spec: &DatasetSpec) -> String {
    let error = spec.open(root.path()).unwrap_err();
    format!("{}: {error}", error.kind())
}

fn report(root: &TempDir, spec: &DatasetSpec) -> Report {
    check(spec, root.path(), &Limits::default())
}

fn train(dataset: &Dataset) -> String {
    let ids: Vec<_> = dataset.train.iter().map(|s| s.id.as_str()).collect();
    ids.join(" ")
}

/// `id=kind` of each test image.
fn test(dataset: &Dataset) -> String {
    let named = |t: &TestSample| format!("{}={}", t.sample.id, t.sample.label.kind());
    dataset.test.iter().map(named).collect::<Vec<_>>().join(" ")
}

/// The mask's file of each anomalous image, below the root.
fn mask_files(root: &TempDir, dataset: &Dataset) -> String {
    let of = |t: &TestSample| {
        let path = t.mask.as_ref()?.path().strip_prefix(root.path()).ok()?;
        Some(path.to_str()?.replace('\\', "/"))
    };
    let masks: Vec<_> = dataset.test.iter().filter_map(of).collect();
    masks.join(" ")
}
