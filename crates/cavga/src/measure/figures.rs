//! Figures by name, each a number or the reason why there is none, and how sure it is.

use std::{collections::BTreeMap, fmt::Display};

use cavga_metrics::Interval;
use serde_json::{Map, Value, json};

/// Figures in the order in which they were measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    values: Vec<(String, Result<f64, String>)>,
    intervals: BTreeMap<String, Result<Interval, String>>,
}

impl Figures {
    /// Adds a figure; `prefix` is empty or ends in a dot.
    pub(crate) fn add<E: Display>(&mut self, prefix: &str, name: &str, value: Result<f64, E>) {
        let value = value
            .map_err(|reason| reason.to_string())
            .and_then(|value| {
                if value.is_finite() {
                    Ok(value)
                } else {
                    Err("its value is not a finite number".to_owned())
                }
            });
        self.values.push((format!("{prefix}{name}"), value));
    }

    /// Says between what a figure lies, or why that cannot be said.
    pub(crate) fn set_interval<E: Display>(
        &mut self,
        prefix: &str,
        name: &str,
        interval: Result<Interval, E>,
    ) {
        let interval = interval.map_err(|reason| reason.to_string());
        self.intervals.insert(format!("{prefix}{name}"), interval);
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.values.extend(others.values);
        self.intervals.extend(others.intervals);
    }

    /// The figure of this name.
    pub fn get(&self, name: &str) -> Option<&Result<f64, String>> {
        self.values
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
    }

    /// Between what the figure of this name lies, in 95 of 100 resamples of the test images.
    pub fn interval(&self, name: &str) -> Option<[f64; 2]> {
        let interval = self.intervals.get(name)?.as_ref().ok()?;
        Some([interval.low, interval.high])
    }

    /// All figures in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Result<f64, String>)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// As in `metrics.json`: a name for each figure, `<name>_undefined` with the reason where the figure is null, and
    /// `<name>_interval`, `[low, high]`, where it has one; `<name>_interval_undefined` says why an interval is null, and
    /// `<name>_interval_left_out` in how many resamples the figure is undefined, if in some.
    pub(crate) fn write(&self, to: &mut Map<String, Value>) {
        for (name, value) in &self.values {
            match value {
                Ok(value) => {
                    to.insert(name.clone(), Value::from(*value));
                }
                Err(reason) => {
                    to.insert(name.clone(), Value::Null);
                    to.insert(format!("{name}_undefined"), Value::from(reason.as_str()));
                }
            }
            match (value, self.intervals.get(name)) {
                (Ok(_), Some(Ok(interval))) => {
                    let ends = json!([interval.low, interval.high]);
                    to.insert(format!("{name}_interval"), ends);
                    if interval.undefined > 0 {
                        let left_out = Value::from(interval.undefined);
                        to.insert(format!("{name}_interval_left_out"), left_out);
                    }
                }
                (Ok(_), Some(Err(reason))) => {
                    to.insert(format!("{name}_interval"), Value::Null);
                    let reason = Value::from(reason.as_str());
                    to.insert(format!("{name}_interval_undefined"), reason);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undefined_is_null_with_its_reason() {
        let mut figures = Figures::default();
        figures.add("", "a", Ok::<_, String>(0.5));
        figures.add("residual.", "b", Err("no defect"));
        figures.add("", "c", Ok::<_, String>(f64::NAN));
        let interval = Interval {
            low: 0.25,
            high: 0.75,
            level: 0.95,
            resamples: 10,
            undefined: 0,
        };
        figures.set_interval("", "a", Ok::<_, String>(interval));
        figures.set_interval("residual.", "b", Err("no defect"));
        figures.add("", "d", Ok::<_, String>(0.5));
        figures.set_interval("", "d", Err("too few"));
        figures.add("", "e", Ok::<_, String>(0.5));
        let interval = Interval {
            undefined: 3,
            ..interval
        };
        figures.set_interval("", "e", Ok::<_, String>(interval));
        let mut map = Map::new();
        figures.write(&mut map);
        assert_eq!(map["a"], 0.5);
        assert_eq!(map["a_interval"], json!([0.25, 0.75]));
        assert_eq!(map["residual.b"], Value::Null);
        assert_eq!(map["residual.b_undefined"], "no defect");
        assert!(!map.contains_key("residual.b_interval"));
        assert_eq!(map["c"], Value::Null);
        assert_eq!(map["d_interval"], Value::Null);
        assert_eq!(map["d_interval_undefined"], "too few");
        assert_eq!(map["e_interval_left_out"], 3);
    }
}
