//! The tables of a report: figures with their rules, and figures of each kind of defect.

use super::{Figures, measure::prefix, page::Page, words::words};
use crate::{
    report::{Figure, KindRow, KindTable, Section},
    tables::printed,
};

/// The figures on top of the page, and what they are called there.
const HEADLINES: [(&str, &str); 5] = [
    ("image_auroc", "Images told apart, AUROC"),
    ("pixel_auroc", "Pixels told apart, AUROC"),
    ("aupro_0.30", "Regions covered, AUPRO to 0.30"),
    (
        "balanced_accuracy_at_threshold",
        "Verdicts right, balanced accuracy",
    ),
    (
        "balanced_accuracy_at_own_boundary",
        "Verdicts right, balanced accuracy",
    ),
];

/// The columns of the table of kinds, and whether they are of a map.
const KIND_COLUMNS: [(&str, bool); 4] = [
    ("image_auroc", false),
    ("pixel_auroc", true),
    ("aupro_0.30", true),
    ("iou_at_0.5", true),
];

impl Page<'_> {
    /// One section for each score and map.
    pub(super) fn sections(&self, category: &str) -> Vec<Section> {
        let calibration = self.measured.calibration;
        let scores = calibration
            .scores
            .iter()
            .map(|scale| ("Images: score", &scale.name, false));
        let maps = calibration
            .maps
            .iter()
            .map(|scale| ("Pixels: map", &scale.name, true));
        let mut own = [true, true];
        let mut sections = Vec::new();
        for (what, name, is_map) in scores.chain(maps) {
            let is_own = std::mem::take(&mut own[usize::from(is_map)]);
            let prefix = prefix(usize::from(!is_own), name);
            let is_shown = if is_map {
                prefix == self.shown()
            } else {
                is_own
            };
            let figures = self.figures.iter().filter_map(|(key, value)| {
                let rest = key.strip_prefix(&prefix)?;
                let (label, rule) = words(rest);
                let of_map = ["pixel", "prior_pixel", "iou", "aup", "auspro", "pro_"]
                    .iter()
                    .any(|of_map| rest.starts_with(of_map));
                if label.is_empty() || of_map != is_map {
                    return None;
                }
                let method = self.measured.method.name();
                Some(Figure {
                    name: label.to_owned(),
                    value: value.clone(),
                    interval: self.figures.interval(key),
                    rule: rule.to_owned(),
                    reported: printed(method, category, rest).filter(|_| is_own),
                    headline: HEADLINES
                        .iter()
                        .find(|(head, _)| is_shown && *head == rest)
                        .map(|(_, text)| (*text).to_owned()),
                })
            });
            let note = if is_own {
                "the method's own".to_owned()
            } else {
                String::new()
            };
            sections.push(Section {
                title: format!("{what} {name}"),
                note,
                figures: figures.collect(),
            });
        }
        sections
    }

    /// One row for each kind of defect.
    pub(super) fn kind_table(&self) -> KindTable {
        let value = |figures: &Figures, key: &str| {
            figures
                .get(key)
                .cloned()
                .unwrap_or_else(|| Err("the method makes no map".to_owned()))
        };
        let shown = self.shown();
        let rows = self.kinds.iter().map(|(kind, (images, figures))| KindRow {
            kind: kind.clone(),
            images: *images,
            values: KIND_COLUMNS
                .iter()
                .map(|(key, is_map)| {
                    value(
                        figures,
                        &format!("{}{key}", if *is_map { &shown } else { "" }),
                    )
                })
                .collect(),
        });
        KindTable {
            columns: ["image AUROC", "pixel AUROC", "AUPRO to 0.30", "IoU at 0.5"]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.collect(),
            note: "Each kind's images together with all normal test images.".to_owned(),
        }
    }
}
