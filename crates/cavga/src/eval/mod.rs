//! Evaluation: a model measured on test images, every figure under a name that says its rule.
//!
//! Images are scored one at a time, as in prediction. Maps of all test images stay in memory at the model's size; each
//! kind of map is brought to the masks' own size and pooled by itself, since the pooled pixels (8 bytes each) are what
//! takes the memory. Beside every map its control is measured: the map's mean over the training images, the same for
//! every test image.
//!
//! - `images`: figures of whole images
//! - `pixels`: figures of maps
//! - `figures`: names, numbers, reasons
//! - `files`: scores.csv and maps
//! - `page`: what the report shows; `gallery`: its example images; `words`: what its figures are called

mod figures;
mod files;
mod gallery;
mod images;
mod page;
mod pixels;
mod words;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cavga_data::{Dataset, Limits, Sample, check_mask, image_size};
use cavga_detect::Method;
use rayon::prelude::*;
use serde_json::{Map, Value};

pub use figures::Figures;
pub use files::MapFiles;
pub(crate) use files::write_map;

use crate::{
    Error, Result, atomic,
    calibration::{Calibration, Verdict},
    config::DataConfig,
    feed,
    model::Model,
    progress::{Event, Progress},
    report,
    run::{Record, RunFolder, absolute},
    train::read_log,
};

/// How to evaluate.
#[derive(Debug, Clone)]
pub struct EvalOptions {
    /// The dataset; without it, the one that the run was trained on.
    pub data: Option<PathBuf>,
    /// The device, as in `cpu` or `wgpu:1`.
    pub device: String,
    /// Whether maps and overlays of all test images are written.
    pub maps: bool,
    /// Raised from another thread, it makes the evaluation end with [`Error::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Default for EvalOptions {
    fn default() -> Self {
        Self {
            data: None,
            device: "cpu".to_owned(),
            maps: true,
            stop: Arc::default(),
        }
    }
}

/// What an evaluation found.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// All figures by name, as in `metrics.json`.
    pub figures: Figures,
    /// The content of `metrics.json`.
    pub metrics: Map<String, Value>,
    /// The detector's maps; figures of the first have no prefix, those of the others `<map>.`.
    pub maps: Vec<String>,
    /// The detector's scores, likewise.
    pub scores: Vec<String>,
}

/// A test image and what the model says of it.
#[derive(Debug)]
struct TestImage {
    sample: Sample,
    /// `[height, width]` of the file.
    size: [usize; 2],
    scores: Vec<f32>,
    /// At the model's size.
    maps: Vec<Vec<f32>>,
}

impl TestImage {
    fn is_anomalous(&self) -> bool {
        self.sample.label.is_anomalous()
    }
    fn score(&self) -> f32 {
        self.scores.first().copied().unwrap_or(f32::NAN)
    }
    fn verdict(&self, calibration: &Calibration) -> Verdict {
        calibration
            .scores
            .first()
            .map_or(Verdict::Normal, |scale| scale.verdict(self.score()))
    }
}

/// Everything that the figures are made of.
struct Measured<'a> {
    method: &'a Method,
    calibration: &'a Calibration,
    /// The mean of each map over the training images, at the model's size.
    priors: &'a BTreeMap<String, Vec<f32>>,
    model_size: [usize; 2],
    images: &'a [TestImage],
    limits: Limits,
    has_masks: bool,
}

/// Evaluates the model of a run and writes `metrics.json`, `scores.csv`, `maps/` and `report.html` into its folder.
///
/// # Errors
/// Those of the model file and the dataset; [`Error::TooFewImages`] for a dataset without test images;
/// [`Error::ScoreNotFinite`]; [`Error::Stopped`].
pub fn evaluate(
    run: &RunFolder,
    options: &EvalOptions,
    progress: &mut dyn Progress,
) -> Result<Evaluation> {
    let (config, record) = run.read_record()?;
    let device = cavga_detect::device::parse(&options.device)?;
    let model = Model::load(run.path(), &device)?;
    let data = options
        .data
        .as_deref()
        .map_or_else(|| record.data.clone(), absolute);
    let dataset = Dataset::open(&data)?;
    if dataset.test.is_empty() {
        return Err(Error::TooFewImages {
            path: data.join("test"),
            what: "test images",
            found: 0,
            needed: 1,
        });
    }
    let settings = DataConfig {
        size: model.size(),
        ..config.data.clone()
    };
    let images = score(&model, &dataset, &settings, options, progress)?;
    let measured = Measured {
        method: model.method(),
        calibration: model.calibration(),
        priors: model.priors(),
        model_size: model.size(),
        images: &images,
        limits: settings.limits(),
        has_masks: dataset.has_masks(),
    };
    let (figures, curves) = measure(&measured, options, progress)?;
    let kinds = measure_kinds(&measured)?;
    let metrics = to_json(&measured, &record, &figures, &kinds);
    if options.maps {
        draw(run, &measured, progress)?;
    }
    files::write_scores(&run.scores(), &images, model.calibration())?;
    write_json(&run.metrics(), &metrics)?;
    let log = if run.log().exists() {
        read_log(&run.log())?
    } else {
        Vec::new()
    };
    let page = page::Page {
        measured: &measured,
        figures: &figures,
        kinds: &kinds,
        curves: &curves,
        log: &log,
    };
    let page = page.report((&config, &record), &data)?;
    atomic::write(&run.report(), report::render(&page).as_bytes())?;
    let Calibration { scores, maps, .. } = model.calibration();
    Ok(Evaluation {
        figures,
        metrics,
        maps: maps.iter().map(|scale| scale.name.clone()).collect(),
        scores: scores.iter().map(|scale| scale.name.clone()).collect(),
    })
}

/// Scores all test images, one at a time.
fn score(
    model: &Model,
    dataset: &Dataset,
    settings: &DataConfig,
    options: &EvalOptions,
    progress: &mut dyn Progress,
) -> Result<Vec<TestImage>> {
    // All sizes first: a mask that does not fit should not be found after minutes of scoring.
    dataset.test.iter().try_for_each(check_mask)?;
    let samples: Arc<[Sample]> = dataset.test.clone().into();
    progress.on(Event::Begin {
        stage: "scoring",
        total: samples.len() as u64,
        done: 0,
    });
    let mut images = Vec::with_capacity(samples.len());
    for (batch, sample) in feed::plain(&samples, settings, 1)?.zip(&*samples) {
        if options.stop.load(Ordering::Relaxed) {
            progress.on(Event::End);
            return Err(Error::Stopped);
        }
        let scored = model.score(batch?.pixels)?.checked(&sample.path)?;
        images.push(TestImage {
            sample: sample.clone(),
            size: image_size(&sample.path)?,
            scores: scored.scores.into_iter().map(|(_, value)| value).collect(),
            maps: scored.maps.into_iter().map(|(_, values)| values).collect(),
        });
        progress.on(Event::Advance {
            done: images.len() as u64,
        });
    }
    progress.on(Event::End);
    Ok(images)
}

/// The prefix of a figure's name: none for the method's own score or map, which come first.
fn prefix(index: usize, name: &str) -> String {
    if index == 0 {
        String::new()
    } else {
        format!("{name}.")
    }
}

/// All figures but those of single kinds, and the curves of the method's own map.
fn measure(
    measured: &Measured<'_>,
    options: &EvalOptions,
    progress: &mut dyn Progress,
) -> Result<(Figures, pixels::Curves)> {
    let Measured {
        calibration,
        priors,
        images,
        limits,
        has_masks,
        ..
    } = measured;
    let truth: Vec<_> = images.iter().map(TestImage::is_anomalous).collect();
    let mut figures = Figures::default();
    for (index, scale) in calibration.scores.iter().enumerate() {
        let scores: Vec<_> = images
            .iter()
            .map(|image| image.scores.get(index).copied().unwrap_or(f32::NAN))
            .collect();
        figures.extend(images::measure(
            &prefix(index, &scale.name),
            &scores,
            &truth,
            scale,
        ));
    }
    let mut curves = pixels::Curves::default();
    let maps = &calibration.maps;
    progress.on(Event::Begin {
        stage: "measuring maps",
        total: maps.len() as u64,
        done: 0,
    });
    for (index, scale) in maps.iter().enumerate() {
        if options.stop.load(Ordering::Relaxed) {
            progress.on(Event::End);
            return Err(Error::Stopped);
        }
        let prefix = prefix(index, &scale.name);
        if let Some(reason) = no_masks(&truth, *has_masks) {
            figures.extend(pixels::undefined(&prefix, reason));
            continue;
        }
        let prior = priors
            .get(&scale.name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let (pooled, control) = rayon::join(
            || {
                pixels::pool(*images, measured.model_size, limits, |image| {
                    map_of(image, index)
                })
            },
            || {
                pixels::pool(*images, measured.model_size, limits, |_| prior)
                    .map(|pixels| pixels.auroc())
            },
        );
        let pooled = pooled?;
        figures.extend(pixels::measure(&prefix, &pooled));
        figures.add(&prefix, "prior_pixel_auroc", control?);
        if index == 0 {
            curves = pixels::curves(&pooled);
        }
        progress.on(Event::Advance {
            done: index as u64 + 1,
        });
    }
    progress.on(Event::End);
    Ok((figures, curves))
}

fn map_of(image: &TestImage, index: usize) -> &[f32] {
    image.maps.get(index).map(Vec::as_slice).unwrap_or_default()
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
fn measure_kinds(measured: &Measured<'_>) -> Result<BTreeMap<String, (usize, Figures)>> {
    let Measured {
        calibration,
        images,
        limits,
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
        if !maps.is_empty() {
            figures.extend(match no_masks(&truth, *has_masks) {
                Some(reason) => pixels::undefined("", reason),
                None => {
                    let pooled = pixels::pool(of_kind, measured.model_size, limits, |image| {
                        map_of(image, 0)
                    })?;
                    pixels::measure("", &pooled)
                }
            });
        }
        Ok((kind, (count, figures)))
    };
    kinds.into_iter().map(measure).collect()
}

fn to_json(
    measured: &Measured<'_>,
    record: &Record,
    figures: &Figures,
    kinds: &BTreeMap<String, (usize, Figures)>,
) -> Map<String, Value> {
    let anomalous = measured
        .images
        .iter()
        .filter(|image| image.is_anomalous())
        .count();
    let calibration = measured.calibration;
    let mut metrics = Map::new();
    metrics.insert("method".to_owned(), Value::from(measured.method.name()));
    for (key, name) in [
        ("score", calibration.scores.first().map(|scale| &scale.name)),
        ("map", calibration.maps.first().map(|scale| &scale.name)),
    ] {
        metrics.insert(
            key.to_owned(),
            name.map_or(Value::Null, |name| Value::from(name.as_str())),
        );
    }
    for (key, count) in [
        ("n_train", calibration.n_train),
        ("n_calibration", calibration.n_held_out),
        ("n_test_normal", measured.images.len() - anomalous),
        ("n_test_anomalous", anomalous),
    ] {
        metrics.insert(key.to_owned(), Value::from(count));
    }
    figures.write(&mut metrics);
    if let Some(training) = &record.training {
        metrics.insert("training_minutes".to_owned(), Value::from(training.minutes));
        metrics.insert(
            "training_peak_memory_mib".to_owned(),
            Value::from(training.peak_memory_mib),
        );
    }
    let kinds = kinds.iter().map(|(kind, (count, figures))| {
        let mut of_kind = Map::from_iter([("n".to_owned(), Value::from(*count))]);
        figures.write(&mut of_kind);
        (kind.clone(), Value::from(of_kind))
    });
    metrics.insert("kinds".to_owned(), kinds.collect());
    metrics
}

fn write_json(path: &Path, metrics: &Map<String, Value>) -> Result<()> {
    atomic::write_with(path, |file| {
        serde_json::to_writer_pretty(&mut *file, metrics)?;
        file.write_all(b"\n")
    })
}

/// Writes the method's own map of every test image.
fn draw(run: &RunFolder, measured: &Measured<'_>, progress: &mut dyn Progress) -> Result<()> {
    let Measured {
        calibration,
        images,
        limits,
        ..
    } = measured;
    let Some(scale) = calibration.maps.first() else {
        return Ok(());
    };
    progress.on(Event::Begin {
        stage: "drawing maps",
        total: images.len() as u64,
        done: 0,
    });
    let mut done = 0;
    for some in images.chunks(16) {
        some.par_iter().try_for_each(|image| {
            let stem = files::stem(&run.maps(), &image.sample.id);
            write_map(
                &stem,
                &image.sample.path,
                (map_of(image, 0), measured.model_size),
                scale,
                limits,
            )
            .map(drop)
        })?;
        done += some.len() as u64;
        progress.on(Event::Advance { done });
    }
    progress.on(Event::End);
    Ok(())
}
