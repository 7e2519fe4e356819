//! Intervals by hand, what they must not depend on, and how often they hold the truth.

use super::*;
use crate::{ImageRanking, delong};

fn bootstrap(resamples: usize) -> Bootstrap {
    Bootstrap {
        resamples,
        ..Bootstrap::default()
    }
}

/// Normally distributed numbers.
struct Gauss(SplitMix64);

impl Gauss {
    fn next(&mut self) -> f64 {
        // Box and Muller; the first share is never 0.
        let mut share = || ((self.0.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let (radius, turn) = (share(), share());
        (-2.0 * radius.ln()).sqrt() * (core::f64::consts::TAU * turn).cos()
    }
}

/// As many anomalous items, one standard deviation above as many normal ones.
fn items(gauss: &mut Gauss, of_each: usize) -> (Vec<f32>, Vec<bool>) {
    (0..2 * of_each)
        .map(|place| {
            let positive = place % 2 == 0;
            (
                (gauss.next() + f64::from(u8::from(positive))) as f32,
                positive,
            )
        })
        .unzip()
}

fn auroc(ranking: &ImageRanking) -> impl Fn(&[u32]) -> Vec<Result<f64>> {
    |weights| vec![ranking.weighted(weights).and_then(|items| items.auroc())]
}

#[test]
fn quantiles_lie_between_neighbours() {
    let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
    for (share, expected) in [
        (0.0, 1.0),
        (1.0, 16.0),
        (0.5, 4.0),
        (0.125, 1.5),
        (0.9, 12.8),
    ] {
        assert!((quantile(&sorted, share) - expected).abs() < 1e-12);
    }
    assert_eq!(quantile(&[3.0], 0.7), 3.0);
    assert!(quantile(&[], 0.5).is_nan());
}

#[test]
fn an_interval_holds_the_middle_of_the_values() {
    let values = (0..=1000).rev().map(|value| Ok(f64::from(value)));
    let found = bootstrap(1001).interval(values).unwrap();
    assert!((found.low - 25.0).abs() < 1e-9 && (found.high - 975.0).abs() < 1e-9);
    assert_eq!((found.resamples, found.undefined), (1001, 0));
}

#[test]
fn what_is_undefined_is_left_out_and_counted_until_it_is_most() {
    let none = Err(Undefined::NoPositive);
    let found = bootstrap(4)
        .interval([Ok(1.0), none, Ok(2.0), none])
        .unwrap();
    assert_eq!((found.resamples, found.undefined), (4, 2));
    assert!(found.low > 1.0 && found.high < 2.0);
    for values in [&[Ok(1.0), none, Ok(2.0), none, none][..], &[Ok(1.0)], &[]] {
        assert!(matches!(
            bootstrap(5).interval(values.iter().copied()),
            Err(Undefined::TooFewResamples { .. })
        ));
    }
    // Not a number is no value either.
    let found = bootstrap(3)
        .interval([Ok(f64::NAN), Ok(1.0), Ok(1.0)])
        .unwrap();
    assert_eq!((found.low, found.undefined), (1.0, 1));
}

#[test]
fn a_class_of_one_is_absent_from_a_third_of_the_resamples() {
    let ranking = ImageRanking::new(&[0.1, 0.2, 0.3, 0.9], &[false, false, false, true]).unwrap();
    let found = bootstrap(2000)
        .intervals(&Clusters::each(4), auroc(&ranking))
        .unwrap();
    let found = found[0].unwrap();
    // (3/4)^4 hold no anomalous item, (1/4)^4 no normal one.
    let expected = 2000.0 * (81.0 + 1.0) / 256.0;
    assert!(
        (found.undefined as f64 - expected).abs() < 100.0,
        "{found:?}"
    );
    assert_eq!((found.low, found.high), (1.0, 1.0));
}

#[test]
fn there_must_be_something_to_draw_from() {
    let ranking = ImageRanking::new(&[0.1, 0.2], &[false, true]).unwrap();
    let all = bootstrap(9);
    let one = Clusters::grouped(&["part", "part"]);
    let none = Clusters::each(0);
    assert_eq!(
        all.intervals(&one, auroc(&ranking)),
        Err(Undefined::OneCluster)
    );
    assert_eq!(all.intervals(&none, auroc(&ranking)), Err(Undefined::Empty));
    for level in [0.0, 1.0, -1.0, f64::NAN] {
        let found = Bootstrap { level, ..all }.interval([Ok(1.0), Ok(2.0)]);
        assert!(matches!(found, Err(Undefined::LevelOutOfRange { .. })));
    }
}

#[test]
fn any_resample_is_reached_by_its_number() {
    let clusters = Clusters::each(17);
    let all = bootstrap(20);
    let in_order = all.values(&clusters, <[u32]>::to_vec).unwrap();
    for (number, weights) in in_order.iter().enumerate().rev() {
        assert_eq!(*weights, all.weights(&clusters, number));
        assert_eq!(weights.iter().sum::<u32>(), 17);
    }
    let other = Bootstrap { seed: 1, ..all };
    assert_ne!(in_order[0], other.weights(&clusters, 0));
    assert_ne!(in_order[0], in_order[1]);
    // More resamples go on from fewer.
    let more = bootstrap(30).values(&clusters, <[u32]>::to_vec).unwrap();
    assert_eq!(more[..20], in_order[..]);
}

#[test]
fn draws_are_those_written_down_here() {
    // A changed generator would change every interval ever printed.
    let found = bootstrap(1).weights(&Clusters::each(12), 0);
    assert_eq!(found, [0, 1, 1, 3, 1, 3, 0, 1, 0, 1, 0, 1]);
}

/// Three photographs of each part tell what one tells.
#[test]
fn copies_in_a_group_do_not_narrow_an_interval() {
    let (scores, positive) = items(&mut Gauss(SplitMix64::new(1, 1)), 30);
    let thrice = |at: usize| [at; 3];
    let places: Vec<usize> = (0..60).flat_map(thrice).collect();
    let many: Vec<_> = places.iter().map(|&at| scores[at]).collect();
    let truth: Vec<_> = places.iter().map(|&at| positive[at]).collect();
    let (one, three) = (
        ImageRanking::new(&scores, &positive).unwrap(),
        ImageRanking::new(&many, &truth).unwrap(),
    );
    let all = bootstrap(300);
    let single = all.intervals(&Clusters::each(60), auroc(&one)).unwrap();
    let grouped = all
        .intervals(&Clusters::grouped(&places), auroc(&three))
        .unwrap();
    assert_eq!(single, grouped);
    let alone = all.intervals(&Clusters::each(180), auroc(&three)).unwrap();
    let width = |found: &[Result<Interval>]| found[0].map(|found| found.high - found.low).unwrap();
    assert!(width(&alone) < 0.7 * width(&grouped));
}

#[test]
fn differences_are_of_the_same_draws() {
    let (scores, positive) = items(&mut Gauss(SplitMix64::new(2, 1)), 40);
    let ranking = ImageRanking::new(&scores, &positive).unwrap();
    let clusters = Clusters::each(80);
    let both = |weights: &[u32]| {
        let auroc = ranking.weighted(weights).and_then(|items| items.auroc());
        vec![(auroc, auroc), (auroc.map(|value| value + 0.125), auroc)]
    };
    let found = bootstrap(200).paired(&clusters, both).unwrap();
    let (same, better) = (found[0].unwrap(), found[1].unwrap());
    assert_eq!((same.interval.low, same.interval.high), (0.0, 0.0));
    assert_eq!(same.share_above, 0.5);
    assert!((better.interval.low - 0.125).abs() < 1e-12);
    assert!((better.interval.high - 0.125).abs() < 1e-12);
    assert_eq!(better.share_above, 1.0);
}

/// 400 test sets of 60 + 60 items, each with its interval: the truth must lie in about 95 % of them.
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    // Φ(1 / √2): the probability that one Gaussian exceeds another whose mean is 1 lower.
    let truth = 0.760_249_938_906_523;
    let clusters = Clusters::each(120);
    let (mut held, mut held_by_delong) = (0, 0);
    for set in 0..400 {
        let (scores, positive) = items(&mut Gauss(SplitMix64::new(5, set)), 60);
        let ranking = ImageRanking::new(&scores, &positive).unwrap();
        let found = bootstrap(500)
            .intervals(&clusters, auroc(&ranking))
            .unwrap();
        let found = found[0].unwrap();
        held += usize::from(found.low <= truth && truth <= found.high);
        let (low, high) = delong(&scores, &positive).unwrap().interval(0.95).unwrap();
        held_by_delong += usize::from(low <= truth && truth <= high);
    }
    println!("of 400 intervals: bootstrap {held}, DeLong {held_by_delong}");
    for held in [held, held_by_delong] {
        assert!((364..=392).contains(&held), "{held} of 400");
    }
}
