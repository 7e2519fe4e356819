//! LAG: L. Li, M. Xu, X. Wang, L. Jiang, H. Liu, "Attention Based Glaucoma Detection: A Large-Scale Database and CNN Model", CVPR 2019.
//!
//! The part of the database that has attention maps: 5,824 fundus images,
//!
//! ```text
//! non_glaucoma/{image,attention_map,label}/...          3,432 normal
//! suspicious_glaucoma/{image,attention_map,label}/...   2,392 with glaucoma
//! ```
//!
//! The CAVGA paper learns from 2,632 of the normal images and tests on 800 and on all with glaucoma; which 800 it does not say:
//! ours are drawn by a fixed seed. Nor does it say how its masks come of the attention maps of the ophthalmologists: see [`ABOVE`].

use std::collections::BTreeMap;
use std::path::Path;

use super::Known;
use super::protocol::{begin, below, expect, need};
use crate::error::Error;
use crate::files::stem;
use crate::mask::MaskSource;
use crate::sample::{Label, TestSample};
use crate::scan::Scan;
use crate::spec::DatasetSpec;
use crate::split::drawn;

/// From which share of full scale on an attention map counts as the defect: half, where a place was looked at at least half as
/// much as can be drawn. The paper gives no threshold; as a map is a smooth hill around what was looked at, another one makes
/// every region larger or smaller alike.
const ABOVE: f32 = 0.5;

const NORMAL: &str = "non_glaucoma";
const GLAUCOMA: &str = "suspicious_glaucoma";

/// Images with attention maps: normal, normal ones that are tested on, with glaucoma.
const OFFICIAL: [usize; 3] = [3432, 800, 2392];

pub(super) fn scan(spec: &DatasetSpec, root: &Path) -> Scan {
    let archives = ["LAG_database_part_1", "LAG"];
    let holds_both = |folder: &Path| folder.join(NORMAL).is_dir();
    let mut scan = match begin(Known::Lag, spec, &below(root, &archives, holds_both), false) {
        Ok(scan) => scan,
        Err(scan) => return *scan,
    };
    need(
        &mut scan,
        &[
            "non_glaucoma/image",
            "suspicious_glaucoma/image",
            "suspicious_glaucoma/attention_map",
        ],
    );
    let root = scan.dataset.root.clone();
    let images = root.join(NORMAL).join("image");
    normal(&mut scan, &images);
    glaucoma(&mut scan, &root.join(GLAUCOMA));
    for (class, part, why) in [
        (NORMAL, "attention_map", "the mask of a normal image"),
        (NORMAL, "label", "a label, which the folder says already"),
        (GLAUCOMA, "label", "a label, which the folder says already"),
    ] {
        let folder = root.join(class).join(part);
        if folder.is_dir() {
            scan.unused_below(&folder, why);
        }
    }
    scan.require_train(images);
    scan.sorted()
}

/// Takes in the normal images, to learn from and to test on.
fn normal(scan: &mut Scan, folder: &Path) {
    let images = scan.images(folder);
    let [all, tested, _] = OFFICIAL;
    expect(scan, "normal images", images.len(), all);
    // The official share, whatever their number.
    let share = tested as f64 / all as f64;
    let tested = (images.len() as f64 * share).round() as usize;
    for (path, tested) in images.iter().zip(drawn(images.len(), tested)) {
        let sample = scan.sample(path, Label::Normal);
        if tested {
            scan.dataset.test.push(TestSample { sample, mask: None });
        } else {
            scan.dataset.train.push(sample);
        }
    }
}

/// Takes in the images with glaucoma, each with its attention map.
fn glaucoma(scan: &mut Scan, folder: &Path) {
    let maps_folder = folder.join("attention_map");
    let maps = scan.images(&maps_folder).into_iter();
    let mut maps: BTreeMap<_, _> = maps.map(|path| (stem(&path), path)).collect();
    let images = scan.images(&folder.join("image"));
    expect(scan, "images with glaucoma", images.len(), OFFICIAL[2]);
    for path in images {
        let kind = "glaucoma".into();
        let sample = scan.sample(&path, Label::Anomalous { kind });
        let map = maps.remove(&stem(&path));
        if map.is_none() {
            let expected = maps_folder.join(format!("{}.jpg", stem(&path)));
            scan.problems
                .push(Error::ImageWithoutMask { path, expected });
        }
        let mask = map.map(|path| MaskSource::Image { path, above: ABOVE });
        scan.dataset.test.push(TestSample { sample, mask });
    }
    for path in maps.into_values() {
        let expected = folder.join("image");
        scan.problems
            .push(Error::MaskWithoutImage { path, expected });
    }
}
