//! What a change comes to: which images come and which go, and the trail that there will be.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use cavga_data::{DatasetSpec, Sample};
use cavga_detect::Detector;

use super::{
    Change, ChangeKind, Trail, TrailImage, Update, UpdateError, UpdateOptions, calibrate, learn,
    learn::Eye, new,
};
use crate::{
    Error, Result,
    error::nearest,
    progress::{Progress, Told},
    run::RunFolder,
};

/// A change that is to be made.
pub(super) struct Plan {
    pub(super) change: Change,
    /// The trail with the change at its end.
    pub(super) trail: Trail,
    /// Images of the folder that were left out, by why.
    pub(super) left_out: BTreeMap<&'static str, usize>,
    /// Images to learn.
    learn: Arc<[Sample]>,
    /// The number of the first of them.
    first: usize,
    /// Images to forget, learnt or held out.
    forget: Vec<TrailImage>,
}

impl Plan {
    /// `path`: the model's.
    pub(super) fn new(
        what: &Update,
        trail: Trail,
        path: &Path,
        options: &UpdateOptions,
        progress: &mut dyn Progress,
    ) -> Result<Self> {
        match what {
            Update::Add(folder) => Self::add(folder, trail, path, options, progress),
            Update::Forget(ids) => Ok(Self::forget(ids, trail, path)?),
        }
    }

    fn add(
        folder: &Path,
        mut trail: Trail,
        path: &Path,
        options: &UpdateOptions,
        progress: &mut dyn Progress,
    ) -> Result<Self> {
        let run = RunFolder::new(path.parent().unwrap_or(Path::new(".")));
        let new = new::images(folder, (&trail, &run), options, progress)?;
        let first = trail.next_number();
        let change =
            Change::now(ChangeKind::Add, new.samples.len()).of(&DatasetSpec::default(), folder);
        let place = trail.begin(change.clone());
        trail.come(place, new.coming, true);
        Ok(Self {
            change,
            trail,
            left_out: new.left_out,
            learn: new.samples.into(),
            first,
            forget: Vec::new(),
        })
    }

    fn forget(ids: &[String], mut trail: Trail, path: &Path) -> Result<Self, UpdateError> {
        for id in ids {
            require(id, &trail, path)?;
        }
        let is_asked = |image: &TrailImage| ids.contains(&image.id);
        let present = trail.learnt().chain(trail.held_out());
        let forget: Vec<_> = present.filter(|image| is_asked(image)).cloned().collect();
        let change = Change::now(ChangeKind::Forget, forget.len());
        let place = trail.begin(change.clone());
        trail.go(place, is_asked);
        if trail.learnt().next().is_none() {
            let path = path.to_owned();
            return Err(UpdateError::NothingLeft { path });
        }
        Ok(Self {
            change,
            first: trail.next_number(),
            trail,
            left_out: BTreeMap::new(),
            learn: Arc::default(),
            forget,
        })
    }

    /// What becomes of a detector. `data`: the dataset of the fit, if it is not where it was.
    pub(super) fn carry_out(
        &self,
        detector: Box<dyn Detector>,
        (path, data): (&Path, Option<&Path>),
        eye: Eye<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Box<dyn Detector>> {
        let learnt = self.forget.iter().filter(|image| image.number.is_some());
        let forget: Vec<_> = learnt.collect();
        if self.learn.is_empty() && forget.is_empty() {
            return Ok(detector);
        }
        let mut learner = detector
            .reopened()
            .ok_or_else(|| Error::from(cavga_detect::Error::NeverForgets))?;
        if !forget.is_empty() {
            let at = (path, &self.trail, data);
            learn::forget(&mut *learner, &forget, at, eye, progress)?;
        }
        if !self.learn.is_empty() {
            learn::add(&mut *learner, &self.learn, self.first, eye, progress)?;
        }
        let mut held_out = eye.held_out(|| calibrate::held_out(path, &self.trail, data));
        let mut observer = Told {
            progress,
            stop: eye.stop,
        };
        learner
            .finish(&mut held_out, &mut observer)
            .map_err(Error::of_method)
    }

    /// Writes down what came of the change.
    pub(super) fn settle(&mut self, detector: &dyn Detector, kept_calibration: bool) {
        self.change.kept_calibration = kept_calibration;
        self.change.measure(detector);
        self.trail.amend(self.change.clone());
    }
}

/// Requires that an image is learnt or held out.
fn require(id: &str, trail: &Trail, path: &Path) -> Result<(), UpdateError> {
    let mut images = trail.images.iter().rev();
    let path = path.to_owned();
    let went = match images.find(|image| image.id == id) {
        Some(TrailImage { went: None, .. }) => return Ok(()),
        Some(TrailImage { went: Some(at), .. }) => trail.changes.get(*at).map(|by| (*at, by)),
        None => None,
    };
    if let Some((change, by)) = went {
        return Err(UpdateError::WentBefore {
            path,
            id: id.to_owned(),
            change,
            kind: by.kind.as_str(),
            time: by.time.clone(),
        });
    }
    let known = trail.learnt().chain(trail.held_out());
    Err(UpdateError::UnknownImage {
        path,
        found: id.to_owned(),
        nearest: nearest(id, known.map(|image| &*image.id)),
    })
}
