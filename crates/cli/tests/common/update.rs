//! Models that can be updated, and updating them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cavga::Trail;

use super::{Set, cavga, succeed};

const SETTINGS: [&str; 4] = [
    "--set",
    "data.size=[64,64]",
    "--set",
    "method.encoder.weights=none",
];

/// A run on the images of a folder.
pub(crate) fn train(
    set: &Set,
    method: &str,
    data: &Path,
    name: &str,
    settings: &[&str],
) -> PathBuf {
    let run = set.path(name);
    let mut command = cavga(["train", method, "--data"]);
    command.arg(data).arg("--out").arg(&run).args(SETTINGS);
    for setting in settings {
        command.args(["--set", setting]);
    }
    succeed(&mut command);
    run
}

pub(crate) fn update(model: &Path) -> Command {
    let mut command = cavga(["update"]);
    command.arg(model);
    command
}

pub(crate) fn add(model: &Path, folder: &Path) -> Command {
    let mut command = update(model);
    command.arg("--add").arg(folder);
    command
}

pub(crate) fn forget(model: &Path, ids: &[&str]) -> Command {
    let mut command = update(model);
    command.arg("--forget").args(ids);
    command
}

pub(crate) fn trail(model: &Path) -> Trail {
    cavga::trail(model).unwrap()
}

pub(crate) fn bytes(run: &Path) -> Vec<u8> {
    fs::read(run.join("model.safetensors")).unwrap()
}

/// The id of the one image that a run held out.
pub(crate) fn held_out(run: &Path) -> String {
    let trail = trail(run);
    let mut ids = trail.held_out().map(|image| image.id.clone());
    let id = ids.next().unwrap();
    assert_eq!(ids.next(), None);
    id
}

/// Ids of images that a run learnt.
pub(crate) fn learnt(run: &Path) -> Vec<String> {
    let trail = trail(run);
    trail.learnt().map(|image| image.id.clone()).collect()
}
