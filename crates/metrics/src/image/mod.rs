//! Figures of whole images (or of anything else that has one score and one truth).
//!
//! What they have in common, bad input above all, is said once, at the crate's root.

use crate::ranking::Ranking;
use crate::steps::{AtAlarmRate, Ranked, mcclish, ratio};
use crate::{BestF1, PrecisionRecallPoint, Result, RocPoint, Undefined};

/// Area under the receiver operating characteristic, in [0, 1]; 0.5 is chance.
///
/// The probability that an anomalous item, drawn at random, scores above a normal one, where a tie
/// counts half (the Mann-Whitney statistic; Hanley and McNeil 1982). It equals the trapezoidal area
/// under [`roc_curve`] and scikit-learn's `roc_auc_score`, and is exact: pairs are counted in
/// integers.
///
/// # Errors
///
/// [`Undefined::NoPositive`] and [`Undefined::NoNegative`]: there is no pair to compare. Equal
/// scores throughout give 0.5.
pub fn auroc(scores: &[f32], positive: &[bool]) -> Result<f64> {
    Ranking::new(scores, positive)?.auroc()
}

/// Area under the receiver operating characteristic up to a false-positive rate, divided by that limit,
/// in [0, 1]; chance is `limit / 2`.
///
/// The curve runs straight between its points and is cut where it crosses the limit. Divided by the
/// limit it is the mean true-positive rate over the false-positive rates that a user would accept.
/// scikit-learn's `roc_auc_score(..., max_fpr=limit)` is another number: [`auroc_to_mcclish`].
///
/// # Errors
///
/// As [`auroc`], and [`Undefined::LimitOutOfRange`] unless the limit is above 0 and at most 1.
pub fn auroc_to(scores: &[f32], positive: &[bool], limit: f64) -> Result<f64> {
    Ranking::new(scores, positive)?.auroc_to(limit)
}

/// [`auroc_to`] on the scale of McClish (Medical Decision Making 9(3), 1989), on which chance is 0.5 at
/// any limit and perfection 1: ½ · (1 + (a − limit²/2) / (limit − limit²/2)) of the area a. It is scikit-learn's
/// `roc_auc_score(..., max_fpr=limit)`, and falls below 0.5 for what is worse than chance.
///
/// # Errors
///
/// As [`auroc_to`].
pub fn auroc_to_mcclish(scores: &[f32], positive: &[bool], limit: f64) -> Result<f64> {
    Ok(mcclish(auroc_to(scores, positive, limit)?, limit))
}

/// Recall and precision at a chosen alarm rate: at the lowest score, as a threshold, at or above which
/// (`>=`) no more than `limit` of the normal items lie. Nothing is interpolated.
///
/// The threshold is chosen by looking at the truth, so the figure says what a perfectly calibrated
/// threshold would find.
///
/// # Errors
///
/// As [`auroc_to`], but a limit of 0 is one; [`Undefined::NothingCalled`] where even the highest score alone calls more than
/// `limit` of the normal items anomalous.
pub fn at_alarm_rate(scores: &[f32], positive: &[bool], limit: f64) -> Result<AtAlarmRate> {
    Ranking::new(scores, positive)?.at_alarm_rate(limit)
}

/// Average precision, in (0, 1]; chance is the share of what is anomalous.
///
/// Σₙ (Rₙ − Rₙ₋₁) · Pₙ over all distinct scores from the highest down, Pₙ and Rₙ being precision
/// and recall when what scores at or above the n-th is called anomalous, and R₀ = 0. This is
/// scikit-learn's `average_precision_score`; it does not interpolate, unlike the trapezoidal area
/// under the precision-recall curve, which is too optimistic.
///
/// # Errors
///
/// [`Undefined::NoPositive`]: recall has no value. Without normal items it is 1.
pub fn average_precision(scores: &[f32], positive: &[bool]) -> Result<f64> {
    Ranking::new(scores, positive)?.average_precision()
}

/// The largest F1 over all distinct scores as thresholds, where `score >= threshold` is called
/// anomalous.
///
/// Of thresholds with equal F1 the highest is taken: the one that raises the fewest alarms. The
/// threshold is chosen by looking at the truth, so the figure is optimistic, and says how well a
/// threshold *could* be chosen.
///
/// # Errors
///
/// [`Undefined::NoPositive`]: recall has no value. Without normal items F1 is 1.
pub fn f1_max(scores: &[f32], positive: &[bool]) -> Result<BestF1> {
    Ranking::new(scores, positive)?.f1_max()
}

/// The receiver operating characteristic: a point for every distinct score, from the highest
/// threshold to the lowest.
///
/// It starts at (0, 0), where nothing is called anomalous and the threshold is infinite, and ends
/// at (1, 1). No point is left out; see [`crate::thin`] for drawing.
///
/// # Errors
///
/// [`Undefined::NoPositive`] and [`Undefined::NoNegative`]: one of the rates has no value.
pub fn roc_curve(scores: &[f32], positive: &[bool]) -> Result<Vec<RocPoint>> {
    Ok(Ranking::new(scores, positive)?.roc_points()?.collect())
}

/// The precision-recall curve: a point for every distinct score, from the highest threshold to the
/// lowest.
///
/// It ends at recall 1. Unlike scikit-learn's it has no added point of recall 0 and precision 1, at
/// which no threshold stands. No point is left out; see [`crate::thin`] for drawing.
///
/// # Errors
///
/// [`Undefined::NoPositive`]: recall has no value.
pub fn precision_recall_curve(
    scores: &[f32],
    positive: &[bool],
) -> Result<Vec<PrecisionRecallPoint>> {
    Ok(Ranking::new(scores, positive)?
        .precision_recall_points()?
        .collect())
}

/// Balanced accuracy of decisions already made, in [0, 1]; 0.5 is chance.
///
/// The mean of the share of the anomalous that is called so and the share of the normal that is
/// called so: the accuracy that does not gain from a test set in which one of the two is rare.
///
/// # Errors
///
/// [`Undefined::NoPositive`] and [`Undefined::NoNegative`]: one of the shares has no value.
pub fn balanced_accuracy(predicted: &[bool], positive: &[bool]) -> Result<f64> {
    if predicted.len() != positive.len() {
        return Err(Undefined::LengthMismatch {
            scores: predicted.len(),
            labels: positive.len(),
        });
    }
    if positive.is_empty() {
        return Err(Undefined::Empty);
    }
    let count = |called: bool, truly: bool| {
        let pairs = predicted.iter().zip(positive);
        pairs
            .filter(|&(&predicted, &positive)| predicted == called && positive == truly)
            .count() as u64
    };
    let (true_positives, false_negatives) = (count(true, true), count(false, true));
    let (true_negatives, false_positives) = (count(false, false), count(true, false));
    if true_positives + false_negatives == 0 {
        return Err(Undefined::NoPositive);
    }
    if true_negatives + false_positives == 0 {
        return Err(Undefined::NoNegative);
    }
    Ok(balance(
        (true_positives, true_positives + false_negatives),
        (false_positives, true_negatives + false_positives),
    ))
}

/// The balanced accuracy of what is called anomalous: how many of how many positives, and of how many negatives.
pub(crate) fn balance(
    (true_positives, positives): (u64, u64),
    (false_positives, negatives): (u64, u64),
) -> f64 {
    let sensitivity = ratio(true_positives, positives);
    let specificity = ratio(negatives - false_positives, negatives);
    (sensitivity + specificity) / 2.0
}

#[cfg(test)]
mod tests;
