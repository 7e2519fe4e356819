//! What a run is to do, as a user writes it in TOML: `[method]`, `[data]`, `[train]`.
//!
//! Every key has a default, an unknown key is an error that names the nearest known one. A run's record, `run.toml`, is
//! such a configuration and a section `[record]`, so that `--config RUN/run.toml` makes the run again.

mod keys;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
};

use cavga_detect::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use toml::{Table, Value};

use crate::{Error, Result, methods, run::absolute, view::View};

/// The section of `run.toml` that is not configuration.
pub(crate) const RECORD: &str = "record";

/// What a run is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The method and its settings.
    pub method: Method,
    /// What is looked at.
    #[serde(default)]
    pub data: DataConfig,
    /// How long and in which portions.
    #[serde(default)]
    pub train: TrainConfig,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// `[height, width]` that every image is resized to; the paper's 256 × 256.
    pub size: [usize; 2],
    /// `[height, width]` of the tiles that images of `size` are cut into, which then is what the network sees; without it, the whole image.
    /// Not for weakly supervised methods: a tile of an anomalous image may be normal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tile: Option<[usize; 2]>,
    /// How much of a tile's side it shares with the next one at least, 0 to 0.75; a quarter, so that nothing lies at the rim of every tile
    /// that shows it.
    pub overlap: f64,
    /// A `regions.toml`: which part of each camera's images counts in training, scores, figures and pictures. Without it, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<PathBuf>,
    /// The part of the training images kept out of training for calibration, in (0, 1); at least one image.
    pub held_out: f64,
    /// Learn from so many of the normal images that are not held out, drawn by seed, and leave the others alone: how good a method is with
    /// few. Without it, from all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shots: Option<usize>,
    /// The share of the anomalous test images that a weakly supervised method learns from, rounded up, in (0, 1); they leave
    /// the test set. The paper's 2 %. Methods that learn from normal images alone ignore it.
    pub anomalous: f64,
    /// Images of more pixels than this are refused before they are decoded.
    pub max_pixels: u64,
    /// The share of the images that may be gone when they are to be read, in [0, 1): they are skipped and counted; more are an
    /// error.
    pub missing: f64,
    /// Random changes of the training images.
    pub augment: cavga_data::Augment,
    /// Which images of the dataset's folder are meant: a public dataset's name and category, or the user's own folders.
    pub dataset: cavga_data::DatasetSpec,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            size: [256, 256],
            tile: None,
            overlap: 0.25,
            regions: None,
            held_out: 0.1,
            shots: None,
            anomalous: 0.02,
            max_pixels: cavga_data::Limits::default().max_pixels,
            missing: 0.01,
            augment: cavga_data::Augment::default(),
            dataset: cavga_data::DatasetSpec::default(),
        }
    }
}

impl DataConfig {
    /// How images are loaded of which each has to be there: whole, at `[height, width]`, as they are.
    pub(crate) fn each(size: [usize; 2], limits: cavga_data::Limits) -> Self {
        Self {
            size,
            max_pixels: limits.max_pixels,
            missing: 0.0,
            ..Self::default()
        }
    }

    /// How images come to the network.
    ///
    /// # Errors
    /// Those of the tiles' settings and of the regions' file.
    pub(crate) fn view(&self) -> Result<View> {
        let regions = self.regions.as_deref().map(cavga_data::Regions::load);
        Ok(View::new(regions.transpose()?, self.tiles()?))
    }

    fn tiles(&self) -> std::result::Result<Option<cavga_data::Tiles>, cavga_data::Error> {
        match self.tile {
            Some(tile) => cavga_data::Tiles::new(self.size, tile, self.overlap).map(Some),
            // An overlap that cannot be is one without tiles too.
            None => cavga_data::Tiles::new([1; 2], [1; 2], self.overlap).map(|_| None),
        }
    }

    /// How many of so many images may be gone.
    pub(crate) fn missing_allowed(&self, images: usize) -> usize {
        (self.missing * images as f64) as usize
    }

    pub(crate) fn limits(&self) -> cavga_data::Limits {
        cavga_data::Limits {
            max_pixels: self.max_pixels,
        }
    }
}

/// How long and in which portions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training images; without it, as many as the method wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes: Option<usize>,
    /// Images in a batch.
    pub batch: usize,
    /// Fixes the weights' start, the order of images, their changes and every draw in training.
    pub seed: u64,
    /// Minutes between checkpoints.
    pub checkpoint_minutes: f64,
    /// Steps between checkpoints, besides the minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_steps: Option<u64>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            passes: None,
            batch: 8,
            seed: 0,
            checkpoint_minutes: 2.0,
            checkpoint_steps: None,
        }
    }
}

impl RunConfig {
    /// A method with its own settings, everything else by default.
    pub fn new(method: Method) -> Self {
        Self {
            method,
            data: DataConfig::default(),
            train: TrainConfig::default(),
        }
    }

    /// Reads a configuration: the defaults of the method called `name`, changed by the file, then by each `key=value`.
    ///
    /// # Errors
    /// [`Error::UnknownMethod`], [`Error::UnknownKey`], or [`Error::Config`] for a value that cannot be.
    pub fn read(name: &str, file: Option<&Path>, overrides: &[String]) -> Result<Self> {
        // Over the whole of the defaults, so that one key of a section can be set alone.
        let mut table = Self::new(methods::named(name)?).to_table()?;
        let asked = asked(file, &[])?;
        let origin = file.map_or_else(
            || "configuration".to_owned(),
            |path| path.display().to_string(),
        );
        check_method(&asked, name, &origin)?;
        keys::merge(&mut table, asked);
        let mut config: Self = keys::deserialize(&table, &origin)?;
        for text in overrides {
            keys::set(&mut table, text)?;
            let origin = format!("--set {text}");
            check_method(&table, name, &origin)?;
            config = keys::deserialize(&table, &origin)?;
        }
        config.checked(&origin)
    }

    /// The same wherever it is read: the regions' path made whole.
    pub(crate) fn settled(&self) -> Self {
        let mut settled = self.clone();
        settled.data.regions = self.data.regions.as_deref().map(absolute);
        settled
    }

    /// The configuration as TOML.
    ///
    /// # Errors
    /// [`Error::Config`] for a number that TOML cannot hold.
    pub fn to_table(&self) -> Result<Table> {
        to_table(self)
    }

    fn checked(self, origin: &str) -> Result<Self> {
        let wrong = |why: String| {
            Err(Error::Config {
                origin: origin.to_owned(),
                why,
            })
        };
        let [height, width] = self.data.size;
        if height == 0 || width == 0 {
            return wrong(format!(
                "data.size = [{height}, {width}]: expected two positive numbers"
            ));
        }
        for (key, share) in [
            ("held_out", self.data.held_out),
            ("anomalous", self.data.anomalous),
        ] {
            if !(share > 0.0 && share < 1.0) {
                return wrong(format!("data.{key} = {share}: expected a part in (0, 1)"));
            }
        }
        if let Err(error) = self.data.tiles() {
            return wrong(format!("data: {error}"));
        }
        if self.data.tile.is_some() && self.method.learns_from_anomalous() {
            return wrong(format!(
                "data.tile: {} learns from whole anomalous images, of which a tile may be normal; leave out data.tile",
                self.method.name()
            ));
        }
        let missing = self.data.missing;
        if !(0.0..1.0).contains(&missing) {
            return wrong(format!(
                "data.missing = {missing}: expected a part in [0, 1)"
            ));
        }
        if let Err(error) = self.data.augment.validate() {
            return wrong(format!("data.augment: {error}"));
        }
        if self.train.batch == 0 || self.data.shots == Some(0) {
            return wrong("train.batch and data.shots: expected at least 1 each".to_owned());
        }
        if self.train.passes == Some(0) || self.train.checkpoint_steps == Some(0) {
            return wrong(
                "train.passes and train.checkpoint_steps: expected at least 1 each".to_owned(),
            );
        }
        if self.train.checkpoint_minutes.is_nan() || self.train.checkpoint_minutes < 0.0 {
            return wrong(format!(
                "train.checkpoint_minutes = {}: expected 0 or more",
                self.train.checkpoint_minutes
            ));
        }
        Ok(self)
    }
}

/// What a file and each `key=value` ask for, without the defaults, unread.
pub(crate) fn asked(file: Option<&Path>, overrides: &[String]) -> Result<Table> {
    let mut asked = file.map_or_else(|| Ok(Table::new()), read_table)?;
    asked.remove(RECORD);
    for text in overrides {
        keys::set(&mut asked, text)?;
    }
    Ok(asked)
}

/// Refuses a change of a single setting that `by`, elsewhere in the call, decides: it would be of no effect.
///
/// # Errors
/// [`Error::Config`].
pub(crate) fn refuse_decided(overrides: &[String], key: &[&str], by: &str) -> Result<()> {
    let asked = toml::Value::Table(asked(None, overrides)?);
    match key.iter().try_fold(&asked, |at, key| at.get(key)) {
        None => Ok(()),
        Some(_) => Err(Error::Config {
            origin: "--set".to_owned(),
            why: format!("{}: {by} decides that; leave one out", key.join(".")),
        }),
    }
}

fn to_table(config: &impl Serialize) -> Result<Table> {
    Table::try_from(config).map_err(|e| Error::Config {
        origin: "configuration".to_owned(),
        why: e.to_string(),
    })
}

/// `settings`, changed by each `key=value`.
///
/// # Errors
/// [`Error::UnknownKey`], or [`Error::Config`] for a value of another type.
pub(crate) fn changed<C: Serialize + DeserializeOwned>(
    settings: C,
    overrides: &[String],
) -> Result<C> {
    let mut table = to_table(&settings)?;
    let mut changed = settings;
    for text in overrides {
        keys::set(&mut table, text)?;
        changed = keys::deserialize(&table, &format!("--set {text}"))?;
    }
    Ok(changed)
}

/// The first key in which two configurations differ, and both values.
pub(crate) fn difference(
    begun: &impl Serialize,
    asked: &impl Serialize,
) -> Result<Option<(String, String, String)>> {
    Ok(first_difference("", &to_table(begun)?, &to_table(asked)?))
}

/// The first value in which two tables differ: its key, and both values.
pub(crate) fn first_difference(
    section: &str,
    begun: &Table,
    asked: &Table,
) -> Option<(String, String, String)> {
    let keys = begun
        .keys()
        .chain(asked.keys().filter(|key| !begun.contains_key(*key)));
    keys.into_iter().find_map(|key| {
        let name = if section.is_empty() {
            key.clone()
        } else {
            format!("{section}.{key}")
        };
        let text =
            |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        match (begun.get(key), asked.get(key)) {
            (Some(Value::Table(a)), Some(Value::Table(b))) => first_difference(&name, a, b),
            (a, b) => (a != b).then(|| (name, text(a), text(b))),
        }
    })
}

/// Reads a TOML file.
pub(crate) fn read_table(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
    toml::from_str(&text).map_err(|e| Error::Config {
        origin: path.display().to_string(),
        why: e.to_string().trim_end().to_owned(),
    })
}

/// A file for another method is an error; it may leave the name out.
fn check_method(asked: &Table, name: &str, origin: &str) -> Result<()> {
    let wrong = |why: String| {
        Err(Error::Config {
            origin: origin.to_owned(),
            why,
        })
    };
    match asked.get("method") {
        None => Ok(()),
        Some(Value::Table(section)) => match section.get("name").and_then(Value::as_str) {
            Some(other) if other != name => wrong(format!(
                "method.name = {other:?}, but {name:?} was asked for"
            )),
            _ => Ok(()),
        },
        Some(_) => wrong("method: expected a section [method]".to_owned()),
    }
}
