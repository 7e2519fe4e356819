//! The paper's tables 3 to 8 run again, each cell a run of its own, in the paper's layout and beside what it reports.
//!
//! One run serves all tables: folders are by the row's images, the method and the seed, and every figure that a table shows is kept of
//! it. A kill at any moment costs what lies behind a run's last checkpoint; the same call goes on, and refuses to go on as something
//! else. Several processes may share a folder: each takes a run by locking it, so that none is trained twice.
//!
//! - `paper`: the tables' rows and figures; `reported`: what the paper prints
//! - `columns`, `rows`: what was asked for, and where its images are; `settings`: how it is trained
//! - `plan`: the cells asked for; `claim`: whose a run is; `failed`: that it came to an error
//! - `shown`: these cells and those of other calls; `table`: what is known of each; `means`
//! - `view`: what stands where; `text`, `sheet`, `page`: written down

mod claim;
mod columns;
mod failed;
mod means;
mod page;
mod paper;
mod plan;
pub(crate) mod reported;
mod rows;
mod settings;
mod sheet;
mod shown;
mod table;
mod text;
mod view;

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub(crate) use paper::printed;
pub use table::Table;

use self::{
    claim::Claim,
    failed::Failed,
    plan::{Job, Plan},
    table::Slot,
};
pub use crate::series::ImageSets;
use crate::{
    Error, Result, atomic,
    progress::{Event, Progress},
};

/// How often it is looked whether another process is done.
const PAUSE: Duration = Duration::from_millis(300);

/// What every run may take, the same for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Budget {
    /// Passes over the training images, but for methods that look at every image once; without it, as many as each method wants.
    pub passes: Option<usize>,
    /// Normal images to learn from; without it, all.
    pub shots: Option<usize>,
}

impl FromStr for Budget {
    type Err = String;

    /// Reads `passes=N`, `shots=N`, or both with a comma between.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut budget = Self::default();
        for part in text.split(',') {
            let wrong = || format!("expected passes=N or shots=N, N at least 1, found {part:?}");
            let (key, value) = part.split_once('=').ok_or_else(wrong)?;
            let value = value.parse().ok().filter(|value| *value > 0);
            let value = Some(value.ok_or_else(wrong)?);
            match key {
                "passes" => budget.passes = value,
                "shots" => budget.shots = value,
                _ => return Err(wrong()),
            }
        }
        Ok(budget)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.passes {
            Some(1) => to.write_str("1 pass")?,
            Some(passes) => write!(to, "{passes} passes")?,
            None => to.write_str("each method's own number of passes")?,
        }
        self.shots
            .map_or(Ok(()), |shots| write!(to, ", {shots} images to learn from"))
    }
}

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct TablesOptions {
    /// The paper's table, 3 to 8.
    pub table: u8,
    /// Names of the methods, or of table 8's columns, to run; none for the paper's.
    pub methods: Vec<String>,
    /// Rows to run: categories, `mstc-01`, `mnist-3`, a set's name for all of its rows, or a folder below the root that the paper's table
    /// has no row of; none for the paper's.
    pub rows: Vec<String>,
    /// What every run may take.
    pub budget: Budget,
    /// Settings of all runs as TOML.
    pub config: Option<PathBuf>,
    /// Changes of single settings, as `key=value`, or `method:key=value` of one method or column alone.
    pub overrides: Vec<String>,
    /// One or more seeds, each cell being run under each; none for the settings' own.
    pub seeds: Vec<u64>,
    /// The device, as in `cpu` or `wgpu:1`.
    pub device: String,
    /// Raised from another thread, it makes the call end with [`Tabled::Stopped`].
    pub stop: Arc<AtomicBool>,
    /// What the processes of one call have in common: a run that came to an error in one of them is not tried by the others.
    pub call: String,
    /// What is known of the images; calls that share it read them once.
    pub images: ImageSets,
}

impl TablesOptions {
    /// All of a table, with each method's own settings.
    pub fn of(table: u8) -> Self {
        Self {
            table,
            methods: Vec::new(),
            rows: Vec::new(),
            budget: Budget::default(),
            config: None,
            overrides: Vec::new(),
            seeds: Vec::new(),
            device: "cpu".to_owned(),
            stop: Arc::default(),
            call: new_call(),
            images: ImageSets::default(),
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A name that no other call has.
fn new_call() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_nanos());
    format!("{}-{now}", std::process::id())
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Tabled {
    /// Every cell that can be run is measured, or came to an error: [`Table::failures`].
    Finished(Box<Table>),
    /// Stopped; the same call goes on.
    Stopped,
}

/// Runs what is missing of a table on the datasets below `root`, into `out/runs`, and writes `out/table-N.md`, `.csv` and `.html` behind
/// each run. Cells that are done are not done again and stay in the table, also when only others are asked for. What another process
/// has taken is waited for. A cell whose images, weights or method are not there says so, and the others go on; a training that
/// diverges is a result.
///
/// # Errors
/// [`Error::RunDiffers`] for a folder with runs of other settings or images; [`Error::Config`], [`Error::UnknownMethod`] and
/// [`Error::UnknownKey`] for what is asked wrongly, before anything is run; [`Error::Io`].
pub fn tables(
    root: &Path,
    out: &Path,
    options: &TablesOptions,
    progress: &mut dyn Progress,
) -> Result<Tabled> {
    let mut plan = Plan::settle(root, out, options)?;
    write(&plan)?;
    let mut waiting = 0;
    loop {
        let Some(taken) = share(&mut plan, true, progress)? else {
            return Ok(Tabled::Stopped);
        };
        if taken == 0 {
            break;
        }
        if taken != waiting {
            let text = format!("waiting for {taken} runs of other processes");
            progress.on(Event::Note(&text));
            waiting = taken;
        }
        thread::sleep(PAUSE);
    }
    Ok(Tabled::Finished(Box::new(write(&plan)?)))
}

/// A process's share of [`tables`], for programs that start several: runs what no other process has taken, waits for none, and writes no
/// table. `false` if stopped. Processes of one call have [`TablesOptions::call`] in common.
///
/// # Errors
/// As [`tables`].
pub fn tables_share(
    root: &Path,
    out: &Path,
    options: &TablesOptions,
    progress: &mut dyn Progress,
) -> Result<bool> {
    let mut plan = Plan::settle(root, out, options)?;
    Ok(share(&mut plan, false, progress)?.is_some())
}

/// Takes what is measured so far into a table, and writes it.
///
/// # Errors
/// As [`tables`].
pub fn tables_so_far(root: &Path, out: &Path, options: &TablesOptions) -> Result<Table> {
    write(&Plan::settle(root, out, options)?)
}

/// Runs what no other process has taken, and says how many runs others have; `None` if stopped.
fn share(plan: &mut Plan<'_>, writes: bool, progress: &mut dyn Progress) -> Result<Option<usize>> {
    let options = plan.options;
    let total = plan.jobs.len();
    let mut taken = 0;
    for number in 0..total {
        let Some(job) = plan
            .jobs
            .get_mut(number)
            .filter(|job| job.outcome.is_none())
        else {
            continue;
        };
        if options.is_stopped() {
            return Ok(None);
        }
        let Some(_claim) = Claim::take(&job.run)? else {
            taken += 1;
            continue;
        };
        let Some((slot, is_new)) = outcome(job, (number + 1, total), options, progress)? else {
            return Ok(None);
        };
        job.outcome = Some(slot);
        if writes && is_new {
            write(plan)?;
        }
    }
    Ok(Some(taken))
}

/// What a run comes to, now or before, and whether it is new; `None` if stopped.
fn outcome(
    job: &Job,
    (number, total): (usize, usize),
    options: &TablesOptions,
    progress: &mut dyn Progress,
) -> Result<Option<(Slot, bool)>> {
    if let Some(Failed { reason, .. }) = Failed::of_call(&job.run, &options.call) {
        return Ok(Some((Slot::Failed(reason), false)));
    }
    let task = job.task(options);
    let done = match task.done() {
        Ok(Some(cell)) => return Ok(Some((Slot::Measured(cell), false))),
        Ok(None) => {
            let text = format!("{} ({number} of {total})", job.name);
            progress.on(Event::Note(&text));
            task.cell(progress)
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(Some(cell)) => {
            Failed::forget(&job.run)?;
            Ok(Some((Slot::Measured(cell), true)))
        }
        Ok(None) => Ok(None),
        Err(error) if is_of_all(&error) => Err(error),
        Err(error) => {
            let reason = reason(error);
            progress.on(Event::Note(&format!("{}: {reason}", job.name)));
            let failed = Failed {
                call: options.call.clone(),
                reason,
            };
            failed.write(&job.run)?;
            Ok(Some((Slot::Failed(failed.reason), true)))
        }
    }
}

/// Whether an error would come again in every other cell, or says that the call is not what the folder was begun with. Others are of
/// their cell: images that cannot be read, weights that are not here, settings that a method cannot work with. (What is asked wrongly of
/// all was found before anything was run.)
fn is_of_all(error: &Error) -> bool {
    matches!(
        error,
        Error::Stopped
            | Error::Io { .. }
            | Error::Device(_)
            | Error::Threads { .. }
            | Error::RunDiffers { .. }
    )
}

/// An error with its causes, on one line.
fn reason(error: Error) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        // Some errors quote their cause in their own message.
        let text = error.to_string();
        if !said.contains(&text) {
            said += &format!(": {text}");
        }
        cause = error.source();
    }
    said.replace('\n', " ")
}

/// Writes the table in all its forms, as it stands in the folder now, one process at a time: other calls' cells stay in it.
fn write(plan: &Plan<'_>) -> Result<Table> {
    let _claim = Claim::wait(plan.out)?;
    plan.remember()?;
    let table = plan.table()?;
    let path = |ending: &str| {
        let name = format!("table-{}.{ending}", plan.paper.number);
        plan.out.join(name)
    };
    atomic::write(&path("md"), table.linked_markdown().as_bytes())?;
    atomic::write(&path("html"), table.html().as_bytes())?;
    atomic::write_with(&path("csv"), |file| table.write_csv(file))?;
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read_and_said() {
        let said = |text: &str| text.parse::<Budget>().map(|budget| budget.to_string());
        assert_eq!(said("passes=2").as_deref(), Ok("2 passes"));
        assert_eq!(
            said("passes=1,shots=8").as_deref(),
            Ok("1 pass, 8 images to learn from")
        );
        assert!(Budget::default().to_string().contains("own number"));
        for wrong in ["passes", "passes=0", "steps=3", "passes=-1", ""] {
            assert!(said(wrong).is_err(), "{wrong}");
        }
    }
}
