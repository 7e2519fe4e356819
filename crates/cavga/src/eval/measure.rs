//! All figures of an evaluation: every score, every map with its control, every kind of defect.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use cavga_data::MaskSource;
use cavga_metrics as metrics;

use super::{Figures, Measured, TestImage, images};
use crate::{
    Error, Result,
    calibration::Calibration,
    measure::{Curves, Extent, Pixels, Resampling, Truth, curves, undefined},
    progress::{Event, Progress},
};

/// The fixed threshold of the paper's localization.
const FIXED: f32 = 0.5;

/// The prefix of a figure's name: none for the method's own score or map, which come first.
pub(super) fn prefix(index: usize, name: &str) -> String {
    if index == 0 {
        String::new()
    } else {
        format!("{name}.")
    }
}

/// So many draws of the test images.
pub(super) fn resampling(images: &[TestImage], resamples: usize) -> Option<Resampling> {
    let images = images
        .iter()
        .map(|image| (image.sample.id.as_str(), image.sample.group.as_deref()));
    Resampling::new(images, resamples)
}

/// All figures but those of single kinds, and the curves of the map that is shown.
pub(super) fn all(
    measured: &Measured<'_>,
    resampling: Option<&Resampling>,
    stop: &AtomicBool,
    progress: &mut dyn Progress,
) -> Result<(Figures, Curves)> {
    let Calibration { scores, maps, .. } = measured.calibration;
    let every: Vec<_> = measured.images.iter().collect();
    let truth: Vec<_> = every.iter().map(|image| image.is_anomalous()).collect();
    let mut figures = Figures::default();
    for (index, scale) in scores.iter().enumerate() {
        let score = |image: &&TestImage| image.scores.get(index).copied().unwrap_or(f32::NAN);
        let scores: Vec<_> = every.iter().map(score).collect();
        let prefix = prefix(index, &scale.name);
        figures.extend(images::measure(
            &prefix,
            (&scores, &truth),
            scale,
            (extent_of(index, false), resampling),
        ));
    }
    let mut drawn = Curves::default();
    let total = maps.len() as u64;
    progress.on(Event::Begin {
        stage: "measuring maps",
        total,
        done: 0,
    });
    for (index, scale) in maps.iter().enumerate() {
        let prefix = prefix(index, &scale.name);
        let is_shown = index == measured.shown;
        let extent = extent_of(index, is_shown);
        if let Some(reason) = no_masks(&truth, measured.has_masks) {
            figures.extend(undefined(&prefix, (FIXED, extent), reason));
            figures.add(&prefix, "prior_pixel_auroc", Err(reason));
            continue;
        }
        let (pixels, control) = pool_with_control(measured, &every, (index, &scale.name), stop)
            .inspect_err(|_| progress.on(Event::End))?;
        let mut of_map = pixels.figures(&prefix, extent);
        of_map.add(&prefix, "prior_pixel_auroc", control);
        if let Some(resampling) = resampling.filter(|_| extent == Extent::All) {
            let load = loader(measured, &every, index, stop);
            pixels.intervals((&mut of_map, &prefix), &load, resampling)?;
        }
        figures.extend(of_map);
        if is_shown {
            drawn = curves(&pixels.pooled);
        }
        let done = index as u64 + 1;
        progress.on(Event::Advance { done });
    }
    progress.on(Event::End);
    Ok((figures, drawn))
}

/// Of the method's own score and map, and of the map that is shown, all is given.
fn extent_of(index: usize, is_shown: bool) -> Extent {
    match index == 0 || is_shown {
        true => Extent::All,
        false => Extent::Short,
    }
}

/// The pixels of a map, and beside them the AUROC of the map's mean over the training images.
fn pool_with_control(
    measured: &Measured<'_>,
    images: &[&TestImage],
    (index, map): (usize, &str),
    stop: &AtomicBool,
) -> Result<(Pixels, metrics::Result<f64>)> {
    let prior = measured.priors.get(map).map(Vec::as_slice);
    let control = |image: usize| truth_of(measured, images[image], prior.unwrap_or_default());
    let load = loader(measured, images, index, stop);
    let (pixels, control) = rayon::join(
        || Pixels::pool(images.len(), &load, FIXED),
        || Pixels::pooled(images.len(), &control, FIXED).map(|pixels| pixels.auroc()),
    );
    Ok((pixels?, control?))
}

/// Loads the map of this number of each of the images, until it is to stop.
fn loader<'a>(
    measured: &'a Measured<'a>,
    images: &'a [&'a TestImage],
    index: usize,
    stop: &'a AtomicBool,
) -> impl Fn(usize) -> Result<Truth> + Sync + 'a {
    move |image| match stop.load(Ordering::Relaxed) {
        true => Err(Error::Stopped),
        false => truth_of(measured, images[image], images[image].map(index)),
    }
}

/// A map of an image at the model's size, brought to the size of the image, beside its mask.
fn truth_of(measured: &Measured<'_>, image: &TestImage, map: &[f32]) -> Result<Truth> {
    let (scores, valid) = measured.map(image, map).at(&image.sample.id, image.size)?;
    let ignored = valid.map(|valid| valid.pixels.iter().map(|counts| !counts).collect());
    let mask = match &image.mask {
        Some(mask) => mask.load(&measured.limits)?.pixels,
        None => vec![false; scores.len()],
    };
    let defects = match &image.mask {
        Some(mask @ MaskSource::Regions { .. }) => mask.regions(&measured.limits)?,
        _ => Vec::new(),
    };
    Ok(Truth {
        path: image.sample.path().to_path_buf(),
        size: image.size,
        scores,
        mask,
        ignored,
        defects,
    })
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
pub(super) fn kinds(
    measured: &Measured<'_>,
    stop: &AtomicBool,
) -> Result<BTreeMap<String, (usize, Figures)>> {
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
            figures.extend(images::measure(
                "",
                (&scores, &truth),
                scale,
                (Extent::All, None),
            ));
        }
        // The method's own map, and the one shown.
        let both = maps
            .iter()
            .enumerate()
            .filter(|(index, _)| *index == 0 || *index == measured.shown);
        for (index, scale) in both {
            let prefix = prefix(index, &scale.name);
            let extent = Extent::All;
            figures.extend(match no_masks(&truth, *has_masks) {
                Some(reason) => undefined(&prefix, (FIXED, extent), reason),
                None => {
                    let load = loader(measured, &of_kind, index, stop);
                    Pixels::pool(of_kind.len(), &load, FIXED)?.figures(&prefix, extent)
                }
            });
        }
        Ok((kind, (count, figures)))
    };
    kinds.into_iter().map(measure).collect()
}
