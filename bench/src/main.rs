//! Our side of the measurements: a worker that reads one request per line and answers with one line, both JSON.
//!
//! ```text
//! → {"case": {"name": "train-step", "batch": 8, "size": 256}, "repeats": 2}
//! ← {"ms": [861.2, 859.7], "peak_mib": 402.5}
//! ```
//!
//! The first line that it writes says who it is. What a case needs (weights, images, optimizers) is made when the case is first
//! asked for, outside the clock, and kept until another one is: a request of many turns goes on where the last one stopped.
//! `bench/run.py` asks; the peers in `bench/peers` answer the same requests.
//!
//! `cavga-bench generate DIR` writes the set of images that the measurement of `cavga predict` needs.

mod autoencoder;
mod cases;
mod detector;
mod inference;
mod loading;
mod memory;
mod metrics;
mod model;
mod ops;
mod pattern;

use std::{
    error::Error,
    io::{self, BufRead, Write},
    path::Path,
    process::ExitCode,
    time::Instant,
};

use cavga_data::generate::{GenerateConfig, write_dataset};
use serde::{Deserialize, Serialize};

use crate::cases::{Case, Work};

/// The program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Nobody tells the kinds of error of a worker apart.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    case: Case,
    repeats: usize,
}

#[derive(Debug, Serialize)]
struct Answer {
    /// Of each repetition.
    ms: Vec<f64>,
    /// Of the process since it began; null where the system does not say.
    peak_mib: Option<f64>,
}

fn main() -> ExitCode {
    // As the program does.
    cavga::threads::settle();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [] => serve(),
        [verb, folder] if verb == "generate" => generate(Path::new(folder)),
        _ => Err("usage: cavga-bench [generate DIR]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<()> {
    say(&serde_json::json!({ "worker": introduction() }))?;
    let mut current: Option<(Case, Work)> = None;
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let kept = current.take().filter(|(case, _)| *case == request.case);
        let (case, mut work) = match kept {
            Some(kept) => kept,
            None => (request.case.clone(), request.case.prepare()?),
        };
        let ms = time(&mut work, request.repeats)?;
        let peak_mib = memory::peak_mib();
        say(&Answer { ms, peak_mib })?;
        current = Some((case, work));
    }
    Ok(())
}

fn introduction() -> String {
    let threads = std::env::var("RAYON_NUM_THREADS").unwrap_or_else(|_| "all".to_owned());
    let path = cavga_kernels::Path::current();
    let version = env!("CARGO_PKG_VERSION");
    format!("cavga {version}, kernels {path:?}, threads {threads}")
}

fn time(work: &mut Work, repeats: usize) -> Result<Vec<f64>> {
    let mut ms = Vec::with_capacity(repeats);
    for _ in 0..repeats {
        let begin = Instant::now();
        work()?;
        ms.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    Ok(ms)
}

fn say(answer: &impl Serialize) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(answer)?)?;
    Ok(out.flush()?)
}

/// Few images to learn from, 24 to ask about.
fn generate(folder: &Path) -> Result<()> {
    let config = GenerateConfig {
        train: 9,
        test_normal: 4,
        test_per_defect: 4,
        ..GenerateConfig::default()
    };
    write_dataset(folder, &config)?;
    Ok(())
}
