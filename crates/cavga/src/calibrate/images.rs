//! The images to calibrate on: other normal images that the run did not learn from, or those that it held out itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use cavga_data::{DatasetSpec, Sample};
use rayon::prelude::*;

use crate::{
    Error, Result,
    progress::{Event, Progress},
    run::RunFolder,
    train::{
        taken::{self, Taken, Use},
        would_take,
    },
};

const LEARNT: &str = "the run learnt from it";
const FITTED: &str = "the run fitted scores on it";
const COPY: &str = "a copy of another";

/// Images to calibrate on.
#[derive(Default)]
pub(super) struct Fresh {
    pub(super) samples: Arc<[Sample]>,
    /// Whether they are those that the run itself held out.
    pub(super) is_own: bool,
    /// As the run writes them down.
    pub(super) taken: Vec<Taken>,
    /// Images that were left out, by why.
    pub(super) left_out: BTreeMap<&'static str, usize>,
}

/// The normal training images of a folder, without those that the run learnt from, told by their bytes, and without copies: an image
/// that is there twice would count twice.
pub(super) fn fresh(
    (spec, data): (&DatasetSpec, &Path),
    run: &RunFolder,
    progress: &mut dyn Progress,
) -> Result<Fresh> {
    let listed = spec.open(data)?.train;
    let hashes = listed
        .par_iter()
        .map(Sample::sha256)
        .collect::<cavga_data::Result<Vec<_>>>()?;
    let known = taken::read_all(run)?;
    if known.is_empty() {
        progress.on(Event::Note(
            "cannot tell whether images were learnt from: there is no images.csv of the run beside the model; none may be",
        ));
    }
    // A run of an earlier version fitted on all that it held out, and did not say so.
    let says_fitted = known.iter().any(|taken| taken.of == Use::Fitted);
    let seen_before: BTreeMap<&str, Use> = known
        .iter()
        .map(|taken| (taken.sha256.as_str(), taken.of))
        .collect();
    let mut found = Fresh::default();
    let mut samples = Vec::new();
    let mut copies = BTreeSet::new();
    for (sample, sha256) in listed.into_iter().zip(hashes) {
        let why = match seen_before.get(sha256.as_str()) {
            Some(Use::Learnt) => Some(LEARNT),
            Some(Use::Fitted) => Some(FITTED),
            Some(Use::HeldOut) if !says_fitted => Some(FITTED),
            _ if copies.contains(&sha256) => Some(COPY),
            _ => None,
        };
        if let Some(why) = why {
            *found.left_out.entry(why).or_default() += 1;
            continue;
        }
        copies.insert(sha256.clone());
        found.taken.push(Taken {
            id: sample.path().display().to_string(),
            of: Use::Calibrated,
            sha256,
        });
        samples.push(sample);
    }
    for (why, count) in &found.left_out {
        let text = format!("images left out: {count} ({why})");
        progress.on(Event::Note(&text));
    }
    if samples.is_empty() {
        return Err(Error::TooFewImages {
            path: data.to_owned(),
            what: "normal images to calibrate on that the run did not learn from (test images are none)",
            found: 0,
            needed: 1,
        });
    }
    found.samples = samples.into();
    Ok(found)
}

/// The images that the run held out, for a model that does not know their scores: those of its dataset, if that is what it was.
pub(super) fn own(
    run: &RunFolder,
    model: &Path,
    fingerprint: &str,
    progress: &mut dyn Progress,
) -> Result<Fresh> {
    let why = |why: &str| Error::Config {
        origin: model.display().to_string(),
        why: format!(
            "it holds no scores of held-out images, and {why}; give normal images that the run did not learn from with --data"
        ),
    };
    if !run.record().is_file() {
        return Err(why("no run.toml beside it says where those images are"));
    }
    let (config, record) = run.read_record()?;
    progress.on(Event::Note(
        "the model holds no scores of held-out images: looking for those images",
    ));
    let images = would_take(&record.data, &config);
    let images =
        images.map_err(|error| why(&format!("the run's images cannot be read: {error}")))?;
    if images.fingerprint != fingerprint {
        let text = format!(
            "{} holds other images than the run's",
            record.data.display()
        );
        return Err(why(&text));
    }
    Ok(Fresh {
        samples: images.held_out.into(),
        is_own: true,
        ..Fresh::default()
    })
}
