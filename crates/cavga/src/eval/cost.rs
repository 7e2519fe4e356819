//! What an evaluation and its model cost: time, memory, disk.

use std::fs;

use serde_json::{Map, Value};

use super::{Figures, TestImage};
use crate::{measure::median, progress::peak_memory_mib, run::RunFolder};

/// Bytes of a MiB.
const MIB: f64 = (1 << 20) as f64;

/// The median time to score an image that is loaded, over all but the first, which finds nothing prepared; with other images being
/// decoded meanwhile, as always.
const SCORING: &str = "scoring_ms_per_image";

/// The most memory that the process held while it evaluated, what it held of before included.
const MEMORY: &str = "eval_peak_memory_mib";

/// The model file.
const MODEL: &str = "model_mib";

/// The process's peak of memory, from here on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peak {
    is_of_this: bool,
}

impl Peak {
    /// Forgets the peak of what the process did before, as a training, where the system can (Linux does): it would be taken for the
    /// evaluation's.
    pub(super) fn start() -> Self {
        Self {
            is_of_this: fs::write("/proc/self/clear_refs", "5").is_ok(),
        }
    }

    fn mib(self) -> Result<f64, &'static str> {
        let peak = self.is_of_this.then(peak_memory_mib).flatten();
        peak.ok_or("this system does not tell the evaluation's memory from that of what the process did before")
    }
}

/// What an evaluation and its model cost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cost(Figures);

impl Cost {
    /// To be asked last.
    pub(super) fn of(run: &RunFolder, images: &[TestImage], peak: Peak) -> Self {
        let times = images.iter().skip(1).map(|image| image.milliseconds);
        let size = fs::metadata(run.model());
        Self::new(
            median(times.collect())
                .ok_or("the first image, which finds nothing prepared, is the only one"),
            peak.mib(),
            size.map(|file| file.len() as f64 / MIB)
                .map_err(|error| error.to_string()),
        )
    }

    fn new(
        scoring: Result<f64, &str>,
        memory: Result<f64, &str>,
        model: Result<f64, String>,
    ) -> Self {
        let mut figures = Figures::default();
        figures.add("", SCORING, scoring);
        figures.add("", MEMORY, memory);
        figures.add("", MODEL, model);
        Self(figures)
    }

    /// Into `metrics.json`.
    pub(super) fn write(&self, metrics: &mut Map<String, Value>) {
        self.0.write(metrics);
    }

    /// For the report.
    pub(super) fn facts(&self) -> Vec<(String, String)> {
        let facts = [
            ("scoring time", SCORING, "ms an image", 1),
            ("peak memory of the evaluation", MEMORY, "MiB", 0),
            ("model file", MODEL, "MiB", 1),
        ];
        let facts = facts.into_iter();
        facts
            .filter_map(|(name, figure, unit, digits)| {
                let value = self.0.get(figure)?.as_ref().ok()?;
                Some((name.to_owned(), format!("{value:.digits$} {unit}")))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_null_with_its_reason_and_no_fact() {
        let cost = Cost::new(Ok(1.25), Err("no one knows"), Ok(2.0));
        let mut metrics = Map::new();
        cost.write(&mut metrics);
        assert_eq!(metrics["scoring_ms_per_image"], 1.25);
        assert_eq!(metrics["eval_peak_memory_mib"], Value::Null);
        assert_eq!(metrics["eval_peak_memory_mib_undefined"], "no one knows");
        assert!(!metrics.contains_key("model_mib_undefined"));
        let facts: Vec<_> = cost.facts().into_iter().map(|(_, value)| value).collect();
        assert_eq!(facts, ["1.2 ms an image", "2.0 MiB"]);
    }

    #[test]
    fn the_evaluations_peak_is_not_that_of_what_the_process_did_before() {
        let before = Peak { is_of_this: false };
        assert!(before.mib().is_err());
        let held = std::hint::black_box(vec![1_u8; 256 << 20]);
        let at_most = peak_memory_mib();
        drop(held);
        if let (Ok(peak), Some(at_most)) = (Peak::start().mib(), at_most) {
            assert!(peak < at_most - 128.0, "{peak} of {at_most}");
        }
    }
}
