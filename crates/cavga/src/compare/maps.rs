//! Figures of pixels, from the maps that an evaluation wrote and the masks of the dataset.
//!
//! What an evaluation wrote is one map of each image, at the image's own size. Which of the method's maps it is, its figures tell: the
//! pixel AUROC measured here is one of those in `metrics.json`, to the last digit, or the maps are not of that evaluation.

use std::{path::PathBuf, sync::atomic::Ordering};

use cavga_data::{Limits, load_score_map_with_gaps};
use cavga_metrics::{
    self as metrics, AUPRO_LIMIT, Bootstrap, PixelEvaluation, PixelMap, PixelMetrics,
    PixelResampler, WeightedPixels,
};
use rayon::prelude::*;

use super::{
    CompareOptions,
    align::{Image, Images},
    figures::{Column, Measured, column},
    read::Evaluated,
};
use crate::{
    Error, Result,
    progress::{Event, Progress},
};

/// The names of the figures.
pub(super) const KEYS: [&str; 4] = [
    "pixel_auroc",
    "pixel_average_precision",
    "aupro_0.30",
    "iou_best_threshold",
];

/// Maps that are in memory at a time.
const AT_ONCE: usize = 16;

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
        total: 2 * images.all.len() as u64,
        done: 0,
    });
    let measured = measure(run, images, options, progress);
    progress.on(Event::End);
    match measured {
        Ok(pixels) => Ok(pixels),
        Err(Ended::Stopped) => Err(Error::Stopped),
        Err(Ended::Undefined(reason)) => Ok(undefined(&reason)),
    }
}

/// Why maps were not measured.
enum Ended {
    Stopped,
    Undefined(String),
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

fn measure(
    run: &Evaluated,
    images: &Images,
    options: &CompareOptions,
    progress: &mut dyn Progress,
) -> Result<Measured, Ended> {
    let too_many = |reason: metrics::Undefined| Ended::Undefined(reason.to_string());
    // In two halves of each portion, whatever the number of threads: the same sums in the same order.
    let mut halves = [PixelEvaluation::new(0.5), PixelEvaluation::new(0.5)];
    let all = images.all.as_slice();
    let mut done = 0;
    for some in all.chunks(AT_ONCE) {
        step(options, progress, done)?;
        let maps = load(run, some, &images.limits).map_err(Ended::Undefined)?;
        let (left, right) = maps.split_at(maps.len() / 2);
        let [first, second] = &mut halves;
        let (left, right) = rayon::join(|| push(first, left), || push(second, right));
        left.and(right).map_err(Ended::Undefined)?;
        done += some.len() as u64;
    }
    let [mut pooled, other] = halves;
    pooled.merge(other).map_err(too_many)?;
    let pooled = pooled.finish();
    let map = which(run, images, &pooled).map_err(Ended::Undefined)?;
    let grid = pooled.grid();
    let mut counted = Vec::with_capacity(all.len());
    for some in all.chunks(AT_ONCE) {
        step(options, progress, done)?;
        let maps = load(run, some, &images.limits).map_err(Ended::Undefined)?;
        let counts = maps.par_iter().map(|map| {
            let counts = map.view().and_then(|view| grid.count(&view));
            counts.map_err(|reason| map.says(&reason))
        });
        let counts: Result<Vec<_>, String> = counts.collect();
        counted.extend(counts.map_err(Ended::Undefined)?);
        done += some.len() as u64;
    }
    let resampler = PixelResampler::new(grid, counted);
    Ok(Measured {
        columns: columns(&pooled, &resampler, images, &options.bootstrap),
        map,
    })
}

fn step(options: &CompareOptions, progress: &mut dyn Progress, done: u64) -> Result<(), Ended> {
    if options.stop.load(Ordering::Relaxed) {
        return Err(Ended::Stopped);
    }
    progress.on(Event::Advance { done });
    Ok(())
}

/// A map as it was written, with its mask.
struct Loaded {
    path: PathBuf,
    scores: Vec<f32>,
    /// Where the map says nothing, if anywhere.
    ignored: Option<Vec<bool>>,
    mask: Vec<bool>,
    size: [usize; 2],
}

impl Loaded {
    fn view(&self) -> metrics::Result<PixelMap<'_>> {
        let [height, width] = self.size;
        let map = PixelMap::new(&self.scores, &self.mask, height, width)?;
        match &self.ignored {
            Some(ignored) => map.ignoring(ignored),
            None => Ok(map),
        }
    }

    fn says(&self, reason: &metrics::Undefined) -> String {
        format!("{}: {reason}", self.path.display())
    }
}

/// The maps of some images.
fn load(run: &Evaluated, images: &[Image], limits: &Limits) -> Result<Vec<Loaded>, String> {
    let one = |image: &Image| -> Result<Loaded, String> {
        let row = run.rows.get(&image.id);
        let stem = row.map(|row| row.stem.clone()).unwrap_or_default();
        let mut name = stem.into_os_string();
        name.push(".npy");
        let path = run.folder.maps().join(name);
        let loaded = load_score_map_with_gaps(&path, limits);
        let map = loaded.map_err(|error| error.to_string())?;
        let (mut scores, size) = (map.values, [map.height, map.width]);
        let mask = match image.test.as_ref().and_then(|test| test.mask.as_ref()) {
            Some(mask) => {
                let mask = mask.load(limits).map_err(|error| error.to_string())?;
                let found = [mask.height, mask.width];
                if found != size {
                    return Err(format!(
                        "{}: a map of {size:?} (height, width), but the mask is of {found:?}; evaluate the run again",
                        path.display()
                    ));
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
        Ok(Loaded {
            path,
            scores,
            ignored,
            mask,
            size,
        })
    };
    images.par_iter().map(one).collect()
}

fn push(to: &mut PixelEvaluation, maps: &[Loaded]) -> Result<(), String> {
    maps.iter().try_for_each(|map| {
        let pushed = map.view().and_then(|view| to.push(&view));
        pushed.map_err(|reason| map.says(&reason))
    })
}

/// The name of the map that was written, if it is not the method's own; an error if it is none that was measured.
fn which(
    run: &Evaluated,
    images: &Images,
    pooled: &PixelMetrics,
) -> Result<Option<String>, String> {
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
        None => Err(format!(
            "{}: their pixel AUROC is {found}, which is none of those in metrics.json: they are of another evaluation; evaluate \
             the run again",
            run.folder.maps().display()
        )),
    }
}

/// Each figure in the images as they are, exactly, and in each resample.
fn columns(
    pooled: &PixelMetrics,
    resampler: &PixelResampler,
    images: &Images,
    bootstrap: &Bootstrap,
) -> Vec<Column> {
    let values = [
        pooled.auroc(),
        pooled.average_precision(),
        pooled.aupro(AUPRO_LIMIT),
        pooled.iou_best_threshold().map(|best| best.iou),
    ];
    let of = |pixels: &WeightedPixels| {
        vec![
            pixels.auroc(),
            pixels.average_precision(),
            pixels.aupro(AUPRO_LIMIT),
            pixels.iou_best(),
        ]
    };
    let draws = images.clusters.need_several().map(|()| {
        let numbers = (0..bootstrap.resamples).into_par_iter();
        let draw = |number| {
            let weights = bootstrap.weights(&images.clusters, number);
            match resampler.weighted(&weights) {
                Ok(pixels) => of(&pixels),
                Err(reason) => vec![Err(reason); KEYS.len()],
            }
        };
        numbers.map(draw).collect()
    });
    let columns = KEYS.into_iter().zip(values).enumerate();
    columns
        .map(|(place, (key, value))| Column {
            key,
            value: value.map_err(|reason| reason.to_string()),
            draws: column(&draws, place),
        })
        .collect()
}
