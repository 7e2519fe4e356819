//! The verb `update`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use cavga::{Change, ChangeKind, Trail, TrailImage, Update as What, UpdateOptions, Updated};
use clap::{ArgGroup, Args};

use crate::{
    args::{Device, Json},
    commands::stop_flag,
    output::{line, table},
    show::progress,
};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["add", "forget", "list"])))]
pub(crate) struct Update {
    /// The folder of a run, or a model file
    pub(crate) model: PathBuf,
    /// Learn this folder's normal images, all of a plain folder, the training images of a dataset
    #[arg(long, value_name = "DIR")]
    pub(crate) add: Option<PathBuf>,
    /// Forget these images, learnt or held out, by the ids that --list shows
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub(crate) forget: Vec<String>,
    /// Print what changed the model, and every image that it learnt or that was held out
    #[arg(long)]
    pub(crate) list: bool,
    /// The dataset that it was trained on, if it is not where it was
    #[arg(long, value_name = "DIR", conflicts_with = "list")]
    pub(crate) data: Option<PathBuf>,
    /// Write the changed model to this file, and leave the old one as it is
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    pub(crate) out: Option<PathBuf>,
    /// Leave thresholds, scales and p-values as they are, without scoring the held-out images again
    #[arg(long, conflicts_with = "list")]
    pub(crate) keep_calibration: bool,
    /// Refuse images of more pixels than this
    #[arg(long, value_name = "N", default_value_t = cavga::data::Limits::default().max_pixels)]
    pub(crate) max_pixels: u64,
    #[command(flatten)]
    pub(crate) device: Device,
    #[command(flatten)]
    pub(crate) json: Json,
}

pub(crate) fn run(args: &Update) -> Result<ExitCode> {
    if args.list {
        let trail = cavga::trail(&args.model)?;
        match args.json.json {
            true => line(serde_json::to_string(&trail)?)?,
            false => list(&trail)?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let what = match &args.add {
        Some(folder) => What::Add(folder.clone()),
        None => What::Forget(args.forget.clone()),
    };
    let options = UpdateOptions {
        data: args.data.clone(),
        out: args.out.clone(),
        keep_calibration: args.keep_calibration,
        device: args.device.name().to_owned(),
        limits: cavga::data::Limits {
            max_pixels: args.max_pixels,
        },
        stop: stop_flag()?,
    };
    let updated = cavga::update(&args.model, &what, &options, &mut *progress())?;
    match args.json.json {
        true => line(serde_json::to_string(&updated)?)?,
        false => print(&updated)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print(updated: &Updated) -> Result<()> {
    let Change { images, facts, .. } = &updated.change;
    let done = match updated.change.kind {
        ChangeKind::Add => "learnt",
        _ => "forgotten",
    };
    line(format!("Images {done}: {images}."))?;
    line(format!(
        "The model now knows: {}; held out: {}.",
        updated.learnt, updated.held_out
    ))?;
    if !facts.is_empty() {
        line(format!("Measured: {}.", measured(facts)))?;
    }
    line(match updated.change.kept_calibration {
        true => "Thresholds, scales and p-values are still those of before.",
        false => "The held-out images were scored again: thresholds hold the rates of before.",
    })?;
    line(format!("Model: {}", updated.model.display()))?;
    if updated.is_evaluation_outdated {
        let run = updated.model.parent();
        let run = run.filter(|run| !run.as_os_str().is_empty());
        let run = run.unwrap_or(Path::new("."));
        line("The evaluation of the run is of the model before.")?;
        line(format!("Next:  cavga eval {}", run.display()))?;
    }
    Ok(())
}

/// The trail as two tables: changes, then images.
fn list(trail: &Trail) -> Result<()> {
    line(format!(
        "{} changes, {} images learnt, {} held out.\n",
        trail.changes.len(),
        trail.learnt().count(),
        trail.held_out().count()
    ))?;
    let changes = trail.changes.iter().enumerate();
    table(
        [
            "change", "what", "when", "version", "images", "measured", "folder",
        ],
        changes.map(|(place, change)| change_row(place, change)),
        [false; 7],
    )?;
    line("")?;
    let images = trail.images.iter();
    table(
        ["number", "use", "came", "went", "sha256", "id"],
        images.map(image_row),
        [false; 6],
    )?;
    Ok(())
}

fn change_row(place: usize, change: &Change) -> [String; 7] {
    let kept = match change.kept_calibration {
        true => "calibration kept",
        false => "",
    };
    let measured = [&*measured(&change.facts), kept];
    let measured: Vec<_> = measured
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    [
        place.to_string(),
        change.kind.as_str().to_owned(),
        change.time.clone(),
        change.version.clone(),
        change.images.to_string(),
        or_dash(measured.join(", ")),
        or_dash(change.folder.clone().unwrap_or_default()),
    ]
}

fn image_row(image: &TrailImage) -> [String; 6] {
    let number = image.number.map(|number| number.to_string());
    let of = match (image.number, image.went) {
        (Some(_), None) => "learnt",
        (None, None) => "held out",
        (_, Some(went)) if went == image.came => "was gone",
        (Some(_), Some(_)) => "forgotten",
        (None, Some(_)) => "held out no more",
    };
    let went = image.went.map(|went| went.to_string());
    [
        or_dash(number.unwrap_or_default()),
        of.to_owned(),
        image.came.to_string(),
        or_dash(went.unwrap_or_default()),
        image.sha256.clone(),
        image.id.clone(),
    ]
}

/// To a ten-thousandth, without zeros behind.
fn measured(facts: &BTreeMap<String, f64>) -> String {
    let facts = facts.iter();
    let facts: Vec<_> = facts
        .map(|(name, value)| format!("{name} {}", (value * 1e4).round() / 1e4))
        .collect();
    facts.join(", ")
}

fn or_dash(text: String) -> String {
    match text.is_empty() {
        true => "-".to_owned(),
        false => text,
    }
}
