//! The normal pixels of all images, read as one multiset of scores.

use std::collections::BTreeMap;

use crate::counts::{Counts, Cursor};

/// Sets that are read side by side; more are put together, since every step looks at each.
const SIDE_BY_SIDE: usize = 4;

/// Scores of the pixels of normal images, by how many of an image's count: its false-positive rate is a share of those.
#[derive(Clone, Debug, Default)]
pub(super) struct NormalImages(BTreeMap<u64, (u64, Counts)>);

impl NormalImages {
    pub(super) fn push(&mut self, keys: impl Iterator<Item = u32> + Clone) {
        let pixels = keys.clone().count() as u64;
        if pixels > 0 {
            let (images, counts) = self.0.entry(pixels).or_default();
            *images += 1;
            keys.for_each(|key| counts.add_one(key));
        }
    }

    pub(super) fn absorb(&mut self, other: Self) {
        for (pixels, (images, counts)) in other.0 {
            let (own, own_counts) = self.0.entry(pixels).or_default();
            *own += images;
            own_counts.absorb(counts);
        }
    }

    /// How many images there are.
    pub(super) fn images(&self) -> u64 {
        self.0.values().map(|(images, _)| images).sum()
    }

    /// A cursor for the images of each number of pixels, and that number.
    pub(super) fn cursors(&self) -> Vec<(u64, Cursor<'_>)> {
        let each = self.0.iter();
        each.map(|(pixels, (_, counts))| (*pixels, counts.cursor()))
            .collect()
    }
}

/// The normal pixels of all images.
#[derive(Debug)]
pub(crate) struct Normal {
    /// Those of images that have anomalous pixels too; or, where there are many sets, all.
    first: Counts,
    images: NormalImages,
    /// Whether `first` holds all.
    together: bool,
}

impl Normal {
    /// Makes them ready to be read.
    pub(super) fn new(around: Counts, mut images: NormalImages) -> Self {
        images
            .0
            .values_mut()
            .for_each(|(_, counts)| counts.settle());
        let mut first = around;
        let together = images.0.len() >= SIDE_BY_SIDE;
        if together {
            images
                .0
                .values()
                .for_each(|(_, counts)| first.absorb(counts.clone()));
        }
        first.settle();
        Self {
            first,
            images,
            together,
        }
    }

    /// Those of normal images.
    pub(super) fn images(&self) -> &NormalImages {
        &self.images
    }

    fn sets(&self) -> impl Iterator<Item = &Counts> {
        let others = self.images.0.values().map(|(_, counts)| counts);
        core::iter::once(&self.first).chain(others.filter(|_| !self.together))
    }

    /// How many there are.
    pub(crate) fn total(&self) -> u64 {
        self.sets().map(Counts::total).sum()
    }

    /// Counts keys below ever higher ones.
    pub(crate) fn cursor(&self) -> Cursors<'_> {
        Cursors {
            sets: self.sets().map(Counts::cursor).collect(),
            next: 0,
            passed: 0,
        }
    }

    /// The highest key below `key`, at or above `from`.
    pub(crate) fn last_below(&self, key: u64, from: u64) -> Option<u32> {
        self.sets()
            .filter_map(|counts| counts.last_below(key, from))
            .max()
    }

    /// The distinct keys, ascending, with their counts.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u32, u64)> {
        let mut sets: Vec<_> = self
            .sets()
            .map(|counts| counts.entries().peekable())
            .collect();
        core::iter::from_fn(move || {
            let keys = sets
                .iter_mut()
                .filter_map(|set| set.peek().map(|(key, _)| *key));
            let key = keys.min()?;
            let counts = sets
                .iter_mut()
                .filter_map(|set| set.next_if(|(next, _)| *next == key));
            Some((key, counts.map(|(_, count)| count).sum()))
        })
    }
}

/// A place among the normal pixels, which moves up.
pub(crate) struct Cursors<'a> {
    sets: Vec<Cursor<'a>>,
    next: u64,
    passed: u64,
}

impl Cursors<'_> {
    /// Moves on to `key`, a 33-bit number, never back: how many keys lie below it.
    pub(crate) fn below(&mut self, key: u64) -> u64 {
        if key > self.next {
            self.next = key;
            self.passed = self.sets.iter_mut().map(|set| set.below(key)).sum();
        }
        self.passed
    }

    /// How many keys were passed.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// The first key not yet passed.
    pub(crate) fn place(&self) -> u64 {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More sets than are read side by side say the same as one.
    #[test]
    fn sets_by_size_are_one_multiset() {
        let keys = |set: u32| (0..40 + set).map(move |key| key * key * 7919 % (1 << 20) * 4096);
        for sets in 0..7 {
            let (mut around, mut images, mut all) = (
                Counts::default(),
                NormalImages::default(),
                Counts::default(),
            );
            keys(0).for_each(|key| around.add_one(key));
            keys(0).for_each(|key| all.add_one(key));
            for set in 1..=sets {
                images.push(keys(set));
                keys(set).for_each(|key| all.add_one(key));
            }
            all.settle();
            let normal = Normal::new(around, images);
            assert_eq!(normal.total(), all.total());
            assert!(normal.entries().eq(all.entries()));
            let (mut found, mut expected) = (normal.cursor(), all.cursor());
            for key in (0..=1_u64 << 32).step_by(1 << 27) {
                assert_eq!(
                    normal.last_below(key, key / 2),
                    all.last_below(key, key / 2)
                );
                assert_eq!(found.below(key), expected.below(key));
            }
        }
    }
}
