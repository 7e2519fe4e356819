//! What the paper prints in its tables 3 to 8, as printed, and how each number is known.

use std::{fmt, sync::LazyLock};

use crate::{
    ablate::{COLUMNS, Parts},
    one_class::Protocol,
};

/// The row of means over a set's rows.
pub(crate) const MEAN: &str = "mean";

/// How a number of the paper is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// Read in the paper's table.
    Read,
    /// Recalled, and checked against the means and improvements that the paper prints.
    Recalled,
    /// Recalled, where that check fails or there is nothing to check by.
    Unchecked,
    /// Worked out of a sentence of the paper.
    Derived,
}

impl fmt::Display for Source {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Read => "read",
            Self::Recalled => "recalled",
            Self::Unchecked => "unchecked",
            Self::Derived => "derived",
        })
    }
}

/// A number of the paper.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reported {
    pub(crate) table: u8,
    /// What was measured, as in `iou`.
    pub(crate) figure: &'static str,
    /// The set that the row is of.
    pub(crate) set: &'static str,
    /// The row, or [`MEAN`].
    pub(crate) row: &'static str,
    /// The system, as the paper calls it.
    pub(crate) system: &'static str,
    pub(crate) source: Source,
    /// By which it was measured, in a table of classes.
    pub(crate) protocol: Protocol,
    pub(crate) value: f64,
    /// With the digits that are printed.
    pub(crate) text: String,
}

/// CapsNet's authors have another protocol than the others; the paper took their figures over.
fn protocol(system: &str) -> Protocol {
    match system {
        "CapsNet_PP" | "CapsNet_RE" => Protocol::RestVsOne,
        _ => Protocol::OneVsRest,
    }
}

/// All of them, in the paper's order.
static ALL: LazyLock<Vec<Reported>> = LazyLock::new(|| {
    let blocks = include_str!("reported.txt").split("\n\n");
    blocks
        .filter_map(block)
        .flatten()
        .chain(table_8())
        .collect()
});

/// The numbers of a block; none of a block that is no such thing, which a test excludes.
fn block(text: &'static str) -> Option<Vec<Reported>> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let head = lines.next()?.strip_prefix('[')?.strip_suffix(']')?;
    let mut head = head.split(' ');
    let table = head.next()?.parse().ok()?;
    let (figure, set) = (head.next()?, head.next()?);
    let source = match head.next()? {
        "read" => Source::Read,
        "recalled" => Source::Recalled,
        "unchecked" => Source::Unchecked,
        "derived" => Source::Derived,
        _ => return None,
    };
    let systems: Vec<_> = lines.next()?.split_whitespace().skip(1).collect();
    let mut numbers = Vec::new();
    for line in lines {
        let mut words = line.split_whitespace();
        let row = words.next()?;
        for (text, &system) in words.zip(&systems) {
            numbers.push(Reported {
                table,
                figure,
                set,
                row,
                system,
                source,
                protocol: protocol(system),
                value: text.parse().ok()?,
                text: text.to_owned(),
            });
        }
    }
    Some(numbers)
}

/// The ablation, whose numbers are with its columns.
fn table_8() -> Vec<Reported> {
    let mut numbers = Vec::new();
    for row in [
        "bottle",
        "hazelnut",
        "capsule",
        "metal_nut",
        "leather",
        MEAN,
    ] {
        for column in &COLUMNS {
            let value = match row {
                MEAN => column.reported_mean(Parts::R),
                row => column.reported(Parts::R, &row.replace('_', " ")),
            };
            numbers.extend(value.map(|value| Reported {
                table: 8,
                figure: "iou",
                set: "mvtec-ad",
                row,
                system: column.name,
                source: Source::Read,
                protocol: Protocol::default(),
                value,
                text: format!("{value:.2}").trim_start_matches('0').to_owned(),
            }));
        }
    }
    numbers
}

/// The numbers of a table.
pub(crate) fn of_table(table: u8) -> impl Iterator<Item = &'static Reported> {
    ALL.iter().filter(move |number| number.table == table)
}

/// The systems of a table, from left to right.
pub(crate) fn systems(table: u8) -> Vec<&'static str> {
    let mut systems = Vec::new();
    for number in of_table(table) {
        if !systems.contains(&number.system) {
            systems.push(number.system);
        }
    }
    systems
}

/// A number, if the paper prints it.
pub(crate) fn reported(
    (table, figure): (u8, &str),
    (set, row): (&str, &str),
    system: &str,
) -> Option<&'static Reported> {
    of_table(table).find(|number| {
        number.figure == figure && number.set == set && number.row == row && number.system == system
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn every_block_is_read_whole() {
        let blocks: Vec<_> = include_str!("reported.txt").split("\n\n").collect();
        let read = blocks.iter().filter_map(|text| block(text));
        assert_eq!(read.count() + 1, blocks.len(), "all but the head");
        let count = |table| of_table(table).count();
        let counts = [3, 4, 5, 6, 7, 8].map(count);
        let of_seven = 2 * (9 * 11 + 2) + 5;
        assert_eq!(
            counts,
            [16 * 11 + 11, 13 * 9 * 2 + 9, 10, 16 * 10, of_seven, 48]
        );
        let mut seen = BTreeSet::new();
        for number in ALL.iter() {
            let Reported {
                table,
                figure,
                set,
                row,
                system,
                value,
                ..
            } = number;
            assert!((0.0..=1.0).contains(value), "{number:?}");
            assert!(
                seen.insert((table, figure, set, row, system)),
                "{number:?} twice"
            );
        }
    }

    #[test]
    fn means_are_those_of_their_cells_but_where_they_are_said_to_be_unchecked() {
        let mut columns: BTreeMap<_, Vec<&Reported>> = BTreeMap::new();
        for number in ALL.iter().filter(|number| number.table != 8) {
            let column = (number.table, number.figure, number.set, number.system);
            columns.entry(column).or_default().push(number);
        }
        let mut checked = 0;
        for (column, numbers) in columns {
            let (means, cells): (Vec<_>, Vec<_>) =
                numbers.into_iter().partition(|number| number.row == MEAN);
            let ([mean], false) = (&*means, cells.is_empty()) else {
                continue;
            };
            let own = cells.iter().map(|cell| cell.value).sum::<f64>() / cells.len() as f64;
            let digit = 0.1_f64.powi(mean.text.trim_start_matches('.').len() as i32);
            // Rounded, or cut off: the paper does both.
            let above = (own - mean.value) / digit;
            let agrees = (-0.51..1.0).contains(&above);
            let is_checked = mean.source != Source::Unchecked;
            assert_eq!(agrees, is_checked, "{column:?}: {own} is not {}", mean.text);
            assert!(mean.source != Source::Derived, "{column:?}");
            checked += 1;
        }
        // What is left has no cells: means alone are printed.
        assert_eq!(checked, 11 + 9 + 9 + 10 + 2 * 9);
    }

    #[test]
    fn numbers_are_found_with_the_digits_that_are_printed() {
        let text = |of, row, system| reported(of, row, system).map(|number| &*number.text);
        let bottle = ("mvtec-ad", "bottle");
        assert_eq!(text((3, "iou"), bottle, "CAVGA-D_u"), Some(".30"));
        assert_eq!(text((8, "iou"), bottle, "c8-w-conv-cga"), Some(".39"));
        assert_eq!(text((3, "iou"), ("mvtec-ad", "nut"), "CAVGA-D_u"), None);
        assert_eq!(
            systems(5),
            ["CAM", "GBP", "SmoothGrad", "Patho-GAN", "CAVGA-D_u"]
        );
    }
}
