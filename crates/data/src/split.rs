//! Three splits with types of their own, so that nothing chosen on calibration images can have looked at test images:
//! a function that takes a [`Calibration`] cannot be handed the test set by mistake. Masks are in [`Test`] alone.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::sample::{Sample, TestSample};
use crate::stream::{Purpose, Stream};

macro_rules! split {
    ($(#[$doc:meta])* $name:ident of $sample:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name(Arc<[$sample]>);

        impl Deref for $name {
            type Target = [$sample];

            fn deref(&self) -> &[$sample] {
                &self.0
            }
        }

        impl From<Vec<$sample>> for $name {
            fn from(samples: Vec<$sample>) -> Self {
                Self(samples.into())
            }
        }
    };
}

split! {
    /// Images that a method learns from: normal ones and, if it is weakly supervised, some anomalous ones drawn from the
    /// test set ([`draw_anomalous`](crate::draw_anomalous)). No masks. A clone shares them.
    Train of Sample
}
split! {
    /// Normal images held out of training, that thresholds are chosen on. A clone shares them.
    Calibration of Sample
}
split! {
    /// Images that figures are measured on, and nothing is ever learnt from or chosen on; the only ones with masks. A
    /// clone shares them.
    Test of TestSample
}

impl Train {
    /// The normal ones alone: what normal images look like may be asked of these, never of all.
    pub fn normal(&self) -> Self {
        let normal = self.iter().filter(|sample| !sample.label.is_anomalous());
        Self(normal.cloned().collect())
    }

    /// So many of the normal ones, drawn by seed, and all others; and how many are left out.
    pub fn few(&self, count: usize, seed: u64) -> (Self, usize) {
        let normal = self.normal();
        let mut stays = vec![false; normal.len()];
        for place in shuffled(normal.len(), seed, 0).into_iter().take(count) {
            stays[place] = true;
        }
        let mut of_normal = stays.iter();
        let kept = self.iter().filter(|sample| {
            sample.label.is_anomalous() || of_normal.next().is_some_and(|stays| *stays)
        });
        let few = Self(kept.cloned().collect());
        let left_out = self.len() - few.len();
        (few, left_out)
    }
}

impl Test {
    /// The images without their masks, for scoring.
    pub fn samples(&self) -> Arc<[Sample]> {
        self.iter().map(|test| test.sample.clone()).collect()
    }
}

impl Calibration {
    /// The images in two halves, by seed and without tearing groups apart: one for what is fitted on held-out images, the other for
    /// what is then said of it, as no image may do both. The first half is empty where all are of one group, and of one image.
    pub fn halves(&self, seed: u64) -> (Self, Self) {
        let groups: Vec<_> = self.iter().map(|sample| sample.group.as_deref()).collect();
        let is_first = choose(&groups, 0.5, seed, Purpose::Halves);
        let half = |first: bool| {
            let samples = self.iter().zip(&is_first);
            let samples = samples.filter(|(_, is_first)| **is_first == first);
            Self(samples.map(|(sample, _)| sample.clone()).collect())
        };
        (half(true), half(false))
    }
}

impl From<Train> for Arc<[Sample]> {
    fn from(split: Train) -> Self {
        split.0
    }
}

impl From<Calibration> for Arc<[Sample]> {
    fn from(split: Calibration) -> Self {
        split.0
    }
}

/// Takes `fraction` of the training images out for calibration, by seed; both parts keep the order they came in.
///
/// With two images or more, at least one is held out and at least one is left; with fewer nothing is held out, as there
/// would be nothing to learn from. `fraction` outside 0 to 1 counts as the nearer end, and NaN
/// as 0. Images of one group ([`Sample::group`]) stay together, so that the number comes as near to the fraction as whole
/// groups let it; where all are of one group nothing is held out.
pub fn hold_out(train: Vec<Sample>, fraction: f64, seed: u64) -> (Train, Calibration) {
    let groups: Vec<_> = train.iter().map(|sample| sample.group.as_deref()).collect();
    let is_held = choose(&groups, fraction, seed, Purpose::HoldOut);
    let (calibration, train): (Vec<_>, Vec<_>) =
        train.into_iter().zip(is_held).partition(|(_, held)| *held);
    let strip = |part: Vec<(Sample, bool)>| -> Vec<Sample> {
        part.into_iter().map(|(sample, _)| sample).collect()
    };
    (strip(train).into(), strip(calibration).into())
}

/// Chooses `fraction` of so many images, groups whole: at least one image, and never all; none where all are of one group.
pub(crate) fn choose(
    groups: &[Option<&str>],
    fraction: f64,
    seed: u64,
    purpose: Purpose,
) -> Vec<bool> {
    let n = groups.len();
    let mut is_chosen = vec![false; n];
    let units = units(groups);
    if units.len() < 2 {
        return is_chosen;
    }
    // A NaN becomes 0 in the conversion to an integer.
    let wanted = (fraction.clamp(0.0, 1.0) * n as f64).round() as usize;
    let wanted = wanted.clamp(1, n - 1);
    let order = Stream::new(seed, purpose, units.len() as u64, 0).permutation(units.len());
    let order = || order.iter().filter_map(|&at| units.get(at));
    let mut chosen: Vec<&Vec<usize>> = Vec::new();
    let mut count = 0;
    for unit in order() {
        // Nearer with it than without; of units of one image, until there are enough.
        if 2 * count + unit.len() <= 2 * wanted && count + unit.len() < n {
            count += unit.len();
            chosen.push(unit);
        }
    }
    if chosen.is_empty() {
        // All are far larger than what is wanted.
        chosen.extend(order().min_by_key(|unit| unit.len()));
    }
    for &place in chosen.into_iter().flatten() {
        if let Some(is_chosen) = is_chosen.get_mut(place) {
            *is_chosen = true;
        }
    }
    is_chosen
}

/// The places of what stays together: a group, or an image of none; in the order of their first places.
fn units(groups: &[Option<&str>]) -> Vec<Vec<usize>> {
    let mut units: Vec<Vec<usize>> = Vec::new();
    let mut of_group: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, group) in groups.iter().enumerate() {
        let at = group.map_or(units.len(), |group| {
            *of_group.entry(group).or_insert(units.len())
        });
        match units.get_mut(at) {
            Some(unit) => unit.push(place),
            None => units.push(vec![place]),
        }
    }
    units
}

/// The order of `n` training images in a pass: a permutation of 0..n fixed by the seed and the pass.
pub fn shuffled(n: usize, seed: u64, pass: u64) -> Vec<usize> {
    Stream::new(seed, Purpose::Shuffle, pass, n as u64).permutation(n)
}

/// Which of `n` images a dataset's own protocol draws for testing, `held` of them: always the same ones, whatever a run's seed.
pub(crate) fn drawn(n: usize, held: usize) -> Vec<bool> {
    let order = shuffled(n, 0, 0);
    // The image that comes to place i of the order is drawn if i is among the first.
    order.into_iter().map(|place| place < held).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::sample::Label;

    fn samples(n: usize) -> Vec<Sample> {
        let sample = |i| {
            Sample::new(
                format!("{i:03}"),
                PathBuf::from(format!("{i}")),
                Label::Normal,
            )
        };
        (0..n).map(sample).collect()
    }

    #[test]
    fn holds_out_at_least_one_and_leaves_at_least_one() {
        for (n, fraction, held) in [
            (0, 0.1, 0),
            (1, 0.9, 0),
            (2, 0.0, 1),
            (2, 1.0, 1),
            (4, 0.1, 1),
            (4, f64::NAN, 1),
            (60, 0.2, 12),
            (10, 7.0, 9),
        ] {
            let (train, calibration) = hold_out(samples(n), fraction, 3);
            assert_eq!(
                (train.len(), calibration.len()),
                (n - held, held),
                "{n} {fraction}"
            );
        }
    }

    #[test]
    fn parts_are_disjoint_sorted_and_chosen_by_seed() {
        let (train, calibration) = hold_out(samples(30), 0.3, 5);
        let mut all: Vec<Sample> = train.iter().chain(calibration.iter()).cloned().collect();
        assert!(
            train.is_sorted_by(|a, b| a.id < b.id) && calibration.is_sorted_by(|a, b| a.id < b.id)
        );
        all.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(all, samples(30));
        assert_eq!(hold_out(samples(30), 0.3, 5).1, calibration);
        assert_ne!(hold_out(samples(30), 0.3, 6).1, calibration);
    }

    #[test]
    fn halves_are_disjoint_whole_and_chosen_by_seed() {
        let all = Calibration::from(samples(9));
        let (fit, rest) = all.halves(3);
        assert_eq!((fit.len(), rest.len()), (5, 4));
        assert!(fit.iter().all(|sample| !rest.contains(sample)));
        assert_eq!(all.halves(3), (fit.clone(), rest));
        assert_ne!(all.halves(4).0, fit);
        for seed in 0..20 {
            let (fit, rest) = Calibration::from(grouped()).halves(seed);
            let straddles = |sample: &Sample| {
                sample.group.is_some() && rest.iter().any(|other| other.group == sample.group)
            };
            assert!(!fit.iter().any(straddles) && fit.len() + rest.len() == 10);
        }
        let one = Calibration::from(samples(1)).halves(0);
        assert_eq!((one.0.len(), one.1.len()), (0, 1));
    }

    /// Images of groups `a` (two), `b` (three), `c` (two), and three of none.
    fn grouped() -> Vec<Sample> {
        let mut all = samples(10);
        for (sample, group) in all.iter_mut().zip("abcabcb   ".chars()) {
            sample.group = (group != ' ').then(|| group.to_string());
        }
        all
    }

    #[test]
    fn groups_are_held_out_whole() {
        let mut numbers = std::collections::BTreeSet::new();
        for seed in 0..40 {
            for fraction in [0.0, 0.1, 0.3, 0.5, 1.0] {
                let (train, calibration) = hold_out(grouped(), fraction, seed);
                assert_eq!(train.len() + calibration.len(), 10);
                assert!(!train.is_empty() && !calibration.is_empty());
                let straddles = |sample: &&Sample| {
                    sample.group.is_some() && train.iter().any(|t| t.group == sample.group)
                };
                assert_eq!(
                    calibration.iter().find(straddles),
                    None,
                    "{seed} {fraction}"
                );
                if fraction == 0.3 {
                    numbers.insert(calibration.len());
                }
            }
        }
        // Three wanted, and two to four for a group that comes as near.
        assert!(numbers.iter().all(|n| (2..=4).contains(n)), "{numbers:?}");
    }

    /// A seed written into a run means the same images as before there were groups.
    #[test]
    fn without_groups_the_first_of_a_permutation_are_held_out() {
        for (n, fraction, seed) in [(30, 0.3, 5), (4, 0.1, 0), (48, 0.25, 7), (9, 1.0, 2)] {
            let wanted = (fraction * n as f64).round() as usize;
            let order = Stream::new(seed, Purpose::HoldOut, n as u64, 0).permutation(n);
            let mut expected = order[..wanted.clamp(1, n - 1)].to_vec();
            expected.sort_unstable();
            let (_, calibration) = hold_out(samples(n), fraction, seed);
            let held: Vec<usize> = calibration.iter().map(|s| s.id.parse().unwrap()).collect();
            assert_eq!(held, expected);
        }
    }

    #[test]
    fn one_group_is_not_torn_apart() {
        let mut all = samples(5);
        for sample in &mut all {
            sample.group = Some("one".into());
        }
        let (train, calibration) = hold_out(all.clone(), 0.5, 0);
        assert_eq!((train.len(), calibration.len()), (5, 0));
        all[0].group = Some("other".into());
        let (train, calibration) = hold_out(all, 0.9, 0);
        assert_eq!((train.len(), calibration.len()), (1, 4));
    }

    #[test]
    fn the_normal_images_of_a_training_set_are_those_alone() {
        let mut all = samples(3);
        all[1].label = Label::Anomalous {
            kind: "scratch".into(),
        };
        let normal = Train::from(all.clone()).normal();
        assert_eq!(*normal, [all[0].clone(), all[2].clone()]);
    }

    #[test]
    fn shuffles_by_seed_and_pass() {
        let order = shuffled(50, 1, 0);
        assert_eq!(order, shuffled(50, 1, 0));
        assert_ne!(order, shuffled(50, 1, 1));
        assert_ne!(order, shuffled(50, 2, 0));
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }
}
