//! What was measured of one column under one seed: kept beside its run, so that it is never trained or measured twice.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{Error, Result, atomic, eval::Evaluation, run::Record};

/// The figures of the table: name as in `metrics.json`, and as a heading.
pub(super) const FIGURES: [(&str, &str); 8] = [
    ("iou_at_0.5", "IoU at 0.5"),
    ("iou_best_threshold", "IoU, best threshold"),
    ("pixel_auroc", "pixel AUROC"),
    ("prior_pixel_auroc", "prior's pixel AUROC"),
    (
        "attention-deviation.pixel_auroc",
        "attention-deviation's pixel AUROC",
    ),
    (
        "attention-terms-deviation.pixel_auroc",
        "attention-terms-deviation's pixel AUROC",
    ),
    (
        "residual-smoothed.pixel_auroc",
        "residual-smoothed's pixel AUROC",
    ),
    ("image_auroc", "image AUROC"),
];

/// A number, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Value {
    /// The number.
    Number(f64),
    /// Why there is none.
    Undefined {
        /// The reason.
        undefined: String,
    },
}

impl Value {
    pub(super) fn undefined(reason: &str) -> Self {
        Self::Undefined {
            undefined: reason.to_owned(),
        }
    }
}

/// One column under one seed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cell {
    /// Normal images learnt from.
    pub(super) n_train: usize,
    /// Anomalous images learnt from.
    pub(super) n_train_anomalous: usize,
    /// Passes over them.
    pub(super) passes: usize,
    /// Test images measured on, the anomalous ones among them.
    pub(super) n_test: usize,
    /// See there.
    pub(super) n_test_anomalous: usize,
    /// Each of [`FIGURES`].
    pub(super) figures: BTreeMap<String, Value>,
}

impl Cell {
    /// Of a run that was measured.
    pub(super) fn measured(record: &Record, evaluation: &Evaluation) -> Self {
        let value = |key: &str| match evaluation.figures.get(key) {
            Some(Ok(value)) => Value::Number(*value),
            Some(Err(reason)) => Value::undefined(reason),
            None => Value::undefined("the method makes no such map"),
        };
        let count = |key: &str| {
            let count = evaluation.metrics.get(key).and_then(|n| n.as_u64());
            usize::try_from(count.unwrap_or_default()).unwrap_or_default()
        };
        let anomalous = count("n_test_anomalous");
        Self {
            n_test: count("n_test_normal") + anomalous,
            n_test_anomalous: anomalous,
            figures: FIGURES
                .iter()
                .map(|(key, _)| ((*key).to_owned(), value(key)))
                .collect(),
            ..Self::begun(record)
        }
    }

    /// Of a run that came to nothing: every figure is undefined for that reason.
    pub(super) fn failed(record: &Record, reason: &str) -> Self {
        let undefined = |key: &str| (key.to_owned(), Value::undefined(reason));
        Self {
            figures: FIGURES.iter().map(|(key, _)| undefined(key)).collect(),
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

    /// Reads it; `None` if the column is not done, or was measured before there were all of [`FIGURES`].
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
        let cell: Self = serde_json::from_str(&text).map_err(|error| Error::Config {
            origin: path.display().to_string(),
            why: format!(
                "expected the figures of a column, found: {error}; remove it to measure again"
            ),
        })?;
        Ok(cell.complete())
    }

    /// It with all figures. A run that came to nothing comes to no new figure either.
    fn complete(mut self) -> Option<Self> {
        let nothing = match self.figures.values().next() {
            Some(value @ Value::Undefined { .. }) if self.n_test == 0 => Some(value.clone()),
            _ => None,
        };
        for (key, _) in FIGURES {
            if !self.figures.contains_key(key) {
                self.figures.insert(key.to_owned(), nothing.clone()?);
            }
        }
        Some(self)
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        atomic::write_with(path, |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            file.write_all(b"\n")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_without_a_figure_that_is_new_is_not_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ablation.json");
        let reads = |cell: &Cell| {
            cell.write(&path).unwrap();
            Cell::read(&path).unwrap()
        };
        let figure = |(key, _): &(&str, &str)| ((*key).to_owned(), Value::Number(0.5));
        let mut cell = Cell {
            n_test: 5,
            figures: FIGURES.iter().map(figure).collect(),
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
        failed.figures = FIGURES.map(|(key, _)| (key.to_owned(), why.clone())).into();
        assert_eq!(found, failed);
    }
}
