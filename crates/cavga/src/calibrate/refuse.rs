//! What no threshold is chosen on, and what is not learnt later: test images of the run, and anomalous images.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use cavga_data::{DatasetSpec, Leak, Limits, Same, Sample, leaks};

use crate::{
    Error, Result,
    progress::{Event, Progress},
    run::RunFolder,
};

/// What is refused, and why.
pub(crate) struct Refused {
    /// The image or folder.
    pub(crate) path: PathBuf,
    /// What it is.
    pub(crate) why: String,
    /// Further images that are the like.
    pub(crate) more: usize,
}

impl Refused {
    /// As who chooses thresholds says it.
    pub(super) fn into_calibration_error(self) -> Error {
        let Self { path, why, more } = self;
        Error::NotToCalibrateOn { path, why, more }
    }
}

/// Refuses a plain folder that is one of a dataset's folders of anomalous test images.
pub(crate) fn anomalous_folder(spec: &DatasetSpec, data: &Path) -> Option<Refused> {
    if spec.name.is_some() || spec.is_own() {
        return None;
    }
    let kind = anomalous_kind(data)?;
    Some(Refused {
        path: data.to_owned(),
        why: format!("a folder of test images, anomalous ones of the kind {kind:?}"),
        more: 0,
    })
}

/// The kind of the folder `ROOT/test/KIND`, beside `ROOT/train`.
fn anomalous_kind(data: &Path) -> Option<String> {
    let data = data.canonicalize().ok()?;
    let (kind, test) = (data.file_name()?, data.parent()?);
    let is_kind = test.file_name() == Some(OsStr::new("test"))
        && kind != "good"
        && test.parent()?.join("train").is_dir();
    is_kind.then(|| kind.to_string_lossy().into_owned())
}

/// Refuses images of which one is a test image of the run's dataset, by its bytes or its pixels.
pub(crate) fn test_images(
    run: &RunFolder,
    samples: &[Sample],
    (limits, stop): (&Limits, &AtomicBool),
    progress: &mut dyn Progress,
) -> Result<Option<Refused>> {
    let test = tested_on(run, progress);
    if test.is_empty() {
        return Ok(None);
    }
    progress.on(Event::Begin {
        stage: "looking for test images among them",
        total: (test.len() + samples.len()) as u64,
        done: 0,
    });
    // The same look as at training images in a test set, the other way about.
    let found = leaks(&test, samples, limits, stop);
    progress.on(Event::End);
    let found = match found {
        Err(error) if test.iter().any(|test| error.path() == Some(test.path())) => {
            let text = format!(
                "images are compared with the run's test images by their bytes alone, as one cannot be read: {error}"
            );
            progress.on(Event::Note(&text));
            by_bytes(&test, samples)?
        }
        found => found?.ok_or(Error::Stopped)?.between,
    };
    let Some(Leak {
        train,
        test: at,
        same,
        ..
    }) = found.first()
    else {
        return Ok(None);
    };
    let path = |samples: &[Sample], at: &usize| {
        let sample = samples.get(*at);
        sample.map_or_else(Default::default, |sample| sample.path().to_owned())
    };
    Ok(Some(Refused {
        path: path(samples, at),
        why: format!(
            "a test image of the run, of the same {same} as {}",
            path(&test, train).display()
        ),
        more: found.len() - 1,
    }))
}

/// The test images of the run's dataset; none, and a word of it, where they cannot be told.
fn tested_on(run: &RunFolder, progress: &mut dyn Progress) -> Vec<Sample> {
    if !run.record().is_file() {
        return Vec::new();
    }
    let dataset = run
        .read_record()
        .and_then(|(config, record)| Ok(config.data.dataset.open(&record.data)?));
    match dataset {
        Ok(dataset) => dataset.test.into_iter().map(|test| test.sample).collect(),
        Err(error) => {
            let text = format!(
                "cannot tell whether images are test images of the run, as its dataset cannot be read: {error}; none may be"
            );
            progress.on(Event::Note(&text));
            Vec::new()
        }
    }
}

/// What [`leaks`] finds without decoding anything.
fn by_bytes(test: &[Sample], samples: &[Sample]) -> Result<Vec<Leak>> {
    let mut places = BTreeMap::new();
    for (train, sample) in test.iter().enumerate() {
        match sample.sha256() {
            Ok(hash) => drop(places.insert(hash, train)),
            Err(error) if error.is_gone() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut found = Vec::new();
    for (test, sample) in samples.iter().enumerate() {
        if let Some(&train) = places.get(&sample.sha256()?) {
            found.push(Leak {
                train,
                test,
                same: Same::Bytes,
            });
        }
    }
    Ok(found)
}
