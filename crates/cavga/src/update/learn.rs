//! What a reopened method learns and forgets.

use std::{
    iter,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use burn::tensor::Device;
use cavga_data::Sample;
use cavga_detect::{Batch, Learner};

use super::{Trail, TrailImage, UpdateError, find::Finder};
use crate::{
    Error, Result,
    config::DataConfig,
    feed,
    progress::{Event, Progress},
    train::source,
    view::View,
};

/// Images in a batch. What is learnt does not depend on it, but for the last bits of sums.
const BATCH: usize = 8;

/// Images as a model sees them.
#[derive(Clone, Copy)]
pub(super) struct Eye<'a> {
    pub(super) data: &'a DataConfig,
    pub(super) view: &'a View,
    pub(super) device: &'a Device,
    pub(super) stop: &'a AtomicBool,
}

/// Batches that can be asked for, or that it was seen on the way that they cannot be had.
type Batches<'a> = Box<dyn Iterator<Item = Result<Batch>> + 'a>;

impl<'a> Eye<'a> {
    /// The samples as they are, in their order, under these numbers.
    fn batches(self, samples: Vec<Sample>, numbers: Vec<usize>) -> Result<Batches<'a>> {
        let how = (self.data, BATCH);
        let lessons = feed::in_order(samples.into(), how, self.view, self.device)?;
        let batches = lessons.enumerate().map(move |(step, lesson)| {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            let mut batch = lesson?.into_batch(step as u64, 0);
            for number in &mut batch.numbers {
                *number = numbers.get(*number).copied().unwrap_or_default();
            }
            Ok(batch)
        });
        Ok(Box::new(batches))
    }

    /// Images held out, for a method that ends with them; nothing is read for one that does not ask.
    pub(super) fn held_out(
        self,
        find: impl FnOnce() -> Result<Vec<Sample>> + 'a,
    ) -> impl Iterator<Item = cavga_detect::Result<Batch>> + 'a {
        when_asked(move || {
            let samples = find()?;
            let numbers = (0..samples.len()).collect();
            self.batches(samples, numbers)
        })
    }
}

/// What `make` gives, made when the first is asked for.
fn when_asked<'a>(
    make: impl FnOnce() -> Result<Batches<'a>> + 'a,
) -> impl Iterator<Item = cavga_detect::Result<Batch>> + 'a {
    let made = iter::once_with(make)
        .flat_map(|made| made.unwrap_or_else(|error| Box::new(iter::once(Err(error)))));
    made.map(|batch| batch.map_err(source))
}

/// Learns images, numbered from `first` on.
pub(super) fn add(
    learner: &mut dyn Learner,
    samples: &Arc<[Sample]>,
    first: usize,
    eye: Eye<'_>,
    progress: &mut dyn Progress,
) -> Result<()> {
    let numbers = (first..first + samples.len()).collect();
    progress.on(Event::Begin {
        stage: "learning more images",
        total: eye.view.items(samples, eye.data.size)?.len() as u64,
        done: 0,
    });
    let mut done = 0;
    for batch in eye.batches(samples.to_vec(), numbers)? {
        let learnt = batch.and_then(|batch| {
            learner.observe(&batch).map_err(Error::of_method)?;
            Ok(batch.numbers.len())
        });
        match learnt {
            Ok(images) => done += images as u64,
            Err(error) => {
                progress.on(Event::End);
                return Err(error);
            }
        }
        progress.on(Event::Advance { done });
    }
    progress.on(Event::End);
    Ok(())
}

/// Forgets images that were learnt. They are looked for only if the method asks to see them.
pub(super) fn forget(
    learner: &mut dyn Learner,
    images: &[&TrailImage],
    (model, trail, data): (&Path, &Trail, Option<&Path>),
    eye: Eye<'_>,
    progress: &mut dyn Progress,
) -> Result<()> {
    let numbers: Vec<_> = images.iter().filter_map(|image| image.number).collect();
    let again = numbers.clone();
    let mut seen = when_asked(move || {
        repeatable(model, trail, images)?;
        let samples = Finder::new(trail, data).find(
            images,
            "to forget it, this method has to see it as it was learnt; put it back, or train again without it",
        )?;
        eye.batches(samples, again)
    });
    progress.on(Event::Begin {
        stage: "forgetting images",
        total: numbers.len() as u64,
        done: 0,
    });
    let forgotten = learner.forget(&numbers, &mut seen);
    progress.on(Event::End);
    forgotten.map_err(Error::of_method)
}

/// Requires that each image was learnt once, as it is.
fn repeatable(model: &Path, trail: &Trail, images: &[&TrailImage]) -> Result<()> {
    for change in images.iter().filter_map(|i| trail.changes.get(i.came)) {
        let how = match (change.augmented, change.passes) {
            (true, _) => "changed at random (data.augment)",
            (false, 2..) => "more than once (train.passes)",
            (false, _) => continue,
        };
        let path = model.to_owned();
        return Err(UpdateError::NotRepeatable { path, how }.into());
    }
    Ok(())
}
