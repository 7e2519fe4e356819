//! `cavga ablate`: eight runs and their table, interrupted, gone on with, refused as something else.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests"
)]

mod common;

use std::{fs, path::Path, process::Command};

use common::{Set, TINY, cavga, fail, succeed};
#[cfg(unix)]
use common::{interrupt, stderr};
use serde_json::Value;

const COLUMNS: [&str; 8] = [
    "c1-u-flat",
    "c2-u-flat-ae",
    "c3-u-conv",
    "c4-u-conv-ae",
    "c5-w-flat",
    "c6-w-flat-cga",
    "c7-w-conv",
    "c8-w-conv-cga",
];

/// An ablation of the smallest CAVGA-D: its parts are cheaper than CAVGA-R's, all else is the same.
fn ablate(set: &Set, out: &Path, passes: usize) -> Command {
    let mut command = cavga(["ablate", "--parts", "d", "--data"]);
    command.arg(set.data()).arg("--out").arg(out).args(TINY);
    command.args(["--set", "method.latent.dimension=3"]);
    command.args(["--set", &format!("train.passes={passes}")]);
    command
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    fs::read(path.as_ref()).unwrap()
}

/// Name and time of every file that a second call could have written again.
fn models(out: &Path) -> Vec<(Vec<u8>, std::time::SystemTime)> {
    let model = |name: &&str| {
        let path = out.join(name).join("model.safetensors");
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        (read(path), written)
    };
    COLUMNS.iter().map(model).collect()
}

#[test]
fn eight_columns_make_a_table_and_are_not_run_twice_nor_as_something_else() {
    let set = Set::new();
    let out = set.path("out");
    let said = succeed(ablate(&set, &out, 1).args(["--set", "data.anomalous=0.4"]));
    let text = String::from_utf8(read(out.join("ablation.md"))).unwrap();
    assert!(said.contains(text.trim()), "{said}");
    assert!(text.contains("| D_w + conv z + L_cga | 6 + 2 "), "{text}");
    assert!(text.contains("no such table of CAVGA-D"), "{text}");
    assert!(!text.contains("not run yet"), "{text}");
    for name in COLUMNS {
        let (config, record) = cavga::RunFolder::new(out.join(name)).read_record().unwrap();
        assert_eq!(record.passes, 1, "{name}");
        assert_eq!(record.n_anomalous, if name.contains("-w-") { 2 } else { 0 });
        let settings = config.to_table().unwrap().to_string();
        let has = |text: &str| settings.contains(text);
        assert_eq!(has("form = \"flat\""), name.contains("flat"), "{name}");
        assert_eq!(
            has("ae = false"),
            ["c1-u-flat", "c3-u-conv"].contains(&name)
        );
        assert_eq!(
            has("cga = false"),
            ["c5-w-flat", "c7-w-conv"].contains(&name)
        );
        assert!(out.join(name).join("report.html").is_file(), "{name}");
        assert!(!out.join(name).join("checkpoint.safetensors").exists());
    }

    let before = models(&out);
    let again = succeed(ablate(&set, &out, 1).args(["--set", "data.anomalous=0.4", "--json"]));
    assert!(before == models(&out), "trained again");
    let table: Value = serde_json::from_str(&again).unwrap();
    let columns = table["columns"].as_array().unwrap();
    assert_eq!(columns.len(), 8);
    for column in columns {
        let measured = &column["measured"];
        for key in [
            "iou_at_0.5",
            "pixel_auroc",
            "prior_pixel_auroc",
            "image_auroc",
        ] {
            assert!(measured[key].is_number(), "{key}: {column}");
        }
        assert!(
            measured["attention-deviation.pixel_auroc"].is_number(),
            "{column}"
        );
        assert_eq!(column["reported_iou_mvtec_mean"], Value::Null);
    }

    let same = ["--set", "data.anomalous=0.4"];
    // A figure that there was not when a column was measured: the column is measured again, and no other forgotten.
    let cell = out.join("c4-u-conv-ae/ablation.json");
    let mut figures: Value = serde_json::from_slice(&read(&cell)).unwrap();
    figures["figures"]
        .as_object_mut()
        .unwrap()
        .remove("image_auroc");
    fs::write(&cell, figures.to_string()).unwrap();
    let args = [&same[..], &["--columns", "4", "--json"]].concat();
    let some = succeed(ablate(&set, &out, 1).args(args));
    assert_eq!(some, again);
    assert!(before == models(&out), "trained again");

    let said = fail(ablate(&set, &out, 2).args(same), 2);
    assert!(said.contains("settings.train.passes = 1, not 2"), "{said}");
    let said = fail(ablate(&set, &out, 1).args(same).args(["--seed", "1"]), 2);
    assert!(said.contains("ablation.toml: this run has seed"), "{said}");
    fs::copy(
        set.data().join("test/good/000.png"),
        set.data().join("test/good/007.png"),
    )
    .unwrap();
    let said = fail(ablate(&set, &out, 1).args(same), 2);
    assert!(said.contains("fingerprint of the dataset"), "{said}");
    assert!(before == models(&out));
}

/// Killed in one column, stopped in another, gone on with by the same command: the same models and the same table.
#[cfg(unix)]
#[test]
fn an_interrupted_ablation_ends_as_one_that_was_not() {
    let set = Set::new();
    let (whole, parts) = (set.path("whole"), set.path("parts"));
    let long = ["--set", "train.checkpoint_steps=1"];
    succeed(ablate(&set, &whole, 8).args(long));
    let killed = parts.join(COLUMNS[1]);
    interrupt(ablate(&set, &parts, 8).args(long), &killed, 4, "-KILL");
    assert!(
        !killed.join("model.safetensors").exists(),
        "killed too late"
    );
    let partial = String::from_utf8(read(parts.join("ablation.md"))).unwrap();
    assert!(partial.contains("c2-u-flat-ae, c3-u-conv, "), "{partial}");
    let stopped = parts.join(COLUMNS[5]);
    let output = interrupt(ablate(&set, &parts, 8).args(long), &stopped, 4, "-INT");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(
        said.contains("stopped in c6-w-flat-cga of seed 0"),
        "{said}"
    );
    assert!(said.contains("going on behind step"), "c2 went on: {said}");
    succeed(ablate(&set, &parts, 8).args(long));
    for ((name, a), b) in COLUMNS.iter().zip(models(&whole)).zip(models(&parts)) {
        assert!(a.0 == b.0, "{name}: other bytes");
    }
    assert!(read(whole.join("ablation.csv")) == read(parts.join("ablation.csv")));
}

#[test]
fn several_seeds_give_deviations_and_may_become_more() {
    let set = Set::new();
    let out = set.path("out");
    succeed(ablate(&set, &out, 1).args(["--seeds", "0,1"]));
    let first = read(out.join("seed-0/c4-u-conv-ae/model.safetensors"));
    assert!(first != read(out.join("seed-1/c4-u-conv-ae/model.safetensors")));
    let table = String::from_utf8(read(out.join("ablation.md"))).unwrap();
    assert!(
        table.contains("seed 0, 1: mean ± standard deviation"),
        "{table}"
    );
    let mut csv = String::from_utf8(read(out.join("ablation.csv"))).unwrap();
    csv.retain(|c| c != '"');
    let line = csv.lines().nth(1).unwrap();
    assert!(
        line.starts_with("c1-u-flat,D*_u,cavga-d-u,2,6,0,7,5,"),
        "{line}"
    );
    succeed(ablate(&set, &out, 1).args(["--seeds", "0,1,2"]));
    let table = String::from_utf8(read(out.join("ablation.md"))).unwrap();
    assert!(table.contains("seed 0, 1, 2: mean"), "{table}");
    assert!(first == read(out.join("seed-0/c4-u-conv-ae/model.safetensors")));
    let said = fail(ablate(&set, &out, 1).args(["--seed", "0"]), 2);
    assert!(said.contains("this run has seed = "), "{said}");
    let said = fail(ablate(&set, &out, 1).args(["--seeds", "1,1"]), 2);
    assert!(said.contains("different seeds"), "{said}");
}

#[test]
fn what_cannot_be_is_said_before_anything_is_run() {
    let set = Set::new();
    let out = set.path("out");
    for (setting, key) in [
        ("method.ae=false", "method.ae"),
        ("method.latent.form=flat", "method.latent.form"),
        ("method.name=cavga-d-u", "method.name"),
    ] {
        let said = fail(ablate(&set, &out, 1).args(["--set", setting]), 2);
        assert!(said.contains(key) && said.contains("its own"), "{said}");
    }
    let said = fail(
        ablate(&set, &out, 1).args(["--set", "method.adam.rate=-1"]),
        2,
    );
    assert!(said.contains("adam.rate"), "{said}");
    let mask = set.data().join("ground_truth/stain/000_mask.png");
    let whole = read(&mask);
    image::GrayImage::new(3, 5).save(&mask).unwrap();
    let said = fail(&mut ablate(&set, &out, 1), 1);
    assert!(said.contains("000_mask.png"), "{said}");
    fs::write(&mask, whole).unwrap();
    let mut command = ablate(&set, &out, 1);
    command.arg("--columns=4");
    fs::rename(set.data().join("test"), set.path("test")).unwrap();
    fs::rename(set.data().join("ground_truth"), set.path("masks")).unwrap();
    let said = fail(&mut command, 1);
    assert!(said.contains("0 test images"), "{said}");
    fs::rename(set.path("test"), set.data().join("test")).unwrap();
    fs::rename(set.path("masks"), set.data().join("ground_truth")).unwrap();
    for kind in ["blob", "misprint", "missing_part", "scratch", "stain"] {
        fs::remove_dir_all(set.data().join("test").join(kind)).unwrap();
    }
    fs::remove_dir_all(set.data().join("ground_truth")).unwrap();
    let said = fail(&mut ablate(&set, &out, 1), 1);
    assert!(said.contains("0 anomalous test images"), "{said}");
    assert!(!out.exists());
}

/// A training that diverges is a result of its column; the others go on, and it is not tried again.
#[test]
fn a_column_that_diverges_has_no_figures_but_a_reason() {
    let set = Set::new();
    let out = set.path("out");
    let wild = ["--set", "method.adam.rate=1e30", "--json"];
    let said = succeed(ablate(&set, &out, 4).args(wild));
    let table: Value = serde_json::from_str(&said).unwrap();
    let mut diverged = 0;
    for column in table["columns"].as_array().unwrap() {
        let measured = &column["measured"];
        if measured["image_auroc"].is_null() {
            let reason = measured["image_auroc_undefined"].as_str().unwrap();
            assert!(!reason.is_empty(), "{column}");
            diverged += usize::from(reason.contains("diverged at step"));
        }
    }
    assert!(diverged > 0, "{table}");
    for name in COLUMNS {
        assert!(!out.join(name).join("checkpoint.safetensors").exists());
    }
    let text = String::from_utf8(read(out.join("ablation.md"))).unwrap();
    assert!(text.contains("no number, because"), "{text}");
    assert!(!text.contains("is kept in"), "{text}");
    assert_eq!(succeed(ablate(&set, &out, 4).args(wild)), said);
}
