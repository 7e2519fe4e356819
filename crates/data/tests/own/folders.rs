use super::*;

#[test]
fn folders_files_and_globs_say_what_is_normal() {
    let root = tree("ok/a/1.png ok/2.png ko/dent/3.png ko/4.jpg alone/5.png alone/6.png");
    let dataset = open(&root, &folders(&["ok", "alone/5.png"], &["ko"]));
    // One of three is tested on, by seed.
    assert_eq!((dataset.train.len(), dataset.test.len()), (2, 3));
    assert!(test(&dataset).contains("ko/4.jpg=ko ko/dent/3.png=dent"));
    let dataset = open(&root, &folders(&["*/*.png", "ok/**/1.png"], &[]));
    assert_eq!(
        train(&dataset),
        "alone/5.png alone/6.png ok/2.png ok/a/1.png"
    );
    let spec = DatasetSpec {
        test_normal: texts(&["alone/{5,6}.png"]),
        ..folders(&["ok"], &["ko/**/*.[jp]*"])
    };
    let dataset = open(&root, &spec);
    assert_eq!(train(&dataset), "ok/2.png ok/a/1.png");
    assert_eq!(
        test(&dataset),
        "alone/5.png=good alone/6.png=good ko/4.jpg=ko ko/dent/3.png=dent"
    );
}

#[test]
fn a_folder_elsewhere_gives_ids_that_do_not_depend_on_where() {
    let (root, other) = (tree("here/1.png"), tree("there/good/2.png"));
    let there = other.path().join("there");
    let dataset = open(&root, &folders(&["here", there.to_str().unwrap()], &[]));
    assert_eq!(train(&dataset), "here/1.png there/good/2.png");
    // Two of one name are told apart.
    let more = tree("there/good/2.png");
    let spec = folders(
        &[
            there.to_str().unwrap(),
            more.path().join("there").to_str().unwrap(),
        ],
        &[],
    );
    let ids = train(&open(&root, &spec));
    assert_eq!(ids, "there/good/2.png there/good/2.png~2");
}

#[test]
fn a_name_with_brackets_is_a_name_where_there_is_such_a_file() {
    let root = tree("part[1]/1.png part1/2.png");
    assert_eq!(
        train(&open(&root, &folders(&["part[1]"], &[]))),
        "part[1]/1.png"
    );
}

#[test]
fn what_is_no_image_is_counted_and_the_rest_is_used_once() {
    let root = tree("ok/1.png ok/notes.txt ok/.hidden.png ok/2.png");
    let dataset = open(&root, &folders(&["ok", "ok/*.png", "./ok/1.png"], &[]));
    assert_eq!(train(&dataset), "ok/1.png ok/2.png");
    let tally = dataset.tally();
    assert_eq!((tally.seen, tally.used), (3, 2));
    assert_eq!(tally.refused["not an image by its name"], 1);
}

#[test]
fn what_is_not_there_or_matches_nothing_is_refused() {
    let root = tree("ok/1.png empty/notes.txt");
    for (spec, part) in [
        (folders(&["no"], &[]), "folder-missing"),
        (folders(&["ok/*.tif"], &[]), "no-match"),
        (folders(&["no/*.png"], &[]), "folder-missing"),
        (folders(&["empty"], &[]), "empty-folder"),
        (folders(&["ok/[.png"], &[]), "entry"),
        (folders(&[], &["ok"]), "no-normal-image"),
        (folders(&["ok"], &["ok"]), "two-labels"),
        (folders(&["ok/*"], &["**/*.png"]), "two-labels"),
    ] {
        let error = refused(&root, &spec);
        assert!(error.starts_with(&format!("{part}: ")), "{error}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let root = tree("ok/1.png ko/2.png");
    let base = folders(&["ok"], &["ko"]);
    let share = |test_share| DatasetSpec {
        test_share,
        ..base.clone()
    };
    let index = DatasetSpec {
        index: Some("i.csv".into()),
        ..base.clone()
    };
    let name = DatasetSpec {
        name: Some(cavga_data::Known::Mnist),
        ..base.clone()
    };
    let both = DatasetSpec {
        masks: Some("m".into()),
        annotations: Some("a.json".into()),
        ..base.clone()
    };
    let alone = DatasetSpec {
        masks: Some("m".into()),
        ..folders(&["ok"], &[])
    };
    let specs = [
        share(1.0),
        share(f64::NAN),
        share(-0.1),
        index,
        name,
        both,
        alone,
    ];
    for spec in specs {
        let error = refused(&root, &spec);
        assert!(error.starts_with("setting: "), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_no_unicode_have_ids_of_their_own() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let root = tree("ok/1.png");
    for byte in [0xFE_u8, 0xFF] {
        let name = [b'a', byte, b'.', b'p', b'n', b'g'];
        let path = root.path().join("ok").join(OsStr::from_bytes(&name));
        if fs::write(path, [byte]).is_err() {
            println!("skipped: this file system has no such names");
            return;
        }
    }
    let expected = "ok/1.png ok/a\u{FFFD}.png ok/a\u{FFFD}.png~2";
    assert_eq!(train(&open(&root, &folders(&["ok"], &[]))), expected);
    assert_eq!(train(&open(&root, &folders(&["*/*.png"], &[]))), expected);
    assert_eq!(train(&open(&root, &DatasetSpec::default())), expected);
}

#[cfg(unix)]
#[test]
fn a_circle_of_links_and_one_folder_under_two_names() {
    let root = tree("ok/1.png");
    std::os::unix::fs::symlink(root.path().join("ok"), root.path().join("ok/again")).unwrap();
    std::os::unix::fs::symlink(root.path().join("ok"), root.path().join("also")).unwrap();
    let dataset = open(&root, &folders(&["ok/**/*.png", "also"], &[]));
    assert_eq!(train(&dataset), "ok/1.png");
    let error = refused(&root, &folders(&["ok"], &["also"]));
    assert!(error.starts_with("two-labels"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let root = tree("ok/1.png ok/shut/2.png");
    let shut = root.path().join("ok/shut");
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o0)).unwrap();
    // The system's owner may read everything.
    if fs::read_dir(&shut).is_err() {
        let error = refused(&root, &folders(&["ok"], &[]));
        assert!(
            error.starts_with("unreadable") && error.contains("shut"),
            "{error}"
        );
    }
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).unwrap();
    // Nothing is ever written beside the data.
    for path in [&shut, &root.path().join("ok")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o555)).unwrap();
    }
    assert_eq!(open(&root, &folders(&["ok"], &[])).train.len(), 2);
    for path in [&root.path().join("ok"), &shut] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_specification_is_read_back_and_an_empty_one_writes_nothing() {
    let spec = DatasetSpec {
        masks: Some("m/*.png".into()),
        test_share: 0.5,
        split_seed: 3,
        allow_leaks: true,
        outside: true,
        ..folders(&["a", "b"], &["c"])
    };
    let text = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<DatasetSpec>(&text).unwrap(), spec);
    assert_eq!(
        serde_json::to_string(&DatasetSpec::default()).unwrap(),
        "{}"
    );
    assert!(spec.is_own() && !DatasetSpec::default().is_own());
}

/// Run by hand: `cargo test -p cavga-data --test own -- --ignored --nocapture`.
#[test]
#[ignore = "writes 100,000 files"]
fn a_hundred_thousand_files_are_listed_in_seconds() {
    let root = tempfile::tempdir().unwrap();
    for folder in 0..100 {
        let folder = root.path().join(format!("ok/{folder:02}"));
        fs::create_dir_all(&folder).unwrap();
        for file in 0..990 {
            fs::write(folder.join(format!("{file:03}.png")), b"").unwrap();
        }
    }
    for file in 0..500 {
        write(root.path(), &format!("ko/{file:03}.png"), b"");
        write(root.path(), &format!("gt/{file:03}_mask.png"), b"");
    }
    let spec = DatasetSpec {
        masks: Some("gt".into()),
        ..folders(&["ok"], &["ko"])
    };
    let start = std::time::Instant::now();
    let dataset = open(&root, &spec);
    println!("listed in {:?}", start.elapsed());
    assert_eq!(dataset.train.len() + dataset.test.len(), 99_500);
}

#[test]
fn files_that_are_no_images_count_once_in_overlapping_folders() {
    let root = tree("a/0.png a/b/1.png a/b/notes.txt ko/2.png");
    let dataset = open(&root, &folders(&["a", "a/b", "./a/../a"], &["ko"]));
    assert_eq!((dataset.unused.len(), dataset.tally().seen), (1, 4));
}
