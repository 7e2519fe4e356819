//! What was measured of one run: kept beside it, so that it is never trained or measured twice.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{Error, Result, atomic, eval::Evaluation, measure::Figures, run::Record};

/// Why a figure is undefined that a run's evaluation hasn't.
pub(crate) const NO_SUCH: &str = "the method makes no such map or score";

/// Which figures of a run are kept, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// The file beside the run's own.
    pub(crate) file: &'static str,
    /// The figures, named as in `metrics.json`. Each is kept, if only as undefined.
    pub(crate) figures: &'static [&'static str],
    /// And all figures whose names end so, whatever scores and maps the method has.
    pub(crate) ending: Option<&'static str>,
}

impl Kept {
    /// The names of the figures to keep of these.
    fn names<'f>(&self, figures: &'f Figures) -> impl Iterator<Item = &'f str> {
        let (named, ending) = (self.figures, self.ending);
        let others = figures.iter().map(|(name, _)| name).filter(move |name| {
            ending.is_some_and(|ending| name.ends_with(ending)) && !named.contains(name)
        });
        named.iter().copied().chain(others)
    }
}

/// A number, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Value {
    /// The number.
    Number(f64),
    /// Why there is none.
    Undefined {
        /// The reason.
        undefined: String,
    },
}

impl Value {
    pub(crate) fn undefined(reason: &str) -> Self {
        Self::Undefined {
            undefined: reason.to_owned(),
        }
    }
}

/// What was measured of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cell {
    /// Normal images learnt from.
    pub(crate) n_train: usize,
    /// Anomalous images learnt from.
    pub(crate) n_train_anomalous: usize,
    /// Passes over them.
    pub(crate) passes: usize,
    /// Test images measured on, the anomalous ones among them.
    pub(crate) n_test: usize,
    /// See there.
    pub(crate) n_test_anomalous: usize,
    /// The digest of the test images and masks; none of what came to nothing, or was measured before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) test_set: Option<String>,
    /// By name, each of [`Kept`].
    pub(crate) figures: BTreeMap<String, Value>,
}

impl Cell {
    /// Of a run that was measured.
    pub(crate) fn measured(kept: &Kept, record: &Record, evaluation: &Evaluation) -> Self {
        let value = |key: &str| match evaluation.figures.get(key) {
            Some(Ok(value)) => Value::Number(*value),
            Some(Err(reason)) => Value::undefined(reason),
            None => Value::undefined(NO_SUCH),
        };
        let count = |key: &str| {
            let count = evaluation.metrics.get(key).and_then(|n| n.as_u64());
            usize::try_from(count.unwrap_or_default()).unwrap_or_default()
        };
        let anomalous = count("n_test_anomalous");
        Self {
            n_test: count("n_test_normal") + anomalous,
            n_test_anomalous: anomalous,
            figures: kept
                .names(&evaluation.figures)
                .map(|key| (key.to_owned(), value(key)))
                .collect(),
            ..Self::begun(record)
        }
    }

    /// Of a run that came to nothing: every figure is undefined for that reason.
    pub(crate) fn failed(kept: &Kept, record: &Record, reason: &str) -> Self {
        let undefined = |key: &&str| ((*key).to_owned(), Value::undefined(reason));
        Self {
            figures: kept.figures.iter().map(undefined).collect(),
            ..Self::begun(record)
        }
    }

    fn begun(record: &Record) -> Self {
        Self {
            n_train: record.n_train,
            n_train_anomalous: record.n_anomalous,
            passes: record.passes,
            ..Self::default()
        }
    }

    /// Reads it; `None` if the run is not done, or was measured before there were all of the figures.
    pub(crate) fn read(kept: &Kept, path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
        let cell: Self = serde_json::from_str(&text).map_err(|error| Error::Config {
            origin: path.display().to_string(),
            why: format!(
                "expected the figures of a run, found: {error}; remove it to measure again"
            ),
        })?;
        Ok(cell.complete(kept))
    }

    /// It with all figures. A run that came to nothing comes to no new figure either.
    fn complete(mut self, kept: &Kept) -> Option<Self> {
        let nothing = match self.figures.values().next() {
            Some(value @ Value::Undefined { .. }) if self.n_test == 0 => Some(value.clone()),
            _ => None,
        };
        for &key in kept.figures {
            if !self.figures.contains_key(key) {
                self.figures.insert(key.to_owned(), nothing.clone()?);
            }
        }
        Some(self)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        atomic::write_with(path, |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            file.write_all(b"\n")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Kept = Kept {
        file: "ablation.json",
        figures: &["iou_at_0.5", "image_auroc"],
        ending: None,
    };

    #[test]
    fn a_cell_without_a_figure_that_is_new_is_not_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ablation.json");
        let reads = |cell: &Cell| {
            cell.write(&path).unwrap();
            Cell::read(&KEPT, &path).unwrap()
        };
        let figure = |key: &&str| ((*key).to_owned(), Value::Number(0.5));
        let mut cell = Cell {
            n_test: 5,
            figures: KEPT.figures.iter().map(figure).collect(),
            ..Cell::default()
        };
        assert_eq!(reads(&cell), Some(cell.clone()));
        cell.figures.remove("image_auroc");
        assert_eq!(reads(&cell), None);
        // What diverged before there was the figure would diverge again.
        let why = Value::undefined("diverged");
        let mut failed = Cell {
            figures: BTreeMap::from([("iou_at_0.5".to_owned(), why.clone())]),
            ..Cell::default()
        };
        let found = reads(&failed).unwrap();
        let undefined = |key: &&str| ((*key).to_owned(), why.clone());
        failed.figures = KEPT.figures.iter().map(undefined).collect();
        assert_eq!(found, failed);
    }
}
