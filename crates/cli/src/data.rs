//! `cavga data`: what is wrong with a dataset, and what it looks like.

use std::process::ExitCode;

use anyhow::Result;
use cavga::{
    data::{DatasetSpec, Limits, check},
    preview::{PreviewOptions, preview},
};

use crate::{
    args::{Check, Data, Preview},
    output::line,
    show::progress,
};

pub(crate) fn run(args: &Data) -> Result<ExitCode> {
    match args {
        Data::Check(args) => data_check(args),
        Data::Preview(args) => data_preview(args),
    }
}

fn data_check(args: &Check) -> Result<ExitCode> {
    let report = check(
        &DatasetSpec::default(),
        &args.data,
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
    let spec = DatasetSpec::default();
    let found = preview(&spec, &args.data, &args.out, &options, &mut *progress())?;
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
