//! VisA: Y. Zou, J. Jeong, L. Pemula, D. Zhang, O. Dabeer, "SPot-the-Difference Self-Supervised Pre-training for Anomaly Detection
//! and Segmentation", ECCV 2022.
//!
//! Twelve categories in one of two forms. The archive as it comes:
//!
//! ```text
//! candle/Data/Images/Normal/0000.JPG   candle/Data/Images/Anomaly/000.JPG   candle/Data/Masks/Anomaly/000.png
//! split_csv/1cls.csv                   object,split,label,image,mask
//! ```
//!
//! with the authors' one-class split, a file that also names each mask; or what their script makes of it, which is MVTec AD's
//! layout with `bad` for the anomalous images. The kind is `bad` in both. A mask holds small numbers, one for each kind of defect:
//! what isn't 0 is anomalous. The counts add up to the split's 8,659, 962 and 1,200.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Known;
use super::protocol::{Category, Set, begin, below, category, compare, inside, missing};
use crate::error::Error;
use crate::layout::MVTEC;
use crate::mask::MaskSource;
use crate::sample::{Label, TestSample};
use crate::scan::Scan;
use crate::spec::DatasetSpec;

const SET: Set = Set {
    known: Known::Visa,
    archives: &[
        "visa_pytorch",
        "visa_pytorch/1cls",
        "VisA_pytorch",
        "VisA_pytorch/1cls",
        "1cls",
        "VisA",
        "visa",
    ],
    names: MVTEC,
    categories: &[
        Category::new("candle", 900, 100, 100),
        Category::new("capsules", 542, 60, 100),
        Category::new("cashew", 450, 50, 100),
        Category::new("chewinggum", 453, 50, 100),
        Category::new("fryum", 450, 50, 100),
        Category::new("macaroni1", 900, 100, 100),
        Category::new("macaroni2", 900, 100, 100),
        Category::new("pcb1", 904, 100, 100),
        Category::new("pcb2", 901, 100, 100),
        Category::new("pcb3", 905, 101, 100),
        Category::new("pcb4", 904, 101, 100),
        Category::new("pipe_fryum", 450, 50, 100),
    ],
};

/// The authors' split, in the archive.
const SPLIT: &str = "split_csv/1cls.csv";

/// A line of the split.
#[derive(Debug, Deserialize)]
struct Row {
    object: String,
    split: String,
    label: String,
    image: String,
    #[serde(default)]
    mask: String,
}

pub(super) fn scan(spec: &DatasetSpec, root: &Path) -> Scan {
    let is_archive = |folder: &Path| folder.join(SPLIT).is_file();
    let archive = below(root, &["VisA", "visa", "VisA_20220922"], is_archive);
    if is_archive(&archive) {
        original(spec, archive)
    } else {
        SET.scan(spec, root)
    }
}

/// The archive as it comes.
fn original(spec: &DatasetSpec, root: PathBuf) -> Scan {
    let mut scan = match begin(Known::Visa, spec, &root, true) {
        Ok(scan) => scan,
        Err(scan) => return *scan,
    };
    let names: Vec<_> = SET.categories.iter().map(|one| one.name).collect();
    let name = match category(Known::Visa, spec, &root, &names, |_| false) {
        Ok((_, name)) => name.unwrap_or_default(),
        Err(problem) => {
            scan.problems.push(problem);
            return scan;
        }
    };
    let used = read_split(&mut scan, name);
    for part in ["Images/Normal", "Images/Anomaly", "Masks/Anomaly"] {
        let folder = root.join(name).join("Data").join(part);
        if !folder.is_dir() {
            scan.problems.push(Error::FolderMissing { path: folder });
            continue;
        }
        for path in scan.images(&folder) {
            if !used.contains(&path) {
                scan.unused(path, "not in the split's file");
            }
        }
    }
    scan.require_train(root.join(SPLIT));
    if let Some(category) = SET.categories.iter().find(|one| one.name == name) {
        compare(&mut scan, category);
    }
    scan.sorted()
}

/// Takes in what the split says of a category; gives the files that it names.
fn read_split(scan: &mut Scan, name: &str) -> BTreeSet<PathBuf> {
    let root = scan.dataset.root.clone();
    let path = root.join(SPLIT);
    let mut used = BTreeSet::new();
    let problem = |found: String| Error::Protocol {
        path: path.clone(),
        kind: "split-file",
        expected: "lines of object,split,label,image,mask".into(),
        found,
        todo: "unpack the archive again".into(),
    };
    let mut reader = match csv::Reader::from_path(&path) {
        Ok(reader) => reader,
        Err(error) => {
            scan.problems.push(problem(error.to_string()));
            return used;
        }
    };
    for row in reader.deserialize() {
        let row: Row = match row {
            Ok(row) => row,
            Err(error) => {
                // After one line that is none, the rest says nothing new.
                scan.problems.push(problem(error.to_string()));
                return used;
            }
        };
        if row.object == name
            && let Err(error) = take(scan, &root, &row, &mut used)
        {
            scan.problems.push(error.unwrap_or_else(|| {
                problem(format!(
                    "{},{},{},{}",
                    row.split, row.label, row.image, row.mask
                ))
            }));
        }
    }
    used
}

/// Takes one image in; `Err(None)` for a line that makes no sense.
fn take(
    scan: &mut Scan,
    root: &Path,
    row: &Row,
    used: &mut BTreeSet<PathBuf>,
) -> Result<(), Option<Error>> {
    let image = inside(root, &row.image).ok_or(None)?;
    if !used.insert(image.clone()) {
        return Err(Some(Error::Protocol {
            path: root.join(SPLIT),
            kind: "split-file",
            expected: "each image once".into(),
            found: format!("{} again, in {}", row.image, row.split),
            todo: "unpack the archive again".into(),
        }));
    }
    if !image.is_file() {
        return Err(Some(missing(image, "an image that the split names")));
    }
    match (row.split.as_str(), row.label.as_str()) {
        ("train", "normal") => {
            let sample = scan.sample(&image, Label::Normal);
            scan.dataset.train.push(sample);
        }
        ("test", "normal") => {
            let sample = scan.sample(&image, Label::Normal);
            scan.dataset.test.push(TestSample { sample, mask: None });
        }
        ("test", "anomaly") => {
            let kind = "bad".to_string();
            let sample = scan.sample(&image, Label::Anomalous { kind });
            let mask = inside(root, &row.mask).ok_or(None)?;
            used.insert(mask.clone());
            if !mask.is_file() {
                return Err(Some(Error::ImageWithoutMask {
                    path: image,
                    expected: mask,
                }));
            }
            let mask = Some(MaskSource::image(mask));
            scan.dataset.test.push(TestSample { sample, mask });
        }
        _ => return Err(None),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_add_up_to_the_splits() {
        assert_eq!(
            super::super::protocol::totals(SET.categories),
            [8659, 962, 1200]
        );
    }
}
