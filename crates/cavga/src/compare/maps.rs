//! Figures of pixels, from the maps that an evaluation wrote and the masks of the dataset.
//!
//! What an evaluation wrote is one map of each image, at the image's own size. Which of the method's maps it is, its figures tell: the
//! pixel AUROC measured here is one of those in `metrics.json`, to the last digit, or the maps are not of that evaluation.

use std::sync::atomic::Ordering;

use cavga_data::load_score_map_with_gaps;
use cavga_metrics::{AUPRO_LIMIT, PixelMetrics};

use super::{
    CompareOptions,
    align::{Image, Images},
    figures::{Column, Measured},
    read::Evaluated,
};
use crate::{
    Error, Result,
    measure::{Pixels, Resampling, Truth, resampled},
    progress::{Event, Progress},
};

/// The names of the figures.
pub(super) const KEYS: [&str; 4] = [
    "pixel_auroc",
    "pixel_average_precision",
    "aupro_0.30",
    "iou_best_threshold",
];

/// The threshold of figures that are not shown here.
const FIXED: f32 = 0.5;

/// The figures, all undefined for one reason.
fn undefined(reason: &str) -> Measured {
    let columns = KEYS.iter().map(|key| Column::undefined(key, reason));
    Measured {
        columns: columns.collect(),
        map: None,
    }
}

/// Measures the maps of a run, or says why there are none to measure.
pub(super) fn pixels(
    run: &Evaluated,
    images: &Images,
    options: &CompareOptions,
    progress: &mut dyn Progress,
) -> Result<Measured> {
    if let Err(reason) = can_be_measured(run, images) {
        return Ok(undefined(&reason));
    }
    progress.on(Event::Begin {
        stage: "measuring maps",
        total: 1,
        done: 0,
    });
    let measured = measure(run, images, options);
    progress.on(Event::End);
    match measured {
        Err(Error::Stopped) => Err(Error::Stopped),
        // What is wrong with the maps says nothing against the scores.
        Err(error) => Ok(undefined(&said(&error))),
        Ok(measured) => Ok(measured),
    }
}

/// An error with its cause.
fn said(error: &Error) -> String {
    let text = error.to_string();
    match std::error::Error::source(error).map(ToString::to_string) {
        Some(cause) if !text.contains(&cause) => format!("{text}: {cause}"),
        _ => text,
    }
}

fn can_be_measured(run: &Evaluated, images: &Images) -> Result<(), String> {
    if let Some(reason) = &images.unknown {
        return Err(reason.clone());
    }
    let tests = || images.all.iter().filter_map(|image| image.test.as_ref());
    if !tests().any(|test| test.mask.is_some()) {
        return Err("the dataset has no masks".to_owned());
    }
    if !run.folder.maps().is_dir() {
        let why = "the evaluation wrote no maps; evaluate again without --no-maps";
        return Err(why.to_owned());
    }
    Ok(())
}

fn measure(run: &Evaluated, images: &Images, options: &CompareOptions) -> Result<Measured> {
    let load = |place: usize| match images.all.get(place) {
        _ if options.stop.load(Ordering::Relaxed) => Err(Error::Stopped),
        Some(image) => truth(run, images, image),
        None => Err(Error::Stopped),
    };
    let pooled = Pixels::pooled(images.all.len(), &load, FIXED)?;
    let map = which(run, images, &pooled)?;
    let values = [
        pooled.auroc(),
        pooled.average_precision(),
        pooled.aupro(AUPRO_LIMIT),
        pooled.iou_best_threshold().map(|best| best.iou),
    ];
    let exact = |name: &str| {
        let value = KEYS.iter().zip(values).find(|(key, _)| **key == name);
        value.and_then(|(_, value)| value.ok())
    };
    let resampling = Resampling {
        bootstrap: options.bootstrap,
        clusters: images.clusters.clone(),
    };
    let draws = match images.clusters.need_several() {
        Ok(()) => Ok(resampled(&pooled, FIXED, &load, &resampling, exact)?),
        Err(reason) => Err(reason.to_string()),
    };
    let of = |key: &str| {
        let all = draws.as_ref().map_err(Clone::clone)?;
        let column = all.iter().find(|(name, _)| name == key);
        column
            .map(|(_, values)| values.clone())
            .ok_or_else(|| "not measured".to_owned())
    };
    let columns = KEYS.into_iter().zip(values).map(|(key, value)| Column {
        key,
        value: value.map_err(|reason| reason.to_string()),
        draws: of(key),
    });
    Ok(Measured {
        columns: columns.collect(),
        map,
    })
}

/// A map as it was written, beside its mask.
fn truth(run: &Evaluated, images: &Images, image: &Image) -> Result<Truth> {
    let row = run.rows.get(&image.id);
    let stem = row.map(|row| row.stem.clone()).unwrap_or_default();
    let mut name = stem.into_os_string();
    name.push(".npy");
    let path = run.folder.maps().join(name);
    let map = load_score_map_with_gaps(&path, &images.limits)?;
    let (mut scores, size) = (map.values, [map.height, map.width]);
    let mask = match image.test.as_ref().and_then(|test| test.mask.as_ref()) {
        Some(mask) => {
            let mask = mask.load(&images.limits)?;
            let found = [mask.height, mask.width];
            if found != size {
                return Err(Error::Out {
                    path,
                    why: format!(
                        "a map of {size:?} (height, width), but the mask is of {found:?}; evaluate the run again"
                    ),
                });
            }
            mask.pixels
        }
        None => vec![false; scores.len()],
    };
    let ignored = scores.iter().any(|score| score.is_nan()).then(|| {
        let nothing = |score: &mut f32| {
            let nothing = score.is_nan();
            if nothing {
                *score = 0.0;
            }
            nothing
        };
        scores.iter_mut().map(nothing).collect()
    });
    Ok(Truth {
        path,
        size,
        scores,
        mask,
        ignored,
        defects: Vec::new(),
    })
}

/// The name of the map that was written, if it is not the method's own; an error if it is none that was measured.
fn which(run: &Evaluated, images: &Images, pooled: &PixelMetrics) -> Result<Option<String>> {
    const KEY: &str = KEYS[0];
    let Ok(found) = pooled.auroc() else {
        return Ok(None);
    };
    // Of some of the images it is another number.
    if images.all.len() < run.rows.len() {
        return Ok(None);
    }
    let is_it = |key: &str| {
        run.number(key)
            .is_some_and(|known| (known - found).abs() < 1e-9)
    };
    if is_it(KEY) {
        return Ok(None);
    }
    let names = run
        .metrics
        .keys()
        .filter_map(|key| key.strip_suffix(KEY)?.strip_suffix('.'));
    let mut same = names.filter(|name| is_it(&format!("{name}.{KEY}")));
    match same.next() {
        Some(name) => Ok(Some(name.to_owned())),
        None => Err(Error::Out {
            path: run.folder.maps(),
            why: format!(
                "their pixel AUROC is {found}, which is none of those in metrics.json: maps or masks are of another evaluation; \
                 evaluate the run again, or give its dataset with --data"
            ),
        }),
    }
}
