//! Three splits with types of their own, so that nothing chosen on calibration images can have looked at test images:
//! a function that takes a [`Calibration`] cannot be handed the test set by mistake.

use std::ops::Deref;
use std::sync::Arc;

use crate::sample::Sample;
use crate::stream::{Purpose, Stream};

macro_rules! split {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name(pub Vec<Sample>);

        impl Deref for $name {
            type Target = [Sample];

            fn deref(&self) -> &[Sample] {
                &self.0
            }
        }

        impl From<$name> for Arc<[Sample]> {
            fn from(split: $name) -> Self {
                split.0.into()
            }
        }
    };
}

split! {
    /// Images that a method learns from.
    Train
}
split! {
    /// Normal images held out of training, that thresholds are chosen on.
    Calibration
}
split! {
    /// Images that figures are measured on, and nothing is ever chosen on.
    Test
}

/// Takes `fraction` of the training images out for calibration, by seed; both parts keep the order they came in.
///
/// With two images or more, at least one is held out and at least one is left; with fewer nothing is held out, as there
/// would be nothing to learn from. `fraction` outside 0 to 1 counts as the nearer end, and NaN
/// as 0.
pub fn hold_out(train: Vec<Sample>, fraction: f64, seed: u64) -> (Train, Calibration) {
    let n = train.len();
    if n < 2 {
        return (Train(train), Calibration(Vec::new()));
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
    let strip = |part: Vec<(Sample, bool)>| part.into_iter().map(|(sample, _)| sample).collect();
    (Train(strip(train)), Calibration(strip(calibration)))
}

/// The order of `n` training images in a pass: a permutation of 0..n fixed by the seed and the pass.
pub fn shuffled(n: usize, seed: u64, pass: u64) -> Vec<usize> {
    Stream::new(seed, Purpose::Shuffle, pass, n as u64).permutation(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Label;

    fn samples(n: usize) -> Vec<Sample> {
        let sample = |i| Sample {
            id: format!("{i:03}"),
            path: format!("{i}").into(),
            label: Label::Normal,
            mask: None,
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
