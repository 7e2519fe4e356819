//! `cavga pretrain`: weights that a method starts from.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use cavga::pretrain::{PretrainOptions, PretrainOutcome, Pretrained, dcgan_config, pretrain_dcgan};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    args::{Device, Json},
    commands::stop_flag,
    output::{STOPPED, line},
    show::{note, progress},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Pretrain {
    /// A DC-GAN of 64×64 images for CAVGA's encoder, decoder and discriminator
    #[command(after_help = "\
The images lie in one folder or in folders below it, as in Celeb-A's img_align_celeba; of each, the square in the middle is taken.
Beside NAME.safetensors: NAME.samples.png (64 generated images), NAME.jsonl (a line for each step), and until it is done
NAME.checkpoint.safetensors. Ctrl-C writes that and stops; --resume goes on from it, to the same bits.

Settings for --set, with their defaults: passes=60 batch=32 width=64 latent=100 adam.rate=2e-4 adam.beta_1=0.5
adam.beta_2=0.999 adam.epsilon=1e-8 flip=true real_target=0.9 instance_noise=0.05

Example:
  cavga pretrain dcgan --data img_align_celeba --out celeba.safetensors --set passes=20 --set batch=128")]
    Dcgan(Dcgan),
}

#[derive(Debug, Args)]
pub(crate) struct Dcgan {
    /// The folder of images
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file of weights to be written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Change one setting, as in passes=20
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Fixes every random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Go on from the checkpoint beside FILE, with the same data, settings and seed
    #[arg(long)]
    resume: bool,
    /// Write a checkpoint and new samples every so many minutes
    #[arg(long, value_name = "N", default_value_t = PretrainOptions::default().checkpoint_minutes, value_parser = minutes)]
    checkpoint_minutes: f64,
    #[command(flatten)]
    device: Device,
    #[command(flatten)]
    json: Json,
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes >= 0.0 => Ok(minutes),
        _ => Err("expected a number of at least 0".to_owned()),
    }
}

pub(crate) fn run(args: &Pretrain) -> Result<ExitCode> {
    let Pretrain::Dcgan(args) = args;
    let config = dcgan_config(&args.overrides)?;
    let options = PretrainOptions {
        device: args.device.name().to_owned(),
        seed: args.seed,
        resume: args.resume,
        checkpoint_minutes: args.checkpoint_minutes,
        stop: stop_flag()?,
    };
    match pretrain_dcgan(&config, &args.data, &args.out, &options, &mut *progress())? {
        PretrainOutcome::Stopped { step, steps } => {
            note(&format!(
                "stopped after step {step} of {steps}; go on with the same command and --resume"
            ));
            Ok(ExitCode::from(STOPPED))
        }
        PretrainOutcome::WasFinished(about) => {
            note("this file was finished before; nothing was done");
            finished(args, &about)
        }
        PretrainOutcome::Finished(about) => finished(args, &about),
    }
}

fn finished(args: &Dcgan, about: &Pretrained) -> Result<ExitCode> {
    if args.json.json {
        let weights = args.out.to_string_lossy();
        line(serde_json::to_string(
            &json!({ "weights": weights, "about": about }),
        )?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (steps, images) = (about.steps, about.images);
    line(format!("Trained {steps} steps on {images} images."))?;
    line(format!("Weights: {}", args.out.display()))?;
    let samples = args.out.with_extension("samples.png");
    line(format!("Samples: {}", samples.display()))?;
    Ok(ExitCode::SUCCESS)
}
