//! A table of whole images, as CSV: `id` and `score`, and where it has them `label`, `kind` and `group`; other columns are not looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::pairs::Pair;
use crate::{Error, Result};

/// Endings that an id may have as a file's name; what else follows a dot is part of the id.
const ENDINGS: [&str; 12] = [
    "bmp", "jpeg", "jpg", "npy", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff", "webp",
];

/// A line of the table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) score: f32,
    /// Whether the score is no number of single precision, so that it was rounded.
    pub(super) rounded: bool,
    pub(super) anomalous: Option<bool>,
    pub(super) kind: Option<String>,
    pub(super) group: Option<String>,
}

/// Reads a table.
pub(super) fn read(path: &Path) -> Result<Vec<Row>> {
    let wrong = |why: String| Error::Table {
        path: path.to_path_buf(),
        why,
    };
    let mut reader = csv::Reader::from_path(path).map_err(|error| wrong(error.to_string()))?;
    let head = reader
        .headers()
        .map_err(|error| wrong(error.to_string()))?
        .clone();
    let column = |name: &str| head.iter().position(|found| found.trim() == name);
    let (Some(id), Some(score)) = (column("id"), column("score")) else {
        let found = head.iter().collect::<Vec<_>>().join(", ");
        return Err(wrong(format!(
            "expected the columns id and score, found {found}"
        )));
    };
    let [label, kind, group] = ["label", "kind", "group"].map(column);
    let mut rows: Vec<Row> = Vec::new();
    for (number, line) in reader.records().enumerate() {
        let line = line.map_err(|error| wrong(error.to_string()))?;
        let text = |column: Option<usize>| {
            let text = column.and_then(|column| line.get(column)).map(str::trim);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        // The head is line 1.
        let at = number + 2;
        let score = text(Some(score)).unwrap_or_default();
        let value = score.parse::<f64>().ok();
        let value = value.filter(|value| (*value as f32).is_finite());
        let single = value.ok_or_else(|| {
            wrong(format!(
                "line {at}: expected a finite score, found {score:?}"
            ))
        })?;
        rows.push(Row {
            id: text(Some(id)).ok_or_else(|| wrong(format!("line {at} has no id")))?,
            score: single as f32,
            rounded: is_rounded(&score, single),
            anomalous: match text(label) {
                None => None,
                Some(label) => Some(is_anomalous(&label).ok_or_else(|| {
                    wrong(format!("line {at}: expected the label normal or anomalous (or 0 or 1), found {label:?}"))
                })?),
            },
            kind: text(kind),
            group: text(group),
        });
    }
    let mut ids = BTreeSet::new();
    if let Some(row) = rows.iter().find(|row| !ids.insert(&row.id)) {
        return Err(wrong(format!("{} is there twice", row.id)));
    }
    if rows.is_empty() {
        return Err(wrong("expected images, found none".to_owned()));
    }
    Ok(rows)
}

/// Whether single precision loses something that the text says: its shortest form is another number.
fn is_rounded(text: &str, value: f64) -> bool {
    // Seven digits are what it holds; "0.1" is no number of either precision, and nothing of it is lost.
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits > 7 && (value as f32).to_string().parse::<f64>() != Ok(value)
}

fn is_anomalous(label: &str) -> Option<bool> {
    match label {
        "normal" | "good" | "0" | "false" => Some(false),
        "anomalous" | "1" | "true" => Some(true),
        _ => None,
    }
}

/// The line of each map: the one whose id without its ending is the map's, or ends in it after a `/`.
pub(super) fn join(pairs: Vec<Pair>, rows: Vec<Row>, table: &Path) -> Result<Vec<(Pair, Row)>> {
    let wrong = |why: String| Error::Table {
        path: table.to_path_buf(),
        why,
    };
    // An id as it stands, and without the ending of an image's file, if it has one.
    let mut by_name: BTreeMap<String, Row> = BTreeMap::new();
    for row in rows {
        let name = row.id.replace('\\', "/");
        let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
        let is_file = ENDINGS.contains(&ending.to_ascii_lowercase().as_str());
        let name = if is_file { stem.to_owned() } else { name };
        if let Some(other) = by_name.insert(name, row) {
            return Err(wrong(format!(
                "{} is there twice, with two endings",
                other.id
            )));
        }
    }
    let mut joined = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let ending = format!("/{}", pair.id);
        let names: Vec<String> = match by_name.contains_key(&pair.id) {
            true => vec![pair.id.clone()],
            false => by_name
                .keys()
                .filter(|name| name.ends_with(&ending))
                .cloned()
                .collect(),
        };
        let row = match &names[..] {
            [name] => by_name.remove(name),
            [] => None,
            several => {
                let names = several.join(", ");
                let count = several.len();
                return Err(wrong(format!(
                    "{count} could be the image of the map {}: {names}",
                    pair.id
                )));
            }
        };
        let row = row.ok_or_else(|| wrong(format!("no line has the id of the map {}", pair.id)))?;
        joined.push((pair, row));
    }
    match by_name.first_key_value() {
        Some((_, row)) => Err(wrong(format!(
            "{} has no map, nor have {} others",
            row.id,
            by_name.len() - 1
        ))),
        None => Ok(joined),
    }
}
