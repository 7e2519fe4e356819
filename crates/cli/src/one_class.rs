//! The verb `one-class`.

use std::process::ExitCode;

use anyhow::Result;
use cavga::one_class::{OneClass, OneClassOptions, one_class};

use crate::{
    args,
    commands::stop_flag,
    output::{STOPPED, line},
    show::{note, progress},
};

pub(crate) fn run(args: args::OneClass) -> Result<ExitCode> {
    let options = OneClassOptions {
        method: args.method,
        dataset: args.dataset,
        classes: args.classes,
        config: args.config,
        overrides: args.overrides,
        seeds: args.seeds,
        device: args.device.name().to_owned(),
        stop: stop_flag()?,
    };
    let table = match one_class(&args.data, &args.out, &options, &mut *progress())? {
        OneClass::Finished(table) => table,
        OneClass::Stopped { class, seed } => {
            note(&format!(
                "stopped in class {class} of seed {seed}; the same command goes on from there"
            ));
            return Ok(ExitCode::from(STOPPED));
        }
    };
    if args.json.json {
        line(serde_json::to_string_pretty(&table.json())?)?;
    } else {
        line(table.markdown())?;
        let [markdown, csv] = ["one-class.md", "one-class.csv"].map(|name| args.out.join(name));
        line(format!("Table: {}, {}", markdown.display(), csv.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
