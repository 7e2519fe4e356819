//! The table of an ablation for people (Markdown, which reads well in a terminal too) and for spreadsheets (CSV).

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use crate::series::{NONE, Spread, grid, none};

use super::{
    columns::{COLUMNS, Column},
    table::{FIGURES, Table},
};

impl Table {
    /// The table as Markdown: what was measured, beside it what the paper printed, under it why some figures have no number.
    pub fn markdown(&self) -> String {
        let seeds: Vec<_> = self.seeds.iter().map(u64::to_string).collect();
        let over = match self.seeds.len() {
            1 => String::new(),
            _ => ": mean ± standard deviation (n − 1)".to_owned(),
        };
        let passes = (0..COLUMNS.len())
            .find_map(|column| self.first(column))
            .map_or_else(String::new, |cell| format!("{} passes each, ", cell.passes));
        format!(
            "# Table 8 of CAVGA (ECCV 2020) on {}\n\nMeasured here: {passes}seed {}{over}. IoU, pixel AUROC and \
             the prior's are of the method's own map. *: flat latent. Weakly supervised \
             columns (w) learn from some anomalous test images, which leave their test set.\n\n{}{}{}",
            self.folder,
            seeds.join(", "),
            grid(&self.lines()),
            self.note_on_reported(),
            self.reasons(),
        )
    }

    /// The head and one line for each column.
    fn lines(&self) -> Vec<Vec<String>> {
        let mut head = vec!["column".to_owned(), "learnt from".to_owned()];
        head.push("tested on".to_owned());
        head.extend(FIGURES.iter().map(|(_, heading)| (*heading).to_owned()));
        head.extend(self.reported_heads());
        let mut lines = vec![head];
        for row in self.rows() {
            let title = row.column.title(self.parts);
            let mut line = vec![match (row.seeds, self.seeds.len()) {
                (done, asked) if done == 0 || done == asked => title,
                (done, asked) => format!("{title} ({done} of {asked} seeds)"),
            }];
            let cell = self.first(row.place);
            line.push(cell.map_or_else(none, |cell| match cell.n_train_anomalous {
                0 => cell.n_train.to_string(),
                anomalous => format!("{} + {anomalous}", cell.n_train),
            }));
            line.push(
                cell.filter(|cell| cell.n_test > 0)
                    .map_or_else(none, |cell| {
                        format!(
                            "{} + {}",
                            cell.n_test.saturating_sub(cell.n_test_anomalous),
                            cell.n_test_anomalous
                        )
                    }),
            );
            let value = |value: &Result<Spread, String>| {
                value.as_ref().map_or_else(|_| none(), Spread::to_string)
            };
            line.extend(row.figures.iter().map(|(_, spread)| value(spread)));
            let reported = self.reported(row.column).into_iter();
            line.extend(reported.map(|value| format!("{value:.2}")));
            lines.push(line);
        }
        lines
    }

    fn reported_heads(&self) -> Vec<String> {
        let Some(first) = COLUMNS.first() else {
            return Vec::new();
        };
        let category = self.category.map(|name| format!("reported: IoU, {name}"));
        let all = ["reported: IoU, mean of MVTec AD".to_owned()];
        category
            .into_iter()
            .chain(all)
            .take(self.reported(first).len())
            .collect()
    }

    /// What the paper printed, in the order of the heads.
    fn reported(&self, column: &Column) -> Vec<f64> {
        let category = self
            .category
            .and_then(|name| column.reported(self.parts, name));
        category
            .into_iter()
            .chain(column.reported_mean(self.parts))
            .collect()
    }

    fn note_on_reported(&self) -> &'static str {
        if self.reported_heads().is_empty() {
            return "\nThe paper has no such table of CAVGA-D.\n";
        }
        "\nReported: as printed in the paper, of its own training and images; nothing of it was measured here.\nNumbers of \
         images: normal + anomalous.\n"
    }

    /// Why figures have no number: a line for each figure and reason.
    fn reasons(&self) -> String {
        let mut reasons: BTreeMap<(usize, String), Vec<&str>> = BTreeMap::new();
        for row in self.rows() {
            for (place, (_, value)) in row.figures.into_iter().enumerate() {
                if let Err(reason) = value {
                    let columns = reasons.entry((place, reason)).or_default();
                    columns.push(row.column.name);
                }
            }
        }
        if reasons.is_empty() {
            return String::new();
        }
        let mut text = format!("\n{NONE}: no number, because\n\n");
        for ((place, reason), columns) in reasons {
            let heading = FIGURES.get(place).map_or("", |(_, heading)| heading);
            text += &format!("- {heading} of {}: {reason}\n", columns.join(", "));
        }
        text
    }

    /// The table as CSV: a line for each column; a figure without a number is empty.
    pub(super) fn write_csv(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(to);
        let mut head: Vec<String> = [
            "column",
            "title",
            "method",
            "n_seeds",
            "n_train",
            "n_train_anomalous",
            "n_test",
            "n_test_anomalous",
        ]
        .map(str::to_owned)
        .to_vec();
        for (key, _) in FIGURES {
            head.extend([key.to_owned(), format!("{key}_standard_deviation")]);
        }
        head.extend(["reported_iou_category", "reported_iou_mvtec_mean"].map(str::to_owned));
        csv.write_record(&head)?;
        let text = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        for row in self.rows() {
            let column = row.column;
            let cell = self.first(row.place).cloned().unwrap_or_default();
            let mut line = vec![
                column.name.to_owned(),
                column.title(self.parts),
                column.method(self.parts),
            ];
            let counts = [
                row.seeds,
                cell.n_train,
                cell.n_train_anomalous,
                cell.n_test,
                cell.n_test_anomalous,
            ];
            line.extend(counts.map(|count| count.to_string()));
            for (_, value) in &row.figures {
                let value = value.as_ref().ok();
                line.push(text(value.map(|value| value.mean)));
                line.push(text(value.and_then(|value| value.deviation)));
            }
            let category = self
                .category
                .and_then(|name| column.reported(self.parts, name));
            line.extend([text(category), text(column.reported_mean(self.parts))]);
            csv.write_record(&line)?;
        }
        csv.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        ablate::columns::Parts,
        series::{Cell, Value},
    };

    fn table(folder: &str, parts: Parts) -> Table {
        let mut table = Table::new(Path::new(folder), parts, &[0], (0..8).collect());
        let figure = |(key, _): &(&str, &str)| ((*key).to_owned(), Value::Number(0.5));
        for column in 0..7 {
            let cell = Cell {
                n_train: 40,
                n_train_anomalous: usize::from(column > 3),
                n_test: 41,
                n_test_anomalous: 29,
                passes: 3,
                figures: FIGURES.iter().map(figure).collect(),
                ..Cell::default()
            };
            table.add(column, 0, cell);
        }
        table
    }

    #[test]
    fn the_category_is_reported_where_the_folder_is_called_so() {
        let text = table("sets/leather", Parts::R).markdown();
        assert!(
            text.contains("| reported: IoU, leather | reported: IoU, mean of MVTec AD |"),
            "{text}"
        );
        assert!(text.contains("R_w + conv z + L_cga"), "{text}");
        let lines: Vec<_> = text.lines().filter(|line| line.contains("0.84")).collect();
        assert_eq!(lines.len(), 1, "{text}");
        let text = table("sets/toothbrush", Parts::R).markdown();
        assert!(
            !text.contains("IoU, leather") && text.contains("mean of MVTec AD"),
            "{text}"
        );
        let text = table("sets/leather", Parts::D).markdown();
        assert!(!text.contains("reported:"), "{text}");
    }

    #[test]
    fn what_was_not_run_says_so_and_all_lines_are_of_one_width() {
        let text = table("sets/leather", Parts::R).markdown();
        assert!(
            text.contains("- IoU at 0.5 of c8-w-conv-cga: not run yet"),
            "{text}"
        );
        let widths: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.chars().count())
            .collect();
        assert_eq!(widths.len(), 10);
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }

    #[test]
    fn csv_has_a_line_for_each_column_and_empty_fields_for_no_number() {
        let mut bytes = Vec::new();
        table("sets/leather", Parts::R)
            .write_csv(&mut bytes)
            .unwrap();
        let mut csv = csv::Reader::from_reader(&*bytes);
        let head = csv.headers().unwrap().clone();
        let at = |name: &str| head.iter().position(|head| head == name).unwrap();
        let rows: Vec<_> = csv.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 8);
        assert_eq!(&rows[0][at("iou_at_0.5")], "0.5");
        assert_eq!(&rows[0][at("iou_at_0.5_standard_deviation")], "");
        assert_eq!(&rows[7][at("iou_at_0.5")], "");
        assert_eq!(&rows[7][at("reported_iou_category")], "0.84");
    }
}
