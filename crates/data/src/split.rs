//! Three splits with types of their own, so that nothing chosen on calibration images can have looked at test images:
//! a function that takes a [`Calibration`] cannot be handed the test set by mistake. Masks are in [`Test`] alone.

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
}

impl Test {
    /// The images without their masks, for scoring.
    pub fn samples(&self) -> Arc<[Sample]> {
        self.iter().map(|test| test.sample.clone()).collect()
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
/// as 0.
pub fn hold_out(train: Vec<Sample>, fraction: f64, seed: u64) -> (Train, Calibration) {
    let n = train.len();
    if n < 2 {
        return (train.into(), Vec::new().into());
    }
    // A NaN becomes 0 in the conversion to an integer.
    let wanted = (fraction.clamp(0.0, 1.0) * n as f64).round() as usize;
    let held = wanted.clamp(1, n - 1);
    let mut is_held = vec![false; n];
    for index in Stream::new(seed, Purpose::HoldOut, n as u64, 0)
        .permutation(n)
        .into_iter()
        .take(held)
    {
        is_held[index] = true;
    }
    let (calibration, train): (Vec<_>, Vec<_>) =
        train.into_iter().zip(is_held).partition(|(_, held)| *held);
    let strip = |part: Vec<(Sample, bool)>| -> Vec<Sample> {
        part.into_iter().map(|(sample, _)| sample).collect()
    };
    (strip(train).into(), strip(calibration).into())
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
