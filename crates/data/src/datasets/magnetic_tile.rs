//! Magnetic tile defects: Y. Huang, C. Qiu, K. Yuan, "Surface Defect Saliency of Magnetic Tile", The Visual Computer 36, 2020.
//!
//! Grey images of tiles, many sizes, a folder for each of five defects and one for good tiles:
//!
//! ```text
//! MT_Blowhole/Imgs/exp1_num_4727.jpg   MT_Blowhole/Imgs/exp1_num_4727.png   the mask beside the image
//! MT_Free/Imgs/exp1_num_1.jpg          MT_Free/Imgs/exp1_num_1.png          black all over
//! ```
//!
//! There is no official split. Ours: a fifth of the good tiles, drawn by a fixed seed, and all others are tested on. Whether
//! one tile was photographed several times (`exp1` to `exp6`) the sources do not say, so there are no groups.

use std::path::{Path, PathBuf};

use super::Known;
use super::protocol::{begin, below, expect, need};
use crate::error::Error;
use crate::files::{same_stems, stem};
use crate::mask::MaskSource;
use crate::sample::{Label, TestSample};
use crate::scan::Scan;
use crate::spec::DatasetSpec;
use crate::split::drawn;

/// The folder of good tiles, with how many there are.
const FREE: (&str, usize) = ("MT_Free", 952);

/// The folders of the defects, with how many there are.
const DEFECTS: [(&str, usize); 5] = [
    ("MT_Blowhole", 115),
    ("MT_Break", 85),
    ("MT_Crack", 57),
    ("MT_Fray", 32),
    ("MT_Uneven", 103),
];

/// One good tile in so many is tested on.
const HELD: usize = 5;

pub(super) fn scan(spec: &DatasetSpec, root: &Path) -> Scan {
    let archives = [
        "Magnetic-Tile-Defect",
        "Magnetic-tile-defect-datasets.-master",
        "Magnetic-tile-defect-datasets",
    ];
    let holds_tiles = |folder: &Path| folder.join(FREE.0).is_dir();
    let mut scan = match begin(
        Known::MagneticTile,
        spec,
        &below(root, &archives, holds_tiles),
        false,
    ) {
        Ok(scan) => scan,
        Err(scan) => return *scan,
    };
    let root = scan.dataset.root.clone();

    let folder = root.join(FREE.0).join("Imgs");
    need(&mut scan, &["MT_Free/Imgs"]);
    let (images, masks) = pictures(&mut scan, &folder);
    expect(&mut scan, "good tiles", images.len(), FREE.1);
    for path in masks {
        scan.unused(path, "the mask of a normal image");
    }
    let tested = drawn(images.len(), images.len() / HELD);
    for (path, tested) in images.iter().zip(tested) {
        let sample = scan.sample(path, Label::Normal);
        if tested {
            scan.dataset.test.push(TestSample { sample, mask: None });
        } else {
            scan.dataset.train.push(sample);
        }
    }
    for (kind, official) in DEFECTS {
        let folder = root.join(kind).join("Imgs");
        if !folder.is_dir() {
            scan.problems.push(Error::FolderMissing { path: folder });
            continue;
        }
        let found = defect(&mut scan, kind, &folder);
        expect(&mut scan, &format!("images of {kind}"), found, official);
    }
    scan.require_train(folder);
    scan.sorted()
}

/// The images and the masks of a folder.
fn pictures(scan: &mut Scan, folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let listing = scan.list(folder);
    for path in listing.others {
        scan.unused(path, "not an image by its name");
    }
    for below in listing.folders {
        scan.unused_below(&below, "in a folder below the images");
    }
    let is_mask = |path: &PathBuf| {
        let extension = path.extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
    };
    let (masks, images): (Vec<_>, Vec<_>) = listing.images.into_iter().partition(is_mask);
    scan.problems.extend(same_stems(&images));
    (images, masks)
}

/// Takes in the tiles with a defect; gives how many there are.
fn defect(scan: &mut Scan, kind: &str, folder: &Path) -> usize {
    let (images, mut masks) = pictures(scan, folder);
    let found = images.len();
    for path in images {
        let label = Label::Anomalous { kind: kind.into() };
        let sample = scan.sample(&path, label);
        let stem = stem(&path);
        let place = masks
            .iter()
            .position(|mask| crate::files::stem(mask) == stem);
        let mask = place.map(|place| MaskSource::image(masks.remove(place)));
        if mask.is_none() {
            let expected = folder.join(format!("{stem}.png"));
            scan.problems
                .push(Error::ImageWithoutMask { path, expected });
        }
        scan.dataset.test.push(TestSample { sample, mask });
    }
    for path in masks {
        let expected = folder.to_path_buf();
        scan.problems
            .push(Error::MaskWithoutImage { path, expected });
    }
    found
}
