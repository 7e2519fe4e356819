//! The runs of a table: each trained, measured and kept, so that none is made twice, whatever comes between.
//!
//! A kill at any moment costs what lies behind a run's last checkpoint; the same call goes on, and refuses to go on as
//! something else. A training that diverges is a result: its figures are undefined for that reason, and the other runs go on.

mod cell;
mod images;
mod seeds;
mod text;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

pub(crate) use cell::{Cell, Kept, NO_SUCH, Value};
pub use images::ImageSets;
pub(crate) use seeds::seeds;
pub(crate) use text::{NONE, grid, none};

use serde::Serialize;

use crate::{
    Error, Result, atomic,
    config::RunConfig,
    eval::{EvalOptions, evaluate},
    progress::Progress,
    run::{Record, RunFolder, absolute},
    train::{Outcome, TrainOptions, difference, train},
};

/// A figure over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Mean over the seeds.
    pub mean: f64,
    /// Standard deviation over the seeds (n − 1); none of a single seed.
    #[serde(rename = "standard_deviation")]
    pub deviation: Option<f64>,
}

/// Mean and standard deviation; none of no value.
pub(crate) fn spread(values: &[f64]) -> Option<Spread> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    let deviation = (values.len() > 1).then(|| (squares.sum::<f64>() / (n - 1.0)).sqrt());
    (!values.is_empty()).then_some(Spread { mean, deviation })
}

/// One run, to be done.
pub(crate) struct Task<'a> {
    pub(crate) kept: &'a Kept,
    pub(crate) config: &'a RunConfig,
    pub(crate) data: &'a Path,
    pub(crate) run: &'a RunFolder,
    pub(crate) device: &'a str,
    pub(crate) stop: &'a Arc<AtomicBool>,
    pub(crate) images: &'a ImageSets,
}

impl Task<'_> {
    fn file(&self) -> PathBuf {
        self.run.path().join(self.kept.file)
    }

    /// What was measured before; an error if what was begun here, measured or not, is of other settings or of other images.
    pub(crate) fn stored(&self) -> Result<Option<Cell>> {
        let cell = Cell::read(self.kept, &self.file())?;
        if cell.is_none() && !self.run.is_begun() {
            return Ok(None);
        }
        let (begun, record) = self.run.read_record()?;
        let mut differs = difference(&begun, self.config)?;
        if differs.is_none() {
            differs = self.learns_from_others(record)?;
        }
        if let (None, Some(cell)) = (&differs, &cell) {
            differs = self.tested_on_others(cell)?;
        }
        match differs {
            None => Ok(cell),
            Some((key, found, asked)) => Err(Error::RunDiffers {
                path: self.run.record(),
                key,
                found,
                asked,
            }),
        }
    }

    /// The digests of the images that were learnt from and of those that would be now, if they differ.
    fn learns_from_others(&self, record: Record) -> Result<Option<(String, String, String)>> {
        let data = absolute(self.data);
        // The images may be gone; the figures are not.
        if !data.is_dir() && record.data == data {
            return Ok(None);
        }
        let now = self.images.learnt(&data, self.config)?;
        let differs = record.fingerprint != now;
        Ok(differs.then(|| ("record.fingerprint".to_owned(), record.fingerprint, now)))
    }

    /// The digests of the test images that were measured on and of those that there are now, if they differ.
    fn tested_on_others(&self, cell: &Cell) -> Result<Option<(String, String, String)>> {
        let Some(found) = &cell.test_set else {
            return Ok(None);
        };
        // As above.
        if !self.data.is_dir() {
            return Ok(None);
        }
        let now = self.test_set()?;
        let differs = *found != now;
        Ok(differs.then(|| (format!("{}: test_set", self.kept.file), found.clone(), now)))
    }

    fn test_set(&self) -> Result<String> {
        let which = &self.config.data.dataset;
        self.images.tested(&absolute(self.data), which)
    }

    /// As [`stored`](Self::stored), and what a kill behind the figures left is removed.
    pub(crate) fn done(&self) -> Result<Option<Cell>> {
        let stored = self.stored()?;
        if stored.is_some() {
            self.forget_checkpoint()?;
        }
        Ok(stored)
    }

    /// What was measured, now or before; `None` if stopped.
    pub(crate) fn cell(&self, progress: &mut dyn Progress) -> Result<Option<Cell>> {
        if let Some(cell) = self.done()? {
            return Ok(Some(cell));
        }
        let cell = match self.measure(progress) {
            Ok(Some(cell)) => cell,
            Ok(None) | Err(Error::Stopped) => return Ok(None),
            Err(error) => {
                // First: where training never began there is no record, and the error is what is to be said.
                let reason = result(error)?;
                let (_, record) = self.run.read_record()?;
                Cell::failed(self.kept, &record, &reason)
            }
        };
        cell.write(&self.file())?;
        self.forget_checkpoint()?;
        Ok(Some(cell))
    }

    fn measure(&self, progress: &mut dyn Progress) -> Result<Option<Cell>> {
        let options = TrainOptions {
            device: self.device.to_owned(),
            resume: true,
            stop: Arc::clone(self.stop),
        };
        let trained = train(self.config, self.data, self.run, &options, progress)?;
        let record = match trained {
            Outcome::Stopped { .. } => return Ok(None),
            Outcome::Finished(record) | Outcome::WasFinished(record) => record,
        };
        let options = EvalOptions {
            data: Some(self.data.to_owned()),
            device: options.device,
            maps: false,
            stop: options.stop,
            ..EvalOptions::default()
        };
        let test_set = Some(self.test_set()?);
        let evaluation = evaluate(self.run, &options, progress)?;
        Ok(Some(Cell {
            test_set,
            ..Cell::measured(self.kept, &record, &evaluation)
        }))
    }

    /// Removes the checkpoint of a run that is done: nothing goes on from it, and it is three times as large as the model.
    fn forget_checkpoint(&self) -> Result<()> {
        atomic::remove(&self.run.checkpoint())
    }
}

/// What an error says that is a result of its run; any other error itself.
fn result(error: Error) -> Result<String> {
    match error {
        // Without a word on the checkpoint, which goes.
        Error::Diverged {
            step, what, value, ..
        } => Ok(format!(
            "training diverged at step {step}: {what} is {value}"
        )),
        Error::ScoreNotFinite { .. } => Ok(error.to_string()),
        other => Err(other),
    }
}
