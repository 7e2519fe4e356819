//! One class of many as the normal one, each in its turn: table 7 of the paper run again, after ADGAN (Deecke et al., ECML-PKDD
//! 2018). A detector learns from a class's training images and is tested on all test images, those of the other classes being
//! the anomalous ones. Or each in its turn as the anomalous one: all other classes are learnt.
//!
//! Every class is a run of its own in a folder of its own; the same call goes on where a kill or Ctrl-C ended the last.
//!
//! - `protocol`: which of the two
//! - `table`: what was measured, with means over the classes, beside what was reported
//! - `reported`: the paper's figures

mod protocol;
mod reported;
mod table;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use cavga_data::{DatasetSpec, Known};

pub use protocol::Protocol;
pub use table::Table;

use self::table::KEPT;
use crate::{
    Error, Result, atomic,
    config::{self, RunConfig},
    progress::{Event, Progress},
    run::RunFolder,
    series::{ImageSets, Task, seeds},
};

/// What to learn, and how.
#[derive(Debug, Clone)]
pub struct OneClassOptions {
    /// The method's name, as in `cavga-d-u`.
    pub method: String,
    /// A dataset of classes.
    pub dataset: Known,
    /// Whether a class in its turn is the normal one, or the anomalous one.
    pub protocol: Protocol,
    /// The classes that have a turn; none for all.
    pub classes: Vec<u8>,
    /// Settings of all classes as TOML.
    pub config: Option<PathBuf>,
    /// Changes of single settings, as `key=value`.
    pub overrides: Vec<String>,
    /// One or more seeds, each class being run under each; none for the settings' own.
    pub seeds: Vec<u64>,
    /// The device, as in `cpu` or `wgpu:1`.
    pub device: String,
    /// Raised from another thread, it makes the call end with [`OneClass::Stopped`].
    pub stop: Arc<AtomicBool>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub enum OneClass {
    /// Every class is measured.
    Finished(Table),
    /// Stopped; the same call goes on.
    Stopped {
        /// In which class.
        class: &'static str,
        /// Under which seed.
        seed: u64,
    },
}

/// Trains and measures every class, into folders of `out`, and writes the table's files ([`Protocol::files`]) there behind each.
/// Classes that are done are not done again.
///
/// # Errors
/// [`Error::Config`] for a dataset without classes or a class that it has not; [`Error::RunDiffers`] for a folder with runs of
/// other settings; those of training and evaluation.
pub fn one_class(
    data: &Path,
    out: &Path,
    options: &OneClassOptions,
    progress: &mut dyn Progress,
) -> Result<OneClass> {
    let runs = runs(out, options)?;
    let whole = OneClassOptions {
        classes: Vec::new(),
        ..options.clone()
    };
    let seeds: Vec<_> = runs.iter().map(|run| run.config.train.seed).collect();
    let mut table = Table::new(options, &seeds);
    let images = ImageSets::default();
    // What was done before stays in the table, whichever classes are asked for now.
    for one in &self::runs(out, &whole)? {
        if let Some(cell) = one.task((data, &images), options).stored()? {
            table.add((one.class, one.config.train.seed), cell);
        }
    }
    for (done, one) in runs.iter().enumerate() {
        let (class, seed) = (one.name, one.config.train.seed);
        let text = format!(
            "{class} is {}, seed {seed} ({} of {})",
            options.protocol.turn(),
            done + 1,
            runs.len()
        );
        progress.on(Event::Note(&text));
        let Some(cell) = one.task((data, &images), options).cell(progress)? else {
            return Ok(OneClass::Stopped { class, seed });
        };
        table.add((one.class, seed), cell);
        let [markdown, csv] = options.protocol.files();
        atomic::write(&out.join(markdown), table.markdown().as_bytes())?;
        atomic::write_with(&out.join(csv), |file| table.write_csv(file))?;
    }
    Ok(OneClass::Finished(table))
}

/// One class under one seed.
struct One {
    class: u8,
    name: &'static str,
    config: RunConfig,
    run: RunFolder,
}

impl One {
    fn task<'a>(
        &'a self,
        (data, images): (&'a Path, &'a ImageSets),
        options: &'a OneClassOptions,
    ) -> Task<'a> {
        Task {
            kept: &KEPT,
            config: &self.config,
            data,
            run: &self.run,
            device: &options.device,
            stop: &options.stop,
            images,
        }
    }
}

/// Refuses another number of classes than the protocol has: it would be of no effect.
fn refuse_classes(options: &OneClassOptions, learnt: usize) -> Result<()> {
    let asked = config::asked(options.config.as_deref(), &options.overrides)?;
    let method = asked.get("method").and_then(|method| method.as_table());
    let classes = method.and_then(|method| method.get("classes"));
    match classes.filter(|value| value.as_integer() != i64::try_from(learnt).ok()) {
        Some(value) => Err(Error::Config {
            origin: "settings of the classes' runs".to_owned(),
            why: format!(
                "method.classes = {value}: it is {learnt} by the protocol {}; leave it out",
                options.protocol
            ),
        }),
        None => Ok(()),
    }
}

/// All that is to be run, seed by seed.
fn runs(out: &Path, options: &OneClassOptions) -> Result<Vec<One>> {
    let wrong = |key: &str, why: String| Error::Config {
        origin: key.to_owned(),
        why,
    };
    let names = options.dataset.classes();
    if names.is_empty() {
        let why = format!(
            "{}: expected a dataset of classes: mnist, fashion-mnist or cifar-10",
            options.dataset
        );
        return Err(wrong("--dataset", why));
    }
    let classes: Vec<u8> = match options.classes.is_empty() {
        true => (0..).take(names.len()).collect(),
        false => options.classes.clone(),
    };
    refuse_classes(options, options.protocol.learnt(names.len()))?;
    let base = RunConfig::read(
        &options.method,
        options.config.as_deref(),
        &options.overrides,
    )?;
    let seeds = seeds(&options.seeds, &options.overrides, base.train.seed)?;
    let mut runs = Vec::with_capacity(seeds.len() * classes.len());
    for &seed in &seeds {
        for &class in &classes {
            let name = *names.get(usize::from(class)).ok_or_else(|| {
                let why = format!("{class}: expected 0 to {}", names.len() - 1);
                wrong("--classes", why)
            })?;
            let mut config = base.clone();
            config.train.seed = seed;
            let spec = DatasetSpec {
                name: Some(options.dataset),
                ..base.data.dataset.clone()
            };
            config.data.dataset = options.protocol.spec(spec, class);
            config.method = config
                .method
                .of_classes(options.protocol.learnt(names.len()));
            let run = RunFolder::new(out.join(options.protocol.folder(class, seed)));
            runs.push(One {
                class,
                name,
                config,
                run,
            });
        }
    }
    Ok(runs)
}
