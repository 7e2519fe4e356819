//! Weakly supervised runs: which images they learn from, and that nothing is measured on those.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests"
)]

mod common;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use common::{Set, TINY, cavga, fail, scores, succeed};
use serde_json::Value;

/// Ten anomalous test images, of which a run learns from two.
fn trained(set: &Set) -> PathBuf {
    let run = set.path("weak");
    let mut command = cavga(["train", "cavga-d-w", "--data"]);
    command.arg(set.data()).arg("--out").arg(&run).args(TINY);
    succeed(command.args(["--set", "data.anomalous=0.2"]));
    run
}

/// The ids that the run's record says it learnt from.
fn learnt(run: &Path) -> BTreeSet<String> {
    let (_, record) = cavga::RunFolder::new(run).read_record().unwrap();
    assert_eq!(record.n_anomalous, record.anomalous.len());
    let ids = record.anomalous.into_iter().map(|learnt| learnt.id);
    ids.collect()
}

fn metrics(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("metrics.json")).unwrap()).unwrap()
}

#[test]
fn images_learnt_from_leave_the_test_set_and_the_classifier_decides() {
    let set = Set::with_anomalous(2);
    let run = trained(&set);
    let learnt = learnt(&run);
    assert_eq!(learnt.len(), 2);
    assert!(learnt.iter().all(|id| !id.contains("good")), "{learnt:?}");

    let said = succeed(cavga(["eval"]).arg(&run));
    assert!(
        said.contains("Test images left out, as the run learnt from them: 2."),
        "{said}"
    );
    let figures = metrics(&run);
    let counts = [
        "n_train",
        "n_train_anomalous",
        "n_calibration",
        "n_test_normal",
        "n_test_anomalous",
        "n_test_removed",
    ]
    .map(|key| figures[key].as_u64().unwrap());
    assert_eq!(counts, [6, 2, 1, 2, 8, 2]);
    // The verdict is the classifier's, at its own boundary and under a name that says so.
    assert!(figures["balanced_accuracy_at_own_boundary"].is_number());
    assert!(figures.get("balanced_accuracy_at_threshold").is_none());
    assert!(figures["residual.balanced_accuracy_at_threshold"].is_number());
    let scores = scores(&run);
    assert_eq!(scores.len(), 10);
    for row in &scores {
        assert!(!learnt.contains(&row[0]), "{} was learnt from", row[0]);
        let is_above = row[3].parse::<f32>().unwrap() > 0.0;
        assert_eq!(row[4] == "anomalous", is_above, "{row:?}");
    }
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("Test images left out, as it learnt from them: 2."));
}

/// Whatever the folder and the files are called since: images are known by their bytes.
#[test]
fn images_learnt_from_are_left_out_under_other_names_too() {
    let set = Set::with_anomalous(2);
    let run = trained(&set);
    let elsewhere = set.path("elsewhere");
    fs::rename(set.data(), &elsewhere).unwrap();
    fs::remove_dir_all(elsewhere.join("ground_truth")).unwrap();
    for kind in fs::read_dir(elsewhere.join("test")).unwrap() {
        let folder = kind.unwrap().path();
        for name in ["000.png", "001.png"] {
            let from = folder.join(name);
            fs::rename(&from, from.with_file_name(format!("image-{name}"))).unwrap();
        }
    }
    succeed(
        cavga(["eval", "--no-maps", "--data"])
            .arg(&elsewhere)
            .arg(&run),
    );
    let figures = metrics(&run);
    assert_eq!(figures["n_test_removed"], 2);
    assert_eq!(figures["n_test_anomalous"], 8);
}

/// Without the list nobody knows what must not be measured on.
#[test]
fn a_record_without_its_list_is_not_evaluated() {
    let set = Set::with_anomalous(2);
    let run = trained(&set);
    let record = fs::read_to_string(run.join("run.toml")).unwrap();
    let cut = record.find("[[record.anomalous]]").unwrap();
    let rest = record[cut..]
        .find("\n[record.")
        .map_or("", |end| &record[cut + end..]);
    fs::write(run.join("run.toml"), format!("{}{rest}", &record[..cut])).unwrap();
    let said = fail(cavga(["eval"]).arg(&run), 2);
    assert!(
        said.contains("run.toml: record.anomalous: expected"),
        "{said}"
    );
}

#[test]
fn too_few_anomalous_images_are_named_before_training() {
    let set = Set::new();
    for kind in ["blob", "misprint", "missing_part", "scratch"] {
        fs::remove_dir_all(set.data().join("test").join(kind)).unwrap();
        fs::remove_dir_all(set.data().join("ground_truth").join(kind)).unwrap();
    }
    let run = set.path("run");
    let mut command = cavga(["train", "cavga-d-w", "--data"]);
    let command = command.arg(set.data()).arg("--out").arg(&run).args(TINY);
    let said = fail(command, 1);
    assert!(said.contains("1 anomalous test images"), "{said}");
    assert!(said.contains("at least 2 needed"), "{said}");
    assert!(!run.exists());
    let mut command = cavga(["train", "cavga-d-w", "--set", "data.anomalous=0", "--data"]);
    let said = fail(command.arg(set.data()).arg("--out").arg(&run), 2);
    assert!(
        said.contains("data.anomalous = 0: expected a part in (0, 1)"),
        "{said}"
    );
}

/// The same seed draws the same images, another seed others; what is learnt from normal images alone is what it was.
#[test]
fn the_seed_decides_which_images_are_drawn() {
    let set = Set::with_anomalous(4);
    let drawn = |name: &str, seed: &str| {
        let run = set.path(name);
        let mut command = cavga(["train", "cavga-d-w", "--seed", seed, "--data"]);
        command.arg(set.data()).arg("--out").arg(&run).args(TINY);
        succeed(command.args(["--set", "train.passes=1", "--set", "data.anomalous=0.2"]));
        learnt(&run)
    };
    let first = drawn("a", "0");
    assert_eq!(first.len(), 4);
    assert_eq!(first, drawn("b", "0"));
    assert_ne!(first, drawn("c", "1"));
    let run = set.trained("plain");
    assert!(learnt(&run).is_empty());
    succeed(cavga(["eval", "--no-maps"]).arg(&run));
    let figures = metrics(&run);
    assert_eq!(figures["n_test_removed"], 0);
    assert_eq!(figures["n_test_anomalous"], 20);
}
