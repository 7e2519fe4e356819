//! A dataset at a glance, before anything learns from it: one HTML file that opens from disk with nothing else.
//!
//! Statistics are of every image, pictures of a sample of them: images are decoded a few at a time and only figures and small
//! pictures are kept, so that a hundred thousand images need no more room than their names. One image that cannot be read is a
//! line of the page, never its end. There is no clock in the page: the same dataset and options give the same bytes.
//!
//! - `gather`: the pass over the images
//! - `choose`: which images are pictured
//! - `figures`: counts, sizes, spreads, defects
//! - `duplicates`: images that are the same or look alike
//! - `outliers`: images that are unlike the others
//! - `words`: what stands out, in sentences
//! - `page`: the page

mod choose;
mod duplicates;
mod figures;
mod gather;
mod outliers;
mod page;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::path::Path;

use cavga_data::{DatasetSpec, Limits, Problem, Survey, Tally};
use serde::Serialize;

use crate::progress::Progress;
use crate::report::render_sheet;
use crate::{Error, Result, atomic};

pub use duplicates::{Duplicates, Sameness};
pub use figures::{ClassFigures, DefectFigures, FileKinds, PartCounts, Range, SizeCount};
pub use outliers::Outlier;

/// How a preview is made.
#[derive(Debug, Clone)]
pub struct PreviewOptions {
    /// Pictures of each kind of image in each split, at most.
    pub per_kind: usize,
    /// Pictures of all kinds together, at most: with many kinds each gets fewer. A picture takes about 5 kB of the page.
    pub in_all: usize,
    /// Fixes which images are pictured.
    pub seed: u64,
    /// In how many of 256 bits images that are said to look alike may differ; 0 to 256.
    pub distance: u32,
    /// What an image may at most be.
    pub limits: Limits,
}

impl Default for PreviewOptions {
    fn default() -> Self {
        Self {
            per_kind: 60,
            in_all: 900,
            seed: 0,
            distance: 10,
            limits: Limits::default(),
        }
    }
}

/// What was found: all figures of the page. It is what `--json` prints.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Preview {
    /// The dataset's folder.
    pub root: String,
    /// How it was said which images make it up; empty where the folder's layout tells.
    pub dataset: BTreeMap<String, serde_json::Value>,
    /// Files seen, used and not used.
    pub tally: Tally,
    /// Images of each kind in each split.
    pub parts: Vec<PartCounts>,
    /// What is wrong by the files' names.
    pub problems: Vec<Problem>,
    /// What may be meant.
    pub warnings: Vec<Problem>,
    /// Images and masks that cannot be used, with their errors.
    pub refused: Vec<Refused>,
    /// Images of each size, the most frequent first.
    pub sizes: Vec<SizeCount>,
    /// What the files hold.
    pub files: FileKinds,
    /// Brightness, contrast, sharpness and exposure of each class.
    pub classes: Vec<ClassFigures>,
    /// How large defects are, by kind.
    pub defects: Vec<DefectFigures>,
    /// Groups of images that are the same or look alike; those across splits first.
    pub duplicates: Vec<Duplicates>,
    /// Images that are unlike the others, in the order of their ids.
    pub outliers: Vec<Outlier>,
    /// What one should know before training, in sentences.
    pub stands_out: Vec<String>,
}

impl Preview {
    /// In one sentence, how many images there are for what.
    pub fn summary(&self) -> String {
        words::summary(self)
    }
}

/// An image or a mask that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The sample's id.
    pub id: String,
    /// The problem's short name: `truncated`, `mask-size`, ...
    pub kind: String,
    /// What was expected, what was found, what to do.
    pub message: String,
}

/// Looks at every image of a dataset and writes a page about it to `out`, whole or not at all.
///
/// # Errors
/// A folder without images, or a page that cannot be written. Images that cannot be read are in [`Preview::refused`].
pub fn preview(
    spec: &DatasetSpec,
    root: &Path,
    out: &Path,
    options: &PreviewOptions,
    progress: &mut dyn Progress,
) -> Result<Preview> {
    if out.is_dir() {
        return Err(Error::Out {
            path: out.to_path_buf(),
            why: "a folder; give the name of the page to be written, as in sheet.html".into(),
        });
    }
    let survey = spec.survey(root);
    if survey.dataset.train.is_empty() && survey.dataset.test.is_empty() {
        // Says what is wrong with the folder.
        let empty = |_| cavga_data::Error::EmptyFolder { path: root.into() };
        return Err(spec.open(root).map_or_else(|error| error, empty).into());
    }
    let entries = gather::entries(&survey.dataset);
    let sheets = choose::sheets(&entries, options);
    let mut seen = gather::look(&entries, &sheets, options, progress);
    let duplicates = duplicates::find(&entries, &seen, options.distance);
    let outliers = outliers::find(&entries, &seen);
    let wanted = choose::beside(&duplicates, &outliers);
    gather::pictures(&entries, &mut seen, &wanted, options, progress);
    let mut preview = describe(spec, root, &survey, &entries, &seen);
    preview.duplicates = duplicates;
    preview.outliers = outliers;
    preview.stands_out = words::stands_out(&preview);
    let page = page::Page {
        preview: &preview,
        entries: &entries,
        seen: &seen,
        sheets: &sheets,
        options,
    };
    atomic::write(out, render_sheet(&page.sheet()).as_bytes())?;
    Ok(preview)
}

/// The figures that need no comparison of images with each other.
fn describe(
    spec: &DatasetSpec,
    root: &Path,
    survey: &Survey,
    entries: &[gather::Entry<'_>],
    seen: &[gather::Seen],
) -> Preview {
    let said = serde_json::to_value(spec).ok();
    let said = said.as_ref().and_then(serde_json::Value::as_object);
    let refused = seen.iter().flat_map(|seen| &seen.refused);
    let parts = figures::parts(entries, seen);
    let mut tally = survey.dataset.tally();
    tally.refuse(
        parts.iter().map(|part| part.unreadable).sum(),
        "cannot be read",
    );
    Preview {
        root: root.display().to_string(),
        dataset: said
            .into_iter()
            .flatten()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
        tally,
        parts,
        problems: survey.problems.clone(),
        warnings: survey.warnings.clone(),
        refused: refused.cloned().collect(),
        sizes: figures::sizes(seen),
        files: figures::files(seen),
        classes: figures::classes(entries, seen),
        defects: figures::defects(entries, seen),
        ..Preview::default()
    }
}
