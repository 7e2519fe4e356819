//! What was measured of every cell, beside what the paper prints, or the reason why there is no number.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    Budget,
    columns::Column,
    paper::{Figure, Paper},
    plan::{Place, run},
    reported::{Reported, reported},
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
    /// What most columns' runs may take.
    pub(super) budget: Budget,
    /// What those of others may.
    pub(super) other_budgets: Vec<(Budget, Vec<String>)>,
    /// Columns with cells that this call didn't ask for and wouldn't make so: "vae (data.size = [64, 64], not [32, 32])".
    pub(super) other_settings: Vec<String>,
    /// The runs that came to an error in this call.
    pub(super) failures: Vec<String>,
    /// How many runs are asked for and not done.
    pub(super) open: usize,
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
            other_budgets: Vec::new(),
            other_settings: Vec::new(),
            failures: Vec::new(),
            open: 0,
            out: out.to_owned(),
            slots: BTreeMap::new(),
        }
    }

    pub(super) fn set(&mut self, place: Place, slot: Slot) {
        self.slots.insert(place, slot);
    }

    /// The runs that came to an error in this call, which may not come again: "toothbrush, vae, seed 0".
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// How many runs are asked for and not done.
    pub fn open(&self) -> usize {
        self.open
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

    /// A cell's figure under a seed, or why there is none.
    pub(super) fn under(
        &self,
        (row, column): (usize, usize),
        seed: u64,
        figure: &Figure,
    ) -> Result<f64, Why> {
        match self.slots.get(&(row, column, seed)) {
            Some(Slot::Measured(cell)) => number(cell, figure),
            Some(Slot::Failed(reason)) => Err(Why {
                word: "failed",
                reason: Some(reason.clone()),
            }),
            Some(Slot::NoData) => Err(Why::word("no data")),
            Some(Slot::NotBuilt) => Err(Why::word("not built")),
            Some(Slot::NotRun) | None => Err(Why::word("not run")),
        }
    }

    /// A cell's figure over the seeds that are done, or why there is none: a run that is done and has no such figure leaves no mean over the
    /// others.
    pub(super) fn value(&self, at: (usize, usize), figure: &Figure) -> Result<Spread, Why> {
        let done = self
            .measured(at)
            .map(|(seed, _)| self.under(at, seed, figure));
        let values: Vec<_> = done.collect::<Result<_, _>>()?;
        spread(&values).ok_or_else(|| {
            let seeds = self.seeds.iter();
            let mut why = seeds.filter_map(|&seed| self.under(at, seed, figure).err());
            let first = why.next().unwrap_or(Why::word("not run"));
            let failed = std::iter::once(first.clone()).chain(why);
            let mut failed = failed.filter(|why| why.word == "failed");
            failed.next().unwrap_or(first)
        })
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

    pub(super) fn reported_of(
        &self,
        (set, row): (usize, &str),
        column: usize,
        figure: &Figure,
    ) -> Option<&'static Reported> {
        let set = self.paper.sets.get(set)?.known.name();
        let system = self.columns.get(column)?.system?;
        let of = (self.paper.number, figure.reported_of(system)?);
        reported(of, (set, row), system)
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
        Some(run(&self.out, row, column, seed))
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
        table.rows = rows::asked(
            paper,
            out,
            &names(&["leather", "toothbrush"]),
            &rows::all(paper, out, out),
        )
        .unwrap();
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
        let table = table(Path::new("out"));
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
    }

    #[test]
    fn every_seed_has_a_state_and_a_reason_of_its_own() {
        let mut table = table(Path::new("out"));
        table.seeds = vec![0, 1];
        table.set((1, 2, 1), Slot::Failed("no room".to_owned()));
        let iou = &table.paper.figures[0];
        assert_eq!(table.value((1, 2), iou).map(|value| value.mean), Ok(0.5));
        let why = table.under((1, 2), 1, iou).unwrap_err();
        assert_eq!(
            (why.word, why.reason.as_deref()),
            ("failed", Some("no room"))
        );
        let reasons = table.reasons();
        assert!(
            reasons.contains(&"failed: seed 1: no room (patchcore of toothbrush)".to_owned()),
            "{reasons:?}"
        );
        let mut csv = Vec::new();
        table.write_csv(&mut csv).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        for line in [
            "toothbrush,patchcore,,0,measured,",
            "toothbrush,patchcore,,1,failed,",
        ] {
            assert!(csv.contains(line), "{csv}");
        }
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
