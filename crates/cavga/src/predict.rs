//! Prediction: any images, one verdict each.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cavga_data::{Label, Limits, Sample, list_images};
use serde::Serialize;

use crate::{
    Result,
    calibration::Verdict,
    config::DataConfig,
    eval::{MapFiles, Stems, as_text, write_map},
    feed,
    model::{Model, Scored},
    view::SmallMap,
};

/// How to predict.
#[derive(Debug, Clone, Default)]
pub struct PredictOptions {
    /// Where the map and overlay of each image go; without it, none are written.
    pub out: Option<PathBuf>,
    /// The map that is written; without it, the method's own.
    pub map: Option<String>,
    /// Which images are refused undecoded.
    pub limits: Limits,
    /// Raised from another thread, it ends the prediction after the image at hand.
    pub stop: Arc<AtomicBool>,
}

/// What the model says of one image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The image.
    #[serde(serialize_with = "as_text")]
    pub image: PathBuf,
    /// The method's own score, raw; higher means more anomalous.
    pub score: f32,
    /// The share of images, this one and those held out, that score at least as high; `None` where the model knows no held-out scores. See [`ScoreScale::p_value`](crate::calibration::ScoreScale::p_value).
    pub p_value: Option<f64>,
    /// The score in percent of the threshold, 0 being the median held-out image; not clamped. See
    /// [`ScoreScale::percent_of_threshold`](crate::calibration::ScoreScale::percent_of_threshold).
    pub percent_of_threshold: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
    /// Above it, the verdict is "anomalous".
    pub threshold: f32,
    /// Above it, and not above the threshold, the verdict is "unsure"; `None` for no such band.
    pub unsure_threshold: Option<f32>,
    /// All raw scores by name.
    pub scores: BTreeMap<&'static str, f32>,
    /// Where the map was written.
    #[serde(flatten)]
    pub files: Option<MapFiles>,
}

/// Asks the model about images and about all images in and below folders; `said` hears of each in its order. An image that
/// cannot be read is an error for that image alone.
///
/// # Errors
/// An input that does not exist or a folder without images. Nothing is asked then.
pub fn predict(
    model: &Model,
    inputs: &[PathBuf],
    options: &PredictOptions,
    said: &mut dyn FnMut(&Path, Result<Prediction>),
) -> Result<()> {
    model.calibration().map_index(options.map.as_deref())?;
    let (samples, stems) = collect(inputs)?;
    // An image that is gone is an error of its own here.
    let settings = DataConfig::each(model.size(), options.limits);
    for ((batch, sample), stem) in feed::plain(Arc::clone(&samples), &settings, model.regions(), 1)?
        .zip(&*samples)
        .zip(stems)
    {
        if options.stop.load(Ordering::Relaxed) {
            return Err(crate::Error::Stopped);
        }
        let scored = batch
            .map_err(Into::into)
            .and_then(|batch| model.score_loaded(batch));
        let scored = scored.and_then(|scored| scored.checked(sample.path()));
        said(
            sample.path(),
            scored.and_then(|scored| prediction(model, sample, scored, &stem, options)),
        );
    }
    Ok(())
}

fn prediction(
    model: &Model,
    image: &Sample,
    scored: Scored,
    stem: &Path,
    options: &PredictOptions,
) -> Result<Prediction> {
    let calibration = model.calibration();
    let shown = calibration.map_index(options.map.as_deref())?;
    let files = match (
        &options.out,
        scored.maps.get(shown),
        calibration.maps.get(shown),
    ) {
        (Some(out), Some((_, map)), Some(scale)) => Some(write_map(
            &out.join(stem),
            image,
            SmallMap {
                values: map,
                size: model.size(),
                valid: scored.valid.as_ref(),
                regions: model.regions().map(|regions| &**regions),
            },
            scale,
            &options.limits,
        )?),
        _ => None,
    };
    let score = scored.scores.first().map_or(f32::NAN, |(_, value)| *value);
    let scale = calibration.scores.first();
    Ok(Prediction {
        image: image.path().to_owned(),
        score,
        p_value: scale.and_then(|scale| scale.p_value(score)),
        percent_of_threshold: scale.and_then(|scale| scale.percent_of_threshold(score)),
        threshold: scale.map_or(f32::NAN, |scale| scale.threshold),
        unsure_threshold: scale.and_then(|scale| scale.unsure_threshold),
        verdict: scale.map_or(Verdict::Normal, |scale| scale.verdict(score)),
        scores: scored.scores.into_iter().collect(),
        files,
    })
}

/// The images that the inputs stand for, and a name for the files of each, without its ending, below the output folder.
fn collect(inputs: &[PathBuf]) -> Result<(Arc<[Sample]>, Vec<PathBuf>)> {
    let mut samples = Vec::new();
    let mut stems = Vec::new();
    let mut taken = Stems::default();
    for input in inputs {
        for path in list_images(input)? {
            let name = path
                .strip_prefix(input)
                .ok()
                .filter(|name| !name.as_os_str().is_empty());
            let name = name.unwrap_or_else(|| Path::new(path.file_name().unwrap_or_default()));
            // Images of one name from several folders must not overwrite each other's files.
            stems.push(taken.take(name));
            samples.push(Sample::new(path.display().to_string(), path, Label::Normal));
        }
    }
    Ok((samples.into(), stems))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_get_names_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/1.png", "b/1.png", "b/1.jpg", "b/c/1.png"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"x").unwrap();
        }
        let inputs = [
            folder.path().join("a"),
            folder.path().join("b"),
            folder.path().join("a/1.png"),
        ];
        let (samples, stems) = collect(&inputs).unwrap();
        assert_eq!(samples.len(), 5);
        assert_eq!(stems, ["1", "1-2", "1-3", "c/1", "1-4"].map(PathBuf::from));
    }
}
