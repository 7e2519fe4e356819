//! All figures of an evaluation: every score, every map with its control, every kind of defect.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use cavga_metrics::PixelMetrics;

use super::{
    Figures, Measured, TestImage, images,
    pixels::{self, Curves},
};
use crate::{
    Error, Result,
    calibration::Calibration,
    progress::{Event, Progress},
};

/// The prefix of a figure's name: none for the method's own score or map, which come first.
pub(super) fn prefix(index: usize, name: &str) -> String {
    if index == 0 {
        String::new()
    } else {
        format!("{name}.")
    }
}

/// All figures but those of single kinds, and the curves of the map that is shown.
pub(super) fn all(
    measured: &Measured<'_>,
    stop: &AtomicBool,
    progress: &mut dyn Progress,
) -> Result<(Figures, Curves)> {
    let Calibration { scores, maps, .. } = measured.calibration;
    let truth: Vec<_> = measured
        .images
        .iter()
        .map(TestImage::is_anomalous)
        .collect();
    let mut figures = Figures::default();
    for (index, scale) in scores.iter().enumerate() {
        let score = |image: &TestImage| image.scores.get(index).copied().unwrap_or(f32::NAN);
        let scores: Vec<_> = measured.images.iter().map(score).collect();
        figures.extend(images::measure(
            &prefix(index, &scale.name),
            &scores,
            &truth,
            scale,
        ));
    }
    let mut curves = Curves::default();
    let total = maps.len() as u64;
    progress.on(Event::Begin {
        stage: "measuring maps",
        total,
        done: 0,
    });
    for (index, scale) in maps.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            progress.on(Event::End);
            return Err(Error::Stopped);
        }
        let prefix = prefix(index, &scale.name);
        if let Some(reason) = no_masks(&truth, measured.has_masks) {
            figures.extend(pixels::undefined(&prefix, reason));
            continue;
        }
        let (pooled, control) = pool_with_control(measured, index, &scale.name)?;
        figures.extend(pixels::measure(&prefix, &pooled));
        figures.add(&prefix, "prior_pixel_auroc", control);
        if index == measured.shown {
            curves = pixels::curves(&pooled);
        }
        let done = index as u64 + 1;
        progress.on(Event::Advance { done });
    }
    progress.on(Event::End);
    Ok((figures, curves))
}

/// The pixels of a map, and beside them the AUROC of the map's mean over the training images.
fn pool_with_control<'a>(
    measured: &Measured<'a>,
    index: usize,
    map: &str,
) -> Result<(PixelMetrics, cavga_metrics::Result<f64>)> {
    let Measured { images, priors, .. } = measured;
    let prior: &'a [f32] = priors.get(map).map(Vec::as_slice).unwrap_or_default();
    let (pooled, control) = rayon::join(
        || pixels::pool(*images, measured, |image| image.map(index)),
        || pixels::pool(*images, measured, |_| prior).map(|pixels| pixels.auroc()),
    );
    Ok((pooled?, control?))
}

fn no_masks(truth: &[bool], has_masks: bool) -> Option<&'static str> {
    if !truth.contains(&true) {
        Some("the test set holds no anomalous image")
    } else if !has_masks {
        Some("the dataset has no masks")
    } else {
        None
    }
}

/// Each kind of defect against all normal test images: how many images, and their figures.
pub(super) fn kinds(measured: &Measured<'_>) -> Result<BTreeMap<String, (usize, Figures)>> {
    let Measured {
        calibration,
        images,
        has_masks,
        ..
    } = measured;
    let mut kinds = BTreeMap::<_, usize>::new();
    for image in images.iter().filter(|image| image.is_anomalous()) {
        *kinds
            .entry(image.sample.label.kind().to_owned())
            .or_default() += 1;
    }
    let Calibration { scores, maps, .. } = calibration;
    let measure = |(kind, count): (String, usize)| {
        let of_kind: Vec<_> = images
            .iter()
            .filter(|image| !image.is_anomalous() || image.sample.label.kind() == kind)
            .collect();
        let truth: Vec<_> = of_kind.iter().map(|image| image.is_anomalous()).collect();
        let mut figures = Figures::default();
        if let Some(scale) = scores.first() {
            let scores: Vec<_> = of_kind.iter().map(|image| image.score()).collect();
            figures.extend(images::measure("", &scores, &truth, scale));
        }
        // The method's own map, and the one shown.
        let both = maps
            .iter()
            .enumerate()
            .filter(|(index, _)| *index == 0 || *index == measured.shown);
        for (index, scale) in both {
            let prefix = prefix(index, &scale.name);
            figures.extend(match no_masks(&truth, *has_masks) {
                Some(reason) => pixels::undefined(&prefix, reason),
                None => {
                    let of_kind = of_kind.iter().copied();
                    let pooled = pixels::pool(of_kind, measured, |image| image.map(index))?;
                    pixels::measure(&prefix, &pooled)
                }
            });
        }
        Ok((kind, (count, figures)))
    };
    kinds.into_iter().map(measure).collect()
}
