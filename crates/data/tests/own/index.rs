use super::*;

#[test]
fn an_index_says_everything() {
    let root = tree("i/a.png i/b.png i/c.png i/d.png m/d.png");
    let text = "mask;path;label;kind;split;group\n;a.png;0;;train;A\n;b.png;ok;;test;B\n;./c.png;Good;;;A\n\
                ../m/d.png;d.png;1;dent;;C\n";
    write(root.path(), "i/list.csv", text);
    let dataset = open(&root, &index("i/list.csv"));
    assert_eq!(train(&dataset), "i/a.png i/c.png");
    assert_eq!(test(&dataset), "i/b.png=good i/d.png=dent");
    assert_eq!(dataset.train[1].group.as_deref(), Some("A"));
    assert_eq!(mask_files(&root, &dataset), "m/d.png");
}

#[test]
fn rows_that_cannot_be_are_told_with_their_line() {
    let root = tree("a.png b.png sub/x.png");
    for (row, part) in [
        ("gone.png,ok", "line 3: expected a file there"),
        ("sub,ok", "no file but a folder"),
        ("a.png,ok", "that of line 2 again"),
        ("sub/../a.png,ok", "that of line 2 again"),
        ("../../etc/passwd,ok", "below the index's folder"),
        ("/etc/passwd,ok", "below the index's folder"),
        ("b.png,perhaps", "label normal, good, ok, 0"),
    ] {
        write(
            root.path(),
            "list.csv",
            format!("path,label\na.png,ok\n{row}\n"),
        );
        let error = refused(&root, &index("list.csv"));
        assert!(
            error.starts_with("entry: ") && error.contains(part),
            "{error}"
        );
        assert!(error.contains("list.csv, line 3"), "{error}");
    }
    write(root.path(), "list.csv", "path,label\n");
    assert!(refused(&root, &index("list.csv")).contains("its rows"));
    assert!(refused(&root, &index("no.csv")).starts_with("unreadable"));
}

#[test]
fn all_bad_rows_are_found_at_once() {
    let root = tree("a.png");
    write(
        root.path(),
        "list.csv",
        "path,label,note\na.png,ok,\nx,ok,\ny,ok,\nz,?,\n",
    );
    let report = report(&root, &index("list.csv"));
    let rows = report.problems.iter().filter(|p| p.kind == "entry").count();
    assert_eq!(rows, 3, "{:?}", report.problems);
    assert!(
        report
            .warnings
            .iter()
            .any(|w| w.kind == "unknown-column" && w.message.contains("note"))
    );
}

#[test]
fn files_outside_are_read_where_the_user_says_so() {
    let (root, other) = (tree("set/a.png"), tree("b.png"));
    let outside = other.path().join("b.png");
    let text = format!("path,label\na.png,ok\n{},ok\n", outside.display());
    write(root.path(), "set/list.csv", text);
    assert!(refused(&root, &index("set/list.csv")).contains("outside = true"));
    let spec = DatasetSpec {
        outside: true,
        ..index("set/list.csv")
    };
    let dataset = open(&root, &spec);
    assert_eq!(dataset.train.len(), 2);
    assert!(
        dataset
            .train
            .iter()
            .any(|s| s.id.ends_with("/b.png") && !s.id.starts_with('/'))
    );
}

#[test]
fn paths_of_windows_are_understood() {
    let root = tree("sub/a.png");
    write(root.path(), "list.csv", "path,label\nsub\\a.png,ok\n");
    assert_eq!(train(&open(&root, &index("list.csv"))), "sub/a.png");
    write(
        root.path(),
        "list.csv",
        "path,label\n..\\..\\etc\\passwd,ok\n",
    );
    assert!(refused(&root, &index("list.csv")).starts_with("entry"));
}

#[test]
fn what_is_not_used_is_told() {
    let root = tree("a.png b.png c.png m.png");
    let text = "path,label,mask,split\na.png,ok,m.png,\nb.png,ng,,train\nc.png,ng,,\n";
    write(root.path(), "list.csv", text);
    let spec = DatasetSpec {
        test_share: 0.0,
        ..index("list.csv")
    };
    let dataset = open(&root, &spec);
    assert_eq!(
        (train(&dataset), test(&dataset)),
        ("a.png".into(), "c.png=anomalous".into())
    );
    let refused = dataset.tally().refused;
    assert_eq!(refused["anomalous, in the train split"], 1);
    assert_eq!(refused["a mask of a normal image"], 1);
}

#[test]
fn an_index_and_a_folder_of_masks() {
    let root = tree("a.png x.png y.png m/x_gt.png m/y_gt.png");
    write(
        root.path(),
        "list.csv",
        "path,label\na.png,ok\nx.png,ng\ny.png,ng\n",
    );
    let spec = DatasetSpec {
        masks: Some("m".into()),
        test_share: 0.0,
        ..index("list.csv")
    };
    assert_eq!(
        mask_files(&root, &open(&root, &spec)),
        "m/x_gt.png m/y_gt.png"
    );
}

/// Made with pyarrow 26.0.1: `pq.write_table(pa.table({"group": pa.array(["G", None, "G"]).dictionary_encode(), "path": ["a.png",
/// "sub/ä.png", "x.png"], "label": pa.array([0, 0, 1], pa.int8()), "kind": [None, None, "dent"], "split": pa.array([None] * 3,
/// pa.string())}), "index.parquet", compression="zstd")`.
#[test]
fn an_index_in_parquet_as_python_writes_it() {
    let root = tree("a.png sub/ä.png x.png");
    write(root.path(), "any.name", include_bytes!("index.parquet"));
    let dataset = open(&root, &index("any.name"));
    assert_eq!(train(&dataset), "sub/ä.png");
    assert_eq!(test(&dataset), "a.png=good x.png=dent");
    write(root.path(), "any.name", b"PAR1 and nothing more");
    let error = refused(&root, &index("any.name"));
    assert!(
        error.starts_with("entry") && error.contains("Parquet"),
        "{error}"
    );
}
