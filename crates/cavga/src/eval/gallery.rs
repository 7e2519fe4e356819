//! Example images of a report: the worst misses, the worst false alarms, the clearest finds.

use rayon::prelude::*;

use super::{Measured, TestImage};
use crate::{
    Result, picture,
    report::{Gallery, Item},
};

/// Rows of each gallery: enough to see what goes wrong, few enough to send by mail.
const ROWS: usize = 10;

/// Pixels on the longer side of a picture.
const SIDE: u32 = 256;

/// The three galleries; one without images is left out.
pub(super) fn galleries(measured: &Measured<'_>) -> Result<Vec<Gallery>> {
    let mut ranked: Vec<_> = measured.images.iter().collect();
    ranked.sort_by(|a, b| a.score().total_cmp(&b.score()));
    let (anomalous, normal): (Vec<_>, Vec<_>) =
        ranked.into_iter().partition(|image| image.is_anomalous());
    let find_first = || anomalous.iter().rev().copied();
    let parts: [(&str, &str, Vec<&TestImage>); 3] = [
        (
            "Worst misses",
            "Anomalous images with the lowest scores.",
            anomalous.iter().take(ROWS).copied().collect(),
        ),
        (
            "Worst false alarms",
            "Normal images with the highest scores.",
            normal.iter().rev().take(ROWS).copied().collect(),
        ),
        (
            "Clearest finds",
            "Anomalous images with the highest scores.",
            find_first().take(ROWS).collect(),
        ),
    ];
    let filled = parts
        .into_iter()
        .filter(|(_, _, images)| !images.is_empty());
    filled
        .map(|(title, note, images)| {
            let items = images
                .par_iter()
                .map(|image| item(measured, image))
                .collect::<Result<_>>()?;
            Ok(Gallery {
                title: title.to_owned(),
                note: note.to_owned(),
                items,
            })
        })
        .collect()
}

fn item(measured: &Measured<'_>, image: &TestImage) -> Result<Item> {
    let TestImage { sample, mask, .. } = image;
    let calibration = measured.calibration;
    let pixels = sample.source.load(&measured.limits)?;
    let size = [pixels.height, pixels.width];
    let input = picture::planar(&pixels.pixels, pixels.height, pixels.width)?;
    let mask = mask
        .as_ref()
        .map(|mask| mask.load(&measured.limits))
        .transpose()?;
    let scale = calibration.maps.get(measured.shown);
    let map = scale.map(|_| measured.map(image, image.map(measured.shown)));
    let map = map.map(|map| map.shown(&sample.id, size)).transpose()?;
    let range = scale.map_or((0.0, 1.0), crate::calibration::MapScale::range);
    let mask = mask.as_ref().map(|mask| mask.pixels.as_slice());
    Ok(Item {
        id: sample.id.clone(),
        kind: sample.label.kind().to_owned(),
        anomalous: image.is_anomalous(),
        score: f64::from(image.score()),
        verdict: image.verdict(calibration).as_str().to_owned(),
        panels: picture::panels(&input, mask, map.as_deref(), range, SIDE)?,
    })
}
