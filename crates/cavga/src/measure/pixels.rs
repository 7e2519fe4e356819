//! Figures of pixels, by one map of each image.
//!
//! Images are loaded one at a time by whoever asks, in four parts side by side, and again for the intervals; no more than a map
//! for each thread lies in memory. The number of parts is fixed, so that sums are rounded alike on every machine.

use cavga_metrics::{
    self as metrics, PerImage, PixelEvaluation, PixelMetrics, PixelResampler, Undefined,
};
use rayon::prelude::*;

use super::{
    Extent, Figures, Resampling, Truth,
    names::{OfResample, measures, measures_of_resamples, short},
};
use crate::{Error, Result};

/// Points of a curve in a report: more than a screen can show.
const POINTS: usize = 400;

const PARTS: usize = 4;

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

    /// The intervals of the figures that `names` gives them, over resamples of the images.
    pub(crate) fn intervals(
        &self,
        (figures, prefix): (&mut Figures, &str),
        load: Load<'_>,
        resampling: &Resampling,
    ) -> Result<()> {
        let exact = |name: &str| {
            let value = figures.get(&format!("{prefix}{name}"));
            value.and_then(|value| value.clone().ok())
        };
        let all = resampled(&self.pooled, self.threshold, load, resampling, exact)?;
        for (name, values) in all {
            let interval = resampling.bootstrap.interval(values);
            figures.set_interval(prefix, &name, interval);
        }
        Ok(())
    }
}

/// The figures that [`measures_of_resamples`] names, each in all resamples of the images; `exact` knows them in the images as
/// they are.
pub(crate) fn resampled(
    pooled: &PixelMetrics,
    threshold: f32,
    load: Load<'_>,
    resampling: &Resampling,
    exact: impl Fn(&str) -> Option<f64>,
) -> Result<Vec<(String, Vec<metrics::Result<f64>>)>> {
    let images = resampling.clusters.items();
    let grid = pooled.grid();
    let counted = (0..images)
        .into_par_iter()
        .map(|image| load(image)?.measured(|map| grid.count(map)));
    let counted = counted.collect::<Result<Vec<_>>>()?;
    let resampler = PixelResampler::new(grid, counted);
    let measures = measures_of_resamples(threshold);
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
    let values = resampling.values(on_grid);
    let plain = on_grid(&vec![1; images]);
    let column = |(place, (name, _)): (usize, &(String, OfResample))| {
        // The grid is off by the same little in all resamples.
        let off = match (exact(name), plain.get(place)) {
            (Some(exact), Some(Ok(plain))) => exact - plain,
            _ => 0.0,
        };
        let column = values
            .iter()
            .filter_map(|values| values.get(place).copied());
        let moved = column.map(|value| Ok((value? + off).clamp(0.0, 1.0)));
        (name.clone(), moved.collect())
    };
    Ok(measures.iter().enumerate().map(column).collect())
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

/// The same names as of [`Pixels::figures`], all undefined for one reason.
pub(crate) fn undefined(prefix: &str, (threshold, extent): (f32, Extent), reason: &str) -> Figures {
    figures(prefix, (threshold, extent), Err(reason))
}

impl Pixels {
    pub(super) fn mean(&self) -> Result<PerImage, Undefined> {
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
    for (name, measure) in measures.take(extent.of(short(threshold).len())) {
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
