//! The verb `one-class`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use cavga::{
    data::Known,
    one_class::{OneClass, OneClassOptions, Protocol, one_class},
};
use clap::Args as ClapArgs;

use crate::{
    args::{Device, Json},
    commands::stop_flag,
    output::{STOPPED, line},
    show::{note, progress},
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The method; `cavga methods` lists them
    pub(crate) method: String,
    /// A dataset of classes: mnist, fashion-mnist, cifar-10
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Known,
    /// The dataset's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The folder of the runs and their table
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What each class is in its turn: the normal one (one-vs-rest), or the anomalous one, the others being learnt with their classes
    /// (rest-vs-one)
    #[arg(long, value_name = "P", default_value_t)]
    pub(crate) protocol: Protocol,
    /// Give these classes alone their turn, by number; those measured before stay in the table
    #[arg(long, value_name = "K,K,...", value_delimiter = ',')]
    pub(crate) classes: Vec<u8>,
    /// Settings of all classes as TOML
    #[arg(long, value_name = "F.toml")]
    pub(crate) config: Option<PathBuf>,
    /// Change one setting of all classes, as in train.passes=50; comes after --config
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// Learn every class under each of these seeds: mean and standard deviation over those that are done
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub(crate) seeds: Vec<u64>,
    #[command(flatten)]
    pub(crate) device: Device,
    #[command(flatten)]
    pub(crate) json: Json,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let options = OneClassOptions {
        method: args.method,
        dataset: args.dataset,
        protocol: args.protocol,
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
        let [markdown, csv] = args.protocol.files().map(|name| args.out.join(name));
        line(format!("Table: {}, {}", markdown.display(), csv.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
