//! The audit trail of a model: which images it learnt, which were held out, and by which change each came and went.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use cavga_data::{Augment, DatasetSpec};
use cavga_detect::Detector;
use serde::{Deserialize, Serialize};

use super::time;
use crate::run::absolute;

/// Every image that a model learnt or that was held out, and every change of it, kept in the model file of a method whose models can be updated.
///
/// It remembers the name and the digest of what was forgotten, too: numbers of images never shift, and whoever asks can be told that an
/// image was learnt once, and since when it is no more. Of the image itself nothing is in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trail {
    /// The changes, in the order of time; the first is the fit.
    pub changes: Vec<Change>,
    /// The images, in the order in which they came.
    pub images: Vec<TrailImage>,
}

/// An image of a trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrailImage {
    /// Of the fit, its path relative to the dataset's root; of a later change, that below the change's folder, behind `add-<n>/` or
    /// `calibrate-<n>/`, n being the change's place among the changes.
    pub id: String,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// Its number among the images learnt, as the method knows it, from 0; `None` of an image held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<usize>,
    /// The place of the change that it came by.
    pub came: usize,
    /// The place of the change that it went by; `None` if it is still there. The one that it came by, if its file was gone when it was to be
    /// learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub went: Option<usize>,
}

/// What changed a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was trained.
    Fit,
    /// It learnt further images.
    Add,
    /// It forgot images.
    Forget,
    /// Other images took the place of those held out.
    Calibrate,
}

impl ChangeKind {
    /// As files and tables write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fit => "fit",
            Self::Add => "add",
            Self::Forget => "forget",
            Self::Calibrate => "calibrate",
        }
    }
}

/// A change of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What was done.
    pub kind: ChangeKind,
    /// When, as RFC 3339 writes it, in UTC; of what `SOURCE_DATE_EPOCH` says, if it is set.
    pub time: String,
    /// The version of this library.
    pub version: String,
    /// The folder that its images are from, absolute; `None` of one that brought none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Which images of the folder were meant.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dataset: DatasetSpec,
    /// How many images came, or went.
    pub images: usize,
    /// Passes over the images that were learnt.
    pub passes: usize,
    /// Whether images were changed at random when they were learnt.
    #[serde(default, skip_serializing_if = "is_default")]
    pub augmented: bool,
    /// Whether thresholds, scales and p-values are still those of before, as the images held out were not scored again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kept_calibration: bool,
    /// What the method measured of what it knows then, by name: of a memory bank its `rows` and its `radius`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, f64>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An image that comes: its id below the folder that it is from, and SHA-256 of its bytes.
pub(crate) type Coming = (String, String);

impl Change {
    /// A change that happens now.
    pub(crate) fn now(kind: ChangeKind, images: usize) -> Self {
        Self {
            kind,
            time: time::now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            folder: None,
            dataset: DatasetSpec::default(),
            images,
            passes: usize::from(kind == ChangeKind::Add),
            augmented: false,
            kept_calibration: false,
            facts: BTreeMap::new(),
        }
    }

    /// Its images are these of this folder.
    pub(crate) fn of(self, dataset: &DatasetSpec, folder: &Path) -> Self {
        Self {
            folder: Some(absolute(folder).display().to_string()),
            dataset: dataset.clone(),
            ..self
        }
    }

    /// They were learnt in so many passes, changed at random like this.
    pub(crate) fn learnt_in(self, passes: usize, augment: Augment) -> Self {
        Self {
            passes,
            augmented: augment != Augment::default(),
            ..self
        }
    }

    /// Takes down what the detector measured.
    pub(crate) fn measure(&mut self, detector: &dyn Detector) {
        let facts = detector.facts().into_iter();
        // A file has no other numbers.
        let finite = facts.filter(|(_, value)| value.is_finite());
        self.facts = finite.map(|(name, v)| (name.to_owned(), v)).collect();
    }
}

impl Trail {
    /// That of a model which was just trained. `learnt`: in the order of their numbers; `gone`: the numbers of those that were not there when
    /// they were to be learnt.
    pub(crate) fn fitted(
        change: Change,
        learnt: Vec<Coming>,
        gone: &BTreeSet<usize>,
        held_out: Vec<Coming>,
    ) -> Self {
        let mut trail = Self::default();
        let place = trail.begin(change);
        trail.come(place, learnt, true);
        for &number in gone {
            if let Some(image) = trail.images.get_mut(number) {
                image.went = Some(place);
            }
        }
        trail.come(place, held_out, false);
        trail
    }

    /// Images that are learnt and not forgotten.
    pub fn learnt(&self) -> impl Iterator<Item = &TrailImage> {
        self.present().filter(|image| image.number.is_some())
    }

    /// Images that are held out, and neither forgotten nor replaced.
    pub fn held_out(&self) -> impl Iterator<Item = &TrailImage> {
        self.present().filter(|image| image.number.is_none())
    }

    /// Whether an image of these bytes may be held out: it is not learnt, nor was it forgotten on demand.
    pub(crate) fn may_hold_out(&self, sha256: &str) -> bool {
        let is_against = |image: &TrailImage| {
            let went = image.went.and_then(|place| self.changes.get(place));
            match went {
                Some(change) => change.kind == ChangeKind::Forget,
                None => image.number.is_some(),
            }
        };
        let images = self.images.iter();
        let mut same = images.filter(|image| image.sha256 == sha256);
        !same.any(is_against)
    }

    fn present(&self) -> impl Iterator<Item = &TrailImage> {
        self.images.iter().filter(|image| image.went.is_none())
    }

    /// The number of the next image that is learnt.
    pub(crate) fn next_number(&self) -> usize {
        let numbers = self.images.iter().filter_map(|image| image.number);
        numbers.max().map_or(0, |number| number + 1)
    }

    /// Writes a change down; its place.
    pub(crate) fn begin(&mut self, change: Change) -> usize {
        self.changes.push(change);
        self.changes.len() - 1
    }

    /// Says the last change otherwise.
    pub(crate) fn amend(&mut self, change: Change) {
        if let Some(last) = self.changes.last_mut() {
            *last = change;
        }
    }

    /// Images come by the change at `place`, to be learnt or held out.
    pub(crate) fn come(&mut self, place: usize, images: Vec<Coming>, learnt: bool) {
        let (first, prefix) = (self.next_number(), self.prefix(place));
        let new = images.into_iter().enumerate();
        self.images.extend(new.map(|(at, (id, sha256))| TrailImage {
            id: prefix.clone() + &id,
            sha256,
            number: learnt.then_some(first + at),
            came: place,
            went: None,
        }));
    }

    /// The images that are there and of which `goes` is true go by the change at `place`.
    pub(crate) fn go(&mut self, place: usize, goes: impl Fn(&TrailImage) -> bool) {
        for image in &mut self.images {
            if image.went.is_none() && goes(image) {
                image.went = Some(place);
            }
        }
    }

    /// What the ids of the images that came by a change begin with.
    pub(crate) fn prefix(&self, place: usize) -> String {
        match self.changes.get(place).map(|change| change.kind) {
            None | Some(ChangeKind::Fit) => String::new(),
            Some(kind) => format!("{}-{place}/", kind.as_str()),
        }
    }

    /// What is wrong with it as read from a file.
    pub(crate) fn check(&self) -> Result<(), String> {
        let changes = self.changes.len();
        for image in &self.images {
            let last = image.went.unwrap_or(image.came);
            if !(image.came..changes).contains(&last) {
                return Err(format!("its trail has {} from no change", image.id));
            }
        }
        let numbers = self.images.iter().filter_map(|image| image.number);
        match numbers.enumerate().all(|(at, number)| at == number) {
            true => Ok(()),
            false => Err("the numbers of the images in its trail are not in order".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coming(ids: &str) -> Vec<Coming> {
        let ids = ids.chars().map(String::from);
        ids.map(|id| (format!("{id}.png"), id)).collect()
    }

    fn ids<'a>(images: impl Iterator<Item = &'a TrailImage>) -> Vec<&'a str> {
        images.map(|image| image.id.as_str()).collect()
    }

    #[test]
    fn numbers_go_on_behind_those_of_images_that_went() {
        let gone = BTreeSet::from([1]);
        let fit = Change::now(ChangeKind::Fit, 3);
        let mut trail = Trail::fitted(fit, coming("abc"), &gone, coming("x"));
        assert_eq!(ids(trail.learnt()), ["a.png", "c.png"]);
        let place = trail.begin(Change::now(ChangeKind::Forget, 1));
        trail.go(place, |image| image.id == "c.png");
        let place = trail.begin(Change::now(ChangeKind::Add, 1));
        trail.come(place, coming("c"), true);
        assert_eq!(ids(trail.learnt()), ["a.png", "add-2/c.png"]);
        assert_eq!(trail.images.last().unwrap().number, Some(3));
        assert_eq!(trail.next_number(), 4);
        let place = trail.begin(Change::now(ChangeKind::Calibrate, 1));
        trail.go(place, |image| image.number.is_none());
        trail.come(place, coming("y"), false);
        assert_eq!(ids(trail.held_out()), ["calibrate-3/y.png"]);
        trail.check().unwrap();
        let text = serde_json::to_string(&trail).unwrap();
        assert_eq!(serde_json::from_str::<Trail>(&text).unwrap(), trail);
    }

    #[test]
    fn a_trail_that_contradicts_itself_is_told() {
        let fit = || Change::now(ChangeKind::Fit, 2);
        let trail = Trail::fitted(fit(), coming("ab"), &BTreeSet::new(), coming("x"));
        let mut other = trail.clone();
        other.images[1].number = Some(3);
        assert!(other.check().unwrap_err().contains("not in order"));
        let mut other = trail.clone();
        other.images[2].went = Some(1);
        assert!(other.check().unwrap_err().contains("x.png from no change"));
    }
}
