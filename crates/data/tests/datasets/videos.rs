//! Sets of videos: every fifth frame.

use cavga_data::Known;

use crate::tree::{SIZE, Tree, refused, spec, test, train};

fn ped2() -> Tree {
    let tree = Tree::new();
    for i in 1..=7 {
        tree.image(&format!("UCSDped2/Train/Train001/{i:03}.tif"));
    }
    for clip in 1..=2 {
        for i in 1..=11 {
            tree.image(&format!("UCSDped2/Test/Test{clip:03}/{i:03}.tif"));
        }
    }
    for i in 1..=11 {
        let marked = if i >= 6 { i } else { 0 };
        tree.mask(&format!("UCSDped2/Test/Test001_gt/{i:03}.bmp"), marked, 255);
    }
    tree
}

#[test]
fn ucsd_ped_uses_every_fifth_frame_of_clips_with_masks() {
    let tree = ped2();
    let dataset = tree.open(&spec(Known::UcsdPed, "ped2"));
    assert_eq!(
        train(&dataset),
        ["Train/Train001/001.tif", "Train/Train001/006.tif"]
    );
    assert_eq!(
        test(&dataset),
        [
            ("Test/Test001/001.tif", "good", None),
            ("Test/Test001/006.tif", "anomaly", Some(6)),
            ("Test/Test001/011.tif", "anomaly", Some(11)),
        ]
    );
    assert_eq!(dataset.train[0].group.as_deref(), Some("Train001"));
    assert_eq!(dataset.test[0].sample.group.as_deref(), Some("Test001"));
    assert_eq!(
        refused(&dataset),
        [
            // 5 of training, 8 of the test clip, 8 of its masks.
            ("not every fifth frame".to_string(), 21),
            ("of a clip without masks".to_string(), 11)
        ]
    );
    let inside = spec(Known::UcsdPed, "")
        .open(tree.root().join("UCSDped2"))
        .unwrap();
    assert_eq!(inside, dataset);
}

#[test]
fn ucsd_ped_says_what_is_missing() {
    let tree = ped2();
    assert!(
        tree.refused(&spec(Known::UcsdPed, ""))
            .contains("here UCSDped2")
    );
    assert!(
        tree.refused(&spec(Known::UcsdPed, "ped1"))
            .contains("UCSDped1")
    );
    assert!(
        tree.refused(&spec(Known::UcsdPed, "ped3"))
            .contains("`ped3`")
    );
    let wanted = spec(Known::UcsdPed, "ped2");
    tree.remove("UCSDped2/Test/Test001_gt/006.bmp");
    assert_eq!(tree.problems(&wanted), ["image-without-mask"]);
    tree.remove("UCSDped2/Test/Test001_gt");
    assert_eq!(tree.problems(&wanted), ["missing-file"]);
    tree.remove("UCSDped2/Train");
    assert!(tree.problems(&wanted).contains(&"no-normal-image".into()));
}

#[test]
fn ucsd_ped_in_mvtecs_layout_uses_all_with_its_clips_as_groups() {
    let tree = Tree::new();
    tree.image("train/good/01_000.jpg")
        .image("train/good/01_005.jpg");
    tree.image("test/good/01_000.jpg")
        .image("test/anomaly/01_060.jpg");
    tree.mask("ground_truth/anomaly/01_060_mask.png", 4, 255);
    let dataset = tree.open(&spec(Known::UcsdPed, "ped2"));
    assert_eq!(dataset.train.len(), 2);
    assert_eq!(
        test(&dataset)[0],
        ("test/anomaly/01_060.jpg", "anomaly", Some(4))
    );
    assert_eq!(dataset.train[0].group.as_deref(), Some("Train01"));
    assert_eq!(dataset.test[1].sample.group.as_deref(), Some("Test01"));
    assert!(tree.refused(&spec(Known::UcsdPed, "x")).contains("ped1"));
}

/// Two scenes; the training frames of the first are all there, those of the second every fifth.
fn mstc() -> Tree {
    let tree = Tree::new();
    for i in 0..7 {
        tree.image(&format!("training/frames/01_001/{i:03}.jpg"));
    }
    for i in [0, 5, 10] {
        tree.image(&format!("training/frames/02_001/{i:06}.jpg"));
    }
    for (video, first) in [("01_0014", 0), ("02_0001", 1)] {
        for i in 0..11 {
            tree.image(&format!("testing/frames/{video}/{:03}.jpg", first + i));
        }
        let labels: Vec<u8> = (0..11).map(|i| u8::from(i >= 5)).collect();
        tree.npy(
            &format!("testing/test_frame_mask/{video}.npy"),
            &[11],
            &labels,
        );
        let [height, width] = SIZE.map(|side| side as usize);
        let area = height * width;
        // Frame i has i pixels marked from frame 5 on.
        let masks: Vec<u8> = (0..11 * area)
            .map(|at| u8::from(at / area >= 5 && at % area < at / area))
            .collect();
        let shape = [11, height, width];
        tree.npy(
            &format!("testing/test_pixel_mask/{video}.npy"),
            &shape,
            &masks,
        );
    }
    tree
}

#[test]
fn mstc_is_every_fifth_frame_of_a_scene() {
    let tree = mstc();
    let dataset = tree.open(&spec(Known::Mstc, "01"));
    assert_eq!(
        train(&dataset),
        [
            "training/frames/01_001/000.jpg",
            "training/frames/01_001/005.jpg"
        ]
    );
    assert_eq!(
        test(&dataset),
        [
            ("testing/frames/01_0014/000.jpg", "good", None),
            ("testing/frames/01_0014/005.jpg", "anomaly", Some(5)),
            ("testing/frames/01_0014/010.jpg", "anomaly", Some(10)),
        ]
    );
    assert_eq!(dataset.train[0].group.as_deref(), Some("training/01_001"));
    assert_eq!(
        dataset.test[0].sample.group.as_deref(),
        Some("testing/01_0014")
    );
    assert_eq!(
        refused(&dataset),
        [("not every fifth frame".to_string(), 13)]
    );
    assert_eq!(tree.check(&spec(Known::Mstc, "01")).problems, []);
}

#[test]
fn mstc_frames_may_be_numbered_from_one_and_be_every_fifth_already() {
    let tree = mstc();
    let dataset = tree.open(&spec(Known::Mstc, "02"));
    assert_eq!(dataset.train.len(), 3);
    assert_eq!(
        test(&dataset)[1],
        ("testing/frames/02_0001/006.jpg", "anomaly", Some(5))
    );
}

#[test]
fn mstc_says_which_mask_scene_or_frames_are_missing() {
    let tree = mstc();
    let wanted = spec(Known::Mstc, "01");
    assert!(tree.refused(&spec(Known::Mstc, "")).contains("01, 02, 03"));
    assert!(tree.refused(&spec(Known::Mstc, "13")).contains("`13`"));
    assert!(tree.refused(&spec(Known::Mstc, "03")).contains("03_*"));
    tree.file("training/videos/01_002.avi", "x")
        .file("training/videos/02_002.avi", "x");
    let said = tree.refused(&wanted);
    assert!(
        said.contains("01_002.avi") && said.contains("cavga data frames"),
        "{said}"
    );
    tree.remove("training/videos");
    // Fewer labels than frames.
    tree.npy("testing/test_frame_mask/01_0014.npy", &[3], &[0, 0, 1]);
    assert_eq!(tree.problems(&wanted), ["masks-without-label"]);
    tree.npy(
        "testing/test_pixel_mask/01_0014.npy",
        &[3, 1, 1],
        &[0, 0, 1],
    );
    assert_eq!(tree.problems(&wanted), ["frames-without-label"]);
    tree.remove("testing/test_pixel_mask/01_0014.npy");
    assert!(
        tree.refused(&wanted)
            .contains("test_pixel_mask/01_0014.npy")
    );
    tree.remove("testing/test_frame_mask");
    assert!(tree.problems(&wanted).contains(&"folder-missing".into()));
}

#[test]
fn ucsd_ped_pairs_by_number_where_a_first_frame_is_missing() {
    let wanted = spec(Known::UcsdPed, "ped2");
    for missing in ["Test001/001.tif", "Test001_gt/001.bmp"] {
        let tree = ped2();
        tree.remove(&format!("UCSDped2/Test/{missing}"));
        let kinds = tree.problems(&wanted);
        let expected = match missing.ends_with("tif") {
            true => "mask-without-image",
            false => "image-without-mask",
        };
        assert_eq!(kinds, [expected]);
    }
    let tree = ped2();
    for missing in ["Test001/001.tif", "Test001_gt/001.bmp"] {
        tree.remove(&format!("UCSDped2/Test/{missing}"));
    }
    let dataset = tree.open(&wanted);
    // Each with its own mask.
    assert_eq!(
        test(&dataset),
        [
            ("Test/Test001/002.tif", "good", None),
            ("Test/Test001/007.tif", "anomaly", Some(7)),
        ]
    );
}

#[test]
fn mstc_refuses_a_test_video_with_missing_frames() {
    let [whole, from_one] = [spec(Known::Mstc, "01"), spec(Known::Mstc, "02")];
    for missing in [0, 3, 5, 10] {
        let tree = mstc();
        tree.remove(&format!("testing/frames/01_0014/{missing:03}.jpg"));
        assert_eq!(tree.problems(&whole), ["frames-incomplete"], "{missing}");
    }
    let tree = mstc();
    tree.remove("testing/frames/02_0001/001.jpg");
    assert_eq!(tree.problems(&from_one), ["frames-incomplete"]);
    // Every fifth alone.
    let thinned = |kept: &[usize]| {
        let tree = mstc();
        for i in (0..11).filter(|i| !kept.contains(i)) {
            tree.remove(&format!("testing/frames/01_0014/{i:03}.jpg"));
        }
        tree
    };
    assert_eq!(thinned(&[0, 5, 10]).open(&whole).test.len(), 3);
    for kept in [&[0, 5][..], &[5, 10], &[0, 10], &[]] {
        let kinds = thinned(kept).problems(&whole);
        assert_eq!(kinds, ["frames-incomplete"], "{kept:?}");
    }
}
