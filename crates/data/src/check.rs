//! Everything that is wrong with a dataset, at once and file by file: fixing a set one error at a time is what people
//! give up over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Serialize, Serializer};

use crate::dataset::Dataset;
use crate::decode::{Depth, Limits, depth, require_unit_range};
use crate::error::{Error, Result};
use crate::leak::{Twins, how, pixel_digest, twins};
use crate::mask::{MaskSource, require_same_size};
use crate::sample::{Sample, TestSample};
use crate::spec::DatasetSpec;

/// One thing that is wrong, or odd.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file or folder it is about.
    #[serde(serialize_with = "as_text")]
    pub path: PathBuf,
    /// Its short name in kebab-case: `"truncated"`, `"mask-size"`, ... ([`Error::kind`]).
    pub kind: String,
    /// The whole message: what was expected, what was found, what to do.
    pub message: String,
}

/// A path as text: names that are no Unicode must not keep a report from being written.
fn as_text<S: Serializer>(path: &Path, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}

/// How much there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Normal images to learn from.
    pub train: usize,
    /// Normal images to test on.
    pub test_normal: usize,
    /// Anomalous images to test on.
    pub test_anomalous: usize,
    /// Masks that belong to an image.
    pub masks: usize,
    /// Test images of each kind, `good` included.
    pub kinds: BTreeMap<String, usize>,
    /// Images of each size, as `height x width`, among those that decode.
    pub sizes: BTreeMap<String, usize>,
}

/// What [`check`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What has to be mended, sorted by path.
    pub problems: Vec<Problem>,
    /// What may be meant, sorted by path.
    pub warnings: Vec<Problem>,
    /// How much there is.
    pub counts: Counts,
}

/// What the names of a dataset's files say: its images, whatever is wrong with it.
#[derive(Debug, Clone)]
pub struct Survey {
    /// What was found.
    pub dataset: Dataset,
    /// What keeps it from being opened, the first of them first.
    pub problems: Vec<Problem>,
    /// What may be meant.
    pub warnings: Vec<Problem>,
}

impl DatasetSpec {
    /// Finds the images below `root` as [`DatasetSpec::open`] does, and does not stop at a problem: for whoever looks a set
    /// over, not for training.
    pub fn survey(&self, root: &Path) -> Survey {
        let found = self.scan(root);
        let problems = found.problems.iter().map(|error| problem(root, error));
        let warnings = found.warnings.into_iter();
        Survey {
            dataset: found.dataset,
            problems: problems.collect(),
            warnings: warnings
                .map(|(path, w)| warning(&path, w.kind, &w.message))
                .collect(),
        }
    }
}

/// What was seen of one sample.
struct Seen {
    problems: Vec<Error>,
    size: Option<[usize; 2]>,
    /// Of its pixels.
    digest: Option<[u8; 32]>,
}

/// Looks at every file of a dataset: names, contents, masks against images, training images against test images.
///
/// It never fails: a folder that is missing is a report with that one problem. Every image is decoded in full, several
/// at a time. The report's order does not depend on the threads.
pub fn check(spec: &DatasetSpec, root: &Path, limits: &Limits) -> Report {
    let Survey {
        dataset,
        mut problems,
        mut warnings,
    } = spec.survey(root);
    let (samples, masks): (Vec<&Sample>, Vec<Option<&MaskSource>>) =
        dataset.samples_and_masks().into_iter().unzip();
    let seen: Vec<Seen> = samples
        .par_iter()
        .zip(&masks)
        .map(|(sample, mask)| look(sample, *mask, limits))
        .collect();

    for seen in &seen {
        problems.extend(seen.problems.iter().map(|error| problem(root, error)));
    }
    let counts = count(&dataset, &seen);
    compare(
        root,
        spec.allow_leaks,
        dataset.train.len(),
        &samples,
        &seen,
        (&mut problems, &mut warnings),
    );
    if counts.sizes.len() > 1 {
        let sizes: Vec<String> = counts
            .sizes
            .iter()
            .map(|(size, n)| format!("{n} of {size}"))
            .collect();
        let message = format!(
            "has images of several sizes ({}); all are resized to one, with other scales",
            sizes.join(", ")
        );
        warnings.push(warning(root, "several-sizes", &message));
    }
    problems.sort();
    problems.dedup();
    warnings.sort();
    Report {
        problems,
        warnings,
        counts,
    }
}

/// How much there is of everything.
fn count(dataset: &Dataset, seen: &[Seen]) -> Counts {
    let mut counts = Counts {
        train: dataset.train.len(),
        masks: dataset
            .test
            .iter()
            .filter(|test| test.mask.is_some())
            .count(),
        ..Counts::default()
    };
    for [height, width] in seen.iter().filter_map(|seen| seen.size) {
        *counts
            .sizes
            .entry(format!("{height} x {width}"))
            .or_default() += 1;
    }
    for TestSample { sample, .. } in &dataset.test {
        *counts
            .kinds
            .entry(sample.label.kind().to_string())
            .or_default() += 1;
        *(if sample.label.is_anomalous() {
            &mut counts.test_anomalous
        } else {
            &mut counts.test_normal
        }) += 1;
    }
    counts
}

/// Decodes a sample and its mask.
fn look(sample: &Sample, mask: Option<&MaskSource>, limits: &Limits) -> Seen {
    let mut seen = Seen {
        problems: Vec::new(),
        size: None,
        digest: None,
    };
    match decoded(sample, limits) {
        Ok((size, digest)) => {
            seen.size = Some(size);
            // What cannot be decoded has its own problem, and an empty file equals every other empty file.
            seen.digest = Some(digest);
        }
        Err(error) => seen.problems.push(error),
    }
    if let Some(source) = mask {
        let path = source.path();
        match source.load(limits) {
            Ok(mask) => {
                if mask.area() == 0 {
                    seen.problems.push(Error::EmptyMask {
                        path: path.to_path_buf(),
                        of: sample.path().to_path_buf(),
                    });
                }
                let same = seen
                    .size
                    .map(|image| require_same_size(sample, path, image, [mask.height, mask.width]));
                seen.problems.extend(same.and_then(Result::err));
            }
            Err(error) => seen.problems.push(error),
        }
    }
    seen
}

/// An image's size and the digest of its pixels.
fn decoded(sample: &Sample, limits: &Limits) -> Result<([usize; 2], [u8; 32])> {
    let image = sample.source.decode(limits)?;
    let size = [image.height() as usize, image.width() as usize];
    if let (Depth::Float, Some(image)) = (depth(&image), image.as_rgb32f()) {
        require_unit_range(sample.path(), size[1], image.as_raw())?;
    }
    Ok((size, pixel_digest(&image)))
}

/// Finds images with the same pixels: a problem between training and test (a warning where leaks are allowed), else a warning.
fn compare(
    root: &Path,
    allow_leaks: bool,
    n_train: usize,
    samples: &[&Sample],
    seen: &[Seen],
    (problems, warnings): (&mut Vec<Problem>, &mut Vec<Problem>),
) {
    let digests: Vec<_> = seen.iter().map(|seen| seen.digest).collect();
    for Twins { first, place } in twins(&digests) {
        let (Some(image), Some(other)) = (samples.get(place), samples.get(first)) else {
            continue;
        };
        let (path, twin) = (image.path(), other.path());
        match how(image, other) {
            Err(error) => problems.push(problem(root, &error)),
            Ok(same) if first < n_train && place >= n_train => {
                let leak = Error::Leak {
                    path: path.to_path_buf(),
                    other: twin.to_path_buf(),
                    same,
                    more: 0,
                };
                let to = if allow_leaks {
                    &mut *warnings
                } else {
                    &mut *problems
                };
                to.push(problem(root, &leak));
            }
            Ok(same) => {
                let message = format!("has the same {same} as {}", twin.display());
                warnings.push(warning(path, &format!("same-{same}"), &message));
            }
        }
    }
}

fn problem(root: &Path, error: &Error) -> Problem {
    let path = error.path().unwrap_or(root).to_path_buf();
    Problem {
        path,
        kind: error.kind().into(),
        message: error.to_string(),
    }
}

fn warning(path: &Path, kind: &str, message: &str) -> Problem {
    Problem {
        path: path.to_path_buf(),
        kind: kind.into(),
        message: format!("{}: {message}", path.display()),
    }
}
