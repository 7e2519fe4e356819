//! A full disk: what was there before stays, the error names the file.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

mod common;

use std::{fs, path::Path, process::Command};

use common::{Set, cavga, fail, succeed};

/// A file system of so many KiB, gone with the value; `None` where mounting is not permitted.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(at: &'a Path, kib: u32) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let size = format!("size={kib}k");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(at)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(at)),
            _ => {
                eprintln!("skipped: mounting a small file system is not permitted here");
                None
            }
        }
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn training_on_a_full_disk() {
    let set = Set::new();
    let whole = set.trained("whole");
    let size = fs::metadata(whole.join("checkpoint.safetensors"))
        .unwrap()
        .len()
        / 1024;
    let at = set.path("small");
    // Room for the first checkpoint and for half of its successor.
    let Some(_mounted) = Small::mount(&at, u32::try_from(size * 3 / 2).unwrap()) else {
        return;
    };
    let run = at.join("run");
    let said = fail(
        set.train(&run).args(["--set", "train.checkpoint_steps=1"]),
        1,
    );
    assert!(
        said.contains("checkpoint.safetensors: cannot write") && said.contains("No space left"),
        "{said}"
    );
    cavga::tensor_file::load(&run.join("checkpoint.safetensors")).unwrap();
    let names: Vec<_> = fs::read_dir(&run)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !names
            .iter()
            .any(|name| name.to_string_lossy().ends_with(".partial")),
        "{names:?}"
    );

    // Elsewhere there is room: the run goes on from its checkpoint and ends as one that was never stopped.
    let moved = set.path("moved");
    fs::create_dir(&moved).unwrap();
    for name in names {
        fs::copy(run.join(&name), moved.join(&name)).unwrap();
    }
    succeed(cavga(["train", "--resume", "--out"]).arg(&moved));
    let model = |run: &Path| fs::read(run.join("model.safetensors")).unwrap();
    assert!(model(&moved) == model(&whole));
}

#[test]
fn predicting_into_a_full_disk_names_the_file() {
    let set = Set::new();
    let run = set.trained("run");
    let at = set.path("small");
    let Some(_mounted) = Small::mount(&at, 8) else {
        return;
    };
    let said = fail(
        cavga(["predict", "--out"])
            .arg(at.join("out"))
            .arg(&run)
            .arg(set.data()),
        1,
    );
    assert!(
        said.contains("cannot write") && said.contains(at.to_str().unwrap()),
        "{said}"
    );
}

#[test]
fn evaluating_on_a_full_disk_names_the_file_and_leaves_no_half_of_one() {
    let set = Set::new();
    let whole = set.trained("whole");
    let names = ["run.toml", "model.safetensors"];
    let kib = |name: &str| fs::metadata(whole.join(name)).unwrap().len().div_ceil(1024);
    let at = set.path("small");
    // Room for the model, not for the report.
    let size = names.into_iter().map(kib).sum::<u64>() + 40;
    let Some(_mounted) = Small::mount(&at, u32::try_from(size).unwrap()) else {
        return;
    };
    for name in names {
        fs::copy(whole.join(name), at.join(name)).unwrap();
    }
    let said = fail(cavga(["eval", "--no-maps"]).arg(&at), 1);
    assert!(
        said.contains("report.html: cannot write") && said.contains("No space left"),
        "{said}"
    );
    assert!(!at.join("report.html").exists() && !at.join("report.html.partial").exists());
}
