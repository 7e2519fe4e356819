//! Two or more runs on the same test images: whose figures are better, by how much, and how sure that is.
//!
//! Nothing is scored anew: a comparison reads what `eval` wrote into the runs' folders, and takes a figure for comparable only
//! where the images are the same, by their ids and labels. Every run is measured in the same resamples of these images
//! (whole groups, where they come in groups), so that differences are paired: what makes an image hard for both is no
//! difference between them.
//!
//! - `read`: what an evaluation left; `align`: the images that all runs share
//! - `figures`: each figure of each run, in the images as they are and in each resample; `maps`: those of pixels
//! - `disagree`: verdicts of two runs, and the images on which they differ most; `seeds`: runs that differ by nothing else
//! - `table`: all of it; `text`: as Markdown and CSV; `page`: as one HTML file

mod align;
mod disagree;
mod figures;
mod maps;
mod page;
mod read;
mod seeds;
mod table;
mod text;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use cavga_data::DatasetSpec;
pub use cavga_metrics::Bootstrap;

pub use disagree::{Disagreement, Side, Verdicts};
pub use figures::{Difference, Estimate};
pub use seeds::Seeds;
pub use table::{Comparison, Costs, DifferenceRow, ImagesCompared, RunRow};

use crate::{Error, Result, atomic, progress::Progress, report::render_sheet, run::RunFolder};

/// How to compare.
#[derive(Debug, Clone, Default)]
pub struct CompareOptions {
    /// The dataset that the runs were evaluated on; without it, the one that the first was trained on. It is asked for masks, groups
    /// and pictures alone.
    pub data: Option<PathBuf>,
    /// Which images of its folder are meant; without it, what the first run's settings say.
    pub dataset: Option<DatasetSpec>,
    /// Whether images that some run was not measured on are left out; otherwise they are an error.
    pub common: bool,
    /// How intervals are made.
    pub bootstrap: Bootstrap,
    /// The folder for `compare.html`, `compare.json` and `compare.csv`; without it, nothing is written.
    pub out: Option<PathBuf>,
    /// Raised from another thread, it makes the comparison end with [`Error::Stopped`].
    pub stop: Arc<AtomicBool>,
}

/// Compares runs that were evaluated; the differences are those to the first. One run alone gets its intervals.
///
/// # Errors
/// [`Error::Config`] for no run, or one given twice, or files that cannot be read; [`Error::NotARun`] for a folder without a run or an
/// evaluation; [`Error::OtherImages`] for runs on other images; [`Error::Stopped`].
pub fn compare(
    runs: &[PathBuf],
    options: &CompareOptions,
    progress: &mut dyn Progress,
) -> Result<Comparison> {
    check_paths(runs)?;
    let runs: Vec<_> = runs
        .iter()
        .map(|path| read::Evaluated::read(RunFolder::new(path)))
        .collect::<Result<_>>()?;
    let names = read::names(&runs);
    let dataset = align::Known::open(&runs, options);
    let images = align::Images::shared(&runs, &dataset, options.common)?;
    let mut measured = Vec::with_capacity(runs.len());
    for run in &runs {
        let columns = figures::images(run, &images, &options.bootstrap)?;
        let mut all = maps::pixels(run, &images, options, progress)?;
        all.columns.splice(0..0, columns);
        measured.push(all);
    }
    let inputs = table::Inputs {
        runs: &runs,
        names: &names,
        images: &images,
        measured: &measured,
        bootstrap: &options.bootstrap,
    };
    let comparison = inputs.comparison();
    if let Some(out) = &options.out {
        write(out, &comparison, &inputs)?;
    }
    Ok(comparison)
}

/// Writes the page and the tables.
fn write(out: &Path, comparison: &Comparison, inputs: &table::Inputs<'_>) -> Result<()> {
    atomic::create_folder(out)?;
    let page = render_sheet(&page::sheet(comparison, inputs));
    atomic::write(&out.join("compare.html"), page.as_bytes())?;
    atomic::write_with(&out.join("compare.csv"), |file| comparison.write_csv(file))?;
    atomic::write_with(&out.join("compare.json"), |file| {
        serde_json::to_writer_pretty(&mut *file, comparison)?;
        file.write_all(b"\n")
    })
}

/// Fails unless there are runs, each of them once.
fn check_paths(runs: &[PathBuf]) -> Result<()> {
    let wrong = |why: String| Error::Config {
        origin: "RUN".to_owned(),
        why,
    };
    if runs.is_empty() {
        return Err(wrong(
            "none given; give the folders of one or more runs".to_owned(),
        ));
    }
    let mut seen = BTreeSet::new();
    for path in runs {
        let whole = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        if !seen.insert(whole) {
            let why = format!("{} is given twice; give each run once", path.display());
            return Err(wrong(why));
        }
    }
    Ok(())
}
