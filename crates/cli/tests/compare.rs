//! `cavga compare`: runs on the same images, and what is no such thing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests"
)]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use common::{Set, cavga, fail, scores, succeed};
use serde_json::Value;

/// All figures.
const FIGURES: [&str; 8] = [
    "pixel_auroc",
    "pixel_average_precision",
    "aupro_0.30",
    "iou_best_threshold",
    "image_auroc",
    "image_average_precision",
    "image_f1_max",
    "balanced_accuracy_of_verdicts",
];

/// Trained under a seed and measured.
fn evaluated(set: &Set, name: &str, seed: u64) -> PathBuf {
    let run = set.path(name);
    succeed(set.train(&run).args(["--seed", &seed.to_string()]));
    succeed(cavga(["eval"]).arg(&run));
    run
}

fn compare(runs: &[&Path]) -> Command {
    let mut command = cavga(["compare", "--resamples", "100"]);
    command.args(runs);
    command
}

fn json(command: &mut Command) -> Value {
    serde_json::from_str(&succeed(command.arg("--json"))).unwrap()
}

/// A run that says the same of other images: a copy without its model, whose `scores.csv` is changed.
fn copied(set: &Set, run: &Path, name: &str, change: impl Fn(&str) -> String) -> PathBuf {
    let copy = set.path(name);
    fs::create_dir_all(&copy).unwrap();
    for file in ["run.toml", "metrics.json"] {
        fs::copy(run.join(file), copy.join(file)).unwrap();
    }
    let text = fs::read_to_string(run.join("scores.csv")).unwrap();
    fs::write(copy.join("scores.csv"), change(&text)).unwrap();
    copy
}

#[test]
fn runs_on_the_same_images_are_compared_and_others_are_refused() {
    let set = Set::with_anomalous(2);
    let (zero, one) = (evaluated(&set, "zero", 0), evaluated(&set, "one", 1));
    both_are_measured_alike(&set, &zero, &one);
    one_alone_has_its_intervals(&zero);
    disagreements_are_shown(&set, &zero);
    pixels_need_their_maps(&set, &zero, &one);
    groups_are_drawn_whole(&set, &zero, &one);
    other_images_are_refused(&set, &zero);
    what_is_no_evaluation_is_named(&set, &zero);
}

fn both_are_measured_alike(set: &Set, zero: &Path, one: &Path) {
    let out = set.path("compared");
    let said = succeed(compare(&[zero, one]).arg("--out").arg(&out));
    for word in [
        "image AUROC",
        "one − zero",
        "p by DeLong",
        "cavga-d-u, seeds 0, 1",
        "compare.html",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let found = json(&mut compare(&[zero, one]));
    let kept: Value = serde_json::from_slice(&fs::read(out.join("compare.json")).unwrap()).unwrap();
    assert_eq!(found, kept);
    assert_eq!(
        found,
        json(&mut compare(&[zero, one])),
        "the same draws again"
    );
    let images = &found["images"];
    assert_eq!(images["n_test_anomalous"], 10);
    assert_eq!(images["left_out"], 0);
    let metrics: Value =
        serde_json::from_slice(&fs::read(one.join("metrics.json")).unwrap()).unwrap();
    let row = &found["runs"][1];
    assert_eq!(
        row["figures"]["image_auroc"]["value"],
        metrics["image_auroc"]
    );
    let difference = &found["differences"][0];
    for key in FIGURES {
        let value = |row: &Value, key: &str| row[key].as_f64().unwrap();
        let figure = &row["figures"][key];
        assert!(
            value(figure, "low") <= value(figure, "value"),
            "{key}: {figure}"
        );
        assert!(
            value(figure, "value") <= value(figure, "high"),
            "{key}: {figure}"
        );
        let own = value(figure, "value");
        let first = value(&found["runs"][0]["figures"][key], "value");
        let between = &difference["figures"][key];
        assert!((value(between, "value") - (own - first)).abs() < 1e-12);
    }
    let verdicts = &difference["verdicts"];
    let counts = ["both_right", "first_alone", "other_alone", "both_wrong"];
    let all: u64 = counts
        .iter()
        .map(|key| verdicts[key].as_u64().unwrap())
        .sum();
    assert_eq!(all as usize, scores(zero).len());
    assert_eq!(found["seeds"][0]["seeds"], serde_json::json!([0, 1]));
    let page = fs::read_to_string(out.join("compare.html")).unwrap();
    assert!(!page.contains("http"), "self-contained");
    let csv = fs::read_to_string(out.join("compare.csv")).unwrap();
    assert!(
        csv.lines()
            .any(|line| line.starts_with("one,cavga-d-u,1,image_auroc,")),
        "{csv}"
    );
}

fn one_alone_has_its_intervals(zero: &Path) {
    let found = json(&mut compare(&[zero]));
    assert_eq!(found["differences"], serde_json::json!([]));
    assert!(found["runs"][0]["figures"]["image_auroc"]["low"].is_number());
}

/// The same run with its scores turned over.
fn disagreements_are_shown(set: &Set, zero: &Path) {
    let turned = copied(set, zero, "turned", |text| {
        let mut lines = text.lines();
        let head = format!("{}\n", lines.next().unwrap());
        let turn = |line: &str| {
            let mut fields: Vec<_> = line.split(',').collect();
            let score = format!("-{}", fields[3]);
            fields[3] = &score;
            format!("{}\n", fields.join(","))
        };
        lines.fold(head, |text, line| text + &turn(line))
    });
    fs::write(turned.join("metrics.json"), "{}").unwrap();
    let out = set.path("turned-over");
    let found = json(compare(&[zero, &turned]).arg("--out").arg(&out));
    let most = &found["differences"][0]["disagreements"];
    assert_eq!(most.as_array().unwrap().len(), 10);
    let rank = |image: &Value, side: &str| image[side]["rank"].as_f64().unwrap();
    let mut before = 2.0;
    for image in most.as_array().unwrap() {
        let (first, other) = (rank(image, "first"), rank(image, "other"));
        assert!((first + other - 1.0).abs() < 1e-12, "{image}");
        assert!((first - other).abs() <= before);
        before = (first - other).abs();
    }
    let auroc = &found["differences"][0]["figures"]["image_auroc"];
    assert!(auroc["delong_p"].is_number(), "{auroc}");
    let page = fs::read_to_string(out.join("compare.html")).unwrap();
    assert!(page.contains("data:image/jpeg"), "what the first drew");
    let pixels = &found["differences"][0]["figures"]["pixel_auroc"];
    assert!(
        pixels["undefined"].to_string().contains("wrote no maps"),
        "{pixels}"
    );
}

fn pixels_need_their_maps(set: &Set, zero: &Path, one: &Path) {
    let reason = |command: &mut Command| {
        let found = json(command);
        let figure = &found["runs"][1]["figures"]["pixel_auroc"];
        assert_eq!(figure["value"], Value::Null);
        figure["undefined"].as_str().unwrap().to_owned()
    };
    // The maps of the other run, as if left by another evaluation.
    let aside = set.path("aside");
    fs::rename(one.join("maps"), &aside).unwrap();
    let said = reason(&mut compare(&[zero, one]));
    assert!(said.contains("wrote no maps"), "{said}");
    let copy = |to: &Path| {
        for id in scores(zero)
            .iter()
            .map(|row| row[0].replace(".png", ".npy"))
        {
            fs::create_dir_all(to.join(&id).parent().unwrap()).unwrap();
            fs::copy(zero.join("maps").join(&id), to.join(&id)).unwrap();
        }
    };
    copy(&one.join("maps"));
    let said = reason(&mut compare(&[zero, one]));
    assert!(said.contains("another evaluation"), "{said}");
    let broken = one
        .join("maps")
        .join(scores(zero)[0][0].replace(".png", ".npy"));
    fs::write(&broken, "no array").unwrap();
    let said = reason(&mut compare(&[zero, one]));
    assert!(said.contains(".npy"), "{said}");
    fs::remove_dir_all(one.join("maps")).unwrap();
    fs::rename(&aside, one.join("maps")).unwrap();
    // Masks of another folder, and of none.
    let elsewhere = set.path("elsewhere");
    let said = reason(compare(&[zero, one]).arg("--data").arg(&elsewhere));
    assert!(said.contains("elsewhere"), "{said}");
    // Another map than the method's own.
    succeed(cavga(["eval", "--map", "residual"]).arg(one));
    let found = json(&mut compare(&[zero, one]));
    assert_eq!(found["runs"][1]["map"], "residual", "{found}");
    assert!(found["notes"].to_string().contains("of the map residual"));
    // What is of two maps has no mean over seeds.
    let over_seeds = &found["seeds"][0]["figures"];
    assert!(
        over_seeds["image_auroc"]["mean"].is_number(),
        "{over_seeds}"
    );
    assert_eq!(over_seeds["pixel_auroc"], Value::Null);
}

/// The images of each kind as photographs of one part.
fn groups_are_drawn_whole(set: &Set, zero: &Path, one: &Path) {
    let mut index = "path,label,kind,mask,split,group\n".to_owned();
    for row in scores(zero) {
        let [id, label, kind] = [&row[0], &row[1], &row[2]];
        let mask = match label.as_str() {
            "anomalous" => id
                .replace("test", "ground_truth")
                .replace(".png", "_mask.png"),
            _ => String::new(),
        };
        index += &format!("{id},{label},{kind},{mask},test,{kind}\n");
    }
    index += "train/good/000.png,normal,good,,train,\n";
    let path = set.data().join("index.csv");
    fs::write(&path, index).unwrap();
    let grouped = || {
        let mut command = compare(&[zero, one]);
        command
            .arg("--index")
            .arg(&path)
            .arg("--data")
            .arg(set.data());
        command
    };
    let found = json(&mut grouped());
    assert_eq!(found["images"]["grouped"], true, "{found}");
    assert_eq!(found["images"]["n_groups"], 6);
    let difference = &found["differences"][0];
    assert_eq!(
        difference["figures"]["image_auroc"]["delong_p"],
        Value::Null
    );
    assert_eq!(difference["verdicts"]["mcnemar_p"], Value::Null);
    let alone = json(&mut compare(&[zero, one]));
    let width = |found: &Value| {
        let figure = &found["runs"][0]["figures"]["aupro_0.30"];
        figure["high"].as_f64().unwrap() - figure["low"].as_f64().unwrap()
    };
    assert!(width(&found) != width(&alone));
    assert!(succeed(&mut grouped()).contains("bootstrap over 6 groups of images"));
    fs::remove_file(path).unwrap();
}

fn other_images_are_refused(set: &Set, zero: &Path) {
    let first = scores(zero)[0][0].clone();
    let fewer = copied(set, zero, "fewer", |text| {
        let lines = text.lines().filter(|line| !line.starts_with(&first));
        lines.map(|line| format!("{line}\n")).collect()
    });
    fs::write(fewer.join("metrics.json"), "{}").unwrap();
    let said = fail(&mut compare(&[zero, &fewer]), 2);
    assert!(
        said.contains(&first) && said.contains("of 1 images") && said.contains("--common"),
        "{said}"
    );
    let found = json(compare(&[zero, &fewer]).arg("--common"));
    assert_eq!(found["images"]["left_out"], 1);
    assert!(
        found["notes"].to_string().contains("Images left out"),
        "{found}"
    );
    let other = copied(set, zero, "other", |text| {
        text.replacen(",anomalous,", ",normal,", 1)
    });
    let said = fail(&mut compare(&[zero, &other]), 2);
    assert!(
        said.contains("is normal (blob) here and anomalous (blob) in"),
        "{said}"
    );
    let kinds = copied(set, zero, "kinds", |text| text.replace(",blob,", ",stain,"));
    let said = fail(&mut compare(&[zero, &kinds]), 2);
    assert!(
        said.contains("is anomalous (stain) here and anomalous (blob) in"),
        "{said}"
    );
    let said = fail(&mut compare(&[zero, &zero.join(".")]), 2);
    assert!(said.contains("given twice"), "{said}");
}

fn what_is_no_evaluation_is_named(set: &Set, zero: &Path) {
    let said = fail(&mut compare(&[zero, &set.data()]), 1);
    assert!(said.contains("it has no run.toml"), "{said}");
    let bare = copied(set, zero, "bare", str::to_owned);
    fs::remove_file(bare.join("metrics.json")).unwrap();
    let said = fail(&mut compare(&[zero, &bare]), 1);
    assert!(
        said.contains("no metrics.json; cavga eval writes it"),
        "{said}"
    );
    fs::write(bare.join("metrics.json"), "{\"image_auroc\": 0.").unwrap();
    let said = fail(&mut compare(&[zero, &bare]), 2);
    assert!(
        said.contains("metrics.json: expected the figures"),
        "{said}"
    );
    fs::write(bare.join("metrics.json"), "{\"image_auroc\": 2.0}").unwrap();
    let said = fail(&mut compare(&[zero, &bare]), 2);
    assert!(said.contains("not of one evaluation"), "{said}");
    fs::write(bare.join("scores.csv"), "id,label\n").unwrap();
    let said = fail(&mut compare(&[zero, &bare]), 2);
    assert!(
        said.contains("scores.csv: expected a column kind"),
        "{said}"
    );
    fail(&mut cavga(["compare"]), 2);
    fail(compare(&[zero]).args(["--resamples", "1"]), 2);
}
