//! The verb `tables`, and the processes that share its work.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use cavga::{
    progress::{Event, Progress},
    tables::{Budget, Table, Tabled, TablesOptions, tables, tables_share, tables_so_far},
};
use clap::{Args as ClapArgs, value_parser};

use crate::{
    args::{Device, Json},
    commands::stop_flag,
    output::{STOPPED, line},
    show::{note, progress},
};

/// How often it is looked whether workers are done, and how often the table is written meanwhile.
const PAUSE: Duration = Duration::from_millis(100);
const WRITE: Duration = Duration::from_secs(15);

/// How many threads the arithmetic has.
const THREADS: &str = "RAYON_NUM_THREADS";

/// How this verb is written.
const VERB: &str = "tables";

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The paper's table: 3 MVTec AD localization, 4 mSTC, 5 LAG, 6 MVTec AD detection, 7 MNIST, Fashion-MNIST, CIFAR-10, 8 ablation
    #[arg(value_parser = value_parser!(u8).range(3..=8))]
    table: u8,
    /// The folder that the datasets are in
    #[arg(long, value_name = "ROOT")]
    data: PathBuf,
    /// The folder of the runs and the tables
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Run these methods alone, or columns of table 8; without it, the paper's systems. Those measured before stay in the table
    #[arg(long, value_name = "METHOD,...", value_delimiter = ',')]
    methods: Vec<String>,
    /// Run these rows alone: toothbrush, mstc-01, mnist-3, mnist for all its classes, or a folder below ROOT
    #[arg(long, value_name = "ROW,...", value_delimiter = ',')]
    rows: Vec<String>,
    /// What every run may take: passes=N over the training images (memory banks keep their single one), shots=N images to learn from
    #[arg(long, value_name = "passes=N,shots=N")]
    budget: Option<Budget>,
    /// Settings of all runs as TOML
    #[arg(long, value_name = "F.toml")]
    config: Option<PathBuf>,
    /// Change one setting of all runs, as in data.size=[128,128], or of one method's, as in vae:train.passes=20; comes after --config
    #[arg(long = "set", value_name = "[METHOD:]KEY=VALUE")]
    overrides: Vec<String>,
    /// Fixes every random draw; short for --set train.seed=N
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run every cell under each of these seeds: mean and standard deviation over those that are done
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    seeds: Vec<u64>,
    /// Share the work among so many processes, each with its part of the processors
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// One of those processes, by its number and the call that it is of: it runs a share and prints no table
    #[arg(long, value_name = "N/CALL", hide = true)]
    worker: Option<Worker>,
    #[command(flatten)]
    device: Device,
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let mut options = TablesOptions {
        methods: args.methods,
        rows: args.rows,
        budget: args.budget.unwrap_or_default(),
        config: args.config,
        overrides: args.overrides,
        seeds: args.seed.map_or(args.seeds, |seed| vec![seed]),
        device: args.device.name().to_owned(),
        stop: stop_flag()?,
        ..TablesOptions::of(args.table)
    };
    let folders = (&*args.data, &*args.out);
    if let Some(Worker { number, call }) = args.worker {
        options.call = call;
        end_with_parent(&options.stop);
        let done = tables_share(folders.0, folders.1, &options, &mut Notes(number))?;
        return Ok(match done {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(STOPPED),
        });
    }
    if args.jobs > 1 {
        share(folders, &options, args.jobs)?;
    }
    // With workers this finds all done, or goes on with what one of them left behind.
    let done = tables(folders.0, folders.1, &options, &mut *progress())?;
    let Tabled::Finished(table) = done else {
        note("stopped; the same command goes on from there");
        return Ok(ExitCode::from(STOPPED));
    };
    print(&table, (args.table, folders.1), args.json.json)?;
    let failures = table.failures();
    if !failures.is_empty() {
        anyhow::bail!(
            "{} runs came to an error, which the table says; the same command tries them again: {}",
            failures.len(),
            failures.join("; ")
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Has workers run what is open, no more of them than there are runs, and writes the table meanwhile.
fn share((data, out): (&Path, &Path), options: &TablesOptions, jobs: u16) -> Result<()> {
    // What is asked wrongly is said once, and not by every worker.
    let open = tables_so_far(data, out, options)?.open();
    let jobs = jobs.min(open.try_into().unwrap_or(u16::MAX));
    if jobs < 2 {
        return Ok(());
    }
    let mut workers = Workers::start(jobs, &options.call)?;
    let mut written = Instant::now();
    while workers.are_busy()? && !options.stop.load(Ordering::Relaxed) {
        thread::sleep(PAUSE);
        if written.elapsed() > WRITE {
            tables_so_far(data, out, options)?;
            written = Instant::now();
        }
    }
    workers.end()
}

fn print(table: &Table, (number, out): (u8, &Path), as_json: bool) -> Result<()> {
    if as_json {
        return Ok(line(serde_json::to_string_pretty(&table.json())?)?);
    }
    line(table.markdown())?;
    let file = |ending: &str| {
        out.join(format!("table-{number}.{ending}"))
            .display()
            .to_string()
    };
    line(format!(
        "Table: {}, {}, {}",
        file("html"),
        file("md"),
        file("csv")
    ))?;
    Ok(())
}

/// A process that runs a share, as its parent names it: `3/CALL`.
#[derive(Debug, Clone)]
struct Worker {
    number: u16,
    call: String,
}

impl FromStr for Worker {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let worker = parts.and_then(|(number, call)| {
            Some(Self {
                number: number.parse().ok()?,
                call: call.to_owned(),
            })
        });
        worker.ok_or_else(|| format!("expected NUMBER/CALL, found {text:?}"))
    }
}

/// Processes of this program, each of which runs a share.
struct Workers(Vec<Child>);

impl Workers {
    fn start(count: u16, call: &str) -> Result<Self> {
        let program = std::env::current_exe().context("cannot find this program's file")?;
        let wanted = std::env::var(THREADS)
            .ok()
            .and_then(|count| count.parse().ok());
        let all = wanted.filter(|count| *count > 0);
        let all = all.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
        let threads = (all / usize::from(count)).max(1).to_string();
        // Before the verb's own: what is last may come behind "--".
        let mut before: Vec<_> = std::env::args_os().skip(1).collect();
        let verb = before.iter().position(|argument| argument == VERB);
        let after = before.split_off(verb.map_or(0, |verb| verb + 1));
        let mut workers = Self(Vec::new());
        for number in 1..=count {
            let mut worker = Command::new(&program);
            worker.args(&before);
            worker.arg(format!("--worker={number}/{call}"));
            worker.args(&after).env(THREADS, &threads);
            // Nothing is ever written to it: that it ends tells the worker that its parent did, however that came.
            worker.stdin(Stdio::piped()).stdout(Stdio::null());
            let worker = worker
                .spawn()
                .context("cannot start a process of this program")?;
            workers.0.push(worker);
        }
        Ok(workers)
    }

    fn are_busy(&mut self) -> Result<bool> {
        for worker in &mut self.0 {
            if worker.try_wait()?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Asks those that are at work to stop, and waits until they have written their checkpoints.
    fn end(self) -> Result<()> {
        let mut workers = self.0;
        for worker in &mut workers {
            worker.stdin.take();
        }
        for (number, mut worker) in (1..).zip(workers) {
            let status = worker.wait()?;
            if !status.success() && status.code() != Some(i32::from(STOPPED)) {
                note(&format!(
                    "worker {number} ended early ({status}); one process goes on with the rest"
                ));
            }
        }
        Ok(())
    }
}

/// Raises the flag as soon as the parent process is gone, or closes what it holds of this one.
fn end_with_parent(stop: &Arc<AtomicBool>) {
    let stop = Arc::clone(stop);
    thread::spawn(move || {
        let mut none = [0];
        // Whatever ends it: there is nobody left to work for.
        while matches!(std::io::stdin().read(&mut none), Ok(1..)) {}
        stop.store(true, Ordering::Relaxed);
    });
}

/// Lines alone, with the worker's number: several bars would write over each other.
struct Notes(u16);

impl Progress for Notes {
    fn on(&mut self, event: Event<'_>) {
        if let Event::Note(text) = event {
            note(&format!("[{}] {text}", self.0));
        }
    }
}
