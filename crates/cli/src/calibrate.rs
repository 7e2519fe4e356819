//! The verb `calibrate`.

use std::process::ExitCode;

use anyhow::Result;
use cavga::{
    By, CONFIDENCE, CalibrateOptions, Calibrated,
    calibration::{Rates, Rule, rate_text},
    data::{DatasetSpec, Limits},
};

use crate::{args::Calibrate, commands::stop_flag, output::line, show::progress};

pub(crate) fn run(args: &Calibrate) -> Result<ExitCode> {
    let (dataset, data) = (args.dataset.spec(), args.dataset.root(args.data.as_deref()));
    if data.is_none() && dataset != DatasetSpec::default() {
        return Err(cavga::Error::Config {
            origin: "--dataset".to_owned(),
            why: "expected --data, the dataset's folder, found none".to_owned(),
        }
        .into());
    }
    let options = CalibrateOptions {
        by: match args.own_boundary {
            true => By::OwnBoundary,
            false => By::Rates(Rates {
                false_alarms: args.false_alarms,
                unsure: args.unsure,
            }),
        },
        data: data.map(Into::into),
        dataset,
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
    line(format!("Model: {}", calibrated.model.display()))?;
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
