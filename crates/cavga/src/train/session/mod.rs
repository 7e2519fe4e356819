//! The loop of a training: passes, order, checkpoints, the guard against numbers that are not finite.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use burn::tensor::Device;
use cavga_detect::{Learner, Losses, Tensors};

use super::log::{Log, LogLine};
use crate::{
    Error, Result,
    config::RunConfig,
    feed::{self, Lessons, Portion},
    progress::{Event, Progress, Speed, Step},
    run::RunFolder,
    tensor_file::{self, Content, Header, Place, tiling},
};

/// How a sitting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// All passes are done.
    Done,
    /// The stop flag was raised; a checkpoint is written.
    Stopped,
}

/// Steps of a whole training; of one that nobody will see the end of, as many as can be counted.
pub(crate) fn steps(passes: usize, images: usize, batch: usize) -> u64 {
    (passes as u64).saturating_mul(images.div_ceil(batch) as u64)
}

/// What the log says of the step that was done last.
pub(crate) fn log_line(place: Place, losses: &Losses, images_per_second: f64) -> LogLine {
    let losses = losses.iter();
    LogLine {
        step: place.step,
        pass: place.pass + 1,
        losses: losses
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect(),
        images_per_second,
        seconds: place.seconds,
    }
}

/// What is reported of a step of a training of so many passes over so many images in so many steps.
pub(crate) fn report<'l>(
    (passes, images, steps): (usize, usize, u64),
    line: &LogLine,
    losses: &'l Losses,
) -> Step<'l> {
    let left = steps.saturating_sub(line.step) as f64;
    let images = left * images as f64 * passes as f64 / steps.max(1) as f64;
    let left = Duration::try_from_secs_f64(images / line.images_per_second);
    Step {
        step: line.step,
        steps,
        pass: line.pass,
        passes,
        losses,
        images_per_second: line.images_per_second,
        left: left.unwrap_or(Duration::MAX),
    }
}

/// The first number in a state that is not finite, with its tensor's name.
pub(crate) fn not_finite(state: &Tensors) -> Option<(&str, f64)> {
    state.iter().find_map(|(name, tensor)| {
        let mut values = tensor.iter::<f64>();
        Some((name.as_str(), values.find(|value| !value.is_finite())?))
    })
}

/// One sitting of a training.
pub(super) struct Session<'a> {
    pub(super) config: &'a RunConfig,
    pub(super) run: &'a RunFolder,
    pub(super) fingerprint: &'a str,
    pub(super) lessons: Lessons<'a>,
    pub(super) passes: usize,
    pub(super) device: &'a Device,
    pub(super) stop: &'a AtomicBool,
    pub(super) learner: Box<dyn Learner>,
    pub(super) place: Place,
    pub(super) saved: Option<u64>,
    /// The numbers of the images that were not there when they were to be learnt: those of the first pass that did not come back since.
    pub(super) gone: BTreeSet<usize>,
}

impl Session<'_> {
    /// Steps of a whole training.
    pub(super) fn steps(&self) -> u64 {
        steps(self.passes, self.items(), self.config.train.batch)
    }

    /// Images, or tiles, of a pass.
    fn items(&self) -> usize {
        self.lessons.items.len()
    }

    /// Trains until all passes are done or the stop flag is raised.
    pub(super) fn train(&mut self, progress: &mut dyn Progress) -> Result<End> {
        let mut log = Log::open(&self.run.log(), self.place.step)?;
        progress.on(Event::Begin {
            stage: "training",
            total: self.steps(),
            done: self.place.step,
        });
        let mut clock = Clock::start(self.place.seconds);
        let mut speed = Speed::start();
        while self.place.pass < self.passes {
            if self.pass(&mut log, &mut clock, &mut speed, progress)? == End::Stopped {
                progress.on(Event::End);
                return Ok(End::Stopped);
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
        let settings = &self.config.train;
        let portion = Portion {
            pass: self.place.pass,
            done: self.place.batch * settings.batch,
        };
        for lesson in feed::training(self.lessons, self.config, portion, self.device)? {
            if self.stop.load(Ordering::Relaxed) {
                self.checkpoint()?;
                return Ok(End::Stopped);
            }
            let mut lesson = lesson?;
            if self.place.pass == 0 {
                self.gone.append(&mut lesson.gone);
            }
            lesson.numbers.iter().for_each(|number| {
                self.gone.remove(number);
            });
            let count = lesson.anomalous.len();
            if count == 0 {
                // All of its images are gone; the batches behind it keep their numbers.
                self.place.step += 1;
                self.place.batch += 1;
                continue;
            }
            let batch = lesson.into_batch(self.place.step, self.place.pass);
            let losses = self
                .learner
                .observe(&batch)
                .map_err(|error| self.explain(error))?;
            self.check(&losses)?;
            self.place.step += 1;
            self.place.batch += 1;
            self.place.seconds = clock.seconds();
            let line = log_line(self.place, &losses, speed.count(count));
            log.add(&line)?;
            let whole = (self.passes, self.items(), self.steps());
            progress.on(Event::Step(&report(whole, &line, &losses)));
            if clock.is_due(settings.checkpoint_minutes)
                || settings
                    .checkpoint_steps
                    .is_some_and(|steps| self.place.step.is_multiple_of(steps))
            {
                self.checkpoint()?;
                clock.restart();
            }
        }
        Ok(End::Done)
    }

    /// Writes the checkpoint, unless weights are no longer numbers: the last good one then stays.
    pub(super) fn checkpoint(&mut self) -> Result<()> {
        if self.saved == Some(self.place.step) {
            return Ok(());
        }
        let Some(state) = self.learner.state()? else {
            return Ok(());
        };
        if let Some((name, value)) = not_finite(&state) {
            return Err(self.diverged(format!("the tensor {name}"), value, self.place.step));
        }
        let header = Header {
            method: self.config.method.clone(),
            size: self.config.data.size,
            tile: tiling(self.lessons.view),
            regions: None,
            data: self.fingerprint.to_owned(),
            trail: None,
            content: Content::Checkpoint {
                place: self.place,
                gone: self.gone.clone(),
            },
        };
        tensor_file::save(&self.run.checkpoint(), &header, &state)?;
        self.saved = Some(self.place.step);
        Ok(())
    }

    fn check(&self, losses: &Losses) -> Result<()> {
        match losses.iter().find(|(_, value)| !value.is_finite()) {
            Some((name, value)) => {
                Err(self.diverged(format!("the loss {name}"), *value, self.place.step + 1))
            }
            None => Ok(()),
        }
    }

    /// A method counts steps as it likes and knows of no files: its word on divergence gets both.
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
                self.run.checkpoint().display()
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

/// How long training went on, and when a checkpoint is due.
pub(crate) struct Clock {
    before: f64,
    start: Instant,
    checkpoint: Instant,
}

impl Clock {
    /// A sitting after `before` seconds of training.
    pub(crate) fn start(before: f64) -> Self {
        Self {
            before,
            start: Instant::now(),
            checkpoint: Instant::now(),
        }
    }
    /// A checkpoint is written now.
    pub(crate) fn restart(&mut self) {
        self.checkpoint = Instant::now();
    }
    /// Seconds of training, over all sittings.
    pub(crate) fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }
    /// Whether a checkpoint is due, every so many minutes.
    pub(crate) fn is_due(&self, minutes: f64) -> bool {
        self.checkpoint.elapsed().as_secs_f64() >= minutes * 60.0
    }
}
