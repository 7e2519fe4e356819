//! The verb `compare`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use cavga::{
    RunFolder,
    compare::{Bootstrap, CompareOptions, compare},
};
use clap::Args as ClapArgs;

use crate::{args::Json, commands::stop_flag, dataset::Dataset, output::line, show::progress};

#[derive(Debug, ClapArgs)]
pub(crate) struct Compare {
    /// The folders of evaluated runs; differences are those to the first
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Write compare.html, compare.json and compare.csv into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The dataset's folder; without it, the one that the first run was trained on
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Leave out images that not all runs were measured on; without it, they are an error
    #[arg(long)]
    pub(crate) common: bool,
    /// How many resamples the intervals are made of
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().resamples,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(2..=1_000_000))]
    pub(crate) resamples: usize,
    /// Fixes the resamples
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dataset: Dataset,
}

pub(crate) fn run(args: Compare) -> Result<ExitCode> {
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
