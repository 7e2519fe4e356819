//! The images to measure on: none that the run learnt from.

use std::path::Path;

use cavga_data::{DatasetSpec, Sample, Tally, Test};

use super::{
    EvalOptions,
    unseen::{Unseen, unseen},
};
use crate::{
    Error, Result,
    config::DataConfig,
    leaks,
    progress::{Event, Progress},
    run::{Record, RunFolder},
};

/// The images to measure on, and what became of the others.
pub(super) struct Tested {
    pub(super) test: Test,
    /// Test images left out because the run learnt from them.
    pub(super) removed: usize,
    pub(super) tally: Tally,
}

/// The test images to measure on, of which there must be some.
pub(super) fn open(
    (spec, data): (&DatasetSpec, &Path),
    (run, config, record): (&RunFolder, &DataConfig, &Record),
    options: &EvalOptions,
    progress: &mut dyn Progress,
) -> Result<Tested> {
    let dataset = spec.open(data)?;
    let mut tally = dataset.tally();
    let is_own = data == record.data;
    let Unseen {
        rest: test,
        removed,
        unknown,
    } = unseen(dataset.test, &record.anomalous, is_own)?;
    say_learnt((removed, unknown), record.anomalous.len(), progress);
    if test.is_empty() {
        let what = match removed {
            0 => "test images",
            _ => "test images that the run did not learn from",
        };
        return Err(Error::TooFewImages {
            path: data.join("test"),
            what,
            found: 0,
            needed: 1,
        });
    }
    let samples = test.samples();
    let known = leaks::taken(run, spec, &samples, progress)?;
    let learnt = match is_own && *spec == config.dataset {
        // Found above.
        true => dataset.train.clone(),
        false => learnt_from(config, record, known, progress),
    };
    let both = (&*learnt, &*samples);
    match leaks::guard(spec, both, &config.limits(), &options.stop, progress) {
        // A training image that was spoilt since is no reason not to measure.
        Err(Error::Data(error)) if learnt.iter().any(|own| error.path() == Some(own.path())) => {
            progress.on(Event::Note(&cannot_tell(known, &error)));
        }
        other => other?,
    }
    tally.refuse(dataset.train.len(), "not a test image");
    tally.refuse(removed, "the run learnt from it");
    Ok(Tested {
        test,
        removed,
        tally,
    })
}

/// Says what became of test images that the run learnt from.
fn say_learnt((removed, unknown): (usize, usize), learnt: usize, progress: &mut dyn Progress) {
    if removed > 0 {
        let text = format!("test images left out, as the run learnt from them: {removed}");
        progress.on(Event::Note(&text));
    }
    if unknown > 0 {
        let text = format!(
            "{unknown} of the {learnt} anomalous images that the run learnt from were not recognised by their bytes: if they \
             are here under other bytes, they are measured on"
        );
        progress.on(Event::Note(&text));
    }
}

/// The normal images that the run learnt from, if they are still there.
fn learnt_from(
    config: &DataConfig,
    record: &Record,
    known: bool,
    progress: &mut dyn Progress,
) -> Vec<Sample> {
    config.dataset.open(&record.data).map_or_else(
        |error| {
            progress.on(Event::Note(&cannot_tell(known, &error)));
            Vec::new()
        },
        |dataset| dataset.train,
    )
}

/// Why training images cannot be looked for, but by the bytes that the run wrote down, if it did (`known`).
fn cannot_tell(known: bool, error: &cavga_data::Error) -> String {
    let by = if known { " by their pixels" } else { "" };
    format!(
        "cannot tell{by} whether test images were learnt from, as the training images cannot be read: {error}"
    )
}
