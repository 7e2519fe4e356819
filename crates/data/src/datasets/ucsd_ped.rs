//! UCSD Pedestrian: V. Mahadevan, W. Li, V. Bhalodia, N. Vasconcelos, "Anomaly Detection in Crowded Scenes", CVPR 2010.
//!
//! Two walkways, filmed from above; bicycles, carts and skaters are the anomalies:
//!
//! ```text
//! UCSDped2/Train/Train001/001.tif   UCSDped2/Test/Test001/001.tif   UCSDped2/Test/Test001_gt/001.bmp
//! ```
//!
//! Every fifth frame is used, the first included, as the CAVGA paper does with its videos. A test frame is anomalous if its mask marks
//! a pixel. Of Ped1 only 10 of 36 test clips have masks; the others are not used. A clip is a group.
//!
//! The same frames in MVTec AD's layout, as `test/anomaly/<clip>_<frame>.jpg`, are known too, and are all used.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Known;
use super::protocol::{Category, begin, below, category, compare, missing, need};
use super::video::{Frame, every_fifth, frames, numbered};
use crate::decode::Limits;
use crate::error::Error;
use crate::files::{name, stem};
use crate::layout::MVTEC;
use crate::mask::{MaskSource, load_mask};
use crate::sample::{Label, TestSample};
use crate::scan::Scan;
use crate::spec::DatasetSpec;

/// Of every fifth frame; how many of Ped1's are anomalous the sources do not say.
const CATEGORIES: [Category; 2] = [
    Category::with_train("ped1", 34 * 40),
    Category::new("ped2", 510, 72, 330),
];

/// Their folders in the archive.
const FOLDERS: [&str; 2] = ["UCSDped1", "UCSDped2"];

/// What the folder of a clip's masks is called after the clip's.
const MASKS: &str = "_gt";

pub(super) fn scan(spec: &DatasetSpec, root: &Path) -> Scan {
    let mut scan = match begin(Known::UcsdPed, spec, root, true) {
        Ok(scan) => scan,
        Err(scan) => return *scan,
    };
    if root.join("train").join("good").is_dir() {
        return rearranged(scan, spec);
    }
    let (folder, official) = match find(spec, root) {
        Ok(found) => found,
        Err(problem) => {
            scan.problems.push(problem);
            return scan;
        }
    };
    scan.dataset.root = folder;
    need(&mut scan, &["Train", "Test"]);
    train(&mut scan);
    test(&mut scan);
    if let Some(category) = official {
        compare(&mut scan, category);
    }
    let expected = scan.dataset.root.join("Train");
    scan.require_train(expected);
    scan.sorted()
}

/// The walkway's folder.
fn find(spec: &DatasetSpec, root: &Path) -> Result<(PathBuf, Option<&'static Category>), Error> {
    let is_one = |folder: &Path| folder.join("Train").is_dir();
    let holds_some = |folder: &Path| FOLDERS.iter().any(|name| folder.join(name).is_dir());
    let root = below(root, &["UCSD_Anomaly_Dataset.v1p2"], |folder| {
        is_one(folder) || holds_some(folder)
    });
    // Asked for as `ped2`, in the folder `UCSDped2`.
    let mut spec = spec.clone();
    if let Some(wanted) = &mut spec.category {
        let place = CATEGORIES.iter().position(|one| one.name == wanted);
        if let Some(folder) = place.and_then(|place| FOLDERS.get(place)) {
            *wanted = (*folder).to_string();
        }
    }
    let (folder, found) = category(Known::UcsdPed, &spec, &root, &FOLDERS, is_one)?;
    let place = FOLDERS.iter().position(|folder| Some(*folder) == found);
    Ok((folder, place.and_then(|place| CATEGORIES.get(place))))
}

/// Takes in the clips that are learnt from.
fn train(scan: &mut Scan) {
    for clip in scan.folders_in(&scan.dataset.root.join("Train")) {
        for Frame { path, .. } in frames(scan, &clip) {
            let mut sample = scan.sample(&path, Label::Normal);
            sample.group = Some(name(&clip));
            scan.dataset.train.push(sample);
        }
    }
}

/// Takes in the clips that are tested on.
fn test(scan: &mut Scan) {
    let above = scan.dataset.root.join("Test");
    let folders = scan.folders_in(&above);
    let is_masks = |folder: &PathBuf| name(folder).ends_with(MASKS);
    let (mut masks, clips): (Vec<_>, Vec<_>) = folders.into_iter().partition(is_masks);
    let without = masks.is_empty();
    for clip in clips {
        let wanted = format!("{}{MASKS}", name(&clip));
        match masks.iter().position(|folder| name(folder) == wanted) {
            Some(place) => test_clip(scan, &clip, &masks.remove(place)),
            None => scan.unused_below(&clip, "of a clip without masks"),
        }
    }
    for folder in masks {
        scan.unused_below(&folder, "masks of a clip that isn't there");
    }
    if without && above.is_dir() {
        let expected = above.join(format!("Test001{MASKS}"));
        scan.problems
            .push(missing(expected, "a folder of masks for each test clip"));
    }
}

/// Takes in a test clip, frame by frame with the mask of the same number.
fn test_clip(scan: &mut Scan, clip: &Path, masks: &Path) {
    let (images, of_clip) = (numbered(scan, clip), numbered(scan, masks));
    let numbers = images.iter().chain(&of_clip).map(|frame| frame.number);
    let first = numbers.min().unwrap_or(0);
    let images = every_fifth(scan, images, first);
    let mut of_clip = every_fifth(scan, of_clip, first);
    let mut pairs = Vec::new();
    for frame in images {
        match of_clip.iter().position(|mask| mask.number == frame.number) {
            Some(place) => pairs.push((frame.path, of_clip.remove(place).path)),
            None => scan.problems.push(Error::ImageWithoutMask {
                expected: masks.join(format!("{}.bmp", stem(&frame.path))),
                path: frame.path,
            }),
        }
    }
    for Frame { path, .. } in of_clip {
        let expected = clip.to_path_buf();
        scan.problems
            .push(Error::MaskWithoutImage { path, expected });
    }
    let seen: Vec<_> = pairs
        .into_par_iter()
        .map(|(image, mask)| {
            let marked = load_mask(&mask, &Limits::default()).map(|mask| mask.area() > 0);
            (image, mask, marked)
        })
        .collect();
    for (image, mask, marked) in seen {
        let (label, mask) = match marked {
            Ok(true) => {
                let kind = "anomaly".into();
                (Label::Anomalous { kind }, Some(MaskSource::image(mask)))
            }
            Ok(false) => (Label::Normal, None),
            Err(problem) => {
                scan.problems.push(problem);
                continue;
            }
        };
        let mut sample = scan.sample(&image, label);
        sample.group = Some(name(clip));
        scan.dataset.test.push(TestSample { sample, mask });
    }
}

/// MVTec AD's layout, with the clip in each image's name.
fn rearranged(mut scan: Scan, spec: &DatasetSpec) -> Scan {
    need(&mut scan, &[MVTEC.test, MVTEC.masks]);
    scan.beside(&MVTEC, &[]);
    scan.folders(&MVTEC);
    let clip = |path: &Path| {
        let stem = stem(path);
        stem.rsplit_once('_').map(|(clip, _)| clip.to_string())
    };
    for sample in &mut scan.dataset.train {
        sample.group = clip(sample.path()).map(|clip| format!("Train{clip}"));
    }
    for TestSample { sample, .. } in &mut scan.dataset.test {
        sample.group = clip(sample.path()).map(|clip| format!("Test{clip}"));
    }
    let wanted = spec.category.as_deref();
    match CATEGORIES.iter().find(|one| Some(one.name) == wanted) {
        Some(category) => compare(&mut scan, category),
        None if wanted.is_some() => scan.problems.push(Error::Protocol {
            path: scan.dataset.root.clone(),
            kind: "category",
            expected: "ped1 or ped2".into(),
            found: format!("`{}`", wanted.unwrap_or_default()),
            todo: "change `--category`".into(),
        }),
        None => {}
    }
    scan.sorted()
}
