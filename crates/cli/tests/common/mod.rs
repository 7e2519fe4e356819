//! What the tests of the program share: a tiny generated dataset, a tiny configuration, and running the program.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test file uses a part of this; tests may panic"
)]

pub(crate) mod update;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use cavga::data::generate::{GenerateConfig, write_dataset};

/// Settings that make a training a matter of seconds.
pub(crate) const TINY: [&str; 10] = [
    "--set",
    "data.size=[64,64]",
    "--set",
    "method.latent.channels=4",
    "--set",
    "method.dcgan_width=4",
    "--set",
    "train.batch=2",
    "--set",
    "train.passes=2",
];

/// A dataset of about a dozen images in a folder that goes away with the value.
pub(crate) struct Set {
    folder: tempfile::TempDir,
}

impl Set {
    pub(crate) fn new() -> Self {
        Self::with_anomalous(1)
    }

    /// With so many test images of each of the five kinds of defect.
    pub(crate) fn with_anomalous(test_per_defect: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = GenerateConfig {
            train: 7,
            test_per_defect,
            ..GenerateConfig::tiny()
        };
        write_dataset(folder.path().join("data"), &config).unwrap();
        Self { folder }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A path beside the dataset.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The arguments that train a tiny model of this set into `run`.
    pub(crate) fn train(&self, run: &Path) -> Command {
        let mut command = cavga(["train", "cavga-d-u"]);
        command
            .arg("--data")
            .arg(self.data())
            .arg("--out")
            .arg(run)
            .args(TINY);
        command
    }

    /// A trained run.
    pub(crate) fn trained(&self, name: &str) -> PathBuf {
        let run = self.path(name);
        succeed(&mut self.train(&run));
        run
    }
}

/// The program with arguments.
pub(crate) fn cavga<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cavga"));
    command.args(args);
    command
}

/// Runs a command that must succeed; its standard output.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must fail with this exit code; its standard error.
pub(crate) fn fail(command: &mut Command, code: i32) -> String {
    let output = command.output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
    assert!(
        !said.contains("panicked") && !said.contains("RUST_BACKTRACE"),
        "{said}"
    );
    assert!(said.contains("error: "), "{said}");
    said
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder of normal images like the set's, but none of them.
pub(crate) fn more_normal(set: &Set, count: usize, seed: u64) -> PathBuf {
    let whole = set.path(&format!("whole-{seed}"));
    let config = GenerateConfig {
        train: count,
        seed,
        ..GenerateConfig::tiny()
    };
    write_dataset(&whole, &config).unwrap();
    whole.join("train/good")
}

/// What a command prints with `--json`.
pub(crate) fn json(command: &mut Command) -> serde_json::Value {
    serde_json::from_str(&succeed(command.arg("--json"))).unwrap()
}

/// What `predict` says of images.
pub(crate) fn predicted(run: &Path, images: &Path) -> Vec<serde_json::Value> {
    let said = succeed(cavga(["predict", "--json"]).arg(run).arg(images));
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The rows of a run's `scores.csv`, without its head: id, label, kind, score, verdict, ...
pub(crate) fn scores(run: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(run.join("scores.csv")).unwrap();
    text.lines()
        .skip(1)
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

/// Starts the program and sends it the signal as soon as so many steps of a run are logged.
#[cfg(unix)]
pub(crate) fn interrupt(command: &mut Command, run: &Path, steps: usize, signal: &str) -> Output {
    let child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let begun = std::time::Instant::now();
    let logged = || {
        std::fs::read_to_string(run.join("train.jsonl"))
            .unwrap_or_default()
            .lines()
            .count()
    };
    while logged() < steps {
        assert!(begun.elapsed().as_secs() < 120, "no step in two minutes");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let status = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
    child.wait_with_output().unwrap()
}
