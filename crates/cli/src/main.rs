//! The program `cavga`: reads arguments, calls the library, prints. Nothing else.
//!
//! Results go to standard output, everything else (progress, warnings, errors) to standard error, so that a pipe gets
//! what it asked for. Exit codes: 0 done, 1 the work failed, 2 the arguments or settings are wrong, 130 stopped by
//! Ctrl-C.

mod ablate;
mod args;
mod calibrate;
mod commands;
mod compare;
mod data;
mod dataset;
mod metrics;
mod one_class;
mod output;
mod pretrain;
mod show;
mod tables;
mod update;
mod verify;
mod weights;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;

/// Activations are megabytes each: an allocator that keeps them saves a page fault for every 4 KiB. For the program only; a user of the
/// library has an allocator of their own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let level = match args.verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    // RUST_LOG, where it is set, says more than a count can.
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .init();
    cavga::threads::settle();
    match commands::run(args) {
        Ok(code) => code,
        Err(error) => output::report(&error),
    }
}
