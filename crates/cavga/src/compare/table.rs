//! All that a comparison found.

use std::collections::BTreeMap;

use cavga_metrics::{Bootstrap, delong_difference};
use serde::Serialize;

use super::{
    align::Images,
    disagree::{self, Disagreement, Verdicts},
    figures::{Column, Difference, Estimate, Measured},
    read::Evaluated,
    seeds::{self, Seeds},
};

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The images that all runs were measured on.
    pub images: ImagesCompared,
    /// How many resamples the intervals are of.
    pub resamples: usize,
    /// The seed that fixes them.
    pub seed: u64,
    /// The share of the values that an interval holds.
    pub level: f64,
    /// The runs, as they were given.
    pub runs: Vec<RunRow>,
    /// Each other run against the first.
    pub differences: Vec<DifferenceRow>,
    /// Runs that differ by their seeds alone.
    pub seeds: Vec<Seeds>,
    /// What a reader should know, in sentences.
    pub notes: Vec<String>,
}

/// The images of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImagesCompared {
    /// Normal ones.
    pub n_test_normal: usize,
    /// Anomalous ones.
    pub n_test_anomalous: usize,
    /// How many draws a resample is made of: groups of images, or images.
    pub n_groups: usize,
    /// Whether some images belong together.
    pub grouped: bool,
    /// Images left out because not all runs were measured on them.
    pub left_out: usize,
}

/// A run and its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRow {
    /// The folder's name, or its path where two are called alike.
    pub name: String,
    /// The folder.
    pub path: String,
    /// The method's name.
    pub method: String,
    /// The score that decides.
    pub score: Option<String>,
    /// The map that figures of pixels are of: the method's own, or the one that was drawn instead.
    pub map: Option<String>,
    /// The seed of the training.
    pub seed: u64,
    /// Figures by name.
    pub figures: BTreeMap<&'static str, Estimate>,
    /// What it cost.
    pub costs: Costs,
}

/// What a run costs, as far as it was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Costs {
    /// Milliseconds to score one image.
    pub scoring_ms_per_image: Option<f64>,
    /// Minutes in the training loop.
    pub training_minutes: Option<f64>,
    /// The most memory that training held.
    pub training_peak_memory_mib: Option<f64>,
    /// The most memory that the evaluation held.
    pub eval_peak_memory_mib: Option<f64>,
    /// The size of the model file.
    pub model_mib: Option<f64>,
}

/// What runs cost: as in `metrics.json`, and as a heading.
pub(super) const COSTS: [(&str, &str); 5] = [
    ("scoring_ms_per_image", "scoring, ms an image"),
    ("training_minutes", "training, minutes"),
    ("training_peak_memory_mib", "training, peak MiB"),
    ("eval_peak_memory_mib", "evaluation, peak MiB"),
    ("model_mib", "model, MiB"),
];

impl Costs {
    fn of(run: &Evaluated) -> Self {
        let size = std::fs::metadata(run.folder.model()).ok();
        let size = size.map(|file| file.len() as f64 / f64::from(1 << 20));
        let training = run.record.training.as_ref();
        Self {
            scoring_ms_per_image: run.number("scoring_ms_per_image"),
            training_minutes: training.map(|training| training.minutes),
            training_peak_memory_mib: training.and_then(|training| training.peak_memory_mib),
            eval_peak_memory_mib: run.number("eval_peak_memory_mib"),
            model_mib: run.number("model_mib").or(size),
        }
    }

    /// The value of each of [`COSTS`].
    pub(super) fn values(&self) -> [Option<f64>; 5] {
        [
            self.scoring_ms_per_image,
            self.training_minutes,
            self.training_peak_memory_mib,
            self.eval_peak_memory_mib,
            self.model_mib,
        ]
    }
}

/// A run against the first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DifferenceRow {
    /// The run's name.
    pub run: String,
    /// The first run's name.
    pub first: String,
    /// Each figure of the run minus that of the first.
    pub figures: BTreeMap<&'static str, Difference>,
    /// Which of the two is right how often.
    pub verdicts: Verdicts,
    /// The images that they rank most differently, the most first.
    pub disagreements: Vec<Disagreement>,
}

/// What a comparison is made of.
pub(super) struct Inputs<'a> {
    pub(super) runs: &'a [Evaluated],
    pub(super) names: &'a [String],
    pub(super) images: &'a Images,
    /// Of each run, its figures.
    pub(super) measured: &'a [Measured],
    pub(super) bootstrap: &'a Bootstrap,
}

impl Inputs<'_> {
    pub(super) fn comparison(&self) -> Comparison {
        let anomalous = self
            .images
            .truth()
            .iter()
            .filter(|&&anomalous| anomalous)
            .count();
        let all = self.runs.iter().zip(self.names).zip(self.measured);
        let mut comparison = Comparison {
            images: ImagesCompared {
                n_test_normal: self.images.all.len() - anomalous,
                n_test_anomalous: anomalous,
                n_groups: self.images.clusters.count(),
                grouped: self.images.grouped,
                left_out: self.images.left_out,
            },
            resamples: self.bootstrap.resamples,
            seed: self.bootstrap.seed,
            level: self.bootstrap.level,
            runs: all
                .map(|((run, name), measured)| self.row(run, name, measured))
                .collect(),
            differences: self.differences(),
            seeds: seeds::of(self.runs, self.names, self.measured),
            notes: Vec::new(),
        };
        comparison.notes = comparison.notes(self.images.unknown.as_deref(), self.measured);
        comparison
    }

    fn row(&self, run: &Evaluated, name: &str, measured: &Measured) -> RunRow {
        let figures = measured.columns.iter();
        let drawn = measured.map.as_deref();
        RunRow {
            name: name.to_owned(),
            path: run.folder.path().display().to_string(),
            method: run.config.method.name().to_owned(),
            score: run.own("score").map(str::to_owned),
            map: drawn.or(run.own("map")).map(str::to_owned),
            seed: run.config.train.seed,
            figures: figures
                .map(|column| (column.key, column.estimate(self.bootstrap)))
                .collect(),
            costs: Costs::of(run),
        }
    }

    fn differences(&self) -> Vec<DifferenceRow> {
        let mut all = self.runs.iter().zip(self.names).zip(self.measured);
        let Some(((first, first_name), first_measured)) = all.next() else {
            return Vec::new();
        };
        let row = |((run, name), measured): ((&Evaluated, &String), &Measured)| DifferenceRow {
            run: name.clone(),
            first: first_name.clone(),
            figures: self.figures((run, &measured.columns), (first, &first_measured.columns)),
            verdicts: disagree::verdicts(self.images, first, run),
            disagreements: disagree::images(self.images, first, run),
        };
        all.map(row).collect()
    }

    /// Each figure of a run minus that of the first.
    fn figures(
        &self,
        (run, columns): (&Evaluated, &[Column]),
        (first, others): (&Evaluated, &[Column]),
    ) -> BTreeMap<&'static str, Difference> {
        let pairs = columns.iter().filter_map(|column| {
            let other = others.iter().find(|other| other.key == column.key)?;
            Some((column.key, column.minus(other, self.bootstrap)))
        });
        let mut figures: BTreeMap<_, _> = pairs.collect();
        let auroc = figures.get_mut("image_auroc");
        if let (Some(auroc), true) = (auroc, self.images.are_independent()) {
            let [run, first] = [run, first].map(|run| self.images.of(run, |row| row.score));
            let found = delong_difference(&run, &first, &self.images.truth());
            auroc.delong_p = found.and_then(|found| found.p()).ok();
        }
        figures
    }
}

impl Comparison {
    /// What a reader should know.
    fn notes(&self, unknown: Option<&str>, measured: &[Measured]) -> Vec<String> {
        let mut notes: Vec<String> = unknown.map(str::to_owned).into_iter().collect();
        if self.images.left_out > 0 {
            notes.push(format!(
                "Images left out, as not all runs were measured on them: {}. Figures are of the others, and may differ from those \
                 in metrics.json; whether maps are of the evaluation could not be checked by it.",
                self.images.left_out
            ));
        }
        let mut drawn: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (run, measured) in self.runs.iter().zip(measured) {
            if let Some(map) = &measured.map {
                drawn.entry(map).or_default().push(&run.name);
            }
        }
        for (map, runs) in drawn {
            notes.push(format!(
                "Figures of pixels of {} are of the map {map}, which the evaluation drew in place of the method\u{2019}s own.",
                runs.join(", ")
            ));
        }
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for run in &self.runs {
            for reason in run
                .figures
                .values()
                .filter_map(|figure| figure.undefined.as_deref())
                .filter(|reason| Some(*reason) != unknown)
            {
                let runs = reasons.entry(reason).or_default();
                if !runs.contains(&run.name.as_str()) {
                    runs.push(&run.name);
                }
            }
        }
        for (reason, runs) in reasons {
            notes.push(format!(
                "No value or no interval in {}: {reason}.",
                runs.join(", ")
            ));
        }
        let perfect = |figure: &Estimate| figure.value == Some(1.0) && figure.low == Some(1.0);
        if self
            .runs
            .iter()
            .any(|run| run.figures.values().any(perfect))
        {
            notes.push(
                "An interval that is a point at 1 says that these images hold no failure, not that none will come.".to_owned(),
            );
        }
        if self.differences.len() > 1 {
            notes.push(
                "Each difference is looked at by itself: among many, some intervals miss 0 by chance."
                    .to_owned(),
            );
        }
        notes
    }
}
