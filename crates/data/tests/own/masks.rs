use super::*;

fn with_masks(masks: &str) -> DatasetSpec {
    DatasetSpec {
        masks: Some(masks.into()),
        test_share: 0.0,
        ..folders(&["ok"], &["ko"])
    }
}

#[test]
fn masks_are_found_by_their_names_and_the_rule_is_told() {
    for (files, masks, expected, rule) in [
        (
            "ko/1.jpg ko/2.jpg gt/1_mask.png gt/2_mask.png",
            "gt",
            "gt/1_mask.png gt/2_mask.png",
            "image's name + `_mask`",
        ),
        (
            "ko/a/1.jpg ko/b/1.jpg gt/a/1.png gt/b/1.png",
            "gt",
            "gt/a/1.png gt/b/1.png",
            "in the same folders",
        ),
        (
            "ko/a/img/1.jpg ko/b/img/1.jpg ko/a/m/1.png ko/b/m/1.png",
            "ko/*/m/*",
            "ko/a/m/1.png ko/b/m/1.png",
            "in parallel folders",
        ),
        (
            "ko/img_001.jpg ko/img_002.jpg gt/2.png gt/1.png",
            "gt",
            "gt/1.png gt/2.png",
            "",
        ),
        // Beside the images.
        (
            "ko/1.png ko/2.png ko/1-gt.png ko/2-gt.png",
            "ko/*-gt.png",
            "ko/1-gt.png ko/2-gt.png",
            "image's name + `-gt`",
        ),
        // One for each normal image too.
        (
            "ok/2.png ko/1.png gt/0.png gt/1.png gt/2.png",
            "gt",
            "gt/1.png",
            "the image's name",
        ),
        // Normal and anomalous ones of one name.
        (
            "ok/1.png ko/1.png gt/1.png",
            "gt",
            "gt/1.png",
            "the image's name",
        ),
    ] {
        let root = tree(&format!("ok/0.png {files}"));
        let dataset = open(&root, &with_masks(masks));
        assert_eq!(mask_files(&root, &dataset), expected);
        let report = report(&root, &with_masks(masks));
        let note = report
            .warnings
            .iter()
            .find(|w| w.message.contains("masks matched by"));
        assert!(note.unwrap().message.contains(rule), "{note:?}");
    }
}

#[test]
fn masks_that_tell_no_image_are_refused_with_both_sides() {
    let root = tree("ok/0.png ko/a.png ko/b.png gt/x.png gt/y.png");
    let error = refused(&root, &with_masks("gt"));
    assert!(error.starts_with("masks-unmatched"), "{error}");
    for part in ["x.png", "y.png", "a.png", "b.png", "tried the same name"] {
        assert!(error.contains(part), "{error}");
    }
    let root = tree("ok/0.png ko/1.png ko/2.png gt/1.png gt/2.png gt/7.png");
    let error = refused(&root, &with_masks("gt"));
    assert!(
        error.contains("7.png") && !error.contains("gt/1.png"),
        "{error}"
    );
}

#[test]
fn an_anomalous_image_without_its_mask_is_refused_with_a_list() {
    let images: Vec<_> = (10..30).map(|i| format!("ko/{i}.png")).collect();
    let root = tree(&format!("ok/0.png gt/10.png {}", images.join(" ")));
    let error = refused(&root, &with_masks("gt"));
    assert!(error.starts_with("images-without-mask"), "{error}");
    assert!(
        error.contains("19 without") && error.contains("20.png and 9 more"),
        "{error}"
    );
}

#[test]
fn masks_that_are_not_there() {
    let root = tree("ok/0.png ko/1.png gt/notes.txt");
    assert!(refused(&root, &with_masks("gt")).starts_with("empty-folder"));
    assert!(refused(&root, &with_masks("no")).starts_with("folder-missing"));
    assert!(refused(&root, &with_masks("gt/*.png")).starts_with("no-match"));
}

#[test]
fn masks_among_normal_images_are_no_images_by_whatever_path() {
    let root = tree("parts/0.png ko/1.png parts/masks/1.png");
    let mut masks = vec![root.path().join("parts/masks")];
    #[cfg(unix)]
    {
        let link = root.path().join("link");
        std::os::unix::fs::symlink(root.path().join("parts"), &link).unwrap();
        masks.push(link.join("masks"));
    }
    masks.push("parts/../parts/masks".into());
    for masks in masks {
        let spec = DatasetSpec {
            masks: Some(masks.to_str().unwrap().into()),
            test_share: 0.0,
            ..folders(&["parts"], &["ko"])
        };
        let dataset = open(&root, &spec);
        assert_eq!(train(&dataset), "parts/0.png", "{}", masks.display());
        assert!(dataset.has_masks());
    }
    // The same set, seen from another place, with the masks' real path.
    #[cfg(unix)]
    {
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("data");
        std::os::unix::fs::symlink(root.path(), &link).unwrap();
        let spec = DatasetSpec {
            masks: Some(root.path().join("parts/masks").to_str().unwrap().into()),
            test_share: 0.0,
            ..folders(&["parts"], &["ko"])
        };
        assert_eq!(train(&spec.open(&link).unwrap()), "parts/0.png");
    }
}
