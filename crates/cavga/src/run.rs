//! The folder of a run and its record.

use std::path::{Path, PathBuf};

use cavga_data::Tally;
use serde::{Deserialize, Serialize};
use toml::Value;

use crate::{
    Error, Result, atomic,
    config::{RECORD, RunConfig, read_table},
};

/// The folder of one training: where each of its files is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The run in this folder, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// Configuration and record, `run.toml`.
    pub fn record(&self) -> PathBuf {
        self.0.join("run.toml")
    }
    /// One line of JSON for each step, `train.jsonl`.
    pub fn log(&self) -> PathBuf {
        self.0.join("train.jsonl")
    }
    /// What training goes on from, `checkpoint.safetensors`.
    pub fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint.safetensors")
    }
    /// All that inference needs, `model.safetensors`.
    pub fn model(&self) -> PathBuf {
        self.0.join("model.safetensors")
    }
    /// The figures of the evaluation, `metrics.json`.
    pub fn metrics(&self) -> PathBuf {
        self.0.join("metrics.json")
    }
    /// One line for each test image, `scores.csv`.
    pub fn scores(&self) -> PathBuf {
        self.0.join("scores.csv")
    }
    /// What the run took of its dataset, an image a line, `images.csv`.
    pub fn images(&self) -> PathBuf {
        self.0.join("images.csv")
    }
    /// Maps and overlays, `maps/`.
    pub fn maps(&self) -> PathBuf {
        self.0.join("maps")
    }
    /// The report, `report.html`.
    pub fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }

    /// Reads `run.toml`.
    ///
    /// # Errors
    /// [`Error::NotARun`] without that file, [`Error::Config`] if it cannot be read.
    pub fn read_record(&self) -> Result<(RunConfig, Record)> {
        let path = self.record();
        if !path.is_file() {
            return Err(Error::NotARun {
                path: self.0.clone(),
                missing: "run.toml",
                hint: "; cavga train makes one",
            });
        }
        let bad = |why: String| Error::Config {
            origin: path.display().to_string(),
            why,
        };
        let table = read_table(&path)?;
        let name = table
            .get("method")
            .and_then(|method| method.get("name"))
            .and_then(Value::as_str);
        let name = name.ok_or_else(|| bad("method.name is missing".to_owned()))?;
        let config = RunConfig::read(name, Some(&path), &[])?;
        let record = table
            .get(RECORD)
            .cloned()
            .ok_or_else(|| bad(format!("the section [{RECORD}] is missing")))?;
        Ok((
            config,
            record
                .try_into()
                .map_err(|e: toml::de::Error| bad(e.to_string()))?,
        ))
    }

    pub(crate) fn write_record(&self, config: &RunConfig, record: &Record) -> Result<()> {
        let path = self.record();
        let bad = |e: toml::ser::Error| Error::Config {
            origin: path.display().to_string(),
            why: e.to_string(),
        };
        let mut table = config.to_table()?;
        table.insert(RECORD.to_owned(), Value::try_from(record).map_err(bad)?);
        atomic::write(&path, toml::to_string(&table).map_err(bad)?.as_bytes())
    }

    /// Whether there is something to go on with, or to lose. A record alone is neither: the image that could not be read
    /// may have been mended since.
    pub(crate) fn is_begun(&self) -> bool {
        self.model().exists() || self.checkpoint().exists()
    }
}

/// How a run was made: with its configuration, all that it takes to make it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of this library.
    pub version: String,
    /// Operating system and processor.
    pub system: String,
    /// The device as asked for.
    pub device: String,
    /// The dataset's folder.
    pub data: PathBuf,
    /// SHA-256 over the names and contents of the dataset's training images, and of the anomalous test images learnt from.
    pub fingerprint: String,
    /// Normal images learnt from.
    pub n_train: usize,
    /// Anomalous test images learnt from; none but for a weakly supervised method.
    #[serde(default)]
    pub n_anomalous: usize,
    /// Normal images kept out of training for calibration.
    pub n_calibration: usize,
    /// Files of the dataset that were seen, used (to learn from, to calibrate on, or left to test on) and refused, and why.
    #[serde(default)]
    pub images: Tally,
    /// Passes over the training images.
    pub passes: usize,
    /// Steps in all.
    pub steps: u64,
    /// How training went; absent until it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    /// The anomalous test images learnt from, and the test images of their groups: no evaluation of the run may measure on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalous: Vec<Learnt>,
    /// The weight files that its networks started from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<StartedFrom>,
}

/// A weight file that a network of a run started from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedFrom {
    /// The setting that asked for it, as in `method.encoder.weights`.
    pub key: String,
    /// The network, as in `resnet-18`.
    pub network: String,
    /// Where it was.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// An anomalous test image that a run learnt from, or a test image of its group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learnt {
    /// Its path relative to the dataset's root.
    pub id: String,
    /// SHA-256 of its bytes, by which it is known in any folder.
    pub sha256: String,
}

/// How a training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Minutes in the training loop, over all sittings.
    pub minutes: f64,
    /// The most memory that the last sitting held, where the system says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_mib: Option<f64>,
}

/// The model file that a user means by `path`: a file, or the folder of a run.
pub(crate) fn model_file(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let run = RunFolder::new(path);
    if run.model().is_file() {
        return Ok(run.model());
    }
    let hint = if run.checkpoint().is_file() {
        "; its training is not finished, go on with cavga train --resume"
    } else {
        "; cavga train makes one"
    };
    Err(Error::NotARun {
        path: path.to_owned(),
        missing: "model.safetensors",
        hint,
    })
}

/// The dataset's folder as the record keeps it: whole, so that a later call from another folder finds it.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
