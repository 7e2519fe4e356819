//! What an evaluation left in a run's folder: `run.toml`, `metrics.json`, `scores.csv`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value as Json};

use crate::{
    Error, Result,
    calibration::Verdict,
    config::RunConfig,
    eval::Stems,
    run::{Record, RunFolder},
};

/// A run that was evaluated.
pub(super) struct Evaluated {
    pub(super) folder: RunFolder,
    pub(super) config: RunConfig,
    pub(super) record: Record,
    /// `metrics.json`.
    pub(super) metrics: Map<String, Json>,
    /// `scores.csv`, by id.
    pub(super) rows: BTreeMap<String, Row>,
}

/// What a run says of a test image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) anomalous: bool,
    pub(super) kind: String,
    pub(super) score: f32,
    pub(super) verdict: Verdict,
    /// Where in `maps/` its map is, without the ending.
    pub(super) stem: PathBuf,
}

impl Row {
    /// Whether the verdict is what the image is in truth; unsure is neither.
    pub(super) fn is_right(&self) -> bool {
        self.verdict
            == match self.anomalous {
                true => Verdict::Anomalous,
                false => Verdict::Normal,
            }
    }
}

/// A verdict as it stands in the file.
fn verdict_of(text: &str) -> Option<Verdict> {
    [Verdict::Normal, Verdict::Unsure, Verdict::Anomalous]
        .into_iter()
        .find(|verdict| verdict.as_str() == text)
}

impl Evaluated {
    pub(super) fn read(folder: RunFolder) -> Result<Self> {
        let (config, record) = folder.read_record()?;
        for (file, missing) in [
            (folder.metrics(), "metrics.json"),
            (folder.scores(), "scores.csv"),
        ] {
            if !file.is_file() {
                return Err(Error::NotARun {
                    path: folder.path().to_owned(),
                    missing,
                    hint: "; cavga eval writes it",
                });
            }
        }
        let path = folder.metrics();
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let metrics = serde_json::from_str(&text).map_err(|error| {
            let why = format!("expected the figures of an evaluation, found: {error}");
            bad(&path, &why)
        })?;
        let rows = rows(&folder.scores())?;
        Ok(Self {
            folder,
            config,
            record,
            metrics,
            rows,
        })
    }

    /// A number of `metrics.json`, if it is there.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.metrics.get(key)?.as_f64()
    }

    /// The score and the map that its figures are of.
    pub(super) fn own(&self, key: &str) -> Option<&str> {
        self.metrics.get(key)?.as_str()
    }
}

/// The rows of a `scores.csv` by their ids.
fn rows(path: &Path) -> Result<BTreeMap<String, Row>> {
    let text = fs::read(path).map_err(Error::io("read", path))?;
    let mut csv = csv::Reader::from_reader(&*text);
    let broken = |error: csv::Error| bad(path, &format!("expected a table, found: {error}"));
    let head = csv.headers().map_err(broken)?.clone();
    let place = |name: &str| {
        let place = head.iter().position(|found| found == name);
        place.ok_or_else(|| {
            let found: Vec<_> = head.iter().collect();
            let why = format!("expected a column {name}, found: {}", found.join(", "));
            bad(path, &why)
        })
    };
    let places = [
        place("id")?,
        place("label")?,
        place("kind")?,
        place("score")?,
        place("verdict")?,
    ];
    let mut stems = Stems::default();
    let mut rows = BTreeMap::new();
    for record in csv.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        let [id, label, kind, score, verdict] =
            places.map(|place| record.get(place).unwrap_or_default());
        let wrong = |what: &str, found: &str| {
            let why = format!("line {line}: expected {what}, found {found:?}");
            bad(path, &why)
        };
        let row = Row {
            anomalous: match label {
                "anomalous" => true,
                "normal" => false,
                other => return Err(wrong("the label normal or anomalous", other)),
            },
            kind: kind.to_owned(),
            score: score
                .parse()
                .ok()
                .filter(|score: &f32| score.is_finite())
                .ok_or_else(|| wrong("a score that is a finite number", score))?,
            verdict: verdict_of(verdict)
                .ok_or_else(|| wrong("the verdict normal, unsure or anomalous", verdict))?,
            stem: stems.take(Path::new(id)),
        };
        if rows.insert(id.to_owned(), row).is_some() {
            return Err(wrong("each image once", id));
        }
    }
    if rows.is_empty() {
        return Err(bad(path, "expected test images, found none"));
    }
    Ok(rows)
}

fn bad(path: &Path, what: &str) -> Error {
    Error::Config {
        origin: path.display().to_string(),
        why: format!("{what}; evaluate the run again with cavga eval"),
    }
}

/// What the runs are called: the folders' names where those differ, else their paths.
pub(super) fn names(runs: &[Evaluated]) -> Vec<String> {
    let name = |run: &Evaluated| {
        let whole = crate::run::absolute(run.folder.path());
        let name = whole
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| whole.display().to_string())
    };
    let names: Vec<_> = runs.iter().map(name).collect();
    let named = runs.iter().zip(&names);
    named
        .map(
            |(run, name)| match names.iter().filter(|other| *other == name).count() {
                1 => name.clone(),
                _ => run.folder.path().display().to_string(),
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, Row>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.csv");
        fs::write(&path, text).unwrap();
        rows(&path)
    }

    #[test]
    fn columns_are_told_by_their_names() {
        let text = "kind,score,p_value,id,verdict,label\n\
                    good,0.5,0.1,test/good/1.png,unsure,normal\n\
                    hole,3,0.1,test/hole/1.png,anomalous,anomalous\n";
        let rows = read(text).unwrap();
        let row = &rows["test/hole/1.png"];
        assert!(row.anomalous && row.score == 3.0 && row.is_right());
        assert_eq!(row.stem, Path::new("test/hole/1"));
        let unsure = &rows["test/good/1.png"];
        assert!(unsure.verdict == Verdict::Unsure && !unsure.is_right());
    }

    #[test]
    fn a_broken_table_names_file_and_line() {
        let head = "id,label,kind,score,verdict\n";
        for (text, said) in [
            ("id,label,kind,verdict\n".to_owned(), "a column score"),
            (head.to_owned(), "found none"),
            (String::new(), "a column id"),
            (
                format!("{head}a,good,good,1,normal\n"),
                "line 2: expected the label",
            ),
            (
                format!("{head}a,normal,good,x,normal\n"),
                "finite number, found \"x\"",
            ),
            (format!("{head}a,normal,good,NaN,normal\n"), "finite number"),
            (
                format!("{head}a,normal,good,1e99,normal\n"),
                "finite number",
            ),
            (format!("{head}a,normal,good,1,maybe\n"), "found \"maybe\""),
            (format!("{head}a,normal,good\n"), "expected a table"),
            (
                format!("{head}a,normal,good,1,normal\na,normal,good,1,normal\n"),
                "line 3: expected each image once",
            ),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(
                error.contains(said)
                    && error.contains("scores.csv")
                    && error.contains("cavga eval"),
                "{error}"
            );
        }
    }
}
