//! Figures of whole images, for one of the detector's scores.

use cavga_metrics as metrics;

use super::figures::Figures;
use crate::calibration::{Rule, ScoreScale};

/// `scores` of the test images, and which of them are anomalous in truth.
pub(super) fn measure(prefix: &str, scores: &[f32], truth: &[bool], scale: &ScoreScale) -> Figures {
    let mut figures = Figures::default();
    figures.add(prefix, "image_auroc", metrics::auroc(scores, truth));
    figures.add(
        prefix,
        "image_average_precision",
        metrics::average_precision(scores, truth),
    );
    figures.add(
        prefix,
        "image_f1_max",
        metrics::f1_max(scores, truth).map(|best| best.f1),
    );
    let accuracy = |predicted: Option<Vec<bool>>, over: &str| {
        let predicted =
            predicted.ok_or_else(|| format!("all {over} images have the same score"))?;
        metrics::balanced_accuracy(&predicted, truth).map_err(|reason| reason.to_string())
    };
    let test = ScoreScale {
        train_min: scores.iter().copied().fold(f32::INFINITY, f32::min),
        train_max: scores.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        ..scale.clone()
    };
    let above_half = |scale: &ScoreScale| {
        let above = |&score: &f32| scale.normalised(score).map(|score| score > 0.5);
        scores.iter().map(above).collect::<Option<Vec<_>>>()
    };
    figures.add(
        prefix,
        "balanced_accuracy_at_0.5_test_set",
        accuracy(above_half(&test), "test"),
    );
    figures.add(
        prefix,
        "balanced_accuracy_at_0.5_train",
        accuracy(above_half(scale), "training"),
    );
    let verdicts = scores
        .iter()
        .map(|&score| score > scale.threshold)
        .collect();
    // Two rules, two names: a boundary that the method brings was not chosen on held-out images.
    let name = match scale.rule {
        Rule::HeldOut => "balanced_accuracy_at_threshold",
        Rule::OwnBoundary => "balanced_accuracy_at_own_boundary",
    };
    figures.add(prefix, name, accuracy(Some(verdicts), "test"));
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale() -> ScoreScale {
        ScoreScale {
            name: "residual".into(),
            train_min: 0.0,
            train_max: 1.0,
            threshold: 0.8,
            rule: Rule::HeldOut,
        }
    }

    #[test]
    fn accuracy_at_a_boundary_of_the_method_has_a_name_of_its_own() {
        let boundary = ScoreScale {
            threshold: 0.5,
            rule: Rule::OwnBoundary,
            ..scale()
        };
        let figures = measure("", &[0.4, 0.6, 0.7], &[false, false, true], &boundary);
        let value = |name: &str| figures.get(name).cloned();
        assert_eq!(value("balanced_accuracy_at_own_boundary"), Some(Ok(0.75)));
        assert_eq!(value("balanced_accuracy_at_threshold"), None);
    }

    #[test]
    fn the_two_normalisations_are_told_apart() {
        let figures = measure(
            "",
            &[0.1, 0.6, 3.0, 0.7, 0.9],
            &[false, false, true, true, true],
            &scale(),
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
        let figures = measure("", &[0.5, 0.5], &[true, true], &scale());
        assert!(figures.get("image_auroc").is_some_and(Result::is_err));
        let same = figures.get("balanced_accuracy_at_0.5_test_set");
        assert_eq!(
            same,
            Some(&Err("all test images have the same score".to_owned()))
        );
    }
}
