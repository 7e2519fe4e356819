//! Progress on standard error: a bar on a terminal, now and then a line in a pipe.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use cavga::progress::{Event, Progress, Step};
use indicatif::{ProgressBar, ProgressStyle};

/// How often a pipe gets a line.
const PAUSE: Duration = Duration::from_secs(10);

/// Shows progress in the way that suits where standard error goes.
pub(crate) fn progress() -> Box<dyn Progress> {
    if io::stderr().is_terminal() {
        Box::new(Bar {
            bar: ProgressBar::hidden(),
        })
    } else {
        Box::new(Lines::new())
    }
}

struct Bar {
    bar: ProgressBar,
}

impl Progress for Bar {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Begin { stage, total, done } => {
                // The template is ours; without it the bar would only be plainer.
                let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
                self.bar = ProgressBar::new(total)
                    .with_style(style)
                    .with_prefix(stage)
                    .with_position(done);
            }
            Event::Advance { done } => self.bar.set_position(done),
            Event::Step(step) => {
                self.bar.set_position(step.step);
                self.bar.set_message(describe(step));
            }
            Event::End => self.bar.finish(),
            Event::Note(text) if self.bar.is_finished() || self.bar.is_hidden() => note(text),
            Event::Note(text) => self.bar.suspend(|| note(text)),
        }
    }
}

struct Lines {
    stage: &'static str,
    total: u64,
    /// When the last line was printed; none yet in this stage.
    last: Option<Instant>,
}

impl Lines {
    fn new() -> Self {
        Self {
            stage: "",
            total: 0,
            last: None,
        }
    }

    /// Whether it is time for a line: the first at once, so that it is early known how fast it goes.
    fn is_due(&mut self, is_last: bool) -> bool {
        let due = is_last || self.last.is_none_or(|last| last.elapsed() >= PAUSE);
        if due {
            self.last = Some(Instant::now());
        }
        due
    }
}

impl Progress for Lines {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Begin { stage, total, .. } => {
                *self = Self {
                    stage,
                    total,
                    last: None,
                }
            }
            Event::Advance { done } => {
                if self.is_due(done == self.total) {
                    note(&format!("{} {done}/{}", self.stage, self.total));
                }
            }
            Event::Step(step) => {
                if self.is_due(step.step == step.steps) {
                    note(&format!(
                        "training {}/{} {}",
                        step.step,
                        step.steps,
                        describe(step)
                    ));
                }
            }
            Event::End => {}
            Event::Note(text) => note(text),
        }
    }
}

/// A line on standard error; nobody may be listening.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn describe(step: &Step<'_>) -> String {
    let losses: Vec<_> = step
        .losses
        .iter()
        .map(|(name, value)| format!("{name} {value:.4}"))
        .collect();
    format!(
        "pass {}/{} {} {:.1} images/s {} left",
        step.pass,
        step.passes,
        losses.join(" "),
        step.images_per_second,
        duration(step.left)
    )
}

/// `75 s` as `1 min 15 s`; coarser the longer it is.
pub(crate) fn duration(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds @ 3600..360_000 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => "days".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let said = [5, 75, 3700, 400_000].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(said, ["5 s", "1 min 15 s", "1 h 1 min", "days"]);
        assert_eq!(duration(Duration::MAX), "days");
    }
}
