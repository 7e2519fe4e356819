//! What a report shows of an evaluation.

use std::{collections::BTreeMap, path::Path};

use cavga_metrics as metrics;

use super::{
    Figures, Measured, TestImage,
    cost::Cost,
    gallery,
    measure::prefix,
    verdicts::{decided, few},
};
use crate::{
    Result,
    calibration::Rule,
    config::RunConfig,
    measure::Curves,
    report::{Curve, HeatScale, Histogram, Report},
    run::Record,
    train::LogLine,
};

/// A mean attention outside of this has nowhere left to go.
const SATURATED: std::ops::RangeInclusive<f64> = 0.02..=0.98;

/// What an evaluation found.
pub(super) struct Page<'a> {
    pub(super) measured: &'a Measured<'a>,
    pub(super) figures: &'a Figures,
    pub(super) kinds: &'a BTreeMap<String, (usize, Figures)>,
    pub(super) curves: &'a Curves,
    pub(super) log: &'a [LogLine],
    pub(super) cost: Cost,
}

impl Page<'_> {
    /// The report.
    pub(super) fn report(&self, run: (&RunConfig, &Record), data: &Path) -> Result<Report> {
        let category = data
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let calibration = self.measured.calibration;
        let heat = calibration.maps.get(self.measured.shown).map(|scale| HeatScale {
            low: scale.range().0,
            high: scale.range().1,
            what: format!(
                "{}; from its mean on held-out normal images, the middle being their highest value",
                scale.name
            ),
        });
        Ok(Report {
            subtitle: format!(
                "{}, {} test images",
                run.0.method.name(),
                self.measured.images.len()
            ),
            summary: self.summary(),
            warnings: self.warnings(),
            sections: self.sections(&category),
            verdicts: Some(self.verdicts()),
            histogram: Some(self.histogram()),
            roc: self.roc(),
            precision_recall: self.precision_recall(),
            pro: curve("pixels", &self.curves.pro, self.map_value("aupro_0.30")),
            pro_limit: metrics::AUPRO_LIMIT,
            kinds: Some(self.kind_table()),
            galleries: gallery::galleries(self.measured)?,
            heat,
            losses: self.losses(),
            losses_over: "step".to_owned(),
            facts: [facts(run, data), self.cost.facts()].concat(),
            title: category,
        })
    }

    /// What the figures of the shown map are called in front.
    pub(super) fn shown(&self) -> String {
        let Measured {
            calibration, shown, ..
        } = self.measured;
        calibration
            .maps
            .get(*shown)
            .map_or_else(String::new, |scale| prefix(*shown, &scale.name))
    }

    /// A figure of the shown map.
    fn map_value(&self, key: &str) -> Option<f64> {
        self.value(&format!("{}{key}", self.shown()))
    }

    fn value(&self, key: &str) -> Option<f64> {
        self.figures.get(key)?.as_ref().ok().copied()
    }

    pub(super) fn images(&self, anomalous: bool) -> impl Iterator<Item = &TestImage> {
        self.measured
            .images
            .iter()
            .filter(move |image| image.is_anomalous() == anomalous)
    }

    /// Where the own score's threshold comes from.
    fn rule(&self) -> Rule {
        let own = self.measured.calibration.scores.first();
        own.map_or(Rule::HeldOut, |scale| scale.rule)
    }

    fn summary(&self) -> String {
        let Measured {
            calibration, shown, ..
        } = self.measured;
        let map = calibration
            .maps
            .get(*shown)
            .map_or_else(String::new, |scale| {
                format!(
                    " Pictures, and figures of pixels on top, are of the map {}.",
                    scale.name
                )
            });
        let learnt = match self.measured.n_learnt {
            0 => String::new(),
            n => format!(" and {n} anomalous"),
        };
        let threshold = match self.rule() {
            Rule::HeldOut => {
                let own = calibration.scores.first();
                let n = own.map_or(0, |own| decided(own, calibration.n_held_out).0);
                format!(", the threshold from {n} more")
            }
            Rule::OwnBoundary => "; the threshold is its own".to_owned(),
        };
        let removed = match self.measured.removed {
            0 => String::new(),
            n => format!(" Test images left out, as it learnt from them: {n}."),
        };
        format!(
            "Of {} anomalous test images, {} were found; of {} normal ones, {} were called anomalous. The model learnt \
             from {} normal{learnt} images{threshold}.{removed}{map}",
            self.images(true).count(),
            self.flagged(true),
            self.images(false).count(),
            self.flagged(false),
            calibration.n_train,
        )
    }

    fn warnings(&self) -> Vec<String> {
        let calibration = self.measured.calibration;
        let own = calibration.scores.first();
        let mut warnings = Vec::new();
        warnings.extend(own.and_then(|own| few(own, calibration.n_held_out)));
        warnings.extend(calibration.warning());
        if let (Some(own), Some(prior)) = (
            self.map_value("pixel_auroc"),
            self.map_value("prior_pixel_auroc"),
        ) && prior >= own
        {
            warnings.push(format!(
                "The map says no more than its mean over training images does (pixel AUROC {own:.3}, control {prior:.3}): \
                 it knows where objects lie, not where defects are."
            ));
        }
        warnings.extend(saturated(self.log));
        warnings
    }

    fn histogram(&self) -> Histogram {
        let scale = self.measured.calibration.scores.first();
        Histogram {
            normal: self.images(false).map(TestImage::score).collect(),
            anomalous: self.images(true).map(TestImage::score).collect(),
            threshold: scale.map(|scale| f64::from(scale.threshold)),
            unit: scale
                .map(|scale| format!("score {}", scale.name))
                .unwrap_or_default(),
        }
    }

    fn scores_and_truth(&self) -> (Vec<f32>, Vec<bool>) {
        self.measured
            .images
            .iter()
            .map(|image| (image.score(), image.is_anomalous()))
            .unzip()
    }

    fn roc(&self) -> Vec<Curve> {
        let (scores, truth) = self.scores_and_truth();
        let points = metrics::roc_curve(&scores, &truth).unwrap_or_default();
        let points: Vec<_> = points
            .iter()
            .map(|point| (point.false_positive_rate, point.true_positive_rate))
            .collect();
        let mut curves = curve("images", &points, self.value("image_auroc"));
        curves.extend(curve(
            "pixels",
            &self.curves.roc,
            self.map_value("pixel_auroc"),
        ));
        curves
    }

    fn precision_recall(&self) -> Vec<Curve> {
        let (scores, truth) = self.scores_and_truth();
        let points = metrics::precision_recall_curve(&scores, &truth).unwrap_or_default();
        let points: Vec<_> = points
            .iter()
            .map(|point| (point.recall, point.precision))
            .collect();
        curve("images", &points, self.value("image_average_precision"))
    }

    fn losses(&self) -> Vec<Curve> {
        let mut losses: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for line in self.log {
            for (name, value) in &line.losses {
                losses
                    .entry(name)
                    .or_default()
                    .push((line.step as f64, *value));
            }
        }
        losses
            .into_iter()
            .map(|(name, points)| Curve {
                name: name.to_owned(),
                area: None,
                points,
            })
            .collect()
    }
}

/// A warning for each attention that has nowhere left to go at the end of training: of CAVGA's one or, where it learns from
/// labels, of those of the two classes. A method without attention logs no such value.
fn saturated(log: &[LogLine]) -> Vec<String> {
    let attentions = [
        ("attention_mean", "The attention"),
        (
            "attention_normal_mean",
            "The attention of the class \"normal\"",
        ),
        (
            "attention_anomalous_mean",
            "The attention of the class \"anomalous\"",
        ),
    ];
    let warning = |(key, what)| {
        let mean = log.last()?.losses.get(key)?;
        (!SATURATED.contains(mean)).then(|| {
            format!(
                "{what} saturates: its mean is {mean:.3} at the end of training, so that one minus it says little."
            )
        })
    };
    attentions.into_iter().filter_map(warning).collect()
}

/// A curve, or none if it has no points.
fn curve(name: &str, points: &[(f64, f64)], area: Option<f64>) -> Vec<Curve> {
    let curve = Curve {
        name: name.to_owned(),
        area,
        points: points.to_vec(),
    };
    Some(curve)
        .filter(|curve| !curve.points.is_empty())
        .into_iter()
        .collect()
}

fn facts((config, record): (&RunConfig, &Record), data: &Path) -> Vec<(String, String)> {
    let [height, width] = config.data.size;
    let mut facts = vec![
        (
            "method",
            format!("{}: {}", config.method.name(), config.method.summary()),
        ),
        ("paper", config.method.paper().to_owned()),
        ("evaluated on", data.display().to_string()),
        ("trained on", record.data.display().to_string()),
        (
            "fingerprint of the training images",
            record.fingerprint.clone(),
        ),
        ("image size", format!("{height} x {width}")),
        (
            "passes, steps",
            format!("{}, {}", record.passes, record.steps),
        ),
        ("seed", config.train.seed.to_string()),
        ("device", format!("{} on {}", record.device, record.system)),
        ("version", record.version.clone()),
    ];
    if let Some([height, width]) = config.data.tile {
        let overlap = config.data.overlap;
        let tiles = format!("{height} x {width}, sharing at least {overlap} of a side");
        facts.push(("tiles", tiles));
    }
    if let Some(regions) = &config.data.regions {
        facts.push(("regions", regions.display().to_string()));
    }
    if !record.anomalous.is_empty() {
        let ids: Vec<_> = record.anomalous.iter().map(|learnt| &*learnt.id).collect();
        facts.push(("anomalous images learnt from", ids.join(", ")));
    }
    if let Some(training) = &record.training {
        facts.push(("training time", format!("{:.1} minutes", training.minutes)));
        if let Some(memory) = training.peak_memory_mib {
            facts.push(("peak memory", format!("{memory:.0} MiB")));
        }
    }
    facts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attentions_of_both_classes_are_watched() {
        let line = |losses: &[(&str, f64)]| LogLine {
            step: 1,
            pass: 1,
            losses: losses
                .iter()
                .map(|&(name, value)| (name.to_owned(), value))
                .collect(),
            images_per_second: 1.0,
            seconds: 1.0,
        };
        let weak = [
            ("attention_normal_mean", 0.5),
            ("attention_normal_spread", 0.0),
            ("attention_anomalous_mean", 0.001),
        ];
        let [said] = &saturated(&[line(&weak)])[..] else {
            panic!("expected one warning");
        };
        assert!(
            said.contains("\"anomalous\" saturates: its mean is 0.001"),
            "{said}"
        );
        let one = saturated(&[line(&[]), line(&[("attention_mean", 0.99)])]);
        assert!(one[0].contains("The attention saturates"), "{one:?}");
        assert!(saturated(&[]).is_empty());
    }
}
