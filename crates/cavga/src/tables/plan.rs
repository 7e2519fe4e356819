//! What is to be run: the cells that a call asks for, with their settings and folders, and what came of them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    TablesOptions,
    columns::{self, Column},
    failed::Failed,
    paper::{FIGURES, Paper},
    rows::{self, Images, Row},
    settings::Settings,
    table::Slot,
};
use crate::{
    Error, Result,
    config::RunConfig,
    run::{RunFolder, absolute},
    series::{Cell, Kept, Task, seeds},
};

/// What is kept of a run.
pub(super) const KEPT: Kept = Kept {
    file: "tables.json",
    figures: &FIGURES,
    ending: None,
};

/// A cell under a seed: row, column, seed.
pub(super) type Place = (usize, usize, u64);

/// A run that is asked for.
pub(super) struct Job {
    pub(super) config: RunConfig,
    data: PathBuf,
    pub(super) run: RunFolder,
    /// As in "toothbrush, vae, seed 0".
    pub(super) name: String,
    /// What came of it in this call.
    pub(super) outcome: Option<Slot>,
}

impl Job {
    pub(super) fn task<'a>(&'a self, options: &'a TablesOptions) -> Task<'a> {
        Task {
            kept: &KEPT,
            config: &self.config,
            data: &self.data,
            run: &self.run,
            device: &options.device,
            stop: &options.stop,
            images: &options.images,
        }
    }

    /// What is known of it now: what came of it in this call, what was measured before, and nothing where that cannot be read, which
    /// trying it says.
    ///
    /// # Errors
    /// [`Error::RunDiffers`] for a run of other settings or images.
    pub(super) fn known(&self, options: &TablesOptions) -> Result<Slot> {
        if let Some(slot) = &self.outcome {
            return Ok(slot.clone());
        }
        match self.task(options).stored() {
            Ok(Some(cell)) => Ok(Slot::Measured(cell)),
            Err(error) if super::is_of_all(&error) => Err(error),
            Ok(None) | Err(_) => Ok(Failed::of_call(&self.run, &options.call)
                .map_or(Slot::NotRun, |failed| Slot::Failed(failed.reason))),
        }
    }
}

/// A call: what it asks for.
pub(super) struct Plan<'a> {
    pub(super) options: &'a TablesOptions,
    pub(super) out: &'a Path,
    pub(super) paper: &'static Paper,
    pub(super) root: PathBuf,
    pub(super) settings: Settings<'a>,
    /// All rows of the paper's table.
    pub(super) all: Vec<Row>,
    pub(super) rows: Vec<Row>,
    pub(super) columns: Vec<Column>,
    pub(super) seeds: Vec<u64>,
    /// The whole of one seed before the next one.
    pub(super) jobs: Vec<Job>,
}

impl<'a> Plan<'a> {
    /// Settles what is to be run. What is asked wrongly is found here, before hours go into the first cell.
    pub(super) fn settle(data: &Path, out: &'a Path, options: &'a TablesOptions) -> Result<Self> {
        let wrong = |origin: &str, why: String| Error::Config {
            origin: origin.to_owned(),
            why,
        };
        let paper = Paper::of(options.table).ok_or_else(|| {
            wrong(
                "TABLE",
                format!(
                    "{}: expected one of the paper's tables 3 to 8",
                    options.table
                ),
            )
        })?;
        let root = absolute(data);
        if !root.is_dir() {
            let why = format!("{}: expected a folder of datasets", root.display());
            return Err(wrong("--data", why));
        }
        let columns = columns::asked(paper, &options.methods)?;
        let settings = Settings::new(options, &columns)?;
        let own = own_seed(&settings, &columns)?;
        let seeds = seeds(&options.seeds, settings.shared(), own)?;
        let all = rows::all(paper, &root, out);
        let mut plan = Self {
            options,
            out,
            paper,
            rows: rows::asked(paper, &root, &options.rows, &all)?,
            root,
            settings,
            all,
            columns,
            seeds,
            jobs: Vec::new(),
        };
        plan.jobs = plan.jobs()?;
        // Whoever asks for something else than what is there leaves nothing behind.
        for job in &plan.jobs {
            job.known(options)?;
        }
        Ok(plan)
    }

    fn jobs(&self) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        for &seed in &self.seeds {
            for row in &self.rows {
                for column in &self.columns {
                    jobs.extend(self.job(row, column, seed)?);
                }
            }
        }
        Ok(jobs)
    }

    /// A run, if its images and its method are here.
    fn job(&self, row: &Row, column: &Column, seed: u64) -> Result<Option<Job>> {
        let (Some(images), Some(_)) = (&row.images, column.built()) else {
            return Ok(None);
        };
        Ok(Some(Job {
            config: self.settings.config(column, images, Some(seed))?,
            data: images.folder.clone(),
            run: run(self.out, row, column, seed),
            name: name(row, column, seed),
            outcome: None,
        }))
    }

    /// What is known of a cell: of one that is asked for as far as it is what is asked for, of another as it was measured, under
    /// whatever settings.
    pub(super) fn slot(
        &self,
        jobs: &BTreeMap<&Path, &Job>,
        (row, column, seed): (&Row, &Column, u64),
    ) -> Result<Slot> {
        let run = run(self.out, row, column, seed);
        if column.built().is_none() {
            return Ok(Slot::NotBuilt);
        }
        if let Some(job) = jobs.get(run.path()) {
            return job.known(self.options);
        }
        Ok(match Cell::read(&KEPT, &run.path().join(KEPT.file)) {
            Ok(Some(cell)) => Slot::Measured(cell),
            Err(error) => Slot::Failed(super::reason(error)),
            Ok(None) if row.images.is_none() => Slot::NoData,
            Ok(None) => {
                Failed::read(&run).map_or(Slot::NotRun, |failed| Slot::Failed(failed.reason))
            }
        })
    }

    /// The settings that this call would give a run that was made before, on the same images.
    pub(super) fn would_be(
        &self,
        column: &Column,
        run: &RunFolder,
    ) -> Result<(RunConfig, RunConfig)> {
        let (begun, record) = run.read_record()?;
        let images = Images {
            folder: record.data,
            which: begun.data.dataset.clone(),
        };
        let asked = self
            .settings
            .config(column, &images, Some(begun.train.seed))?;
        Ok((begun, asked))
    }
}

/// The folder of a cell's run.
pub(super) fn run(out: &Path, row: &Row, column: &Column, seed: u64) -> RunFolder {
    let folder = out.join("runs").join(&row.key);
    RunFolder::new(folder.join(format!("{}-seed-{seed}", column.folder())))
}

/// As in "toothbrush, vae, seed 0".
fn name(row: &Row, column: &Column, seed: u64) -> String {
    format!("{}, {}, seed {seed}", row.title, column.key)
}

/// The seed of the settings.
fn own_seed(settings: &Settings<'_>, columns: &[Column]) -> Result<u64> {
    let images = Images {
        folder: PathBuf::new(),
        which: cavga_data::DatasetSpec::default(),
    };
    let built = columns.iter().find(|column| column.built().is_some());
    let config = built.map(|column| settings.config(column, &images, None));
    Ok(config.transpose()?.map_or(0, |config| config.train.seed))
}
