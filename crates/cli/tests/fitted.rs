//! Scores that are themselves fitted on held-out images: their thresholds are from others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests"
)]

mod common;

use std::fs;

use cavga::{
    RunFolder,
    data::generate::{GenerateConfig, write_dataset},
    tensor_file::{self, Content},
};
use common::{Set, TINY, cavga, fail, json, more_normal, predicted, succeed};
use serde_json::Value;

/// Deviations of images from those very images are small: thresholds from them were exceeded by most new normal images.
#[test]
fn scores_fitted_on_held_out_images_have_their_threshold_from_others() {
    let set = Set::new();
    let data = set.path("many");
    let config = GenerateConfig {
        train: 40,
        ..GenerateConfig::tiny()
    };
    write_dataset(&data, &config).unwrap();
    let run = set.path("run");
    let mut command = cavga(["train", "cavga-d-u", "--data"]);
    command.arg(&data).arg("--out").arg(&run).args(TINY);
    command.args([
        "--set",
        "data.held_out=0.8",
        "--set",
        "method.feature_deviation=true",
    ]);
    succeed(&mut command);
    let images = fs::read_to_string(run.join("images.csv")).unwrap();
    let uses = ["learnt from", "fitted on", "held out"].map(|of| images.matches(of).count());
    assert_eq!(uses, [8, 16, 16]);
    let (header, _) = tensor_file::load(&RunFolder::new(&run).model()).unwrap();
    let Content::Model { calibration } = header.content else {
        panic!("a model");
    };
    let fresh = predicted(&run, &more_normal(&set, 60, 7));
    let fitted_on = predicted(&run, &data.join("train/good"));
    let is_fitted_on = |prediction: &&Value| {
        let name = prediction["image"]
            .as_str()
            .unwrap()
            .rsplit(['/', '\\'])
            .next()
            .unwrap();
        images
            .lines()
            .any(|line| line.contains(name) && line.contains(",fitted on,"))
    };
    for scale in &calibration.scores {
        let of = |prediction: &Value| prediction["scores"][&scale.name].as_f64().unwrap() as f32;
        let is_alarm = |threshold: f32| move |score: &f32| *score > threshold;
        let rate =
            |threshold: f32| fresh.iter().map(of).filter(is_alarm(threshold)).count() as f64 / 60.0;
        let images = scale.held_out.len();
        assert_eq!(images, if scale.fitted { 16 } else { 32 }, "{}", scale.name);
        // About 1 in 17 or 33.
        let found = rate(scale.threshold);
        assert!(found <= 0.25, "{}: {found}", scale.name);
        if scale.name == "feature-deviation" {
            let dishonest = fitted_on.iter().filter(is_fitted_on).map(of);
            let dishonest = rate(dishonest.fold(f32::NEG_INFINITY, f32::max));
            assert!(
                dishonest > 2.0 * found && dishonest > 0.25,
                "{dishonest} instead of {found}"
            );
        }
    }
}

/// Too few to halve: it is said, in the log and in the report.
#[test]
fn three_held_out_images_are_too_few_to_fit_on_some_and_ask_others() {
    let set = Set::new();
    let run = set.path("run");
    let output = set
        .train(&run)
        .args(["--set", "data.held_out=0.4"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = common::stderr(&output);
    let warning = "3 held-out normal images are too few to fit some scores on one half and calibrate them on the other: \
                   attention-deviation-max, attention-terms-deviation-max, residual-deviation-max were fitted on the very images";
    assert!(said.contains(warning), "{said}");
    succeed(cavga(["eval", "--no-maps"]).arg(&run));
    assert!(
        fs::read_to_string(run.join("report.html"))
            .unwrap()
            .contains(warning)
    );
    // Its own score is not fitted, and has them all.
    let calibrate = || {
        let mut command = cavga(["calibrate"]);
        command.arg(&run);
        command
    };
    assert_eq!(json(&mut calibrate())["images"], 3);
    let said = fail(
        calibrate().args(["--strictest", "--score", "residual-deviation-max"]),
        2,
    );
    assert!(said.contains("--data"), "{said}");
}
