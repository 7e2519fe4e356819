//! The whole way on a generated set: no download, minutes on two cores.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use cavga_data::generate::{GenerateConfig, Texture, write_dataset};
use cavga_detect::Method;

use crate::{
    Result,
    config::RunConfig,
    eval::{EvalOptions, Evaluation, evaluate},
    methods,
    progress::{Event, Progress},
    run::RunFolder,
    train::{Outcome, TrainOptions, train},
};

/// The map that the demonstration shows: what the reconstruction leaves over, against what it leaves over of normal images.
pub const DEMO_MAP: &str = "residual-deviation";

/// What is generated: an aligned object, small enough for minutes.
pub fn demo_data() -> GenerateConfig {
    GenerateConfig {
        size: [64, 64],
        texture: Texture::Gear,
        train: 40,
        test_normal: 10,
        test_per_defect: 4,
        ..GenerateConfig::default()
    }
}

/// What is trained on it.
///
/// # Errors
/// None but in the library's own demonstration settings.
pub fn demo_config() -> Result<RunConfig> {
    let mut method = methods::named("cavga-d-u")?;
    if let Method::CavgaDU(config) = &mut method {
        config.passes = 60;
        config.dcgan_width = 16;
        config.latent.channels = 32;
        config.adam.rate = 1e-3;
    }
    let mut config = RunConfig::new(method);
    config.data.size = demo_data().size;
    config.data.held_out = 0.2;
    Ok(config)
}

/// How a demonstration ended.
#[derive(Debug)]
pub enum Demo {
    /// Trained and evaluated; the report lies in the run's folder.
    Finished {
        /// The run's folder.
        run: RunFolder,
        /// Its figures.
        evaluation: Box<Evaluation>,
    },
    /// Stopped.
    Stopped,
}

/// Generates a dataset in `folder/gear`, trains on it into `folder/run`, evaluates and reports.
///
/// # Errors
/// A folder that holds something already; those of training and evaluation.
pub fn demo(
    folder: &Path,
    device: &str,
    stop: &Arc<AtomicBool>,
    progress: &mut dyn Progress,
) -> Result<Demo> {
    let data = folder.join("gear");
    let set = demo_data();
    progress.on(Event::Note("generating images"));
    write_dataset(&data, &set)?;
    let run = RunFolder::new(folder.join("run"));
    let options = TrainOptions {
        device: device.to_owned(),
        resume: false,
        stop: Arc::clone(stop),
    };
    if let Outcome::Stopped { .. } = train(&demo_config()?, &data, &run, &options, progress)? {
        return Ok(Demo::Stopped);
    }
    let options = EvalOptions {
        device: device.to_owned(),
        stop: Arc::clone(stop),
        map: Some(DEMO_MAP.to_owned()),
        ..EvalOptions::default()
    };
    let evaluation = Box::new(evaluate(&run, &options, progress)?);
    Ok(Demo::Finished { run, evaluation })
}
