//! The verb `compare`.

use std::process::ExitCode;

use anyhow::Result;
use cavga::{
    RunFolder,
    compare::{Bootstrap, CompareOptions, compare},
};

use crate::{args, commands::stop_flag, output::line, show::progress};

pub(crate) fn run(args: args::Compare) -> Result<ExitCode> {
    // The first run's own dataset, changed by the arguments.
    let dataset = match args.runs.first() {
        Some(first) => {
            let (config, _) = RunFolder::new(first).read_record()?;
            Some(args.dataset.over(config.data.dataset))
        }
        None => None,
    };
    let options = CompareOptions {
        data: args.data,
        dataset,
        common: args.common,
        bootstrap: Bootstrap {
            resamples: args.resamples,
            seed: args.seed,
            ..Bootstrap::default()
        },
        out: args.out,
        stop: stop_flag()?,
    };
    let comparison = compare(&args.runs, &options, &mut *progress())?;
    if args.json.json {
        line(serde_json::to_string_pretty(&comparison)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    line(comparison.markdown())?;
    if let Some(out) = options.out {
        line(format!("Page: {}", out.join("compare.html").display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
