//! `cavga data`: what is wrong with a dataset, and what it looks like.

use std::process::ExitCode;

use anyhow::Result;
use cavga::{
    data::{FrameExtraction, Limits, check, extract_frames},
    preview::{PreviewOptions, preview},
};

use crate::{
    args::{Check, Data, Frames, Preview},
    output::line,
    show::{note, progress},
};

pub(crate) fn run(args: &Data) -> Result<ExitCode> {
    match args {
        Data::Check(args) => data_check(args),
        Data::Preview(args) => data_preview(args),
        Data::Frames(args) => data_frames(args),
    }
}

fn data_check(args: &Check) -> Result<ExitCode> {
    let report = check(
        &args.root.dataset.spec(),
        &args.root.data,
        &Limits {
            max_pixels: args.max_pixels,
        },
    );
    let code = if report.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    if args.json.json {
        line(serde_json::to_string_pretty(&report)?)?;
        return Ok(code);
    }
    for problem in &report.problems {
        line(format!("problem [{}] {}", problem.kind, problem.message))?;
    }
    for warning in &report.warnings {
        line(format!("warning [{}] {}", warning.kind, warning.message))?;
    }
    let counts = &report.counts;
    line(format!(
        "{} training images, {} normal and {} anomalous test images, {} masks: {} problems, {} warnings",
        counts.train,
        counts.test_normal,
        counts.test_anomalous,
        counts.masks,
        report.problems.len(),
        report.warnings.len()
    ))?;
    Ok(code)
}

fn data_preview(args: &Preview) -> Result<ExitCode> {
    let options = PreviewOptions {
        per_kind: args.per_kind,
        seed: args.seed,
        limits: Limits {
            max_pixels: args.max_pixels,
        },
        ..PreviewOptions::default()
    };
    let spec = args.root.dataset.spec();
    let found = preview(
        &spec,
        &args.root.data,
        &args.out,
        &options,
        &mut *progress(),
    )?;
    if args.json.json {
        line(serde_json::to_string_pretty(&found)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    for problem in &found.problems {
        line(format!("problem [{}] {}", problem.kind, problem.message))?;
    }
    line(found.summary())?;
    for said in &found.stands_out {
        line(format!("  {said}"))?;
    }
    line(format!("Sheet: {}", args.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn data_frames(args: &Frames) -> Result<ExitCode> {
    let job = FrameExtraction {
        out: args.out.clone(),
        scene: args.category.clone(),
        ..FrameExtraction::new(&args.data)
    };
    let done = extract_frames(&job, &mut |video| {
        let said = match video.frames {
            Some(frames) => format!("{frames} frames"),
            None => "was there".to_owned(),
        };
        note(&format!(
            "{} of {}: {}, {said}",
            video.done, video.total, video.video
        ));
    })?;
    line(format!(
        "{} frames of {} videos, {} more were there: {}",
        done.frames,
        done.videos,
        done.kept,
        done.folder.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}
