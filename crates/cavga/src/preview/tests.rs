//! A generated set with everything wrong that one can plant.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cavga_data::DatasetSpec;
use cavga_data::generate::{GenerateConfig, Texture, write_dataset};
use image::imageops;

use super::*;

/// A sound set of about thirty images.
fn set(folder: &Path) -> PathBuf {
    let root = folder.join("set");
    let config = GenerateConfig {
        size: [64, 48],
        texture: Texture::Leather,
        train: 12,
        test_normal: 4,
        test_per_defect: 2,
        ..GenerateConfig::default()
    };
    write_dataset(&root, &config).unwrap();
    root
}

fn preview_of(root: &Path, options: &PreviewOptions) -> (Preview, String) {
    let out = root.with_extension("html");
    let found = preview(&DatasetSpec::default(), root, &out, options, &mut ()).unwrap();
    (found, fs::read_to_string(out).unwrap())
}

/// The pictures of a page, decoded.
fn pictures(page: &str) -> Vec<image::DynamicImage> {
    let addresses = page
        .split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let decode = |address: &str| {
        let (head, digits) = address.split_once(',').unwrap();
        assert!(
            ["data:image/jpeg;base64", "data:image/png;base64"].contains(&head),
            "{head}"
        );
        image::load_from_memory(&base64(digits)).unwrap()
    };
    addresses.map(decode).collect()
}

fn base64(digits: &str) -> Vec<u8> {
    let value = |digit: u8| match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("{other} is no digit of base 64"),
    };
    let mut bytes = Vec::new();
    for four in digits.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = four
            .iter()
            .fold(0_u32, |bits, &digit| bits << 6 | u32::from(value(digit)));
        let bits = bits << (6 * (4 - four.len()));
        bytes.extend(&bits.to_be_bytes()[1..four.len()]);
    }
    bytes
}

fn group<'a>(preview: &'a Preview, id: &str) -> &'a Duplicates {
    let with = |group: &&Duplicates| group.ids.iter().any(|member| member == id);
    preview.duplicates.iter().find(with).unwrap()
}

fn kinds_of(preview: &Preview, id: &str) -> Vec<&'static str> {
    let of = preview.outliers.iter().find(|outlier| outlier.id == id);
    of.map(|outlier| outlier.kinds.clone()).unwrap_or_default()
}

#[test]
fn a_sound_set_is_counted_and_nothing_is_the_same_twice() {
    let folder = tempfile::tempdir().unwrap();
    let root = set(folder.path());
    let (found, page) = preview_of(&root, &PreviewOptions::default());
    assert!(found.problems.is_empty() && found.refused.is_empty());
    assert!(found.duplicates.is_empty(), "{:?}", found.duplicates);
    assert_eq!((found.tally.seen, found.tally.used), (26, 26));
    assert_eq!(found.parts.len(), 7);
    assert_eq!(
        found.sizes,
        [SizeCount {
            height: 64,
            width: 48,
            images: 26
        }]
    );
    assert_eq!(found.files.colour, 26);
    assert_eq!(found.classes.len(), 3);
    assert_eq!(
        found.defects.iter().map(|kind| kind.masks).sum::<usize>(),
        10
    );
    assert!(
        found
            .defects
            .iter()
            .all(|kind| kind.area.least > 0.0 && kind.regions.least >= 1.0)
    );
    assert!(page.contains(
        "12 images to learn from; 4 normal and 10 anomalous to test on, 10 with a mask."
    ));
    let beside = found.outliers.len().min(48);
    let pictures = pictures(&page);
    assert_eq!(pictures.len(), 26 + beside);
    // Enlarged in whole steps: 64 rows fit twice.
    assert!(
        pictures
            .iter()
            .all(|picture| picture.height() == 128 && picture.width() == 96)
    );
    // An outline is in some picture, and only in those of anomalous images.
    let outlined = |picture: &image::DynamicImage| {
        picture
            .to_rgb8()
            .pixels()
            .filter(|pixel| **pixel == crate::picture::OUTLINE)
            .count()
            > 8
    };
    assert_eq!(
        pictures[beside..]
            .iter()
            .filter(|picture| outlined(picture))
            .count(),
        10
    );
}

#[test]
fn what_is_planted_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let root = set(folder.path());
    let at = |id: &str| root.join(id);
    // The same file in training and test; the same pixels in another format; saved again with loss.
    fs::copy(at("train/good/000.png"), at("test/good/900.png")).unwrap();
    let one = image::open(at("train/good/001.png")).unwrap();
    one.save(at("train/good/901.bmp")).unwrap();
    let two = image::open(at("train/good/002.png")).unwrap().to_rgb8();
    two.save(at("train/good/902.jpg")).unwrap();
    // A normal image that is also a defect.
    fs::create_dir_all(at("test/odd")).unwrap();
    fs::copy(at("test/good/001.png"), at("test/odd/000.png")).unwrap();
    // Another size, over-exposed, out of focus, broken, empty.
    let three = image::open(at("train/good/003.png")).unwrap().to_rgb8();
    imageops::resize(&three, 48, 48, imageops::FilterType::Triangle)
        .save(at("train/good/903.png"))
        .unwrap();
    let mut white = image::open(at("train/good/004.png")).unwrap().to_rgb8();
    white
        .pixels_mut()
        .for_each(|pixel| pixel.0 = pixel.0.map(|value| value.saturating_mul(9)));
    white.save(at("train/good/904.png")).unwrap();
    let four = image::open(at("train/good/005.png")).unwrap().to_rgb8();
    imageops::blur(&four, 3.0)
        .save(at("train/good/905.png"))
        .unwrap();
    fs::write(at("train/good/906.png"), b"not a picture").unwrap();
    fs::write(at("test/good/907.png"), b"").unwrap();
    fs::write(at("train/good/notes.txt"), b"a note").unwrap();
    // A mask of another size, a missing one.
    image::GrayImage::from_pixel(9, 9, image::Luma([255]))
        .save(at("ground_truth/blob/000_mask.png"))
        .unwrap();
    fs::remove_file(at("ground_truth/scratch/001_mask.png")).unwrap();

    let (found, page) = preview_of(&root, &PreviewOptions::default());
    let same = group(&found, "test/good/900.png");
    assert_eq!(
        (same.sameness, same.across_splits),
        (Sameness::SameBytes, true)
    );
    assert_eq!(found.duplicates.first(), Some(same), "the gravest is first");
    let same = group(&found, "train/good/901.bmp");
    assert_eq!(
        (same.sameness, same.across_splits),
        (Sameness::SamePixels, false)
    );
    let same = group(&found, "train/good/902.jpg");
    assert_eq!(same.ids, ["train/good/002.png", "train/good/902.jpg"]);
    assert_eq!(same.sameness, Sameness::LookAlike);
    assert!(group(&found, "test/odd/000.png").labels_differ);
    assert!(kinds_of(&found, "train/good/903.png").starts_with(&["size", "aspect"]));
    let white = kinds_of(&found, "train/good/904.png");
    assert!(
        white.contains(&"bright") && white.contains(&"white"),
        "{white:?}"
    );
    assert!(kinds_of(&found, "train/good/905.png").contains(&"blurred"));
    let refused: BTreeSet<_> = found
        .refused
        .iter()
        .map(|one| (one.id.as_str(), one.kind.as_str()))
        .collect();
    let expected = [
        ("test/blob/000.png", "mask-size"),
        ("test/good/907.png", "empty-file"),
        ("train/good/906.png", "not-an-image"),
    ];
    assert_eq!(refused, BTreeSet::from(expected));
    let missing = found
        .problems
        .iter()
        .filter(|problem| problem.kind == "image-without-mask");
    assert_eq!(missing.count(), 2, "of a scratch and of the odd one");
    assert_eq!(
        found.tally.refused.get("not an image by its name"),
        Some(&1)
    );
    for text in [
        "2 images cannot be read",
        "1 image with a mask that cannot be used",
        "2 images in training and test at once (the same pixels)",
        "2 of 11 anomalous images without a mask",
    ] {
        assert!(
            found.stands_out.iter().any(|said| said == text),
            "{text}: {:?}",
            found.stands_out
        );
        assert!(page.contains(text));
    }
    assert!(page.contains("unreadable</span>") && page.contains("no mask"));
    assert!(pictures(&page).len() > 40);
}

#[test]
fn the_same_set_gives_the_same_page_and_few_pictures_where_few_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let root = set(folder.path());
    let few = PreviewOptions {
        per_kind: 3,
        in_all: 14,
        ..PreviewOptions::default()
    };
    let (found, page) = preview_of(&root, &few);
    assert!(
        page.contains("train, good: 2 of 12"),
        "14 pictures for 7 kinds"
    );
    assert_eq!(preview_of(&root, &few), (found.clone(), page.clone()));
    let pictured = pictures(&page).len();
    assert!(pictured <= 14 + found.outliers.len(), "{pictured}");
    let other = PreviewOptions { seed: 1, ..few };
    assert_ne!(preview_of(&root, &other).1, page);
}

#[cfg(unix)]
#[test]
fn names_of_files_and_folders_never_become_markup() {
    let folder = tempfile::tempdir().unwrap();
    let root = set(folder.path());
    let odd = root.join("test/<script>alert(1)<");
    fs::create_dir_all(&odd).unwrap();
    fs::copy(
        root.join("test/good/000.png"),
        odd.join("\"onload='x'&.png"),
    )
    .unwrap();
    let (found, page) = preview_of(&root, &PreviewOptions::default());
    assert!(
        found
            .parts
            .iter()
            .any(|part| part.kind == "<script>alert(1)<")
    );
    assert!(!page.contains("<script") && !page.contains("\"onload"));
    assert!(page.contains("&quot;onload=&#39;x&#39;&amp;.png"));
    for address in ["http", "url(", "@import", "<link"] {
        assert!(!page.contains(address), "{address}");
    }
}

#[test]
fn a_folder_without_images_and_a_page_that_cannot_be_written_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let spec = DatasetSpec::default();
    let ask = |root: &Path, out: &Path| {
        let options = PreviewOptions::default();
        preview(&spec, root, out, &options, &mut ())
            .unwrap_err()
            .to_string()
    };
    let said = ask(folder.path(), &folder.path().join("a.html"));
    assert!(said.contains("found none"), "{said}");
    let root = set(folder.path());
    let said = ask(&root, folder.path());
    assert!(said.contains("sheet.html"), "{said}");
    let said = ask(&root, &folder.path().join("no/such/a.html"));
    assert!(said.contains("a.html: cannot write"), "{said}");
}

#[test]
fn real_sets_are_previewed() {
    let data = std::env::var_os("CAVGA_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = tempfile::tempdir().unwrap();
    for (name, images, masks) in [("leather", 19, 11), ("toothbrush", 90, 30)] {
        let root = data.join(name);
        if !root.is_dir() {
            println!(
                "skipped: {} is missing; set CAVGA_TEST_DATA to run it",
                root.display()
            );
            continue;
        }
        let out = folder.path().join("sheet.html");
        let options = PreviewOptions::default();
        let found = preview(&DatasetSpec::default(), &root, &out, &options, &mut ()).unwrap();
        assert!(
            found.refused.is_empty() && found.problems.is_empty(),
            "{name}"
        );
        assert_eq!(found.tally.used, images, "{name}");
        assert_eq!(
            found.defects.iter().map(|kind| kind.masks).sum::<usize>(),
            masks,
            "{name}"
        );
        assert!(
            found
                .duplicates
                .iter()
                .all(|group| group.sameness == Sameness::LookAlike)
        );
        let page = fs::read_to_string(&out).unwrap();
        assert!(
            pictures(&page).len() >= images && page.len() < 2 << 20,
            "{name}"
        );
    }
}
