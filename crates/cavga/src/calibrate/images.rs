//! The images to calibrate on: other normal images that the run did not learn from, or those that it held out itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use cavga_data::{DatasetSpec, ImageSource, Sample};
use rayon::prelude::*;

use super::{
    CalibrateOptions,
    known::{may_be_fitted, run_images, says_fitted},
    refuse::{self, Refused},
};
use crate::{
    Error, Result,
    progress::{Event, Progress},
    run::RunFolder,
    train::taken::{self, Taken, Use},
    update::{Change, ChangeKind, Coming, Trail},
};

const LEARNT: &str = "the run learnt from it";
const FITTED: &str = "the run fitted scores on it";
const COPY: &str = "a copy of another";

/// Images to calibrate on.
#[derive(Default)]
pub(super) struct Images {
    pub(super) samples: Arc<[Sample]>,
    /// Of each, whether the run may have fitted scores on it: of these scores it says nothing.
    pub(super) is_fitted: Vec<bool>,
    /// As the run writes them down.
    pub(super) taken: Vec<Taken>,
    /// As the model's trail writes them down, and the dataset that they are of.
    coming: Vec<Coming>,
    of: (DatasetSpec, PathBuf),
    /// Images that were left out, by why.
    pub(super) left_out: BTreeMap<&'static str, usize>,
}

impl Images {
    /// How many say something of a score: of one that is fitted, those that it was not fitted on.
    pub(super) fn count(&self, fitted: bool) -> usize {
        let counts = self.is_fitted.iter().filter(|of| !(fitted && **of));
        counts.count()
    }

    /// Writes down that they take the place of the images held out, in the trail of a model that has one.
    pub(super) fn note_in(&self, trail: Option<&mut Trail>) {
        let Some(trail) = trail else { return };
        let (dataset, folder) = &self.of;
        let change = Change::now(ChangeKind::Calibrate, self.coming.len());
        let place = trail.begin(change.of(dataset, folder));
        trail.go(place, |image| image.number.is_none());
        trail.come(place, self.coming.clone(), false);
    }

    /// Tells what was left out, and leaves out what was fitted on where there is nothing else.
    fn tell(&mut self, samples: &mut Vec<Sample>, progress: &mut dyn Progress) {
        let fitted = self.is_fitted.iter().filter(|of| **of).count();
        if fitted == samples.len() && fitted > 0 {
            self.left_out.insert(FITTED, fitted);
            samples.clear();
        } else if fitted > 0 {
            let text = format!(
                "images on which the run fitted scores, and that say nothing of these: {fitted}"
            );
            progress.on(Event::Note(&text));
        }
        for (why, count) in &self.left_out {
            let text = format!("images left out: {count} ({why})");
            progress.on(Event::Note(&text));
        }
    }

    /// Takes an image in, and gives it as it is to be scored.
    fn take(&mut self, mut sample: Sample, sha256: String, is_fitted: bool) -> Sample {
        let path = sample.path().display().to_string();
        let id = sample.id.clone();
        if let ImageSource::File(_) = sample.source {
            // As `predict` calls it, so that the same camera of a model with regions claims it.
            sample.id.clone_from(&path);
        }
        self.coming.push((id, sha256.clone()));
        self.taken.push(Taken {
            id: path,
            of: Use::Calibrated,
            sha256,
        });
        self.is_fitted.push(is_fitted);
        sample
    }
}

/// The normal training images of a folder, without those that the run learnt from, told by their bytes, and without copies: an image
/// that is there twice would count twice. None may be a test image of the run.
pub(super) fn fresh(
    data: &Path,
    (run, known, trail): (&RunFolder, &[Taken], Option<&Trail>),
    options: &CalibrateOptions,
    progress: &mut dyn Progress,
) -> Result<Images> {
    let allowed = |refused: Option<Refused>| match refused {
        Some(refused) => Err(refused.into_calibration_error()),
        None => Ok(()),
    };
    allowed(refuse::anomalous_folder(&options.dataset, data))?;
    let listed = options.dataset.open_normal(data)?.train;
    let hashes = listed
        .par_iter()
        .map(Sample::sha256)
        .collect::<cavga_data::Result<Vec<_>>>()?;
    let (seen_before, says_fitted) = (taken::worst(known), says_fitted(known));
    let learnt = trail.into_iter().flat_map(Trail::learnt);
    let learnt: BTreeSet<_> = learnt.map(|image| &*image.sha256).collect();
    let mut found = Images {
        of: (options.dataset.clone(), data.to_owned()),
        ..Images::default()
    };
    let (mut samples, mut copies) = (Vec::new(), BTreeSet::new());
    for (sample, sha256) in listed.into_iter().zip(hashes) {
        let of = seen_before.get(&*sha256).map(|taken| taken.of);
        let why = match of {
            Some(Use::Learnt) => Some(LEARNT),
            _ if learnt.contains(&*sha256) => Some(LEARNT),
            _ if copies.contains(&sha256) => Some(COPY),
            _ => None,
        };
        if let Some(why) = why {
            *found.left_out.entry(why).or_default() += 1;
            continue;
        }
        copies.insert(sha256.clone());
        let is_fitted = of.is_some_and(|of| may_be_fitted(of, says_fitted));
        samples.push(found.take(sample, sha256, is_fitted));
    }
    found.tell(&mut samples, progress);
    if samples.is_empty() {
        return Err(Error::TooFewImages {
            path: data.to_owned(),
            what: "normal images to calibrate on that the run did not learn from (test images are none)",
            found: 0,
            needed: 1,
        });
    }
    let how = (&options.limits, &*options.stop);
    allowed(refuse::test_images(run, &samples, how, progress)?)?;
    found.samples = samples.into();
    Ok(found)
}

/// The images that the run held out, those of its dataset, if that is what it was.
pub(super) fn own(
    (run, known, trail): (&RunFolder, &[Taken], Option<&Trail>),
    model: &Path,
    fingerprint: &str,
    progress: &mut dyn Progress,
) -> Result<Images> {
    progress.on(Event::Note("looking for the images that the run held out"));
    let images = run_images(run, fingerprint).map_err(|why| Error::Config {
        origin: model.display().to_string(),
        why: format!(
            "the images that the run held out are to be scored, and {why}; give normal images that the run did not learn from with \
             --data"
        ),
    })?;
    let hashes: BTreeMap<_, _> = images
        .taken
        .iter()
        .map(|taken| (&*taken.id, &*taken.sha256))
        .collect();
    let (seen_before, says_fitted) = (taken::worst(known), says_fitted(known));
    let is_fitted = |sample: &Sample| {
        let taken = hashes
            .get(&*sample.id)
            .and_then(|hash| seen_before.get(hash));
        match taken.map(|taken| taken.of) {
            // Calibrated on since, as an image that nothing was fitted on.
            Some(Use::Calibrated) => false,
            of => may_be_fitted(of.unwrap_or(Use::HeldOut), says_fitted && of.is_some()),
        }
    };
    // Learnt since, or forgotten on demand: neither is held out again.
    let stays = |sample: &&Sample| {
        let sha256 = hashes.get(&*sample.id);
        trail.is_none_or(|trail| sha256.is_none_or(|sha256| trail.may_hold_out(sha256)))
    };
    let samples: Vec<_> = images.held_out.iter().filter(stays).cloned().collect();
    if samples.is_empty() {
        return Err(Error::TooFewImages {
            path: images.data,
            what: "images that the run held out and that the model neither learnt since nor forgot",
            found: 0,
            needed: 1,
        });
    }
    let coming = samples.iter().map(|sample| {
        let sha256 = hashes.get(&*sample.id).copied().unwrap_or_default();
        (sample.id.clone(), sha256.to_owned())
    });
    Ok(Images {
        is_fitted: samples.iter().map(is_fitted).collect(),
        coming: coming.collect(),
        of: (images.dataset, images.data),
        samples: samples.into(),
        ..Images::default()
    })
}
