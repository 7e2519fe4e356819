//! Which images `cavga calibrate --data` takes, which it refuses, and what becomes of the scores that nothing was asked of.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{fs, path::Path, process::Command};

use common::{Set, TINY, cavga, fail, json, more_normal, predicted, stderr, succeed};
use serde_json::Value;

fn calibrate(run: &Path, data: &Path) -> Command {
    let mut command = cavga(["calibrate"]);
    command.arg(run).arg("--data").arg(data);
    command
}

fn listed(run: &Path) -> String {
    fs::read_to_string(run.join("images.csv")).unwrap()
}

/// Uses of the images in `images.csv`, counted.
fn count(run: &Path, of: &str) -> usize {
    listed(run).matches(&format!(",{of},")).count()
}

/// A dataset whose one normal test image is this one.
fn tested_on(set: &Set, name: &str, image: &Path) -> std::path::PathBuf {
    let root = set.path(name);
    for part in ["train/good", "test/good"] {
        fs::create_dir_all(root.join(part)).unwrap();
    }
    fs::copy(
        set.data().join("train/good/001.png"),
        root.join("train/good/a.png"),
    )
    .unwrap();
    fs::copy(image, root.join("test/good/b.png")).unwrap();
    root
}

/// `calibrate` called images `000.png` and `predict` `.../good/000.png`: a camera claimed them in one and not in the other.
#[test]
fn images_calibrated_on_are_claimed_by_the_cameras_that_claim_them_in_predict() {
    let set = Set::new();
    let regions = set.path("regions.toml");
    fs::write(
        &regions,
        "[[camera]]\nimages = \"good/*.png\"\nsize = [32, 32]\nignore = [[[8, 0], [32, 0], [32, 32], [8, 32]]]\n",
    )
    .unwrap();
    let run = set.path("run");
    let mut command = cavga(["train", "cavga-d-u", "--data"]);
    command.arg(set.data()).arg("--out").arg(&run).args(TINY);
    let regions = format!("data.regions={:?}", regions.display().to_string());
    succeed(command.arg("--set").arg(regions));
    let more = more_normal(&set, 5, 7);
    let found = json(&mut calibrate(&run, &more));
    let highest = predicted(&run, &more)
        .iter()
        .map(|said| said["score"].as_f64().unwrap())
        .fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(found["threshold"].as_f64(), Some(highest));
}

#[test]
fn test_images_and_anomalous_ones_are_refused_by_name() {
    let set = Set::new();
    let run = set.trained("run");
    let before = fs::read(run.join("model.safetensors")).unwrap();
    let refused = |data: &Path| fail(&mut calibrate(&run, data), 1);
    let good = set.data().join("test/good");
    let said = refused(&good);
    assert!(
        said.contains("test/good/000.png: a test image of the run, of the same bytes as")
            && said.contains("chosen on neither test images nor anomalous ones"),
        "{said}"
    );
    // Saved anew in another format.
    let more = more_normal(&set, 3, 7);
    let image = image::open(good.join("000.png")).unwrap();
    image.save(more.join("x.bmp")).unwrap();
    let said = refused(&more);
    assert!(
        said.contains("x.bmp: a test image of the run, of the same pixels as"),
        "{said}"
    );
    // Of another dataset, a whole test set and one kind of it.
    let other = set.path("whole-7/test");
    let said = refused(&other);
    assert!(said.contains("`good` beside other folders"), "{said}");
    let said = refused(&other.join("scratch"));
    assert!(said.contains("anomalous ones of the kind"), "{said}");
    assert!(before == fs::read(run.join("model.safetensors")).unwrap());
    // A test image that cannot be read is no reason not to compare the others.
    fs::write(set.data().join("test/blob/000.png"), b"no image").unwrap();
    let said = refused(&good);
    assert!(
        said.contains("by their bytes alone") && said.contains("a test image of the run"),
        "{said}"
    );
    succeed(&mut calibrate(&run, &other.join("good")));
}

#[test]
fn a_run_without_images_csv_tells_what_it_took_all_the_same() {
    let set = Set::new();
    let run = set.trained("run");
    fs::remove_file(run.join("images.csv")).unwrap();
    let more = more_normal(&set, 4, 7);
    for name in ["000.png", "001.png", "002.png"] {
        let own = set.data().join("train/good").join(name);
        fs::copy(own, more.join(format!("own-{name}"))).unwrap();
    }
    let found = json(&mut calibrate(&run, &more));
    let learnt = &found["left_out"]["the run learnt from it"];
    assert!(learnt.as_u64() >= Some(2), "{found}");
    assert_eq!(
        (count(&run, "learnt from"), count(&run, "held out")),
        (6, 1)
    );
    assert!(count(&run, "calibrated on") >= 4);
    let elsewhere = tested_on(&set, "elsewhere", &more.join("003.png"));
    let mut eval = cavga(["eval", "--data"]);
    let said = fail(eval.arg(&elsewhere).arg(&run), 1);
    assert!(said.contains("the model is calibrated on it"), "{said}");

    // Nothing to go by: it is said, and what was calibrated on is written down.
    fs::remove_file(run.join("images.csv")).unwrap();
    let record = fs::read(run.join("run.toml")).unwrap();
    fs::remove_file(run.join("run.toml")).unwrap();
    let output = calibrate(&run, &more).output().unwrap();
    assert!(output.status.success());
    let said = stderr(&output);
    assert!(
        said.contains("cannot tell whether images were learnt from"),
        "{said}"
    );
    assert_eq!(
        (count(&run, "learnt from"), count(&run, "calibrated on")),
        (0, 7)
    );
    fs::write(run.join("run.toml"), record).unwrap();
    let said = fail(eval.arg("--no-maps"), 1);
    assert!(said.contains("the model is calibrated on it"), "{said}");
}

#[test]
fn another_model_in_the_folder_of_a_run_does_not_make_it_forget() {
    let set = Set::new();
    let run = set.trained("run");
    let (first, second) = (more_normal(&set, 9, 7), more_normal(&set, 4, 8));
    let other = run.join("other.safetensors");
    fs::copy(run.join("model.safetensors"), &other).unwrap();
    succeed(calibrate(&run, &first).args(["--false-alarms", "0.1"]));
    for _ in 0..2 {
        succeed(&mut calibrate(&other, &second));
        assert_eq!(count(&run, "calibrated on"), 13);
    }
    let elsewhere = tested_on(&set, "elsewhere", &first.join("003.png"));
    let mut eval = cavga(["eval", "--data"]);
    let said = fail(eval.arg(&elsewhere).arg(&run), 1);
    assert!(said.contains("the model is calibrated on it"), "{said}");

    // A line that calls an image learnt from held out too, as of a copy, does not make it one to calibrate on.
    let text = listed(&run);
    let learnt = text.lines().find(|line| line.contains(",learnt from,"));
    let learnt = learnt.unwrap();
    let copy = learnt.replace(",learnt from,", ",held out,");
    fs::write(run.join("images.csv"), format!("{text}{copy}\n")).unwrap();
    let own = set.data().join(learnt.split(',').next().unwrap());
    fs::copy(own, second.join("own.png")).unwrap();
    let found = json(&mut calibrate(&other, &second));
    assert_eq!(found["left_out"]["the run learnt from it"], 1);

    // The scores that nothing is asked of have other images too, and other thresholds: listed, if they hold what was asked of them.
    let score = ["--score", "residual-smoothed-max"];
    let said = fail(calibrate(&run, &second).args(score), 2);
    assert!(
        said.contains("0.1 needs at least 9")
            && said.contains("asked of the score residual before"),
        "{said}"
    );
    assert!(!said.contains("scoring"), "{said}");
    let third = more_normal(&set, 10, 9);
    let asked = ["--false-alarms", "0.2"];
    let found = json(calibrate(&run, &third).args(score).args(asked));
    let own = &found["others"][0];
    assert_eq!(
        (&own["score"], &own["images"], &own["false_alarms"]),
        (&Value::from("residual"), &10.into(), &0.1.into())
    );
    let said = succeed(calibrate(&run, &first).args(score).args(asked));
    assert!(
        said.contains("Changed with it: residual, anomalous above"),
        "{said}"
    );
}

#[test]
fn a_runs_own_held_out_images_come_back() {
    let set = Set::new();
    let run = set.path("run");
    succeed(set.train(&run).args(["--set", "data.held_out=0.6"]));
    let before = (
        fs::read(run.join("model.safetensors")).unwrap(),
        listed(&run),
    );
    assert_eq!((count(&run, "fitted on"), count(&run, "held out")), (2, 2));
    // An image that the run fitted on says something of the scores that are not fitted.
    let more = more_normal(&set, 5, 7);
    let fitted = before.1.lines().find(|line| line.contains(",fitted on,"));
    let fitted = set.data().join(fitted.unwrap().split(',').next().unwrap());
    fs::copy(fitted, more.join("x.png")).unwrap();
    let found = json(&mut calibrate(&run, &more));
    assert_eq!(found["images"], 6);
    let others = found["others"].as_array().unwrap();
    let images = |name: &str| {
        let other = others.iter().find(|other| other["score"] == name);
        other.unwrap()["images"].as_u64()
    };
    assert_eq!(images("residual-smoothed-max"), Some(6));
    assert_eq!(images("residual-deviation-max"), Some(5));
    assert_eq!(count(&run, "calibrated on"), 6);

    let mut own = cavga(["calibrate", "--own-images"]);
    let found = json(own.arg(&run));
    assert_eq!(found["images"], 4);
    assert!(
        before
            == (
                fs::read(run.join("model.safetensors")).unwrap(),
                listed(&run)
            )
    );
}

#[test]
fn flags_that_say_nothing_of_normal_images_are_not_taken() {
    for flag in [
        "--test-share=0.5",
        "--allow-leaks",
        "--masks=m",
        "--anomalous=a",
    ] {
        let said = fail(&mut cavga(["calibrate", "run", flag]), 2);
        assert!(said.contains("unexpected argument"), "{said}");
    }
    let said = fail(&mut cavga(["calibrate", "run", "--outside"]), 2);
    assert!(said.contains("--index"), "{said}");
}

/// A copy of an image that is learnt from was held out, and set the threshold.
#[test]
fn a_training_holds_out_no_copies_of_what_it_learns_from() {
    let set = Set::new();
    let good = set.data().join("train/good");
    for image in 0..7 {
        let [from, to] = ["00", "10"].map(|name| good.join(format!("{name}{image}.png")));
        fs::copy(from, to).unwrap();
    }
    let run = set.path("run");
    let output = set
        .train(&run)
        .args(["--set", "data.held_out=0.7"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = stderr(&output);
    assert!(said.contains("held-out images left out: "), "{said}");
    let text = listed(&run);
    let lines: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    for held_out in lines.iter().filter(|line| line[1] != "learnt from") {
        let same = lines.iter().filter(|line| line[2] == held_out[2]);
        assert_eq!(same.count(), 1, "{text}");
    }
    let record = fs::read_to_string(run.join("run.toml")).unwrap();
    assert!(
        record.contains("held out, and a copy of another image"),
        "{record}"
    );
}

#[test]
fn folders_that_are_no_use() {
    let set = Set::new();
    let run = set.trained("run");
    let model = || fs::read(run.join("model.safetensors")).unwrap();
    let bytes = model();
    let with = |folder: &Path| fail(&mut calibrate(&run, folder), 1);
    let empty = set.path("empty");
    fs::create_dir(&empty).unwrap();
    assert!(with(&empty).contains("empty"));
    assert!(with(&set.path("none")).contains("none"));
    let more = more_normal(&set, 3, 7);
    fs::write(more.join("001.png"), b"no image").unwrap();
    assert!(with(&more).contains("001.png"));
    assert!(bytes == model());
    // A model file by itself cannot say what was learnt from.
    let alone = set.path("alone.safetensors");
    fs::copy(run.join("model.safetensors"), &alone).unwrap();
    let other = more_normal(&set, 3, 8);
    let output = calibrate(&alone, &other).output().unwrap();
    assert!(output.status.success());
    assert!(stderr(&output).contains("cannot tell whether images were learnt from"));
}
