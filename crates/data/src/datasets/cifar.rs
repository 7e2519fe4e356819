//! CIFAR-10 (Krizhevsky, 2009): 32 x 32 colour images of ten classes, in the binary form or the Python form.

use std::path::{Path, PathBuf};

use super::one_class::{
    Whole, compare_counts, file_of, fill, folder, no_folder, normal_classes, others_unused,
};
use crate::archive::{Labelled, cifar};
use crate::error::{Error, Result};
use crate::scan::Scan;
use crate::spec::DatasetSpec;

pub(super) static NAMES: [&str; cifar::CLASSES] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

const EXPECTED: &str = "the class that is normal: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, \
                        7 horse, 8 ship or 9 truck";

const WHOLE: Whole = Whole {
    train: 50_000,
    test: 10_000,
};

/// How many files the training images come in.
const BATCHES: usize = 5;

/// One of the forms in which CIFAR-10 is offered.
struct Form {
    folders: [&'static str; 2],
    /// What the names of the batches end in.
    ending: &'static str,
    names: &'static str,
    read: fn(&Path) -> Result<Labelled>,
    read_names: fn(&Path) -> Result<Vec<String>>,
}

const FORMS: [Form; 2] = [
    Form {
        folders: ["", "cifar-10-batches-bin"],
        ending: ".bin",
        names: "batches.meta.txt",
        read: cifar::binary,
        read_names: cifar::names,
    },
    Form {
        folders: ["", "cifar-10-batches-py"],
        ending: "",
        names: "batches.meta",
        read: cifar::python,
        read_names: cifar::python_names,
    },
];

impl Form {
    fn train(&self) -> Vec<String> {
        let batches = 1..=BATCHES;
        batches
            .map(|batch| format!("data_batch_{batch}{}", self.ending))
            .collect()
    }

    fn test(&self) -> String {
        format!("test_batch{}", self.ending)
    }

    /// Where its files are, if any is there.
    fn folder(&self, root: &Path) -> Option<PathBuf> {
        let mut files = self.train();
        files.push(self.test());
        let folder = folder(root, &self.folders, &files);
        let any = files.iter().any(|file| file_of(&folder, file).is_some());
        any.then_some(folder)
    }
}

pub(super) fn scan(spec: &DatasetSpec, root: &Path) -> Scan {
    let mut scan = Scan::new(root);
    if let Some(problem) = no_folder(root) {
        scan.problems.push(problem);
        return scan;
    }
    let mut forms = FORMS.iter();
    let found = forms.find_map(|form| Some((form, form.folder(root)?)));
    let [binary, ..] = &FORMS;
    let (form, folder) = found.unwrap_or_else(|| (binary, root.to_path_buf()));

    let train = files(&folder, &form.train());
    let test = files(&folder, &[form.test()]);
    for (files, first) in [(&train, form.train().swap_remove(0)), (&test, form.test())] {
        if files.is_empty() {
            scan.problems.push(Error::FileMissing {
                path: folder.join(first),
                dataset: "CIFAR-10".into(),
            });
        }
    }
    let normal = normal_classes(&mut scan, spec, EXPECTED);
    let Some(normal) = normal.filter(|_| scan.problems.is_empty()) else {
        return scan;
    };
    warn_of_missing(&mut scan, &folder, &form.train());
    let [train_images, test_images] = [&train, &test].map(|files| read_all(&mut scan, form, files));
    let mut used = [train, test].concat();
    let names = names(&mut scan, form, &folder, &mut used);
    if scan.problems.is_empty() {
        fill(&mut scan, &names, normal, &train_images, &test_images);
        compare_counts(&mut scan, &WHOLE, &train_images, &test_images);
        others_unused(&mut scan, &folder, &used);
    }
    scan.sorted()
}

/// Those of the files that are there.
fn files(folder: &Path, names: &[String]) -> Vec<PathBuf> {
    let files = names.iter().filter_map(|name| file_of(folder, name));
    files.collect()
}

fn warn_of_missing(scan: &mut Scan, folder: &Path, names: &[String]) {
    let missing = names.iter().filter(|name| file_of(folder, name).is_none());
    let missing: Vec<_> = missing.map(String::as_str).collect();
    if !missing.is_empty() {
        let message = format!("has not all batches: {} are missing", missing.join(", "));
        scan.warn(folder, "subset", message);
    }
}

fn read_all(scan: &mut Scan, form: &Form, files: &[PathBuf]) -> Vec<Labelled> {
    let mut all = Vec::new();
    for file in files {
        match (form.read)(file) {
            Ok(batch) => all.push(batch),
            Err(problem) => scan.problems.push(problem),
        }
    }
    all
}

/// The names of the classes: those of the dataset's own file, if it is there and says any.
fn names(scan: &mut Scan, form: &Form, folder: &Path, used: &mut Vec<PathBuf>) -> Vec<String> {
    let known = || NAMES.map(str::to_owned).to_vec();
    let Some(path) = file_of(folder, form.names) else {
        return known();
    };
    let names = (form.read_names)(&path).unwrap_or_else(|problem| {
        let message = format!("is not used for the names of the classes: {problem}");
        scan.warn(&path, "not-used", message);
        known()
    });
    used.push(path);
    names
}
