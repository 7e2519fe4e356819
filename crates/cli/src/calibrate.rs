//! The verb `calibrate`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use cavga::{
    Ask, By, CONFIDENCE, CalibrateOptions, Calibrated,
    calibration::{Rule, rate_text},
    data::{DatasetSpec, Limits},
};
use clap::Args;

use crate::{
    args::{Device, Json},
    commands::stop_flag,
    dataset::NormalImages,
    output::line,
    show::progress,
};

#[derive(Debug, Args)]
pub(crate) struct Calibrate {
    /// The folder of a run, or a model file
    pub(crate) model: PathBuf,
    /// The share of normal images that may be called anomalous, as in 0.01; without it, what was asked before
    #[arg(long, value_name = "RATE")]
    pub(crate) false_alarms: Option<f64>,
    /// Hold the smallest rate of false alarms that the images support, as after training
    #[arg(long, conflicts_with = "false_alarms")]
    pub(crate) strictest: bool,
    /// The share of normal images that may be called anomalous or unsure, above that of false alarms; without it, what was asked
    /// before
    #[arg(long, value_name = "RATE")]
    pub(crate) unsure: Option<f64>,
    /// Call no image unsure, as after training
    #[arg(long, conflicts_with = "unsure")]
    pub(crate) no_unsure: bool,
    /// Let the method's own boundary decide, for one that decides by itself
    #[arg(long, conflicts_with_all = ["false_alarms", "strictest", "unsure", "no_unsure"])]
    pub(crate) own_boundary: bool,
    /// Calibrate on this folder's normal images, all of a plain folder, the training images of a dataset: in place of those in the
    /// model, for all scores
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Go back to the images that the run held out itself, which are scored anew
    #[arg(long, conflicts_with_all = ["data", "dataset", "normal", "index"])]
    pub(crate) own_images: bool,
    /// The score whose thresholds are set, as in residual; without it, the method's own, by which verdicts are
    #[arg(long, value_name = "NAME")]
    pub(crate) score: Option<String>,
    /// Refuse images of more pixels than this
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_pixels)]
    pub(crate) max_pixels: u64,
    #[command(flatten)]
    pub(crate) device: Device,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) images: NormalImages,
}

impl Calibrate {
    fn by(&self) -> By {
        let ask = |rate: Option<f64>, is_nothing| match rate {
            Some(rate) => Ask::Rate(rate),
            None if is_nothing => Ask::Nothing,
            None => Ask::Kept,
        };
        match self.own_boundary {
            true => By::OwnBoundary,
            false => By::Rates {
                false_alarms: ask(self.false_alarms, self.strictest),
                unsure: ask(self.unsure, self.no_unsure),
            },
        }
    }
}

pub(crate) fn run(args: &Calibrate) -> Result<ExitCode> {
    let dataset = args.images.spec();
    let here = dataset.is_own().then_some(Path::new("."));
    let data = args.data.as_deref().or(here);
    if data.is_none() && dataset != DatasetSpec::default() {
        return Err(cavga::Error::Config {
            origin: "--dataset".to_owned(),
            why: "expected --data, the dataset's folder, found none".to_owned(),
        }
        .into());
    }
    let options = CalibrateOptions {
        by: args.by(),
        data: data.map(Into::into),
        dataset,
        own_images: args.own_images,
        score: args.score.clone(),
        device: args.device.name().to_owned(),
        limits: Limits {
            max_pixels: args.max_pixels,
        },
        stop: stop_flag()?,
    };
    let calibrated = cavga::calibrate(&args.model, &options, &mut *progress())?;
    if args.json.json {
        line(serde_json::to_string(&calibrated)?)?;
    } else {
        print(&calibrated)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(calibrated: &Calibrated) -> Result<()> {
    let Calibrated {
        score,
        images,
        threshold,
        ..
    } = calibrated;
    line(format!("Score: {score}."))?;
    if *images > 0 {
        line(format!("Held-out normal images: {images}."))?;
    } else {
        line(
            "No scores of held-out images that it was not fitted on are known: --own-images asks for those of the run, --data gives others.",
        )?;
    }
    if calibrated.rule == Rule::OwnBoundary {
        line("The method decides by a boundary of its own, which holds no rate of false alarms.")?;
    }
    if let (Some(rate), Some(at_most)) = (calibrated.rate, calibrated.rate_at_most) {
        line(format!(
            "False alarms: {}.",
            asked(calibrated.false_alarms, rate)
        ))?;
        line(format!(
            "A new normal image exchangeable with those {images} raises a false alarm with a chance of at most {}.",
            rate_text(rate)
        ))?;
        line(format!(
            "Given those {images}, the rate of this very threshold is at most {}, with {:.0} % confidence.",
            rate_text(at_most),
            100.0 * CONFIDENCE
        ))?;
    }
    line(format!("Anomalous above {threshold:.6}."))?;
    if let (Some(unsure), Some(rate)) = (calibrated.unsure_threshold, calibrated.unsure_rate) {
        let asked = asked(calibrated.unsure, rate);
        line(format!(
            "Unsure above {unsure:.6}: not called normal, {asked}."
        ))?;
        if unsure >= *threshold {
            line(format!(
                "No image will be unsure: {images} held-out images are too few for two thresholds at these rates."
            ))?;
        }
    }
    print_what_follows(calibrated)
}

/// Other scores that changed, the model, and what is to be done next.
fn print_what_follows(calibrated: &Calibrated) -> Result<()> {
    for other in &calibrated.others {
        let unsure = other.unsure_threshold;
        let unsure =
            unsure.map_or_else(String::new, |unsure| format!(", unsure above {unsure:.6}"));
        let rate = other.false_alarms;
        let rate = rate.map_or_else(
            || "the smallest rate".to_owned(),
            |rate| format!("a rate of {rate}"),
        );
        line(format!(
            "Changed with it: {}, anomalous above {:.6}{unsure} ({} images, for {rate}).",
            other.score, other.threshold, other.images
        ))?;
    }
    line(format!("Model: {}", calibrated.model.display()))?;
    if calibrated.is_evaluation_outdated {
        let run = calibrated.model.parent();
        let run = run.filter(|run| !run.as_os_str().is_empty());
        let run = run.unwrap_or(Path::new("."));
        line("The evaluation of the run is by other thresholds.")?;
        line(format!("Next:  cavga eval {}", run.display()))?;
    }
    Ok(())
}

/// A rate as it was asked for, and as it is held.
fn asked(asked: Option<f64>, held: f64) -> String {
    let held = rate_text(held);
    match asked {
        Some(asked) => format!("{asked} asked, {held} held"),
        None => format!("{held}, the smallest rate that so many images support"),
    }
}
