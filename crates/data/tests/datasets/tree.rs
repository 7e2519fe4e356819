//! Small trees of files in a scratch folder.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use cavga_data::{Dataset, DatasetSpec, Known, Limits, Mask, MaskSource, Report, check};
use image::{GrayImage, Luma, Rgb, RgbImage};

/// The size of every image, `[height, width]`.
pub(crate) const SIZE: [u32; 2] = [6, 8];

/// A folder that is filled file by file, each image unlike the others.
pub(crate) struct Tree {
    folder: tempfile::TempDir,
    images: Cell<u8>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            images: Cell::new(0),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// An image whose format its name tells.
    pub(crate) fn image(&self, name: &str) -> &Self {
        self.images.set(self.images.get() + 1);
        let n = self.images.get();
        let colour = Rgb([n, 255 - n, n.wrapping_mul(37)]);
        let image = RgbImage::from_pixel(SIZE[1], SIZE[0], colour);
        image.save(self.path(name)).unwrap();
        self
    }

    /// Images at `folder/000.png`, `folder/001.png`, ...
    pub(crate) fn images(&self, folder: &str, n: usize) -> &Self {
        for i in 0..n {
            self.image(&format!("{folder}/{i:03}.png"));
        }
        self
    }

    /// A grey image that has `value` in this many of its first pixels.
    pub(crate) fn mask(&self, name: &str, pixels: u32, value: u8) -> &Self {
        let mask = GrayImage::from_fn(SIZE[1], SIZE[0], |x, y| {
            Luma([if y * SIZE[1] + x < pixels { value } else { 0 }])
        });
        mask.save(self.path(name)).unwrap();
        self
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), bytes).unwrap();
        self
    }

    /// A NumPy array of bytes.
    pub(crate) fn npy(&self, name: &str, shape: &[usize], values: &[u8]) -> &Self {
        let shape: String = shape.iter().map(|side| format!("{side}, ")).collect();
        let mut header =
            format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values);
        self.file(name, bytes)
    }

    pub(crate) fn remove(&self, name: &str) -> &Self {
        let path = self.root().join(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
        self
    }

    pub(crate) fn open(&self, spec: &DatasetSpec) -> Dataset {
        spec.open(self.root()).unwrap()
    }

    /// The message that keeps it from being opened.
    pub(crate) fn refused(&self, spec: &DatasetSpec) -> String {
        spec.open(self.root()).unwrap_err().to_string()
    }

    pub(crate) fn check(&self, spec: &DatasetSpec) -> Report {
        check(spec, self.root(), &Limits::default())
    }

    /// The kinds of the problems that a check finds.
    pub(crate) fn problems(&self, spec: &DatasetSpec) -> Vec<String> {
        let mut kinds: Vec<_> = self
            .check(spec)
            .problems
            .into_iter()
            .map(|p| p.kind)
            .collect();
        kinds.dedup();
        kinds
    }
}

/// A dataset by name, with or without a category.
pub(crate) fn spec(name: Known, category: &str) -> DatasetSpec {
    DatasetSpec {
        name: Some(name),
        category: (!category.is_empty()).then(|| category.to_string()),
        ..DatasetSpec::default()
    }
}

/// Ids of the training images.
pub(crate) fn train(dataset: &Dataset) -> Vec<&str> {
    dataset
        .train
        .iter()
        .map(|sample| sample.id.as_str())
        .collect()
}

/// Of each test image its id, its kind and how many pixels are marked, if it has a mask.
pub(crate) fn test(dataset: &Dataset) -> Vec<(&str, &str, Option<usize>)> {
    let tests = dataset.test.iter();
    tests
        .map(|test| {
            let mask = test.mask.as_ref().map(|mask| load(mask).area());
            (test.sample.id.as_str(), test.sample.label.kind(), mask)
        })
        .collect()
}

pub(crate) fn load(mask: &MaskSource) -> Mask {
    mask.load(&Limits::default()).unwrap()
}

/// How many files are not used, by why.
pub(crate) fn refused(dataset: &Dataset) -> Vec<(String, usize)> {
    dataset.tally().refused.into_iter().collect()
}
