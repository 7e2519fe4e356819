use std::sync::atomic::AtomicBool;

use cavga_data::{Label, Leaks, Same, Sample, leaks};

use super::*;

fn samples(root: &TempDir, files: &[&str]) -> Vec<Sample> {
    let sample = |file: &&str| Sample::found(root.path(), &root.path().join(file), Label::Normal);
    files.iter().map(sample).collect()
}

fn find(train: &[Sample], test: &[Sample]) -> Leaks {
    let stop = AtomicBool::new(false);
    let found = leaks(train, test, &Limits::default(), &stop).unwrap();
    found.unwrap()
}

/// Four images of two pictures: `b` and its copy; `a` as grey PNG, RGB BMP and 16 bit PNG.
fn pictures() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    shade(root.path(), "a.png", 1);
    shade(root.path(), "b.png", 2);
    shade(root.path(), "c.png", 3);
    let path = |name: &str| root.path().join(name);
    fs::copy(path("b.png"), path("b2.png")).unwrap();
    let image = image::open(path("a.png")).unwrap();
    image.to_rgb8().save(path("a.bmp")).unwrap();
    image.to_luma16().save(path("a16.png")).unwrap();
    root
}

#[test]
fn equal_bytes_and_equal_pixels_are_found() {
    let root = pictures();
    let train = samples(&root, &["a.png", "b.png", "b2.png"]);
    let test = samples(&root, &["c.png", "a.bmp", "b2.png", "a16.png"]);
    let found = find(&train, &test);
    let pairs: Vec<_> = found
        .between
        .iter()
        .map(|l| (l.train, l.test, l.same))
        .collect();
    assert_eq!(
        pairs,
        [
            (0, 1, Same::Pixels),
            (1, 2, Same::Bytes),
            (0, 3, Same::Pixels)
        ]
    );
    assert_eq!((found.within_train, found.within_test), (1, 0));
    let error = found.refuse(&train, &test).unwrap_err();
    assert_eq!(error.kind(), "leak");
    let text = error.to_string();
    assert!(
        text.contains("a.bmp") && text.contains("same pixels") && text.contains("2 more"),
        "{text}"
    );
    let clean = find(&train[..1], &test[..1]);
    assert_eq!(clean, Leaks::default());
    clean.refuse(&train, &test).unwrap();
}

#[test]
fn gone_files_are_told_broken_ones_refused_and_a_stop_heard() {
    let root = pictures();
    write(root.path(), "bad.png", b"text");
    let gone = samples(&root, &["gone.png", "a.png"]);
    let found = find(&gone, &samples(&root, &["a.png"]));
    assert_eq!((found.missing.len(), found.between.len()), (1, 1));
    let limits = Limits::default();
    let bad = samples(&root, &["bad.png"]);
    let never = AtomicBool::new(false);
    assert_eq!(
        leaks(&gone, &bad, &limits, &never).unwrap_err().kind(),
        "not-an-image"
    );
    let stop = AtomicBool::new(true);
    assert_eq!(leaks(&gone, &gone, &limits, &stop).unwrap(), None);
}

#[test]
fn the_check_finds_them_and_allowed_ones_are_warnings() {
    let root = tempfile::tempdir().unwrap();
    shade(root.path(), "ok/a.png", 1);
    shade(root.path(), "ok/b.png", 2);
    shade(root.path(), "ok/b2.png", 2);
    shade(root.path(), "ko/x.png", 9);
    let image = image::open(root.path().join("ok/a.png")).unwrap();
    image.to_rgb8().save(root.path().join("ko/a.bmp")).unwrap();
    let mut spec = DatasetSpec {
        test_share: 0.0,
        ..folders(&["ok"], &["ko"])
    };
    let kinds = |spec: &DatasetSpec| {
        let report = report(&root, spec);
        let kinds =
            |list: Vec<cavga_data::Problem>| list.into_iter().map(|p| p.kind).collect::<Vec<_>>();
        (kinds(report.problems), kinds(report.warnings))
    };
    assert_eq!(kinds(&spec), (texts(&["leak"]), texts(&["same-bytes"])));
    spec.allow_leaks = true;
    assert_eq!(kinds(&spec), (vec![], texts(&["leak", "same-bytes"])));
}
