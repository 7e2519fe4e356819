//! `cavga one-class`: a run for each class and their table, not made twice, refused as something else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{fs, path::Path, process::Command};

use common::{TINY, cavga, fail, succeed};
use serde_json::Value;

/// CIFAR-10 in small: some images of each of the first three classes, each class of one colour.
fn write_cifar(folder: &Path) {
    let records = |of_class: u8, shade: u8| -> Vec<u8> {
        let record = |number: u8| {
            let class = number % 3;
            let mut record = vec![class];
            for channel in 0..3 {
                let level = if channel == class { 200 } else { 40 };
                record
                    .extend((0..1024_u32).map(|place| level + shade + (place % 16) as u8 + number));
            }
            record
        };
        (0..3 * of_class).flat_map(record).collect()
    };
    fs::write(folder.join("data_batch_1.bin"), records(4, 0)).unwrap();
    fs::write(folder.join("test_batch.bin"), records(2, 20)).unwrap();
}

fn one_class(data: &Path, out: &Path) -> Command {
    let mut command = cavga(["one-class", "cavga-d-u", "--dataset", "cifar-10", "--data"]);
    command.arg(data).arg("--out").arg(out).args(TINY);
    command.args(["--set", "data.size=[32,32]"]);
    command
}

#[test]
fn classes_make_a_table_and_are_not_run_twice_nor_as_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path(), folder.path().join("out"));
    write_cifar(data);
    let said = succeed(one_class(data, &out).args(["--classes", "2", "--json"]));
    let json: Value = serde_json::from_str(&said).unwrap();
    let first = &json["classes"][0];
    assert_eq!(
        (&first["name"], &first["n_test_anomalous"]),
        (&Value::from("bird"), &Value::from(4))
    );
    assert!(first["measured"]["image_auroc"].is_number(), "{json}");
    assert_eq!(json["reported"][0]["mean"], 0.737);

    let model = out.join("class-2-seed-0/model.safetensors");
    let written = fs::metadata(&model).unwrap().modified().unwrap();
    let text = succeed(one_class(data, &out).args(["--classes", "0,2"]));
    assert!(
        text.contains("| 0 airplane ") && text.contains("| 2 bird "),
        "{text}"
    );
    assert!(
        text.contains("| mean ") && text.contains("residual"),
        "{text}"
    );
    assert_eq!(fs::metadata(&model).unwrap().modified().unwrap(), written);
    assert!(!out.join("class-2-seed-0/checkpoint.safetensors").exists());
    let csv = fs::read_to_string(out.join("one-class.csv")).unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");

    // Images of an archive can be verified with, though no file of theirs be predicted.
    let mut verify = cavga(["verify", "--json", "--images", "3", "--allow-undetermined"]);
    verify.args(["--dataset", "cifar-10", "--normal-class", "2", "--data"]);
    let found = succeed(verify.arg(data).arg(out.join("class-2-seed-0")));
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["images"].as_array().unwrap().len(), 3);
    let not_compared = found["not_compared"].as_array().unwrap();
    assert!(
        not_compared
            .iter()
            .any(|form| form["form"] == "predict, from files")
    );

    // Other classes are added to those that are done.
    let text = succeed(one_class(data, &out).args(["--classes", "1"]));
    let rows = ["| 0 airplane ", "| 1 automobile ", "| 2 bird "];
    assert!(rows.iter().all(|row| text.contains(row)), "{text}");

    let said = fail(
        one_class(data, &out).args(["--classes", "2", "--set", "train.batch=3"]),
        2,
    );
    assert!(said.contains("train.batch"), "{said}");
}

/// Class 2 as the anomalous one, tiny.
fn rest_vs_one(data: &Path, out: &Path) -> Command {
    let mut command = cavga(["one-class", "capsnet-pp", "--dataset", "cifar-10", "--data"]);
    command.arg(data).arg("--out").arg(out);
    command.args(["--protocol", "rest-vs-one", "--classes", "2"]);
    for setting in [
        "data.size=[32,32]",
        "method.side=20",
        "method.width=4",
        "method.capsules=2",
        "method.decoder=[6,8]",
        "train.batch=2",
        "train.passes=2",
    ] {
        command.args(["--set", setting]);
    }
    command
}

#[test]
fn each_class_may_be_the_anomalous_one_and_the_others_are_learnt_with_their_classes() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path(), folder.path().join("out"));
    write_cifar(data);
    let rest_vs_one = || rest_vs_one(data, &out);
    let text = succeed(&mut rest_vs_one());
    assert!(text.contains("| anomalous class |"), "{text}");
    assert!(
        text.contains("reported: CapsNet_PP |") && !text.contains("reported: LSA"),
        "{text}"
    );
    let run = out.join("all-but-2-seed-0");
    let config = fs::read_to_string(run.join("run.toml")).unwrap();
    assert!(
        config.contains("classes = 9") && config.contains("anomalous_class = 2"),
        "{config}"
    );
    let csv = fs::read_to_string(out.join("rest-vs-one.csv")).unwrap();
    // 12 images to learn from less the 4 birds; of 6 to test on, 2 are birds.
    assert!(
        csv.lines().nth(1).unwrap().starts_with("2,bird,0,"),
        "{csv}"
    );
    assert!(csv.lines().nth(1).unwrap().contains(",6,2,"), "{csv}");
    let json: Value = serde_json::from_str(&succeed(rest_vs_one().arg("--json"))).unwrap();
    assert_eq!(json["protocol"], "rest-vs-one");
    let said = fail(rest_vs_one().args(["--set", "method.classes=3"]), 2);
    assert!(said.contains("method.classes = 3: it is 9"), "{said}");
}

#[test]
fn by_hand_a_method_has_to_be_told_how_many_classes_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    write_cifar(data);
    let mut train = cavga([
        "train",
        "capsnet-pp",
        "--dataset",
        "cifar-10",
        "--anomalous-class",
        "2",
    ]);
    train.args([
        "--set",
        "data.size=[32,32]",
        "--set",
        "method.width=4",
        "--data",
    ]);
    let said = fail(
        train.arg(data).arg("--out").arg(folder.path().join("run")),
        2,
    );
    assert!(
        said.contains("classes") && said.contains("at least"),
        "{said}"
    );
}

#[test]
fn what_has_no_such_class_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path(), folder.path().join("out"));
    write_cifar(data);
    let said = fail(one_class(data, &out).args(["--classes", "10"]), 2);
    assert!(said.contains("--classes: 10: expected 0 to 9"), "{said}");
    let said = fail(one_class(data, &out).args(["--dataset", "btad"]), 2);
    assert!(
        said.contains("btad") || said.contains("--dataset"),
        "{said}"
    );
    assert!(!out.exists());
}
