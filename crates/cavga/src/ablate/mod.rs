//! Table 8 of the paper run again: CAVGA with parts left out, trained with the same seeds and passes, measured by one rule.
//!
//! Every column is a run of its own in a folder of its own; here they are only called, one after the other. A kill at any
//! moment costs what lies behind the last checkpoint: the same call goes on, and refuses to go on as something else.
//!
//! - `columns`: the columns and what the paper printed
//! - `plan`: what is run, and `ablation.toml`, which keeps it
//! - `cell`: one column under one seed
//! - `table`: all of them, with mean and standard deviation over seeds; `text`: the table as Markdown and CSV

mod cell;
mod columns;
mod plan;
mod table;
mod text;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

pub use columns::{COLUMNS, Column, Parts};
pub use table::{Row, Spread, Table};

use self::{cell::Cell, plan::Plan};
use crate::{
    Error, Result, atomic,
    config::RunConfig,
    eval::{EvalOptions, evaluate},
    progress::{Event, Progress},
    run::RunFolder,
    train::{Outcome, TrainOptions, difference, train},
};

/// What to take apart, and how.
#[derive(Debug, Clone)]
pub struct AblateOptions {
    /// Which CAVGA; the paper's table is of R.
    pub parts: Parts,
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
pub fn ablate(
    data: &Path,
    out: &Path,
    options: &AblateOptions,
    progress: &mut dyn Progress,
) -> Result<Ablated> {
    let plan = Plan::settle(data, out, options)?;
    let mut table = Table::new(data, options.parts, &plan.seeds, plan.columns.clone());
    // What was done before stays in the table, whichever columns are asked for now.
    for &seed in &plan.seeds {
        for (index, column) in COLUMNS.iter().enumerate() {
            let (config, run) = (plan.config(column, Some(seed))?, plan.run(column, seed));
            if let Some(cell) = stored(&config, &run)? {
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
            let work = Work {
                config: &config,
                data,
                run: &run,
                options,
            };
            let Some(cell) = work.cell(progress)? else {
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

/// The file of a column's figures.
fn figures(run: &RunFolder) -> PathBuf {
    run.path().join("ablation.json")
}

/// What was measured of a column before; an error if that was under other settings.
fn stored(config: &RunConfig, run: &RunFolder) -> Result<Option<Cell>> {
    let Some(cell) = Cell::read(&figures(run))? else {
        return Ok(None);
    };
    let (begun, _) = run.read_record()?;
    match difference(&begun, config)? {
        None => Ok(Some(cell)),
        Some((key, found, asked)) => Err(Error::RunDiffers {
            path: run.record(),
            key,
            found,
            asked,
        }),
    }
}

/// Removes the checkpoint of a column that is done: nothing goes on from it, and it is three times as large as the model.
fn forget_checkpoint(run: &RunFolder) -> Result<()> {
    match fs::remove_file(run.checkpoint()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", run.checkpoint())(error))
        }
        _ => Ok(()),
    }
}

/// One column under one seed, to be done.
struct Work<'a> {
    config: &'a RunConfig,
    data: &'a Path,
    run: &'a RunFolder,
    options: &'a AblateOptions,
}

impl Work<'_> {
    /// What was measured, now or before; `None` if stopped.
    fn cell(&self, progress: &mut dyn Progress) -> Result<Option<Cell>> {
        if let Some(cell) = stored(self.config, self.run)? {
            // A kill may have come between the figures and this.
            forget_checkpoint(self.run)?;
            return Ok(Some(cell));
        }
        let cell = match self.measure(progress) {
            Ok(Some(cell)) => cell,
            Ok(None) | Err(Error::Stopped) => return Ok(None),
            Err(error) => Cell::failed(&self.run.read_record()?.1, &result(error)?),
        };
        cell.write(&figures(self.run))?;
        forget_checkpoint(self.run)?;
        Ok(Some(cell))
    }

    fn measure(&self, progress: &mut dyn Progress) -> Result<Option<Cell>> {
        let options = TrainOptions {
            device: self.options.device.clone(),
            resume: true,
            stop: Arc::clone(&self.options.stop),
        };
        let trained = train(self.config, self.data, self.run, &options, progress)?;
        let record = match trained {
            Outcome::Stopped { .. } => return Ok(None),
            Outcome::Finished(record) | Outcome::WasFinished(record) => record,
        };
        let options = EvalOptions {
            data: Some(self.data.to_owned()),
            device: options.device,
            maps: false,
            stop: options.stop,
            ..EvalOptions::default()
        };
        let evaluation = evaluate(self.run, &options, progress)?;
        Ok(Some(Cell::measured(&record, &evaluation)))
    }
}

/// What an error says that is a result of its column; any other error itself.
fn result(error: Error) -> Result<String> {
    match error {
        // Without a word on the checkpoint, which goes.
        Error::Diverged {
            step, what, value, ..
        } => Ok(format!(
            "training diverged at step {step}: {what} is {value}"
        )),
        Error::ScoreNotFinite { .. } => Ok(error.to_string()),
        other => Err(other),
    }
}
