//! `cavga calibrate`: thresholds for a rate of false alarms, and what `predict` and `eval` then say.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests"
)]

mod common;

use std::{fs, path::Path};

use cavga::{
    calibration::Rule,
    tensor_file::{self, Content, Header},
};
use common::{Set, TINY, cavga, fail, json, more_normal, predicted, scores, succeed};
use serde_json::Value;

fn calibrate(run: &Path, args: &[&str]) -> std::process::Command {
    let mut command = cavga(["calibrate"]);
    command.arg(run).args(args);
    command
}

fn model(run: &Path) -> Vec<u8> {
    fs::read(run.join("model.safetensors")).unwrap()
}

/// The tensors' bytes, behind the header.
fn tensors(model: &[u8]) -> &[u8] {
    let length = u64::from_le_bytes(model[..8].try_into().unwrap());
    &model[8 + usize::try_from(length).unwrap()..]
}

/// Writes the model file as an earlier version did: it knew no scores of held-out images.
fn forget(run: &Path, change: impl FnOnce(&mut Header)) {
    let path = run.join("model.safetensors");
    let (mut header, tensors) = tensor_file::load(&path).unwrap();
    if let Content::Model { calibration } = &mut header.content {
        for scale in &mut calibration.scores {
            scale.held_out.clear();
            (scale.fitted, scale.own_boundary) = (false, None);
        }
    }
    change(&mut header);
    tensor_file::save(&path, &header, &tensors).unwrap();
}

#[test]
fn a_rate_from_other_normal_images_and_the_verdicts_it_gives() {
    let set = Set::new();
    let run = set.trained("run");
    let more = more_normal(&set, 39, 7);
    let test = set.data().join("test");
    let before = predicted(&run, &test);
    let bytes = model(&run);
    let args = ["--false-alarms", "0.05", "--unsure", "0.2", "--data"];
    let said = succeed(calibrate(&run, &args).arg(&more));
    for expected in [
        "Held-out normal images: 39.",
        "False alarms: 0.05 asked, 0.05 held.",
        "with a chance of at most 0.05.",
        "Given those 39, the rate of this very threshold is at most 0.116, with 95 % confidence.",
        "0.2 asked, 0.2 held",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(bytes != model(&run));
    assert!(
        tensors(&bytes) == tensors(&model(&run)),
        "tensors stay what they were"
    );
    assert_eq!(
        fs::read_dir(&run).unwrap().count(),
        5,
        "no file is left over"
    );

    // The threshold is the second highest of the 39, that of the unsure band the eighth.
    let score = |prediction: &Value| prediction["score"].as_f64().unwrap();
    let mut normal: Vec<f64> = predicted(&run, &more).iter().map(score).collect();
    normal.sort_by(|a, b| b.total_cmp(a));
    let after = predicted(&run, &test);
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before["score"], after["score"]);
        follows_from(&normal, after);
    }
    what_eval_says_of_thresholds(&run, &after);
    what_is_not_asked_for_stays(&run, &normal);
}

/// Of the same run, and the falling scores that it is calibrated on.
fn what_is_not_asked_for_stays(run: &Path, normal: &[f64]) {
    // Without options nothing changes: it says what holds.
    let bytes = model(run);
    let held = json(&mut calibrate(run, &[]));
    assert_eq!(held["threshold"].as_f64(), Some(normal[1]));
    assert_eq!(held["false_alarms"].as_f64(), Some(0.05));
    assert!(bytes == model(run));
    // One rate alone leaves the other what it was.
    let said = succeed(&mut calibrate(run, &["--unsure", "0.3"]));
    assert!(
        said.contains("0.05 asked") && said.contains("0.3 asked"),
        "{said}"
    );
    let next = format!("Next:  cavga eval {}", run.display());
    assert!(said.ends_with(&format!("{next}\n")), "{said}");
    let again = json(&mut calibrate(run, &["--strictest", "--no-unsure"]));
    assert_eq!(
        (
            again["images"].as_u64(),
            again["unsure_threshold"].is_null()
        ),
        (Some(39), true)
    );
    assert_eq!(again["threshold"].as_f64(), Some(normal[0]));
}

/// A prediction follows from the falling scores of 39 normal images, at rates of 0.05 and 0.2.
fn follows_from(normal: &[f64], after: &Value) {
    let score = after["score"].as_f64().unwrap();
    assert_eq!(after["threshold"].as_f64(), Some(normal[1]));
    assert_eq!(after["unsure_threshold"].as_f64(), Some(normal[7]));
    let at_least = normal.iter().filter(|normal| **normal >= score).count();
    let p = after["p_value"].as_f64().unwrap();
    assert_eq!(p, (at_least + 1) as f64 / 40.0);
    let expected = if p <= 0.05 {
        "anomalous"
    } else if p <= 0.2 {
        "unsure"
    } else {
        "normal"
    };
    assert_eq!(after["verdict"], expected, "{after}");
    // As numbers of the model, not as the text that tells them apart.
    let exact = |score: f64| f64::from(score as f32);
    let [score, median, threshold] = [score, normal[19], normal[1]].map(exact);
    let percent = 100.0 * (score - median) / (threshold - median);
    let said = after["percent_of_threshold"].as_f64().unwrap();
    assert!((said - percent).abs() < 1e-9, "{said} instead of {percent}");
}

/// Of a run calibrated on 39 images for rates of 0.05 and 0.2, whose test images got these predictions.
fn what_eval_says_of_thresholds(run: &Path, predictions: &[Value]) {
    let metrics = json(cavga(["eval", "--no-maps"]).arg(run));
    for key in [
        "false_alarm_rate_at_threshold",
        "recall_at_threshold",
        "share_unsure_normal",
        "share_unsure_anomalous",
        "residual-smoothed-max.recall_at_threshold",
    ] {
        assert!(metrics[key].is_number(), "{key}");
    }
    assert_eq!(metrics["n_calibration"], 39);
    for (row, prediction) in scores(run).iter().zip(predictions) {
        assert_eq!(row[4], prediction["verdict"].as_str().unwrap());
        assert_eq!(row[5].parse::<f64>().ok(), prediction["p_value"].as_f64());
        assert_eq!(
            row[6].parse::<f64>().ok(),
            prediction["percent_of_threshold"].as_f64()
        );
    }
    let head = fs::read_to_string(run.join("scores.csv")).unwrap();
    assert!(head.starts_with("id,label,kind,score,verdict,p_value,percent_of_threshold,"));
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("39 held-out normal images give for a false-alarm rate of 0.05."));
    assert!(report.contains("Unsure if not, but above their threshold for a rate of 0.2."));
}

#[test]
fn rates_that_cannot_be_held_are_wrong_arguments_and_change_nothing() {
    let set = Set::new();
    let run = set.trained("run");
    let bytes = model(&run);
    let failed = |args: &[&str]| fail(&mut calibrate(&run, args), 2);
    let said = failed(&["--false-alarms", "1e-3"]);
    assert!(
        said.contains("--false-alarms: 0.001 needs at least 999 held-out normal images, there are 1; the smallest rate that 1 support is 0.5"),
        "{said}"
    );
    for rate in ["0", "1", "-0.5", "nan", "inf"] {
        let rate = format!("--false-alarms={rate}");
        assert!(failed(&[&rate]).contains("above 0 and below 1"));
    }
    assert!(failed(&["--false-alarms", "often"]).contains("often"));
    assert!(failed(&["--unsure", "0.5"]).contains("more than the false-alarm rate"));
    assert!(
        failed(&["--false-alarms", "0.6", "--unsure", "0.55"])
            .contains("more than the false-alarm rate, 0.6")
    );
    assert!(failed(&["--score", "residul"]).contains("did you mean residual?"));
    assert!(failed(&["--own-boundary"]).contains("residual has none"));
    assert!(failed(&["--own-boundary", "--unsure", "0.5"]).contains("cannot be used with"));
    assert!(failed(&["--dataset", "btad", "--category", "01"]).contains("expected --data"));
    let more = more_normal(&set, 5, 7);
    let said = fail(
        calibrate(&run, &["--false-alarms", "0.1", "--data"]).arg(&more),
        2,
    );
    assert!(
        said.contains("needs at least 9 held-out normal images, there are 5"),
        "{said}"
    );
    assert!(
        !said.contains("scoring"),
        "it is said before images are scored: {said}"
    );
    assert!(bytes == model(&run));
    let checkpoint = run.join("checkpoint.safetensors");
    assert!(fail(&mut calibrate(&checkpoint, &[]), 1).contains("expected a model"));
}

#[test]
fn images_that_were_learnt_from_are_left_out_and_those_calibrated_on_are_not_measured_on() {
    let set = Set::new();
    let run = set.trained("run");
    let own = set.data().join("train/good");
    let said = fail(calibrate(&run, &["--data"]).arg(&own), 1);
    assert!(
        said.contains("images left out: 6 (the run learnt from it)"),
        "{said}"
    );
    assert!(
        said.contains("images left out: 1 (the run fitted scores on it)"),
        "{said}"
    );
    assert!(said.contains("0 normal images to calibrate on"), "{said}");
    // Among others, under other names, and twice.
    let more = more_normal(&set, 9, 7);
    for (index, name) in ["000.png", "003.png"].iter().enumerate() {
        fs::copy(own.join(name), more.join(format!("x{index}.png"))).unwrap();
    }
    fs::copy(more.join("004.png"), more.join("y.png")).unwrap();
    let found = json(calibrate(&run, &["--data"]).arg(&more));
    assert_eq!(found["images"], 9);
    let left_out = found["left_out"].as_object().unwrap();
    assert_eq!(left_out["a copy of another"], 1);
    assert_eq!(
        left_out.values().map(|n| n.as_u64().unwrap()).sum::<u64>(),
        3
    );
    let listed = fs::read_to_string(run.join("images.csv")).unwrap();
    assert_eq!(listed.matches("calibrated on").count(), 9);
    assert_eq!(listed.lines().count(), 1 + 7 + 9);

    // A test set with an image that was calibrated on is refused.
    let test = set.path("elsewhere");
    fs::create_dir_all(test.join("test/good")).unwrap();
    fs::create_dir_all(test.join("train/good")).unwrap();
    fs::copy(own.join("001.png"), test.join("train/good/a.png")).unwrap();
    fs::copy(more.join("000.png"), test.join("test/good/b.png")).unwrap();
    let said = fail(cavga(["eval", "--data"]).arg(&test).arg(&run), 1);
    assert!(
        said.contains("b.png") && said.contains("the model is calibrated on it"),
        "{said}"
    );
    assert!(!said.contains("allow_leaks"), "{said}");
    // Calibrated on others, it is a test image again.
    let other = more_normal(&set, 3, 8);
    succeed(calibrate(&run, &["--data"]).arg(&other));
    let listed = fs::read_to_string(run.join("images.csv")).unwrap();
    assert_eq!(listed.lines().count(), 1 + 7 + 3);
    succeed(cavga(["eval", "--data"]).arg(&test).arg(&run));
}

#[test]
fn a_model_of_an_earlier_version_is_told_its_held_out_scores() {
    let set = Set::new();
    let run = set.trained("run");
    let fresh = model(&run);
    let images = set.data().join("test/good");
    let known = predicted(&run, &images);
    forget(&run, |_| {});
    let unknown = predicted(&run, &images);
    for (known, unknown) in known.iter().zip(&unknown) {
        assert_eq!(unknown["p_value"], Value::Null);
        assert_eq!(unknown["percent_of_threshold"], Value::Null);
        for same in ["score", "threshold", "verdict"] {
            assert_eq!(known[same], unknown[same]);
        }
    }
    let plain = succeed(cavga(["predict"]).arg(&run).arg(&images));
    assert!(plain.contains("p ?"), "{plain}");
    succeed(cavga(["eval", "--no-maps"]).arg(&run));
    assert!(
        scores(&run)
            .iter()
            .all(|row| row[5].is_empty() && row[6].is_empty())
    );
    succeed(&mut calibrate(&run, &["--own-images"]));
    assert_eq!(predicted(&run, &images), known);
    assert!(tensors(&model(&run)) == tensors(&fresh));

    // What was fitted on all held-out images has no honest ones.
    let said = fail(
        &mut calibrate(&run, &["--strictest", "--score", "residual-deviation-max"]),
        2,
    );
    assert!(
        said.contains("no held-out scores of residual-deviation-max are known"),
        "{said}"
    );
    // The images are gone, or others.
    forget(&run, |_| {});
    fs::copy(
        set.data().join("test/good/000.png"),
        set.data().join("train/good/900.png"),
    )
    .unwrap();
    let own = |model: &Path| fail(&mut calibrate(model, &["--own-images"]), 2);
    let said = own(&run);
    assert!(
        said.contains("holds other images than the run's") && said.contains("--data"),
        "{said}"
    );
    fs::rename(set.data(), set.path("elsewhere")).unwrap();
    assert!(own(&run).contains("cannot be read"));
    let alone = set.path("alone.safetensors");
    fs::copy(run.join("model.safetensors"), &alone).unwrap();
    assert!(own(&alone).contains("no run.toml beside it"));
}

#[test]
fn a_header_that_no_calibration_writes_is_refused() {
    let set = Set::new();
    let run = set.trained("run");
    let good = model(&run);
    let broken = |change: &dyn Fn(&mut Vec<f32>)| {
        fs::write(run.join("model.safetensors"), &good).unwrap();
        let path = run.join("model.safetensors");
        let (mut header, tensors) = tensor_file::load(&path).unwrap();
        if let Content::Model { calibration } = &mut header.content {
            change(&mut calibration.scores[0].held_out);
        }
        tensor_file::save(&path, &header, &tensors).unwrap();
        let said = fail(cavga(["predict"]).arg(&run).arg(set.data()), 1);
        assert!(said.contains("model.safetensors"), "{said}");
        assert_eq!(fail(&mut calibrate(&run, &[]), 1), said);
        said
    };
    assert!(broken(&|scores| *scores = vec![2.0, 1.0]).contains("rising order"));
    broken(&|scores| scores.push(f32::NAN));
    broken(&|scores| scores.push(f32::INFINITY));
}

#[test]
fn a_classifiers_boundary_gives_way_to_a_rate_and_comes_back() {
    let set = Set::with_anomalous(2);
    let run = set.path("weak");
    let mut command = cavga(["train", "cavga-d-w", "--data"]);
    command.arg(set.data()).arg("--out").arg(&run).args(TINY);
    succeed(command.args(["--set", "data.anomalous=0.2"]));
    let bytes = model(&run);
    let test = set.data().join("test/good");
    let before = predicted(&run, &test);
    assert!(
        before
            .iter()
            .all(|p| p["threshold"] == 0.0 && p["p_value"].is_number())
    );
    let more = more_normal(&set, 9, 7);
    let found = json(calibrate(&run, &["--false-alarms", "0.1", "--data"]).arg(&more));
    assert_eq!(
        (found["rule"].as_str(), found["rate"].as_f64()),
        (Some("held-out"), Some(0.1))
    );
    let metrics = json(cavga(["eval", "--no-maps"]).arg(&run));
    assert!(metrics["balanced_accuracy_at_threshold"].is_number());
    assert!(metrics.get("balanced_accuracy_at_own_boundary").is_none());
    let found = json(&mut calibrate(&run, &["--own-boundary"]));
    assert_eq!(
        (found["rule"].as_str(), found["threshold"].as_f64()),
        (Some("own-boundary"), Some(0.0))
    );
    assert!(found["rate"].is_null());
    // A look changes nothing: it replaced the boundary.
    let looked = json(&mut calibrate(&run, &[]));
    assert_eq!(looked["rule"], "own-boundary");
    let after = predicted(&run, &test);
    let verdicts = |of: &[Value]| of.iter().map(|p| p["verdict"].clone()).collect::<Vec<_>>();
    assert_eq!(verdicts(&after), verdicts(&before));
    // Of an earlier version, whose boundary is its threshold and nothing else.
    fs::write(run.join("model.safetensors"), bytes).unwrap();
    forget(&run, |header| {
        let Content::Model { calibration } = &header.content else {
            panic!("a model");
        };
        assert_eq!(calibration.scores[0].rule, Rule::OwnBoundary);
    });
    succeed(&mut calibrate(&run, &["--strictest"]));
    assert_eq!(
        json(&mut calibrate(&run, &["--own-boundary"]))["threshold"],
        0.0
    );
}
