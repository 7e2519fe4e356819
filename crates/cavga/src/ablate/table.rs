//! All columns with their figures: mean and standard deviation over seeds, or the reason why there is none.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Map, Value as Json, json};

use super::columns::{COLUMNS, Column, Parts, category};
use crate::series::{Cell, Kept, Spread, Value, spread};

/// The figures of the table: name as in `metrics.json`, and as a heading.
pub(super) const FIGURES: [(&str, &str); 8] = [
    ("iou_at_0.5", "IoU at 0.5"),
    ("iou_best_threshold", "IoU, best threshold"),
    ("pixel_auroc", "pixel AUROC"),
    ("prior_pixel_auroc", "prior's pixel AUROC"),
    (
        "attention-deviation.pixel_auroc",
        "attention-deviation's pixel AUROC",
    ),
    (
        "attention-terms-deviation.pixel_auroc",
        "attention-terms-deviation's pixel AUROC",
    ),
    (
        "residual-smoothed.pixel_auroc",
        "residual-smoothed's pixel AUROC",
    ),
    ("image_auroc", "image AUROC"),
];

/// What is kept of a column.
pub(super) const KEPT: Kept = Kept {
    file: "ablation.json",
    figures: &{
        let mut names = [""; FIGURES.len()];
        let mut place = 0;
        while place < names.len() {
            names[place] = FIGURES[place].0;
            place += 1;
        }
        names
    },
    ending: None,
};

/// A column's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The column.
    pub column: &'static Column,
    /// Its place in [`COLUMNS`].
    pub place: usize,
    /// Under how many seeds it is done: its figures are over those.
    pub seeds: usize,
    /// Each figure's name and value, or the reason why there is none.
    pub figures: Vec<(&'static str, Result<Spread, String>)>,
}

/// All columns of an ablation.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub(super) folder: String,
    /// The category of the paper's table that the dataset's folder is called.
    pub(super) category: Option<&'static str>,
    pub(super) parts: Parts,
    pub(super) seeds: Vec<u64>,
    /// The places of the columns asked for.
    shown: Vec<usize>,
    /// By column and seed.
    cells: BTreeMap<(usize, u64), Cell>,
}

impl Table {
    pub(super) fn new(data: &Path, parts: Parts, seeds: &[u64], shown: Vec<usize>) -> Self {
        let folder = crate::run::absolute(data);
        let folder = folder
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self {
            category: category(&folder),
            folder,
            parts,
            seeds: seeds.to_owned(),
            shown,
            cells: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, column: usize, seed: u64, cell: Cell) {
        self.cells.insert((column, seed), cell);
    }

    /// A column as measured under each seed, as far as it is.
    fn done(&self, column: usize) -> impl Iterator<Item = (u64, &Cell)> {
        let seeds = self.seeds.iter();
        seeds.filter_map(move |&seed| Some((seed, self.cells.get(&(column, seed))?)))
    }

    /// A column as first measured, for what does not depend on the seed.
    pub(super) fn first(&self, column: usize) -> Option<&Cell> {
        self.done(column).map(|(_, cell)| cell).next()
    }

    /// One row for each of the paper's columns that was asked for, or measured before.
    pub fn rows(&self) -> Vec<Row> {
        let row = |(index, column)| Row {
            column,
            place: index,
            seeds: self.done(index).count(),
            figures: FIGURES
                .iter()
                .map(|&(key, _)| (key, self.spread(index, key)))
                .collect(),
        };
        let columns = COLUMNS.iter().enumerate();
        let shown =
            columns.filter(|(place, _)| self.shown.contains(place) || self.first(*place).is_some());
        shown.map(row).collect()
    }

    fn spread(&self, column: usize, key: &str) -> Result<Spread, String> {
        const NOT_RUN: &str = "not run yet";
        let mut values = Vec::with_capacity(self.seeds.len());
        for (seed, cell) in self.done(column) {
            let value = match cell.figures.get(key) {
                Some(Value::Number(value)) => Ok(*value),
                Some(Value::Undefined { undefined }) => Err(undefined.as_str()),
                None => Err(NOT_RUN),
            };
            values.push(value.map_err(|reason| match *self.seeds {
                [_] => reason.to_owned(),
                _ => format!("seed {seed}: {reason}"),
            })?);
        }
        spread(&values).ok_or_else(|| NOT_RUN.to_owned())
    }

    /// For machines: what was measured, and apart from it what was reported.
    pub fn json(&self) -> Json {
        let columns = self.rows().into_iter().map(|row| {
            let index = row.place;
            let mut measured = Map::new();
            for (key, value) in row.figures {
                match value {
                    Ok(Spread { mean, deviation }) => {
                        measured.insert(key.to_owned(), Json::from(mean));
                        let name = format!("{key}_standard_deviation");
                        deviation.map(|deviation| measured.insert(name, Json::from(deviation)));
                    }
                    Err(reason) => {
                        measured.insert(key.to_owned(), Json::Null);
                        measured.insert(format!("{key}_undefined"), Json::from(reason));
                    }
                }
            }
            let column = row.column;
            let category = self.category.and_then(|name| column.reported(self.parts, name));
            let counts = self.first(index).map(|cell| {
                json!({
                    "n_train": cell.n_train, "n_train_anomalous": cell.n_train_anomalous, "passes": cell.passes,
                    "n_test": cell.n_test, "n_test_anomalous": cell.n_test_anomalous,
                })
            });
            json!({
                "column": column.name,
                "title": column.title(self.parts),
                "method": column.method(self.parts),
                "n_seeds": row.seeds,
                "counts": counts,
                "measured": measured,
                "reported_iou_mvtec_mean": column.reported_mean(self.parts),
                "reported_iou_category": category,
            })
        });
        json!({
            "data": self.folder, "category": self.category, "seeds": self.seeds,
            "columns": columns.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(iou: Value) -> Cell {
        Cell {
            figures: BTreeMap::from([("iou_at_0.5".to_owned(), iou)]),
            ..Cell::default()
        }
    }

    fn table(seeds: &[u64]) -> Table {
        Table::new(Path::new("sets/leather"), Parts::R, seeds, (0..8).collect())
    }

    #[test]
    fn seeds_give_mean_and_sample_deviation() {
        let mut table = table(&[1, 2, 3]);
        for (seed, iou) in [(1, 0.2), (2, 0.4), (3, 0.6)] {
            table.add(3, seed, cell(Value::Number(iou)));
        }
        let Spread { mean, deviation } = table.spread(3, "iou_at_0.5").unwrap();
        assert!((mean - 0.4).abs() < 1e-12);
        assert!((deviation.unwrap() - 0.2).abs() < 1e-12, "n − 1");
    }

    #[test]
    fn one_undefined_seed_leaves_the_figure_undefined_and_is_named() {
        let mut two = table(&[1, 2]);
        two.add(0, 1, cell(Value::Number(0.2)));
        two.add(0, 2, cell(Value::undefined("no defect")));
        assert_eq!(
            two.spread(0, "iou_at_0.5"),
            Err("seed 2: no defect".to_owned())
        );
        let mut one = table(&[1]);
        one.add(0, 1, cell(Value::Number(0.2)));
        let alone = one.spread(0, "iou_at_0.5").unwrap();
        assert_eq!((alone.mean, alone.deviation), (0.2, None));
    }

    #[test]
    fn a_figure_is_over_the_seeds_that_are_done_and_says_how_many() {
        let mut three = table(&[1, 2, 3]);
        three.add(0, 3, cell(Value::Number(0.2)));
        three.add(0, 1, cell(Value::Number(0.4)));
        let Spread { mean, deviation } = three.spread(0, "iou_at_0.5").unwrap();
        assert!((mean - 0.3).abs() < 1e-12 && deviation.is_some());
        let text = three.markdown();
        assert!(text.contains("| R*_u (2 of 3 seeds) "), "{text}");
        assert_eq!(three.spread(1, "iou_at_0.5"), Err("not run yet".to_owned()));
        assert_eq!(three.json()["columns"][0]["n_seeds"], 2);
    }

    #[test]
    fn what_was_measured_before_stays_and_says_its_passes() {
        let mut table = Table::new(Path::new("leather"), Parts::R, &[0], vec![7]);
        let before = Cell {
            passes: 9,
            ..cell(Value::Number(0.5))
        };
        table.add(3, 0, before);
        let places: Vec<_> = table.rows().iter().map(|row| row.place).collect();
        assert_eq!(places, [3, 7]);
        assert!(table.markdown().contains("9 passes each"));
    }

    #[test]
    fn what_is_reported_stays_apart_from_what_is_measured() {
        let mut one = table(&[0]);
        one.add(7, 0, cell(Value::Number(0.25)));
        let json = one.json();
        let last = &json["columns"][7];
        assert_eq!(last["measured"]["iou_at_0.5"], 0.25);
        assert_eq!(last["reported_iou_mvtec_mean"], 0.6);
        assert_eq!(last["reported_iou_category"], 0.84);
        let first = &json["columns"][0]["measured"];
        assert_eq!(first["iou_at_0.5"], Json::Null);
        assert_eq!(first["iou_at_0.5_undefined"], "not run yet");
    }
}
