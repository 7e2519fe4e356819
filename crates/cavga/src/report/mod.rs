//! `report.html`: what a run found, as one file that opens from disk with nothing else.
//!
//! [`Report`] is plain data: whoever evaluates fills it in, [`render`] writes it down. Nothing is computed here that is
//! a result, so that a page can never disagree with `metrics.json`. The page holds its own style, its charts as inline SVG
//! and its pictures as `data:` addresses; it runs no script and asks no server for anything. It follows the reader's light
//! or dark setting, a narrow screen, and paper.
//!
//! Two rules are kept here and nowhere else: a figure that is undefined says so and why, it is never a 0; and what a
//! paper reported stands in a column of its own, beside what was measured.
//!
//! - `page`: the order of the parts
//! - `text`: escaping, numbers, `data:` addresses
//! - `scale`: from values to positions, and which ticks an axis gets
//! - `chart`, `histogram`: the drawings
//! - `tables`: figures, kinds of defect, verdicts, facts
//! - `gallery`: rows of input, truth, map and overlay
//! - `sheet`: the page of a dataset, of the same parts; `heat`: its heat maps

mod chart;
mod gallery;
mod heat;
mod histogram;
mod page;
mod scale;
mod sheet;
mod tables;
mod text;

pub use heat::{Heat, HeatCell};
pub use page::render;
pub use sheet::{Contacts, Part, Sheet, SheetSection, Spread, Table, Thumb, Tone, render_sheet};

/// A measured number, or in words why there is none.
pub type Value = Result<f64, String>;

/// All that a report shows. Every part that is empty or `None` is left out of the page.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The page's heading, such as the dataset's name.
    pub title: String,
    /// One line below the heading: method, and what it was evaluated on.
    pub subtitle: String,
    /// A plain-language paragraph: what was found, for a reader who stops here.
    pub summary: String,
    /// Cautions that a reader must see before the figures, such as a map that saturates or files left out.
    pub warnings: Vec<String>,
    /// The figures in groups, such as image level, pixel level per map, controls.
    pub sections: Vec<Section>,
    /// How many images got which verdict.
    pub verdicts: Option<Verdicts>,
    /// Scores of the test images and the threshold between the verdicts.
    pub histogram: Option<Histogram>,
    /// Receiver operating characteristic: (false positive rate, true positive rate), both in [0, 1].
    pub roc: Vec<Curve>,
    /// (recall, precision), both in [0, 1].
    pub precision_recall: Vec<Curve>,
    /// (false positive rate, per-region overlap), both in [0, 1].
    pub pro: Vec<Curve>,
    /// The false positive rate up to which `pro` is integrated and drawn; taken as 1 unless in (0, 1].
    pub pro_limit: f64,
    /// Figures for every kind of defect.
    pub kinds: Option<KindTable>,
    /// Rows of example images: worst misses, worst false alarms, clearest finds.
    pub galleries: Vec<Gallery>,
    /// The scale that all heat maps of the galleries share.
    pub heat: Option<HeatScale>,
    /// Training losses over steps (or epochs), one small chart for each.
    pub losses: Vec<Curve>,
    /// What the losses' horizontal axis counts: "step", "epoch". Empty is "step".
    pub losses_over: String,
    /// How the run was made: (name, value), such as seed, versions, time, data fingerprint.
    pub facts: Vec<(String, String)>,
}

/// A group of figures under one heading.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The heading: "Image level", "Pixel level: residual".
    pub title: String,
    /// A line below the heading; may be empty.
    pub note: String,
    /// The figures, in the order in which they are shown.
    pub figures: Vec<Figure>,
}

/// One figure with the rule that makes its number mean something.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Its name: "AUROC", "IoU at 0.5".
    pub name: String,
    /// The number measured here, or why it is undefined.
    pub value: Value,
    /// Between what it lies on other images of the same kind, if that was asked: 95 of 100 resamples of the test images.
    pub interval: Option<[f64; 2]>,
    /// How it was computed, in one plain sentence.
    pub rule: String,
    /// What the method's paper reported for it, as printed there.
    pub reported: Option<String>,
    /// For one of the three to five numbers on top of the page: what it is called there ("Images told apart, AUROC").
    pub headline: Option<String>,
}

/// A line of (x, y) points, ordered by x. Points that are not finite are left out.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// The figure that belongs to it, shown in the legend: the area under it.
    pub area: Option<f64>,
    /// The points; any number: only those that a reader can tell apart are written.
    pub points: Vec<(f64, f64)>,
}

/// Scores of normal and anomalous images.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// Scores of the normal test images.
    pub normal: Vec<f32>,
    /// Scores of the anomalous test images.
    pub anomalous: Vec<f32>,
    /// Above it an image is called anomalous.
    pub threshold: Option<f64>,
    /// What the horizontal axis shows: "mean |x − x̂|".
    pub unit: String,
}

/// How many images got which verdict, as `[normal, unsure, anomalous]`.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    /// Verdicts on the normal images.
    pub normal: [usize; 3],
    /// Verdicts on the anomalous images.
    pub anomalous: [usize; 3],
    /// Where the threshold comes from, in one sentence.
    pub rule: String,
}

/// Figures for every kind of defect.
#[derive(Clone, Debug, Default)]
pub struct KindTable {
    /// What is measured, without the columns for kind and number of images: "image AUROC", "AUPRO to 0.30".
    pub columns: Vec<String>,
    /// One row for each kind.
    pub rows: Vec<KindRow>,
    /// The rule of the columns in one sentence: "each kind against all normal images".
    pub note: String,
}

/// One kind of defect.
#[derive(Clone, Debug, Default)]
pub struct KindRow {
    /// Its name.
    pub kind: String,
    /// How many test images show it.
    pub images: usize,
    /// As many values as the table has columns.
    pub values: Vec<Value>,
}

/// The range of map values that the colours of all heat maps span: one for the whole run, never one for each image.
#[derive(Clone, Debug)]
pub struct HeatScale {
    /// The value of the darkest colour.
    pub low: f32,
    /// The value of the brightest colour.
    pub high: f32,
    /// What the values are and how the range was chosen: "residual; highest value on calibration images".
    pub what: String,
}

/// Example images under one heading.
#[derive(Clone, Debug, Default)]
pub struct Gallery {
    /// The heading: "Worst misses".
    pub title: String,
    /// Why these images are here; may be empty.
    pub note: String,
    /// The images, the most telling first.
    pub items: Vec<Item>,
}

/// One image of a gallery. Pictures are PNG bytes, best at one size of about 256 pixels ([`crate::picture::panels`]).
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// The sample's id: its path relative to the dataset's root.
    pub id: String,
    /// The kind of defect, or "good".
    pub kind: String,
    /// Whether the image is anomalous in truth.
    pub anomalous: bool,
    /// The image's raw score.
    pub score: f64,
    /// The verdict: "normal", "unsure", "anomalous".
    pub verdict: String,
    /// The four pictures.
    pub panels: crate::picture::Panels,
}
