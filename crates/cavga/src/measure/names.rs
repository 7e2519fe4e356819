//! The figures of pixels by name: what is measured, in the order in which it is shown.

use cavga_metrics::{self as metrics, AUPIMO_LIMITS, AUPRO_LIMIT, SizeClass, WeightedPixels};

use super::{ALARMS, pixels::Pixels};

/// A lower limit of the false-positive rate, of whom few alarms can be borne: that of MVTec LOCO's and MVTec AD 2's headline.
const LOW: f64 = 0.05;

pub(super) type Measure = fn(&Pixels) -> metrics::Result<f64>;

pub(super) type OfResample = fn(&WeightedPixels) -> metrics::Result<f64>;

/// The figures that have an interval.
pub(super) fn measures_of_resamples(threshold: f32) -> [(String, OfResample); 8] {
    [
        ("pixel_auroc".to_owned(), |pixels| pixels.auroc()),
        ("pixel_average_precision".to_owned(), |pixels| {
            pixels.average_precision()
        }),
        ("pixel_f1_max".to_owned(), |pixels| Ok(pixels.f1_max()?.f1)),
        (format!("aupro_{AUPRO_LIMIT:.2}"), |pixels| {
            pixels.aupro(AUPRO_LIMIT)
        }),
        (format!("aupro_{LOW:.2}"), |pixels| pixels.aupro(LOW)),
        (format!("iou_at_{threshold}"), |pixels| pixels.iou_pooled()),
        (format!("iou_at_{threshold}_mean"), |pixels| {
            pixels.iou_mean_over_anomalous_images()
        }),
        ("iou_best_threshold".to_owned(), |pixels| pixels.iou_best()),
    ]
}

/// All figures.
pub(super) fn measures(threshold: f32) -> Vec<(String, Measure)> {
    let all = short(threshold).into_iter().chain(of_regions(threshold));
    all.chain(of_pixels()).collect()
}

/// Those that are given of every map.
pub(super) fn short(threshold: f32) -> [(String, Measure); 7] {
    [
        ("pixel_auroc".to_owned(), |pixels| pixels.pooled.auroc()),
        ("pixel_average_precision".to_owned(), |pixels| {
            pixels.pooled.average_precision()
        }),
        ("pixel_f1_max".to_owned(), |pixels| {
            Ok(pixels.pooled.f1_max()?.f1)
        }),
        (format!("aupro_{AUPRO_LIMIT:.2}"), |pixels| {
            pixels.pooled.aupro(AUPRO_LIMIT)
        }),
        (format!("iou_at_{threshold}"), |pixels| {
            pixels.pooled.iou_pooled()
        }),
        (format!("iou_at_{threshold}_mean"), |pixels| {
            pixels.pooled.iou_mean_over_anomalous_images()
        }),
        ("iou_best_threshold".to_owned(), |pixels| {
            Ok(pixels.pooled.iou_best_threshold()?.iou)
        }),
    ]
}

/// What else there is of regions and overlap.
fn of_regions(threshold: f32) -> Vec<(String, Measure)> {
    let sizes: [(&str, Measure); 3] = [
        ("smallest", |pixels| {
            pixels.pooled.aupro_of_size(AUPRO_LIMIT, SizeClass::Small)
        }),
        ("middle", |pixels| {
            pixels.pooled.aupro_of_size(AUPRO_LIMIT, SizeClass::Medium)
        }),
        ("largest", |pixels| {
            pixels.pooled.aupro_of_size(AUPRO_LIMIT, SizeClass::Large)
        }),
    ];
    let sizes =
        sizes.map(|(size, measure)| (format!("aupro_{AUPRO_LIMIT:.2}_{size}_third"), measure));
    let others: [(String, Measure); 7] = [
        ("iou_best_threshold_mean".to_owned(), |pixels| {
            Ok(pixels.mean()?.iou_best)
        }),
        (format!("aupro_{LOW:.2}"), |pixels| pixels.pooled.aupro(LOW)),
        ("aupro_1.00".to_owned(), |pixels| pixels.pooled.aupro(1.0)),
        (format!("aupro_{AUPRO_LIMIT:.2}_100_ranks"), |pixels| {
            pixels.pooled.aupro_100_ranks(AUPRO_LIMIT)
        }),
        (format!("auspro_{LOW:.2}"), |pixels| {
            pixels.pooled.auspro(LOW)
        }),
        ("aupimo".to_owned(), |pixels| {
            let areas = pixels.pooled.aupimo(AUPIMO_LIMITS)?;
            Ok(areas.iter().sum::<f64>() / areas.len() as f64)
        }),
        (format!("pro_at_{threshold}"), |pixels| {
            pixels.pooled.pro_at_fixed()
        }),
    ];
    others.into_iter().chain(sizes).collect()
}

/// What else there is of pixels, whatever region they are of.
fn of_pixels() -> [(String, Measure); 7] {
    [
        (format!("pixel_auroc_to_{AUPRO_LIMIT:.2}"), |pixels| {
            pixels.pooled.auroc_to(AUPRO_LIMIT)
        }),
        (
            format!("pixel_auroc_to_{AUPRO_LIMIT:.2}_mcclish"),
            |pixels| pixels.pooled.auroc_to_mcclish(AUPRO_LIMIT),
        ),
        (format!("pixel_recall_at_fpr_{ALARMS:.2}"), |pixels| {
            Ok(pixels.pooled.at_alarm_rate(ALARMS)?.recall)
        }),
        (format!("pixel_precision_at_fpr_{ALARMS:.2}"), |pixels| {
            pixels.pooled.at_alarm_rate(ALARMS)?.precision(ALARMS)
        }),
        ("pixel_auroc_mean".to_owned(), |pixels| {
            Ok(pixels.mean()?.auroc)
        }),
        ("pixel_average_precision_mean".to_owned(), |pixels| {
            Ok(pixels.mean()?.average_precision)
        }),
        ("pixel_f1_max_mean".to_owned(), |pixels| {
            Ok(pixels.mean()?.f1_max)
        }),
    ]
}
