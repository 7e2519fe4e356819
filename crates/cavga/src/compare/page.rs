//! The page of a comparison: its tables, and the images on which runs disagree as both saw them.

use std::path::Path;

use cavga_data::{Limits, load_image};

use super::{
    disagree::{Disagreement, Side, Verdicts},
    read::Evaluated,
    table::{Comparison, DifferenceRow, Inputs},
};
use crate::{
    picture,
    report::{Contacts, Part, Sheet, SheetSection, Table, Thumb, Tone},
};

/// Pixels on the longer side of a picture: twice those that it is shown in.
const SIDE: u32 = 256;

/// How well JPEG keeps pictures: small enough to send by mail.
const QUALITY: u8 = 80;

/// The page.
pub(super) fn sheet(comparison: &Comparison, inputs: &Inputs<'_>) -> Sheet {
    let names: Vec<_> = comparison
        .runs
        .iter()
        .map(|run| run.name.as_str())
        .collect();
    let mut sections = vec![
        SheetSection {
            title: "Figures".to_owned(),
            note: format!("{}.", comparison.rule()),
            parts: vec![table(comparison.figure_lines())],
        },
        SheetSection {
            title: "Differences".to_owned(),
            note: "Each run minus the first on the same images, with intervals from the same resamples of both: one that holds 0 \
                   does not tell them apart."
                .to_owned(),
            parts: vec![table(comparison.difference_lines())],
        },
        SheetSection {
            title: "Over seeds".to_owned(),
            note: "Runs that differ by their seeds alone: mean ± standard deviation (n − 1).".to_owned(),
            parts: vec![table(comparison.seed_lines())],
        },
    ];
    let others = inputs.runs.iter().skip(1);
    for (row, run) in comparison.differences.iter().zip(others) {
        sections.push(disagreements(row, run, inputs));
    }
    Sheet {
        title: names.join(" against "),
        subtitle: format!("{}.", comparison.subject()),
        summary: summary(comparison),
        warnings: comparison.notes.clone(),
        sections,
        footer: "Figures are of what the runs' evaluations wrote.".to_owned(),
    }
}

/// Which runs are told apart from the first by their image AUROC.
fn summary(comparison: &Comparison) -> String {
    let sentence = |row: &DifferenceRow| {
        let auroc = row.figures.get("image_auroc")?;
        let (value, low, high) = (auroc.value?, auroc.low?, auroc.high?);
        let DifferenceRow { run, first, .. } = row;
        Some(match (low, high) {
            (low, _) if low > 0.0 => format!(
                "{run} tells anomalous images from normal ones better than {first}: its AUROC is {value:.3} higher."
            ),
            (_, high) if high < 0.0 => format!(
                "{run} tells anomalous images from normal ones worse than {first}: its AUROC is {:.3} lower.",
                -value
            ),
            _ => format!("By their image AUROC, these images do not tell {run} and {first} apart."),
        })
    };
    let sentences: Vec<_> = comparison.differences.iter().filter_map(sentence).collect();
    sentences.join(" ")
}

fn table(lines: Vec<Vec<String>>) -> Part {
    let mut lines = lines.into_iter();
    Part::Table(Table {
        columns: lines.next().unwrap_or_default(),
        rows: lines.collect(),
    })
}

/// Verdicts of a pair, and the images that it ranks most differently.
fn disagreements(row: &DifferenceRow, run: &Evaluated, inputs: &Inputs<'_>) -> SheetSection {
    let DifferenceRow {
        run: name, first, ..
    } = row;
    let mut thumbs = Vec::new();
    for image in &row.disagreements {
        let sides = [
            (first, inputs.runs.first(), &image.first),
            (name, Some(run), &image.other),
        ];
        for (name, run, side) in sides {
            let picture = run.and_then(|run| overlay(run, image, inputs.images.limits));
            if let Some(picture) = picture {
                thumbs.push(thumb(image, name, side, picture));
            }
        }
    }
    let note = match thumbs.is_empty() && !row.disagreements.is_empty() {
        true => "No pictures: the evaluations wrote no maps.",
        false => {
            "Each as both runs saw it, the map over the image, in each run's own scale of colours."
        }
    };
    SheetSection {
        title: format!("{name} against {first}"),
        note: "The images that the two rank most differently. The rank is the share of the other test images that score lower.".to_owned(),
        parts: vec![
            verdicts(row),
            listed(row),
            Part::Contacts(Contacts {
                title: "Where they look".to_owned(),
                note: note.to_owned(),
                thumbs,
            }),
        ],
    }
}

fn verdicts(row: &DifferenceRow) -> Part {
    let Verdicts {
        both_right,
        first_alone,
        other_alone,
        both_wrong,
        ..
    } = row.verdicts;
    let line =
        |name: String, right: u64, wrong: u64| vec![name, right.to_string(), wrong.to_string()];
    Part::Table(Table {
        columns: vec![
            "images".to_owned(),
            format!("{} is right", row.first),
            format!("{} is not", row.first),
        ],
        rows: vec![
            line(format!("{} is right", row.run), both_right, other_alone),
            line(format!("{} is not", row.run), first_alone, both_wrong),
        ],
    })
}

fn listed(row: &DifferenceRow) -> Part {
    let side = |side: &Side| format!("{:.2}, {}", side.rank, side.verdict);
    let rows = row.disagreements.iter().map(|image| {
        vec![
            image.id.clone(),
            image.kind.clone(),
            side(&image.first),
            side(&image.other),
        ]
    });
    Part::Table(Table {
        columns: vec![
            "image".to_owned(),
            "in truth".to_owned(),
            format!("{}: rank, verdict", row.first),
            format!("{}: rank, verdict", row.run),
        ],
        rows: rows.collect(),
    })
}

fn thumb(image: &Disagreement, run: &str, side: &Side, picture: Vec<u8>) -> Thumb {
    Thumb {
        id: image.id.clone(),
        note: format!("{run}: rank {:.2}, {}", side.rank, side.verdict),
        tone: match image.anomalous {
            true => Tone::Anomalous,
            false => Tone::Normal,
        },
        picture: Some(picture),
    }
}

/// What the evaluation drew of an image, made small; none if it drew nothing that can be read.
fn overlay(run: &Evaluated, image: &Disagreement, limits: Limits) -> Option<Vec<u8>> {
    let stem = &run.rows.get(&image.id)?.stem;
    let mut name = stem.clone().into_os_string();
    name.push(".overlay.png");
    let path = run.folder.maps().join(Path::new(&name));
    let small = || -> crate::Result<Vec<u8>> {
        let pixels = load_image(&path, None, &limits)?;
        let drawn = picture::planar(&pixels.pixels, pixels.height, pixels.width)?;
        Ok(picture::jpeg(&picture::thumbnail(&drawn, SIDE), QUALITY)?)
    };
    if !path.is_file() {
        return None;
    }
    small().inspect_err(|error| tracing::warn!("{error}")).ok()
}
