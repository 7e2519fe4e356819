//! The table as a page: a heat map of what was measured, the paper's numbers small beside it, each cell linked to its run's report.

use super::{
    table::Table,
    view::{Entry, Grid},
};
use crate::report::{Heat, HeatCell, Part, Sheet, SheetSection, Table as Plain, render_sheet};

impl Table {
    /// The page, which opens from disk with nothing else.
    pub(super) fn html(&self) -> String {
        let mut sections: Vec<_> = self.grids().iter().map(section).collect();
        let mut counts = self.counts().into_iter();
        let columns = counts.next().unwrap_or_default();
        sections.push(SheetSection {
            title: "Images and passes".to_owned(),
            note: "Images: normal + anomalous.".to_owned(),
            parts: vec![Part::Table(Plain {
                columns,
                rows: counts.collect(),
            })],
        });
        sections.push(SheetSection {
            title: "Why there is no number".to_owned(),
            note: String::new(),
            parts: vec![Part::List(self.reasons())],
        });
        let mut notes = self.notes().into_iter();
        render_sheet(&Sheet {
            title: self.title(),
            subtitle: notes.next().unwrap_or_default(),
            summary: notes.collect::<Vec<_>>().join(" "),
            warnings: Vec::new(),
            sections,
            footer: "A cell leads to the report of its run.".to_owned(),
        })
    }
}

fn section(of: &Grid) -> SheetSection {
    let rows = of.lines.iter().map(|line| {
        let cells = line.entries.iter().zip(shades(&line.entries));
        let cells = cells.map(|(entry, shade)| HeatCell {
            text: entry.text.clone(),
            note: entry
                .reported
                .map(|text| format!("({text})"))
                .unwrap_or_default(),
            shade,
            link: entry.link.clone(),
        });
        (line.title.clone(), cells.collect())
    });
    SheetSection {
        title: of.figure.title.to_owned(),
        note: format!("{} Darker: higher within a row.", of.figure.rule),
        parts: vec![Part::Heat(Heat {
            columns: of.columns.clone(),
            rows: rows.collect(),
        })],
    }
}

/// Where each cell's number lies between the lowest and the highest of its row; in the middle where they are one.
fn shades(entries: &[Entry]) -> Vec<Option<f64>> {
    let values = || entries.iter().filter_map(|entry| entry.value);
    let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let shade = |value: f64| {
        if high > low {
            (value - low) / (high - low)
        } else {
            0.5
        }
    };
    entries.iter().map(|entry| entry.value.map(shade)).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{super::table::tests::table, *};

    #[test]
    fn the_page_is_whole_and_its_cells_lead_to_reports_that_are_there() {
        let out = tempfile::tempdir().unwrap();
        let run = out.path().join("runs/toothbrush/patchcore-seed-0");
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("report.html"), "").unwrap();
        let page = table(out.path()).html();
        let links = page.matches("href=\"").count();
        let own = page
            .matches("href=\"runs/toothbrush/patchcore-seed-0/report.html\"")
            .count();
        assert!(own > 0 && links == own, "{page}");
        for text in [
            "no data",
            "not built",
            "(.54)",
            "2 of 6 cells",
            "Images and passes",
            "0.500, 1 of 15",
        ] {
            assert!(page.contains(text), "{text}");
        }
        assert!(!page.contains("<script") && !page.contains("http"));
    }

    #[test]
    fn shades_are_of_a_row() {
        let entry = |value| Entry {
            value,
            ..Entry::default()
        };
        let row = [
            entry(Some(0.25)),
            entry(None),
            entry(Some(0.75)),
            entry(Some(0.5)),
        ];
        assert_eq!(shades(&row), [Some(0.0), None, Some(1.0), Some(0.5)]);
        assert_eq!(shades(&[entry(Some(0.1))]), [Some(0.5)]);
        assert!(table(Path::new("out")).grids().len() == 3);
    }
}
