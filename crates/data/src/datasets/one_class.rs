//! Datasets of classes, used as the paper does (after ADGAN): one class is normal. Learnt from are its training images;
//! tested on is the whole test split, where all other classes are anomalous, each a kind of its own. Or the other way round, as Li et al.
//! 2019 do: one class is anomalous, and the others are normal, and learnt with their classes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::Labelled;
use crate::error::Error;
use crate::sample::{Label, Sample, TestSample};
use crate::scan::Scan;
use crate::source::Archive;
use crate::spec::DatasetSpec;

/// How many images the whole dataset has.
pub(super) struct Whole {
    pub(super) train: usize,
    pub(super) test: usize,
}

/// Which of the classes are normal.
#[derive(Debug, Clone, Copy)]
pub(super) enum Normal {
    /// This one alone.
    One(u8),
    /// All but this one.
    AllBut(u8),
}

impl Normal {
    fn holds(self, class: u8) -> bool {
        match self {
            Self::One(normal) => class == normal,
            Self::AllBut(anomalous) => class != anomalous,
        }
    }

    /// A normal class's number among several normal ones.
    fn number(self, class: u8) -> Option<u8> {
        match self {
            Self::One(_) => None,
            Self::AllBut(anomalous) => Some(class - u8::from(class > anomalous)),
        }
    }
}

/// The classes that `spec` calls normal; a problem if it names none of the ten or two, and for a category, which classes do not have.
/// `expected`: what `normal_class` must be.
pub(super) fn normal_classes(
    scan: &mut Scan,
    spec: &DatasetSpec,
    expected: &'static str,
) -> Option<Normal> {
    let mut wrong = |key, expected, found| {
        scan.problems.push(Error::Setting {
            key,
            expected,
            found,
        });
    };
    if let Some(category) = &spec.category {
        let expected = "none, as this dataset has classes: say `normal_class` instead";
        wrong("category", expected, format!("{category:?}"));
    }
    if let (Some(_), Some(anomalous)) = (spec.normal_class, spec.anomalous_class) {
        let expected = "none beside `normal_class`: one class is normal, or one anomalous";
        wrong("anomalous_class", expected, anomalous.to_string());
        return None;
    }
    match spec.class() {
        Some(("anomalous_class", class)) if class < 10 => Some(Normal::AllBut(class)),
        Some((key @ "anomalous_class", class)) => {
            wrong(
                key,
                "the class that is anomalous, 0 to 9",
                class.to_string(),
            );
            None
        }
        Some((_, class)) if class < 10 => Some(Normal::One(class)),
        found => {
            let found = found.map_or_else(|| "none".into(), |(_, class)| class.to_string());
            wrong("normal_class", expected, found);
            None
        }
    }
}

/// The first of these folders below the root in which one of these files is, plain or zipped; the root if there is none.
pub(super) fn folder(root: &Path, folders: &[&str], files: &[String]) -> PathBuf {
    let mut folders = folders.iter().map(|folder| root.join(folder));
    let has_some = |folder: &PathBuf| files.iter().any(|file| file_of(folder, file).is_some());
    folders.find(has_some).unwrap_or_else(|| root.to_path_buf())
}

/// A file, plain or zipped.
pub(super) fn file_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let names = [name.to_owned(), format!("{name}.gz")];
    let mut paths = names.iter().map(|name| folder.join(name));
    paths.find(|path| path.is_file())
}

/// Why a dataset's folder is none, if it is none.
pub(super) fn no_folder(root: &Path) -> Option<Error> {
    let path = root.to_path_buf();
    match std::fs::metadata(root) {
        Ok(metadata) if metadata.is_dir() => None,
        Ok(_) => Some(Error::NotAFolder { path }),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
            Some(Error::FolderMissing { path })
        }
        Err(source) => Some(Error::Read { path, source }),
    }
}

/// Notes the files of a folder that are not among those used.
pub(super) fn others_unused(scan: &mut Scan, folder: &Path, used: &[PathBuf]) {
    let listing = scan.list(folder);
    for path in listing.images.into_iter().chain(listing.others) {
        if !used.contains(&path) {
            scan.unused(path, "not a file of this dataset");
        }
    }
}

/// Puts the images where the protocol wants them.
pub(super) fn fill(
    scan: &mut Scan,
    names: &[String],
    normal: Normal,
    train: &[Labelled],
    test: &[Labelled],
) {
    for (id, image, label) in images("train", train) {
        let source = image.images.record(image.index);
        if normal.holds(label) {
            scan.dataset.train.push(Sample {
                class: normal.number(label),
                ..Sample::new(id, source, Label::Normal)
            });
        } else {
            let path = source.path().to_path_buf();
            scan.unused(path, "to learn from, but of a class that is not normal");
        }
    }
    for (id, image, label) in images("test", test) {
        let source = image.images.record(image.index);
        let name = names.get(usize::from(label));
        let kind = name.map_or_else(|| label.to_string(), Clone::clone);
        let label = if normal.holds(label) {
            Label::Normal
        } else {
            Label::Anomalous { kind }
        };
        let sample = Sample::new(id, source, label);
        scan.dataset.test.push(TestSample { sample, mask: None });
    }
    if scan.dataset.train.is_empty()
        && let Some(Labelled { images, .. }) = train.first()
    {
        scan.problems.push(Error::NoNormalImage {
            path: scan.dataset.root.clone(),
            expected: images.path().to_path_buf(),
        });
    }
}

/// An image's archive and number.
struct At<'a> {
    images: &'a Arc<Archive>,
    index: usize,
}

/// All images of a split with their ids and labels; the number in an id goes on from one archive to the next.
fn images<'a>(
    split: &'static str,
    archives: &'a [Labelled],
) -> impl Iterator<Item = (String, At<'a>, u8)> {
    let all = archives.iter().flat_map(|Labelled { images, labels }| {
        let labels = labels.iter().enumerate();
        labels.map(move |(index, label)| (At { images, index }, *label))
    });
    let numbered = all.enumerate();
    numbered.map(move |(number, (at, label))| (format!("{split}/{number:05}"), at, label))
}

/// Warns where a split has more or fewer images than the whole dataset.
pub(super) fn compare_counts(
    scan: &mut Scan,
    whole: &Whole,
    train: &[Labelled],
    test: &[Labelled],
) {
    let count = |split: &[Labelled]| split.iter().map(|part| part.labels.len()).sum::<usize>();
    let splits = [
        ("train", count(train), whole.train),
        ("test", count(test), whole.test),
    ];
    for (split, found, expected) in splits {
        let root = scan.dataset.root.clone();
        if found < expected {
            let message = format!("has a subset of the {split} images: {found} of {expected}");
            scan.warn(&root, "subset", message);
        } else if found > expected {
            let message = format!("has {found} {split} images, more than the dataset's {expected}");
            scan.warn(&root, "other-count", message);
        }
    }
}
