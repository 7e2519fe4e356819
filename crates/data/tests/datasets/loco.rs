//! MVTec LOCO AD: regions with saturation.

use cavga_data::{Known, Limits, MaskSource, Saturation};

use crate::tree::{Tree, refused, spec, test, train};

const CONFIG: &str = r#"[
    {"defect_name": "missing", "pixel_value": 255, "saturation_threshold": 0.5, "relative_saturation": true},
    {"defect_name": "scratch", "pixel_value": 254, "saturation_threshold": 3, "relative_saturation": false}
]"#;

fn loco() -> Tree {
    let tree = Tree::new();
    for (folder, n) in [
        ("train/good", 2),
        ("validation/good", 1),
        ("test/good", 1),
        ("test/logical_anomalies", 1),
        ("test/structural_anomalies", 1),
    ] {
        tree.images(&format!("pushpins/{folder}"), n);
    }
    let truth = "pushpins/ground_truth";
    tree.mask(&format!("{truth}/logical_anomalies/000/000.png"), 8, 255);
    tree.mask(&format!("{truth}/logical_anomalies/000/001.png"), 12, 254);
    tree.mask(&format!("{truth}/structural_anomalies/000/000.png"), 2, 254);
    tree.file("pushpins/defects_config.json", CONFIG);
    tree
}

#[test]
fn a_region_is_a_file_with_its_own_saturation() {
    let tree = loco();
    let dataset = tree.open(&spec(Known::MvtecLoco, "pushpins"));
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
            ("test/good/000.png", "good", None),
            // The union of both regions.
            (
                "test/logical_anomalies/000.png",
                "logical_anomalies",
                Some(12)
            ),
            (
                "test/structural_anomalies/000.png",
                "structural_anomalies",
                Some(2)
            ),
        ]
    );
    let Some(MaskSource::Regions { files, .. }) = &dataset.test[1].mask else {
        panic!("expected regions");
    };
    let found: Vec<_> = files.iter().map(|file| file.saturation).collect();
    assert_eq!(
        found,
        [Some(Saturation::Share(0.5)), Some(Saturation::Pixels(3))]
    );
}

#[test]
fn saturation_is_at_most_a_regions_area() {
    let tree = loco();
    let dataset = tree.open(&spec(Known::MvtecLoco, "pushpins"));
    let saturations = |index: usize| -> Vec<usize> {
        let mask = dataset.test[index].mask.as_ref().unwrap();
        let regions = mask.regions(&Limits::default()).unwrap();
        regions.iter().map(|region| region.saturation).collect()
    };
    assert_eq!(saturations(1), [4, 3]);
    assert_eq!(saturations(2), [2]);
}

#[test]
fn missing_regions_images_and_configurations_are_told() {
    let wanted = spec(Known::MvtecLoco, "pushpins");
    let tree = loco();
    tree.remove("pushpins/ground_truth/structural_anomalies/000");
    assert_eq!(tree.problems(&wanted), ["image-without-mask"]);
    let tree = loco();
    tree.remove("pushpins/test/structural_anomalies/000.png");
    assert_eq!(tree.problems(&wanted), ["mask-without-image"]);
    tree.remove("pushpins/test/structural_anomalies");
    assert_eq!(tree.problems(&wanted), ["mask-without-image"]);
    let tree = loco();
    tree.remove("pushpins/defects_config.json");
    assert_eq!(tree.problems(&wanted), ["missing-file"]);
    let tree = loco();
    tree.remove("pushpins/validation");
    assert_eq!(tree.problems(&wanted), ["folder-missing"]);
}

#[test]
fn a_region_has_one_value_that_the_configuration_knows() {
    let wanted = spec(Known::MvtecLoco, "pushpins");
    let tree = loco();
    tree.mask(
        "pushpins/ground_truth/structural_anomalies/000/000.png",
        2,
        7,
    );
    let said = tree.refused(&wanted);
    assert!(said.contains("found 7, which it doesn't"), "{said}");
    for broken in [
        "{",
        "[{\"pixel_value\": 255}]",
        "[{\"pixel_value\": 255, \"saturation_threshold\": 1.5, \"relative_saturation\": true}]",
        "[{\"pixel_value\": 255, \"saturation_threshold\": -1, \"relative_saturation\": false}]",
    ] {
        let tree = loco();
        tree.file("pushpins/defects_config.json", broken);
        assert_eq!(tree.problems(&wanted), ["defects-config"], "{broken}");
    }
}

#[test]
fn an_empty_region_beside_another_is_a_problem() {
    let tree = loco();
    let region = "pushpins/ground_truth/logical_anomalies/000/001.png";
    tree.mask(region, 0, 254);
    let wanted = spec(Known::MvtecLoco, "pushpins");
    assert_eq!(tree.problems(&wanted), ["empty-mask"]);
}

#[test]
fn masks_of_normal_images_are_counted_as_not_used() {
    let tree = loco();
    tree.mask("pushpins/ground_truth/good/000/000.png", 0, 255);
    tree.file("pushpins/license.txt", "x");
    let dataset = tree.open(&spec(Known::MvtecLoco, "pushpins"));
    let expected = [
        ("beside the folders that images are in".to_string(), 1),
        ("the mask of a normal image".to_string(), 1),
    ];
    assert_eq!(refused(&dataset), expected);
}

#[test]
fn a_fingerprint_follows_saturations() {
    let tree = loco();
    let fingerprint = || {
        let dataset = tree.open(&spec(Known::MvtecLoco, "pushpins"));
        dataset.fingerprint().unwrap()
    };
    let before = fingerprint();
    assert_eq!(fingerprint(), before);
    let config = CONFIG.replace("0.5", "0.6");
    tree.file("pushpins/defects_config.json", config);
    assert_ne!(fingerprint(), before);
}
