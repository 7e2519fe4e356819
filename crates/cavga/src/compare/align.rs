//! The images that all runs were measured on, and what the dataset knows of them.

use std::collections::BTreeMap;

use cavga_data::{Limits, TestSample};
use cavga_metrics::Clusters;

use super::{CompareOptions, read::Evaluated};
use crate::{Error, Result};

/// The test images of the dataset by their ids.
pub(super) struct Known {
    by_id: BTreeMap<String, TestSample>,
    limits: Limits,
}

impl Known {
    /// Those of the dataset given, or of the one that the first run was trained on; or why they are not known.
    pub(super) fn open(
        runs: &[Evaluated],
        options: &CompareOptions,
    ) -> std::result::Result<Self, String> {
        let first = runs.first().ok_or_else(|| "no run".to_owned())?;
        let data = options.data.as_ref().unwrap_or(&first.record.data);
        let spec = options
            .dataset
            .as_ref()
            .unwrap_or(&first.config.data.dataset);
        let unknown = |why: String| {
            format!(
                "masks, groups and pictures of the test images are not known: {why}; intervals take images to be independent, \
                 and are too narrow where they come in groups"
            )
        };
        let dataset = spec
            .open(data)
            .map_err(|error| unknown(error.to_string()))?;
        let named = dataset.test.into_iter();
        let by_id: BTreeMap<_, _> = named.map(|test| (test.sample.id.clone(), test)).collect();
        let strange = first.rows.keys().find(|id| !by_id.contains_key(*id));
        if let Some(id) = strange {
            return Err(unknown(format!(
                "{}: has no test image {id}, which {} was evaluated on; give the dataset of the evaluation with --data",
                data.display(),
                first.folder.path().display()
            )));
        }
        Ok(Self {
            by_id,
            limits: first.config.data.limits(),
        })
    }
}

/// A test image of all runs.
pub(super) struct Image {
    pub(super) id: String,
    pub(super) anomalous: bool,
    pub(super) kind: String,
    /// What the dataset has of it.
    pub(super) test: Option<TestSample>,
}

/// The images that all runs were measured on, in the order of their ids.
pub(super) struct Images {
    pub(super) all: Vec<Image>,
    pub(super) clusters: Clusters,
    /// Whether any of them belong together.
    pub(super) grouped: bool,
    /// How many images were left out because not all runs were measured on them.
    pub(super) left_out: usize,
    pub(super) limits: Limits,
    /// Why the dataset is not known.
    pub(super) unknown: Option<String>,
}

impl Images {
    pub(super) fn shared(
        runs: &[Evaluated],
        known: &std::result::Result<Known, String>,
        common: bool,
    ) -> Result<Self> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for run in runs {
            for id in run.rows.keys() {
                *counts.entry(id).or_default() += 1;
            }
        }
        let partial: Vec<_> = counts
            .iter()
            .filter(|&(_, &count)| count < runs.len())
            .map(|(&id, _)| id)
            .collect();
        if let (Some(&id), false) = (partial.first(), common) {
            return Err(others(runs, id, partial.len()));
        }
        let known = known.as_ref();
        let mut all = Vec::with_capacity(counts.len() - partial.len());
        for (&id, _) in counts.iter().filter(|&(_, &count)| count == runs.len()) {
            let (anomalous, kind) = label(runs, id)?;
            let test = known.ok().and_then(|known| known.by_id.get(id));
            all.push(Image {
                id: id.to_owned(),
                anomalous,
                kind,
                test: test.cloned(),
            });
        }
        if let (true, Some(first)) = (all.is_empty(), runs.first()) {
            return Err(Error::OtherImages {
                path: first.folder.path().to_owned(),
                why: "no test image is common to all runs; evaluate them on one dataset".to_owned(),
            });
        }
        // An image without a group is one of its own.
        let group = |image: &Image| match &image.test {
            Some(test) => test.sample.group.clone().ok_or(image.id.clone()),
            None => Err(image.id.clone()),
        };
        let groups: Vec<_> = all.iter().map(group).collect();
        let clusters = Clusters::grouped(&groups);
        Ok(Self {
            grouped: clusters.count() < all.len(),
            clusters,
            all,
            left_out: partial.len(),
            limits: known.map(|known| known.limits).unwrap_or_default(),
            unknown: known.err().cloned(),
        })
    }

    /// Whether a test that takes images to be independent may be made: none belong together, as far as the dataset can be asked.
    pub(super) fn are_independent(&self) -> bool {
        !self.grouped && self.unknown.is_none()
    }

    pub(super) fn truth(&self) -> Vec<bool> {
        self.all.iter().map(|image| image.anomalous).collect()
    }

    /// What a run says of each image.
    pub(super) fn of<'r, V>(
        &self,
        run: &'r Evaluated,
        what: impl Fn(&'r super::read::Row) -> V,
    ) -> Vec<V> {
        // All of them are there: `all` holds the images of every run.
        let rows = self.all.iter().filter_map(|image| run.rows.get(&image.id));
        rows.map(what).collect()
    }
}

/// What an image is, on which all runs must agree.
fn label(runs: &[Evaluated], id: &str) -> Result<(bool, String)> {
    let mut agreed: Option<(&Evaluated, bool, &str)> = None;
    for run in runs {
        let Some(row) = run.rows.get(id) else {
            continue;
        };
        match agreed {
            None => agreed = Some((run, row.anomalous, &row.kind)),
            Some((first, anomalous, kind))
                if (anomalous, kind) != (row.anomalous, row.kind.as_str()) =>
            {
                return Err(Error::OtherImages {
                    path: run.folder.scores(),
                    why: format!(
                        "{id} is {} here and {} in {}; evaluate the runs on one dataset",
                        said(row.anomalous, &row.kind),
                        said(anomalous, kind),
                        first.folder.scores().display()
                    ),
                });
            }
            Some(_) => {}
        }
    }
    Ok(
        agreed.map_or((false, String::new()), |(_, anomalous, kind)| {
            (anomalous, kind.to_owned())
        }),
    )
}

/// A label with its kind, in words.
fn said(anomalous: bool, kind: &str) -> String {
    let label = if anomalous { "anomalous" } else { "normal" };
    format!("{label} ({kind})")
}

/// Says that not all runs were measured on an image, the first of so many.
fn others(runs: &[Evaluated], id: &str, count: usize) -> Error {
    let path = |has: bool| {
        let run = runs.iter().find(|run| run.rows.contains_key(id) == has);
        run.map(|run| run.folder.path().to_owned())
            .unwrap_or_default()
    };
    Error::OtherImages {
        why: format!(
            "was not measured on {id}, as {} was (of {count} images that not all runs were measured on); evaluate all on one \
             dataset, or compare the images that they share with --common",
            path(true).display()
        ),
        path: path(false),
    }
}
