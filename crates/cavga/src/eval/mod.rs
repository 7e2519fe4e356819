//! Evaluation: a model measured on test images, every figure under a name that says its rule.
//!
//! Images are scored one at a time, as in prediction. Maps of all test images stay in memory at the model's size; each
//! kind of map is brought to the masks' own size and pooled by itself, since the pooled pixels (8 bytes each) are what
//! takes the memory. Beside every map its control is measured: the map's mean over the training images, the same for
//! every test image. Images that the run learnt from, which a weakly supervised one takes out of the test set, are left out,
//! wherever they now lie and whatever they are now called.
//!
//! - `tested`: the images to measure on; `unseen`: without those that the run learnt from; `score`: what the model says
//! - `measure`: all figures; `images`: those of whole images
//! - `files`: metrics.json, scores.csv and maps
//! - `cost`: time, memory, disk
//! - `page`: what the report shows; `tables`: its figures, `words`: what they are called; `verdicts`; `gallery`: its example images

mod cost;
mod files;
mod gallery;
mod images;
mod measure;
mod page;
mod score;
mod tables;
mod tested;
mod unseen;
mod verdicts;
mod words;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cavga_data::{DatasetSpec, Limits, MaskSource, Regions, Sample, Tally, Valid};
use cavga_detect::Method;
use rayon::prelude::*;
use serde_json::{Map, Value};

pub use files::MapFiles;
pub(crate) use files::{Stems, as_text, write_map};

pub(crate) use score::score_only;

use cost::{Cost, Peak};
use score::score;
use tested::{Tested, open};

use crate::{
    Error, Result, atomic,
    calibration::{Calibration, Verdict},
    config::{DataConfig, RunConfig},
    measure::{Curves, Figures, RESAMPLES, Resampling},
    model::Model,
    progress::{Event, Progress},
    report,
    run::{Record, RunFolder, absolute},
    train::read_log,
    view::SmallMap,
};

/// How to evaluate.
#[derive(Debug, Clone)]
pub struct EvalOptions {
    /// The dataset; without it, the one that the run was trained on.
    pub data: Option<PathBuf>,
    /// Which images of its folder are meant; without it, what the run's settings say.
    pub dataset: Option<DatasetSpec>,
    /// The device, as in `cpu` or `wgpu:1`.
    pub device: String,
    /// The map that is drawn and headlined, and measured for each kind too; without it, the method's own.
    pub map: Option<String>,
    /// Whether maps and overlays of all test images are written.
    pub maps: bool,
    /// How many resamples of the test images the intervals are made of; 0 for none.
    pub resamples: usize,
    /// Raised from another thread, it makes the evaluation end with [`Error::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Default for EvalOptions {
    fn default() -> Self {
        Self {
            data: None,
            dataset: None,
            map: None,
            device: "cpu".to_owned(),
            maps: true,
            resamples: RESAMPLES,
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
    /// Test images left out because the run learnt from them.
    pub removed: usize,
}

/// A test image and what the model says of it.
#[derive(Debug)]
struct TestImage {
    sample: Sample,
    mask: Option<MaskSource>,
    /// `[height, width]` of the file.
    size: [usize; 2],
    scores: Vec<f32>,
    /// At the model's size.
    maps: Vec<Vec<f32>>,
    /// Which pixels of the maps count; without it, all.
    valid: Option<Valid>,
    /// How long scoring it took.
    milliseconds: f64,
}

impl TestImage {
    /// One of its maps, at the model's size; empty if there is no such map.
    fn map(&self, index: usize) -> &[f32] {
        self.maps.get(index).map(Vec::as_slice).unwrap_or_default()
    }
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
    /// Which part of an image counts; without them, all of it.
    regions: Option<&'a Regions>,
    /// Which map is drawn.
    shown: usize,
    images: &'a [TestImage],
    limits: Limits,
    has_masks: bool,
    /// Anomalous images that the run learnt from.
    n_learnt: usize,
    /// Test images left out because the run learnt from them.
    removed: usize,
    tally: Tally,
}

impl<'a> Measured<'a> {
    /// Values at the model's size as a map of an image.
    fn map(&self, image: &'a TestImage, values: &'a [f32]) -> SmallMap<'a> {
        SmallMap {
            values,
            size: self.model_size,
            valid: image.valid.as_ref(),
            regions: self.regions,
        }
    }
}

/// Evaluates the model of a run and writes `metrics.json`, `scores.csv`, `maps/` and `report.html` into its folder. To measure what memory
/// it takes, it makes Linux forget the process's peak so far (`VmHWM`).
///
/// # Errors
/// Those of the model file and the dataset; [`Error::TooFewImages`] for a dataset without test images, or with none but
/// those that the run learnt from; [`Error::ScoreNotFinite`]; [`Error::Stopped`].
pub fn evaluate(
    run: &RunFolder,
    options: &EvalOptions,
    progress: &mut dyn Progress,
) -> Result<Evaluation> {
    let peak = Peak::start();
    let (config, record) = run.read_record()?;
    let model = Model::load(run.path(), &cavga_detect::device::parse(&options.device)?)?;
    let asked = options.data.as_deref().map(absolute);
    let data = asked.unwrap_or_else(|| record.data.clone());
    unseen::check_record(run, &record, &model)?;
    let spec = options.dataset.as_ref().unwrap_or(&config.data.dataset);
    let Tested {
        test,
        removed,
        mut tally,
    } = open(
        (spec, &data),
        (run, &config.data, &record),
        options,
        progress,
    )?;
    let settings = DataConfig {
        size: model.size(),
        ..config.data.clone()
    };
    let images = score(&model, (&test, &mut tally), &settings, options, progress)?;
    let measured = Measured {
        method: model.method(),
        calibration: model.calibration(),
        priors: model.priors(),
        model_size: model.size(),
        regions: model.regions().map(|regions| &**regions),
        shown: model.calibration().map_index(options.map.as_deref())?,
        images: &images,
        limits: settings.limits(),
        has_masks: test.iter().any(|test| test.mask.is_some()),
        n_learnt: record.n_anomalous,
        removed,
        tally,
    };
    let made = Made {
        run,
        config: &config,
        record: &record,
        data: &data,
    };
    let (figures, metrics) = write(&made, &measured, options, peak, progress)?;
    let Calibration { scores, maps, .. } = model.calibration();
    let maps = maps.iter().map(|scale| scale.name.clone()).collect();
    let scores = scores.iter().map(|scale| scale.name.clone()).collect();
    Ok(Evaluation {
        figures,
        metrics,
        maps,
        scores,
        removed,
    })
}

/// A run, and what it is measured on.
struct Made<'a> {
    run: &'a RunFolder,
    config: &'a RunConfig,
    record: &'a Record,
    data: &'a Path,
}

/// Measures, and writes all files: the figures, and the content of `metrics.json`.
fn write(
    made: &Made<'_>,
    measured: &Measured<'_>,
    options: &EvalOptions,
    peak: Peak,
    progress: &mut dyn Progress,
) -> Result<(Figures, Map<String, Value>)> {
    let (run, images) = (made.run, measured.images);
    let resampling = measure::resampling(images, options.resamples);
    let resampling = resampling.as_ref();
    let (figures, curves) = measure::all(measured, resampling, &options.stop, progress)?;
    let kinds = measure::kinds(measured, &options.stop)?;
    let mut metrics = files::metrics(measured, made.record, &figures, &kinds);
    let intervals = resampling.map_or(Value::Null, Resampling::json);
    metrics.insert("intervals".to_owned(), intervals);
    if options.maps {
        draw(run, measured, &options.stop, progress)?;
    }
    files::write_scores(&run.scores(), images, measured.calibration)?;
    let cost = Cost::of(run, images, peak);
    cost.write(&mut metrics);
    files::write_metrics(&run.metrics(), &metrics)?;
    let page = Content {
        figures: &figures,
        kinds: &kinds,
        curves: &curves,
        cost,
    };
    write_report(made, measured, page)?;
    Ok((figures, metrics))
}

/// What was measured, for the report.
struct Content<'a> {
    figures: &'a Figures,
    kinds: &'a BTreeMap<String, (usize, Figures)>,
    curves: &'a Curves,
    cost: Cost,
}

/// Writes `report.html`.
fn write_report(
    made: &Made<'_>,
    measured: &Measured<'_>,
    Content {
        figures,
        kinds,
        curves,
        cost,
    }: Content<'_>,
) -> Result<()> {
    let run = made.run;
    let log = match run.log().exists() {
        true => read_log(&run.log())?,
        false => Vec::new(),
    };
    let page = page::Page {
        measured,
        figures,
        kinds,
        curves,
        log: &log,
        cost,
    };
    let page = page.report((made.config, made.record), made.data)?;
    atomic::write(&run.report(), report::render(&page).as_bytes())
}

/// Writes the map that is shown of every test image.
fn draw(
    run: &RunFolder,
    measured: &Measured<'_>,
    stop: &AtomicBool,
    progress: &mut dyn Progress,
) -> Result<()> {
    let Measured {
        calibration,
        images,
        limits,
        ..
    } = measured;
    let Some(scale) = calibration.maps.get(measured.shown) else {
        return Ok(());
    };
    progress.on(Event::Begin {
        stage: "drawing maps",
        total: images.len() as u64,
        done: 0,
    });
    let mut done = 0;
    let mut stems = Stems::default();
    for some in images.chunks(16) {
        if stop.load(Ordering::Relaxed) {
            progress.on(Event::End);
            return Err(Error::Stopped);
        }
        let names = some
            .iter()
            .map(|image| stems.take(Path::new(&image.sample.id)));
        let names: Vec<_> = names.collect();
        some.par_iter().zip(names).try_for_each(|(image, name)| {
            write_map(
                &run.maps().join(name),
                &image.sample,
                measured.map(image, image.map(measured.shown)),
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
