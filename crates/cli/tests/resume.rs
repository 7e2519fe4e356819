//! Interrupted training: killed, stopped, diverged, resumed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::{Set, cavga, fail, succeed};
#[cfg(unix)]
use common::{interrupt, stderr};

/// Passes enough that a signal hits in the middle.
const LONG: [&str; 4] = [
    "--set",
    "train.passes=40",
    "--set",
    "train.checkpoint_steps=1",
];

fn model(run: &Path) -> Vec<u8> {
    fs::read(run.join("model.safetensors")).unwrap()
}

fn steps(run: &Path) -> Vec<u64> {
    let log = fs::read_to_string(run.join("train.jsonl")).unwrap();
    let step = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["step"]
            .as_u64()
            .unwrap()
    };
    log.lines().map(step).collect()
}

#[cfg(unix)]
#[test]
fn killed_and_resumed_equals_uninterrupted() {
    let set = Set::new();
    let (whole, killed) = (set.path("whole"), set.path("killed"));
    succeed(set.train(&whole).args(LONG));
    let mut at = 0;
    // Three kills, each in the middle of another pass; the last sitting finishes.
    for target in [4, 50, 90] {
        let mut command = set.train(&killed);
        let output = interrupt(command.args(LONG).arg("--resume"), &killed, target, "-KILL");
        assert!(!output.status.success());
        assert!(
            !killed.join("model.safetensors").exists(),
            "killed too late to prove anything"
        );
        at = steps(&killed).len();
    }
    assert!(at >= 90);
    succeed(cavga(["train", "--resume", "--out"]).arg(&killed));
    assert!(model(&whole) == model(&killed), "other bytes");
    assert_eq!(
        steps(&killed),
        (1..=120).collect::<Vec<_>>(),
        "the log has each step once"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_writes_a_checkpoint_and_says_how_to_go_on() {
    let set = Set::new();
    let (whole, stopped) = (set.path("whole"), set.path("stopped"));
    let long = ["--set", "train.passes=40"];
    succeed(set.train(&whole).args(long));
    let output = interrupt(set.train(&stopped).args(long), &stopped, 3, "-INT");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(
        said.contains("go on with: cavga train --resume --out"),
        "{said}"
    );
    assert!(stopped.join("checkpoint.safetensors").is_file());
    assert!(!stopped.join("model.safetensors").exists());
    let said = fail(cavga(["predict"]).arg(&stopped).arg(set.data()), 1);
    assert!(said.contains("--resume"), "{said}");
    succeed(cavga(["train", "--resume", "--out"]).arg(&stopped));
    assert!(model(&whole) == model(&stopped), "other bytes");
}

/// A loss that is not a number ends training at once; the checkpoint from before is whole.
#[test]
fn a_diverging_training_keeps_its_last_good_checkpoint() {
    let set = Set::new();
    let run = set.path("run");
    let mut command = set.train(&run);
    command.args([
        "--set",
        "method.adam.rate=1e30",
        "--set",
        "train.checkpoint_steps=1",
        "--set",
        "train.passes=50",
    ]);
    let said = fail(&mut command, 1);
    assert!(said.contains("diverged at step"), "{said}");
    assert!(!run.join("model.safetensors").exists());
    if run.join("checkpoint.safetensors").exists() {
        cavga::tensor_file::load(&run.join("checkpoint.safetensors")).unwrap();
    }
}

#[test]
fn a_finished_run_is_not_trained_over() {
    let set = Set::new();
    let run = set.trained("run");
    let before = model(&run);
    let said = fail(&mut set.train(&run), 2);
    assert!(said.contains("--resume"), "{said}");
    succeed(cavga(["train", "--resume", "--out"]).arg(&run));
    assert!(before == model(&run));
}

#[test]
fn resuming_something_else_is_refused() {
    let set = Set::new();
    let run = set.trained("run");
    let said = fail(
        set.train(&run)
            .args(["--resume", "--set", "method.latent.channels=5"]),
        2,
    );
    assert!(said.contains("method.latent.channels = 4, not 5"), "{said}");
    let mut other = cavga(["train", "cavga-r-u", "--resume", "--data"]);
    let said = fail(other.arg(set.data()).arg("--out").arg(&run), 2);
    assert!(
        said.contains("cavga-r-u") && said.contains("cavga-d-u"),
        "{said}"
    );
    fs::remove_file(set.data().join("train/good/000.png")).unwrap();
    let said = fail(set.train(&run).arg("--resume"), 2);
    assert!(said.contains("fingerprint"), "{said}");
    let said = fail(
        cavga(["train", "--resume", "--out"]).arg(set.path("none")),
        1,
    );
    assert!(said.contains("run.toml"), "{said}");
}

/// Ctrl-C says to go on with `--resume --out RUN` alone: that must not move a run to another device.
#[test]
fn a_resumed_run_stays_on_its_device() {
    let set = Set::new();
    let run = set.trained("run");
    let record = fs::read_to_string(run.join("run.toml")).unwrap();
    let elsewhere = record.replace("device = \"cpu\"", "device = \"abacus\"");
    assert!(record != elsewhere);
    fs::write(run.join("run.toml"), elsewhere).unwrap();
    let said = fail(cavga(["train", "--resume", "--out"]).arg(&run), 2);
    assert!(said.contains("abacus is no device"), "{said}");
    succeed(cavga(["train", "--resume", "--device", "cpu", "--out"]).arg(&run));
}
