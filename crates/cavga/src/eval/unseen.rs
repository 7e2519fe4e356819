//! The test images that a run did not learn from: an evaluation must never measure on another.

use std::collections::BTreeSet;

use cavga_data::{Test, TestSample};
use rayon::prelude::*;

use crate::{
    Error, Result,
    model::Model,
    run::{Learnt, Record, RunFolder},
};

/// Leaves out what was learnt from, and says how many those were. Images are told by their bytes: a dataset may have been
/// copied, and its files renamed, since.
pub(super) fn unseen(test: Vec<TestSample>, learnt: &[Learnt]) -> Result<(Test, usize)> {
    if learnt.is_empty() {
        return Ok((test.into(), 0));
    }
    let found = test.len();
    let learnt: BTreeSet<_> = learnt.iter().map(|learnt| learnt.sha256.as_str()).collect();
    let is_learnt = test
        .par_iter()
        .map(|test| Ok(learnt.contains(test.sample.sha256()?.as_str())))
        .collect::<Result<Vec<_>>>()?;
    let rest: Vec<_> = test
        .into_iter()
        .zip(is_learnt)
        .filter_map(|(test, is_learnt)| (!is_learnt).then_some(test))
        .collect();
    let removed = found - rest.len();
    Ok((rest.into(), removed))
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
        let (rest, removed) = unseen(test.clone(), &[learnt]).unwrap();
        assert_eq!((rest.len(), removed), (6, 2));
        assert!(rest.iter().all(|test| test.sample.label.kind() != "line"));
        assert_eq!(unseen(test, &[]).unwrap().1, 0);
    }
}
