//! Bad images, folders, arguments and settings: each is an error that names the file or key and what to do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::{Set, TINY, cavga, fail, succeed};

/// What training on the set says, and what `data check` says, after `spoil` has done its work.
fn spoiled(spoil: impl FnOnce(&Path)) -> (String, String) {
    let set = Set::new();
    spoil(&set.data());
    let checked = cavga(["data", "check"]).arg(set.data()).output().unwrap();
    assert_eq!(checked.status.code(), Some(1), "data check finds it");
    (
        fail(&mut set.train(&set.path("run")), 1),
        String::from_utf8(checked.stdout).unwrap(),
    )
}

fn write_png(path: &Path, width: u32, height: u32) {
    image::GrayImage::from_pixel(width, height, image::Luma([255]))
        .save(path)
        .unwrap();
}

#[test]
fn a_folder_that_is_empty_or_missing() {
    let set = Set::new();
    let empty = set.path("empty");
    fs::create_dir(&empty).unwrap();
    for (data, word) in [
        (empty, "found none"),
        (set.path("none"), "found nothing by that name"),
    ] {
        let mut command = cavga(["train", "cavga-d-u", "--data"]);
        let said = fail(
            command
                .arg(&data)
                .arg("--out")
                .arg(set.path("run"))
                .args(TINY),
            1,
        );
        assert!(
            said.contains(word) && said.contains(data.to_str().unwrap()),
            "{said}"
        );
        assert!(!set.path("run").exists(), "nothing is left behind");
    }
}

#[test]
fn no_normal_image() {
    let (said, checked) = spoiled(|data| fs::remove_dir_all(data.join("train")).unwrap());
    assert!(
        said.contains("expected normal images to learn from"),
        "{said}"
    );
    assert!(checked.contains("[no-normal-image]"), "{checked}");
}

#[test]
fn one_normal_image_is_too_few() {
    let set = Set::new();
    for index in 1..7 {
        fs::remove_file(set.data().join(format!("train/good/{index:03}.png"))).unwrap();
    }
    let said = fail(&mut set.train(&set.path("run")), 1);
    assert!(
        said.contains("1 normal images, at least 2 needed"),
        "{said}"
    );
}

/// Held-out images are needed only after the last pass: a broken one is found before the first all the same.
#[test]
fn a_broken_held_out_image_is_found_before_training() {
    let set = Set::new();
    let images = cavga::data::Dataset::open(set.data()).unwrap().train;
    let (_, held_out) = cavga::data::hold_out(images, 0.1, 0);
    fs::write(held_out[0].path(), b"not a picture").unwrap();
    let run = set.path("run");
    let said = fail(&mut set.train(&run), 1);
    assert!(
        said.contains(held_out[0].path().to_str().unwrap()),
        "{said}"
    );
    assert!(!run.join("train.jsonl").exists(), "not a step was made");
    // Mended, the same folder serves: there is nothing in it to lose.
    write_png(held_out[0].path(), 32, 32);
    succeed(&mut set.train(&run));
}

#[test]
fn an_image_cut_short() {
    let (said, checked) = spoiled(|data| {
        let path = data.join("train/good/003.png");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(
        said.contains("003.png") && said.contains("ends early"),
        "{said}"
    );
    assert!(checked.contains("[truncated]"), "{checked}");
}

#[test]
fn a_file_of_no_bytes() {
    let (said, checked) = spoiled(|data| fs::write(data.join("train/good/003.png"), b"").unwrap());
    assert!(
        said.contains("003.png") && said.contains("0 bytes"),
        "{said}"
    );
    assert!(checked.contains("[empty-file]"), "{checked}");
}

#[test]
fn a_text_file_named_png() {
    let (said, checked) =
        spoiled(|data| fs::write(data.join("train/good/003.png"), b"not a picture").unwrap());
    assert!(
        said.contains("003.png") && said.contains("expected an image"),
        "{said}"
    );
    assert!(checked.contains("[not-an-image]"), "{checked}");
}

/// Refused by its header alone: decoding it would take 2.7 GB.
#[test]
fn an_image_of_30000_by_30000_pixels() {
    let set = Set::new();
    let path = set.data().join("train/good/003.png");
    // The header of a PNG: the size stands at bytes 16 to 24, its checksum at 29.
    let mut bytes = fs::read(&path).unwrap();
    bytes[16..20].copy_from_slice(&30_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&30_000_u32.to_be_bytes());
    let checksum = crc(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    fs::write(&path, bytes).unwrap();
    let said = fail(&mut set.train(&set.path("run")), 1);
    assert!(
        said.contains("003.png") && said.contains("30000") && said.contains("max_pixels"),
        "{said}"
    );
    let said = fail(
        set.train(&set.path("smaller"))
            .args(["--set", "data.max_pixels=100"]),
        1,
    );
    assert!(said.contains("at most 100 pixels"), "{said}");
}

/// The checksum of PNG's chunks, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 {
                sum >> 1 ^ 0xEDB8_8320
            } else {
                sum >> 1
            }
        })
    })
}

#[test]
fn a_mask_of_another_size() {
    let set = Set::new();
    let run = set.trained("run");
    write_png(
        &set.data().join("ground_truth/scratch/000_mask.png"),
        16,
        16,
    );
    let said = fail(cavga(["eval"]).arg(&run), 1);
    assert!(
        said.contains("000_mask.png") && said.contains("[32, 32]") && said.contains("[16, 16]"),
        "{said}"
    );
    let checked = cavga(["data", "check"]).arg(set.data()).output().unwrap();
    assert!(
        String::from_utf8(checked.stdout)
            .unwrap()
            .contains("[mask-size]")
    );
}

#[test]
fn a_mask_without_its_image() {
    let (said, checked) =
        spoiled(|data| write_png(&data.join("ground_truth/scratch/077_mask.png"), 32, 32));
    assert!(
        said.contains("077_mask.png") && said.contains("image of this mask"),
        "{said}"
    );
    assert!(checked.contains("[mask-without-image]"), "{checked}");
}

#[test]
fn an_image_without_its_mask() {
    let (said, checked) =
        spoiled(|data| fs::remove_file(data.join("ground_truth/scratch/000_mask.png")).unwrap());
    assert!(
        said.contains("000.png") && said.contains("expected its mask"),
        "{said}"
    );
    assert!(checked.contains("[image-without-mask]"), "{checked}");
}

#[test]
fn two_files_with_one_stem() {
    let (said, checked) = spoiled(|data| write_png(&data.join("train/good/003.bmp"), 32, 32));
    assert!(
        said.contains("003.png") && said.contains("003.bmp"),
        "{said}"
    );
    assert!(checked.contains("[same-stem]"), "{checked}");
}

#[test]
fn data_check_finds_everything_at_once_and_praises_a_good_set() {
    let set = Set::new();
    let said = succeed(cavga(["data", "check"]).arg(set.data()));
    assert!(said.contains("0 problems"), "{said}");
    fs::write(set.data().join("train/good/001.png"), b"").unwrap();
    fs::write(set.data().join("train/good/002.png"), b"text").unwrap();
    fs::remove_file(set.data().join("ground_truth/scratch/000_mask.png")).unwrap();
    write_png(&set.data().join("ground_truth/blob/000_mask.png"), 9, 9);
    let output = cavga(["data", "check", "--json"])
        .arg(set.data())
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let kinds: Vec<_> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| &problem["kind"])
        .collect();
    for kind in [
        "empty-file",
        "not-an-image",
        "image-without-mask",
        "mask-size",
    ] {
        assert!(
            kinds.iter().any(|found| *found == kind),
            "{kind} in {kinds:?}"
        );
    }
}

#[test]
fn unknown_words_name_the_nearest() {
    let set = Set::new();
    let said = fail(
        set.train(&set.path("run"))
            .args(["--set", "method.latnt=4"]),
        2,
    );
    assert!(
        said.contains("unknown key method.latnt (did you mean latent?)"),
        "{said}"
    );
    let file = set.path("f.toml");
    fs::write(&file, "[data]\nhold_out = 0.2\n").unwrap();
    let said = fail(set.train(&set.path("run")).arg("--config").arg(&file), 2);
    assert!(
        said.contains("f.toml: unknown key data.hold_out (did you mean held_out?)"),
        "{said}"
    );
    let said = fail(
        cavga(["train", "cavga-du", "--data", "x", "--out"]).arg(set.path("run")),
        2,
    );
    assert!(said.contains("did you mean cavga-d-u?"), "{said}");
}

#[test]
fn wrong_arguments_exit_with_2() {
    let set = Set::new();
    assert_eq!(cavga(["train"]).output().unwrap().status.code(), Some(2));
    assert_eq!(cavga(["fly"]).output().unwrap().status.code(), Some(2));
    let said = fail(set.train(&set.path("run")).args(["--device", "abacus"]), 2);
    assert!(said.contains("abacus is no device"), "{said}");
    let said = fail(
        set.train(&set.path("run"))
            .args(["--set", "data.size=[33,32]"]),
        2,
    );
    assert!(said.contains("33"), "{said}");
    let said = fail(
        set.train(&set.path("run")).args(["--set", "data.size=33"]),
        2,
    );
    assert!(said.contains("data.size"), "{said}");
    let said = fail(
        set.train(&set.path("run"))
            .args(["--set", "data.augment.crop=0.7"]),
        2,
    );
    assert!(said.contains("crop"), "{said}");
}

/// Such names exist on Linux; JSON has no way to write them exactly.
#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_unicode_does_not_end_a_report() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let set = Set::new();
    let run = set.trained("run");
    let images = set.path("images");
    fs::create_dir(&images).unwrap();
    let name = |bytes| images.join(OsStr::from_bytes(bytes));
    fs::write(name(b"a\xff.png"), b"no image").unwrap();
    fs::copy(set.data().join("test/good/000.png"), name(b"b\xff.png")).unwrap();
    let mut command = cavga(["predict", "--json"]);
    fail(command.arg(&run).arg(&images), 1);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(
        said.lines().count() == 2 && said.contains("\"score\""),
        "{said}"
    );
    let checked = cavga(["data", "check", "--json"])
        .arg(&images)
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(report["problems"][0]["kind"], "not-an-image");
}

/// No sum of steps overflows; the number is refused where it cannot be written down.
#[test]
fn more_passes_than_can_be_counted() {
    let set = Set::new();
    let passes = format!("train.passes={}", i64::MAX);
    let said = fail(set.train(&set.path("run")).args(["--set", &passes]), 2);
    assert!(!said.contains("overflow"), "{said}");
}
