//! Sets with a folder for each category in MVTec AD's layout, under their own names.

use cavga_data::{DatasetSpec, Known};

use crate::tree::{Tree, refused, spec, test, train};

/// Two categories of MVTec AD.
fn mvtec() -> Tree {
    let tree = Tree::new();
    for category in ["bottle", "cable"] {
        tree.images(&format!("{category}/train/good"), 3);
        tree.images(&format!("{category}/test/good"), 1);
        tree.images(&format!("{category}/test/crack"), 2);
        for i in 0..2 {
            let mask = format!("{category}/ground_truth/crack/{i:03}_mask.png");
            tree.mask(&mask, 4 + i, 255);
        }
    }
    tree
}

#[test]
fn mvtec_ad_is_a_folder_for_each_category() {
    let tree = mvtec();
    let dataset = tree.open(&spec(Known::MvtecAd, "cable"));
    assert_eq!(dataset.root, tree.root().join("cable"));
    assert_eq!(train(&dataset).len(), 3);
    assert_eq!(
        test(&dataset),
        [
            ("test/crack/000.png", "crack", Some(4)),
            ("test/crack/001.png", "crack", Some(5)),
            ("test/good/000.png", "good", None),
        ]
    );
    assert_eq!(refused(&dataset), []);
}

#[test]
fn a_category_folder_is_one_itself_and_an_archive_is_looked_into() {
    let tree = mvtec();
    for category in ["", "bottle"] {
        let wanted = spec(Known::MvtecAd, category);
        let dataset = wanted.open(tree.root().join("bottle")).unwrap();
        assert_eq!(dataset.train.len(), 3);
    }
    let outer = Tree::new();
    outer.images("mvtec_anomaly_detection/pill/train/good", 1);
    outer.images("mvtec_anomaly_detection/pill/test/good", 1);
    outer.path("mvtec_anomaly_detection/pill/ground_truth/x");
    assert_eq!(outer.open(&spec(Known::MvtecAd, "pill")).train.len(), 1);
}

#[test]
fn a_category_that_is_wrong_missing_or_not_given_is_told_with_those_there() {
    let tree = mvtec();
    let said = tree.refused(&spec(Known::MvtecAd, ""));
    assert!(
        said.contains("here bottle, cable") && said.contains("zipper"),
        "{said}"
    );
    let said = tree.refused(&spec(Known::MvtecAd, "botle"));
    assert!(
        said.contains("found `botle`") && said.contains("bottle"),
        "{said}"
    );
    let said = tree.refused(&spec(Known::MvtecAd, "pill"));
    assert!(
        said.contains("pill") && said.contains("here bottle, cable"),
        "{said}"
    );
    // The folder of one category is not another one.
    let other = spec(Known::MvtecAd, "cable").open(tree.root().join("bottle"));
    assert_eq!(other.unwrap_err().kind(), "category-missing");
    let empty = Tree::new();
    let said = empty.refused(&spec(Known::MvtecAd, "pill"));
    assert!(said.contains("none of them here"), "{said}");
    let gone = spec(Known::MvtecAd, "pill")
        .open(tree.root().join("no"))
        .unwrap_err();
    assert_eq!(gone.kind(), "folder-missing");
}

#[test]
fn a_normal_class_is_refused_by_sets_without_classes() {
    let tree = mvtec();
    for name in Known::ALL {
        if [Known::Mnist, Known::FashionMnist, Known::Cifar10].contains(&name) {
            continue;
        }
        let wanted = DatasetSpec {
            normal_class: Some(3),
            ..spec(name, "")
        };
        assert!(
            tree.problems(&wanted).contains(&"normal-class".to_string()),
            "{name}"
        );
    }
}

#[test]
fn other_counts_than_the_official_ones_are_warnings() {
    let report = mvtec().check(&spec(Known::MvtecAd, "bottle"));
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let said: Vec<_> = report
        .warnings
        .iter()
        .filter(|w| w.kind == "count")
        .collect();
    assert_eq!(said.len(), 3);
    let expected = "has 3 of the official set's 209 training images";
    assert!(
        said.iter().any(|w| w.message.contains(expected)),
        "{said:?}"
    );
}

#[test]
fn a_check_says_which_part_of_a_category_is_missing() {
    let tree = mvtec();
    tree.remove("bottle/ground_truth/crack/000_mask.png");
    assert_eq!(
        tree.problems(&spec(Known::MvtecAd, "bottle")),
        ["image-without-mask"]
    );
    tree.remove("bottle/ground_truth");
    let report = tree.check(&spec(Known::MvtecAd, "bottle"));
    assert_eq!(report.problems[0].kind, "folder-missing");
    assert_eq!(
        report.problems[0].path,
        tree.root().join("bottle/ground_truth")
    );
    tree.remove("cable/train/good");
    // Without it, nothing says that the folder is a category.
    assert!(
        tree.problems(&spec(Known::MvtecAd, "cable"))
            .contains(&"no-normal-image".into())
    );
}

#[test]
fn files_beside_the_folders_are_counted_as_not_used() {
    let tree = mvtec();
    for stray in [
        "train/a.png",
        "test/b.png",
        "ground_truth/c.png",
        "train/bad/d.png",
    ] {
        tree.image(&format!("bottle/{stray}"));
    }
    assert_eq!(
        refused(&tree.open(&spec(Known::MvtecAd, "bottle"))),
        [
            ("beside the folders that images are in".to_string(), 3),
            ("no folder of normal training images".to_string(), 1)
        ]
    );
}

#[test]
fn mpdd_is_as_mvtec_ad() {
    let tree = Tree::new();
    tree.images("tubes/train/good", 2)
        .images("tubes/test/good", 1);
    tree.images("tubes/test/anomalous", 1);
    tree.mask("tubes/ground_truth/anomalous/000_mask.png", 2, 255);
    let dataset = tree.open(&spec(Known::Mpdd, "tubes"));
    assert_eq!(dataset.train.len(), 2);
    assert_eq!(
        test(&dataset)[0],
        ("test/anomalous/000.png", "anomalous", Some(2))
    );
    tree.remove("tubes/test");
    assert!(
        tree.problems(&spec(Known::Mpdd, "tubes"))
            .contains(&"folder-missing".into())
    );
}

#[test]
fn btad_calls_its_kinds_ok_and_ko_and_its_masks_end_otherwise() {
    let tree = Tree::new();
    for i in 0..3 {
        tree.image(&format!("01/train/ok/{i:04}.bmp"));
    }
    tree.image("01/test/ok/0000.bmp")
        .image("01/test/ko/0001.bmp");
    tree.mask("01/ground_truth/ko/0001.png", 3, 255);
    tree.mask("01/ground_truth/ok/0000.png", 0, 255);
    let dataset = tree.open(&spec(Known::Btad, "01"));
    assert_eq!(dataset.train.len(), 3);
    assert_eq!(
        test(&dataset),
        [
            ("test/ko/0001.bmp", "ko", Some(3)),
            ("test/ok/0000.bmp", "good", None)
        ]
    );
    assert_eq!(
        refused(&dataset),
        [("the mask of a normal image".to_string(), 1)]
    );
    tree.remove("01/test/ko/0001.bmp");
    assert_eq!(
        tree.problems(&spec(Known::Btad, "01")),
        ["mask-without-image"]
    );
}

#[test]
fn mvtec_ad_2_learns_from_validation_too_and_leaves_the_private_tests() {
    let tree = Tree::new();
    for (folder, n) in [
        ("train/good", 2),
        ("validation/good", 1),
        ("test_public/good", 1),
        ("test_public/bad", 1),
        ("test_private", 2),
        ("test_private_mixed", 1),
    ] {
        tree.images(&format!("vial/{folder}"), n);
    }
    tree.mask("vial/test_public/ground_truth/bad/000_mask.png", 5, 255);
    let dataset = tree.open(&spec(Known::MvtecAd2, "vial"));
    assert_eq!(
        train(&dataset),
        [
            "train/good/000.png",
            "train/good/001.png",
            "validation/good/000.png"
        ]
    );
    assert_eq!(
        test(&dataset),
        [
            ("test_public/bad/000.png", "bad", Some(5)),
            ("test_public/good/000.png", "good", None)
        ]
    );
    let why = "a private test image, without a label";
    assert_eq!(refused(&dataset), [(why.to_string(), 3)]);
    tree.remove("vial/validation");
    assert_eq!(
        tree.problems(&spec(Known::MvtecAd2, "vial")),
        ["folder-missing"]
    );
}
