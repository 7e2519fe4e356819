//! What was measured of every cell, beside what the paper prints, or the reason why there is no number.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    Budget,
    columns::Column,
    paper::{Figure, Paper},
    plan::Place,
    reported::{MEAN, Reported, reported},
    rows::Row,
};
use crate::{
    run::RunFolder,
    series::{Cell, Spread, Value, spread},
};

/// What is known of a cell under a seed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Slot {
    /// Its figures.
    Measured(Cell),
    /// The row's images are not below the root.
    NoData,
    /// The method is not in this build.
    NotBuilt,
    /// Nothing was run yet.
    NotRun,
    /// Running it came to an error, which another call may not meet.
    Failed(String),
}

/// Why a cell has no number: in a word, and in full where that is more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Why {
    pub(super) word: &'static str,
    pub(super) reason: Option<String>,
}

impl Why {
    const fn word(word: &'static str) -> Self {
        Self { word, reason: None }
    }
}

/// A table of the paper, measured again.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub(super) paper: &'static Paper,
    pub(super) rows: Vec<Row>,
    pub(super) columns: Vec<Column>,
    pub(super) seeds: Vec<u64>,
    pub(super) budget: Budget,
    pub(super) out: PathBuf,
    slots: BTreeMap<Place, Slot>,
}

impl PartialEq for Paper {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Table {
    pub(super) fn new(paper: &'static Paper, seeds: Vec<u64>, budget: &Budget, out: &Path) -> Self {
        Self {
            paper,
            rows: Vec::new(),
            columns: Vec::new(),
            seeds,
            budget: *budget,
            out: out.to_owned(),
            slots: BTreeMap::new(),
        }
    }

    pub(super) fn set(&mut self, place: Place, slot: Slot) {
        self.slots.insert(place, slot);
    }

    pub(super) fn is_measured(&self, place: Place) -> bool {
        matches!(self.slots.get(&place), Some(Slot::Measured(_)))
    }

    /// Whether there is nothing more to be done of it in this call.
    pub(super) fn is_settled(&self, place: Place) -> bool {
        matches!(
            self.slots.get(&place),
            Some(Slot::Measured(_) | Slot::Failed(_))
        )
    }

    /// The runs that came to an error, which may not come again: "toothbrush, vae, seed 0".
    pub fn failures(&self) -> Vec<String> {
        let failed = self
            .slots
            .iter()
            .filter(|(_, slot)| matches!(slot, Slot::Failed(_)));
        let names = failed.filter_map(|(&(row, column, seed), _)| {
            let (row, column) = (self.rows.get(row)?, self.columns.get(column)?);
            Some(format!("{}, {}, seed {seed}", row.title, column.key))
        });
        names.collect()
    }

    /// A cell under each seed.
    fn slots(&self, (row, column): (usize, usize)) -> impl Iterator<Item = (u64, &Slot)> {
        let seeds = self.seeds.iter();
        seeds.filter_map(move |&seed| Some((seed, self.slots.get(&(row, column, seed))?)))
    }

    /// A cell as measured under each seed, as far as it is.
    pub(super) fn measured(&self, at: (usize, usize)) -> impl Iterator<Item = (u64, &Cell)> {
        self.slots(at).filter_map(|(seed, slot)| match slot {
            Slot::Measured(cell) => Some((seed, cell)),
            _ => None,
        })
    }

    /// A cell's figure over the seeds that are done, or why there is none.
    pub(super) fn value(&self, at: (usize, usize), figure: &Figure) -> Result<Spread, Why> {
        let mut values = Vec::new();
        for (seed, cell) in self.measured(at) {
            values.push(
                number(cell, figure).map_err(|why| match (&*self.seeds, why.reason) {
                    ([_], reason) => Why { reason, ..why },
                    (_, reason) => Why {
                        reason: reason.map(|reason| format!("seed {seed}: {reason}")),
                        ..why
                    },
                })?,
            );
        }
        spread(&values).ok_or_else(|| self.why(at))
    }

    /// Why nothing of a cell is measured.
    fn why(&self, at: (usize, usize)) -> Why {
        let slots: Vec<_> = self.slots(at).map(|(_, slot)| slot).collect();
        let failed = slots.iter().find_map(|slot| match slot {
            Slot::Failed(reason) => Some(reason.clone()),
            _ => None,
        });
        match (failed, slots.first()) {
            (Some(reason), _) => Why {
                word: "failed",
                reason: Some(reason),
            },
            (None, Some(Slot::NoData)) => Why::word("no data"),
            (None, Some(Slot::NotBuilt)) => Why::word("not built"),
            _ => Why::word("not run"),
        }
    }

    /// What the paper prints of a cell.
    pub(super) fn reported(
        &self,
        (row, column): (usize, usize),
        figure: &Figure,
    ) -> Option<&'static Reported> {
        let row = self.rows.get(row)?;
        self.reported_of((row.set?, &row.name), column, figure)
    }

    fn reported_of(
        &self,
        (set, row): (usize, &str),
        column: usize,
        figure: &Figure,
    ) -> Option<&'static Reported> {
        let set = self.paper.sets.get(set)?.known.name();
        let of = (self.paper.number, figure.reported?);
        reported(of, (set, row), self.columns.get(column)?.system?)
    }

    /// The mean of a set's rows that are measured, and how many those are; none where no row is.
    pub(super) fn mean(
        &self,
        (set, column): (usize, usize),
        figure: &Figure,
    ) -> Option<(f64, usize)> {
        let rows = self.rows.iter().enumerate();
        let values: Vec<_> = rows
            .filter(|(_, row)| row.set == Some(set))
            .filter_map(|(place, _)| Some(self.value((place, column), figure).ok()?.mean))
            .collect();
        Some((spread(&values)?.mean, values.len()))
    }

    /// The mean that the paper prints.
    pub(super) fn reported_mean(
        &self,
        (set, column): (usize, usize),
        figure: &Figure,
    ) -> Option<&'static Reported> {
        self.reported_of((set, MEAN), column, figure)
    }

    /// The columns of which a figure means something.
    pub(super) fn columns_of(&self, figure: &Figure) -> Vec<usize> {
        let columns = self.columns.iter().enumerate();
        let fitting = columns.filter(|(_, column)| !figure.of_cavga || column.is_cavga());
        fitting.map(|(place, _)| place).collect()
    }

    /// The folder of a cell's run under a seed.
    pub(super) fn run(&self, (row, column): (usize, usize), seed: u64) -> Option<RunFolder> {
        let (row, column) = (self.rows.get(row)?, self.columns.get(column)?);
        let folder = self.out.join("runs").join(&row.key);
        Some(RunFolder::new(
            folder.join(format!("{}-seed-{seed}", column.folder())),
        ))
    }

    /// What there is to read of a cell's first run, relative to the table: its report, or the record of a training that came to none.
    pub(super) fn link(&self, at: (usize, usize)) -> Option<String> {
        let (seed, _) = self.measured(at).next()?;
        let run = self.run(at, seed)?;
        let mut files = [run.report(), run.record()].into_iter();
        let file = files.find(|file| file.is_file())?;
        let parts = self.inside(&file)?;
        let parts: Vec<_> = parts.iter().map(|part| address(part)).collect();
        Some(parts.join("/"))
    }

    /// The parts of a path below the table's folder.
    pub(super) fn inside(&self, path: &Path) -> Option<Vec<String>> {
        let inside = path.strip_prefix(&self.out).ok()?;
        let parts = inside
            .iter()
            .map(|part| part.to_string_lossy().into_owned());
        Some(parts.collect())
    }
}

/// A path's part as a link has it.
fn address(part: &str) -> String {
    part.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// A figure of a run: that of its names which the run has.
fn number(cell: &Cell, figure: &Figure) -> Result<f64, Why> {
    let mut why = None;
    for name in figure.names {
        match cell.figures.get(*name) {
            Some(Value::Number(value)) => return Ok(*value),
            // Of two names a run has one; why it hasn't the other is of no interest.
            Some(Value::Undefined { undefined })
                if why.is_none() || undefined != crate::series::NO_SUCH =>
            {
                why = Some(undefined.clone());
            }
            _ => {}
        }
    }
    let word = match (&why, cell.n_test) {
        (Some(reason), 0) if reason.contains("diverged") => "diverged",
        (Some(_), 0) => "failed",
        _ => crate::series::NONE,
    };
    Err(Why { word, reason: why })
}

#[cfg(test)]
pub(super) mod tests {
    use super::{
        super::{columns, rows},
        *,
    };

    /// Table 3 with two rows of three columns: toothbrush by PatchCore and by CAVGA, and no leather.
    pub(crate) fn table(out: &Path) -> Table {
        let paper = Paper::of(3).unwrap();
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let mut table = Table::new(paper, vec![0], &"passes=2".parse().unwrap(), out);
        table.columns =
            columns::asked(paper, &names(&["anogan", "cavga-d-u", "patchcore"])).unwrap();
        table.rows = rows::asked(paper, out, &names(&["leather", "toothbrush"])).unwrap();
        for column in 0..3 {
            table.set((0, column, 0), Slot::NoData);
        }
        table.set((1, 0, 0), Slot::NotBuilt);
        for (column, iou, passes) in [(1, Value::Number(0.25), 2), (2, Value::Number(0.5), 1)] {
            let figures = [
                ("iou_best_threshold", iou),
                ("iou_at_0.5", Value::undefined("no defect")),
            ];
            let cell = Cell {
                n_train: 44,
                passes,
                n_test: 42,
                n_test_anomalous: 30,
                figures: figures.map(|(name, value)| (name.to_owned(), value)).into(),
                ..Cell::default()
            };
            table.set((1, column, 0), Slot::Measured(cell));
        }
        table
    }

    #[test]
    fn cells_say_why_they_have_no_number() {
        let table = table(Path::new("out"));
        let [iou, at_half, ..] = table.paper.figures else {
            panic!("figures");
        };
        let word = |at, figure| table.value(at, figure).map_err(|why| why.word);
        assert_eq!(word((0, 1), iou), Err("no data"));
        assert_eq!(word((1, 0), iou), Err("not built"));
        assert_eq!(word((1, 1), iou).map(|value| value.mean), Ok(0.25));
        let why = table.value((1, 1), at_half).unwrap_err();
        assert_eq!(why.reason.as_deref(), Some("no defect"));
        assert_eq!(table.columns_of(at_half), [1]);
    }

    #[test]
    fn means_are_over_what_is_measured_and_say_over_how_much() {
        let mut table = table(Path::new("out"));
        let iou = &table.paper.figures[0];
        assert_eq!(table.mean((0, 2), iou), Some((0.5, 1)));
        assert_eq!(table.mean((0, 0), iou), None);
        let text = |number: Option<&Reported>| number.map(|number| number.text.clone());
        assert_eq!(
            text(table.reported_mean((0, 1), iou)).as_deref(),
            Some(".41")
        );
        assert_eq!(text(table.reported((1, 1), iou)).as_deref(), Some(".54"));
        assert_eq!(text(table.reported((1, 2), iou)), None);
        table.set((0, 2, 0), Slot::Failed("no room".to_owned()));
        assert_eq!(table.failures(), ["leather, patchcore, seed 0"]);
    }

    #[test]
    fn a_detection_is_by_the_rule_that_its_method_has() {
        let accuracy = &Paper::of(6).unwrap().figures[0];
        let such = Value::undefined(crate::series::NO_SUCH);
        let cell = |values: [Value; 2]| Cell {
            n_test: 5,
            figures: accuracy
                .names
                .iter()
                .map(|&name| name.to_owned())
                .zip(values)
                .collect(),
            ..Cell::default()
        };
        assert_eq!(
            number(&cell([such.clone(), Value::Number(0.75)]), accuracy),
            Ok(0.75)
        );
        let one_class = Value::undefined("no normal image");
        for values in [[one_class.clone(), such.clone()], [such, one_class]] {
            let why = number(&cell(values), accuracy).unwrap_err();
            assert_eq!(why.reason.as_deref(), Some("no normal image"));
        }
    }

    #[test]
    fn links_hold_for_any_folder_name() {
        assert_eq!(address("a b-c_d.é"), "a%20b-c_d.%C3%A9");
    }
}
