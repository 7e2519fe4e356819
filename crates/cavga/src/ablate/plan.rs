//! What an ablation was begun as, `ablation.toml`: one table is of one dataset and one budget, however many sittings it takes.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use cavga_data::check_mask;
use cavga_detect::Method;
use toml::{Table, Value};

use super::{
    AblateOptions,
    columns::{COLUMNS, Column, KEYS},
};
use crate::{
    Error, Result, atomic,
    config::{RunConfig, asked, first_difference, read_table},
    run::RunFolder,
    series::seeds,
    train::require_anomalous,
    weights::{FetchError, Options, Source, State, entry, of_file, state},
};

/// The section of `ablation.toml` with the weight files' SHA-256.
const WEIGHTS: &str = "SHA-256 of weights";

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
            seeds: Vec::new(),
            columns: columns(&options.columns)?,
        };
        let mut configs = Vec::with_capacity(COLUMNS.len());
        for column in &COLUMNS {
            let config = plan.config(column, None)?;
            check(&config.method).map_err(|error| Error::Config {
                origin: format!("settings of {}", column.name),
                why: error.to_string(),
            })?;
            configs.push(config);
        }
        let weights = weights(&configs, plan.file().exists())?;
        let Some(config) = configs.pop() else {
            return Ok(plan);
        };
        plan.seeds = seeds(&options.seeds, &options.overrides, config.train.seed)?;
        let dataset = config.data.dataset.open(data)?;
        if dataset.test.is_empty() {
            return Err(Error::TooFewImages {
                path: data.to_owned(),
                what: "test images (in test/good and test/<kind>; every column is measured on them)",
                found: 0,
                needed: 1,
            });
        }
        dataset.test.iter().try_for_each(check_mask)?;
        let is_weak = |&place: &usize| COLUMNS.get(place).is_some_and(|column| column.weak);
        if plan.columns.iter().any(is_weak) {
            require_anomalous(data, &dataset.test)?;
        }
        plan.keep(config, dataset.fingerprint()?, weights)?;
        Ok(plan)
    }

    /// Where it is kept what this ablation is.
    fn file(&self) -> PathBuf {
        self.out.join("ablation.toml")
    }

    /// Writes what this ablation is, or checks that it is what the one in the folder was begun as.
    fn keep(&self, mut config: RunConfig, fingerprint: String, weights: Table) -> Result<()> {
        // Seeds are told below, and when checkpoints are written changes nothing in what comes out.
        config.train.seed = 0;
        config.train.checkpoint_minutes = 0.0;
        config.train.checkpoint_steps = None;
        let seed = match *self.seeds {
            [seed] => seed.to_string(),
            // More may be added later: each has a folder of its own.
            _ => "several".to_owned(),
        };
        let mut table = Table::from_iter([
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
        let path = self.file();
        let mut started_from = Table::new();
        if path.exists() {
            let mut begun = read_table(&path)?;
            if let Some(Value::Table(weights)) = begun.remove(WEIGHTS) {
                started_from = weights;
            }
            let differs = first_difference("", &begun, &table)
                .or_else(|| weights_differ(&started_from, &weights));
            if let Some((key, found, asked)) = differs {
                return Err(Error::RunDiffers {
                    path,
                    key,
                    found,
                    asked,
                });
            }
            if weights.keys().all(|key| started_from.contains_key(key)) {
                return Ok(());
            }
        }
        started_from.extend(weights);
        table.insert(WEIGHTS.to_owned(), Value::from(started_from));
        atomic::create_folder(self.out)?;
        atomic::write(&path, table.to_string().as_bytes())
    }

    /// The configuration of a column; without a seed, of the settings' own.
    pub(super) fn config(&self, column: &Column, seed: Option<u64>) -> Result<RunConfig> {
        let AblateOptions {
            parts,
            dataset,
            config,
            overrides,
            ..
        } = self.options;
        let mut overrides = overrides.clone();
        overrides.extend(column.settings());
        overrides.extend(seed.map(|seed| format!("train.seed={seed}")));
        let mut config = RunConfig::read(&column.method(*parts), config.as_deref(), &overrides)?;
        if let Some(spec) = dataset {
            config.data.dataset = spec.clone();
        }
        Ok(config)
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

/// SHA-256 of each weight file that the settings name, as far as it is here, by the setting's key: all columns start from the
/// same ones, however many sittings lie between them. Columns that have begun need none any more.
fn weights(configs: &[RunConfig], is_begun: bool) -> Result<Table> {
    let folder = Options::from_env(Arc::default()).folder;
    let mut found = Table::new();
    for wanted in configs.iter().flat_map(|config| config.method.weights()) {
        if found.contains_key(wanted.key) {
            continue;
        }
        let sha256 = match wanted.source {
            Source::File(path) if path.is_file() => of_file(&path)?,
            Source::File(path) if !is_begun => {
                return Err(FetchError::NoFile { path: path.clone() }.into());
            }
            Source::Auto if wanted.is_published => {
                let entry = entry(wanted.network)?;
                match state(entry, folder.as_deref())? {
                    // The digest that stands for these tensors, in whichever of the known files they are.
                    State::Verified { .. } => entry.sha256.to_string(),
                    State::Own { path } => of_file(&path)?,
                    State::Missing { .. } | State::Damaged { .. } => continue,
                }
            }
            _ => continue,
        };
        found.insert(wanted.key.to_owned(), Value::from(sha256));
    }
    Ok(found)
}

/// The first weight file that is another now. One that was not here then, or is not any more, is no other.
fn weights_differ(begun: &Table, now: &Table) -> Option<(String, String, String)> {
    now.iter().find_map(|(key, now)| {
        let begun = begun.get(key).filter(|begun| *begun != now)?;
        let key = format!("SHA-256 of {key}");
        Some((key, begun.to_string(), now.to_string()))
    })
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
pub(crate) fn refuse_columns_keys(asked: &Table) -> Result<()> {
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

/// An error for settings of CAVGA that cannot work.
fn check(method: &Method) -> cavga_detect::Result<()> {
    match method {
        Method::CavgaDU(config)
        | Method::CavgaRU(config)
        | Method::CavgaDW(config)
        | Method::CavgaRW(config) => config.check(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cavga_data::generate::{GenerateConfig, write_dataset};

    use super::*;

    #[test]
    fn a_weight_file_that_is_another_now_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (data, out) = (folder.path().join("data"), folder.path().join("out"));
        write_dataset(&data, &GenerateConfig::tiny()).unwrap();
        let weights = folder.path().join("faces.safetensors");
        let options = AblateOptions {
            parts: super::super::Parts::D,
            overrides: vec![format!("method.encoder.weights={}", weights.display())],
            ..AblateOptions::default()
        };
        let settle = || Plan::settle(&data, &out, &options).map(|plan| plan.columns.len());
        let said = settle().unwrap_err().to_string();
        assert!(said.contains("no such weight file"), "{said}");
        assert!(!out.exists());
        fs::write(&weights, "of one training").unwrap();
        assert_eq!(settle().unwrap(), 8);
        assert_eq!(settle().unwrap(), 8);
        fs::write(&weights, "of another training").unwrap();
        let said = settle().unwrap_err().to_string();
        assert!(
            said.contains("SHA-256 of method.encoder.weights = "),
            "{said}"
        );
        // Columns that have begun have no need of it, and its digest is not forgotten.
        fs::remove_file(&weights).unwrap();
        assert_eq!(settle().unwrap(), 8);
        fs::write(&weights, "of another training").unwrap();
        assert!(settle().is_err());
    }

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
