//! Files of an evaluation and a prediction: `metrics.json`, `scores.csv`, maps as arrays and as pictures.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    path::{Path, PathBuf},
};

use cavga_data::{Limits, Sample};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Figures, Measured, TestImage};
use crate::{
    Result, atomic,
    calibration::{Calibration, MapScale, ScoreScale},
    picture,
    run::Record,
    view::SmallMap,
};

/// Covers the image under the strongest colours, not quite.
const OPACITY: f32 = 0.85;

/// The columns of `scores.csv` that every detector has.
const SCORES_HEAD: [&str; 7] = [
    "id",
    "label",
    "kind",
    "score",
    "verdict",
    "p_value",
    "percent_of_threshold",
];

/// The content of `metrics.json`.
pub(super) fn metrics(
    measured: &Measured<'_>,
    record: &Record,
    figures: &Figures,
    kinds: &BTreeMap<String, (usize, Figures)>,
) -> Map<String, Value> {
    let anomalous = measured
        .images
        .iter()
        .filter(|image| image.is_anomalous())
        .count();
    let calibration = measured.calibration;
    let mut metrics = Map::new();
    metrics.insert("method".to_owned(), Value::from(measured.method.name()));
    for (key, name) in [
        ("score", calibration.scores.first().map(|scale| &scale.name)),
        ("map", calibration.maps.first().map(|scale| &scale.name)),
    ] {
        metrics.insert(
            key.to_owned(),
            name.map_or(Value::Null, |name| Value::from(name.as_str())),
        );
    }
    for (key, count) in [
        ("n_train", calibration.n_train),
        ("n_train_anomalous", measured.n_learnt),
        ("n_calibration", calibration.n_held_out),
        ("n_test_normal", measured.images.len() - anomalous),
        ("n_test_anomalous", anomalous),
        ("n_test_removed", measured.removed),
    ] {
        metrics.insert(key.to_owned(), Value::from(count));
    }
    metrics.insert(
        "images".to_owned(),
        json!({ "seen": measured.tally.seen, "used": measured.tally.used, "refused": measured.tally.refused }),
    );
    figures.write(&mut metrics);
    if let Some(training) = &record.training {
        let mut cost = Figures::default();
        cost.add("", "training_minutes", Ok::<_, &str>(training.minutes));
        let memory = training.peak_memory_mib;
        let memory = memory.ok_or("the system that trained does not say");
        cost.add("", "training_peak_memory_mib", memory);
        cost.write(&mut metrics);
    }
    let kinds = kinds.iter().map(|(kind, (count, figures))| {
        let mut of_kind = Map::from_iter([("n".to_owned(), Value::from(*count))]);
        figures.write(&mut of_kind);
        (kind.clone(), Value::from(of_kind))
    });
    metrics.insert("kinds".to_owned(), kinds.collect());
    metrics
}

/// Writes `metrics.json`.
pub(super) fn write_metrics(path: &Path, metrics: &Map<String, Value>) -> Result<()> {
    atomic::write_with(path, |file| {
        serde_json::to_writer_pretty(&mut *file, metrics)?;
        file.write_all(b"\n")
    })
}

/// Writes `scores.csv`: id, label, kind, score, verdict, p_value and percent_of_threshold (empty where unknown), and the detector's
/// other scores by name.
pub(super) fn write_scores(
    path: &Path,
    images: &[TestImage],
    calibration: &Calibration,
) -> Result<()> {
    let others = calibration
        .scores
        .iter()
        .skip(1)
        .map(|scale| scale.name.as_str());
    let head: Vec<_> = SCORES_HEAD.into_iter().chain(others).collect();
    let own_scale = calibration.scores.first();
    let known = |of: &dyn Fn(&ScoreScale) -> Option<f64>| {
        let value = own_scale.and_then(of);
        value.map_or_else(String::new, |value| value.to_string())
    };
    atomic::write_with(path, |file| {
        let mut csv = csv::Writer::from_writer(file);
        csv.write_record(&head)?;
        for image in images {
            let label = if image.is_anomalous() {
                "anomalous"
            } else {
                "normal"
            };
            let scores: Vec<_> = image.scores.iter().map(f32::to_string).collect();
            let own = scores.first().map(String::as_str).unwrap_or_default();
            let verdict = image.verdict(calibration).as_str();
            let p_value = known(&|scale| scale.p_value(image.score()));
            let percent = known(&|scale| scale.percent_of_threshold(image.score()));
            let fields = [
                image.sample.id.as_str(),
                label,
                image.sample.label.kind(),
                own,
                verdict,
                &p_value,
                &percent,
            ];
            csv.write_record(
                fields
                    .into_iter()
                    .chain(scores.iter().skip(1).map(String::as_str)),
            )?;
        }
        csv.flush()
    })
}

/// The files of one image's map: `<stem>.npy` and `<stem>.overlay.png`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MapFiles {
    /// Raw values, f32, `[height, width]` of the image, as a NumPy array; NaN where a pixel doesn't count.
    #[serde(serialize_with = "as_text")]
    pub map: PathBuf,
    /// The image with the map over it.
    #[serde(serialize_with = "as_text")]
    pub overlay: PathBuf,
}

/// A path as text: a name that is no Unicode must not keep a result from being written.
pub(crate) fn as_text<S: Serializer>(path: &Path, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}

/// Writes a map at the size of its image, and the image with the map over it.
pub(crate) fn write_map(
    stem: &Path,
    image: &Sample,
    map: SmallMap<'_>,
    scale: &MapScale,
    limits: &Limits,
) -> Result<MapFiles> {
    let pixels = image.source.load(limits)?;
    let (height, width) = (pixels.height, pixels.width);
    let map = map.shown(&image.id, [height, width])?;
    if let Some(folder) = stem.parent() {
        atomic::create_folder(folder)?;
    }
    // Not `with_extension`: a stem may hold a dot.
    let with = |ending: &str| {
        let mut name = stem.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        stem.with_file_name(name)
    };
    let files = MapFiles {
        map: with(".npy"),
        overlay: with(".overlay.png"),
    };
    atomic::write_with(&files.map, |file| npy(file, &map, [height, width]))?;
    let input = picture::planar(&pixels.pixels, height, width)?;
    let overlay = picture::overlay(&input, &map, scale.range(), OPACITY)?;
    atomic::write(&files.overlay, &picture::png(&overlay)?)?;
    Ok(files)
}

/// NumPy's format, version 1.0, little-endian f32 in C order.
fn npy(file: &mut dyn Write, values: &[f32], [height, width]: [usize; 2]) -> io::Result<()> {
    let head =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({height}, {width}), }}");
    // Magic, version and length take 10 bytes, the newline one; the data begins at a multiple of 64.
    let padded = (head.len() + 11).next_multiple_of(64) - 10;
    let length = u16::try_from(padded).map_err(io::Error::other)?;
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&length.to_le_bytes())?;
    writeln!(file, "{head:<width$}", width = padded - 1)?;
    values
        .iter()
        .try_for_each(|value| file.write_all(&value.to_le_bytes()))
}

/// Names for the files of images' maps, without their endings, of which no two are the same.
#[derive(Debug, Default)]
pub(crate) struct Stems(BTreeSet<PathBuf>);

impl Stems {
    /// The name of an image, without its ending; with a number where another image has it.
    pub(crate) fn take(&mut self, name: &Path) -> PathBuf {
        let name = name.with_extension("");
        let numbered = |number: usize| match number {
            1 => name.clone(),
            _ => PathBuf::from(format!("{}-{number}", name.display())),
        };
        let stem = (1..).map(numbered).find(|stem| !self.0.contains(stem));
        let stem = stem.unwrap_or(name.clone());
        self.0.insert(stem.clone());
        stem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_begins_at_a_multiple_of_64_bytes() {
        let mut file = Vec::new();
        npy(&mut file, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]).unwrap();
        assert_eq!(file.len(), 128 + 24);
        assert_eq!(&file[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([file[8], file[9]]));
        assert_eq!((10 + length) % 64, 0);
        assert_eq!(file[10 + length - 1], b'\n');
        assert_eq!(&file[10 + length..][..4], &1.0_f32.to_le_bytes());
        let head = std::str::from_utf8(&file[10..10 + length]).unwrap();
        assert!(head.contains("'shape': (2, 3)"), "{head}");
    }
}
