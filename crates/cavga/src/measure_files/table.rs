//! A table of whole images, as CSV: `id` and `score`, and where it has them `label`, `kind` and `group`; other columns are not looked at.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::pairs::Pair;
use crate::{Error, Result};

/// A line of the table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) score: f32,
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
        let value = score.parse::<f32>().ok().filter(|value| value.is_finite());
        rows.push(Row {
            id: text(Some(id)).ok_or_else(|| wrong(format!("line {at} has no id")))?,
            score: value.ok_or_else(|| wrong(format!("line {at}: expected a finite score, found {score:?}")))?,
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
    if rows.is_empty() {
        return Err(wrong("expected images, found none".to_owned()));
    }
    Ok(rows)
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
    let mut by_name: BTreeMap<String, Row> = BTreeMap::new();
    for row in rows {
        let path = PathBuf::from(&row.id).with_extension("");
        let parts: Vec<_> = path
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        if let Some(other) = by_name.insert(parts.join("/"), row) {
            return Err(wrong(format!("{} is there twice", other.id)));
        }
    }
    let mut joined = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let ending = format!("/{}", pair.id);
        let own = |name: &&String| **name == pair.id || name.ends_with(&ending);
        let names: Vec<String> = match by_name.contains_key(&pair.id) {
            true => vec![pair.id.clone()],
            false => by_name.keys().filter(own).cloned().collect(),
        };
        let row = match &names[..] {
            [name] => by_name.remove(name),
            [] => None,
            several => {
                return Err(wrong(format!(
                    "{} could be the image of the map {}: {}",
                    several.len(),
                    pair.id,
                    several.join(", ")
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
