//! The whole way as a library: a generated set, a small training, its figures.
//!
//! `cargo run --release -p cavga --example train_and_evaluate -- FOLDER`

use std::{env, error::Error, path::PathBuf};

use cavga::{
    EvalOptions, RunFolder, TrainOptions,
    config::RunConfig,
    data::generate::{GenerateConfig, write_dataset},
    evaluate, methods, train,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = env::args_os()
        .nth(1)
        .ok_or("give a folder to write to")?
        .into();
    let data = folder.join("data");
    write_dataset(
        &data,
        &GenerateConfig {
            size: [64, 64],
            ..GenerateConfig::default()
        },
    )?;

    let mut config = RunConfig::new(methods::named("cavga-d-u")?);
    config.data.size = [64, 64];
    config.train.passes = Some(5);
    let run = RunFolder::new(folder.join("run"));
    // `&mut ()` hears of progress and says nothing; anything that implements `Progress` can take its place.
    train(&config, &data, &run, &TrainOptions::default(), &mut ())?;

    let evaluation = evaluate(&run, &EvalOptions::default(), &mut ())?;
    for (name, value) in evaluation.figures.iter() {
        println!("{name}: {value:?}");
    }
    println!("{}", run.report().display());
    Ok(())
}
