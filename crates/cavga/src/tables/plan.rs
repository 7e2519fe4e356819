//! What is to be run, and what was measured before: all cells of a table with their settings and folders.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    TablesOptions,
    columns::{self, Column},
    paper::{FIGURES, Paper},
    rows::{self, Images, Row},
    settings::Settings,
    table::{Slot, Table},
};
use crate::{
    Error, Result,
    config::RunConfig,
    run::{RunFolder, absolute},
    series::{Kept, Task},
};

/// What is kept of a run.
const KEPT: Kept = Kept {
    file: "tables.json",
    figures: &FIGURES,
    ending: None,
};

/// A cell under a seed: row, column, seed.
pub(super) type Place = (usize, usize, u64);

/// A run that there is, or is to be.
pub(super) struct Job {
    pub(super) place: Place,
    config: RunConfig,
    data: PathBuf,
    pub(super) run: RunFolder,
    /// Whether it is to be made if it isn't there.
    pub(super) is_asked: bool,
    /// As in "toothbrush, vae, seed 0".
    pub(super) name: String,
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
        }
    }
}

/// All cells of a call.
pub(super) struct Plan<'a> {
    pub(super) options: &'a TablesOptions,
    pub(super) out: &'a Path,
    /// Rows and columns asked for, and those measured before.
    pub(super) table: Table,
    pub(super) jobs: Vec<Job>,
}

/// What a call is about.
struct Asked<'a> {
    out: &'a Path,
    settings: Settings<'a>,
    rows: Vec<Row>,
    columns: Vec<Column>,
    seeds: Vec<u64>,
}

impl<'a> Plan<'a> {
    /// Settles what is to be run. Whatever can be wrong with a later cell's settings is found here, before hours go into the first.
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
        let data = &absolute(data);
        if !data.is_dir() {
            let why = format!("{}: expected a folder of datasets", data.display());
            return Err(wrong("--data", why));
        }
        let settings = Settings::new(options)?;
        let columns = columns::asked(paper, &options.methods)?;
        let seeds = seeds(options, &settings, &columns)?;
        let asked = Asked {
            out,
            settings,
            rows: rows::asked(paper, data, &options.rows)?,
            columns,
            seeds,
        };
        let (rows, columns) = asked.shown(paper, data);
        let mut jobs = Vec::new();
        let mut table = Table::new(paper, asked.seeds.clone(), &options.budget, out);
        for (r, row) in rows.iter().enumerate() {
            for (c, column) in columns.iter().enumerate() {
                for &seed in &asked.seeds {
                    let (slot, job) = asked.cell((row, column, seed), (r, c, seed))?;
                    table.set((r, c, seed), slot);
                    jobs.extend(job);
                }
            }
        }
        // The whole of one seed before the next one.
        jobs.sort_by_key(|job| job.place.2);
        (table.rows, table.columns) = (rows, columns);
        Ok(Self {
            options,
            out,
            table,
            jobs,
        })
    }

    /// Takes what was measured since into the table.
    ///
    /// # Errors
    /// [`Error::RunDiffers`] for a run of other settings or images.
    pub(super) fn refresh(&mut self) -> Result<()> {
        for job in &self.jobs {
            if self.table.is_measured(job.place) {
                continue;
            }
            if let Some(cell) = job.task(self.options).stored()? {
                self.table.set(job.place, Slot::Measured(cell));
            }
        }
        Ok(())
    }
}

impl Asked<'_> {
    fn run(&self, row: &Row, column: &Column, seed: u64) -> RunFolder {
        let folder = self.out.join("runs").join(&row.key);
        RunFolder::new(folder.join(format!("{}-seed-{seed}", column.folder())))
    }

    fn is_measured(&self, row: &Row, column: &Column) -> bool {
        let mut seeds = self.seeds.iter();
        seeds.any(|&seed| self.run(row, column, seed).path().join(KEPT.file).is_file())
    }

    /// Rows and columns that were asked for, and those of which something was measured before, in the table's order.
    fn shown(&self, paper: &Paper, data: &Path) -> (Vec<Row>, Vec<Column>) {
        let (mut rows, mut columns) = (rows::all(paper, data), columns::all(paper));
        let others = |row: &&Row| !rows.contains(row);
        rows.extend(self.rows.iter().filter(others).cloned().collect::<Vec<_>>());
        let others = |column: &&Column| !columns.contains(column);
        columns.extend(
            self.columns
                .iter()
                .filter(others)
                .cloned()
                .collect::<Vec<_>>(),
        );
        let every = (rows.clone(), columns.clone());
        rows.retain(|row| {
            let mut columns = every.1.iter();
            self.rows.contains(row) || columns.any(|column| self.is_measured(row, column))
        });
        columns.retain(|column| {
            let mut rows = every.0.iter();
            self.columns.contains(column) || rows.any(|row| self.is_measured(row, column))
        });
        (rows, columns)
    }

    /// What there is to say of a cell before anything is run, and what is to be run.
    fn cell(
        &self,
        (row, column, seed): (&Row, &Column, u64),
        place: Place,
    ) -> Result<(Slot, Option<Job>)> {
        let run = self.run(row, column, seed);
        let is_measured = run.path().join(KEPT.file).is_file();
        let is_asked = self.rows.contains(row) && self.columns.contains(column);
        if column.built().is_none() {
            return Ok((Slot::NotBuilt, None));
        }
        let images = match (&row.images, is_measured) {
            (Some(images), _) => images.clone(),
            (None, false) => return Ok((Slot::NoData, None)),
            // The images are gone, the figures are not.
            (None, true) => {
                let (config, record) = run.read_record()?;
                Images {
                    folder: record.data,
                    which: config.data.dataset,
                }
            }
        };
        if !is_asked && !is_measured {
            return Ok((Slot::NotRun, None));
        }
        let job = Job {
            place,
            config: self.settings.config(column, &images, Some(seed))?,
            data: images.folder,
            run,
            is_asked: is_asked && row.images.is_some(),
            name: format!("{}, {}, seed {seed}", row.title, column.key),
        };
        Ok((Slot::NotRun, Some(job)))
    }
}

/// The seeds asked for, else that of the settings.
fn seeds(options: &TablesOptions, settings: &Settings<'_>, columns: &[Column]) -> Result<Vec<u64>> {
    let different: BTreeSet<_> = options.seeds.iter().collect();
    if different.len() < options.seeds.len() {
        return Err(Error::Config {
            origin: "--seeds".to_owned(),
            why: format!("expected different seeds, found {:?}", options.seeds),
        });
    }
    if !options.seeds.is_empty() {
        return Ok(options.seeds.clone());
    }
    let images = Images {
        folder: PathBuf::new(),
        which: cavga_data::DatasetSpec::default(),
    };
    let built = columns.iter().find(|column| column.built().is_some());
    let config = built.map(|column| settings.config(column, &images, None));
    Ok(vec![
        config.transpose()?.map_or(0, |config| config.train.seed),
    ])
}
