//! Figures by name, each a number or the reason why there is none.

use std::fmt::Display;

use serde_json::{Map, Value};

/// Figures in the order in which they were measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures(Vec<(String, Result<f64, String>)>);

impl Figures {
    /// Adds a figure; `prefix` is empty or ends in a dot.
    pub(super) fn add<E: Display>(&mut self, prefix: &str, name: &str, value: Result<f64, E>) {
        let value = value
            .map_err(|reason| reason.to_string())
            .and_then(|value| {
                if value.is_finite() {
                    Ok(value)
                } else {
                    Err("its value is not a finite number".to_owned())
                }
            });
        self.0.push((format!("{prefix}{name}"), value));
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The figure of this name.
    pub fn get(&self, name: &str) -> Option<&Result<f64, String>> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
    }

    /// All figures in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Result<f64, String>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// As in `metrics.json`: a name for each figure, and `<name>_undefined` with the reason where the figure is null.
    pub(super) fn write(&self, to: &mut Map<String, Value>) {
        for (name, value) in &self.0 {
            match value {
                Ok(value) => {
                    to.insert(name.clone(), Value::from(*value));
                }
                Err(reason) => {
                    to.insert(name.clone(), Value::Null);
                    to.insert(format!("{name}_undefined"), Value::from(reason.as_str()));
                }
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
        let mut map = Map::new();
        figures.write(&mut map);
        assert_eq!(map["a"], 0.5);
        assert_eq!(map["residual.b"], Value::Null);
        assert_eq!(map["residual.b_undefined"], "no defect");
        assert_eq!(map["c"], Value::Null);
    }
}
