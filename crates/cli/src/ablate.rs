//! The verb `ablate`.

use std::process::ExitCode;

use anyhow::Result;
use cavga::{
    ablate::{AblateOptions, Ablated, ablate},
    config::RunConfig,
};

use crate::{
    args,
    commands::stop_flag,
    output::{STOPPED, line},
    show::{note, progress},
};

pub(crate) fn run(args: args::Ablate) -> Result<ExitCode> {
    let seeds = match args.seed {
        Some(seed) => vec![seed],
        None => args.seeds,
    };
    // The settings' own dataset, changed by the arguments: which column it is read for makes no difference.
    let column = format!("cavga-{}-u", args.parts);
    let settings = RunConfig::read(&column, args.config.as_deref(), &args.overrides)?;
    let options = AblateOptions {
        parts: args.parts,
        dataset: Some(args.dataset.over(settings.data.dataset)),
        columns: args.columns,
        config: args.config,
        overrides: args.overrides,
        seeds,
        device: args.device.name().to_owned(),
        stop: stop_flag()?,
    };
    let table = match ablate(&args.data, &args.out, &options, &mut *progress())? {
        Ablated::Finished(table) => table,
        Ablated::Stopped { column, seed } => {
            note(&format!(
                "stopped in {column} of seed {seed}; the same command goes on from there"
            ));
            return Ok(ExitCode::from(STOPPED));
        }
    };
    if args.json.json {
        line(serde_json::to_string_pretty(&table.json())?)?;
    } else {
        line(table.markdown())?;
        line(format!(
            "Table: {}, {}",
            args.out.join("ablation.md").display(),
            args.out.join("ablation.csv").display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
