//! A folder of masks beside the images: which is whose is told by names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::entry::real_form;
use super::names::{TRIED, Unpaired, pair};
use super::{LISTED, NOTE, Own, folders};
use crate::error::Error;
use crate::mask::MaskSource;

/// Why a file of the masks is not used.
pub(super) const OF_NORMAL: &str = "a mask of a normal image";

impl Own<'_> {
    /// Gives the anomalous images that have no mask yet those in the folder or glob `text`.
    pub(super) fn read_masks(&mut self, text: &str) {
        let found = match folders::find(&self.scan.dataset.root, text) {
            Ok(found) => found,
            Err(problem) => return self.problem(problem),
        };
        // By real path: the folder of the masks may be given by another name than the images'.
        let pool: BTreeSet<PathBuf> = found.images.iter().map(|path| real_form(path)).collect();
        let before = self.entries.len();
        self.entries
            .retain(|entry| !pool.contains(&real_form(&entry.path)));
        let removed = before - self.entries.len();
        let place = self.scan.dataset.root.join(text);
        if removed > 0 {
            let message =
                format!("{removed} masks lie among the images, and are not taken for images");
            self.scan.warn(&place, NOTE, message);
        }
        let names = |path: &PathBuf| path.strip_prefix(&found.base).unwrap_or(path).to_path_buf();
        let masks: Vec<PathBuf> = found.images.iter().map(names).collect();
        self.match_masks(&place, &found.images, &masks);
        for path in found.others {
            self.scan.unused(path, "not an image by its name");
        }
    }

    /// `names`: the masks' paths below their folder.
    fn match_masks(&mut self, place: &Path, masks: &[PathBuf], names: &[PathBuf]) {
        let names: Vec<&Path> = names.iter().map(PathBuf::as_path).collect();
        let pick = |anomalous_alone: bool| -> Vec<usize> {
            let is_wanted = |&at: &usize| {
                self.entries.get(at).is_some_and(|entry| {
                    entry.mask.is_none() && (!anomalous_alone || entry.label.is_anomalous())
                })
            };
            (0..self.entries.len()).filter(is_wanted).collect()
        };
        let below = |picked: &[usize]| -> Vec<&Path> {
            let entries = picked.iter().filter_map(|&at| self.entries.get(at));
            entries.map(|entry| entry.below.as_path()).collect()
        };
        // Some sets have a (black) mask for each normal image too; but a name may be that of an anomalous and of a normal image,
        // so that the anomalous ones are looked at first.
        let mut picked = pick(true);
        let mut pairs = pair(&below(&picked), &names);
        if pairs.is_err() {
            let all = pick(false);
            if let Ok(found) = pair(&below(&all), &names) {
                (picked, pairs) = (all, Ok(found));
            }
        }
        let pairs = match pairs {
            Ok(pairs) => pairs,
            Err(unpaired) => {
                let problem = self.unmatched(place, masks, &picked, unpaired);
                return self.problem(problem);
            }
        };
        let mut used = 0_usize;
        for (mask, image) in masks.iter().zip(&pairs.image_of) {
            let at = picked.get(*image).copied();
            let Some(entry) = at.and_then(|at| self.entries.get_mut(at)) else {
                continue;
            };
            if entry.label.is_anomalous() {
                entry.mask = Some(MaskSource::image(mask.clone()));
                used += 1;
            } else {
                self.scan.unused(mask.clone(), OF_NORMAL);
            }
        }
        let mut message = format!("{used} masks matched by: {}", pairs.rule);
        if used < masks.len() {
            message += &format!("; {} of normal images are not used", masks.len() - used);
        }
        self.scan.warn(place, NOTE, message);
    }

    fn unmatched(
        &self,
        place: &Path,
        masks: &[PathBuf],
        picked: &[usize],
        unpaired: Unpaired,
    ) -> Error {
        let found = match unpaired {
            Unpaired::Ambiguous(rules) => {
                let [first, other] = *rules;
                format!("that they pair differently by \"{first}\" and by \"{other}\"")
            }
            Unpaired::Left {
                rule,
                masks: left,
                images,
            } => {
                let masks = left.iter().filter_map(|&at| masks.get(at));
                let masks = listed(masks.map(PathBuf::as_path), left.len());
                let open = images.iter().filter_map(|&at| picked.get(at));
                let open = open.filter_map(|&at| self.entries.get(at));
                let open = listed(open.map(|entry| entry.path.as_path()), images.len());
                let closest = rule.map_or(String::new(), |rule| format!(", at best by \"{rule}\""));
                format!(
                    "masks that are no one image's, or several one's{closest}: {masks}; images left without: {open}"
                )
            }
        };
        Error::MasksUnmatched {
            path: place.to_path_buf(),
            found,
            tried: TRIED.into(),
        }
    }

    /// Anomalous test images without a mask, where others have one, would count as wholly normal.
    pub(super) fn require_masks(&mut self) {
        let anomalous = || self.entries.iter().filter(|e| e.label.is_anomalous());
        if !anomalous().any(|entry| entry.mask.is_some()) {
            return;
        }
        let without: Vec<&Path> = anomalous()
            .filter(|entry| entry.mask.is_none())
            .map(|entry| entry.path.as_path())
            .collect();
        if let Some(first) = without.first() {
            let problem = Error::ImagesWithoutMask {
                path: first.to_path_buf(),
                count: without.len(),
                list: listed(without.iter().copied(), without.len()),
            };
            self.problem(problem);
        }
    }
}

/// The first few paths, and how many more there are; "none" of none.
pub(super) fn listed<'a>(paths: impl Iterator<Item = &'a Path>, count: usize) -> String {
    let first: Vec<String> = paths
        .take(LISTED)
        .map(|p| p.display().to_string())
        .collect();
    match count.saturating_sub(first.len()) {
        _ if first.is_empty() => "none".into(),
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
