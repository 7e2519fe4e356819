use std::collections::BTreeSet;

use super::*;

/// An index of `n` normal images, two of each group, and so many anomalous ones.
fn grouped(normal: usize, anomalous: usize) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut text = String::from("path,label,group\n");
    for i in 0..normal {
        write(root.path(), &format!("n{i:02}.png"), b"x");
        text += &format!("n{i:02}.png,ok,g{}\n", i / 2);
    }
    for i in 0..anomalous {
        write(root.path(), &format!("x{i:02}.png"), b"x");
        text += &format!("x{i:02}.png,ng,\n");
    }
    write(root.path(), "list.csv", text);
    root
}

#[test]
fn a_test_set_is_chosen_by_seed_with_whole_groups() {
    let root = grouped(20, 3);
    let spec = |split_seed| DatasetSpec {
        split_seed,
        ..index("list.csv")
    };
    let mut seen = BTreeSet::new();
    for seed in 0..10 {
        let dataset = open(&root, &spec(seed));
        assert_eq!((dataset.train.len(), dataset.test.len()), (16, 4 + 3));
        assert_eq!(dataset, open(&root, &spec(seed)));
        let groups: BTreeSet<_> = dataset.train.iter().map(|s| &s.group).collect();
        let straddles =
            |t: &&TestSample| t.sample.group.is_some() && groups.contains(&t.sample.group);
        assert_eq!(dataset.test.iter().find(straddles), None);
        seen.insert(test(&dataset));
    }
    assert!(seen.len() > 3);
    // Nothing is held out where nothing anomalous is there to be told from.
    let dataset = open(&grouped(20, 0), &index("list.csv"));
    assert_eq!((dataset.train.len(), dataset.test.len()), (20, 0));
}

#[test]
fn a_group_on_both_sides_is_refused_or_told() {
    let root = tree("a.png b.png c.png");
    write(
        root.path(),
        "list.csv",
        "path,label,split,group\na.png,ok,train,G\nb.png,ok,test,G\nc.png,ng,,\n",
    );
    let error = refused(&root, &index("list.csv"));
    assert!(
        error.starts_with("group-straddles") && error.contains("\"G\""),
        "{error}"
    );
    let spec = DatasetSpec {
        allow_leaks: true,
        ..index("list.csv")
    };
    assert_eq!(open(&root, &spec).train.len(), 1);
    assert!(
        report(&root, &spec)
            .warnings
            .iter()
            .any(|w| w.kind == "group-straddles")
    );
}

#[test]
fn an_open_image_goes_with_its_group() {
    let root = tree("a.png b.png c.png d.png");
    // The anomalous image of a part, and a normal one of the same part: tested on, both.
    write(
        root.path(),
        "list.csv",
        "path,label,group\na.png,ok,G\nb.png,ng,G\nc.png,ok,\nd.png,ok,\n",
    );
    let dataset = open(&root, &index("list.csv"));
    assert!(
        test(&dataset).contains("a.png=good b.png=anomalous"),
        "{}",
        test(&dataset)
    );
    write(
        root.path(),
        "list.csv",
        "path,label,group,split\na.png,ok,G,train\nb.png,ng,,\nc.png,ok,G,\nd.png,ok,,test\n",
    );
    let dataset = open(&root, &index("list.csv"));
    assert_eq!(
        (train(&dataset), test(&dataset)),
        ("a.png c.png".into(), "b.png=anomalous d.png=good".into())
    );
}

#[test]
fn all_normal_images_in_groups_that_are_tested_on() {
    let root = tree("a.png b.png");
    write(
        root.path(),
        "list.csv",
        "path,label,group\na.png,ok,G\nb.png,ng,G\n",
    );
    let error = refused(&root, &index("list.csv"));
    assert!(error.starts_with("no-normal-image"), "{error}");
}

#[test]
fn a_fingerprint_follows_groups() {
    let root = tree("a.png b.png");
    let fingerprint = |b: &str| {
        write(
            root.path(),
            "list.csv",
            format!("path,label,group\na.png,ok,G\nb.png,ok,{b}\n"),
        );
        open(&root, &index("list.csv")).fingerprint().unwrap()
    };
    assert_eq!(fingerprint("G"), fingerprint("G"));
    assert_ne!(fingerprint("G"), fingerprint("H"));
    assert_ne!(fingerprint("G"), fingerprint(""));
}

#[test]
fn a_fingerprint_follows_labels() {
    let root = tree("a.png b.png c.png");
    let fingerprint = |kind: &str| {
        let text =
            format!("path,label,kind,split\na.png,ok,,train\nb.png,{kind},test\nc.png,ok,,test\n");
        write(root.path(), "list.csv", text);
        open(&root, &index("list.csv")).fingerprint().unwrap()
    };
    assert_eq!(fingerprint("ng,dent"), fingerprint("ng,dent"));
    assert_ne!(fingerprint("ng,dent"), fingerprint("ng,scratch"));
    assert_ne!(fingerprint("ng,dent"), fingerprint("ok,"));
}

#[test]
fn normal_images_that_follow_their_group_into_test_are_the_tested_ones() {
    let root = tree("a.png b.png c.png d.png e.png");
    let text = "path,label,group\na.png,ok,G\nb.png,ng,G\nc.png,ok,\nd.png,ok,\ne.png,ok,\n";
    write(root.path(), "list.csv", text);
    let dataset = open(&root, &index("list.csv"));
    assert_eq!(
        (train(&dataset), test(&dataset)),
        (
            "c.png d.png e.png".into(),
            "a.png=good b.png=anomalous".into()
        )
    );
}

#[test]
fn that_no_normal_image_can_be_held_out_is_told() {
    let root = tree("a.png b.png x.png");
    let text = "path,label,group\na.png,ok,G\nb.png,ok,G\nx.png,ng,\n";
    write(root.path(), "list.csv", text);
    let told = |spec: &DatasetSpec| {
        let warnings = report(&root, spec).warnings;
        warnings.iter().any(|w| w.kind == "no-normal-test")
    };
    assert!(told(&index("list.csv")));
    let none = DatasetSpec {
        test_share: 0.0,
        ..index("list.csv")
    };
    assert!(!told(&none));
}
