//! Pretraining a DC-GAN, from the command line.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{fs, path::Path, process::Command, thread, time::Duration};

use cavga::data::generate::{GenerateConfig, write_dataset};
use common::{Set, cavga, fail, succeed};

/// A set with images beside it that are large enough.
fn new_set() -> Set {
    let set = Set::new();
    let config = GenerateConfig {
        train: 7,
        size: [64, 64],
        ..GenerateConfig::tiny()
    };
    write_dataset(set.path("faces"), &config).unwrap();
    set
}

fn pretrain(set: &Set, out: &Path) -> Command {
    let mut command = cavga(["pretrain", "dcgan"]);
    command
        .arg("--data")
        .arg(set.path("faces").join("train"))
        .arg("--out")
        .arg(out)
        .args(["--set", "width=2", "--set", "latent=4", "--set", "batch=4"]);
    command
}

#[test]
fn a_dcgan_is_pretrained_and_said_in_json() {
    let set = new_set();
    let out = set.path("faces.safetensors");
    let said = succeed(pretrain(&set, &out).args(["--set", "passes=1", "--json"]));
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["about"]["network"], "dcgan");
    assert_eq!(said["about"]["steps"], 2);
    assert!(out.is_file() && set.path("faces.samples.png").is_file());
    let error = fail(&mut pretrain(&set, &out), 2);
    assert!(
        error.contains("faces.safetensors: is there already"),
        "{error}"
    );
}

#[test]
fn a_killed_pretraining_goes_on_to_the_same_file() {
    let set = new_set();
    let (whole, killed) = (
        set.path("whole.safetensors"),
        set.path("killed.safetensors"),
    );
    let long = ["--set", "passes=40", "--checkpoint-minutes", "0"];
    succeed(pretrain(&set, &whole).args(long));
    let mut child = pretrain(&set, &killed).args(long).spawn().unwrap();
    let logged =
        || fs::read_to_string(set.path("killed.jsonl")).map_or(0, |log| log.lines().count());
    // A child that ends by itself before the kill has not been killed, and would prove nothing.
    while logged() < 5 && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!killed.exists(), "killed too late to prove anything");
    succeed(pretrain(&set, &killed).args(long).arg("--resume"));
    assert!(fs::read(&whole).unwrap() == fs::read(&killed).unwrap());
}

#[test]
fn wrong_settings_and_places_are_said_with_exit_code_2() {
    let set = new_set();
    let out = set.path("a.safetensors");
    let error = fail(pretrain(&set, &out).args(["--set", "width=0"]), 2);
    assert!(error.contains("width = 0"), "{error}");
    let error = fail(&mut pretrain(&set, &set.path("no/a.safetensors")), 2);
    assert!(error.contains("is missing; make it first"), "{error}");
}
