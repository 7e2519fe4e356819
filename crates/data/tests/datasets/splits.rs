//! Sets without an official split: the same images are drawn for testing every time.

use cavga_data::Known;

use crate::tree::{Tree, refused, spec, test};

fn kolektor() -> Tree {
    let tree = Tree::new();
    for item in 1..=6 {
        for part in 0..3 {
            let stem = format!("kos{item:02}/Part{part}");
            tree.image(&format!("{stem}.jpg"));
            // Each item has one bad side.
            tree.mask(
                &format!("{stem}_label.bmp"),
                if part == 1 { 5 } else { 0 },
                255,
            );
        }
    }
    tree.file("readme.txt", "x");
    tree
}

#[test]
fn kolektor_keeps_an_item_on_one_side() {
    let tree = kolektor();
    let dataset = tree.open(&spec(Known::Kolektor, ""));
    // Items 3 and 6 are tested on, the good sides of the others are learnt from.
    assert_eq!(dataset.train.len(), 8);
    assert_eq!(dataset.test.len(), 6);
    assert!(test(&dataset).contains(&("kos03/Part1.jpg", "defect", Some(5))));
    assert_eq!(dataset.kinds().get("defect"), Some(&2));
    let groups = |train: bool| -> Vec<_> {
        let of_test = dataset.test.iter().map(|test| &test.sample);
        let mut groups: Vec<_> = if train {
            dataset
                .train
                .iter()
                .map(|s| s.group.clone().unwrap())
                .collect()
        } else {
            of_test.map(|s| s.group.clone().unwrap()).collect()
        };
        groups.dedup();
        groups
    };
    assert_eq!(groups(true), ["kos01", "kos02", "kos04", "kos05"]);
    assert_eq!(groups(false), ["kos03", "kos06"]);
    assert_eq!(
        refused(&dataset),
        [
            ("anomalous, of an item that is learnt from".to_string(), 4),
            ("outside of the items' folders".to_string(), 1)
        ]
    );
}

#[test]
fn kolektor_needs_a_label_for_each_image() {
    let wanted = spec(Known::Kolektor, "");
    let tree = kolektor();
    tree.remove("kos02/Part0_label.bmp");
    let said = tree.refused(&wanted);
    assert!(
        said.contains("Part0_label.bmp") && said.contains("Part0.jpg"),
        "{said}"
    );
    let tree = kolektor();
    tree.remove("kos02/Part0.jpg");
    assert_eq!(tree.problems(&wanted), ["mask-without-image"]);
    let tree = kolektor();
    tree.file("kos02/Part0_label.bmp", "no image");
    assert_eq!(tree.problems(&wanted), ["not-an-image"]);
    assert_eq!(Tree::new().problems(&wanted), ["no-normal-image"]);
}

#[test]
fn a_set_of_one_category_refuses_another() {
    for name in [Known::Kolektor, Known::MagneticTile, Known::Lag] {
        assert!(
            Tree::new()
                .refused(&spec(name, "x"))
                .contains("no category"),
            "{name}"
        );
    }
}

fn tiles() -> Tree {
    let tree = Tree::new();
    for i in 0..10 {
        tree.image(&format!("MT_Free/Imgs/exp1_num_{i}.jpg"));
        tree.mask(&format!("MT_Free/Imgs/exp1_num_{i}.png"), 0, 255);
    }
    for (i, kind) in ["Blowhole", "Break", "Crack", "Fray", "Uneven"]
        .iter()
        .enumerate()
    {
        tree.image(&format!("MT_{kind}/Imgs/exp1_num_{i}.jpg"));
        tree.mask(
            &format!("MT_{kind}/Imgs/exp1_num_{i}.png"),
            1 + i as u32,
            255,
        );
    }
    tree
}

#[test]
fn magnetic_tile_tests_on_a_fifth_of_the_good_tiles() {
    let tree = tiles();
    let wanted = spec(Known::MagneticTile, "");
    let dataset = tree.open(&wanted);
    assert_eq!(dataset.train.len(), 8);
    assert_eq!(dataset.kinds().get("good"), Some(&2));
    let bad: Vec<_> = test(&dataset)
        .into_iter()
        .filter(|one| one.1 != "good")
        .collect();
    assert_eq!(bad.len(), 5);
    assert_eq!(
        bad[4],
        ("MT_Uneven/Imgs/exp1_num_4.jpg", "MT_Uneven", Some(5))
    );
    assert_eq!(
        refused(&dataset),
        [("the mask of a normal image".to_string(), 10)]
    );
    assert_eq!(tree.open(&wanted), dataset);
}

#[test]
fn magnetic_tile_says_which_mask_or_folder_is_missing() {
    let wanted = spec(Known::MagneticTile, "");
    let tree = tiles();
    tree.remove("MT_Crack/Imgs/exp1_num_2.png");
    assert_eq!(tree.problems(&wanted), ["image-without-mask"]);
    tree.remove("MT_Crack");
    let report = tree.check(&wanted);
    assert_eq!(report.problems[0].path, tree.root().join("MT_Crack/Imgs"));
    assert_eq!(report.problems[0].kind, "folder-missing");
}

fn lag() -> Tree {
    let tree = Tree::new();
    for i in 0..13 {
        tree.image(&format!("non_glaucoma/image/{i:04}.png"));
        tree.mask(&format!("non_glaucoma/attention_map/{i:04}.png"), 3, 255);
        tree.file(&format!("non_glaucoma/label/{i:04}.txt"), "0");
    }
    for (i, value) in [(13, 127), (14, 128)] {
        tree.image(&format!("suspicious_glaucoma/image/{i:04}.png"));
        tree.mask(
            &format!("suspicious_glaucoma/attention_map/{i:04}.png"),
            9,
            value,
        );
    }
    tree
}

#[test]
fn lag_reads_attention_maps_from_half_of_full_scale_on() {
    let tree = lag();
    let dataset = tree.open(&spec(Known::Lag, ""));
    // 13 · 800 / 3432 = 3.03.
    assert_eq!(dataset.train.len(), 10);
    assert_eq!(dataset.kinds().get("good"), Some(&3));
    let bad: Vec<_> = test(&dataset)
        .into_iter()
        .filter(|one| one.1 != "good")
        .collect();
    assert_eq!(
        bad,
        [
            ("suspicious_glaucoma/image/0013.png", "glaucoma", Some(0)),
            ("suspicious_glaucoma/image/0014.png", "glaucoma", Some(9))
        ]
    );
    assert_eq!(dataset.unused.len(), 26);
    // A map that is nowhere above the threshold marks nothing, which a check says.
    assert_eq!(tree.problems(&spec(Known::Lag, "")), ["empty-mask"]);
}

#[test]
fn lag_says_which_map_or_folder_is_missing() {
    let wanted = spec(Known::Lag, "");
    let tree = lag();
    tree.remove("suspicious_glaucoma/attention_map/0014.png");
    assert!(
        tree.problems(&wanted)
            .contains(&"image-without-mask".into())
    );
    tree.remove("suspicious_glaucoma/image/0013.png");
    assert!(
        tree.problems(&wanted)
            .contains(&"mask-without-image".into())
    );
    tree.remove("suspicious_glaucoma/attention_map");
    assert!(tree.problems(&wanted).contains(&"folder-missing".into()));
}
