//! Our figures against those of scikit-learn and of loops over every threshold, which
//! `conformance/metrics/make_goldens.py` computed and wrote beside this file.

use cavga_metrics::{
    Defect, PerImage, PixelEvaluation, PixelMap, SizeClass, Undefined, auroc, average_precision,
    balanced_accuracy, delong_difference, f1_max, precision_recall_curve, roc_curve,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    images: Vec<ImageCase>,
    delong: Vec<DeLongCase>,
    pixels: Vec<PixelCase>,
}

#[derive(Deserialize)]
struct ImageCase {
    scores: Vec<f32>,
    positive: Vec<bool>,
    auroc: f64,
    average_precision: f64,
    f1_max: f64,
    f1_max_threshold: f32,
    fixed_threshold: f32,
    balanced_accuracy: f64,
    false_positive_rates: Vec<f64>,
    true_positive_rates: Vec<f64>,
    precisions: Vec<f64>,
    recalls: Vec<f64>,
    thresholds: Vec<f32>,
}

#[derive(Deserialize)]
struct GoldenMap {
    height: usize,
    width: usize,
    scores: Vec<f32>,
    /// One character per pixel, `#` where anomalous.
    mask: String,
}

#[derive(Deserialize)]
struct PixelCase {
    maps: Vec<GoldenMap>,
    regions: usize,
    auroc: f64,
    average_precision: f64,
    f1_max: f64,
    /// Pairs of limit and area.
    aupro: Vec<(f64, f64)>,
    aupro_100_ranks: Vec<(f64, f64)>,
    /// The limit, then the small, the medium and the large regions' area.
    aupro_size_thirds: Vec<SizeThirds>,
    /// Of each region, in the order of the maps and within a map of the regions' first pixels.
    saturations: Vec<usize>,
    auspro: Vec<(f64, f64)>,
    /// Both limits, then the area.
    aupimo: Vec<(f64, f64, Option<f64>)>,
    /// Limit, area, and area on McClish's scale.
    auroc_to: Vec<(f64, f64, f64)>,
    /// Limit, recall, precision.
    at_false_positive_rate: Vec<(f64, f64, Option<f64>)>,
    auroc_mean: f64,
    average_precision_mean: f64,
    f1_max_mean: f64,
    iou_best_mean: f64,
    pro_above_fixed_threshold: f64,
    fixed_threshold: f32,
    iou_pooled: f64,
    iou_mean_over_anomalous_images: f64,
    iou_best: f64,
    iou_best_threshold: f32,
}

type SizeThirds = (f64, Option<f64>, Option<f64>, Option<f64>);

fn goldens() -> serde_json::Result<Goldens> {
    serde_json::from_str(include_str!("goldens/metrics.json"))
}

fn assert_close(name: &str, case: usize, found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-12,
        "{name} of case {case}: found {found}, expected {expected}"
    );
}

fn assert_all_close(name: &str, case: usize, found: impl Iterator<Item = f64>, expected: &[f64]) {
    let found: Vec<f64> = found.collect();
    assert_eq!(found.len(), expected.len(), "{name} of case {case}");
    for (&found, &expected) in found.iter().zip(expected) {
        assert_close(name, case, found, expected);
    }
}

#[test]
fn image_figures_equal_scikit_learn() {
    for (case, golden) in goldens().unwrap().images.into_iter().enumerate() {
        let (scores, positive) = (&golden.scores, &golden.positive);
        assert_close(
            "auroc",
            case,
            auroc(scores, positive).unwrap(),
            golden.auroc,
        );
        let precision = average_precision(scores, positive).unwrap();
        assert_close(
            "average precision",
            case,
            precision,
            golden.average_precision,
        );
        let best = f1_max(scores, positive).unwrap();
        assert_close("f1 max", case, best.f1, golden.f1_max);
        assert_eq!(best.threshold, golden.f1_max_threshold, "case {case}");
        let called: Vec<bool> = scores
            .iter()
            .map(|&score| score > golden.fixed_threshold)
            .collect();
        let accuracy = balanced_accuracy(&called, positive).unwrap();
        assert_close(
            "balanced accuracy",
            case,
            accuracy,
            golden.balanced_accuracy,
        );
    }
}

#[test]
fn image_curves_equal_scikit_learn() {
    for (case, golden) in goldens().unwrap().images.into_iter().enumerate() {
        let roc = roc_curve(&golden.scores, &golden.positive).unwrap();
        let rates = roc.iter().map(|point| point.false_positive_rate);
        assert_all_close(
            "false positive rates",
            case,
            rates,
            &golden.false_positive_rates,
        );
        let rates = roc.iter().map(|point| point.true_positive_rate);
        assert_all_close(
            "true positive rates",
            case,
            rates,
            &golden.true_positive_rates,
        );
        let curve = precision_recall_curve(&golden.scores, &golden.positive).unwrap();
        assert_all_close(
            "precisions",
            case,
            curve.iter().map(|point| point.precision),
            &golden.precisions,
        );
        assert_all_close(
            "recalls",
            case,
            curve.iter().map(|point| point.recall),
            &golden.recalls,
        );
        let thresholds: Vec<f32> = curve.iter().map(|point| point.threshold).collect();
        assert_eq!(thresholds, golden.thresholds, "case {case}");
    }
}

#[test]
fn pixel_figures_equal_their_definitions() {
    for (case, golden) in goldens().unwrap().pixels.into_iter().enumerate() {
        let mut evaluation = PixelEvaluation::new(golden.fixed_threshold);
        for map in &golden.maps {
            let mask: Vec<bool> = map.mask.bytes().map(|byte| byte == b'#').collect();
            let map = PixelMap::new(&map.scores, &mask, map.height, map.width).unwrap();
            evaluation.push(&map).unwrap();
        }
        let metrics = evaluation.finish();
        assert_eq!(metrics.regions(), golden.regions, "case {case}");
        assert_close("auroc", case, metrics.auroc().unwrap(), golden.auroc);
        let precision = metrics.average_precision().unwrap();
        assert_close(
            "average precision",
            case,
            precision,
            golden.average_precision,
        );
        assert_close("f1 max", case, metrics.f1_max().unwrap().f1, golden.f1_max);
        for &(limit, area) in &golden.aupro {
            assert_close("aupro", case, metrics.aupro(limit).unwrap(), area);
        }
        assert_close(
            "pooled iou",
            case,
            metrics.iou_pooled().unwrap(),
            golden.iou_pooled,
        );
        let mean = metrics.iou_mean_over_anomalous_images().unwrap();
        assert_close(
            "mean iou",
            case,
            mean,
            golden.iou_mean_over_anomalous_images,
        );
        let best = metrics.iou_best_threshold().unwrap();
        assert_close("best iou", case, best.iou, golden.iou_best);
        assert_eq!(best.threshold, golden.iou_best_threshold, "case {case}");
    }
}

#[derive(Deserialize)]
struct DeLongCase {
    positive: Vec<bool>,
    first: Vec<f32>,
    second: Vec<f32>,
    auroc_first: f64,
    auroc_second: f64,
    variance_first: f64,
    variance_second: f64,
    covariance: f64,
    z: Option<f64>,
    p: Option<f64>,
}

#[test]
fn spreads_agree_with_all_pairs_counted() {
    for case in goldens().unwrap().delong {
        let found = delong_difference(&case.first, &case.second, &case.positive).unwrap();
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-12;
        assert!(near(found.first.auroc, case.auroc_first));
        assert!(near(found.second.auroc, case.auroc_second));
        assert!(near(found.first.variance, case.variance_first));
        assert!(near(found.second.variance, case.variance_second));
        let variance = case.variance_first + case.variance_second - 2.0 * case.covariance;
        assert!(near(found.variance, variance));
        match (case.z, case.p) {
            (Some(z), Some(p)) => {
                assert!((found.z().unwrap() / z - 1.0).abs() < 1e-9);
                assert!((found.p().unwrap() / p - 1.0).abs() < 1e-9);
            }
            _ => assert_eq!(found.p(), Err(Undefined::NoVariance)),
        }
    }
}

/// The masks of a mask's regions, in the order of their first pixels.
fn region_masks(mask: &[bool], width: usize) -> Vec<Vec<bool>> {
    let mut left = mask.to_vec();
    let mut regions = Vec::new();
    while let Some(start) = left.iter().position(|&marked| marked) {
        let mut region = vec![false; mask.len()];
        let mut pending = vec![start];
        while let Some(pixel) = pending.pop() {
            if !std::mem::take(&mut left[pixel]) {
                continue;
            }
            region[pixel] = true;
            let near = |other: &usize| {
                (other / width).abs_diff(pixel / width) <= 1
                    && (other % width).abs_diff(pixel % width) <= 1
            };
            pending.extend((0..mask.len()).filter(near).filter(|&other| left[other]));
        }
        regions.push(region);
    }
    regions
}

#[test]
fn the_other_forms_of_pixel_figures_equal_their_definitions() {
    for (case, golden) in goldens().unwrap().pixels.into_iter().enumerate() {
        let mut evaluation = PixelEvaluation::new(golden.fixed_threshold);
        let mut saturations = golden.saturations.iter();
        let mut per_image = Vec::new();
        for map in &golden.maps {
            let mask: Vec<bool> = map.mask.bytes().map(|byte| byte == b'#').collect();
            let regions = region_masks(&mask, map.width);
            let defects: Vec<_> = regions
                .iter()
                .zip(saturations.by_ref())
                .map(|(mask, &saturation)| Defect { mask, saturation })
                .collect();
            let map = PixelMap::new(&map.scores, &mask, map.height, map.width).unwrap();
            evaluation
                .push(&map.with_defects(&defects).unwrap())
                .unwrap();
            per_image.extend(PerImage::new(&map));
        }
        let metrics = evaluation.finish();
        let close =
            |name: &str, found: Result<f64, Undefined>, expected: Option<f64>| match expected {
                Some(expected) => assert_close(name, case, found.unwrap(), expected),
                None => assert!(found.is_err(), "{name} of case {case}: found {found:?}"),
            };
        for &(limit, area) in &golden.aupro_100_ranks {
            close("100 ranks", metrics.aupro_100_ranks(limit), Some(area));
        }
        for &(limit, small, medium, large) in &golden.aupro_size_thirds {
            let classes = [
                (SizeClass::Small, small),
                (SizeClass::Medium, medium),
                (SizeClass::Large, large),
            ];
            for (class, area) in classes {
                close("size", metrics.aupro_of_size(limit, class), area);
            }
        }
        for &(limit, area) in &golden.auspro {
            close("auspro", metrics.auspro(limit), Some(area));
        }
        for &(low, high, area) in &golden.aupimo {
            let areas = metrics.aupimo((low, high));
            let mean = areas.map(|areas| areas.iter().sum::<f64>() / areas.len() as f64);
            close("aupimo", mean, area);
        }
        for &(limit, area, mcclish) in &golden.auroc_to {
            close("auroc_to", metrics.auroc_to(limit), Some(area));
            close("mcclish", metrics.auroc_to_mcclish(limit), Some(mcclish));
        }
        for &(limit, recall, precision) in &golden.at_false_positive_rate {
            let found = metrics.at_alarm_rate(limit);
            close("recall", found.map(|found| found.recall), Some(recall));
            let precision_found = found.and_then(|found| found.precision(limit));
            close("precision", precision_found, precision);
        }
        let mean = PerImage::mean(&per_image).unwrap();
        close("auroc_mean", Ok(mean.auroc), Some(golden.auroc_mean));
        close(
            "ap_mean",
            Ok(mean.average_precision),
            Some(golden.average_precision_mean),
        );
        close("f1_mean", Ok(mean.f1_max), Some(golden.f1_max_mean));
        close("iou_mean", Ok(mean.iou_best), Some(golden.iou_best_mean));
        close(
            "pro_at",
            metrics.pro_at_fixed(),
            Some(golden.pro_above_fixed_threshold),
        );
    }
}
