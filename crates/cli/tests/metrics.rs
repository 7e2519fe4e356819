//! `cavga metrics`: maps and scores that any program wrote, measured beside masks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::{Set, cavga, fail, succeed};
use serde_json::Value;
use tempfile::TempDir;

/// A folder of maps and masks, filled by hand.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// Writes `scores/NAME.npy`.
    fn map(&self, name: &str, [height, width]: [usize; 2], values: &[f32]) {
        let head =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({height}, {width}), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((head.len() as u16).to_le_bytes());
        bytes.extend(head.as_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self.write(&format!("scores/{name}.npy"), &bytes);
    }

    /// Writes `masks/NAME.png`.
    fn mask(&self, name: &str, [height, width]: [u32; 2], values: &[u8]) {
        let path = self.path(&format!("masks/{name}.png"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let image = image::GrayImage::from_raw(width, height, values.to_vec()).unwrap();
        image.save(path).unwrap();
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn command(&self) -> std::process::Command {
        let mut command = cavga(["metrics", "--resamples", "50", "--scores"]);
        command
            .arg(self.path("scores"))
            .arg("--masks")
            .arg(self.path("masks"));
        command
    }

    fn json(&self) -> Value {
        serde_json::from_str(&succeed(self.command().arg("--json"))).unwrap()
    }

    fn refused(&self, code: i32) -> String {
        fail(&mut self.command(), code)
    }
}

/// Two images, of which the first has a defect of two pixels.
fn two() -> Files {
    let files = Files::new();
    files.map("bad/0", [2, 2], &[0.9, 0.4, 0.1, 0.5]);
    files.mask("bad/0", [2, 2], &[255, 255, 0, 0]);
    files.map("good/0", [2, 2], &[0.2, 0.3, 0.1, 0.1]);
    files
}

#[test]
fn figures_are_those_of_a_hand_s_count() {
    let json = two().json();
    // Of 12 pairs one is lost: 0.4 against 0.5.
    assert_eq!(json["pixel_auroc"], 11.0 / 12.0);
    assert_eq!(json["image_auroc"], 1.0);
    assert_eq!(json["iou_at_0.5"], 0.5);
    assert_eq!(json["n_maps_without_mask"], 1);
    assert_eq!(json["n_normal"], 1);
    assert_eq!(json["n_regions"], 1);
    assert_eq!(json["auspro_0.05"], Value::Null);
    assert!(json["auspro_0.05_undefined"].as_str().is_some());
    let [low, high] = [0, 1].map(|end| json["pixel_auroc_interval"][end].as_f64().unwrap());
    assert!(low <= 11.0 / 12.0 && 11.0 / 12.0 <= high);
}

/// One definition, whoever made the maps: what `eval` says of a run is what its own files say.
#[test]
fn a_run_s_own_files_give_the_run_s_own_figures() {
    let set = Set::new();
    let run = set.path("run");
    succeed(&mut set.train(&run));
    succeed(cavga(["eval", "--resamples", "20"]).arg(&run));
    let of_run: Value =
        serde_json::from_slice(&fs::read(run.join("metrics.json")).unwrap()).unwrap();
    let mut command = cavga(["metrics", "--json", "--resamples", "20", "--scores"]);
    command
        .arg(run.join("maps/test"))
        .arg("--masks")
        .arg(set.data().join("ground_truth"));
    command.arg("--image-scores").arg(run.join("scores.csv"));
    let of_files: Value = serde_json::from_str(&succeed(&mut command)).unwrap();
    let figures = of_files.as_object().unwrap();
    let mut compared = 0;
    for (name, value) in figures.iter().filter(|(_, value)| value.is_f64()) {
        if let Some(expected) = of_run.get(name) {
            assert_eq!(value, expected, "{name}");
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
    assert_eq!(
        of_files["image_auroc_interval"],
        of_run["image_auroc_interval"]
    );
    assert_eq!(
        of_files["aupro_0.30_interval"],
        of_run["aupro_0.30_interval"]
    );
    assert_eq!(
        of_files["kinds"]["blob"]["pixel_auroc"],
        of_run["kinds"]["blob"]["pixel_auroc"]
    );
}

#[test]
fn masks_of_0_and_1_of_0_and_255_and_with_soft_edges() {
    let figures = |values: &[u8]| {
        let files = two();
        files.mask("bad/0", [2, 2], values);
        let json = files.json();
        (json["pixel_auroc"].clone(), json["n_masks_soft"].clone())
    };
    let hard = figures(&[255, 255, 0, 0]);
    assert_eq!(hard, figures(&[1, 1, 0, 0]));
    assert_eq!(hard.1, 0);
    // The rule: all that is above 0, and it is told.
    assert_eq!(figures(&[255, 90, 0, 0]), (hard.0.clone(), 1.into()));
    let files = two();
    files.mask("bad/0", [2, 2], &[255, 90, 0, 0]);
    let json = succeed(files.command().args(["--json", "--mask-above", "0.5"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["n_pixels_anomalous"], 1);
    assert_eq!(json["pixel_auroc"], 1.0);
    let said = files.command().output().unwrap();
    assert!(
        String::from_utf8(said.stderr)
            .unwrap()
            .contains("antialiased")
    );
}

#[test]
fn a_map_is_brought_to_its_mask_s_size_and_a_normal_one_with_it() {
    let files = Files::new();
    files.map("0", [1, 2], &[1.0, 0.0]);
    files.mask("0", [2, 4], &[255, 255, 0, 0, 255, 255, 0, 0]);
    files.map("1", [1, 2], &[0.0, 0.0]);
    let json = files.json();
    assert_eq!(json["n_maps_resized"], 2);
    assert_eq!(json["n_pixels_normal"], 4 + 8);
    assert_eq!(json["pixel_auroc"], 1.0);
}

#[test]
fn one_class_only_is_undefined_not_a_number() {
    let files = Files::new();
    files.map("0", [1, 2], &[0.1, 0.9]);
    files.mask("0", [1, 2], &[0, 0]);
    let json = files.json();
    for name in [
        "image_auroc",
        "pixel_auroc",
        "aupro_0.30",
        "aupimo",
        "iou_at_0.5",
    ] {
        assert_eq!(json[name], Value::Null, "{name}");
        assert!(json[format!("{name}_undefined")].is_string(), "{name}");
    }
    let constant = Files::new();
    constant.map("0", [1, 4], &[0.7; 4]);
    constant.mask("0", [1, 4], &[255, 0, 0, 0]);
    let json = constant.json();
    assert_eq!(json["pixel_auroc"], 0.5);
    assert_eq!(json["aupro_0.30"], 0.15);
    assert_eq!(json["image_auroc"], Value::Null);
}

#[test]
fn scores_that_are_no_numbers_are_refused_by_file_and_place() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let files = two();
        files.map("good/0", [2, 2], &[0.1, 0.2, bad, 0.3]);
        let said = files.refused(1);
        assert!(
            said.contains("0.npy") && said.contains("row 1, column 0"),
            "{said}"
        );
    }
    let files = two();
    files.write("scores.csv", b"id,score\nbad/0,nan\ngood/0,1\n");
    let said = fail(
        files
            .command()
            .arg("--image-scores")
            .arg(files.path("scores.csv")),
        1,
    );
    assert!(
        said.contains("scores.csv") && said.contains("line 2"),
        "{said}"
    );
}

#[test]
fn files_that_do_not_pair_are_refused_by_name() {
    let files = two();
    files.mask("bad/1_mask", [2, 2], &[255, 0, 0, 0]);
    assert!(files.refused(1).contains("1_mask.png"));
    let files = two();
    files.mask("bad/0_mask", [2, 2], &[255, 0, 0, 0]);
    assert!(files.refused(1).contains("two masks are its own"));
    let files = two();
    files.write("scores/bad/0.tiff", b"II*\0");
    assert!(files.refused(1).contains("another ending"));
    let files = two();
    files.write("scores/good/0.npy", b"\x93NUMPY\x01\x00");
    assert!(files.refused(1).contains("0.npy"));
    let files = Files::new();
    files.map("0", [1, 1], &[1.0]);
    fs::create_dir(files.path("masks")).unwrap();
    assert!(files.refused(1).contains("masks"));
    fail(cavga(["metrics", "--scores"]).arg(files.path("scores")), 2);
}

#[test]
fn a_table_alone_is_measured_by_its_labels() {
    let files = Files::new();
    let table =
        "id,label,score,group\na,normal,0.1,x\nb,good,0.4,x\nc,anomalous,0.35,y\nd,1,0.8,z\n";
    files.write("scores.csv", table.as_bytes());
    let path = files.path("scores.csv");
    let run = |path: &Path| {
        let mut command = cavga(["metrics", "--json", "--image-scores"]);
        command.arg(path);
        command
    };
    let json: Value = serde_json::from_str(&succeed(&mut run(&path))).unwrap();
    assert_eq!(json["image_auroc"], 0.75);
    assert_eq!(json["intervals"]["clusters"], 3);
    assert!(json.get("pixel_auroc").is_none());
    for (table, word) in [
        ("id,score\na,0.1\n", "needs one"),
        ("name,score\na,0.1\n", "id and score"),
        ("id,score,label\na,0.1,broken\n", "line 2"),
        ("id,score,label\n", "found none"),
        ("id,score,label\na,,normal\n", "line 2"),
    ] {
        files.write("scores.csv", table.as_bytes());
        let said = fail(&mut run(&path), 1);
        assert!(said.contains("scores.csv") && said.contains(word), "{said}");
    }
}

#[test]
fn a_table_that_does_not_fit_the_maps_is_refused() {
    let files = two();
    for (table, word) in [
        ("id,score\nbad/0,1\n", "good/0"),
        (
            "id,score\nbad/0.png,1\ngood/0.png,0\nmore,0\n",
            "more has no map",
        ),
        ("id,score\nbad/0.png,1\nbad/0.jpg,0\ngood/0,1\n", "twice"),
        ("id,score\na/bad/0,1\nb/bad/0,0\ngood/0,1\n", "could be"),
    ] {
        files.write("scores.csv", table.as_bytes());
        let said = fail(
            files
                .command()
                .arg("--image-scores")
                .arg(files.path("scores.csv")),
            1,
        );
        assert!(said.contains(word), "{said}");
    }
    files.write(
        "scores.csv",
        b"id,score\ntest/bad/0.png,0\ntest/good/0.png,1\n",
    );
    let json = succeed(
        files
            .command()
            .arg("--json")
            .arg("--image-scores")
            .arg(files.path("scores.csv")),
    );
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["image_auroc"], &json["image_score"]),
        (&0.0.into(), &"table".into())
    );
}

/// A label and a mask that contradict each other would count an image's pixels as the contrary of itself.
#[test]
fn a_label_that_contradicts_the_mask_is_refused() {
    for (table, word) in [
        (
            "id,score,label\nbad/0,1,normal\ngood/0,0,normal\n",
            "labelled normal",
        ),
        (
            "id,score,label\nbad/0,1,anomalous\ngood/0,0,1\n",
            "labelled anomalous",
        ),
    ] {
        let files = two();
        files.write("scores.csv", table.as_bytes());
        let path = files.path("scores.csv");
        let said = fail(files.command().arg("--image-scores").arg(path), 1);
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn one_folder_for_maps_and_masks_and_settings_out_of_range_are_refused() {
    let files = two();
    let mut command = cavga(["metrics", "--scores"]);
    command
        .arg(files.path("scores"))
        .arg("--masks")
        .arg(files.path("scores"));
    assert!(fail(&mut command, 1).contains("its own mask"));
    for more in [
        ["--resamples", "9999999999999"],
        ["--threshold", "nan"],
        ["--mask-above", "1"],
        ["--mask-above", "nan"],
    ] {
        let mut command = cavga(["metrics", "--scores"]);
        command.arg(files.path("scores")).arg("--masks");
        fail(command.arg(files.path("masks")).args(more), 2);
    }
}

#[test]
fn ids_keep_their_dots_and_masks_that_mark_nothing_are_counted() {
    let files = Files::new();
    files.map("img.v1", [1, 2], &[0.9, 0.1]);
    files.mask("img.v1", [1, 2], &[255, 0]);
    files.map("img.v2", [1, 2], &[0.2, 0.1]);
    files.mask("img.v2", [1, 2], &[0, 0]);
    files.write(
        "scores.csv",
        b"id,score\nimg.v1,1\nimg.v2.png,0.123456789012\n",
    );
    let json = succeed(
        files
            .command()
            .arg("--json")
            .arg("--image-scores")
            .arg(files.path("scores.csv")),
    );
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["image_auroc"], 1.0);
    assert_eq!(
        (&json["n_masks_empty"], &json["n_scores_rounded"]),
        (&1.into(), &1.into())
    );
    files.write("scores.csv", b"id,score,label\na,1,1\na,0,0\n");
    let mut command = cavga(["metrics", "--image-scores"]);
    assert!(fail(command.arg(files.path("scores.csv")), 1).contains("twice"));
}
