//! What an evaluation and its model cost: time, memory, disk.

use std::fs;

use serde_json::{Map, Value};

use super::TestImage;
use crate::{progress::peak_memory_mib, run::RunFolder};

/// Bytes of a MiB.
const MIB: f64 = (1 << 20) as f64;

/// What an evaluation and its model cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// The median time to score an image that is loaded, over all but the first, which finds nothing prepared; with other images being
    /// decoded meanwhile, as always.
    scoring_ms_per_image: Option<f64>,
    /// The most memory that the process has held, where the system says so.
    peak_memory_mib: Option<f64>,
    /// The model file.
    model_mib: Option<f64>,
}

impl Cost {
    pub(super) fn of(run: &RunFolder, images: &[TestImage]) -> Self {
        let times = images.iter().skip(1).map(|image| image.milliseconds);
        let size = fs::metadata(run.model()).ok();
        Self {
            scoring_ms_per_image: median(times.collect()),
            peak_memory_mib: peak_memory_mib(),
            model_mib: size.map(|file| file.len() as f64 / MIB),
        }
    }

    /// Into `metrics.json`.
    pub(super) fn write(&self, metrics: &mut Map<String, Value>) {
        for (name, value) in [
            ("scoring_ms_per_image", self.scoring_ms_per_image),
            ("eval_peak_memory_mib", self.peak_memory_mib),
            ("model_mib", self.model_mib),
        ] {
            metrics.insert(name.to_owned(), Value::from(value));
        }
    }

    /// For the report.
    pub(super) fn facts(&self) -> Vec<(String, String)> {
        let facts = [
            ("scoring time", self.scoring_ms_per_image, "ms an image", 1),
            (
                "peak memory of the evaluation",
                self.peak_memory_mib,
                "MiB",
                0,
            ),
            ("model file", self.model_mib, "MiB", 1),
        ];
        let facts = facts.into_iter();
        facts
            .filter_map(|(name, value, unit, digits)| {
                Some((name.to_owned(), format!("{:.digits$} {unit}", value?)))
            })
            .collect()
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_none_one_two_and_three() {
        assert_eq!(median(Vec::new()), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![3.0, 1.0]), Some(2.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
    }

    #[test]
    fn what_is_not_known_is_null_and_no_fact() {
        let cost = Cost {
            scoring_ms_per_image: Some(1.25),
            peak_memory_mib: None,
            model_mib: Some(2.0),
        };
        let mut metrics = Map::new();
        cost.write(&mut metrics);
        assert_eq!(metrics["scoring_ms_per_image"], 1.25);
        assert_eq!(metrics["eval_peak_memory_mib"], Value::Null);
        let facts: Vec<_> = cost.facts().into_iter().map(|(_, value)| value).collect();
        assert_eq!(facts, ["1.2 ms an image", "2.0 MiB"]);
    }
}
