//! Images held out of training that are copies of others: of one that is learnt from, a score says nothing of new images, and one that is
//! there twice would count twice, or be fitted on and asked about what was fitted.

use std::collections::{BTreeMap, BTreeSet};

use cavga_data::{Calibration, Sample, Train};

/// What became of copies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Copies {
    /// So many are not held out.
    pub(super) left_out: usize,
    /// All that are held out are copies of images learnt from: there are no others.
    all: bool,
}

impl Copies {
    /// In words; `None` if there are none.
    pub(super) fn note(self) -> Option<String> {
        if self.all {
            return Some(
                "all images held out of training are copies of images learnt from: thresholds and p-values say nothing of new images"
                    .to_owned(),
            );
        }
        (self.left_out > 0).then(|| {
            format!(
                "held-out images left out: {} (copies of images that are learnt from or held out)",
                self.left_out
            )
        })
    }
}

/// The images held out without copies, told by their bytes (`sha256`, by id); all of them where nothing else would be left.
pub(super) fn without_copies(
    train: &Train,
    held_out: Calibration,
    sha256: &BTreeMap<String, String>,
) -> (Calibration, Copies) {
    let hash = |sample: &Sample| sha256.get(&sample.id);
    let mut seen: BTreeSet<_> = train.iter().filter_map(hash).collect();
    let is_new = |sample: &&Sample| hash(sample).is_none_or(|hash| seen.insert(hash));
    let rest: Vec<_> = held_out.iter().filter(is_new).cloned().collect();
    let left_out = held_out.len() - rest.len();
    match (left_out, rest.is_empty()) {
        (0, _) => (held_out, Copies::default()),
        (_, true) => (
            held_out,
            Copies {
                left_out: 0,
                all: true,
            },
        ),
        (_, false) => (
            rest.into(),
            Copies {
                left_out,
                all: false,
            },
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use cavga_data::Label;

    use super::*;

    /// A copy of a training image among the held-out ones gave a threshold that was too low.
    #[test]
    fn copies_of_images_learnt_from_are_not_held_out() {
        let samples = |ids: &str| -> Vec<Sample> {
            let sample = |id: char| Sample::new(id, PathBuf::from(id.to_string()), Label::Normal);
            ids.chars().map(sample).collect()
        };
        // By its letter: lower and upper case have the same bytes.
        let sha256 = "abcdABCD"
            .chars()
            .map(|id| (id.to_string(), id.to_lowercase().to_string()))
            .collect();
        let without = |train: &str, held_out: &str| {
            let train = samples(train).into();
            let (rest, copies) = without_copies(&train, samples(held_out).into(), &sha256);
            let ids: String = rest.iter().map(|sample| sample.id.as_str()).collect();
            (ids, copies.left_out, copies.note().is_some())
        };
        assert_eq!(without("ab", "cd"), ("cd".into(), 0, false));
        assert_eq!(without("ab", "AcCd"), ("cd".into(), 2, true));
        assert_eq!(without("ab", "AB"), ("AB".into(), 0, true));
    }
}
