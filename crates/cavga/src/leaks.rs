//! The leak guard of training and evaluation: what was learnt from is not measured on, under whatever name it lies in the
//! test set. A split with such images is refused, unless the settings allow it: then it is told.

use std::{path::Path, sync::atomic::AtomicBool};

use cavga_data::{DatasetSpec, Limits, Same, Sample, leaks};
use rayon::prelude::*;

use crate::{
    Error, Result,
    progress::{Event, Progress},
    run::RunFolder,
    train::taken::{self, Taken, Use},
};

/// Looks for images that the run took, by the bytes that it wrote down: the split of today's listing may be another. `false` for a run
/// that did not write down what it learnt from.
///
/// # Errors
/// [`cavga_data::Error::Leak`] and [`Error::CalibratedOn`], unless the spec allows leaks.
pub(crate) fn taken(
    run: &RunFolder,
    spec: &DatasetSpec,
    test: &[Sample],
    progress: &mut dyn Progress,
) -> Result<bool> {
    let all = taken::read_all(run)?;
    let taken = taken::worst(&all);
    let says_learnt = all.iter().any(|taken| taken.of == Use::Learnt);
    if taken.is_empty() {
        return Ok(false);
    }
    let of = |sample: &Sample| match sample.sha256() {
        Ok(sha256) => Ok(taken.get(&*sha256).copied()),
        // Told when it is to be scored.
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => Err(error),
    };
    let found = test
        .par_iter()
        .map(of)
        .collect::<cavga_data::Result<Vec<_>>>()?;
    let mut seen = test
        .iter()
        .zip(found)
        .filter_map(|(sample, taken)| Some((sample, taken?)));
    let Some((first, Taken { id: other, of, .. })) = seen.next() else {
        return Ok(says_learnt);
    };
    let more = seen.count();
    if !spec.allow_leaks && *of == Use::Calibrated {
        return Err(Error::CalibratedOn {
            path: first.path().to_owned(),
            other: other.into(),
            more,
        });
    }
    if !spec.allow_leaks {
        return Err(cavga_data::Error::Leak {
            path: first.path().to_owned(),
            other: other.into(),
            same: Same::Bytes,
            more,
        }
        .into());
    }
    let text = format!(
        "{} test images have the bytes of images that the run learnt from or was calibrated on, and are measured on, as in {} and {other}",
        more + 1,
        first.path().display()
    );
    progress.on(Event::Note(&text));
    Ok(says_learnt)
}

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
