//! The table for people (Markdown, which reads well in a terminal too) and for programs (JSON).

use serde_json::{Map, Value as Json, json};

use super::{
    Budget,
    table::{Table, Why},
    view::{Entry, Grid},
};
use crate::series::{Cell, NONE, Value, grid};

/// Where cells link to, each address with a number from 1.
#[derive(Default)]
struct Links(Vec<String>);

impl Links {
    fn number(&mut self, link: &str) -> usize {
        let known = self.0.iter().position(|known| known == link);
        known.unwrap_or_else(|| {
            self.0.push(link.to_owned());
            self.0.len() - 1
        }) + 1
    }
}

impl Table {
    /// The table as Markdown for a terminal: without links.
    pub fn markdown(&self) -> String {
        self.as_markdown(None)
    }

    /// The table as Markdown whose cells link to their runs.
    pub(super) fn linked_markdown(&self) -> String {
        let mut links = Links::default();
        let mut text = self.as_markdown(Some(&mut links));
        for (number, link) in (1..).zip(&links.0) {
            text += &format!(
                "{}[{number}]: {link}\n",
                if number == 1 { "\n" } else { "" }
            );
        }
        text
    }

    fn as_markdown(&self, mut links: Option<&mut Links>) -> String {
        let mut text = format!("# {}\n\n{}\n", self.title(), self.notes().join("\n"));
        for of in self.grids() {
            text += &format!("\n## {}\n\n{}\n\n", of.figure.title, of.figure.rule);
            text += &grid(&lines(&of, &mut links));
        }
        let counts = self.counts();
        if counts.len() > 1 {
            text += &format!(
                "\n## Images and passes\n\nImages: normal + anomalous.\n\n{}",
                grid(&counts)
            );
        }
        let reasons = self.reasons();
        if !reasons.is_empty() {
            text += "\n## Why there is no number\n\n";
            text.extend(reasons.iter().map(|reason| format!("- {reason}\n")));
        }
        text
    }

    /// For machines: what was measured, and apart from it what was reported.
    pub fn json(&self) -> Json {
        let mut cells = Vec::new();
        for at in self.places() {
            for &seed in &self.seeds {
                cells.push(self.json_of(at, seed));
            }
        }
        let columns = self.columns.iter().map(|column| {
            json!({
                "key": column.key, "title": column.title, "system": column.system, "method": column.method,
                "built": column.built().is_some(),
            })
        });
        let rows = self.rows.iter().map(|row| {
            json!({ "key": row.key, "title": row.title, "in_paper": row.set.is_some(), "has_data": row.images.is_some() })
        });
        json!({
            "table": self.paper.number, "title": self.title(), "notes": self.notes(),
            "budget": budget(&self.budget), "other_budgets": self.other_budgets.iter()
                .flat_map(|(other, of)| of.iter().map(|column| (column.clone(), budget(other)))).collect::<Map<_, _>>(),
            "seeds": self.seeds,
            "columns": columns.collect::<Vec<_>>(), "rows": rows.collect::<Vec<_>>(), "cells": cells,
            "means": self.json_means(),
        })
    }

    fn json_of(&self, at: (usize, usize), seed: u64) -> Json {
        let cell = self.cell(at, seed);
        let mut measured = Map::new();
        for (name, value) in cell.iter().flat_map(|cell| &cell.figures) {
            match value {
                Value::Number(value) => {
                    measured.insert(name.clone(), Json::from(*value));
                }
                Value::Undefined { undefined } => {
                    measured.insert(name.clone(), Json::Null);
                    measured.insert(format!("{name}_undefined"), Json::from(undefined.as_str()));
                }
            }
        }
        let reported = self.reported_names().into_iter().filter_map(|name| {
            let figure = self
                .paper
                .figures
                .iter()
                .find(|figure| figure.reported == Some(name))?;
            let number = self.reported(at, figure)?;
            Some((
                name.to_owned(),
                json!({ "value": number.value, "source": number.source.to_string() }),
            ))
        });
        let counts = counts(cell).map(|(name, count)| (name.to_owned(), Json::from(count)));
        let [_, row, column, _, _, state, run] = self.names_of(at, seed);
        let first = self.paper.figures.first();
        let why = first.and_then(|figure| self.under(at, seed, figure).err()?.reason);
        json!({
            "row": row, "column": column, "seed": seed, "state": state, "why": why, "run": run,
            "counts": Map::from_iter(counts), "measured": measured, "reported": reported.collect::<Map<_, _>>(),
        })
    }

    fn json_means(&self) -> Vec<Json> {
        let mut means = Vec::new();
        for (set, of_set) in self.paper.sets.iter().enumerate() {
            for figure in self.paper.figures {
                for place in self.columns_of(figure) {
                    let (mean, reported) = (
                        self.mean((set, place), figure),
                        self.reported_mean((set, place), figure),
                    );
                    let Some(column) = self
                        .columns
                        .get(place)
                        .filter(|_| mean.is_some() || reported.is_some())
                    else {
                        continue;
                    };
                    means.push(json!({
                        "set": of_set.known, "column": column.key, "figure": figure.names.first(),
                        "measured": mean.map(|(mean, _)| mean), "rows": mean.map_or(0, |(_, rows)| rows),
                        "of_rows": of_set.rows.len(), "reported": reported.map(|number| number.value),
                        "source": reported.map(|number| number.source.to_string()),
                    }));
                }
            }
        }
        means
    }

    pub(super) fn places(&self) -> Vec<(usize, usize)> {
        let rows = 0..self.rows.len();
        rows.flat_map(|row| (0..self.columns.len()).map(move |column| (row, column)))
            .collect()
    }

    pub(super) fn cell(&self, at: (usize, usize), seed: u64) -> Option<&Cell> {
        self.measured(at)
            .find(|(of, _)| *of == seed)
            .map(|(_, cell)| cell)
    }

    /// What the paper's figures are called that stand in this table.
    pub(super) fn reported_names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self
            .paper
            .figures
            .iter()
            .filter_map(|figure| figure.reported)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(super) fn printed(&self, at: (usize, usize), name: &str) -> Option<&'static str> {
        let mut figures = self.paper.figures.iter();
        let figure = figures.find(|figure| figure.reported == Some(name))?;
        self.reported(at, figure).map(|number| &*number.text)
    }

    pub(super) fn names(&self, at: (usize, usize), seed: u64) -> Vec<String> {
        self.names_of(at, seed).to_vec()
    }

    /// Table, row, column, system, seed, state, run.
    fn names_of(&self, at: (usize, usize), seed: u64) -> [String; 7] {
        let (row, column) = (self.rows.get(at.0), self.columns.get(at.1));
        let first = self.paper.figures.first();
        let why = first.and_then(|figure| self.under(at, seed, figure).err());
        let state = match (self.cell(at, seed), why) {
            (Some(cell), _) if cell.n_test > 0 => "measured",
            (_, Some(Why { word, .. })) => word,
            _ => "not run",
        };
        let run = self.run(at, seed).filter(|_| self.cell(at, seed).is_some());
        let run = run.and_then(|run| Some(self.inside(run.path())?.join("/")));
        [
            self.paper.number.to_string(),
            row.map(|row| row.key.clone()).unwrap_or_default(),
            column.map(|column| column.key.clone()).unwrap_or_default(),
            column
                .and_then(|column| column.system)
                .unwrap_or_default()
                .to_owned(),
            seed.to_string(),
            state.to_owned(),
            run.unwrap_or_default(),
        ]
    }
}

fn budget(of: &Budget) -> Json {
    json!({ "passes": of.passes, "shots": of.shots })
}

/// What is counted of a cell, by name.
pub(super) fn counts(cell: Option<&Cell>) -> [(&'static str, Option<usize>); 5] {
    let of = |count: fn(&Cell) -> usize| cell.map(count);
    [
        ("n_train", of(|cell| cell.n_train)),
        ("n_train_anomalous", of(|cell| cell.n_train_anomalous)),
        ("n_test", of(|cell| cell.n_test)),
        ("n_test_anomalous", of(|cell| cell.n_test_anomalous)),
        ("passes", of(|cell| cell.passes)),
    ]
}

/// A grid's head and lines.
fn lines(of: &Grid, links: &mut Option<&mut Links>) -> Vec<Vec<String>> {
    let head = std::iter::once(String::new()).chain(of.columns.iter().cloned());
    let mut lines = vec![head.collect()];
    for line in &of.lines {
        let mut cells = vec![line.title.clone()];
        for entry in &line.entries {
            cells.push(text(entry, links));
        }
        lines.push(cells);
    }
    lines
}

fn text(entry: &Entry, links: &mut Option<&mut Links>) -> String {
    let mut text = match (&entry.link, links) {
        (Some(link), Some(links)) if entry.text != NONE => {
            format!("[{}][{}]", entry.text, links.number(link))
        }
        _ => entry.text.clone(),
    };
    if let Some(reported) = entry.reported {
        text += &format!(" ({reported})");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::table::tests::table;

    #[test]
    fn markdown_has_measured_and_reported_beside_each_other() {
        let text = table(Path::new("out")).markdown();
        for line in [
            "| leather    | no data (.34)   | no data (.76)       | no data      |",
            "| toothbrush | not built (.07) | 0.250 (.54)         | 0.500        |",
            "| mean       | – (.09)         | 0.250, 1 of 15 (.41) | 0.500, 1 of 15 |",
        ] {
            let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(squeezed(&text).contains(&squeezed(line)), "{line}\n{text}");
        }
        assert!(
            text.contains("Measured here: 2 passes, seed 0; 2 of 6 cells."),
            "{text}"
        );
        assert!(
            text.contains("one look at every image, for patchcore."),
            "{text}"
        );
        assert!(
            text.contains("| 44          | 12 + 30   | 2; patchcore: 1 |")
                || text.contains("| 44 "),
            "{text}"
        );
        assert!(
            text.contains("no defect (cavga-d-u of toothbrush)"),
            "{text}"
        );
    }

    #[test]
    fn csv_and_json_keep_what_is_measured_apart_from_what_is_reported() {
        let table = table(Path::new("out"));
        let mut bytes = Vec::new();
        table.write_csv(&mut bytes).unwrap();
        let mut csv = csv::Reader::from_reader(&*bytes);
        let head = csv.headers().unwrap().clone();
        let at = |name: &str| head.iter().position(|head| head == name).unwrap();
        let rows: Vec<_> = csv.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 6 + 3);
        assert_eq!(
            [
                &rows[7][at("row")],
                &rows[7][at("iou_best_threshold")],
                &rows[7][at("reported_iou")]
            ],
            ["mean of mvtec-ad", "0.25", ".41"]
        );
        let states: Vec<_> = rows.iter().map(|row| &row[at("state")]).collect();
        assert_eq!(
            states[2..6],
            ["no data", "not built", "measured", "measured"]
        );
        assert_eq!(
            (
                &rows[4][at("iou_best_threshold")],
                &rows[4][at("reported_iou")]
            ),
            ("0.25", ".54")
        );
        assert_eq!(
            (&rows[5][at("passes")], &rows[5][at("reported_iou")]),
            ("1", "")
        );
        let json = table.json();
        let cell = &json["cells"][4];
        assert_eq!(
            (
                &cell["measured"]["iou_best_threshold"],
                &cell["reported"]["iou"]["value"]
            ),
            (&0.25.into(), &0.54.into())
        );
        assert_eq!(cell["reported"]["iou"]["source"], "read");
        assert_eq!(json["means"][0]["reported"], 0.09);
        assert_eq!(json["means"][0]["source"], "read");
    }
}
