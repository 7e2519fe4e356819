//! Means over the rows of a set: measured, and as the paper prints them.

use super::{
    paper::Figure,
    reported::{MEAN, Reported},
    table::Table,
};
use crate::series::{Value, spread};

impl Table {
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

    /// The mean of a figure by its name, over a set's rows that have it.
    pub(super) fn mean_of(&self, (set, column): (usize, usize), name: &str) -> Option<f64> {
        let rows = self.rows.iter().enumerate();
        let rows = rows.filter(|(_, row)| row.set == Some(set));
        let means = rows.filter_map(|(place, _)| {
            let cells = self.measured((place, column));
            let values = cells.filter_map(|(_, cell)| match cell.figures.get(name) {
                Some(Value::Number(value)) => Some(*value),
                _ => None,
            });
            Some(spread(&values.collect::<Vec<_>>())?.mean)
        });
        Some(spread(&means.collect::<Vec<_>>())?.mean)
    }

    /// The mean that the paper prints.
    pub(super) fn reported_mean(
        &self,
        (set, column): (usize, usize),
        figure: &Figure,
    ) -> Option<&'static Reported> {
        self.reported_of((set, MEAN), column, figure)
    }
}
