//! What stands where in a table, whatever it is written as.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    paper::Figure,
    reported::{Source, of_table},
    table::{Table, Why},
};
use crate::{
    one_class::Protocol,
    series::{Cell, Spread, none},
};

/// One figure of all cells.
pub(super) struct Grid {
    pub(super) figure: &'static Figure,
    /// The columns' headings.
    pub(super) columns: Vec<String>,
    pub(super) lines: Vec<Line>,
}

/// A row, or the mean of a set's rows.
pub(super) struct Line {
    pub(super) title: String,
    pub(super) entries: Vec<Entry>,
}

/// A cell.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// What was measured, or a word on why it wasn't.
    pub(super) text: String,
    /// If it was.
    pub(super) value: Option<f64>,
    /// What the paper prints, with its digits.
    pub(super) reported: Option<&'static str>,
    /// What there is to read of its run, relative to the table.
    pub(super) link: Option<String>,
}

impl Table {
    /// A grid for each figure that a column has.
    pub(super) fn grids(&self) -> Vec<Grid> {
        let figures = self.paper.figures.iter();
        let grids = figures.map(|figure| self.grid(figure));
        grids.filter(|grid| !grid.columns.is_empty()).collect()
    }

    fn grid(&self, figure: &'static Figure) -> Grid {
        let places = self.columns_of(figure);
        let columns = places.iter().filter_map(|&place| self.columns.get(place));
        let mut lines = Vec::new();
        for (set, of_set) in self.paper.sets.iter().enumerate() {
            let before = lines.len();
            lines.extend(self.lines(Some(set), figure, &places));
            if of_set.rows.len() > 1 && lines.len() > before {
                let title = match self.paper.sets {
                    [_] => "mean".to_owned(),
                    _ => format!("mean, {}", of_set.title),
                };
                let entries = places
                    .iter()
                    .map(|&column| self.mean_entry((set, column), figure));
                lines.push(Line {
                    title,
                    entries: entries.collect(),
                });
            }
        }
        lines.extend(self.lines(None, figure, &places));
        Grid {
            figure,
            columns: columns.map(|column| column.title.clone()).collect(),
            lines,
        }
    }

    fn lines(&self, set: Option<usize>, figure: &Figure, columns: &[usize]) -> Vec<Line> {
        let rows = self
            .rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.set == set);
        let lines = rows.map(|(place, row)| Line {
            title: row.title.clone(),
            entries: columns
                .iter()
                .map(|&column| self.entry((place, column), figure))
                .collect(),
        });
        lines.collect()
    }

    fn entry(&self, at: (usize, usize), figure: &Figure) -> Entry {
        let value = self.value(at, figure);
        let done = self.measured(at).count();
        Entry {
            text: match &value {
                Ok(spread) if done < self.seeds.len() => {
                    format!("{spread} ({done} of {} seeds)", self.seeds.len())
                }
                Ok(spread) => spread.to_string(),
                Err(why) => why.word.to_owned(),
            },
            value: value.ok().map(|spread: Spread| spread.mean),
            reported: self.reported(at, figure).map(|number| &*number.text),
            link: self.link(at),
        }
    }

    fn mean_entry(&self, (set, column): (usize, usize), figure: &Figure) -> Entry {
        let all = self.paper.sets.get(set).map_or(0, |set| set.rows.len());
        let mean = self.mean((set, column), figure);
        Entry {
            text: mean.map_or_else(none, |(mean, rows)| format!("{mean:.3}, {rows} of {all}")),
            value: mean.map(|(mean, _)| mean),
            reported: self
                .reported_mean((set, column), figure)
                .map(|number| &*number.text),
            link: None,
        }
    }

    /// The rows with how many images were learnt from and tested on, and how many passes over them; none of a row without runs.
    pub(super) fn counts(&self) -> Vec<Vec<String>> {
        let head = ["row", "learnt from", "tested on", "passes"];
        let mut lines = vec![head.map(str::to_owned).to_vec()];
        for (place, row) in self.rows.iter().enumerate() {
            let sum = |normal: usize, anomalous: usize| match anomalous {
                0 => normal.to_string(),
                _ => format!("{normal} + {anomalous}"),
            };
            let of = |text: &dyn Fn(&Cell) -> Option<String>| self.agreed(place, text);
            let line = [
                of(&|cell| Some(sum(cell.n_train, cell.n_train_anomalous))),
                of(&|cell| {
                    let normal = cell.n_test.saturating_sub(cell.n_test_anomalous);
                    (cell.n_test > 0).then(|| format!("{normal} + {}", cell.n_test_anomalous))
                }),
                of(&|cell| Some(cell.passes.to_string())),
            ];
            if line.iter().any(|text| !text.is_empty()) {
                lines.push(std::iter::once(row.title.clone()).chain(line).collect());
            }
        }
        lines
    }

    /// What most columns of a row say, and behind it those that say something else.
    fn agreed(&self, row: usize, text: &dyn Fn(&Cell) -> Option<String>) -> String {
        let mut said: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (place, column) in self.columns.iter().enumerate() {
            let first = self.measured((row, place)).next();
            if let Some(text) = first.and_then(|(_, cell)| text(cell)) {
                said.entry(text).or_default().push(&column.key);
            }
        }
        let mut said: Vec<_> = said.into_iter().collect();
        said.sort_by_key(|(_, columns)| std::cmp::Reverse(columns.len()));
        let mut said = said.into_iter();
        let first = said.next().map(|(text, _)| text).unwrap_or_default();
        let others = said.map(|(text, columns)| format!("; {}: {text}", columns.join(", ")));
        first + &others.collect::<String>()
    }

    /// What a reader must know of the numbers, sentence by sentence.
    pub(super) fn notes(&self) -> Vec<String> {
        let seeds: Vec<_> = self.seeds.iter().map(u64::to_string).collect();
        let over = match self.seeds.len() {
            1 => "",
            _ => ", mean ± standard deviation (n − 1)",
        };
        let others = self.other_budgets.iter();
        let others = others.map(|(budget, of)| format!("; {}: {budget}", of.join(", ")));
        let mut notes = vec![format!(
            "Measured here: {}{}, seed {}{over}; {}.",
            self.budget,
            others.collect::<String>(),
            seeds.join(", "),
            self.done()
        )];
        let once: Vec<_> = self
            .columns
            .iter()
            .filter(|column| column.looks_once())
            .map(|column| &*column.key)
            .collect();
        if self.budget.passes.is_some() && !once.is_empty() {
            notes.push(format!(
                "Passes are their own, one look at every image, for {}.",
                once.join(", ")
            ));
        }
        if !self.other_settings.is_empty() {
            notes.push(format!(
                "Not asked for in this call, and shown as measured before, under settings that it hasn't: {}.",
                self.other_settings.join("; ")
            ));
        }
        notes.push(self.provenance());
        if self.paper.sets.iter().any(|set| set.rows.len() > 1) {
            notes.push("Means are over the rows that are measured, of which they say how many; means over different rows are not to be compared.".to_owned());
        }
        if let Some(protocol) = self.other_protocol() {
            notes.push(protocol);
        }
        if let Some(others) = self.others() {
            notes.push(others);
        }
        notes
    }

    fn done(&self) -> String {
        let cells = self.rows.len() * self.columns.len();
        let at = (0..self.rows.len())
            .flat_map(|row| (0..self.columns.len()).map(move |column| (row, column)));
        let done = at.filter(|&at| self.measured(at).next().is_some()).count();
        format!("{done} of {cells} cells")
    }

    fn provenance(&self) -> String {
        let mut systems: BTreeMap<Source, BTreeSet<&str>> = BTreeMap::new();
        for number in of_table(self.paper.number) {
            systems
                .entry(number.source)
                .or_default()
                .insert(number.system);
        }
        let said: Vec<_> = systems
            .iter()
            .map(|(source, of)| {
                let how = match source {
                    Source::Read => "read in the paper's table",
                    Source::Recalled => "recalled, and checked against the means and improvements that the paper prints",
                    Source::Unchecked => "recalled, and not checked: the paper's means do not agree, or nothing is there to check by",
                    Source::Derived => "derived from a sentence of the paper",
                };
                match systems.len() {
                    1 => how.to_owned(),
                    _ => format!("{how} ({})", of.iter().copied().collect::<Vec<_>>().join(", ")),
                }
            })
            .collect();
        format!(
            "In brackets: what the paper reports (Venkataramanan et al., ECCV 2020), of its own trainings under its own protocol; nothing \
             of it was measured here. These numbers are {}.",
            said.join("; ")
        )
    }

    /// Whose reported numbers are by another protocol than what stands beside them.
    fn other_protocol(&self) -> Option<String> {
        let numbers = of_table(self.paper.number);
        let others = numbers.filter(|number| number.protocol != Protocol::default());
        let systems: BTreeSet<_> = others.map(|number| number.system).collect();
        (!systems.is_empty()).then(|| {
            let systems: Vec<_> = systems.into_iter().collect();
            format!(
                "What is reported of {} is by another protocol, {}: all classes but one are normal. Measured here is every column by {}: one \
                 class is normal. Do not compare them; `cavga one-class --protocol {}` measures by theirs.",
                systems.join(" and "),
                Protocol::RestVsOne,
                Protocol::OneVsRest,
                Protocol::RestVsOne,
            )
        })
    }

    fn others(&self) -> Option<String> {
        let rows = self.rows.iter().filter(|row| row.set.is_none());
        let rows: Vec<_> = rows.map(|row| &*row.title).collect();
        (!rows.is_empty()).then(|| {
            format!(
                "Not in the paper's table, and in no mean: {}.",
                rows.join(", ")
            )
        })
    }

    /// Why cells have no number, where a word is not enough: "figure: reason (cells)".
    pub(super) fn reasons(&self) -> Vec<String> {
        let mut reasons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for figure in self.paper.figures {
            for place in self.columns_of(figure) {
                for (at, row) in self.rows.iter().enumerate() {
                    let Some(column) = self.columns.get(place) else {
                        continue;
                    };
                    for reason in self.reasons_of((at, place), figure) {
                        let cell = format!("{} of {}", column.key, row.title);
                        reasons.entry(reason).or_default().insert(cell);
                    }
                }
            }
        }
        let line = |(reason, cells): (String, BTreeSet<String>)| {
            format!(
                "{reason} ({})",
                cells.into_iter().collect::<Vec<_>>().join(", ")
            )
        };
        reasons.into_iter().map(line).collect()
    }

    /// Those of a cell, under each seed.
    fn reasons_of<'t>(
        &'t self,
        at: (usize, usize),
        figure: &'t Figure,
    ) -> impl Iterator<Item = String> + 't {
        self.seeds.iter().filter_map(move |&seed| {
            let Why { word, reason } = self.under(at, seed, figure).err()?;
            // What came to nothing has no figure at all.
            let what = match word {
                "failed" | "diverged" => word,
                _ => figure.title,
            };
            let reason = reason?;
            Some(match self.seeds.len() {
                1 => format!("{what}: {reason}"),
                _ => format!("{what}: seed {seed}: {reason}"),
            })
        })
    }

    /// As the page's heading.
    pub(super) fn title(&self) -> String {
        format!(
            "Table {} of CAVGA (ECCV 2020): {}",
            self.paper.number, self.paper.title
        )
    }
}
