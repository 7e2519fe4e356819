//! Figures of pixels, by one map of each image.
//!
//! Images are loaded one at a time by whoever asks, in four parts side by side, and again for the intervals; no more than a map
//! for each thread lies in memory. The number of parts is fixed, so that sums are rounded alike on every machine.

use cavga_metrics::{
    self as metrics, AUPIMO_LIMITS, AUPRO_LIMIT, PerImage, PixelEvaluation, PixelMetrics,
    PixelResampler, SizeClass, Undefined, WeightedPixels,
};
use rayon::prelude::*;

use super::{ALARMS, Extent, Figures, Resampling, Truth};
use crate::{Error, Result};

/// Points of a curve in a report: more than a screen can show.
const POINTS: usize = 400;

/// A lower limit of the false-positive rate, of whom few alarms can be borne: that of MVTec LOCO's and MVTec AD 2's headline.
const LOW: f64 = 0.05;

const PARTS: usize = 4;

/// How many of the figures, the first, are given of every map.
const SHORT: usize = 7;

/// How the map of an image is loaded, by the image's number.
pub(crate) type Load<'a> = &'a (dyn Fn(usize) -> Result<Truth> + Sync);

/// The pixels of all images.
#[derive(Debug)]
pub(crate) struct Pixels {
    pub(crate) pooled: PixelMetrics,
    /// Of the images that have both kinds of pixels.
    per_image: Vec<PerImage>,
    /// Above it a pixel is called anomalous, in the figures at a fixed threshold.
    threshold: f32,
}

/// Curves of one map.
#[derive(Debug, Clone, Default)]
pub(crate) struct Curves {
    /// (false positive rate, true positive rate).
    pub(crate) roc: Vec<(f64, f64)>,
    /// (false positive rate, per-region overlap).
    pub(crate) pro: Vec<(f64, f64)>,
}

impl Pixels {
    /// Pools the pixels of so many images.
    pub(crate) fn pool(images: usize, load: Load<'_>, threshold: f32) -> Result<Self> {
        let mut per_image = Vec::new();
        let pooled = pool(
            images,
            load,
            threshold,
            |truth| {
                // An image without one of the kinds has none.
                truth.measured(PerImage::new).ok()
            },
            &mut per_image,
        )?;
        Ok(Self {
            pooled,
            per_image,
            threshold,
        })
    }

    /// The pixels alone, for whoever wants no figure of each image.
    pub(crate) fn pooled(images: usize, load: Load<'_>, threshold: f32) -> Result<PixelMetrics> {
        pool(images, load, threshold, |_| None, &mut Vec::new())
    }

    /// All figures, or those alone that are of use beside another map's.
    pub(crate) fn figures(&self, prefix: &str, extent: Extent) -> Figures {
        figures(prefix, (self.threshold, extent), Ok(self))
    }

    /// The intervals of the figures that [`measures_of_resamples`] names, over resamples of the images.
    pub(crate) fn intervals(
        &self,
        (figures, prefix): (&mut Figures, &str),
        load: Load<'_>,
        Resampling {
            bootstrap,
            clusters,
        }: &Resampling,
    ) -> Result<()> {
        let images = clusters.items();
        let grid = self.pooled.grid();
        let counted = (0..images)
            .into_par_iter()
            .map(|image| load(image)?.measured(|map| grid.count(map)));
        let counted = counted.collect::<Result<Vec<_>>>()?;
        let resampler = PixelResampler::new(grid, counted);
        let measures = measures_of_resamples(self.threshold);
        let on_grid = |weights: &[u32]| {
            let pixels = resampler.weighted(weights);
            let value = |(_, measure): &(String, OfResample)| {
                measure(pixels.as_ref().map_err(|reason| *reason)?)
            };
            measures
                .iter()
                .map(value)
                .collect::<Vec<metrics::Result<f64>>>()
        };
        let values: Vec<_> = (0..bootstrap.resamples)
            .into_par_iter()
            .map(|number| on_grid(&bootstrap.weights(clusters, number)))
            .collect();
        let plain = on_grid(&vec![1; images]);
        for (place, (name, _)) in measures.iter().enumerate() {
            let column = values
                .iter()
                .filter_map(|values| values.get(place).copied());
            let exact = figures
                .get(&format!("{prefix}{name}"))
                .and_then(|value| value.clone().ok());
            // The grid is off by the same little in all resamples.
            let off = match (exact, plain.get(place)) {
                (Some(exact), Some(Ok(plain))) => exact - plain,
                _ => 0.0,
            };
            let moved = column.map(|value| Ok((value? + off).clamp(0.0, 1.0)));
            figures.set_interval(prefix, name, bootstrap.interval(moved));
        }
        Ok(())
    }
}

/// Pools the pixels of so many images, and gathers what `each` says of one.
fn pool(
    images: usize,
    load: Load<'_>,
    threshold: f32,
    each: impl Fn(&Truth) -> Option<PerImage> + Sync,
    said: &mut Vec<PerImage>,
) -> Result<PixelMetrics> {
    let part = |part: usize| {
        let mut evaluation = PixelEvaluation::new(threshold);
        let mut said = Vec::new();
        for image in part * images / PARTS..(part + 1) * images / PARTS {
            let truth = load(image)?;
            truth.measured(|map| evaluation.push(map))?;
            said.extend(each(&truth));
        }
        Ok((evaluation, said))
    };
    let parts: Vec<_> = (0..PARTS)
        .into_par_iter()
        .map(part)
        .collect::<Result<_>>()?;
    let mut evaluation = PixelEvaluation::new(threshold);
    for (part, some) in parts {
        let merged = evaluation.merge(part);
        merged.map_err(|source| Error::Pixels {
            path: "all maps together".into(),
            source,
        })?;
        said.extend(some);
    }
    Ok(evaluation.finish())
}

type OfResample = fn(&WeightedPixels) -> metrics::Result<f64>;

/// The figures that have an interval.
fn measures_of_resamples(threshold: f32) -> [(String, OfResample); 8] {
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

/// The same names as of [`Pixels::figures`], all undefined for one reason.
pub(crate) fn undefined(prefix: &str, (threshold, extent): (f32, Extent), reason: &str) -> Figures {
    figures(prefix, (threshold, extent), Err(reason))
}

type Measure = fn(&Pixels) -> metrics::Result<f64>;

/// What is measured, in the order in which it is shown.
fn measures(threshold: f32) -> Vec<(String, Measure)> {
    let mut measures: Vec<(String, Measure)> = vec![
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
        ("iou_best_threshold_mean".to_owned(), |pixels| {
            Ok(pixels.mean()?.iou_best)
        }),
        (format!("aupro_{LOW:.2}"), |pixels| pixels.pooled.aupro(LOW)),
        ("aupro_1.00".to_owned(), |pixels| pixels.pooled.aupro(1.0)),
        (format!("aupro_{AUPRO_LIMIT:.2}_100_ranks"), |pixels| {
            pixels.pooled.aupro_100_ranks(AUPRO_LIMIT)
        }),
    ];
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
    measures.extend(sizes);
    let more: [(String, Measure); 10] = [
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
            Ok(pixels.pooled.at_alarm_rate(ALARMS)?.precision)
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
    ];
    measures.extend(more);
    measures
}

impl Pixels {
    fn mean(&self) -> Result<PerImage, Undefined> {
        PerImage::mean(&self.per_image)
    }
}

fn figures(
    prefix: &str,
    (threshold, extent): (f32, Extent),
    pixels: Result<&Pixels, &str>,
) -> Figures {
    let mut figures = Figures::default();
    let measures = measures(threshold).into_iter();
    for (name, measure) in measures.take(extent.of(SHORT)) {
        let value = pixels
            .map_err(ToOwned::to_owned)
            .and_then(|pixels| measure(pixels).map_err(|reason| reason.to_string()));
        figures.add(prefix, &name, value);
    }
    figures
}

/// The curves of a map; those that are undefined are empty.
pub(crate) fn curves(pixels: &PixelMetrics) -> Curves {
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
