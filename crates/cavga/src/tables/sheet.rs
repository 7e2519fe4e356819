//! The table for spreadsheets (CSV).

use std::io::{self, Write};

use super::{paper::FIGURES, rows::Row, table::Table, text::counts};
use crate::series::Value;

impl Table {
    /// The table as CSV: a line for each cell and seed; what is not known is empty.
    pub(super) fn write_csv(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(to);
        let reported = self.reported_names();
        let head = [
            "table",
            "row",
            "column",
            "system",
            "seed",
            "state",
            "run",
            "n_train",
            "n_train_anomalous",
            "n_test",
            "n_test_anomalous",
            "passes",
        ];
        let head = head.iter().chain(&FIGURES).map(|&name| name.to_owned());
        csv.write_record(head.chain(reported.iter().map(|name| format!("reported_{name}"))))?;
        for at in self.places() {
            for &seed in &self.seeds {
                let mut line = self.names(at, seed);
                let cell = self.cell(at, seed);
                line.extend(
                    counts(cell).map(|(_, count)| {
                        count.map_or_else(String::new, |count| count.to_string())
                    }),
                );
                line.extend(FIGURES.iter().map(|name| {
                    match cell.and_then(|cell| cell.figures.get(*name)) {
                        Some(Value::Number(value)) => value.to_string(),
                        _ => String::new(),
                    }
                }));
                line.extend(
                    reported
                        .iter()
                        .map(|name| self.printed(at, name).unwrap_or_default().to_owned()),
                );
                csv.write_record(&line)?;
            }
        }
        for line in self.csv_means(&reported) {
            csv.write_record(&line)?;
        }
        csv.flush()
    }

    /// The means over each set's rows that are measured, as lines whose state is "mean" and which have no seed and no run.
    fn csv_means(&self, reported: &[&'static str]) -> Vec<Vec<String>> {
        let mut lines = Vec::new();
        for (set, of_set) in self.paper.sets.iter().enumerate() {
            let is_of_set = |row: &Row| row.set == Some(set);
            if of_set.rows.len() < 2 || !self.rows.iter().any(is_of_set) {
                continue;
            }
            for (place, column) in self.columns.iter().enumerate() {
                let mut line = vec![
                    self.paper.number.to_string(),
                    format!("mean of {}", of_set.known),
                    column.key.clone(),
                    column.system.unwrap_or_default().to_owned(),
                    String::new(),
                    "mean".to_owned(),
                    String::new(),
                ];
                line.extend(counts(None).map(|_| String::new()));
                line.extend(FIGURES.iter().map(|name| {
                    let mean = self.mean_of((set, place), name);
                    mean.map_or_else(String::new, |mean| mean.to_string())
                }));
                line.extend(reported.iter().map(|name| {
                    let mut figures = self.paper.figures.iter();
                    let figure = figures.find(|figure| figure.reported == Some(name));
                    let number = figure.and_then(|of| self.reported_mean((set, place), of));
                    number.map_or_else(String::new, |number| number.text.clone())
                }));
                lines.push(line);
            }
        }
        lines
    }
}
