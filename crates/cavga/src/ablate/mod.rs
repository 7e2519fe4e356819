//! Table 8 of the paper run again: CAVGA with parts left out, trained with the same seeds and passes, measured by one rule.
//!
//! Every column is a run of its own in a folder of its own; here they are only called, one after the other. A kill at any
//! moment costs what lies behind the last checkpoint: the same call goes on, and refuses to go on as something else.
//!
//! - `columns`: the columns and what the paper printed
//! - `plan`: what is run, and `ablation.toml`, which keeps it
//! - `table`: all of them, with mean and standard deviation over seeds; `text`: the table as Markdown and CSV

mod columns;
mod plan;
mod table;
mod text;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

pub use crate::series::Spread;
use cavga_data::DatasetSpec;
pub use columns::{COLUMNS, Column, Parts};
pub(crate) use plan::refuse_columns_keys;
pub use table::{Row, Table};

use self::{plan::Plan, table::KEPT};
use crate::{
    Result, atomic,
    config::RunConfig,
    progress::{Event, Progress},
    run::RunFolder,
    series::{ImageSets, Task},
};

/// What to take apart, and how.
#[derive(Debug, Clone)]
pub struct AblateOptions {
    /// Which CAVGA; the paper's table is of R.
    pub parts: Parts,
    /// Which images of the folder are meant; without it, what the settings say.
    pub dataset: Option<DatasetSpec>,
    /// Names of the columns to run, or their numbers from 1, as in `c4-u-conv-ae` or `4`; none for all.
    pub columns: Vec<String>,
    /// Settings of all columns as TOML, without the keys that tell columns apart.
    pub config: Option<PathBuf>,
    /// Changes of single settings, as `key=value`.
    pub overrides: Vec<String>,
    /// One or more seeds, each column being run under each; none for the settings' own.
    pub seeds: Vec<u64>,
    /// The device, as in `cpu` or `wgpu:1`.
    pub device: String,
    /// Raised from another thread, it makes the ablation end with [`Ablated::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Default for AblateOptions {
    fn default() -> Self {
        Self {
            parts: Parts::default(),
            dataset: None,
            columns: Vec::new(),
            config: None,
            overrides: Vec::new(),
            seeds: Vec::new(),
            device: "cpu".to_owned(),
            stop: Arc::default(),
        }
    }
}

/// How an ablation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ablated {
    /// Every column is measured.
    Finished(Table),
    /// Stopped; the same call goes on.
    Stopped {
        /// In which column.
        column: &'static str,
        /// Under which seed.
        seed: u64,
    },
}

/// Trains and measures every column on the dataset in `data`, into folders of `out`, and writes `out/ablation.md` and
/// `out/ablation.csv` behind each. Columns that are done are not done again and stay in the table, also when only others are
/// asked for; one that was begun is gone on with.
///
/// The folder of a column is that of any run, but without the checkpoint, which is large and has served its purpose.
/// A training that diverges is a result: its figures are undefined for that reason, and the other columns go on.
///
/// # Errors
/// [`Error::RunDiffers`] for a folder with an ablation of something else, or from other weight files;
/// [`Error::TooFewImages`] for a dataset without test images, or without anomalous ones, which half of the columns learn from; [`Error::Config`] for a setting that is a column's own;
/// those of training and evaluation.
///
/// [`Error::RunDiffers`]: crate::Error::RunDiffers
/// [`Error::TooFewImages`]: crate::Error::TooFewImages
/// [`Error::Config`]: crate::Error::Config
pub fn ablate(
    data: &Path,
    out: &Path,
    options: &AblateOptions,
    progress: &mut dyn Progress,
) -> Result<Ablated> {
    let plan = Plan::settle(data, out, options)?;
    let images = ImageSets::default();
    let mut table = Table::new(data, options.parts, &plan.seeds, plan.columns.clone());
    // What was done before stays in the table, whichever columns are asked for now.
    for &seed in &plan.seeds {
        for (index, column) in COLUMNS.iter().enumerate() {
            let (config, run) = (plan.config(column, Some(seed))?, plan.run(column, seed));
            if let Some(cell) = task(data, options, (&config, &run), &images).stored()? {
                table.add(index, seed, cell);
            }
        }
    }
    let mut done = 0;
    let total = plan.columns.len() * plan.seeds.len();
    for &seed in &plan.seeds {
        let columns = COLUMNS.iter().enumerate();
        for (index, column) in columns.filter(|(index, _)| plan.columns.contains(index)) {
            done += 1;
            let text = format!("{}, seed {seed} ({done} of {total})", column.name);
            progress.on(Event::Note(&text));
            let run = plan.run(column, seed);
            let config = plan.config(column, Some(seed))?;
            let Some(cell) = task(data, options, (&config, &run), &images).cell(progress)? else {
                let column = column.name;
                return Ok(Ablated::Stopped { column, seed });
            };
            table.add(index, seed, cell);
            atomic::write(&out.join("ablation.md"), table.markdown().as_bytes())?;
            atomic::write_with(&out.join("ablation.csv"), |file| table.write_csv(file))?;
        }
    }
    Ok(Ablated::Finished(table))
}

/// One column under one seed.
fn task<'a>(
    data: &'a Path,
    options: &'a AblateOptions,
    (config, run): (&'a RunConfig, &'a RunFolder),
    images: &'a ImageSets,
) -> Task<'a> {
    Task {
        kept: &KEPT,
        config,
        data,
        run,
        device: &options.device,
        stop: &options.stop,
        images,
    }
}
