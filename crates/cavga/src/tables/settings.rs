//! With which settings each column is trained: those of all, the budget, those of one method.

use std::collections::BTreeMap;

use super::{Budget, TablesOptions, columns::Column, rows::Images};
use crate::{
    Error, Result,
    ablate::{COLUMNS, refuse_columns_keys},
    config::{RunConfig, asked},
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
    pub(super) fn new(options: &'a TablesOptions) -> Result<Self> {
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
            let own = text.get(method.len() + 1..).unwrap_or_default().to_owned();
            settings.own.entry(method.to_owned()).or_default().push(own);
        }
        if options.table == 8 {
            let own = settings.own.values().flatten();
            let all: Vec<_> = settings.shared.iter().chain(own).cloned().collect();
            refuse_columns_keys(&asked(options.config.as_deref(), &all)?)?;
        }
        Ok(settings)
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
        let names = [column.method.as_str(), column.key.as_str()];
        let names = match names[0] == names[1] {
            true => &names[..1],
            false => &names[..],
        };
        overrides.extend(
            names
                .iter()
                .filter_map(|&name| self.own.get(name))
                .flatten()
                .cloned(),
        );
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
    /// It as settings of a column. A memory bank looks at every image once and keeps what it saw: a second look would keep it twice.
    fn settings(&self, column: &Column) -> Vec<String> {
        let looks_once = column.built().is_some_and(|method| method.reopens());
        let passes = self.passes.filter(|_| !looks_once);
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

    fn config(options: &TablesOptions, name: &str) -> Result<RunConfig> {
        let paper = Paper::of(options.table).unwrap();
        let column = columns::asked(paper, &[name.to_owned()])?.remove(0);
        let images = Images {
            folder: PathBuf::new(),
            which: cavga_data::DatasetSpec::default(),
        };
        Settings::new(options)?.config(&column, &images, Some(3))
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
        assert!(config(&own, "patchcore").is_ok() && config(&own, "cavga-d-u").is_ok());
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
}
