//! With which settings each column is trained: those of all, the budget, those of one method.

use std::collections::BTreeMap;

use super::{Budget, TablesOptions, columns::Column, rows::Images};
use crate::{
    Error, Result,
    ablate::{COLUMNS, refuse_columns_keys},
    config::{RunConfig, asked, refuse_decided},
    methods,
};

/// The settings of a call.
pub(super) struct Settings<'a> {
    options: &'a TablesOptions,
    /// Of all columns, as `key=value`.
    shared: Vec<String>,
    /// Of one method or column of the ablation.
    own: BTreeMap<String, Vec<String>>,
}

impl<'a> Settings<'a> {
    /// # Errors
    /// [`Error::UnknownMethod`] for settings of a method that there is not; [`Error::Config`] for one that a column of table 8 has of
    /// its own.
    pub(super) fn new(options: &'a TablesOptions, columns: &[Column]) -> Result<Self> {
        let mut settings = Self {
            options,
            shared: Vec::new(),
            own: BTreeMap::new(),
        };
        for text in &options.overrides {
            let key = text.split('=').next().unwrap_or_default();
            let Some((method, _)) = key.split_once(':') else {
                settings.shared.push(text.clone());
                continue;
            };
            if COLUMNS.iter().all(|column| column.name != method) {
                methods::named(method)?;
            }
            if columns
                .iter()
                .all(|column| column.names().iter().all(|name| *name != method))
            {
                return Err(wrong(
                    text,
                    format!(
                        "{method}: no column of this call; leave it out, or name it in --methods"
                    ),
                ));
            }
            let own = text.get(method.len() + 1..).unwrap_or_default().to_owned();
            settings.own.entry(method.to_owned()).or_default().push(own);
        }
        options.budget.refuse_others(&settings.shared)?;
        refuse_datasets(&asked(options.config.as_deref(), &settings.shared)?)?;
        for (method, own) in &settings.own {
            let own = asked(None, own)?;
            refuse_datasets(&own)?;
            if own
                .get("train")
                .is_some_and(|train| train.get("seed").is_some())
            {
                let why = format!(
                    "{method}:train.seed: seeds are the same for all columns; give --seed or --seeds"
                );
                return Err(wrong("--set", why));
            }
        }
        if options.table == 8 {
            let own = settings.own.values().flatten();
            let all: Vec<_> = settings.shared.iter().chain(own).cloned().collect();
            refuse_columns_keys(&asked(options.config.as_deref(), &all)?)?;
        }
        Ok(settings)
    }

    /// What is set for all columns.
    pub(super) fn shared(&self) -> &[String] {
        &self.shared
    }

    /// The configuration of a column on a row's images; without a seed, under the settings' own. The budget comes after what is set for
    /// all, and before what is set for the method.
    pub(super) fn config(
        &self,
        column: &Column,
        images: &Images,
        seed: Option<u64>,
    ) -> Result<RunConfig> {
        let mut overrides = self.shared.clone();
        overrides.extend(self.options.budget.settings(column));
        let names = column.names();
        let own = names.iter().filter_map(|&name| self.own.get(name));
        overrides.extend(own.flatten().cloned());
        overrides.extend(column.ablation.iter().flat_map(|column| column.settings()));
        overrides.extend(seed.map(|seed| format!("train.seed={seed}")));
        let config = RunConfig::read(&column.method, self.options.config.as_deref(), &overrides);
        let mut config = config.map_err(|error| of_method(error, &column.key))?;
        let which = images.which.clone();
        config.data.dataset = cavga_data::DatasetSpec {
            name: which.name,
            category: which.category,
            normal_class: which.normal_class,
            ..config.data.dataset
        };
        Ok(config)
    }
}

fn wrong(origin: &str, why: String) -> Error {
    Error::Config {
        origin: origin.to_owned(),
        why,
    }
}

/// Which images are meant is what a row says: of all rows together these would be the same.
fn refuse_datasets(asked: &toml::Table) -> Result<()> {
    let dataset = asked.get("data").and_then(|data| data.get("dataset"));
    let keys = dataset.and_then(|dataset| dataset.as_table());
    match keys.and_then(|keys| keys.keys().next()) {
        Some(key) => Err(wrong(
            "settings of the table",
            format!("data.dataset.{key}: each row has its own images; leave it out"),
        )),
        None => Ok(()),
    }
}

/// An unknown key with the method that doesn't know it: others may.
fn of_method(error: Error, method: &str) -> Error {
    match error {
        Error::UnknownKey {
            origin,
            key,
            nearest,
            known,
        } => Error::UnknownKey {
            origin: format!(
                "{origin}, for {method} (METHOD:KEY=VALUE sets a key of one method alone)"
            ),
            key,
            nearest,
            known,
        },
        other => other,
    }
}

impl Budget {
    /// Refuses what is set for all beside it.
    fn refuse_others(&self, shared: &[String]) -> Result<()> {
        let decided = [
            (self.passes, ["train", "passes"]),
            (self.shots, ["data", "shots"]),
        ];
        let mut decided = decided.iter().filter(|(asked, _)| asked.is_some());
        decided.try_for_each(|(_, key)| refuse_decided(shared, key, "--budget"))
    }

    /// It as settings of a column. What a memory bank saw twice it would keep twice.
    fn settings(&self, column: &Column) -> Vec<String> {
        let passes = self.passes.filter(|_| !column.looks_once());
        let passes = passes.map(|passes| format!("train.passes={passes}"));
        let shots = self.shots.map(|shots| format!("data.shots={shots}"));
        passes.into_iter().chain(shots).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{
        super::{columns, paper::Paper},
        *,
    };

    /// Of a column, `vae` and the paper's being asked for beside it.
    fn config(options: &TablesOptions, name: &str) -> Result<RunConfig> {
        let paper = Paper::of(options.table).unwrap();
        let column = columns::asked(paper, &[name.to_owned()])?.remove(0);
        let mut columns = columns::asked(paper, &[])?;
        if paper.number != 8 {
            columns.extend(columns::asked(paper, &["vae".to_owned()])?);
        }
        columns.push(column.clone());
        let images = Images {
            folder: PathBuf::new(),
            which: cavga_data::DatasetSpec::default(),
        };
        Settings::new(options, &columns)?.config(&column, &images, Some(3))
    }

    fn options(table: u8, overrides: &[&str]) -> TablesOptions {
        TablesOptions {
            budget: "passes=4".parse().unwrap(),
            overrides: overrides.iter().map(|&text| text.to_owned()).collect(),
            ..TablesOptions::of(table)
        }
    }

    #[test]
    fn the_budget_is_of_all_but_those_that_look_once_and_a_methods_own_wins() {
        let options = options(
            3,
            &["train.batch=2", "vae:train.passes=9", "data.size=[64,64]"],
        );
        let passes = |name| {
            let config = config(&options, name).unwrap();
            assert_eq!((config.train.batch, config.train.seed), (2, 3));
            assert_eq!(config.data.size, [64, 64]);
            config.train.passes
        };
        assert_eq!(passes("cavga-d-u"), Some(4));
        assert_eq!(passes("vae"), Some(9));
        assert_eq!(passes("patchcore"), None);
    }

    #[test]
    fn a_key_that_one_method_does_not_know_is_said_with_the_method() {
        let said = config(&options(3, &["method.latent.channels=4"]), "patchcore");
        let said = said.unwrap_err().to_string();
        assert!(said.contains("for patchcore (METHOD:KEY=VALUE"), "{said}");
        let own = options(3, &["cavga-d-u:method.latent.channels=4"]);
        assert!(config(&own, "cavga-d-u").is_ok());
        let said = config(&options(3, &["vea:train.batch=1"]), "vae").unwrap_err();
        assert!(matches!(said, Error::UnknownMethod { .. }), "{said}");
    }

    #[test]
    fn columns_of_the_ablation_keep_what_tells_them_apart() {
        let plain = options(8, &["cavga-r-u:train.batch=2"]);
        let first = config(&plain, "c1-u-flat").unwrap();
        assert_eq!((first.method.name(), first.train.batch), ("cavga-r-u", 2));
        let whole = config(&options(3, &["cavga-r-u:train.batch=2"]), "cavga-r-u");
        assert_eq!(config(&plain, "c4-u-conv-ae").unwrap(), whole.unwrap());
        let said = config(&options(8, &["cavga-r-u:method.ae=false"]), "c1-u-flat");
        assert!(said.unwrap_err().to_string().contains("method.ae"));
    }
    #[test]
    fn what_would_be_ignored_is_refused() {
        for (setting, why) in [
            ("padim:train.batch=1", "no column of this call"),
            ("train.passes=9", "train.passes: --budget decides"),
            ("vae:train.seed=3", "--seeds"),
            ("data.dataset.index=\"a.csv\"", "data.dataset.index"),
            ("vae:data.dataset.test_share=0.5", "data.dataset.test_share"),
        ] {
            let said = config(&options(3, &[setting]), "vae")
                .unwrap_err()
                .to_string();
            assert!(said.contains(why), "{said}");
        }
    }
}
