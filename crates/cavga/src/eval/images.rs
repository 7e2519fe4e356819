//! Figures of whole images, for one of the detector's scores.

use cavga_metrics as metrics;

use super::Figures;
use crate::{
    calibration::{Rule, ScoreScale, Verdict},
    measure::{Extent, Images, Resampling},
};

/// `scores` of the test images, and which of them are anomalous in truth; with intervals where images are resampled.
pub(super) fn measure(
    prefix: &str,
    (scores, truth): (&[f32], &[bool]),
    scale: &ScoreScale,
    (extent, resampling): (Extent, Option<&Resampling>),
) -> Figures {
    let images = Images { scores, truth };
    let mut figures = images.figures(prefix, extent);
    if let Some(resampling) = resampling {
        images.intervals((&mut figures, prefix), resampling);
    }
    figures.extend(on_scales(prefix, (scores, truth), scale));
    figures.extend(at_threshold(prefix, &images, scale, resampling));
    figures
}

/// The share of the images that are called right, each class counting half.
fn accuracy(
    predicted: Option<Vec<bool>>,
    truth: &[bool],
    over: &str,
) -> std::result::Result<f64, String> {
    let predicted = predicted.ok_or_else(|| format!("all {over} images have the same score"))?;
    metrics::balanced_accuracy(&predicted, truth).map_err(|reason| reason.to_string())
}

/// At half of two scales: from the lowest to the highest test image, and training image.
fn on_scales(prefix: &str, (scores, truth): (&[f32], &[bool]), scale: &ScoreScale) -> Figures {
    let test = ScoreScale {
        train_min: scores.iter().copied().fold(f32::INFINITY, f32::min),
        train_max: scores.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        ..scale.clone()
    };
    let above_half = |scale: &ScoreScale| {
        let above = |&score: &f32| scale.normalised(score).map(|score| score > 0.5);
        scores.iter().map(above).collect::<Option<Vec<_>>>()
    };
    let mut figures = Figures::default();
    figures.add(
        prefix,
        "balanced_accuracy_at_0.5_test_set",
        accuracy(above_half(&test), truth, "test"),
    );
    figures.add(
        prefix,
        "balanced_accuracy_at_0.5_train",
        accuracy(above_half(scale), truth, "training"),
    );
    figures
}

/// Of the verdicts.
fn at_threshold(
    prefix: &str,
    images: &Images<'_>,
    scale: &ScoreScale,
    resampling: Option<&Resampling>,
) -> Figures {
    let truth = images.truth;
    let verdicts = images.scores.iter().map(|&score| scale.verdict(score));
    let verdicts: Vec<_> = verdicts.collect();
    let shares = Shares {
        verdicts: &verdicts,
        truth,
    };
    // Two rules, two names: a boundary that the method brings was not chosen on held-out images.
    let [balanced, false_alarms, recall] = match scale.rule {
        Rule::HeldOut => [
            "balanced_accuracy_at_threshold",
            "false_alarm_rate_at_threshold",
            "recall_at_threshold",
        ],
        Rule::OwnBoundary => [
            "balanced_accuracy_at_own_boundary",
            "false_alarm_rate_at_own_boundary",
            "recall_at_own_boundary",
        ],
    };
    let mut figures = Figures::default();
    let alarms = verdicts.iter();
    let alarms = alarms.map(|verdict| *verdict == Verdict::Anomalous);
    let alarms: Vec<_> = alarms.collect();
    if let Some(resampling) = resampling {
        let interval = images.decision_interval(&alarms, resampling);
        figures.set_interval(prefix, balanced, interval);
    }
    figures.add(prefix, balanced, accuracy(Some(alarms), truth, "test"));
    figures.add(prefix, false_alarms, shares.of(Verdict::Anomalous, false));
    figures.add(prefix, recall, shares.of(Verdict::Anomalous, true));
    if scale.unsure_threshold.is_some() {
        let unsure = Verdict::Unsure;
        figures.add(prefix, "share_unsure_normal", shares.of(unsure, false));
        figures.add(prefix, "share_unsure_anomalous", shares.of(unsure, true));
    }
    figures
}

/// Verdicts on images, and which of them are anomalous in truth.
struct Shares<'a> {
    verdicts: &'a [Verdict],
    truth: &'a [bool],
}

impl Shares<'_> {
    /// The share of the normal or anomalous images that got a verdict.
    fn of(&self, verdict: Verdict, anomalous: bool) -> metrics::Result<f64> {
        let images = self.verdicts.iter().zip(self.truth);
        let of_class = images.filter(|(_, truth)| **truth == anomalous);
        let (mut all, mut got) = (0_u32, 0_u32);
        for (found, _) in of_class {
            all += 1;
            got += u32::from(*found == verdict);
        }
        match (all, anomalous) {
            (0, false) => Err(metrics::Undefined::NoNegative),
            (0, true) => Err(metrics::Undefined::NoPositive),
            (all, _) => Ok(f64::from(got) / f64::from(all)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale() -> ScoreScale {
        ScoreScale::learnt("residual", (0.0, 1.0), vec![0.2, 0.8], (false, true))
    }

    #[test]
    fn accuracy_at_a_boundary_of_the_method_has_a_name_of_its_own() {
        let boundary = ScoreScale {
            threshold: 0.5,
            rule: Rule::OwnBoundary,
            ..scale()
        };
        let figures = measure(
            "",
            (&[0.4, 0.6, 0.7], &[false, false, true]),
            &boundary,
            (Extent::All, None),
        );
        let value = |name: &str| figures.get(name).cloned();
        assert_eq!(value("balanced_accuracy_at_own_boundary"), Some(Ok(0.75)));
        assert_eq!(value("balanced_accuracy_at_threshold"), None);
        assert_eq!(value("false_alarm_rate_at_own_boundary"), Some(Ok(0.5)));
        assert_eq!(value("recall_at_own_boundary"), Some(Ok(1.0)));
    }

    /// An unsure image is neither an alarm nor found.
    #[test]
    fn shares_of_verdicts_are_of_each_class() {
        let unsure = ScoreScale {
            unsure_threshold: Some(0.5),
            ..scale()
        };
        let (scores, truth) = (
            [0.1, 0.6, 0.7, 0.9, 0.6, 2.0],
            [false, false, false, false, true, true],
        );
        let figures = measure("x.", (&scores, &truth), &unsure, (Extent::All, None));
        let value = |name: &str| figures.get(&format!("x.{name}")).cloned();
        assert_eq!(value("false_alarm_rate_at_threshold"), Some(Ok(0.25)));
        assert_eq!(value("recall_at_threshold"), Some(Ok(0.5)));
        assert_eq!(value("share_unsure_normal"), Some(Ok(0.5)));
        assert_eq!(value("share_unsure_anomalous"), Some(Ok(0.5)));
        assert_eq!(value("balanced_accuracy_at_threshold"), Some(Ok(0.625)));
        let none = measure("", (&scores, &truth), &scale(), (Extent::All, None));
        assert_eq!(none.get("share_unsure_normal"), None);
        let one_class = measure("", (&[0.9], &[true]), &unsure, (Extent::All, None));
        for name in ["false_alarm_rate_at_threshold", "share_unsure_normal"] {
            assert!(one_class.get(name).is_some_and(Result::is_err), "{name}");
        }
    }

    #[test]
    fn the_two_normalisations_are_told_apart() {
        let figures = measure(
            "",
            (
                &[0.1, 0.6, 3.0, 0.7, 0.9],
                &[false, false, true, true, true],
            ),
            &scale(),
            (Extent::All, None),
        );
        let value = |name: &str| {
            figures
                .get(name)
                .and_then(|value| value.as_ref().ok())
                .copied()
        };
        // Over the test set only 3.0 passes the middle, on the training images' scale all but 0.1 do.
        assert_eq!(
            value("balanced_accuracy_at_0.5_test_set"),
            Some((1.0 / 3.0 + 1.0) / 2.0)
        );
        assert_eq!(value("balanced_accuracy_at_0.5_train"), Some(0.75));
        assert_eq!(
            value("balanced_accuracy_at_threshold"),
            Some((2.0 / 3.0 + 1.0) / 2.0)
        );
        assert_eq!(value("image_auroc"), Some(1.0));
    }

    #[test]
    fn one_class_or_one_value_leaves_figures_undefined() {
        let figures = measure(
            "",
            (&[0.5, 0.5], &[true, true]),
            &scale(),
            (Extent::All, None),
        );
        assert!(figures.get("image_auroc").is_some_and(Result::is_err));
        let same = figures.get("balanced_accuracy_at_0.5_test_set");
        assert_eq!(
            same,
            Some(&Err("all test images have the same score".to_owned()))
        );
    }
}
