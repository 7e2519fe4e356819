//! The verb `metrics`.

use std::{path::PathBuf, process::ExitCode};

use cavga::{ImageScore, MeasureOptions, MeasuredFiles, data::Limits, measure_files};
use clap::{Args, ValueEnum};

use crate::{
    args::Json,
    commands::{figure, stop_flag},
    output::line,
    show::progress,
};

#[derive(Debug, Args)]
pub(crate) struct Metrics {
    /// The folder of the maps: .npy, .tiff, or grey .png of 8 or 16 bits; NAME.overlay.png is passed over
    #[arg(
        long,
        value_name = "DIR",
        requires = "masks",
        required_unless_present = "image_scores"
    )]
    pub(crate) scores: Option<PathBuf>,
    /// The folder of the masks, each called as its map, or that and _mask; a map without one is of a normal image
    #[arg(long, value_name = "DIR", requires = "scores")]
    pub(crate) masks: Option<PathBuf>,
    /// Scores of whole images: a table with the columns id, score, and where it has them label, kind, group; a run's scores.csv is one
    #[arg(long, value_name = "CSV")]
    pub(crate) image_scores: Option<PathBuf>,
    /// How an image's score is read off its map where no table gives it
    #[arg(long, value_enum, default_value_t = Reading::Max)]
    pub(crate) image_score: Reading,
    /// Above it a pixel is called anomalous, in the figures at a fixed threshold
    #[arg(
        long,
        value_name = "T",
        default_value_t = 0.5, allow_negative_numbers = true, value_parser = finite)]
    pub(crate) threshold: f32,
    /// Above this share of full scale a pixel of a mask is anomalous
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub(crate) mask_above: f32,
    /// Resamples of the images that the 95 % intervals are made of; 0 for no intervals
    #[arg(long, value_name = "N", default_value_t = cavga::RESAMPLES, value_parser = resamples)]
    pub(crate) resamples: usize,
    /// Refuse files of more pixels, undecoded
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_pixels)]
    pub(crate) max_pixels: u64,
    #[command(flatten)]
    pub(crate) json: Json,
}

fn finite(text: &str) -> Result<f32, String> {
    let value = text.parse::<f32>().ok().filter(|value| value.is_finite());
    value.ok_or_else(|| "expected a finite number".to_owned())
}

fn share(text: &str) -> Result<f32, String> {
    let value = finite(text).ok().filter(|value| (0.0..1.0).contains(value));
    value.ok_or_else(|| "expected a share from 0 on and below 1".to_owned())
}

/// As many resamples as memory may well hold.
pub(crate) fn resamples(text: &str) -> Result<usize, String> {
    let value = text
        .parse::<usize>()
        .ok()
        .filter(|value| *value <= 1_000_000);
    value.ok_or_else(|| "expected a whole number up to 1000000".to_owned())
}

/// How a score is read off a map.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Reading {
    /// Its highest value
    Max,
    /// The mean of all its values
    Mean,
}

pub(crate) fn run(args: Metrics) -> anyhow::Result<ExitCode> {
    let options = MeasureOptions {
        scores: args.scores,
        masks: args.masks,
        image_scores: args.image_scores,
        image_score: match args.image_score {
            Reading::Max => ImageScore::Max,
            Reading::Mean => ImageScore::Mean,
        },
        threshold: args.threshold,
        mask_above: args.mask_above,
        resamples: args.resamples,
        limits: Limits {
            max_pixels: args.max_pixels,
        },
        stop: stop_flag()?,
    };
    let measured = measure_files(&options, &mut *progress())?;
    if args.json.json {
        line(serde_json::to_string_pretty(&measured.json)?)?;
    } else {
        print(&measured)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(measured: &MeasuredFiles) -> anyhow::Result<()> {
    let figures = &measured.figures;
    let width = figures
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or(0);
    for (name, value) in figures.iter() {
        line(figure(name, width, value, figures.interval(name)))?;
    }
    for (kind, figures) in &measured.kinds {
        line(format!("\n{kind}, with all normal images:"))?;
        for (name, value) in figures.iter() {
            line(figure(name, width, value, None))?;
        }
    }
    Ok(())
}
