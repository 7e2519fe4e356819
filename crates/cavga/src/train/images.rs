//! The images that a run learns from and those that it is calibrated on.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use cavga_data::{
    Calibration, Dataset, DatasetSpec, Draw, Regions, Sample, Tally, TestSample, Train,
    draw_anomalous, hex, hold_out,
};
use sha2::{Digest, Sha256};

use super::{
    copies::{Copies, without_copies},
    taken::{self, Taken},
};
use crate::{
    Error, Result,
    config::{DataConfig, RunConfig},
    feed::{self, Lessons},
    leaks,
    progress::{Event, Progress},
    run::Learnt,
    view::View,
};

/// The images of a run, split.
pub(super) struct Images {
    /// Normal ones and, for a weakly supervised method, behind them the anomalous ones that it learns from.
    pub(super) train: Train,
    /// Normal ones alone.
    pub(super) held_out: Calibration,
    /// They in two halves: what is fitted on held-out images sees the first, and is calibrated on the second. Where they are too few, all
    /// of them and none.
    pub(super) halves: (Calibration, Calibration),
    /// The anomalous ones of `train`, and the test images of their groups.
    pub(super) anomalous: Vec<Learnt>,
    pub(super) fingerprint: String,
    /// SHA-256 of each image's bytes, by id.
    pub(super) sha256: BTreeMap<String, String>,
    pub(super) tally: Tally,
    /// Images that would have been held out, had they not the bytes of others.
    copies: Copies,
    /// What is left to test on, until it was looked through for images that are learnt from.
    rest: Vec<Sample>,
    /// How they come to the network.
    pub(super) view: View,
    /// What there is to learn from in `train`, as [`View::items`].
    pub(super) items: Vec<usize>,
}

/// What a run with these settings would learn from, and hold out.
pub(crate) struct WouldTake {
    /// The fingerprint of what it learns from.
    pub(crate) fingerprint: String,
    /// The images held out.
    pub(crate) held_out: Calibration,
    /// All of them, for what it takes them.
    pub(crate) taken: Vec<Taken>,
    /// The dataset that they are of, and its folder.
    pub(crate) dataset: DatasetSpec,
    pub(crate) data: PathBuf,
}

/// What a run with these settings would take of a dataset.
pub(crate) fn would_take(data: &Path, config: &RunConfig) -> Result<WouldTake> {
    let begun = Images::open(data, config, &AtomicBool::new(false), true, &mut ())?;
    Ok(WouldTake {
        taken: taken::of(&begun),
        fingerprint: begun.fingerprint,
        held_out: begun.held_out,
        dataset: config.data.dataset.clone(),
        data: data.to_owned(),
    })
}

impl Images {
    /// `is_begun`: a run that goes on had its images looked at for leaks when it began.
    pub(super) fn open(
        data: &Path,
        config: &RunConfig,
        stop: &AtomicBool,
        is_begun: bool,
        progress: &mut dyn Progress,
    ) -> Result<Self> {
        let share = config
            .method
            .learns_from_anomalous()
            .then_some(config.data.anomalous);
        // First: a file that cannot be read should not be found after every image was hashed.
        let view = config.data.view()?;
        let dataset = config.data.dataset.open(data)?;
        let mut images = Self::split(
            (dataset, data),
            config.data.held_out,
            share,
            config.train.seed,
        )?;
        if let Some(shots) = config.data.shots {
            let (few, left_out) = images.train.few(shots, config.train.seed);
            images.tally.refuse(left_out, "beyond data.shots");
            let found = few.normal().len();
            if found < shots {
                let text = format!("data.shots = {shots}, of {found} images that are not held out");
                progress.on(Event::Note(&text));
            }
            images.train = few;
        }
        if !is_begun {
            let taken = images.train.iter().chain(&*images.held_out).cloned();
            let (taken, spec) = (taken.collect::<Vec<_>>(), &config.data.dataset);
            let limits = config.data.limits();
            leaks::guard(spec, (&taken, &images.rest), &limits, stop, progress)?;
        }
        images.rest.clear();
        if let Some(text) = images.copies.note() {
            progress.on(Event::Note(&text));
        }
        if let Some(regions) = &view.regions {
            images.fingerprint = with_regions(&images.fingerprint, regions)?;
        }
        images.items = view.items(&images.train, config.data.size)?;
        images.view = view;
        Ok(images)
    }

    /// `anomalous`: the share of the anomalous test images that are learnt from; none for a method that learns from normal
    /// images alone.
    fn split(
        (mut dataset, data): (Dataset, &Path),
        held_out: f64,
        anomalous: Option<f64>,
        seed: u64,
    ) -> Result<Self> {
        let mut tally = dataset.tally();
        let test = std::mem::take(&mut dataset.test);
        let Draw {
            drawn,
            rest,
            left_out,
        } = match anomalous {
            Some(share) => draw(data, test, share, seed)?,
            None => Draw {
                drawn: Vec::new(),
                rest: test,
                left_out: Vec::new(),
            },
        };
        let (rest, left_out) = (unmasked(rest), unmasked(left_out));
        tally.refuse(left_out.len(), "of the group of an image learnt from");
        // Those of their groups are as little to be measured on as they themselves.
        let learnt = learnt(drawn.iter().chain(&left_out))?;
        // A model is made from the images it learns from alone: another test set beside them must not change it, nor masks.
        dataset.test = drawn.iter().cloned().map(without_mask).collect();
        let (fingerprint, digests) = dataset.fingerprint_and_digests()?;
        let learnt_from = dataset.train.iter().chain(&drawn);
        let ids = learnt_from.map(|sample| sample.id.clone());
        let sha256 = ids.zip(digests.iter().map(|digest| hex(digest))).collect();
        let found = dataset.train.len();
        let (train, held_out) = hold_out(dataset.train, held_out, seed);
        let (held_out, copies) = without_copies(&train, held_out, &sha256);
        tally.refuse(copies.left_out, "held out, and a copy of another image");
        if held_out.is_empty() {
            // One image to learn from, and one to know what scores normal images get.
            return Err(Error::TooFewImages {
                path: data.to_owned(),
                what: "normal images",
                found,
                needed: 2,
            });
        }
        let train = train.iter().cloned().chain(drawn).collect::<Vec<_>>();
        Ok(Self {
            view: View::default(),
            items: (0..train.len()).collect(),
            train: train.into(),
            halves: halves(&held_out, seed),
            held_out,
            anomalous: learnt,
            fingerprint,
            sha256,
            tally,
            copies,
            rest,
        })
    }

    /// What a training learns from.
    pub(super) fn lessons(&self) -> Lessons<'_> {
        Lessons {
            samples: &self.train,
            items: &self.items,
            view: &self.view,
        }
    }

    /// Decodes those held out of training once. They are needed only after the last pass, and whoever mends an image then
    /// has another dataset, with which the finished training cannot go on.
    ///
    /// `false` if the stop flag was raised.
    pub(super) fn read_held_out(
        &self,
        data: &DataConfig,
        stop: &AtomicBool,
        progress: &mut dyn Progress,
    ) -> Result<bool> {
        let regions = self.view.regions.as_ref();
        progress.on(Event::Begin {
            stage: "reading held-out images",
            total: self.held_out.len() as u64,
            done: 0,
        });
        for (index, batch) in feed::plain(self.held_out.clone(), data, regions, 1)?.enumerate() {
            batch?;
            if stop.load(Ordering::Relaxed) {
                progress.on(Event::End);
                return Ok(false);
            }
            progress.on(Event::Advance {
                done: index as u64 + 1,
            });
        }
        progress.on(Event::End);
        Ok(true)
    }
}

/// Held-out images to fit on, and others to ask about what was fitted; all and none where they are fewer than
/// [`FEWEST_TO_HALVE`](super::FEWEST_TO_HALVE), or all of one group.
fn halves(held_out: &Calibration, seed: u64) -> (Calibration, Calibration) {
    let (fit, rest) = held_out.halves(seed);
    match held_out.len() < super::FEWEST_TO_HALVE || fit.is_empty() || rest.is_empty() {
        true => (held_out.clone(), Vec::new().into()),
        false => (fit, rest),
    }
}

/// The fingerprint of images of which a part counts: theirs, and all that says which part.
fn with_regions(fingerprint: &str, regions: &Regions) -> Result<String> {
    let regions = serde_json::to_vec(regions).map_err(|error| Error::Config {
        origin: "data.regions".to_owned(),
        why: error.to_string(),
    })?;
    let mut hash = Sha256::new();
    hash.update(fingerprint);
    hash.update(regions);
    Ok(hex(&hash.finalize()))
}

/// Draws the anomalous test images to learn from; an error where there would be none, or none left to find.
fn draw(data: &Path, test: Vec<TestSample>, share: f64, seed: u64) -> Result<Draw> {
    require_anomalous(data, &test)?;
    let draw = draw_anomalous(test, share, seed);
    if draw.drawn.is_empty() {
        return Err(Error::TooFewImages {
            path: data.to_owned(),
            what: "groups of anomalous test images (a weakly supervised method learns from some and is tested on the others)",
            found: 1,
            needed: 2,
        });
    }
    Ok(draw)
}

/// Requires as many anomalous test images as a weakly supervised method needs to learn from one and find another.
pub(crate) fn require_anomalous(data: &Path, test: &[TestSample]) -> Result<()> {
    let is_anomalous = |test: &&TestSample| test.sample.label.is_anomalous();
    let found = test.iter().filter(is_anomalous).count();
    if found < 2 {
        return Err(Error::TooFewImages {
            path: data.to_owned(),
            what: "anomalous test images (in test/<kind>; a weakly supervised method learns from some and is tested on the \
                   others)",
            found,
            needed: 2,
        });
    }
    Ok(())
}

fn learnt<'a>(samples: impl Iterator<Item = &'a Sample>) -> Result<Vec<Learnt>> {
    let learnt = samples.map(|sample| {
        Ok(Learnt {
            id: sample.id.clone(),
            sha256: sample.sha256()?,
        })
    });
    learnt.collect()
}

fn unmasked(test: Vec<TestSample>) -> Vec<Sample> {
    test.into_iter().map(|test| test.sample).collect()
}

fn without_mask(sample: Sample) -> TestSample {
    TestSample { sample, mask: None }
}
