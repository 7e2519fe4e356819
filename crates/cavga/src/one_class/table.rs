//! What was measured of every class: the image AUROC of each of the detector's scores, and the means over the classes.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use cavga_data::Known;
use serde_json::{Map, Value as Json, json};

use super::{OneClassOptions, Protocol, reported::reported};
use crate::series::{Cell, Kept, Spread, Value, grid, none, spread};

/// The figure of the table; with a score's name before it, of another score than the method's own.
const FIGURE: &str = "image_auroc";

/// What is kept of a class's run.
pub(super) const KEPT: Kept = Kept {
    file: "one-class.json",
    figures: &[FIGURE],
    ending: Some(".image_auroc"),
};

/// All classes of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    method: String,
    dataset: Known,
    protocol: Protocol,
    seeds: BTreeSet<u64>,
    /// By class and seed.
    cells: BTreeMap<(u8, u64), Cell>,
}

impl Table {
    pub(super) fn new(options: &OneClassOptions, seeds: &[u64]) -> Self {
        Self {
            method: options.method.clone(),
            dataset: options.dataset,
            protocol: options.protocol,
            seeds: seeds.iter().copied().collect(),
            cells: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, of: (u8, u64), cell: Cell) {
        self.cells.insert(of, cell);
    }

    /// The names of the figures that were measured, the own score's first.
    fn figures(&self) -> Vec<&str> {
        let cells = self.cells.values();
        let names: BTreeSet<&str> = cells
            .flat_map(|cell| cell.figures.keys().map(String::as_str))
            .filter(|name| *name != FIGURE)
            .collect();
        std::iter::once(FIGURE).chain(names).collect()
    }

    /// The classes that are done, in their order, with a cell each.
    fn classes(&self) -> BTreeMap<u8, &Cell> {
        let cells = self.cells.iter();
        cells.map(|(&(class, _), cell)| (class, cell)).collect()
    }

    /// A figure of a class over the seeds that are done; none where one of them is undefined.
    pub fn class(&self, class: u8, figure: &str) -> Option<Spread> {
        let cells = self.cells.iter().filter(|((of, _), _)| *of == class);
        let values = cells.map(|(_, cell)| match cell.figures.get(figure) {
            Some(Value::Number(value)) => Some(*value),
            _ => None,
        });
        spread(&values.collect::<Option<Vec<_>>>()?)
    }

    /// A figure's mean over the classes, of each class's mean over seeds; the deviation is that of the classes.
    pub fn mean(&self, figure: &str) -> Option<Spread> {
        let classes = self.classes();
        let values = classes
            .keys()
            .map(|&class| Some(self.class(class, figure)?.mean));
        spread(&values.collect::<Option<Vec<_>>>()?)
    }

    fn name(&self, class: u8) -> &'static str {
        let names = self.dataset.classes();
        names.get(usize::from(class)).copied().unwrap_or("?")
    }

    /// The table as Markdown, which reads well in a terminal too.
    pub fn markdown(&self) -> String {
        let seeds: Vec<_> = self.seeds.iter().map(u64::to_string).collect();
        let over = match self.seeds.len() {
            1 => "",
            _ => ", mean ± standard deviation (n − 1)",
        };
        let note = match reported(self.dataset, self.protocol).is_empty() {
            true => "",
            false => {
                "\nReported: the paper's table 7, recalled (`--json`: recalled where its means agree, else unchecked), of its own trainings on all images; \
                 nothing of it was measured here. CapsNet's own paper has figures of all classes but one being normal, which stand in that \
                 table beside those of the others. Last line: mean over the classes that are done.\n"
            }
        };
        let (title, learnt) = match self.protocol {
            Protocol::OneVsRest => ("one class normal", "one class's training images"),
            Protocol::RestVsOne => (
                "one class anomalous",
                "the training images of all classes but one, with their classes",
            ),
        };
        format!(
            "# {} on {}, {title}\n\nMeasured here: image AUROC of the method's own score and of its others, seed {}{over}. \
             Learnt from {learnt}, tested on all test images: normal + others.\n\n{}{note}",
            self.method,
            self.dataset,
            seeds.join(", "),
            grid(&self.lines()),
        )
    }

    fn lines(&self) -> Vec<Vec<String>> {
        let figures = self.figures();
        let reported = reported(self.dataset, self.protocol);
        let mut head = vec![
            format!("{} class", self.protocol.turn()),
            "learnt from".to_owned(),
            "tested on".to_owned(),
        ];
        head.extend(figures.iter().map(|name| match *name {
            FIGURE => "own score".to_owned(),
            name => name.trim_end_matches(".image_auroc").to_owned(),
        }));
        head.extend(
            reported
                .iter()
                .map(|row| match row.protocol == self.protocol {
                    true => format!("reported: {}", row.method),
                    false => format!("reported: {} ({})", row.method, row.protocol),
                }),
        );
        let value = |spread: Option<Spread>| spread.map_or_else(none, |spread| spread.to_string());
        let mut lines = vec![head];
        for (class, cell) in self.classes() {
            let normal = cell.n_test.saturating_sub(cell.n_test_anomalous);
            let mut line = vec![
                format!("{class} {}", self.name(class))
                    .trim_end()
                    .to_owned(),
                cell.n_train.to_string(),
                format!("{normal} + {}", cell.n_test_anomalous),
            ];
            line.extend(figures.iter().map(|name| value(self.class(class, name))));
            line.extend(reported.iter().map(|row| {
                let of_class = row
                    .classes
                    .and_then(|all| all.get(usize::from(class)).copied());
                of_class.map_or_else(none, |value| format!("{value:.3}"))
            }));
            lines.push(line);
        }
        let mut last = vec!["mean".to_owned(), String::new(), String::new()];
        // Without the deviation: that of classes is no uncertainty.
        let mean = |name: &&str| {
            self.mean(name).map(|spread| Spread {
                deviation: None,
                ..spread
            })
        };
        last.extend(figures.iter().map(|name| value(mean(name))));
        last.extend(reported.iter().map(|row| format!("{:.3}", row.mean)));
        lines.push(last);
        lines
    }

    /// The table as CSV: a line for each class and seed; a figure without a number is empty.
    pub(super) fn write_csv(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(to);
        let figures = self.figures();
        let head = [
            "class",
            "name",
            "seed",
            "n_train",
            "n_test",
            "n_test_anomalous",
        ];
        csv.write_record(head.iter().chain(&figures))?;
        for (&(class, seed), cell) in &self.cells {
            let counts = [cell.n_train, cell.n_test, cell.n_test_anomalous];
            let mut line = vec![
                class.to_string(),
                self.name(class).to_owned(),
                seed.to_string(),
            ];
            line.extend(counts.map(|count| count.to_string()));
            line.extend(figures.iter().map(|name| match cell.figures.get(*name) {
                Some(Value::Number(value)) => value.to_string(),
                _ => String::new(),
            }));
            csv.write_record(&line)?;
        }
        csv.flush()
    }

    /// For machines: what was measured, and apart from it what was reported.
    pub fn json(&self) -> Json {
        let figures = self.figures();
        let values = |of: &dyn Fn(&str) -> Option<Spread>| -> Json {
            let value = |name: &&str| {
                (
                    (*name).to_owned(),
                    Json::from(of(name).map(|spread| spread.mean)),
                )
            };
            Json::from(figures.iter().map(value).collect::<Map<_, _>>())
        };
        let classes = self.classes().into_iter().map(|(class, cell)| {
            json!({
                "class": class, "name": self.name(class), "n_train": cell.n_train, "n_test": cell.n_test,
                "n_test_anomalous": cell.n_test_anomalous, "measured": values(&|name| self.class(class, name)),
            })
        });
        let reported = reported(self.dataset, self.protocol).into_iter();
        let reported = reported
            .map(|row| json!({ "method": row.method, "protocol": row.protocol.name(), "classes": row.classes, "mean": row.mean, "source": row.source.to_string() }));
        json!({
            "method": self.method, "dataset": self.dataset, "protocol": self.protocol.name(), "seeds": self.seeds,
            "classes": classes.collect::<Vec<_>>(),
            "mean": values(&|name| self.mean(name)),
            "reported": reported.collect::<Vec<_>>(),
        })
    }
}
