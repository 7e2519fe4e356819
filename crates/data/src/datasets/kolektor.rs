//! KolektorSDD: D. Tabernik, S. Šela, J. Skvarč, D. Skočaj, "Segmentation-Based Deep-Learning Approach for Surface-Defect
//! Detection", Journal of Intelligent Manufacturing 31, 2020.
//!
//! 50 commutators, each photographed on some eight sides, each with a crack on one or two of them:
//!
//! ```text
//! kos01/Part0.jpg   kos01/Part0_label.bmp     black all over where the side is good
//! ```
//!
//! The paper has no normal-only split: it cross-validates in three folds of items, that only its code says. Ours, in its manner:
//! of the items in order of name, the third, sixth, ... are tested on with all their sides; of the others the good sides are
//! learnt from and the bad ones are not used. So no item is on both sides (the item is the group). Others, anomalib among them,
//! split the good sides at random and test on every bad one: their figures are of another test set.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Known;
use super::protocol::{begin, below, expect, missing};
use crate::decode::Limits;
use crate::error::{Error, Result};
use crate::files::{name, same_stems, stem};
use crate::mask::{MaskSource, load_mask};
use crate::sample::{Label, TestSample};
use crate::scan::Scan;
use crate::spec::DatasetSpec;

/// One item in so many, the last of them, is tested on.
const FOLDS: usize = 3;

/// What a label's stem has after its image's.
const SUFFIX: &str = "_label";

/// A side of an item.
struct Side {
    image: PathBuf,
    label: PathBuf,
    /// Whether the label marks anything.
    bad: Result<bool>,
}

pub(super) fn scan(spec: &DatasetSpec, root: &Path) -> Scan {
    let is_item = |folder: &Path| name(folder).starts_with("kos");
    let holds_items = |folder: &Path| folder.join("kos01").is_dir();
    let mut scan = match begin(
        Known::Kolektor,
        spec,
        &below(root, &["KolektorSDD"], holds_items),
        false,
    ) {
        Ok(scan) => scan,
        Err(scan) => return *scan,
    };
    let root = scan.dataset.root.clone();
    let listing = scan.list(&root);
    for path in listing.images.into_iter().chain(listing.others) {
        scan.unused(path, "outside of the items' folders");
    }
    let (items, others): (Vec<_>, Vec<_>) = listing.folders.into_iter().partition(|f| is_item(f));
    for folder in others {
        scan.unused_below(&folder, "outside of the items' folders");
    }
    let (mut images, mut bad) = (0, 0);
    let n_items = items.len();
    for (index, item) in items.into_iter().enumerate() {
        let tested = index % FOLDS == FOLDS - 1;
        for side in sides(&mut scan, &item) {
            images += 1;
            bad += usize::from(matches!(side.bad, Ok(true)));
            take(&mut scan, &name(&item), side, tested);
        }
    }
    scan.require_train(root.join("kos01"));
    expect(&mut scan, "items", n_items, 50);
    expect(&mut scan, "images", images, 399);
    expect(&mut scan, "anomalous images", bad, 52);
    scan.sorted()
}

/// The sides of an item, with what their labels say.
fn sides(scan: &mut Scan, item: &Path) -> Vec<Side> {
    let listing = scan.list(item);
    for path in listing.others {
        scan.unused(path, "not an image by its name");
    }
    for folder in listing.folders {
        scan.unused_below(&folder, "in a folder below the images");
    }
    let is_label = |path: &PathBuf| stem(path).ends_with(SUFFIX);
    let (mut labels, images): (Vec<_>, Vec<_>) = listing.images.into_iter().partition(is_label);
    scan.problems.extend(same_stems(&labels));
    scan.problems.extend(same_stems(&images));
    let mut pairs = Vec::new();
    for image in images {
        let wanted = format!("{}{SUFFIX}", stem(&image));
        match labels.iter().position(|label| stem(label) == wanted) {
            Some(place) => pairs.push((image, labels.remove(place))),
            None => {
                let path = item.join(format!("{wanted}.bmp"));
                let what = format!(
                    "the label of {}, which says whether it is good",
                    name(&image)
                );
                scan.problems.push(missing(path, &what));
            }
        }
    }
    for path in labels {
        let expected = item.to_path_buf();
        scan.problems
            .push(Error::MaskWithoutImage { path, expected });
    }
    let side = |(image, label): (PathBuf, PathBuf)| {
        let mask = load_mask(&label, &Limits::default());
        let bad = mask.map(|mask| mask.area() > 0);
        Side { image, label, bad }
    };
    pairs.into_par_iter().map(side).collect()
}

/// Takes a side in.
fn take(scan: &mut Scan, item: &str, side: Side, tested: bool) {
    let bad = match side.bad {
        Ok(bad) => bad,
        Err(problem) => {
            scan.problems.push(problem);
            return;
        }
    };
    let label = if bad {
        let kind = "defect".into();
        Label::Anomalous { kind }
    } else {
        Label::Normal
    };
    let mut sample = scan.sample(&side.image, label);
    sample.group = Some(item.to_string());
    match (tested, bad) {
        (true, _) => {
            let mask = bad.then(|| MaskSource::image(side.label));
            scan.dataset.test.push(TestSample { sample, mask });
        }
        (false, false) => scan.dataset.train.push(sample),
        (false, true) => scan.unused(side.image, "anomalous, of an item that is learnt from"),
    }
}
