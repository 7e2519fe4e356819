//! MNIST (LeCun et al., 1998) and Fashion-MNIST (Xiao et al., 2017): 28 x 28 grey images of ten classes in IDX files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::one_class::{
    Whole, compare_counts, file_of, fill, folder, no_folder, normal_classes, others_unused,
};
use crate::archive::{Labelled, idx};
use crate::error::{Error, Result};
use crate::scan::Scan;
use crate::spec::DatasetSpec;

/// What is not the same for the two.
pub(super) struct Set {
    name: &'static str,
    /// Where below the root the files may be: there, or where torchvision keeps them.
    folders: [&'static str; 3],
    pub(super) classes: [&'static str; 10],
    /// What `normal_class` must be.
    expected: &'static str,
}

/// MNIST.
pub(super) static DIGITS: Set = Set {
    name: "MNIST",
    folders: ["", "MNIST/raw", "raw"],
    classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    expected: "the digit that is normal, 0 to 9",
};

/// Fashion-MNIST.
pub(super) static CLOTHES: Set = Set {
    name: "Fashion-MNIST",
    folders: ["", "FashionMNIST/raw", "raw"],
    classes: [
        "t-shirt-top",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle-boot",
    ],
    expected: "the class that is normal: 0 t-shirt-top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, \
               7 sneaker, 8 bag or 9 ankle-boot",
};

const WHOLE: Whole = Whole {
    train: 60_000,
    test: 10_000,
};

/// Images and labels of a split.
const TRAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
const TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

pub(super) fn scan(set: &Set, spec: &DatasetSpec, root: &Path) -> Scan {
    let mut scan = Scan::new(root);
    if let Some(problem) = no_folder(root) {
        scan.problems.push(problem);
        return scan;
    }
    let names: Vec<_> = [TRAIN, TEST]
        .concat()
        .into_iter()
        .flat_map(spellings)
        .collect();
    let folder = folder(root, &set.folders, &names);
    let [train, test] =
        [TRAIN, TEST].map(|files| files.map(|file| find(&mut scan, set, &folder, file)));
    let normal = normal_classes(&mut scan, spec, set.expected);
    let ([Some(images), Some(labels)], [Some(test_images), Some(test_labels)], Some(normal)) =
        (train, test, normal)
    else {
        return scan;
    };
    let mut read = |images: &Path, labels: &Path| match read(images, labels) {
        Ok(split) => vec![split],
        Err(problem) => {
            scan.problems.push(problem);
            Vec::new()
        }
    };
    let train = read(&images, &labels);
    let test = read(&test_images, &test_labels);
    if scan.problems.is_empty() {
        let names = set.classes.map(str::to_owned);
        fill(&mut scan, &names, normal, &train, &test);
        compare_counts(&mut scan, &WHOLE, &train, &test);
        let used = [images, labels, test_images, test_labels];
        others_unused(&mut scan, &folder, &used);
    }
    scan.sorted()
}

/// A file's name as it is offered, and as older unpackers write it.
fn spellings(file: &str) -> [String; 2] {
    [file.to_owned(), file.replace("-idx", ".idx")]
}

fn find(scan: &mut Scan, set: &Set, folder: &Path, file: &str) -> Option<PathBuf> {
    let found = spellings(file)
        .iter()
        .find_map(|file| file_of(folder, file));
    if found.is_none() {
        scan.problems.push(Error::FileMissing {
            path: folder.join(format!("{file}.gz")),
            dataset: set.name.into(),
        });
    }
    found
}

fn read(images: &Path, labels: &Path) -> Result<Labelled> {
    let archive = idx::images(images)?;
    let classes = idx::labels(labels)?;
    let malformed = |expected: String, found: String| Error::Malformed {
        path: labels.to_path_buf(),
        expected,
        found,
        advice: "take both files from the same place",
    };
    if classes.len() != archive.images() {
        return Err(malformed(
            format!(
                "{} labels, one for each image of {}",
                archive.images(),
                images.display()
            ),
            classes.len().to_string(),
        ));
    }
    if let Some(at) = classes.iter().position(|class| *class > 9) {
        let class = classes.get(at).copied().unwrap_or_default();
        return Err(malformed(
            "labels of 0 to 9".into(),
            format!("{class}, at image {at}"),
        ));
    }
    Ok(Labelled {
        images: Arc::new(archive),
        labels: classes,
    })
}
