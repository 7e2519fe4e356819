//! The paper's tables: of what each has rows and columns, and by which of our figures it is measured again.

use cavga_data::Known;

use super::reported::reported;

/// Sets of which a table has rows, and the rows in the paper's order.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) known: Known,
    /// As in a heading.
    pub(super) title: &'static str,
    /// Categories, scenes, or classes by number.
    pub(super) rows: &'static [&'static str],
}

/// A figure that a table is measured by.
#[derive(Debug)]
pub(super) struct Figure {
    /// As in a heading.
    pub(super) title: &'static str,
    /// Its names in `metrics.json`, of which a run has one.
    pub(super) names: &'static [&'static str],
    /// What the paper calls what stands beside it.
    pub(super) reported: Option<&'static str>,
    /// Whether it means something for CAVGA alone.
    pub(super) of_cavga: bool,
    /// By which rule.
    pub(super) rule: &'static str,
}

impl Figure {
    /// What the paper calls what it reports of a system by this figure's rule, or by a rule of the system's own.
    pub(super) fn reported_of(&self, system: &str) -> Option<&'static str> {
        let by_classifier = self.names == [AT_HALF] && system.ends_with("_w");
        self.reported.filter(|_| !by_classifier)
    }
}

/// A table of the paper.
#[derive(Debug)]
pub(super) struct Paper {
    pub(super) number: u8,
    pub(super) title: &'static str,
    pub(super) sets: &'static [Set],
    /// The first stands in the main table.
    pub(super) figures: &'static [Figure],
}

/// Everything that a run's figures are kept of, so that one run serves all tables.
pub(super) const FIGURES: [&str; 10] = [
    "iou_best_threshold",
    "iou_at_0.5",
    "pixel_auroc",
    "prior_pixel_auroc",
    "aupro_0.30",
    "image_auroc",
    AT_THRESHOLD,
    AT_BOUNDARY,
    AT_HALF,
    "balanced_accuracy_at_0.5_train",
];

const AT_THRESHOLD: &str = "balanced_accuracy_at_threshold";
const AT_HALF: &str = "balanced_accuracy_at_0.5_test_set";
const AT_BOUNDARY: &str = "balanced_accuracy_at_own_boundary";

const IOU: Figure = Figure {
    title: "Localization: IoU at the map's best threshold",
    names: &["iou_best_threshold"],
    reported: Some("iou"),
    of_cavga: false,
    rule: "Of the system's own map, over all pixels of the test images, at the threshold that is best on them: the one rule that every \
           system's map can be measured by. The paper measures CAVGA at 0.5; of the others its IoU is by rules of their own, ADVAE's at the \
           best threshold.",
};

const IOU_AT_HALF: Figure = Figure {
    title: "Localization: IoU at 0.5, the paper's rule for CAVGA",
    names: &["iou_at_0.5"],
    reported: Some("iou"),
    of_cavga: true,
    rule: "Of CAVGA's own map alone: 0.5 means nothing on the maps of others.",
};

const PIXEL_AUROC: Figure = Figure {
    title: "Localization: pixel AUROC",
    names: &["pixel_auroc"],
    reported: Some("pixel_auroc"),
    of_cavga: false,
    rule: "Of the system's own map, over all pixels of the test images. The paper prints means alone.",
};

const ACCURACY: Figure = Figure {
    title: "Detection: balanced accuracy of the verdicts",
    names: &[AT_THRESHOLD, AT_BOUNDARY],
    reported: Some("balanced_accuracy"),
    of_cavga: false,
    rule: "The mean of the accuracies on normal and on anomalous test images. The threshold is from held-out normal images alone, for every \
           system alike; a weakly supervised CAVGA decides by its classifier.",
};

const ACCURACY_AT_HALF: Figure = Figure {
    title: "Detection: balanced accuracy at 0.5, scaled over the test set",
    names: &[AT_HALF],
    reported: Some("balanced_accuracy"),
    of_cavga: false,
    rule: "The paper's rule for CAVGA as it stands: scores are scaled from the lowest to the highest of the test set, so that it looks at \
           all test images before it judges one. A weakly supervised CAVGA decides by its classifier in the paper, so that nothing is \
           reported beside it.",
};

const IMAGE_AUROC: Figure = Figure {
    title: "Detection: image AUROC",
    names: &["image_auroc"],
    reported: Some("image_auroc"),
    of_cavga: false,
    rule: "Of the system's own score.",
};

const MVTEC: Set = Set {
    known: Known::MvtecAd,
    title: "MVTec AD",
    rows: &[
        "bottle",
        "hazelnut",
        "capsule",
        "metal_nut",
        "leather",
        "pill",
        "wood",
        "carpet",
        "tile",
        "grid",
        "cable",
        "transistor",
        "toothbrush",
        "screw",
        "zipper",
    ],
};

const MSTC: Set = Set {
    known: Known::Mstc,
    title: "mSTC",
    rows: &[
        "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12",
    ],
};

const LAG: Set = Set {
    known: Known::Lag,
    title: "LAG",
    rows: &["lag"],
};

const fn classes(known: Known, title: &'static str) -> Set {
    Set {
        known,
        title,
        rows: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    }
}

/// Localization, then detection.
const BOTH: [Figure; 6] = [
    IOU,
    IOU_AT_HALF,
    PIXEL_AUROC,
    ACCURACY,
    ACCURACY_AT_HALF,
    IMAGE_AUROC,
];

/// All of them.
const ALL: [Paper; 6] = [
    Paper {
        number: 3,
        title: "localization on MVTec AD",
        sets: &[MVTEC],
        figures: &[IOU, IOU_AT_HALF, PIXEL_AUROC],
    },
    Paper {
        number: 4,
        title: "localization and detection on mSTC",
        sets: &[MSTC],
        figures: &BOTH,
    },
    Paper {
        number: 5,
        title: "localization and detection on LAG",
        sets: &[LAG],
        figures: &BOTH,
    },
    Paper {
        number: 6,
        title: "detection on MVTec AD",
        sets: &[MVTEC],
        figures: &[ACCURACY, ACCURACY_AT_HALF, IMAGE_AUROC],
    },
    Paper {
        number: 7,
        title: "one class normal on MNIST, Fashion-MNIST, CIFAR-10",
        sets: &[
            classes(Known::Mnist, "MNIST"),
            classes(Known::FashionMnist, "Fashion-MNIST"),
            classes(Known::Cifar10, "CIFAR-10"),
        ],
        figures: &[IMAGE_AUROC],
    },
    Paper {
        number: 8,
        title: "CAVGA-R taken apart, on MVTec AD",
        sets: &[MVTEC],
        figures: &[IOU, IOU_AT_HALF, PIXEL_AUROC],
    },
];

impl Paper {
    /// The table of this number; none but for 3 to 8.
    pub(super) fn of(number: u8) -> Option<&'static Self> {
        static TABLES: [Paper; 6] = ALL;
        TABLES.iter().find(|table| table.number == number)
    }
}

/// Each system of the paper's tables, and what the method is called here, whether this build has it or not.
const SYSTEMS: [(&str, &str); 22] = [
    ("AVID", "avid"),
    ("AE_SSIM", "ae-ssim"),
    ("AE_L2", "ae-l2"),
    ("AnoGAN", "anogan"),
    ("γ-VAE_g", "gamma-vae-grad"),
    ("LSA", "lsa"),
    ("ADVAE", "advae"),
    ("CAVGA-D_u", "cavga-d-u"),
    ("CAVGA-R_u", "cavga-r-u"),
    ("CAVGA-D_w", "cavga-d-w"),
    ("CAVGA-R_w", "cavga-r-w"),
    ("CAM", "cam"),
    ("GBP", "gbp"),
    ("SmoothGrad", "smoothgrad"),
    ("Patho-GAN", "patho-gan"),
    ("OCGAN", "ocgan"),
    ("ULSLM", "ulslm"),
    ("CapsNet_PP", "capsnet-pp"),
    ("CapsNet_RE", "capsnet-re"),
    ("ADGAN", "adgan"),
    ("β-VAE", "beta-vae"),
    ("MemAE", "memae"),
];

/// The method that a system of the paper is here.
pub(super) fn method_of(system: &str) -> Option<&'static str> {
    let mut systems = SYSTEMS.iter();
    systems.find_map(|(name, method)| (*name == system).then_some(*method))
}

/// The method of this name, in whatever case, if it is a system of the paper's, built or not.
pub(super) fn system_method(name: &str) -> Option<&'static str> {
    let mut systems = SYSTEMS.iter();
    systems.find_map(|(_, known)| known.eq_ignore_ascii_case(name).then_some(*known))
}

/// What the paper prints of a CAVGA on a category of MVTec AD, by a figure's name in `metrics.json`: its IoU is at 0.5, its detection at 0.5
/// of scores scaled over the test set, or by the classifier of a weakly supervised one. The category is known by its folder's name.
pub(crate) fn printed(method: &str, category: &str, key: &str) -> Option<String> {
    let is_called = |(_, known): &&(&str, &str)| *known == method && method.starts_with("cavga-");
    let (system, _) = SYSTEMS.iter().find(is_called)?;
    let of = match key {
        "iou_at_0.5" => (3, "iou"),
        AT_BOUNDARY => (6, "balanced_accuracy"),
        AT_HALF => (6, ACCURACY_AT_HALF.reported_of(system)?),
        _ => return None,
    };
    let number = reported(of, (Known::MvtecAd.name(), category), system)?;
    Some(format!("0{}", number.text))
}

#[cfg(test)]
mod tests {
    use super::{
        super::reported::{MEAN, of_table, systems},
        *,
    };

    #[test]
    fn every_number_of_the_paper_has_a_place_in_its_table() {
        for table in &ALL {
            for number in of_table(table.number) {
                let mut sets = table.sets.iter();
                let set = sets.find(|set| set.known.name() == number.set).unwrap();
                assert!(
                    number.row == MEAN || set.rows.contains(&number.row),
                    "{number:?}"
                );
                let mut figures = table.figures.iter();
                assert!(
                    figures.any(|figure| figure.reported == Some(number.figure)),
                    "{number:?}"
                );
            }
            for system in systems(table.number) {
                assert!(table.number == 8 || method_of(system).is_some(), "{system}");
            }
            for name in table.figures.iter().flat_map(|figure| figure.names) {
                assert!(FIGURES.contains(name), "{name}");
            }
        }
        assert_eq!(
            printed("cavga-r-w", "leather", AT_BOUNDARY).as_deref(),
            Some("0.84")
        );
        assert_eq!(printed("cavga-r-w", "leather", AT_HALF), None);
        assert_eq!(
            printed("cavga-d-u", "toothbrush", "iou_at_0.5").as_deref(),
            Some("0.54")
        );
        assert_eq!(printed("ae-l2", "leather", "iou_at_0.5"), None);
        assert_eq!(Paper::of(5).map(|table| table.sets[0].title), Some("LAG"));
        assert!(Paper::of(2).is_none() && Paper::of(9).is_none());
    }
}
