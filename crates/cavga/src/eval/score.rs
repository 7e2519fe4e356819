//! Scoring the test images.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Instant;

use cavga_data::{Tally, Test, TestSample, check_mask};

use super::{EvalOptions, TestImage};
use crate::{
    Error, Result,
    config::DataConfig,
    feed,
    model::Model,
    progress::{Event, Progress},
};

/// The scores and maps of an image, in the detector's order.
pub(crate) type Heard = (Vec<f32>, Vec<Vec<f32>>);

/// What an evaluation hears of images, without anything being measured: for whoever checks that it is what others hear.
pub(crate) fn score_only(
    model: &Model,
    test: Vec<TestSample>,
    settings: &DataConfig,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<Heard>> {
    let options = EvalOptions {
        stop: Arc::clone(stop),
        ..EvalOptions::default()
    };
    let test = (&Test::from(test), &mut Tally::default());
    let images = score(model, test, settings, &options, &mut ())?;
    let heard = images.into_iter().map(|image| (image.scores, image.maps));
    Ok(heard.collect())
}

/// Scores all test images, one at a time. Those that are gone since they were listed are counted, up to the setting's limit.
pub(super) fn score(
    model: &Model,
    (test, tally): (&Test, &mut Tally),
    settings: &DataConfig,
    options: &EvalOptions,
    progress: &mut dyn Progress,
) -> Result<Vec<TestImage>> {
    // All sizes first: a mask that does not fit should not be found after minutes of scoring.
    let check = |test: &TestSample| match check_mask(test) {
        // Told below, with the others that are gone.
        Err(error) if error.is_gone() && error.path() == Some(test.sample.path()) => Ok(()),
        other => other,
    };
    test.iter().try_for_each(check)?;
    progress.on(Event::Begin {
        stage: "scoring",
        total: test.len() as u64,
        done: 0,
    });
    let mut images = Vec::with_capacity(test.len());
    let batches = feed::plain(test.samples(), settings, model.regions(), 1)?;
    for (done, (batch, TestSample { sample, mask })) in batches.zip(&**test).enumerate() {
        if options.stop.load(Ordering::Relaxed) {
            progress.on(Event::End);
            return Err(Error::Stopped);
        }
        let batch = batch?;
        if batch.ids.is_empty() {
            tally.refuse(1, "gone when it was read");
            continue;
        }
        let begun = Instant::now();
        let scored = model.score_loaded(batch)?;
        let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
        let scored = scored.checked(sample.path())?;
        images.push(TestImage {
            sample: sample.clone(),
            mask: mask.clone(),
            size: sample.source.size()?,
            scores: scored.scores.into_iter().map(|(_, value)| value).collect(),
            maps: scored.maps.into_iter().map(|(_, values)| values).collect(),
            valid: scored.valid,
            milliseconds,
        });
        progress.on(Event::Advance {
            done: done as u64 + 1,
        });
    }
    progress.on(Event::End);
    Ok(images)
}
