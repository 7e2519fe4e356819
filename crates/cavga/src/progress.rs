//! What long work says while it goes on.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use cavga_detect::{Losses, Observer};

/// Hears of progress; the library prints nothing itself.
pub trait Progress {
    /// Called often; must be quick.
    fn on(&mut self, event: Event<'_>);
}

/// Hears and says nothing.
impl Progress for () {
    fn on(&mut self, _: Event<'_>) {}
}

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// Work of `total` units begins, of which `done` are done already.
    Begin {
        /// What is done, as in "training" or "scoring test images".
        stage: &'static str,
        /// Units of work in all.
        total: u64,
        /// Units done before.
        done: u64,
    },
    /// So many units of the present stage are done.
    Advance {
        /// Units done.
        done: u64,
    },
    /// A training step is done; replaces `Advance` while training.
    Step(&'a Step<'a>),
    /// The stage ends.
    End,
    /// Something worth a line: a checkpoint written, a file left out.
    Note(&'a str),
}

/// A training step.
#[derive(Debug)]
pub struct Step<'a> {
    /// Counted from 1.
    pub step: u64,
    /// Steps of the whole training.
    pub steps: u64,
    /// Pass over the training images, counted from 1.
    pub pass: usize,
    /// Passes of the whole training.
    pub passes: usize,
    /// The losses by name.
    pub losses: &'a Losses,
    /// Images per second, over the last few seconds.
    pub images_per_second: f64,
    /// How long the rest of training will take at this speed.
    pub left: Duration,
}

/// A method's long work: told as the library's own, and ended when the flag is raised.
pub(crate) struct Told<'a> {
    pub(crate) progress: &'a mut dyn Progress,
    pub(crate) stop: &'a AtomicBool,
}

impl Observer for Told<'_> {
    fn begin(&mut self, stage: &'static str, total: u64) {
        let done = 0;
        self.progress.on(Event::Begin { stage, total, done });
    }

    fn advance(&mut self, done: u64) -> cavga_detect::Result<()> {
        self.progress.on(Event::Advance { done });
        if self.stop.load(Ordering::Relaxed) {
            self.end();
            return Err(cavga_detect::Error::Stopped);
        }
        Ok(())
    }

    fn end(&mut self) {
        self.progress.on(Event::End);
    }
}

/// Images per second, the last seconds counting most.
#[derive(Debug)]
pub(crate) struct Speed {
    last: Instant,
    rate: Option<f64>,
}

impl Speed {
    pub(crate) fn start() -> Self {
        Self {
            last: Instant::now(),
            rate: None,
        }
    }

    /// `images` more are done; the rate now.
    pub(crate) fn count(&mut self, images: usize) -> f64 {
        let seconds = self.last.elapsed().as_secs_f64().max(1e-9);
        self.last = Instant::now();
        let now = images as f64 / seconds;
        // Forgets by time, not by step: fast steps alone would make the figure jump.
        let share = 1.0 - (-seconds / 5.0).exp();
        let rate = self.rate.map_or(now, |rate| rate + share * (now - rate));
        self.rate = Some(rate);
        rate
    }
}

/// The most memory this process has held, in MiB, where the system says so.
pub fn peak_memory_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<f64>()
        .ok()
        .map(|kib| kib / 1024.0)
}
