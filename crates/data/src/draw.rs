//! The few anomalous images that a weakly supervised method learns from: drawn from the test set, which they leave.

use std::collections::{BTreeMap, BTreeSet};

use crate::sample::{Sample, TestSample};
use crate::stream::{Purpose, Stream};

/// A test set of which some anomalous images were taken to learn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// The images to learn from, without their masks, in the order they came in.
    pub drawn: Vec<Sample>,
    /// All other images, in the order they came in: what is left to measure on.
    pub rest: Vec<TestSample>,
    /// Images of a drawn one's group: too near to what was learnt to be measured on, and not learnt from either, so that the
    /// share stays what it says.
    pub left_out: Vec<TestSample>,
}

/// Draws ⌈`share` · n⌉ of the n anomalous images of a test set, by seed: at least 1, at most n − 1.
///
/// The paper's weakly supervised setting is a share of 0.02 of a category's anomalous test images. With fewer than two
/// of them nothing is drawn, as there would be nothing to learn from or nothing left to find. `share` outside of 0 to 1
/// counts as the nearer end, and NaN as 0. Under one seed, a smaller draw is a part of a larger one.
///
/// What is drawn takes the rest of its group ([`Sample::group`]) out of the test set. An image whose group has all anomalous
/// images that would be left is not drawn: with few groups fewer are drawn than the share says, with a single one none.
pub fn draw_anomalous(test: Vec<TestSample>, share: f64, seed: u64) -> Draw {
    let is_anomalous = |test: &TestSample| test.sample.label.is_anomalous();
    let places: Vec<usize> = (0..test.len())
        .filter(|&place| test.get(place).is_some_and(is_anomalous))
        .collect();
    let group_of = |place: usize| test.get(place).and_then(|t| t.sample.group.as_deref());
    let mut of_group: BTreeMap<&str, usize> = BTreeMap::new();
    for group in places.iter().filter_map(|&place| group_of(place)) {
        *of_group.entry(group).or_default() += 1;
    }
    let (count, mut left) = (count(share, places.len()), places.len());
    let (mut drawn, mut groups) = (BTreeSet::new(), BTreeSet::new());
    let order = Stream::new(seed, Purpose::Draw, places.len() as u64, 0).permutation(places.len());
    for &place in order.iter().filter_map(|&at| places.get(at)) {
        if drawn.len() == count {
            break;
        }
        // How many anomalous images leave with it.
        let leave = match group_of(place) {
            Some(group) if groups.contains(group) => 0,
            Some(group) => of_group.get(group).copied().unwrap_or(1),
            None => 1,
        };
        if leave < left {
            left -= leave;
            drawn.insert(place);
            groups.extend(group_of(place).map(String::from));
        }
    }
    let mut draw = Draw {
        drawn: Vec::with_capacity(count),
        rest: Vec::with_capacity(test.len() - count),
        left_out: Vec::new(),
    };
    for (place, test) in test.into_iter().enumerate() {
        if drawn.contains(&place) {
            draw.drawn.push(test.sample);
        } else if test
            .sample
            .group
            .as_ref()
            .is_some_and(|group| groups.contains(group))
        {
            draw.left_out.push(test);
        } else {
            draw.rest.push(test);
        }
    }
    draw
}

/// ⌈share · n⌉, at least 1, at most n − 1; 0 of fewer than two.
fn count(share: f64, n: usize) -> usize {
    if n < 2 {
        return 0;
    }
    // 0.07 · 100 is 7.000000000000001 in floating point, and its ceiling must be 7: products are taken a little lower, by
    // more than they can be off and by less than one image in any number of them. A NaN becomes 0 in the conversion.
    let exact = share.clamp(0.0, 1.0) * n as f64 * (1.0 - 1e-12);
    (exact.ceil() as usize).clamp(1, n - 1)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::mask::MaskSource;
    use crate::sample::Label;

    /// So many normal images and, between them, so many anomalous ones with masks.
    fn test_set(normal: usize, anomalous: usize) -> Vec<TestSample> {
        let sample =
            |i: usize, label| Sample::new(format!("{i:03}"), PathBuf::from(format!("{i}")), label);
        (0..normal + anomalous)
            .map(|i| {
                let is_anomalous = i % 2 == 1 && i / 2 < anomalous || i >= 2 * normal;
                let kind = "scratch".to_string();
                match is_anomalous {
                    true => TestSample {
                        sample: sample(i, Label::Anomalous { kind }),
                        mask: Some(MaskSource::image("mask")),
                    },
                    false => TestSample {
                        sample: sample(i, Label::Normal),
                        mask: None,
                    },
                }
            })
            .collect()
    }

    #[test]
    fn a_share_is_rounded_up_and_floating_point_adds_no_image() {
        for (share, n, expected) in [
            (0.02, 50, 1),
            (0.02, 51, 2),
            (0.02, 30, 1),
            (0.02, 100, 2),
            (0.07, 100, 7),
            (0.29, 100, 29),
            (0.1, 30, 3),
            (0.02, 1, 0),
            (0.02, 0, 0),
            (0.5, 2, 1),
            (0.999, 10, 9),
            (1e-9, 10, 1),
            (f64::NAN, 10, 1),
            (7.0, 10, 9),
        ] {
            assert_eq!(count(share, n), expected, "{share} of {n}");
        }
    }

    /// Every share of two digits of every number up to 1000, against whole-number arithmetic.
    #[test]
    fn shares_in_hundredths_are_exact() {
        for hundredths in 1..100_usize {
            for n in 2..1000_usize {
                let expected = (hundredths * n).div_ceil(100).clamp(1, n - 1);
                let share = hundredths as f64 / 100.0;
                assert_eq!(count(share, n), expected, "{share} of {n}");
            }
        }
    }

    #[test]
    fn only_anomalous_images_are_drawn_and_they_leave_the_test_set() {
        let whole = test_set(20, 30);
        let Draw { drawn, rest, .. } = draw_anomalous(whole.clone(), 0.2, 4);
        assert_eq!((drawn.len(), rest.len()), (6, 44));
        assert!(drawn.iter().all(|sample| sample.label.is_anomalous()));
        assert!(rest.iter().all(|test| !drawn.contains(&test.sample)));
        assert!(
            whole
                .iter()
                .all(|test| { rest.contains(test) || drawn.contains(&test.sample) })
        );
        assert!(rest.is_sorted_by(|a, b| a.sample.id < b.sample.id));
        assert!(drawn.is_sorted_by(|a, b| a.id < b.id));
    }

    #[test]
    fn the_seed_decides_and_a_larger_draw_contains_a_smaller() {
        let draw = |share, seed| draw_anomalous(test_set(5, 40), share, seed).drawn;
        assert_eq!(draw(0.1, 1), draw(0.1, 1));
        assert_ne!(draw(0.1, 1), draw(0.1, 2));
        let larger = draw(0.5, 1);
        assert!(draw(0.1, 1).iter().all(|sample| larger.contains(sample)));
    }

    #[test]
    fn one_anomalous_image_is_left_to_be_found() {
        let one = test_set(3, 1);
        let Draw { drawn, rest, .. } = draw_anomalous(one.clone(), 0.9, 0);
        assert_eq!((drawn, rest), (Vec::new(), one));
    }

    #[test]
    fn what_is_drawn_takes_its_group_with_it() {
        let mut whole = test_set(6, 12);
        for (place, test) in whole.iter_mut().enumerate() {
            test.sample.group = (place < 14).then(|| format!("{}", place / 4));
        }
        let mut seen_left_out = false;
        for seed in 0..30 {
            for share in [0.01, 0.3, 0.9] {
                let draw = draw_anomalous(whole.clone(), share, seed);
                let total = draw.drawn.len() + draw.rest.len() + draw.left_out.len();
                assert_eq!(total, whole.len());
                assert!(!draw.drawn.is_empty() && draw.drawn.len() <= count(share, 12));
                assert!(draw.rest.iter().any(|t| t.sample.label.is_anomalous()));
                let is_drawn = |group: &Option<String>| {
                    group.is_some() && draw.drawn.iter().any(|d| d.group == *group)
                };
                assert!(!draw.rest.iter().any(|t| is_drawn(&t.sample.group)));
                assert!(draw.left_out.iter().all(|t| is_drawn(&t.sample.group)));
                seen_left_out |= !draw.left_out.is_empty();
            }
        }
        assert!(seen_left_out);
    }

    #[test]
    fn a_single_group_is_left_to_be_found() {
        let mut whole = test_set(2, 5);
        for test in &mut whole {
            test.sample.group = Some("one".into());
        }
        let draw = draw_anomalous(whole.clone(), 0.5, 1);
        assert_eq!((draw.drawn.len(), draw.rest), (0, whole));
    }
}
