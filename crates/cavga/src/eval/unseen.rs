//! The test images that a run did not learn from: an evaluation must never measure on another.

use cavga_data::{Test, TestSample};
use rayon::prelude::*;

use crate::{
    Error, Result,
    model::Model,
    run::{Learnt, Record, RunFolder},
};

/// The test images without those that were learnt from.
pub(super) struct Unseen {
    pub(super) rest: Test,
    /// Test images left out. One that lies there twice counts twice.
    pub(super) removed: usize,
    /// Images learnt from that were found nowhere in the test set.
    pub(super) unknown: usize,
}

/// Leaves out what was learnt from. Images are told by their bytes: a dataset may have been copied, and its files renamed,
/// since. In the very folder that was learnt from (`is_own`) they are told by their names too, as files there may have been
/// written again.
pub(super) fn unseen(test: Vec<TestSample>, learnt: &[Learnt], is_own: bool) -> Result<Unseen> {
    if learnt.is_empty() {
        return Ok(Unseen {
            rest: test.into(),
            removed: 0,
            unknown: 0,
        });
    }
    let found = test.len();
    let hashes = test
        .par_iter()
        .map(|test| Ok(test.sample.sha256()?))
        .collect::<Result<Vec<_>>>()?;
    let is_same = |learnt: &Learnt, test: &TestSample, sha256: &str| {
        learnt.sha256 == *sha256 || (is_own && learnt.id == test.sample.id)
    };
    let is_unknown = |learnt: &&Learnt| {
        let mut images = test.iter().zip(&hashes);
        !images.any(|(test, sha256)| is_same(learnt, test, sha256))
    };
    let unknown = learnt.iter().filter(is_unknown).count();
    let rest: Vec<_> = test
        .into_iter()
        .zip(hashes)
        .filter(|(test, sha256)| !learnt.iter().any(|learnt| is_same(learnt, test, sha256)))
        .map(|(test, _)| test)
        .collect();
    Ok(Unseen {
        removed: found - rest.len(),
        rest: rest.into(),
        unknown,
    })
}

/// Requires that the record says which anomalous images the model learnt from, if its method learns from some.
pub(super) fn check_record(run: &RunFolder, record: &Record, model: &Model) -> Result<()> {
    let why = if !model.method().learns_from_anomalous() {
        return Ok(());
    } else if record.anomalous.is_empty() {
        "record.anomalous: expected the test images that the model learnt from, found none"
    } else if record.fingerprint != model.data() {
        "record.fingerprint: expected that of the images that the model learnt from, found another"
    } else {
        return Ok(());
    };
    Err(Error::Config {
        origin: run.record().display().to_string(),
        why: format!(
            "{why}: none of them may be measured on; put back the run.toml that training wrote, or train again"
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cavga_data::{
        Dataset,
        generate::{GenerateConfig, write_dataset},
    };

    use super::*;

    #[test]
    fn what_was_learnt_from_leaves_the_test_set_under_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("data");
        let test = write_dataset(&root, &GenerateConfig::tiny()).unwrap().test;
        let scratch = test
            .iter()
            .find(|test| test.sample.label.kind() == "scratch");
        let scratch = &scratch.unwrap().sample;
        let learnt = Learnt {
            id: scratch.id.clone(),
            sha256: scratch.sha256().unwrap(),
        };
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&root, &elsewhere).unwrap();
        fs::remove_dir_all(elsewhere.join("ground_truth")).unwrap();
        fs::rename(elsewhere.join("test/scratch"), elsewhere.join("test/line")).unwrap();
        // The same bytes twice: both go.
        fs::copy(
            elsewhere.join("test/line/000.png"),
            elsewhere.join("test/blob/007.png"),
        )
        .unwrap();
        let test = Dataset::open(&elsewhere).unwrap().test;
        assert_eq!(test.len(), 8);
        let found = unseen(test.clone(), &[learnt], false).unwrap();
        assert_eq!((found.rest.len(), found.removed, found.unknown), (6, 2, 0));
        let is_line = |test: &TestSample| test.sample.label.kind() == "line";
        assert!(!found.rest.iter().any(is_line));
        assert_eq!(unseen(test, &[], false).unwrap().removed, 0);
    }

    #[test]
    fn what_was_learnt_from_is_left_out_of_its_own_folder_with_other_bytes_too() {
        let folder = tempfile::tempdir().unwrap();
        let test = write_dataset(folder.path(), &GenerateConfig::tiny())
            .unwrap()
            .test;
        let [first, second, ..] = &test[..] else {
            panic!("expected test images");
        };
        let learnt = |of: &TestSample, sha256: &str| Learnt {
            id: of.sample.id.clone(),
            sha256: sha256.to_owned(),
        };
        // One as it was, one written again.
        let learnt = [
            learnt(first, &first.sample.sha256().unwrap()),
            learnt(second, "of other bytes"),
        ];
        let counts = |is_own| {
            let found = unseen(test.clone(), &learnt, is_own).unwrap();
            (test.len() - found.rest.len(), found.removed, found.unknown)
        };
        assert_eq!(counts(true), (2, 2, 0));
        assert_eq!(counts(false), (1, 1, 1));
    }
}
