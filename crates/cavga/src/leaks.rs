//! The leak guard of training and evaluation: what was learnt from is not measured on, under whatever name it lies in the
//! test set. A split with such images is refused, unless the settings allow it: then it is told.

use std::{path::Path, sync::atomic::AtomicBool};

use cavga_data::{DatasetSpec, Limits, Sample, leaks};

use crate::{
    Error, Result,
    progress::{Event, Progress},
};

/// Looks for images of `train` among those of `test`.
///
/// # Errors
/// [`cavga_data::Error::Leak`], unless the spec allows leaks; [`Error::Stopped`].
pub(crate) fn guard(
    spec: &DatasetSpec,
    (train, test): (&[Sample], &[Sample]),
    limits: &Limits,
    stop: &AtomicBool,
    progress: &mut dyn Progress,
) -> Result<()> {
    if train.is_empty() || test.is_empty() {
        return Ok(());
    }
    progress.on(Event::Begin {
        stage: "looking for training images in the test set",
        total: (train.len() + test.len()) as u64,
        done: 0,
    });
    let found = leaks(train, test, limits, stop);
    progress.on(Event::End);
    let found = found?.ok_or(Error::Stopped)?;
    if !spec.allow_leaks {
        found.refuse(train, test)?;
    }
    if let Some(first) = found.between.first() {
        let name = |samples: &[Sample], place: usize| {
            let path = samples.get(place).map(Sample::path);
            path.unwrap_or(Path::new("")).display().to_string()
        };
        let text = format!(
            "{} test images have the {} of training images and are measured on, as in {} and {}",
            found.between.len(),
            first.same,
            name(test, first.test),
            name(train, first.train)
        );
        progress.on(Event::Note(&text));
    }
    Ok(())
}
