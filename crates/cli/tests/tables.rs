//! `cavga tables`: cells that say what is missing, runs that several tables and processes share, a page whose links hold.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cavga::data::generate::{GenerateConfig, write_dataset};
use common::{cavga, fail, json, stderr, succeed};
use serde_json::Value;

/// Datasets below a root that goes away with the value.
struct Root(tempfile::TempDir);

impl Root {
    fn new(rows: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (seed, row) in (0..).zip(rows) {
            let config = GenerateConfig {
                seed,
                train: 7,
                test_per_defect: 1,
                ..GenerateConfig::tiny()
            };
            write_dataset(folder.path().join("sets").join(row), &config).unwrap();
        }
        Self(folder)
    }

    fn sets(&self) -> PathBuf {
        self.0.path().join("sets")
    }

    fn out(&self) -> PathBuf {
        self.0.path().join("out")
    }

    fn run(&self, name: &str) -> PathBuf {
        self.out().join("runs").join(name)
    }

    /// A table of these methods, each tiny.
    fn tables(&self, table: &str, methods: &str) -> Command {
        let mut command = cavga([
            "tables",
            table,
            "--methods",
            methods,
            "--budget",
            "passes=2",
        ]);
        command.arg("--data").arg(self.sets());
        command.arg("--out").arg(self.out());
        for setting in [
            "data.size=[64,64]",
            "train.batch=2",
            "cavga-d-u:method.latent.channels=4",
            "cavga-d-u:method.dcgan_width=4",
            "patchcore:method.encoder.weights=none",
        ] {
            // Of a method that is not asked for it would be refused.
            let of = setting.split_once(':').map(|(method, _)| method);
            if of.is_none_or(|of| methods.split(',').any(|method| method == of)) {
                command.args(["--set", setting]);
            }
        }
        command
    }

    /// When a run's model was written.
    fn written(&self, run: &str) -> std::time::SystemTime {
        let model = self.run(run).join("model.safetensors");
        fs::metadata(model).unwrap().modified().unwrap()
    }
}

fn cell<'j>(json: &'j Value, row: &str, column: &str) -> &'j Value {
    let mut cells = json["cells"].as_array().unwrap().iter();
    cells
        .find(|cell| cell["row"] == row && cell["column"] == column)
        .unwrap()
}

/// A system of the paper that this build doesn't have, if there is one.
fn not_built() -> Option<&'static str> {
    let known = succeed(&mut cavga(["methods"]));
    let mut systems = ["ulslm", "patho-gan", "smoothgrad", "anogan"].into_iter();
    systems.find(|system| !known.lines().any(|line| line.starts_with(system)))
}

#[test]
fn cells_say_what_is_missing() {
    let root = Root::new(&["toothbrush", "mvtec/metal_nut"]);
    let missing = not_built().unwrap_or("patchcore");
    let found = json(&mut root.tables("3", &format!("patchcore,cavga-d-u,{missing}")));
    let tooth = cell(&found, "toothbrush", "cavga-d-u");
    assert_eq!(
        (&tooth["state"], &tooth["counts"]["passes"]),
        (&"measured".into(), &2.into())
    );
    assert_eq!(tooth["reported"]["iou"]["value"], 0.54);
    assert!(
        tooth["measured"]["iou_best_threshold"].is_number(),
        "{tooth}"
    );
    assert_eq!(
        cell(&found, "toothbrush", "patchcore")["counts"]["passes"],
        1
    );
    assert_eq!(cell(&found, "metal_nut", "cavga-d-u")["state"], "measured");
    assert_eq!(cell(&found, "leather", "cavga-d-u")["state"], "no data");
    if not_built().is_some() {
        assert_eq!(cell(&found, "toothbrush", missing)["state"], "not built");
    }
    let mean = found["means"].as_array().unwrap().iter();
    let mean: Vec<_> = mean.filter(|mean| mean["column"] == "cavga-d-u").collect();
    assert_eq!(
        (&mean[0]["rows"], &mean[0]["of_rows"]),
        (&2.into(), &15.into())
    );
    let page = root.out().join("table-3.html");
    links_hold(&page);
    let csv = fs::read_to_string(root.out().join("table-3.csv")).unwrap();
    assert!(
        csv.lines().count() > 4 && csv.contains(",measured,runs"),
        "{csv}"
    );
}

#[test]
fn a_run_serves_all_tables_and_is_not_made_again() {
    let root = Root::new(&["toothbrush", "metal_nut"]);
    let found = json(&mut root.tables("3", "patchcore,cavga-d-u"));
    let before = root.written("toothbrush/cavga-d-u-seed-0");
    fs::remove_file(root.out().join("table-3.html")).unwrap();
    assert_eq!(json(&mut root.tables("3", "patchcore,cavga-d-u")), found);
    let text = succeed(root.tables("6", "cavga-d-u").args(["--rows", "toothbrush"]));
    assert!(
        text.contains("balanced accuracy") && text.contains("(.91)"),
        "{text}"
    );
    assert_eq!(root.written("toothbrush/cavga-d-u-seed-0"), before);

    // What was measured before stays, whatever is asked for now and however that is to be trained; the table says how it was.
    let text = succeed(root.tables("3", "patchcore").args(["--rows", "metal_nut"]));
    assert!(
        text.contains("CAVGA-D_u") && text.contains("toothbrush"),
        "{text}"
    );
    assert!(!text.contains("leather"), "{text}");
    assert!(text.contains("cavga-d-u (method."), "{text}");

    let said = fail(
        root.tables("3", "cavga-d-u").args(["--budget", "passes=3"]),
        2,
    );
    assert!(said.contains("cannot be used multiple times"), "{said}");
    let mut other = root.tables("3", "cavga-d-u");
    let said = fail(other.args(["--set", "cavga-d-u:train.passes=3"]), 2);
    assert!(said.contains("train.passes = 2, not 3"), "{said}");
}

#[test]
fn figures_of_other_images_are_refused() {
    let root = Root::new(&["toothbrush"]);
    let call = || {
        let mut command = root.tables("3", "patchcore");
        command.args(["--rows", "toothbrush"]);
        command
    };
    succeed(&mut call());
    let set = root.sets().join("toothbrush");
    // In place: the folder is the same, the images are not.
    let learnt = first_file(&set.join("train/good"));
    let bytes = fs::read(&learnt).unwrap();
    let test = set.join("test");
    let normal = first_file(&test.join("good"));
    fs::copy(&normal, &learnt).unwrap();
    let said = fail(&mut call(), 2);
    assert!(said.contains("record.fingerprint"), "{said}");
    fs::write(&learnt, bytes).unwrap();
    succeed(&mut call());
    let kind = fs::read_dir(&test)
        .unwrap()
        .map(|kind| kind.unwrap().path());
    let kind = kind
        .into_iter()
        .find(|kind| !kind.ends_with("good"))
        .unwrap();
    fs::copy(first_file(&kind), normal).unwrap();
    let said = fail(&mut call(), 2);
    assert!(said.contains("test_set"), "{said}");
}

fn first_file(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().path()).min().unwrap()
}

#[test]
fn rows_and_seeds_of_earlier_calls_stay() {
    let root = Root::new(&["ped", "bottle"]);
    let call = |row: &str, seed: &str| {
        let mut command = root.tables("4", "patchcore");
        command.args(["--rows", row, "--seed", seed]);
        succeed(&mut command)
    };
    call("ped", "0");
    let text = call("bottle", "1");
    assert!(
        text.contains("in no mean: bottle, ped.") && text.contains("seed 0, 1"),
        "{text}"
    );
    let csv = fs::read_to_string(root.out().join("table-4.csv")).unwrap();
    for state in [
        "ped,patchcore,,0,measured",
        "ped,patchcore,,1,not run",
        "bottle,patchcore,,1,measured",
    ] {
        assert!(csv.contains(state), "{csv}");
    }
}

/// Every link of a page leads to a file beside it, and there are some.
fn links_hold(page: &Path) {
    let text = fs::read_to_string(page).unwrap();
    let links: Vec<_> = text
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(links.len() >= 4, "{links:?}");
    for link in links {
        assert!(page.with_file_name("").join(link).is_file(), "{link}");
    }
}

#[test]
fn processes_share_the_runs_and_train_none_twice() {
    let root = Root::new(&["bottle", "toothbrush", "ped"]);
    let mut command = root.tables("4", "cavga-d-u,patchcore");
    command.args(["--rows", "ped,bottle,toothbrush", "--jobs", "2"]);
    let output = command.output().unwrap();
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    for row in ["ped", "bottle", "toothbrush"] {
        for method in ["cavga-d-u", "patchcore"] {
            let begun = format!("{row}, {method}, seed 0 (");
            assert_eq!(said.matches(&begun).count(), 1, "{said}");
        }
        let log = root.run(row).join("cavga-d-u-seed-0/train.jsonl");
        assert_eq!(
            fs::read_to_string(log).unwrap().lines().count(),
            6,
            "2 passes of 3 steps"
        );
    }
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("Not in the paper's table, and in no mean: ped, bottle, toothbrush."),
        "{text}"
    );
}

#[test]
fn a_cell_that_fails_says_why_and_the_others_go_on() {
    let root = Root::new(&["bottle", "toothbrush"]);
    for folder in ["test", "ground_truth"] {
        fs::remove_dir_all(root.sets().join("bottle").join(folder)).unwrap();
    }
    let said = fail(
        root.tables("3", "patchcore")
            .args(["--rows", "bottle,toothbrush", "--jobs", "2"]),
        1,
    );
    assert!(said.contains("1 runs came to an error"), "{said}");
    for once in ["bottle, patchcore, seed 0 (", "bottle, patchcore, seed 0: "] {
        assert_eq!(said.matches(once).count(), 1, "tried once: {said}");
    }
    let csv = fs::read_to_string(root.out().join("table-3.csv")).unwrap();
    assert!(csv.contains("bottle,patchcore,,0,failed,"), "{csv}");
    assert!(csv.contains("toothbrush,patchcore,,0,measured,"), "{csv}");
}

#[test]
fn a_size_that_one_method_cannot_work_with_is_of_its_own_cells() {
    let root = Root::new(&["toothbrush"]);
    let mut command = root.tables("3", "cavga-d-u,patchcore");
    command.args(["--rows", "toothbrush", "--set", "data.size=[60,60]"]);
    let said = fail(&mut command, 1);
    assert!(said.contains("1 runs came to an error"), "{said}");
    let csv = fs::read_to_string(root.out().join("table-3.csv")).unwrap();
    for state in [
        "toothbrush,cavga-d-u,CAVGA-D_u,0,failed",
        "toothbrush,patchcore,,0,measured",
    ] {
        assert!(csv.contains(state), "{csv}");
    }
}

#[test]
fn what_is_asked_wrongly_is_said_before_anything_is_run() {
    let root = Root::new(&["toothbrush"]);
    let said = fail(&mut root.tables("9", "vae"), 2);
    assert!(said.contains("3..=8"), "{said}");
    let said = fail(&mut root.tables("3", "patchcor"), 2);
    assert!(said.contains("did you mean patchcore?"), "{said}");
    let said = fail(root.tables("3", "vae").args(["--rows", "brush"]), 2);
    assert!(said.contains("--rows: brush"), "{said}");
    let said = fail(
        root.tables("3", "vae,patchcore")
            .args(["--set", "method.dcgan_width=4"]),
        2,
    );
    assert!(said.contains("for patchcore"), "{said}");
    let said = fail(
        root.tables("3", "vae")
            .args(["--set", "patchcor:train.batch=4"]),
        2,
    );
    assert!(said.contains("did you mean patchcore?"), "{said}");
    for (twice, by) in [
        (&["--set", "train.passes=3"][..], "--budget decides"),
        (
            &["--set", "train.seed=3", "--seeds", "0,1"],
            "--seeds decides",
        ),
    ] {
        let said = fail(root.tables("3", "vae").args(twice), 2);
        assert!(said.contains(by), "{said}");
    }
    assert!(!root.out().exists());
}

/// The signal goes to the first process alone: its end tells the others.
#[cfg(unix)]
#[test]
fn a_stop_reaches_all_processes_and_the_same_command_goes_on() {
    let root = Root::new(&["bottle", "toothbrush"]);
    let command = || {
        let mut command = root.tables("3", "cavga-d-u");
        command.args(["--rows", "bottle,toothbrush", "--jobs", "2"]);
        command.args(["--set", "cavga-d-u:train.passes=150"]);
        command
    };
    let run = root.run("bottle/cavga-d-u-seed-0");
    let output = common::interrupt(&mut command(), &run, 3, "-TERM");
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let log = || {
        fs::read_to_string(run.join("train.jsonl"))
            .unwrap()
            .lines()
            .count()
    };
    // Of other settings it is refused, and at once.
    let mut other = root.tables("3", "patchcore,cavga-d-u");
    other.args(["--rows", "bottle", "--set", "cavga-d-u:train.passes=151"]);
    let said = fail(&mut other, 2);
    assert!(said.contains("train.passes"), "{said}");
    assert!(!root.run("bottle/patchcore-seed-0").exists());
    let steps = log();
    assert!(
        steps < 450 && run.join("checkpoint.safetensors").exists(),
        "{steps}"
    );
    let text = succeed(&mut command());
    assert!(text.contains("150") && log() == 450, "{text}");
}
