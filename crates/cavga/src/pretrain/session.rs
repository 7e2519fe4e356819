//! The loop of a pretraining: passes, order, checkpoints, the guard against numbers that are not finite.

use std::sync::{Arc, atomic::Ordering};

use burn::tensor::Device;
use cavga_data::{Augment, Loader, LoaderConfig, Sample, shuffled};
use cavga_detect::{Batch, dcgan::Dcgan};

use super::{
    PretrainOptions,
    files::{Files, Pretrained, SHEET, Stage, sheet},
    images::{FIT, SIZE},
};
use crate::{
    Error, Result, atomic, feed,
    progress::{Event, Progress, Speed},
    tensor_file::{self, Place},
    train::{
        log::Log,
        session::{Clock, End, log_line, not_finite, report},
    },
};

/// One sitting of a pretraining.
pub(super) struct Session<'a> {
    pub(super) files: &'a Files,
    pub(super) about: Pretrained,
    pub(super) samples: &'a Arc<[Sample]>,
    pub(super) device: &'a Device,
    pub(super) options: &'a PretrainOptions,
    pub(super) dcgan: Dcgan,
    pub(super) place: Place,
    pub(super) saved: Option<u64>,
}

impl Session<'_> {
    /// Trains until all passes are done or the stop flag is raised.
    pub(super) fn train(&mut self, progress: &mut dyn Progress) -> Result<End> {
        let mut log = Log::open(&self.files.log, self.place.step)?;
        progress.on(Event::Begin {
            stage: "training",
            total: self.about.steps,
            done: self.place.step,
        });
        let mut clock = Clock::start(self.place.seconds);
        let mut speed = Speed::start();
        while self.place.pass < self.about.config.passes {
            let end = self.pass(&mut log, &mut clock, &mut speed, progress)?;
            if end == End::Stopped {
                progress.on(Event::End);
                return Ok(end);
            }
            self.place = Place {
                pass: self.place.pass + 1,
                batch: 0,
                ..self.place
            };
        }
        progress.on(Event::End);
        self.checkpoint()?;
        Ok(End::Done)
    }

    fn pass(
        &mut self,
        log: &mut Log,
        clock: &mut Clock,
        speed: &mut Speed,
        progress: &mut dyn Progress,
    ) -> Result<End> {
        let (passes, images) = (self.about.config.passes, self.samples.len());
        for images_of_batch in self.batches()? {
            if self.options.stop.load(Ordering::Relaxed) {
                self.checkpoint()?;
                return Ok(End::Stopped);
            }
            let pixels = feed::tensor(images_of_batch?, self.device);
            let [count, ..] = pixels.dims();
            let batch = Batch {
                images: pixels,
                valid: None,
                anomalous: vec![false; count],
                classes: Vec::new(),
                numbers: Vec::new(),
                step: self.place.step,
                pass: self.place.pass,
            };
            let losses = self
                .dcgan
                .observe(&batch)
                .map_err(|error| self.explain(error))?;
            self.place.step += 1;
            self.place.batch += 1;
            self.place.seconds = clock.seconds();
            let line = log_line(self.place, &losses, speed.count(count));
            log.add(&line)?;
            let whole = (passes, images, self.about.steps);
            progress.on(Event::Step(&report(whole, &line, &losses)));
            if clock.is_due(self.options.checkpoint_minutes) {
                self.checkpoint()?;
                clock.restart();
            }
        }
        Ok(End::Done)
    }

    /// The rest of a pass, shuffled.
    fn batches(&self) -> Result<Loader> {
        let config = &self.about.config;
        let (seed, pass) = (self.about.seed, self.place.pass as u64);
        let done = self.place.batch * config.batch;
        let order = shuffled(self.samples.len(), seed, pass);
        let settings = LoaderConfig {
            size: SIZE,
            fit: FIT,
            batch: config.batch,
            augment: Augment {
                flip_horizontal: config.flip,
                ..Augment::default()
            },
            seed,
            pass,
            ..LoaderConfig::default()
        };
        let order = order.into_iter().skip(done).collect();
        Ok(Loader::start(Arc::clone(self.samples), order, settings)?)
    }

    /// Writes samples and checkpoint, unless weights are no longer numbers: the last good ones then stay.
    fn checkpoint(&mut self) -> Result<()> {
        let place = self.place;
        if self.saved == Some(place.step) {
            return Ok(());
        }
        let state = self.dcgan.state();
        if let Some((name, value)) = not_finite(&state) {
            return Err(self.diverged(format!("the tensor {name}"), value, place.step));
        }
        let samples = sheet(self.dcgan.samples(SHEET * SHEET))?;
        atomic::write(&self.files.samples, &samples)?;
        self.about.stage = Stage::Checkpoint { place };
        tensor_file::save(&self.files.checkpoint, &self.about, &state)?;
        self.saved = Some(place.step);
        Ok(())
    }

    fn explain(&self, error: cavga_detect::Error) -> Error {
        match error {
            cavga_detect::Error::NotFinite { name, value, .. } => {
                self.diverged(format!("the loss {name}"), value, self.place.step + 1)
            }
            other => other.into(),
        }
    }

    fn diverged(&self, what: String, value: f64, step: u64) -> Error {
        let kept = match self.saved {
            Some(step) => format!(
                "the checkpoint of step {step} is kept in {}",
                self.files.checkpoint.display()
            ),
            None => "there was no checkpoint yet".to_owned(),
        };
        Error::Diverged {
            step,
            what,
            value,
            kept,
        }
    }
}
