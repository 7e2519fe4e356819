//! `cavga verify`, the whole way: models that agree with themselves, and everything that may be wrong with what is asked.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::{Set, TINY, cavga, fail, succeed};
use serde_json::Value;

/// What is found of a model, on few images.
fn found(model: &Path, more: &[&str]) -> Value {
    let mut command = cavga(["verify", "--json", "--images", "9", "--allow-undetermined"]);
    serde_json::from_str(&succeed(command.arg(model).args(more))).unwrap()
}

fn form<'a>(found: &'a Value, name: &str) -> &'a Value {
    let forms = found["forms"].as_array().unwrap();
    forms.iter().find(|form| form["form"] == name).unwrap()
}

/// Of each kind of parts, with and without a classifier, whole or in tiles.
#[test]
fn tiny_models_agree_in_every_form() {
    let set = Set::with_anomalous(2);
    let own_data = set.data();
    let data = ["--data", own_data.to_str().unwrap()];
    for (method, settings) in [
        (
            "cavga-d-u",
            &["data.size=[96,128]", "data.tile=[64,64]"][..],
        ),
        ("cavga-d-u", &["method.feature_deviation=true"]),
        ("cavga-r-w", &["data.anomalous=0.2"]),
    ] {
        let run = set.path(&format!("{method}-{}", settings.len()));
        let mut train = cavga(["train", method]);
        train.args(data).arg("--out").arg(&run).args(TINY);
        if method == "cavga-r-w" {
            train.args(["--set", "method.encoder.weights=none"]);
        }
        settings.iter().for_each(|setting| {
            train.args(["--set", setting]);
        });
        succeed(&mut train);
        for more in [&[][..], &data] {
            let found = found(&run, more);
            assert_eq!(found["agrees"], true, "{method} {settings:?}: {found:#}");
            assert_eq!(found["generated"], more.is_empty());
            assert_eq!(found["images"].as_array().unwrap().len(), 9);
            for exact in [
                "asked again",
                "1 thread",
                "3 threads",
                "saved and loaded",
                "eval, from files",
            ] {
                let form = form(&found, exact);
                assert_eq!(
                    (&form["exact"], &form["same_bits"]),
                    (&true.into(), &true.into())
                );
            }
            assert_eq!(form(&found, "predict, from files")["map_pixels"], 0);
            let trained = form(&found, "network as trained");
            assert!(trained["scores"].as_u64().unwrap() >= 45, "{trained}");
            assert!(trained["map_pixels"].as_u64().unwrap() > 0);
            let at_once = if settings.len() == 2 {
                "5 tiles at once"
            } else {
                "5 images at once"
            };
            form(&found, at_once);
            let refused = found["not_compared"].as_array().unwrap();
            let missing = ["device cuda", "device wgpu"];
            let is_told = |name| refused.iter().any(|form| form["form"] == name);
            assert!(
                cfg!(any(feature = "cuda", feature = "wgpu")) || missing.into_iter().all(is_told)
            );
        }
    }
}

/// Two forms that sum in another order differ in the last bits: with no tolerance they do not agree.
#[test]
fn forms_that_differ_are_named_and_the_exit_code_is_1() {
    let set = Set::new();
    let run = set.trained("run");
    let said = succeed(cavga(["verify", "--images", "3"]).arg(&run));
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("all ") && last.contains(" forms agree within 1e-5"),
        "{said}"
    );
    assert!(said.contains("network as trained"), "{said}");

    let output = cavga(["verify", "--images", "3", "--tolerance", "0"])
        .arg(&run)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    let last = said.lines().last().unwrap();
    assert!(
        last.contains("do not agree within 0e0: ") && last.contains("network as trained"),
        "{said}"
    );
    assert!(said.contains("DIFFERS"), "{said}");
    assert!(
        said.contains("asked again") && !last.contains("asked again"),
        "{said}"
    );
}

#[test]
fn a_single_file_and_a_folder_of_any_images_will_do() {
    let set = Set::new();
    let run = set.trained("run");
    let masks = set.data().join("ground_truth");
    let found_there = found(
        &run.join("model.safetensors"),
        &["--data", masks.to_str().unwrap()],
    );
    assert_eq!(found_there["images"].as_array().unwrap().len(), 5);
    let file = set.data().join("test/good/000.png");
    let one = found(&run, &["--data", file.to_str().unwrap()]);
    assert_eq!(one["images"], serde_json::json!(["000.png"]));
    assert_eq!(one["agrees"], true);
}

#[test]
fn what_is_wrong_with_what_is_asked_is_told() {
    let set = Set::new();
    let run = set.trained("run");
    let said = |data: &Path| fail(cavga(["verify", "--data"]).arg(data).arg(&run), 1);
    let missing = said(&set.path("nowhere"));
    assert!(missing.contains("nowhere"), "{missing}");
    let empty = set.path("empty");
    fs::create_dir(&empty).unwrap();
    let none = said(&empty);
    assert!(none.contains("empty") && none.contains("image"), "{none}");
    fs::write(empty.join("broken.png"), b"no image").unwrap();
    let broken = said(&empty);
    assert!(broken.contains("broken.png"), "{broken}");

    let mut bytes = fs::read(run.join("model.safetensors")).unwrap();
    let middle = bytes.len() - 1000;
    bytes[middle] ^= 1;
    let bad = set.path("bad.safetensors");
    fs::write(&bad, bytes).unwrap();
    let damaged = fail(cavga(["verify"]).arg(&bad), 1);
    assert!(
        damaged.contains("bad.safetensors") && damaged.contains("checksum"),
        "{damaged}"
    );
    let none = fail(cavga(["verify"]).arg(set.path("none")), 1);
    assert!(none.contains("none"), "{none}");
    let alone = fail(cavga(["verify", "--test-share", "0.5"]).arg(&run), 2);
    assert!(alone.contains("--data"), "{alone}");
    let large = fail(
        cavga(["verify", "--max-pixels", "10", "--data"])
            .arg(set.data())
            .arg(&run),
        1,
    );
    assert!(large.contains("max_pixels"), "{large}");
    let mask = set.data().join("ground_truth/scratch/extra_mask.png");
    fs::copy(set.data().join("test/good/000.png"), &mask).unwrap();
    let faulty = said(&set.data());
    assert!(faulty.contains("extra_mask.png"), "{faulty}");
    for wrong in [
        "--images=0",
        "--tolerance=NaN",
        "--tolerance=-1",
        "--tolerance=1",
    ] {
        fail(cavga(["verify", wrong]).arg(&run), 2);
    }
}

/// A dataset's flags say which images are meant, as in the other verbs.
#[test]
fn images_of_ones_own_are_asked_about() {
    let set = Set::new();
    let run = set.trained("run");
    let normal = set.data().join("train/good");
    let found = found(&run, &["--normal", normal.to_str().unwrap()]);
    assert_eq!(
        (&found["generated"], &found["agrees"]),
        (&false.into(), &true.into())
    );
    assert!(found["notes"].as_array().unwrap().is_empty());
    let again = form(&found, "asked again");
    assert_eq!(again["images"], found["images"].as_array().unwrap().len());
}

/// Predict goes by paths: an id relative to --data made another image of one that a camera claims by its folder.
#[test]
fn a_model_with_regions_of_folders_agrees_and_images_that_no_camera_claims_are_told() {
    let set = Set::new();
    let regions = set.path("regions.toml");
    let text = "[[camera]]\nimages = \"good/*.png\"\nsize = [64, 64]\ninclude = [[[0, 0], [40, 0], [40, 64], [0, 64]]]\n";
    fs::write(&regions, text).unwrap();
    let run = set.path("run");
    let mut train = cavga(["train", "cavga-d-u", "--data"]);
    train
        .arg(set.data())
        .arg("--out")
        .arg(&run)
        .args(TINY)
        .arg("--set");
    succeed(train.arg(format!("data.regions={:?}", regions.display().to_string())));
    let good = set.data().join("test/good");
    let claimed = found(&run, &["--data", good.to_str().unwrap()]);
    assert_eq!(claimed["agrees"], true, "{claimed:#}");
    assert!(claimed["notes"].as_array().unwrap().is_empty());
    let generated = found(&run, &[]);
    assert_eq!(generated["agrees"], true, "{generated:#}");
    let note = generated["notes"][0].as_str().unwrap();
    assert!(note.contains("no camera"), "{note}");
    let said = succeed(cavga(["verify", "--images", "2"]).arg(&run));
    assert!(said.contains("note: no camera"), "{said}");
}
