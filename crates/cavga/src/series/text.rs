//! What tables of runs have in common as text.

use std::fmt;

use super::Spread;

/// What stands where there is no number.
pub(crate) const NONE: &str = "–";

/// It as a cell.
pub(crate) fn none() -> String {
    NONE.to_owned()
}

impl fmt::Display for Spread {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{:.3}", self.mean)?;
        self.deviation
            .map_or(Ok(()), |deviation| write!(to, " ± {deviation:.3}"))
    }
}

/// Lines as a Markdown table whose columns are as wide as they must be.
pub(crate) fn grid(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let cell = |line: &Vec<String>, place: usize| -> String {
        line.get(place).cloned().unwrap_or_default()
    };
    let width = |place| {
        lines
            .iter()
            .map(|line| cell(line, place).chars().count())
            .max()
    };
    let widths: Vec<_> = (0..columns)
        .map(|place| width(place).unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (place, width) in widths.iter().enumerate() {
            text += &format!("| {:width$} ", cell(line, place));
        }
        text += "|\n";
        if number == 0 {
            for width in &widths {
                text += &format!("|-{}-", "-".repeat(*width));
            }
            text += "|\n";
        }
    }
    text
}
