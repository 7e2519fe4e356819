//! Figures of whole images by hand, and what always holds for them.

use super::*;
use crate::thin;
use proptest::prelude::*;

const T: bool = true;
const F: bool = false;

#[test]
fn auroc_by_hand() {
    // Pairs: .8 beats both, .35 beats .1 but not .4.
    assert_eq!(auroc(&[0.1, 0.4, 0.35, 0.8], &[F, F, T, T]), Ok(0.75));
}

#[test]
fn auroc_counts_a_tie_as_half() {
    // Pairs of (.5, .9) against (.5, .1): tie, win, win, win.
    assert_eq!(auroc(&[0.5, 0.9, 0.5, 0.1], &[T, T, F, F]), Ok(0.875));
}

#[test]
fn auroc_of_a_constant_score_is_one_half() {
    assert_eq!(auroc(&[3.0; 5], &[T, F, F, T, F]), Ok(0.5));
}

#[test]
fn clamping_makes_ties_and_so_changes_auroc() {
    // Edge case 7 of the evaluation: scores are never clamped here, because of what it costs.
    let raw = [1.2, 1.6, 0.9, 1.4];
    let positive = [F, T, F, T];
    assert_eq!(auroc(&raw, &positive), Ok(1.0));
    assert_eq!(
        auroc(&raw.map(|score: f32| score.min(1.0)), &positive),
        Ok(0.75)
    );
}

#[test]
fn scores_far_from_the_unit_interval_are_not_squashed() {
    // A sigmoid in single precision makes these equal, which other tools have done.
    assert_eq!(auroc(&[40.0, 41.0, 1e30], &[F, T, T]), Ok(1.0));
}

#[test]
fn zeros_of_both_signs_tie() {
    assert_eq!(auroc(&[-0.0, 0.0], &[T, F]), Ok(0.5));
}

#[test]
fn average_precision_by_hand() {
    // Recall ½ at precision 1, recall 1 at precision ⅔.
    let expected = 0.5 + 0.5 * 2.0 / 3.0;
    let found = average_precision(&[0.1, 0.4, 0.35, 0.8], &[F, F, T, T]).unwrap();
    assert!((found - expected).abs() < 1e-15);
}

#[test]
fn average_precision_of_a_constant_score_is_the_share_of_positives() {
    assert_eq!(average_precision(&[1.0; 4], &[T, F, F, F]), Ok(0.25));
}

#[test]
fn f1_max_by_hand() {
    let best = f1_max(&[0.1, 0.4, 0.35, 0.8], &[F, F, T, T]).unwrap();
    assert_eq!(
        best,
        BestF1 {
            f1: 0.8,
            precision: 2.0 / 3.0,
            recall: 1.0,
            threshold: 0.35
        }
    );
}

#[test]
fn f1_max_takes_the_highest_of_equal_thresholds() {
    // F1 is ⅔ at .9 (1 of 2 found, no false alarm) and at .1 (2 found, 2 false alarms).
    let best = f1_max(&[0.9, 0.5, 0.4, 0.1], &[T, F, F, T]).unwrap();
    assert_eq!(best.threshold, 0.9);
}

#[test]
fn balanced_accuracy_by_hand() {
    // 1 of 2 anomalous and 3 of 4 normal items are called right.
    let found = balanced_accuracy(&[T, F, F, F, F, T], &[T, T, F, F, F, F]);
    assert_eq!(found, Ok(0.625));
}

#[test]
fn one_class_is_undefined_where_it_matters_and_only_there() {
    let (scores, normal, anomalous) = ([0.1, 0.2], [F, F], [T, T]);
    assert_eq!(auroc(&scores, &normal), Err(Undefined::NoPositive));
    assert_eq!(auroc(&scores, &anomalous), Err(Undefined::NoNegative));
    assert_eq!(roc_curve(&scores, &anomalous), Err(Undefined::NoNegative));
    assert_eq!(
        average_precision(&scores, &normal),
        Err(Undefined::NoPositive)
    );
    assert_eq!(average_precision(&scores, &anomalous), Ok(1.0));
    assert_eq!(f1_max(&scores, &normal), Err(Undefined::NoPositive));
    assert_eq!(f1_max(&scores, &anomalous).map(|best| best.f1), Ok(1.0));
    assert_eq!(
        precision_recall_curve(&scores, &normal),
        Err(Undefined::NoPositive)
    );
    assert_eq!(
        balanced_accuracy(&[T, F], &normal),
        Err(Undefined::NoPositive)
    );
    assert_eq!(
        balanced_accuracy(&[T, F], &anomalous),
        Err(Undefined::NoNegative)
    );
}

#[test]
fn bad_input_is_named() {
    assert_eq!(auroc(&[], &[]), Err(Undefined::Empty));
    assert_eq!(balanced_accuracy(&[], &[]), Err(Undefined::Empty));
    let mismatch = Undefined::LengthMismatch {
        scores: 2,
        labels: 1,
    };
    assert_eq!(auroc(&[0.1, 0.2], &[T]), Err(mismatch));
    assert_eq!(balanced_accuracy(&[T, F], &[T]), Err(mismatch));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(
            average_precision(&[0.1, bad], &[T, F]),
            Err(Undefined::NotFinite { index: 1 })
        );
    }
}

#[test]
fn roc_curve_by_hand() {
    let points = roc_curve(&[0.5, 0.9, 0.5, 0.1], &[T, T, F, F]).unwrap();
    let corners: Vec<_> = points
        .iter()
        .map(|p| (p.false_positive_rate, p.true_positive_rate, p.threshold))
        .collect();
    assert_eq!(
        corners,
        [
            (0.0, 0.0, f32::INFINITY),
            (0.0, 0.5, 0.9),
            (0.5, 1.0, 0.5),
            (1.0, 1.0, 0.1)
        ]
    );
}

#[test]
fn precision_recall_curve_by_hand() {
    let points = precision_recall_curve(&[0.5, 0.9, 0.5, 0.1], &[T, T, F, F]).unwrap();
    let corners: Vec<_> = points
        .iter()
        .map(|p| (p.recall, p.precision, p.threshold))
        .collect();
    assert_eq!(
        corners,
        [(0.5, 1.0, 0.9), (1.0, 2.0 / 3.0, 0.5), (1.0, 0.5, 0.1)]
    );
}

/// Few distinct scores, so that ties are many.
fn cases() -> impl Strategy<Value = (Vec<f32>, Vec<bool>)> {
    prop::collection::vec((-6_i8..6, any::<bool>()), 2..60)
        .prop_map(|items| {
            items
                .into_iter()
                .map(|(score, positive)| (f32::from(score) / 4.0, positive))
                .unzip()
        })
        .prop_filter("both classes", |(_, positive): &(Vec<f32>, Vec<bool>)| {
            positive.contains(&true) && positive.contains(&false)
        })
}

/// Precision and recall of `score >= threshold`, from the definition.
fn precision_and_recall(scores: &[f32], positive: &[bool], threshold: f32) -> (f64, f64) {
    let called = scores.iter().filter(|&&score| score >= threshold).count() as f64;
    let hits = scores
        .iter()
        .zip(positive)
        .filter(|&(&score, &positive)| positive && score >= threshold)
        .count() as f64;
    (
        hits / called,
        hits / positive.iter().filter(|&&positive| positive).count() as f64,
    )
}

proptest! {
    #[test]
    fn auroc_equals_the_count_of_pairs((scores, positive) in cases()) {
        let (mut won, mut pairs) = (0.0, 0.0);
        for (&high, _) in scores.iter().zip(&positive).filter(|&(_, &positive)| positive) {
            for (&low, _) in scores.iter().zip(&positive).filter(|&(_, &positive)| !positive) {
                pairs += 1.0;
                won += if high > low { 1.0 } else if high == low { 0.5 } else { 0.0 };
            }
        }
        prop_assert_eq!(auroc(&scores, &positive), Ok(won / pairs));
    }

    #[test]
    fn auroc_is_the_area_under_the_roc_curve((scores, positive) in cases()) {
        let points = roc_curve(&scores, &positive).unwrap();
        let area: f64 = points
            .windows(2)
            .map(|pair| {
                let width = pair[1].false_positive_rate - pair[0].false_positive_rate;
                width * (pair[0].true_positive_rate + pair[1].true_positive_rate) / 2.0
            })
            .sum();
        prop_assert!((auroc(&scores, &positive).unwrap() - area).abs() < 1e-12);
    }

    #[test]
    fn auroc_is_kept_by_rising_maps_and_mirrored_by_negation((scores, positive) in cases()) {
        let area = auroc(&scores, &positive).unwrap();
        let risen: Vec<f32> = scores.iter().map(|score| 3.0 * score.exp() - 100.0).collect();
        prop_assert_eq!(auroc(&risen, &positive), Ok(area));
        let negated: Vec<f32> = scores.iter().map(|score| -score).collect();
        prop_assert!((auroc(&negated, &positive).unwrap() - (1.0 - area)).abs() < 1e-15);
    }

    #[test]
    fn best_f1_and_average_precision_equal_a_loop_over_thresholds((scores, positive) in cases()) {
        let mut thresholds = scores.clone();
        thresholds.sort_by(|left, right| right.total_cmp(left));
        thresholds.dedup();
        let (mut best, mut sum, mut reached) = (0.0_f64, 0.0, 0.0);
        for threshold in thresholds {
            let (precision, recall) = precision_and_recall(&scores, &positive, threshold);
            sum += (recall - reached) * precision;
            reached = recall;
            if recall > 0.0 {
                best = best.max(2.0 * precision * recall / (precision + recall));
            }
        }
        let found = f1_max(&scores, &positive).unwrap();
        prop_assert!((found.f1 - best).abs() < 1e-12);
        let at_threshold = precision_and_recall(&scores, &positive, found.threshold);
        prop_assert_eq!((found.precision, found.recall), at_threshold);
        prop_assert!((average_precision(&scores, &positive).unwrap() - sum).abs() < 1e-12);
    }

    #[test]
    fn order_does_not_matter((scores, positive) in cases(), turn in 0_usize..60) {
        let (mut turned_scores, mut turned_positive) = (scores.clone(), positive.clone());
        turned_scores.rotate_left(turn % scores.len());
        turned_positive.rotate_left(turn % scores.len());
        turned_scores.reverse();
        turned_positive.reverse();
        prop_assert_eq!(auroc(&scores, &positive), auroc(&turned_scores, &turned_positive));
        prop_assert_eq!(average_precision(&scores, &positive), average_precision(&turned_scores, &turned_positive));
        prop_assert_eq!(f1_max(&scores, &positive), f1_max(&turned_scores, &turned_positive));
    }

    #[test]
    fn a_thinned_curve_holds_points_of_the_whole_one((scores, positive) in cases()) {
        let curve = roc_curve(&scores, &positive).unwrap();
        prop_assert!(thin(&curve, 4).iter().all(|point| curve.contains(point)));
    }
}
