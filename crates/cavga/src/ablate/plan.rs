//! What an ablation was begun as, `ablation.toml`: one table is of one dataset and one budget, however many sittings it takes.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use cavga_data::Dataset;
use toml::{Table, Value};

use super::{
    AblateOptions,
    columns::{COLUMNS, Column, KEYS},
};
use crate::{
    Error, Result, atomic,
    config::{RunConfig, asked, first_difference, read_table},
    run::RunFolder,
    train::require_anomalous,
};

/// What is to be run.
pub(super) struct Plan<'a> {
    out: &'a Path,
    options: &'a AblateOptions,
    pub(super) seeds: Vec<u64>,
    /// The places of the columns asked for, in their order.
    pub(super) columns: Vec<usize>,
}

impl<'a> Plan<'a> {
    /// Settles what is to be run, and refuses what an ablation in the folder was not begun as. Whatever can be wrong with a
    /// later column is found here, before hours go into the first.
    pub(super) fn settle(data: &Path, out: &'a Path, options: &'a AblateOptions) -> Result<Self> {
        refuse_columns_keys(&asked(options.config.as_deref(), &options.overrides)?)?;
        let mut plan = Self {
            out,
            options,
            seeds: options.seeds.clone(),
            columns: columns(&options.columns)?,
        };
        let mut configs = Vec::with_capacity(COLUMNS.len());
        for column in &COLUMNS {
            let mut config = plan.config(column, None)?;
            let checked = config.method.cavga_config().check();
            checked.map_err(|error| Error::Config {
                origin: format!("settings of {}", column.name),
                why: error.to_string(),
            })?;
            configs.push(config);
        }
        let Some(config) = configs.pop() else {
            return Ok(plan);
        };
        if plan.seeds.is_empty() {
            plan.seeds.push(config.train.seed);
        }
        let different: BTreeSet<_> = plan.seeds.iter().collect();
        if different.len() < plan.seeds.len() {
            return Err(Error::Config {
                origin: "--seeds".to_owned(),
                why: format!("expected different seeds, found {:?}", plan.seeds),
            });
        }
        let dataset = Dataset::open(data)?;
        let is_weak = |&place: &usize| COLUMNS.get(place).is_some_and(|column| column.weak);
        if plan.columns.iter().any(is_weak) {
            require_anomalous(data, &dataset.test)?;
        }
        plan.keep(config, dataset.fingerprint()?)?;
        Ok(plan)
    }

    /// Writes what this ablation is, or checks that it is what the one in the folder was begun as.
    fn keep(&self, mut config: RunConfig, fingerprint: String) -> Result<()> {
        // Seeds are told below, and when checkpoints are written changes nothing in what comes out.
        config.train.seed = 0;
        config.train.checkpoint_minutes = 0.0;
        config.train.checkpoint_steps = None;
        let seed = match *self.seeds {
            [seed] => seed.to_string(),
            // More may be added later: each has a folder of its own.
            _ => "several".to_owned(),
        };
        let table = Table::from_iter([
            (
                "parts".to_owned(),
                Value::from(self.options.parts.to_string()),
            ),
            ("seed".to_owned(), Value::from(seed)),
            (
                "fingerprint of the dataset".to_owned(),
                Value::from(fingerprint),
            ),
            ("settings".to_owned(), Value::from(config.to_table()?)),
        ]);
        let path = self.out.join("ablation.toml");
        if path.exists() {
            return match first_difference("", &read_table(&path)?, &table) {
                Some((key, found, asked)) => Err(Error::RunDiffers {
                    path,
                    key,
                    found,
                    asked,
                }),
                None => Ok(()),
            };
        }
        atomic::create_folder(self.out)?;
        atomic::write(&path, table.to_string().as_bytes())
    }

    /// The configuration of a column; without a seed, of the settings' own.
    pub(super) fn config(&self, column: &Column, seed: Option<u64>) -> Result<RunConfig> {
        let AblateOptions {
            parts,
            config,
            overrides,
            ..
        } = self.options;
        let mut overrides = overrides.clone();
        overrides.extend(column.settings());
        overrides.extend(seed.map(|seed| format!("train.seed={seed}")));
        RunConfig::read(&column.method(*parts), config.as_deref(), &overrides)
    }

    /// The folder of a column's run.
    pub(super) fn run(&self, column: &Column, seed: u64) -> RunFolder {
        let folder: PathBuf = match *self.seeds {
            [_] => self.out.to_owned(),
            _ => self.out.join(format!("seed-{seed}")),
        };
        RunFolder::new(folder.join(column.name))
    }
}

/// The places of the columns of these names or numbers; of all for none.
fn columns(asked: &[String]) -> Result<Vec<usize>> {
    let mut places = BTreeSet::new();
    for text in asked {
        let known = |(place, column): (usize, &Column)| {
            *text == column.name || *text == (place + 1).to_string()
        };
        let place = (COLUMNS.iter().enumerate())
            .position(known)
            .ok_or_else(|| Error::Config {
                origin: "--columns".to_owned(),
                why: format!(
                    "{text}: expected 1 to {}, or one of {}",
                    COLUMNS.len(),
                    COLUMNS.each_ref().map(|column| column.name).join(", ")
                ),
            })?;
        places.insert(place);
    }
    if places.is_empty() {
        places.extend(0..COLUMNS.len());
    }
    Ok(places.into_iter().collect())
}

/// What tells the columns apart is not for the settings that they share.
fn refuse_columns_keys(asked: &Table) -> Result<()> {
    for [section, key, below] in KEYS {
        let found = asked.get(section).and_then(|section| section.get(key));
        let (found, name) = match below {
            "" => (found, format!("{section}.{key}")),
            _ => (
                found.and_then(|section| section.get(below)),
                format!("{section}.{key}.{below}"),
            ),
        };
        if let Some(value) = found {
            return Err(Error::Config {
                origin: "settings of the ablation".to_owned(),
                why: format!("{name} = {value}: each column has its own; leave it out"),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_go_by_name_or_number_each_once_and_in_their_order() {
        let asked = |texts: &[&str]| {
            columns(
                &texts
                    .iter()
                    .map(|&text| text.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(asked(&[]).unwrap(), (0..8).collect::<Vec<_>>());
        assert_eq!(asked(&["8", "c1-u-flat", "1"]).unwrap(), [0, 7]);
        for wrong in ["0", "9", "c9"] {
            let said = asked(&[wrong]).unwrap_err().to_string();
            assert!(said.contains("c8-w-conv-cga"), "{said}");
        }
    }
}
