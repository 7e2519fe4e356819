//! `cavga weights`: what there is, and what to do where the network is forbidden.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{fs, path::Path, process::Command};

use common::{Set, cavga, fail, succeed};

fn weights<'a>(folder: &Path, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = cavga(["weights"]);
    command
        .args(args)
        .env("CAVGA_WEIGHTS", folder)
        .env("CAVGA_OFFLINE", "1");
    command
}

#[test]
fn all_backbones_are_listed_with_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("resnet-34.safetensors"), "a file of the user's own").unwrap();
    fs::write(path("resnet50-0676ba61.pth"), "half a file").unwrap();
    let text = succeed(&mut weights(folder.path(), []));
    let missing = path("resnet18-f37072fd.pth");
    for said in [
        format!("not here; belongs at {}", missing.display()),
        "here, your own file: ".to_owned(),
        "damaged (SHA-256 ".to_owned(),
        "BSD-3-Clause".to_owned(),
        "https://download.pytorch.org/models/resnet18-f37072fd.pth".to_owned(),
    ] {
        assert!(text.contains(&said), "expected {said}: {text}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&succeed(&mut weights(folder.path(), ["--json"]))).unwrap();
    let states = json["weights"].as_array().unwrap().iter();
    let states: Vec<_> = states
        .map(|entry| entry["state"].as_str().unwrap())
        .collect();
    assert_eq!(
        states,
        [
            "missing", "own", "damaged", "missing", "missing", "missing", "missing"
        ]
    );
    assert_eq!(json["weights"][0]["path"], missing.to_str().unwrap());
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_not_called_in_utf_8_is_listed_in_json() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let folder = Path::new("no-folder-").join(OsStr::from_bytes(b"\xff"));
    let said = succeed(&mut weights(&folder, ["--json"]));
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(json["folder"], folder.to_string_lossy().as_ref());
    assert_eq!(json["weights"][0]["state"], "missing");
    let path = json["weights"][0]["path"].as_str().unwrap();
    assert!(path.ends_with("resnet18-f37072fd.pth"), "{path}");
}

#[test]
fn offline_the_error_says_which_file_to_put_where() {
    let folder = tempfile::tempdir().unwrap();
    let said = fail(&mut weights(folder.path(), ["resnet-18"]), 2);
    let path = folder.path().join("resnet18-f37072fd.pth");
    assert!(
        said.contains("CAVGA_OFFLINE") && said.contains(path.to_str().unwrap()),
        "{said}"
    );
    fs::write(folder.path().join("resnet-18.pth"), "mine").unwrap();
    let text = succeed(&mut weights(folder.path(), ["resnet-18", "--json"]));
    assert!(text.contains("\"state\":\"own\""), "{text}");
}

#[test]
fn a_backbone_that_does_not_exist_is_a_wrong_argument() {
    let folder = tempfile::tempdir().unwrap();
    let said = fail(&mut weights(folder.path(), ["resnet18"]), 2);
    assert!(said.contains("did you mean resnet-18?"), "{said}");
}

/// Another file would have helped: that is a matter of the settings.
#[test]
fn a_weight_file_that_does_not_fit_has_exit_code_2() {
    let set = Set::new();
    let train = |file: &Path| {
        let mut command = cavga(["train", "cavga-r-u", "--data"]);
        command.arg(set.data()).arg("--out").arg(set.path("run"));
        command.args(["--set", "data.size=[64,64]", "--set"]);
        command.arg(format!("method.encoder.weights={}", file.display()));
        fail(&mut command, 2)
    };
    let broken = set.path("broken.pth");
    fs::write(&broken, "no weights").unwrap();
    let said = train(&broken);
    assert!(said.contains("broken.pth: neither safetensors"), "{said}");
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/weights/net-zip.pth");
    let said = train(&other);
    assert!(said.contains("the weights of another network"), "{said}");
}
