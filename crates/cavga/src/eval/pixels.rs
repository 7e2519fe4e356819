//! Figures of pixels, for one of the detector's maps at the size of each image's mask.

use cavga_metrics::{self as metrics, AUPRO_LIMIT, PixelEvaluation, PixelMap, PixelMetrics};

use super::{Measured, TestImage, figures::Figures};
use crate::{Error, Result};

/// The fixed threshold of the paper's localization.
const FIXED: f32 = 0.5;

/// Points of a curve in a report: more than a screen can show.
const POINTS: usize = 400;

/// Curves of one map.
#[derive(Debug, Clone, Default)]
pub(super) struct Curves {
    /// (false positive rate, true positive rate).
    pub(super) roc: Vec<(f64, f64)>,
    /// (false positive rate, per-region overlap).
    pub(super) pro: Vec<(f64, f64)>,
}

/// Pools the pixels of test images that count. `map` gives an image's map at the model's size.
pub(super) fn pool<'i>(
    images: impl IntoIterator<Item = &'i TestImage>,
    measured: &Measured<'i>,
    map: impl Fn(&'i TestImage) -> &'i [f32],
) -> Result<PixelMetrics> {
    let mut evaluation = PixelEvaluation::new(FIXED);
    for image in images {
        let small = measured.map(image, map(image));
        let (scores, valid) = small.at(&image.sample.id, image.size)?;
        let ignored = valid.map(|valid| valid.pixels.iter().map(|counts| !counts).collect());
        let ignored: Option<Vec<_>> = ignored;
        let mask = match &image.mask {
            Some(mask) => mask.load(&measured.limits)?.pixels,
            None => vec![false; scores.len()],
        };
        let [height, width] = image.size;
        PixelMap::new(&scores, &mask, height, width)
            .and_then(|map| match &ignored {
                Some(ignored) => map.ignoring(ignored),
                None => Ok(map),
            })
            .and_then(|map| evaluation.push(&map))
            .map_err(|source| Error::Pixels {
                path: image.sample.path().to_path_buf(),
                source,
            })?;
    }
    Ok(evaluation.finish())
}

/// All figures of a map.
pub(super) fn measure(prefix: &str, pixels: &PixelMetrics) -> Figures {
    figures(prefix, Ok(pixels))
}

/// The same names and the control's, all undefined for one reason.
pub(super) fn undefined(prefix: &str, reason: &str) -> Figures {
    let mut figures = figures(prefix, Err(reason));
    figures.add(prefix, "prior_pixel_auroc", Err(reason));
    figures
}

/// A map's figures by name, or for each the reason why there are no pixels to measure.
fn figures(prefix: &str, pixels: Result<&PixelMetrics, &str>) -> Figures {
    type Measure = fn(&PixelMetrics) -> metrics::Result<f64>;
    let all: [(&str, Measure); 7] = [
        ("pixel_auroc", |pixels| pixels.auroc()),
        ("pixel_average_precision", |pixels| {
            pixels.average_precision()
        }),
        ("pixel_f1_max", |pixels| Ok(pixels.f1_max()?.f1)),
        ("aupro_0.30", |pixels| pixels.aupro(AUPRO_LIMIT)),
        ("iou_at_0.5", |pixels| pixels.iou_pooled()),
        ("iou_at_0.5_mean", |pixels| {
            pixels.iou_mean_over_anomalous_images()
        }),
        ("iou_best_threshold", |pixels| {
            Ok(pixels.iou_best_threshold()?.iou)
        }),
    ];
    let mut figures = Figures::default();
    for (name, measure) in all {
        let value = pixels
            .map_err(ToOwned::to_owned)
            .and_then(|pixels| measure(pixels).map_err(|reason| reason.to_string()));
        figures.add(prefix, name, value);
    }
    figures
}

/// The curves of a map; those that are undefined are empty.
pub(super) fn curves(pixels: &PixelMetrics) -> Curves {
    let roc = |point: metrics::RocPoint| (point.false_positive_rate, point.true_positive_rate);
    let pro = |point: metrics::ProPoint| (point.false_positive_rate, point.overlap);
    Curves {
        roc: pixels
            .roc_curve(POINTS)
            .unwrap_or_default()
            .into_iter()
            .map(roc)
            .collect(),
        pro: pixels
            .pro_curve(POINTS)
            .unwrap_or_default()
            .into_iter()
            .map(pro)
            .collect(),
    }
}
