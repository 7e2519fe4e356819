//! The images that a run learns from and those that it is calibrated on.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cavga_data::{Dataset, Sample, hold_out};

use crate::{
    Error, Result,
    config::{DataConfig, RunConfig},
    feed,
    progress::{Event, Progress},
};

/// The images of a run, split.
pub(super) struct Images {
    pub(super) train: Arc<[Sample]>,
    pub(super) held_out: Arc<[Sample]>,
    pub(super) fingerprint: String,
}

impl Images {
    pub(super) fn open(data: &Path, config: &RunConfig) -> Result<Self> {
        let mut dataset = Dataset::open(data)?;
        // A model is made from the training images alone: another test set beside them must not change it.
        dataset.test.clear();
        let fingerprint = dataset.fingerprint()?;
        let found = dataset.train.len();
        let (train, held_out) = hold_out(dataset.train, config.data.held_out, config.train.seed);
        if held_out.is_empty() {
            // One image to learn from, and one to know what scores normal images get.
            return Err(Error::TooFewImages {
                path: data.to_owned(),
                what: "normal images",
                found,
                needed: 2,
            });
        }
        Ok(Self {
            train: train.into(),
            held_out: held_out.into(),
            fingerprint,
        })
    }

    /// Decodes those held out of training once. They are needed only after the last pass, and whoever mends an image then
    /// has another dataset, with which the finished training cannot go on.
    ///
    /// `false` if the stop flag was raised.
    pub(super) fn read_held_out(
        &self,
        data: &DataConfig,
        stop: &AtomicBool,
        progress: &mut dyn Progress,
    ) -> Result<bool> {
        progress.on(Event::Begin {
            stage: "reading held-out images",
            total: self.held_out.len() as u64,
            done: 0,
        });
        for (index, batch) in feed::plain(&self.held_out, data, 1)?.enumerate() {
            batch?;
            if stop.load(Ordering::Relaxed) {
                progress.on(Event::End);
                return Ok(false);
            }
            progress.on(Event::Advance {
                done: index as u64 + 1,
            });
        }
        progress.on(Event::End);
        Ok(true)
    }
}
