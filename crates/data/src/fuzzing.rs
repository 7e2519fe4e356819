//! The parsers of what comes from outside, each as a function of bytes alone: for the programs in `fuzz/`, not for use.

use std::io::Cursor;
use std::path::Path;

use crate::archive::input::Input;
use crate::archive::{cifar as cifar_files, idx as idx_files, npy as npy_files};
use crate::decode::Limits;
use crate::mask::Mask;
use crate::own;
use crate::regions::Regions;

const NAME: &str = "fuzzed";

fn input(bytes: &[u8]) -> Option<Input<'_>> {
    Input::new(Path::new(NAME), bytes, bytes.len() as u64).ok()
}

/// IDX images and labels, plain or zipped.
pub fn idx(bytes: &[u8]) {
    if let Some(input) = input(bytes) {
        let _ = idx_files::images_of(input);
    }
    if let Some(input) = input(bytes) {
        let _ = idx_files::labels_of(input);
    }
}

/// CIFAR-10's binary form and its names, plain or zipped.
pub fn cifar(bytes: &[u8]) {
    if let Some(input) = input(bytes) {
        let _ = cifar_files::binary_of(input);
    }
    if let Some(input) = input(bytes) {
        let _ = cifar_files::names_of(input);
    }
}

/// CIFAR-10's Python form and its names, plain or zipped.
pub fn pickle(bytes: &[u8]) {
    if let Some(input) = input(bytes) {
        let _ = cifar_files::python_of(input);
    }
    if let Some(input) = input(bytes) {
        let _ = cifar_files::python_names_of(input);
    }
}

/// NumPy's arrays: as frames, and as labels.
pub fn npy(bytes: &[u8]) {
    let Ok(mut array) = npy_files::Array::read(Path::new(NAME), Cursor::new(bytes)) else {
        return;
    };
    if let Ok([frames, height, width]) = array.frames() {
        for index in [0, frames - 1, frames] {
            if let Ok(mask) = array.frame(index, &Limits::default()) {
                assert_eq!(mask.pixels.len(), height * width);
            }
        }
    }
    let _ = array.vector();
}

/// A CSV index of images.
pub fn index_csv(bytes: &[u8]) {
    let _ = own::index::parse_csv(bytes);
}

/// Outlines in COCO and LabelMe JSON.
pub fn annotations(bytes: &[u8]) {
    let _ = own::annotations::parse(bytes);
}

/// `regions.toml`, and what it says of an image. The masks that it names are never opened: every one is this.
pub fn regions(bytes: &[u8]) {
    let mask = |_: &Path| {
        Ok(Mask {
            height: 4,
            width: 8,
            pixels: (0..32).map(|pixel| pixel % 3 > 0).collect(),
        })
    };
    if let Ok(regions) = Regions::parse_with(bytes, Path::new(NAME), mask) {
        let _ = regions.of("cam1/a.png", [8, 8]);
    }
}
