//! What a `regions.toml` marks, and what is refused in one.

use std::fs;

use image::{GrayImage, Luma};

use super::*;

fn parse(text: &str) -> Result<Regions> {
    Regions::parse(text.as_bytes(), Path::new("regions.toml"))
}

fn drawn(valid: &Valid) -> Vec<String> {
    let lines = valid.pixels.chunks(valid.size[1]);
    let text = |line: &[bool]| {
        let mark = |&counts: &bool| if counts { '#' } else { '.' };
        line.iter().map(mark).collect()
    };
    lines.map(text).collect()
}

const CAMERA: &str = "[[camera]]
images = \"cam1/*\"
size = [4, 4]
include = [[[0, 0], [4, 0], [4, 2], [0, 2]], [[0, 0], [1, 0], [1, 4], [0, 4]]]
ignore = [[[2, 0], [4, 0], [4, 1], [2, 1]]]
";

#[test]
fn what_is_included_less_what_is_ignored_counts_at_any_size() {
    let regions = parse(CAMERA).unwrap();
    let of = |size| drawn(&regions.of("cam1/a.png", size).unwrap().unwrap());
    assert_eq!(of([4, 4]), ["##..", "####", "#...", "#..."]);
    assert_eq!(
        of([8, 4]),
        [
            "##..", "##..", "####", "####", "#...", "#...", "#...", "#..."
        ]
    );
    let at = regions.at("cam1/a.png", [4, 4], [2, 2]).unwrap().unwrap();
    assert_eq!(drawn(&at), ["##", "#."]);
}

#[test]
fn a_pattern_is_of_the_end_of_a_name_from_some_folder_on() {
    let regions = parse(CAMERA).unwrap();
    let claimed = |name| regions.of(name, [4, 4]).unwrap().is_some();
    assert!(claimed("cam1/a.png") && claimed("/x/cam1/a.png") && claimed("x\\cam1\\a.png"));
    assert!(!claimed("cam11/a.png") && !claimed("cam1/b/a.png") && !claimed("xcam1/a.png"));
    let all = parse(&CAMERA.replace("images = \"cam1/*\"", "")).unwrap();
    assert!(all.of("", [4, 4]).unwrap().is_some());
}

#[test]
fn an_image_that_two_cameras_claim_is_an_error_that_names_both() {
    let two = format!("{CAMERA}{}", CAMERA.replace("cam1/*", "*.png"));
    let error = parse(&two).unwrap().of("cam1/a.png", [4, 4]).unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("camera 1 (cam1/*) and camera 2 (*.png)"),
        "{said}"
    );
    assert!(said.contains("cam1/a.png"), "{said}");
}

#[test]
fn masks_are_read_beside_the_file_and_kept_in_what_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let mask = GrayImage::from_fn(4, 2, |x, y| Luma([u8::from(x == 1 || y == 1)]));
    mask.save(folder.path().join("roi.png")).unwrap();
    let path = folder.path().join("regions.toml");
    fs::write(&path, "[[camera]]\ninclude_mask = \"roi.png\"\n").unwrap();
    let regions = Regions::load(&path).unwrap();
    let valid = regions.of("a.png", [2, 4]).unwrap().unwrap();
    assert_eq!(drawn(&valid), [".#..", "####"]);
    let large = regions.of("a.png", [4, 8]).unwrap().unwrap();
    assert_eq!(
        drawn(&large),
        ["..##....", "..##....", "########", "########"]
    );
    let text = toml::to_string(&regions).unwrap();
    assert!(!text.contains("roi.png"), "{text}");
    let stored: Regions = toml::from_str(&text).unwrap();
    assert_eq!(stored.of("a.png", [2, 4]).unwrap().unwrap(), valid);
    for (from, to) in [("1, 1", "1, 2"), ("[2, 4]", "[0, 4]")] {
        assert!(text.contains(from), "{text}");
        assert!(toml::from_str::<Regions>(&text.replace(from, to)).is_err());
    }
}

#[test]
fn what_cannot_be_is_refused_with_the_file_and_the_camera() {
    for (text, part) in [
        ("", "at least one [[camera]]"),
        ("camera = 3", "[[camera]] tables"),
        ("[[camera]]\nincluded = []", "included"),
        ("[[camera]]\nimages = \"*\"", "none of them"),
        ("[[camera]]\nignore = [[[0, 0], [1, 0], [1, 1]]]", "size = "),
        (
            "[[camera]]\nsize = [9, 9]\nignore = [[[0, 0], [1, 0]]]",
            "three corners",
        ),
        (
            "[[camera]]\nsize = [9, 9]\nignore = [[[0, 0], [1, nan], [1, 1]]]",
            "three corners",
        ),
        (
            "[[camera]]\nsize = [0, 9]\nignore = [[[0, 0], [1, 0], [1, 1]]]",
            "at least 1",
        ),
        (
            "[[camera]]\nimages = \"a[\"\nsize = [9, 9]\nignore = [[[0, 0], [1, 0], [1, 1]]]",
            "pattern",
        ),
    ] {
        let said = parse(text).unwrap_err().to_string();
        assert!(said.starts_with("regions.toml: expected "), "{said}");
        assert!(said.contains(part), "{text}: {said}");
    }
    assert!(Regions::parse(&[0xFF], Path::new("r")).is_err());
    let missing = parse("[[camera]]\ninclude_mask = \"none.png\"").unwrap_err();
    assert_eq!(missing.kind(), "unreadable");
}

#[test]
fn an_image_of_which_nothing_counts_is_an_error() {
    let text = "[[camera]]\nsize = [9, 9]\ninclude = [[[0, 0], [1, 0], [1, 1], [0, 1]]]";
    let regions = parse(text).unwrap();
    assert!(regions.of("a.png", [9, 9]).is_ok());
    let said = regions.at("a.png", [9, 9], [2, 2]).unwrap_err().to_string();
    assert!(said.contains("none in a.png at 2 x 2"), "{said}");
}

#[test]
fn masks_that_somebody_invents_are_not_opened() {
    let text = "[[camera]]\ninclude_mask = \"/dev/stdin\"\nignore_mask = \"../../secret.png\"\n";
    let asked = std::cell::RefCell::new(Vec::new());
    let mask = |path: &Path| {
        asked.borrow_mut().push(path.to_path_buf());
        Ok(Mask {
            height: 1,
            width: 2,
            pixels: vec![asked.borrow().len() == 1, false],
        })
    };
    let regions = Regions::parse_with(text.as_bytes(), Path::new("x/regions.toml"), mask).unwrap();
    assert_eq!(asked.borrow().len(), 2);
    let valid = regions.of("a.png", [1, 2]).unwrap().unwrap();
    assert_eq!(valid.pixels, [true, false]);
}
