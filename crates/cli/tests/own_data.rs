//! A user's own data through the program: folders and masks by any name, counted, and refused where train and test share an image.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{fs, path::Path, process::Command};

use common::{Set, TINY, cavga, fail, succeed};
use serde_json::Value;

/// The generated set, laid out as nobody's layout: `ok/`, `ng/<kind>/`, and all masks in one folder.
fn laid_out(set: &Set) -> std::path::PathBuf {
    let (from, to) = (set.data(), set.path("own"));
    fs::create_dir_all(to.join("masks")).unwrap();
    fs::rename(from.join("train/good"), to.join("ok")).unwrap();
    fs::create_dir(to.join("ng")).unwrap();
    for kind in fs::read_dir(from.join("test")).unwrap() {
        let kind = kind.unwrap().file_name().into_string().unwrap();
        if kind == "good" {
            continue;
        }
        fs::create_dir(to.join("ng").join(&kind)).unwrap();
        for image in fs::read_dir(from.join("test").join(&kind)).unwrap() {
            let image = image.unwrap().path();
            let stem = image.file_stem().unwrap().to_str().unwrap();
            let name = format!("{kind}-{stem}");
            fs::rename(
                &image,
                to.join("ng").join(&kind).join(format!("{name}.png")),
            )
            .unwrap();
            let mask = from
                .join("ground_truth")
                .join(&kind)
                .join(format!("{stem}_mask.png"));
            fs::rename(mask, to.join("masks").join(format!("{name}_gt.png"))).unwrap();
        }
    }
    fs::write(to.join("ok/notes.txt"), "of the line").unwrap();
    to
}

fn train(root: &Path, run: &Path) -> Command {
    let mut command = cavga(["train", "cavga-d-u", "--normal", "ok", "--anomalous", "ng"]);
    command
        .args(["--masks", "masks"])
        .arg("--out")
        .arg(run)
        .args(TINY);
    command.current_dir(root);
    command
}

#[test]
fn folders_of_any_layout_are_trained_on_and_measured_and_every_file_is_counted() {
    let set = Set::new();
    let root = laid_out(&set);
    let run = set.path("run");
    let said = succeed(&mut train(&root, &run));
    assert!(said.contains("1 not (not an image by its name)"), "{said}");
    let mut eval = cavga(["eval", "--json", "--no-maps"]);
    let json: Value = serde_json::from_str(&succeed(eval.arg(&run))).unwrap();
    assert!(json["pixel_auroc"].is_number(), "{json}");
    // One of the seven normal images is kept for the test, by seed.
    assert_eq!(
        (&json["n_test_normal"], &json["n_test_anomalous"]),
        (&Value::from(1), &Value::from(5))
    );
    let images = &json["images"];
    assert_eq!(
        (&images["seen"], &images["used"]),
        (&Value::from(13), &Value::from(6))
    );
    assert_eq!(images["refused"]["not a test image"], 6);
    let mut check = cavga([
        "data",
        "check",
        "--normal",
        "ok",
        "--anomalous",
        "ng",
        "--masks",
        "masks",
    ]);
    let said = succeed(check.current_dir(&root));
    assert!(said.contains("matched"), "{said}");
}

#[test]
fn an_image_in_train_and_test_is_refused_before_training_and_in_another_folder_too() {
    let set = Set::new();
    let root = laid_out(&set);
    let copy = root.join("ng/blob");
    let first = fs::read_dir(root.join("ok"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let first = first
        .filter(|path| path.extension().is_some_and(|e| e == "png"))
        .min()
        .unwrap();
    // The same pixels in another format.
    image::open(&first)
        .unwrap()
        .save(copy.join("copy.bmp"))
        .unwrap();
    let without_masks = |command: &mut Command| {
        command.args(["--normal", "ok", "--anomalous", "ng"]);
    };
    let mut leaking = cavga(["train", "cavga-d-u", "--test-normal", "ok/none"]);
    leaking
        .args(["--out"])
        .arg(set.path("leak"))
        .args(TINY)
        .current_dir(&root);
    fs::create_dir(root.join("ok/none")).unwrap();
    fs::copy(&first, root.join("ok/none/other.png")).unwrap();
    leaking.args(["--normal", "ok/*.png", "--anomalous", "ng"]);
    let said = fail(&mut leaking, 1);
    assert!(
        said.contains("expected an image not seen in training"),
        "{said}"
    );
    assert!(!set.path("leak").exists());
    succeed(leaking.arg("--allow-leaks"));

    fs::remove_dir_all(root.join("ok/none")).unwrap();
    let clean = set.path("clean");
    fs::remove_file(copy.join("copy.bmp")).unwrap();
    let mut begun = cavga(["train", "cavga-d-u", "--out"]);
    begun.arg(&clean).args(TINY).current_dir(&root);
    without_masks(&mut begun);
    succeed(&mut begun);
    image::open(&first)
        .unwrap()
        .save(copy.join("copy.bmp"))
        .unwrap();
    let other = set.path("other");
    fs::create_dir_all(other.join("test/bad")).unwrap();
    fs::copy(copy.join("copy.bmp"), other.join("test/bad/seen.bmp")).unwrap();
    fs::create_dir_all(other.join("train/good")).unwrap();
    fs::copy(copy.join("blob-000.png"), other.join("train/good/0.png")).unwrap();
    let mut eval = cavga(["eval", "--no-maps", "--data"]);
    let said = fail(
        eval.arg(&other)
            .arg(&clean)
            .args(["--normal", "train", "--anomalous", "test"]),
        1,
    );
    assert!(said.contains("the same pixels"), "{said}");
}

/// The split of own data depends on how many images there are: what was learnt from must be known by more than today's listing.
#[test]
fn an_image_more_does_not_make_training_images_test_images() {
    let set = Set::new();
    let root = laid_out(&set);
    let run = set.path("run");
    succeed(&mut train(&root, &run));
    let added = image::RgbImage::from_pixel(64, 64, image::Rgb([9, 99, 199]));
    for name in ["000a.png", "001a.png", "zzz.png"] {
        added.save(root.join("ok").join(name)).unwrap();
        let said = common::stderr(&cavga(["eval", "--no-maps"]).arg(&run).output().unwrap());
        if said.contains("expected an image not seen in training, found the same bytes") {
            return;
        }
    }
    panic!("three images more and no training image is tested on: another seed is needed");
}

#[cfg(unix)]
#[test]
fn a_test_image_that_is_gone_is_counted() {
    let set = Set::new();
    let run = set.path("run");
    succeed(set.train(&run).args(["--set", "data.missing=0.3"]));
    let mut eval = cavga(["eval", "--no-maps", "--json"]);
    eval.arg(&run);
    let json = |eval: &mut Command| -> Value { serde_json::from_str(&succeed(eval)).unwrap() };
    let before = json(&mut eval)["images"]["used"].clone();
    let good = set.data().join("test/good");
    std::os::unix::fs::symlink(good.join("nowhere.png"), good.join("gone.png")).unwrap();
    let after = json(&mut eval);
    assert_eq!(after["images"]["used"], before);
    assert_eq!(after["images"]["refused"]["gone when it was read"], 1);
}

#[test]
fn a_dataset_asked_for_wrongly_is_a_wrong_argument() {
    let set = Set::new();
    let mut command = set.train(&set.path("run"));
    let own = [
        "--normal",
        "train",
        "--anomalous",
        "test",
        "--test-share",
        "2",
    ];
    let said = fail(command.args(own), 2);
    assert!(said.contains("test_share"), "{said}");
}

#[test]
fn a_training_image_spoilt_since_does_not_keep_a_run_from_being_measured() {
    let set = Set::new();
    let run = set.trained("run");
    let first = fs::read_dir(set.data().join("train/good")).unwrap().next();
    fs::write(first.unwrap().unwrap().path(), b"no picture any more").unwrap();
    let output = cavga(["eval", "--no-maps"]).arg(&run).output().unwrap();
    let said = common::stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("cannot tell by their pixels"), "{said}");
}
