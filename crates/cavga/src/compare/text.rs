//! A comparison as text and CSV.

use std::io::{self, Write};

use super::{
    figures::{Difference, Estimate},
    table::{COSTS, Comparison, DifferenceRow, ImagesCompared, RunRow},
};
use crate::series::{grid, none};

/// The figures in their order: as in `metrics.json`, and as a heading.
const FIGURES: [(&str, &str); 8] = [
    ("image_auroc", "image AUROC"),
    ("image_average_precision", "image AP"),
    ("image_f1_max", "image F1, best threshold"),
    (
        "balanced_accuracy_of_verdicts",
        "balanced accuracy of verdicts",
    ),
    ("pixel_auroc", "pixel AUROC"),
    ("pixel_average_precision", "pixel AP"),
    ("aupro_0.30", "AUPRO to 0.30"),
    ("iou_best_threshold", "IoU, best threshold"),
];

impl Comparison {
    /// How the intervals were made, in one sentence.
    pub(super) fn rule(&self) -> String {
        let of = match self.images.grouped {
            true => format!("{} groups of images", self.images.n_groups),
            false => "images".to_owned(),
        };
        format!(
            "In brackets: {:.0} % intervals by bootstrap over {of}, {} resamples, seed {}; they say what other images would do, \
             not another training",
            100.0 * self.level,
            self.resamples,
            self.seed
        )
    }

    /// The figures that some run has, with their headings.
    fn shown(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let has = |key: &str| self.runs.iter().any(|run| run.figures.contains_key(key));
        FIGURES.into_iter().filter(move |(key, _)| has(key))
    }

    /// A line for each figure and each cost, a column for each run.
    pub(super) fn figure_lines(&self) -> Vec<Vec<String>> {
        let head = std::iter::once("figure".to_owned());
        let mut lines = vec![
            head.chain(self.runs.iter().map(|run| run.name.clone()))
                .collect(),
        ];
        let mut add = |heading: &str, cell: &dyn Fn(&RunRow) -> String| {
            let cells = self.runs.iter().map(cell);
            lines.push(std::iter::once(heading.to_owned()).chain(cells).collect());
        };
        add("method", &|run| {
            format!("{}, seed {}", run.method, run.seed)
        });
        add("score", &|run| run.score.clone().unwrap_or_else(none));
        add("map", &|run| run.map.clone().unwrap_or_else(none));
        for (key, heading) in self.shown() {
            add(heading, &|run| estimate(run.figures.get(key)));
        }
        for (place, (_, heading)) in COSTS.into_iter().enumerate() {
            add(heading, &|run| {
                let value = run.costs.values().get(place).copied().flatten();
                value.map_or_else(unmeasured, cost)
            });
        }
        lines
    }

    /// A line for each figure, a column for each run but the first; none where there is one run.
    pub(super) fn difference_lines(&self) -> Vec<Vec<String>> {
        if self.differences.is_empty() {
            return Vec::new();
        }
        let head = self
            .differences
            .iter()
            .map(|row| format!("{} − {}", row.run, row.first));
        let mut lines: Vec<Vec<String>> = vec![
            std::iter::once("difference".to_owned())
                .chain(head)
                .collect(),
        ];
        let mut add = |heading: String, cell: &dyn Fn(&DifferenceRow) -> String| {
            let cells = self.differences.iter().map(cell);
            lines.push(std::iter::once(heading).chain(cells).collect());
        };
        for (key, heading) in self.shown() {
            add(heading.to_owned(), &|row| difference(row.figures.get(key)));
            if key == "image_auroc" {
                add("  p by DeLong".to_owned(), &|row| {
                    let found = row.figures.get(key).and_then(|found| found.delong_p);
                    found.map_or_else(none, probability)
                });
            }
        }
        add("right alone: run, first".to_owned(), &|row| {
            format!("{}, {}", row.verdicts.other_alone, row.verdicts.first_alone)
        });
        add("  p by McNemar".to_owned(), &|row| {
            row.verdicts.mcnemar_p.map_or_else(none, probability)
        });
        lines
    }

    /// A line for each set of runs that differ by their seeds alone.
    pub(super) fn seed_lines(&self) -> Vec<Vec<String>> {
        if self.seeds.is_empty() {
            return Vec::new();
        }
        let figures: Vec<_> = self.shown().collect();
        let head = figures.iter().map(|(_, heading)| (*heading).to_owned());
        let mut lines: Vec<Vec<String>> = vec![
            std::iter::once("runs of one setting".to_owned())
                .chain(head)
                .collect(),
        ];
        for set in &self.seeds {
            let seeds: Vec<_> = set.seeds.iter().map(u64::to_string).collect();
            let name = format!("{}, seeds {}", set.method, seeds.join(", "));
            let value = |(key, _): &(&str, &str)| {
                let spread = set.figures.get(key);
                spread.map_or_else(none, ToString::to_string)
            };
            lines.push(
                std::iter::once(name)
                    .chain(figures.iter().map(value))
                    .collect(),
            );
        }
        lines
    }

    /// What is compared, in one sentence.
    pub(super) fn subject(&self) -> String {
        let ImagesCompared {
            n_test_normal,
            n_test_anomalous,
            ..
        } = self.images;
        format!(
            "{} on {n_test_normal} normal and {n_test_anomalous} anomalous test images",
            match self.runs.len() {
                1 => "One run".to_owned(),
                several => format!("{several} runs"),
            }
        )
    }

    /// The tables as Markdown, which reads well in a terminal too.
    pub fn markdown(&self) -> String {
        let mut text = format!("{}. {}.\n\n", self.subject(), self.rule());
        for lines in [
            self.figure_lines(),
            self.difference_lines(),
            self.seed_lines(),
        ] {
            if !lines.is_empty() {
                text += &grid(&lines);
                text.push('\n');
            }
        }
        for row in &self.differences {
            if let Some(image) = row.disagreements.first() {
                text += &format!(
                    "{} and {} disagree most on {}: ranked above {:.0} % and {:.0} % of the others.\n",
                    row.run,
                    row.first,
                    image.id,
                    100.0 * image.other.rank,
                    100.0 * image.first.rank
                );
            }
        }
        for note in &self.notes {
            text += &format!("Note: {note}\n");
        }
        text
    }

    /// The figures as CSV, one line for each run and figure; differences to the first run beside them.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write_csv(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(to);
        csv.write_record([
            "run",
            "method",
            "seed",
            "figure",
            "value",
            "low",
            "high",
            "difference_to_first",
            "difference_low",
            "difference_high",
            "share_above",
            "delong_p",
            "undefined",
        ])?;
        let text = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        for run in &self.runs {
            let against = self.differences.iter().find(|row| row.run == run.name);
            let begin = [run.name.clone(), run.method.clone(), run.seed.to_string()];
            for (key, _) in self.shown() {
                let own = run.figures.get(key).cloned().unwrap_or_default();
                let other = against.and_then(|row| row.figures.get(key));
                let other = other.cloned().unwrap_or_default();
                let figures = [
                    own.value,
                    own.low,
                    own.high,
                    other.value,
                    other.low,
                    other.high,
                    other.share_above,
                    other.delong_p,
                ];
                let fields = begin.iter().cloned().chain([key.to_owned()]);
                let reason = own.undefined.unwrap_or_default();
                csv.write_record(fields.chain(figures.map(text)).chain([reason]))?;
            }
            for ((key, _), value) in COSTS.into_iter().zip(run.costs.values()) {
                let fields = begin.iter().cloned().chain([key.to_owned(), text(value)]);
                csv.write_record(fields.chain(vec![String::new(); 8]))?;
            }
        }
        csv.flush()
    }
}

/// What something costs, in three digits or all before the point.
fn cost(value: f64) -> String {
    let decimals = match value {
        small if small < 10.0 => 2,
        middle if middle < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

fn unmeasured() -> String {
    "not measured".to_owned()
}

/// A figure with its interval.
fn estimate(figure: Option<&Estimate>) -> String {
    match figure {
        Some(Estimate {
            value: Some(value),
            low: Some(low),
            high: Some(high),
            ..
        }) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        Some(Estimate {
            value: Some(value), ..
        }) => format!("{value:.3}"),
        _ => none(),
    }
}

/// A difference with its interval, each with its sign.
fn difference(figure: Option<&Difference>) -> String {
    // What is rounding alone has no sign.
    let signed = |value: f64| match value.abs() < 1e-12 {
        true => "0.000".to_owned(),
        false => format!("{value:+.3}"),
    };
    let Some((figure, value)) = figure.and_then(|figure| Some((figure, figure.value?))) else {
        return none();
    };
    match (figure.low, figure.high) {
        (Some(low), Some(high)) => {
            format!("{} [{}, {}]", signed(value), signed(low), signed(high))
        }
        _ => signed(value),
    }
}

/// A probability, never a plain 0.
fn probability(p: f64) -> String {
    if p < 0.0001 {
        "< 0.0001".to_owned()
    } else {
        format!("{p:.4}")
    }
}
