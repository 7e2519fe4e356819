//! MVTec LOCO AD: P. Bergmann, K. Batzner, M. Fauser, D. Sattlegger, C. Steger, "Beyond Dents and Scratches: Logical Constraints in
//! Unsupervised Anomaly Detection and Localization", IJCV 130, 2022.
//!
//! Five categories with logical and structural anomalies:
//!
//! ```text
//! train/good/000.png   validation/good/000.png   test/{good,logical_anomalies,structural_anomalies}/000.png
//! ground_truth/logical_anomalies/000/{000,001,...}.png   a file for each region; its one value that isn't 0 names the defect
//! defects_config.json                                    for each value: defect_name, saturation_threshold, relative_saturation
//! ```
//!
//! `train/good` and `validation/good` are both learnt from, as our own calibration images are held out of the training images by
//! seed. A region is found whole from `saturation_threshold` of its pixels on: a share of them where `relative_saturation` is true,
//! else their number. The counts add up to the archive's 1,778 + 305, 575 and 993.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Deserialize;

use super::Known;
use super::protocol::{Category, Set, compare, missing, need};
use crate::decode::{Limits, decode};
use crate::error::{Error, Result};
use crate::files::{name, stem};
use crate::layout::Names;
use crate::mask::{MaskSource, RegionFile, Saturation};
use crate::sample::{GOOD, Label, TestSample};
use crate::scan::Scan;
use crate::spec::DatasetSpec;

const SET: Set = Set {
    known: Known::MvtecLoco,
    archives: &["mvtec_loco_anomaly_detection", "mvtec_loco", "MVTec_LOCO"],
    names: Names {
        train: &["train/good", "validation/good"],
        test: "test",
        normal: GOOD,
        masks: "ground_truth",
    },
    // What is to learn from and what is to validate on; logical and structural anomalies.
    categories: &[
        Category::new("breakfast_box", 351 + 62, 102, 83 + 90),
        Category::new("juice_bottle", 335 + 54, 94, 142 + 94),
        Category::new("pushpins", 372 + 69, 138, 91 + 81),
        Category::new("screw_bag", 360 + 60, 122, 137 + 82),
        Category::new("splicing_connectors", 360 + 60, 119, 108 + 85),
    ],
};

/// The saturation of each defect, in a category's folder.
const CONFIG: &str = "defects_config.json";

/// One defect of the configuration.
#[derive(Debug, Deserialize)]
struct Defect {
    pixel_value: u16,
    saturation_threshold: f64,
    relative_saturation: bool,
}

pub(super) fn scan(spec: &DatasetSpec, root: &Path) -> Scan {
    let (mut scan, category) = match SET.find(spec, root) {
        Ok(found) => found,
        Err(scan) => return *scan,
    };
    need(
        &mut scan,
        &["validation/good", SET.names.test, SET.names.masks],
    );
    scan.beside(&SET.names, &[CONFIG]);
    let train = scan.train_folders(&SET.names);
    let saturations = match read_config(&scan.dataset.root.join(CONFIG)) {
        Ok(saturations) => Some(saturations),
        Err(problem) => {
            scan.problems.push(problem);
            None
        }
    };
    let kinds = scan.test_folders(&SET.names);
    for path in scan.folders_in(&scan.dataset.root.join(SET.names.masks)) {
        if kinds.iter().all(|(kind, _)| *kind != name(&path)) {
            let expected = scan.dataset.root.join(SET.names.test).join(name(&path));
            scan.problems
                .push(Error::MaskWithoutImage { path, expected });
        } else if name(&path) == GOOD {
            let message = "is not used: it marks normal images";
            scan.warn(&path, "not-used", message.into());
            scan.unused_below(&path, "the mask of a normal image");
        }
    }
    for (kind, images) in kinds {
        if kind == GOOD {
            for path in images {
                let sample = scan.sample(&path, Label::Normal);
                scan.dataset.test.push(TestSample { sample, mask: None });
            }
        } else {
            take_kind(&mut scan, &kind, images, saturations.as_ref());
        }
    }
    scan.require_train(train);
    if let Some(category) = category {
        compare(&mut scan, category);
    }
    scan.sorted()
}

/// Takes in the anomalous images of a kind, each with its folder of regions; a folder without an image is a problem.
fn take_kind(
    scan: &mut Scan,
    kind: &str,
    images: Vec<PathBuf>,
    saturations: Option<&BTreeMap<u16, Saturation>>,
) {
    let above = scan.dataset.root.join(SET.names.masks).join(kind);
    let mut used = BTreeSet::new();
    for image in images {
        let folder = above.join(stem(&image));
        used.insert(name(&folder));
        let files = scan.images(&folder);
        if files.is_empty() {
            scan.problems.push(Error::ImageWithoutMask {
                path: image.clone(),
                expected: folder.join("000.png"),
            });
        }
        let regions: Vec<_> = files
            .into_par_iter()
            .map(|path| region(path, &image, saturations))
            .collect();
        let mut files = Vec::new();
        for (region, problem) in regions {
            files.push(region);
            scan.problems.extend(problem);
        }
        let label = Label::Anomalous { kind: kind.into() };
        let sample = scan.sample(&image, label);
        let path = folder;
        let mask = (!files.is_empty()).then_some(MaskSource::Regions { path, files });
        scan.dataset.test.push(TestSample { sample, mask });
    }
    let expected = scan.dataset.root.join(SET.names.test).join(kind);
    for path in scan.folders_in(&above) {
        if !used.contains(&name(&path)) {
            let expected = expected.clone();
            scan.problems
                .push(Error::MaskWithoutImage { path, expected });
        }
    }
}

/// A region's file with its saturation, and what is wrong with it. Without a configuration, nothing is looked up.
fn region(
    path: PathBuf,
    image: &Path,
    saturations: Option<&BTreeMap<u16, Saturation>>,
) -> (RegionFile, Option<Error>) {
    let found = saturations.map(|saturations| saturation(&path, image, saturations));
    let (saturation, problem) = match found.transpose() {
        Ok(saturation) => (saturation, None),
        Err(problem) => (None, Some(problem)),
    };
    (RegionFile { path, saturation }, problem)
}

/// What the value of a region of `image` means. A region without a pixel is a problem, beside others too: it could never be found.
fn saturation(
    path: &Path,
    image: &Path,
    saturations: &BTreeMap<u16, Saturation>,
) -> Result<Saturation> {
    let pixels = decode(path, &Limits::default())?.into_luma8();
    let values: BTreeSet<u8> = pixels.as_raw().iter().copied().filter(|&v| v > 0).collect();
    let problem = |found: String| Error::Protocol {
        path: path.to_path_buf(),
        kind: "region-value",
        expected: format!("one value above 0, which {CONFIG} knows"),
        found,
        todo: "unpack the archive again".into(),
    };
    let mut values = values.into_iter();
    match (values.next(), values.next()) {
        (None, _) => Err(Error::EmptyMask {
            path: path.to_path_buf(),
            of: image.to_path_buf(),
        }),
        (Some(value), None) => match saturations.get(&u16::from(value)) {
            Some(saturation) => Ok(*saturation),
            None => Err(problem(format!("{value}, which it doesn't"))),
        },
        (Some(one), Some(other)) => Err(problem(format!("{one} and {other}"))),
    }
}

/// The saturation of each value of a region.
fn read_config(path: &Path) -> Result<BTreeMap<u16, Saturation>> {
    if !path.is_file() {
        return Err(missing(path.to_path_buf(), "the saturation of each defect"));
    }
    let problem = |found: String| Error::Protocol {
        path: path.to_path_buf(),
        kind: "defects-config",
        expected:
            "a list of defects with pixel_value, saturation_threshold and relative_saturation"
                .into(),
        found,
        todo: "unpack the archive again".into(),
    };
    let text = std::fs::read(path).map_err(Error::read(path))?;
    let defects: Vec<Defect> =
        serde_json::from_slice(&text).map_err(|error| problem(error.to_string()))?;
    let mut saturations = BTreeMap::new();
    for defect in defects {
        let threshold = defect.saturation_threshold;
        let most = if defect.relative_saturation {
            1.0
        } else {
            f64::MAX
        };
        if !(0.0..=most).contains(&threshold) {
            return Err(problem(format!("saturation_threshold = {threshold}")));
        }
        let saturation = if defect.relative_saturation {
            Saturation::Share(threshold)
        } else {
            Saturation::Pixels(threshold as usize)
        };
        saturations.insert(defect.pixel_value, saturation);
    }
    Ok(saturations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_add_up_to_the_archives() {
        let totals = super::super::protocol::totals(SET.categories);
        assert_eq!(totals, [1778 + 305, 575, 561 + 432]);
    }
}
