//! What a table shows: the cells that a call asks for, and those that others left in its folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::{
    Budget, columns,
    columns::Column,
    plan::{KEPT, Plan, run},
    rows::{self, Row},
    table::{Slot, Table},
};
use crate::{Error, Result, atomic, config::RunConfig, run::RunFolder, train::difference};

/// What all calls of a table have asked for that its paper doesn't say: kept in the folder, so that no call's cells leave the table in the
/// next one.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    /// Rows that the paper's table doesn't have.
    rows: Vec<String>,
    seeds: BTreeSet<u64>,
}

impl Asked {
    fn path(plan: &Plan<'_>) -> PathBuf {
        let name = format!("table-{}.asked.json", plan.paper.number);
        plan.out.join(name)
    }

    /// What was asked for before, with what is asked for now.
    fn read(plan: &Plan<'_>) -> Result<Self> {
        let path = Self::path(plan);
        let mut asked: Self = match path.exists() {
            false => Self::default(),
            true => {
                let text = fs::read(&path).map_err(Error::io("read", &path))?;
                serde_json::from_slice(&text).map_err(|error| Error::Config {
                    origin: path.display().to_string(),
                    why: format!("expected the rows and seeds of earlier calls, found: {error}; remove it to forget them"),
                })?
            }
        };
        for row in plan.rows.iter().filter(|row| row.set.is_none()) {
            if !asked.rows.contains(&row.key) {
                asked.rows.push(row.key.clone());
            }
        }
        asked.seeds.extend(&plan.seeds);
        Ok(asked)
    }

    fn write(&self, plan: &Plan<'_>) -> Result<()> {
        atomic::write_with(&Self::path(plan), |file| {
            serde_json::to_writer(&mut *file, self)?;
            file.write_all(b"\n")
        })
    }
}

impl Plan<'_> {
    /// Remembers what is asked for.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Config`] for what was remembered and cannot be read.
    pub(super) fn remember(&self) -> Result<()> {
        Asked::read(self)?.write(self)
    }

    /// The table as it stands now: what this call asks for, and whatever else was measured in the folder.
    ///
    /// # Errors
    /// [`Error::RunDiffers`] for a run that is asked for and was made of other settings or images.
    pub(super) fn table(&self) -> Result<Table> {
        let asked = Asked::read(self)?;
        let (rows, columns, seeds) = self.shown(&asked);
        let jobs: BTreeMap<_, _> = self.jobs.iter().map(|job| (job.run.path(), job)).collect();
        let mut table = Table::new(self.paper, seeds, &self.options.budget, self.out);
        let mut settings = Taken::default();
        for (r, row) in rows.iter().enumerate() {
            for (c, column) in columns.iter().enumerate() {
                for seed in table.seeds.clone() {
                    let slot = self.slot(&jobs, (row, column, seed))?;
                    let run = run(self.out, row, column, seed);
                    match (jobs.get(run.path()), &slot) {
                        (Some(job), slot) => {
                            let is_open = !matches!(slot, Slot::Measured(_) | Slot::Failed(_));
                            table.open += usize::from(is_open);
                            settings.add(column, &job.config);
                        }
                        (None, Slot::Measured(_)) => settings.add_other(self, column, &run),
                        _ => {}
                    }
                    table.set((r, c, seed), slot);
                }
            }
        }
        for job in &self.jobs {
            if matches!(job.outcome, Some(Slot::Failed(_))) {
                table.failures.push(job.name.clone());
            }
        }
        (table.rows, table.columns) = (rows, columns);
        settings.say(&mut table);
        Ok(table)
    }

    /// Rows, columns and seeds that are asked for, and those of which something was measured before, in the table's order.
    fn shown(&self, asked: &Asked) -> (Vec<Row>, Vec<Column>, Vec<u64>) {
        let (mut rows, mut columns) = (self.all.clone(), columns::all(self.paper));
        let names = asked.rows.iter();
        let before = names.map(|name| rows::remembered(&self.root, name));
        let others = self.rows.iter().filter(|row| row.set.is_none());
        // As this call found them, where it asks for them.
        let mut others: Vec<Row> = others.cloned().collect();
        for row in before {
            if others.iter().all(|other| other.key != row.key) {
                others.push(row);
            }
        }
        rows.extend(others);
        for column in &self.columns {
            if !columns.contains(column) {
                columns.push(column.clone());
            }
        }
        let is_measured = |row: &Row, column: &Column, seed: u64| {
            run(self.out, row, column, seed)
                .path()
                .join(KEPT.file)
                .is_file()
        };
        let mut measured = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (r, row) in rows.iter().enumerate() {
            for (c, column) in columns.iter().enumerate() {
                for &seed in &asked.seeds {
                    if is_measured(row, column, seed) {
                        measured.0.insert(r);
                        measured.1.insert(c);
                        measured.2.insert(seed);
                    }
                }
            }
        }
        let rows = rows.into_iter().enumerate();
        let rows = rows.filter(|(r, row)| measured.0.contains(r) || self.rows.contains(row));
        let columns = columns.into_iter().enumerate();
        let columns =
            columns.filter(|(c, column)| measured.1.contains(c) || self.columns.contains(column));
        let mut seeds = asked.seeds.clone();
        seeds.retain(|seed| measured.2.contains(seed) || self.seeds.contains(seed));
        (
            rows.map(|(_, row)| row).collect(),
            columns.map(|(_, column)| column).collect(),
            seeds.into_iter().collect(),
        )
    }
}

/// With which settings the cells of a table were made, or are to be.
#[derive(Default)]
struct Taken {
    /// What each column's runs may take.
    budgets: BTreeMap<Budget, BTreeSet<String>>,
    /// Of columns that look at every image once, likewise.
    once: BTreeMap<Budget, BTreeSet<String>>,
    /// By column: how a run that is not asked for differs from what this call would make.
    others: BTreeMap<String, String>,
}

impl Taken {
    fn add(&mut self, column: &Column, config: &RunConfig) {
        let budget = Budget {
            passes: config.train.passes,
            shots: config.data.shots,
        };
        let of = match budget.passes.is_none() && column.looks_once() {
            true => &mut self.once,
            false => &mut self.budgets,
        };
        of.entry(budget).or_default().insert(column.key.clone());
    }

    /// Of a run that was made before. Where its record cannot be read, or this call's settings are not for its method, there is
    /// nothing to compare.
    fn add_other(&mut self, plan: &Plan<'_>, column: &Column, run: &RunFolder) {
        if let Ok((config, _)) = run.read_record() {
            self.add(column, &config);
        }
        let Ok((begun, asked)) = plan.would_be(column, run) else {
            return;
        };
        if let Ok(Some((key, found, asked))) = difference(&begun, &asked) {
            let text = format!("{} ({key} = {found}, not {asked})", column.key);
            self.others.entry(column.key.clone()).or_insert(text);
        }
    }

    /// Puts it into the table: the budget that most columns have, those that have another, and what else differs.
    fn say(self, table: &mut Table) {
        let most = self.budgets.iter().max_by_key(|(_, columns)| columns.len());
        if let Some((budget, _)) = most {
            table.budget = *budget;
        }
        let shots = table.budget.shots;
        let once = self.once.into_iter();
        let others = once.filter(|(budget, _)| budget.shots != shots);
        for (budget, columns) in self.budgets.into_iter().chain(others) {
            if budget != table.budget {
                table
                    .other_budgets
                    .push((budget, columns.into_iter().collect()));
            }
        }
        table.other_settings = self.others.into_values().collect();
    }
}
