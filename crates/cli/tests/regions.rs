//! Regions and tiles, the whole way: what lies where nothing counts changes nothing, and a model carries its regions with it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cavga::{data::list_images, tensor_file};
use common::{Set, cavga, fail, scores, succeed};
use serde_json::Value;

/// From this column on, of 32, nothing counts.
const RIGHT: u32 = 16;

/// 2 by 3 tiles, of which the right ones lie where nothing counts.
const TILED: [&str; 4] = ["--set", "data.size=[96,128]", "--set", "data.tile=[64,64]"];

/// Writes a `regions.toml` beside the dataset.
fn write_regions(set: &Set) -> PathBuf {
    let path = set.path("regions.toml");
    let text = format!(
        "[[camera]]\nimages = \"*.png\"\nsize = [32, 32]\nignore = [[[{RIGHT}, 0], [32, 0], [32, 32], [{RIGHT}, 32]]]\n"
    );
    fs::write(&path, text).unwrap();
    path
}

/// Trains on `data` where the left half counts.
fn train(set: &Set, data: &Path, run: &Path, tiled: bool) -> Command {
    let mut command = cavga(["train", "cavga-d-u", "--data"]);
    command.arg(data).arg("--out").arg(run).args(common::TINY);
    let regions = set.path("regions.toml");
    command
        .arg("--set")
        .arg(format!("data.regions={:?}", regions.display().to_string()));
    if tiled {
        command.args(TILED);
    }
    command
}

/// A copy of the dataset with a glaring defect in the right part of every image, at other places in each.
fn spoilt(set: &Set) -> PathBuf {
    let copy = set.path("spoilt");
    for part in ["train", "test", "ground_truth"] {
        for (index, path) in (0_u32..).zip(list_images(&set.data().join(part)).unwrap()) {
            let to = copy.join(path.strip_prefix(set.data()).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            let mut image = image::open(&path).unwrap().into_rgb8();
            if part != "ground_truth" {
                for (x, y, pixel) in image.enumerate_pixels_mut() {
                    if x >= RIGHT && (x + y + index) % 5 < 3 {
                        *pixel = image::Rgb([255, (7 * x) as u8, (index * 40) as u8]);
                    }
                }
            }
            image.save(to).unwrap();
        }
    }
    copy
}

/// `metrics.json` of an evaluation on `data`, `scores.csv`, and the bytes of all maps.
fn evaluated(run: &Path, data: &Path) -> (Value, Vec<Vec<String>>, Vec<Vec<u8>>) {
    succeed(cavga(["eval", "--data"]).arg(data).arg(run));
    let metrics = fs::read(run.join("metrics.json")).unwrap();
    let mut metrics: Value = serde_json::from_slice(&metrics).unwrap();
    for varies in ["scoring_ms_per_image", "eval_peak_memory_mib"] {
        assert!(metrics.as_object_mut().unwrap().remove(varies).is_some());
    }
    let mut maps: Vec<_> = ["good", "blob", "scratch"]
        .into_iter()
        .flat_map(|kind| fs::read_dir(run.join("maps/test").join(kind)).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "npy"))
        .collect();
    maps.sort();
    let maps = maps.into_iter().map(|path| fs::read(path).unwrap());
    (metrics, scores(run), maps.collect())
}

fn steps(run: &Path) -> usize {
    let log = fs::read_to_string(run.join("train.jsonl")).unwrap();
    log.lines().count()
}

/// Images, tiles or not: a defect where nothing counts changes no score, no figure, no verdict and no map, and a training on such images
/// gives the same weights, thresholds and colours.
#[test]
fn what_does_not_count_changes_nothing() {
    let set = Set::new();
    write_regions(&set);
    let spoilt = spoilt(&set);
    for tiled in [false, true] {
        let (run, other) = (
            set.path(&format!("run-{tiled}")),
            set.path(&format!("other-{tiled}")),
        );
        succeed(&mut train(&set, &set.data(), &run, tiled));
        succeed(&mut train(&set, &spoilt, &other, tiled));
        let load = |run: &Path| tensor_file::load(&run.join("model.safetensors")).unwrap();
        let ((ours, tensors), (theirs, others)) = (load(&run), load(&other));
        assert!(tensors == others, "tiled {tiled}: other weights");
        assert_eq!(ours.content, theirs.content);
        assert_ne!(ours.data, theirs.data, "the files are others");
        assert_eq!(evaluated(&run, &set.data()), evaluated(&run, &spoilt));
        // Six images of which four tiles each hold pixels that count.
        assert_eq!(steps(&run), if tiled { 24 } else { 6 });
    }
    // Maps have no number where nothing counts, and numbers elsewhere.
    let map = fs::read(set.path("run-false/maps/test/good/000.npy")).unwrap();
    let values = map[128..]
        .chunks(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    for (index, value) in values.enumerate() {
        assert_eq!(
            value.is_nan(),
            index % 32 >= RIGHT as usize,
            "{index}: {value}"
        );
    }
}

/// A model file alone, in another place, honours the regions that it learnt with; and `predict` says what `eval` says.
#[test]
fn a_model_carries_its_regions() {
    let set = Set::new();
    let regions = write_regions(&set);
    let spoilt = spoilt(&set);
    let run = set.path("run");
    succeed(&mut train(&set, &set.data(), &run, true));
    fs::remove_file(regions).unwrap();
    succeed(cavga(["eval", "--no-maps"]).arg(&run));
    let evaluated = scores(&run);
    let elsewhere = set.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(
        run.join("model.safetensors"),
        elsewhere.join("m.safetensors"),
    )
    .unwrap();
    fs::remove_dir_all(&run).unwrap();
    for data in [set.data(), spoilt] {
        let mut command = cavga(["predict", "--json", "m.safetensors"]);
        let said = succeed(command.arg(data.join("test")).current_dir(&elsewhere));
        assert_eq!(said.lines().count(), evaluated.len());
        for (line, row) in said.lines().zip(&evaluated) {
            let line: Value = serde_json::from_str(line).unwrap();
            let score: f32 = line["score"].to_string().parse().unwrap();
            assert_eq!(score.to_bits(), row[3].parse::<f32>().unwrap().to_bits());
            assert_eq!(line["verdict"], row[4].as_str());
        }
    }
}

/// Tiles alone: trained, stopped in the middle, resumed to the same bytes, evaluated, asked.
#[test]
#[cfg(unix)]
fn a_tiled_model_trains_resumes_and_predicts() {
    let set = Set::new();
    let (whole, killed) = (set.path("whole"), set.path("killed"));
    let tiled = |run: &Path| {
        let mut command = set.train(run);
        command
            .args(TILED)
            .args(["--set", "train.checkpoint_steps=1"]);
        command
    };
    succeed(&mut tiled(&whole));
    assert_eq!(
        steps(&whole),
        36,
        "6 images of 6 tiles, 2 in a batch, 2 passes"
    );
    common::interrupt(tiled(&killed).arg("--resume"), &killed, 20, "-KILL");
    assert!(
        !killed.join("model.safetensors").exists(),
        "killed too late"
    );
    succeed(cavga(["train", "--resume", "--out"]).arg(&killed));
    let model = |run: &Path| fs::read(run.join("model.safetensors")).unwrap();
    assert!(model(&whole) == model(&killed), "other bytes");
    succeed(cavga(["eval"]).arg(&whole));
    assert_eq!(scores(&whole).len(), 7);
    let mut command = cavga(["predict", "--json"]);
    let said = succeed(command.arg(&whole).arg(set.data().join("test")));
    for (line, row) in said.lines().zip(scores(&whole)) {
        let line: Value = serde_json::from_str(line).unwrap();
        let score: f32 = line["score"].to_string().parse().unwrap();
        assert_eq!(score.to_bits(), row[3].parse::<f32>().unwrap().to_bits());
    }
}

#[test]
fn settings_that_cannot_be_are_refused_before_anything_is_read() {
    let set = Set::new();
    let run = set.path("run");
    let refused = |settings: &[&str], code| {
        let mut command = set.train(&run);
        settings.iter().for_each(|text| {
            command.args(["--set", text]);
        });
        fail(&mut command, code)
    };
    let said = refused(&["data.tile=[128,64]"], 2);
    assert!(said.contains("`tile`: expected"), "{said}");
    let said = refused(&["data.size=[96,96]", "data.tile=[48,48]"], 2);
    assert!(said.contains("size = "), "{said}");
    let said = refused(&["data.regions=nowhere.toml"], 1);
    assert!(said.contains("nowhere.toml"), "{said}");
    let mut weak = cavga(["train", "cavga-d-w", "--data"]);
    weak.arg(set.data()).arg("--out").arg(&run).args(TILED);
    assert!(fail(&mut weak, 2).contains("data.tile: cavga-d-w learns from whole"));
    assert!(!run.exists());
}
