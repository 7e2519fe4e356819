//! A figure of a run in the images as they are, and in each resample; what two runs make of it.

use cavga_metrics::{self as metrics, Bootstrap, ImageRanking, WeightedImages};
use serde::Serialize;

use super::{align::Images, read::Evaluated};
use crate::{Error, Result, calibration::Verdict};

/// What was measured of one run.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) columns: Vec<Column>,
    /// The map that its figures of pixels are of, if it is not the method's own.
    pub(super) map: Option<String>,
}

/// A figure of one run.
pub(super) struct Column {
    /// As in `metrics.json`.
    pub(super) key: &'static str,
    /// In the images as they are, or why there is no value.
    pub(super) value: Result<f64, String>,
    /// In each resample; none where there is no value, or nothing to draw from.
    pub(super) draws: Result<Vec<metrics::Result<f64>>, String>,
}

/// A figure of a run and the interval in which it would lie on other images of the same kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure, if it is defined.
    pub value: Option<f64>,
    /// The interval's lower end.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
    /// In how many resamples the figure is undefined; they are left out of the interval.
    #[serde(skip_serializing_if = "is_zero")]
    pub undefined_resamples: usize,
    /// Why there is no value, or no interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
}

/// A figure of a run minus that of the first, on the same images.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Difference {
    /// The difference, if both figures are defined.
    pub value: Option<f64>,
    /// The lower end of its interval, from the same resamples of both runs.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// In which share of the resamples the run is the better one, a tie counting half.
    pub share_above: Option<f64>,
    /// Of the image AUROC: how probable a difference as large is if there were none in truth, by DeLong's test. It takes images to be
    /// independent, so there is none where they come in groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delong_p: Option<f64>,
    /// Why there is no difference, or no interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Column {
    /// A figure without a value, for a reason.
    pub(super) fn undefined(key: &'static str, reason: &str) -> Self {
        Self {
            key,
            value: Err(reason.to_owned()),
            draws: Err(reason.to_owned()),
        }
    }

    pub(super) fn estimate(&self, bootstrap: &Bootstrap) -> Estimate {
        let interval = self.draws.clone().and_then(|draws| {
            let interval = bootstrap.interval(draws);
            interval.map_err(|reason| reason.to_string())
        });
        let value = self.value.as_ref();
        let held = interval.as_ref().ok();
        Estimate {
            value: value.ok().copied(),
            low: held.map(|held| held.low),
            high: held.map(|held| held.high),
            undefined_resamples: held.map_or(0, |held| held.undefined),
            undefined: value.err().or(interval.as_ref().err()).cloned(),
        }
    }

    /// This minus the `first` run's.
    pub(super) fn minus(&self, first: &Self, bootstrap: &Bootstrap) -> Difference {
        let value = match (&self.value, &first.value) {
            (Ok(own), Ok(first)) => Ok(own - first),
            (Err(reason), _) | (_, Err(reason)) => Err(reason.clone()),
        };
        let interval = match (&self.draws, &first.draws) {
            (Ok(own), Ok(first)) => {
                let pairs = own.iter().copied().zip(first.iter().copied());
                bootstrap.difference(pairs).map_err(|why| why.to_string())
            }
            (Err(reason), _) | (_, Err(reason)) => Err(reason.clone()),
        };
        let held = interval.as_ref().ok();
        Difference {
            value: value.as_ref().ok().copied(),
            low: held.map(|held| held.interval.low),
            high: held.map(|held| held.interval.high),
            share_above: held.map(|held| held.share_above),
            delong_p: None,
            undefined: value.err().or(interval.err()),
        }
    }
}

/// A figure of whole images, from their scores and from which of them are called anomalous.
type Measure = fn(&WeightedImages<'_>, &[bool]) -> metrics::Result<f64>;

const IMAGES: [(&str, Measure); 4] = [
    ("image_auroc", |images, _| images.auroc()),
    ("image_average_precision", |images, _| {
        images.average_precision()
    }),
    ("image_f1_max", |images, _| Ok(images.f1_max()?.f1)),
    ("balanced_accuracy_of_verdicts", |images, called| {
        images.balanced_accuracy(called)
    }),
];

/// The figures of whole images of a run.
pub(super) fn images(
    run: &Evaluated,
    images: &Images,
    bootstrap: &Bootstrap,
) -> Result<Vec<Column>> {
    let scores = images.of(run, |row| row.score);
    let called = images.of(run, |row| row.verdict == Verdict::Anomalous);
    let broken = |source| Error::Pixels {
        path: run.folder.scores(),
        source,
    };
    let ranking = ImageRanking::new(&scores, &images.truth()).map_err(broken)?;
    let measure = |weights: &[u32]| -> Vec<metrics::Result<f64>> {
        match ranking.weighted(weights) {
            Ok(resample) => IMAGES
                .iter()
                .map(|(_, of)| of(&resample, &called))
                .collect(),
            Err(reason) => vec![Err(reason); IMAGES.len()],
        }
    };
    let values = measure(&vec![1; scores.len()]);
    let draws = bootstrap.values(&images.clusters, measure);
    let columns = IMAGES.iter().zip(values).enumerate();
    let columns: Vec<_> = columns
        .map(|(place, (&(key, _), value))| Column {
            key,
            value: value.map_err(|reason| reason.to_string()),
            draws: column(&draws, place),
        })
        .collect();
    check_one_evaluation(run, images, &columns)?;
    Ok(columns)
}

/// One figure of all resamples.
pub(super) fn column(
    draws: &metrics::Result<Vec<Vec<metrics::Result<f64>>>>,
    place: usize,
) -> Result<Vec<metrics::Result<f64>>, String> {
    let draws = draws.as_ref().map_err(ToString::to_string)?;
    Ok(draws
        .iter()
        .filter_map(|values| values.get(place).copied())
        .collect())
}

/// Fails where `metrics.json` is not of the images of `scores.csv`: one of the two was replaced.
fn check_one_evaluation(run: &Evaluated, images: &Images, columns: &[Column]) -> Result<()> {
    let whole = images.all.len() == run.rows.len();
    for Column { key, value, .. } in columns.iter().filter(|_| whole) {
        if let (Some(found), Ok(value)) = (run.number(key), value)
            && (found - value).abs() > 1e-9
        {
            return Err(Error::Config {
                origin: run.folder.metrics().display().to_string(),
                why: format!(
                    "{key} is {found} here, but {value} by scores.csv: they are not of one evaluation; evaluate the run again \
                     with cavga eval"
                ),
            });
        }
    }
    Ok(())
}
