use cavga_data::MaskSource;
use cavga_data::own::annotations::parse;

use super::*;

fn annotated(path: &str) -> DatasetSpec {
    DatasetSpec {
        annotations: Some(path.into()),
        test_share: 0.0,
        ..folders(&["ok"], &["ko"])
    }
}

/// A COCO file of one image `ko/x.png` of 6 rows of 8, with these annotations.
fn coco(annotations: &str) -> String {
    format!(
        r#"{{"images": [{{"id": 7, "file_name": "x.png", "height": 6, "width": 8}}],
            "categories": [{{"id": 1, "name": "dent"}}], "annotations": [{annotations}]}}"#
    )
}

fn labelme(shapes: &str) -> String {
    format!(
        r#"{{"version": "5", "imagePath": "..\\ko\\x.png", "imageHeight": 6, "imageWidth": 8, "imageData": null,
            "shapes": [{shapes}]}}"#
    )
}

/// The marked pixels of the one anomalous image, row by row.
fn marked(root: &TempDir, spec: &DatasetSpec) -> String {
    let dataset = open(root, spec);
    let mask = dataset.test[0].mask.as_ref().unwrap();
    let mask = mask.load(&Limits::default()).unwrap();
    let rows = mask.pixels.chunks(mask.width);
    let row = |row: &[bool]| {
        row.iter()
            .map(|&m| if m { '#' } else { '.' })
            .collect::<String>()
    };
    rows.map(row).collect::<Vec<_>>().join("/")
}

const BOX: &str = "......../.##...../.##...../......../......../........";

#[test]
fn outlines_of_every_kind_become_the_same_mask() {
    let root = tree("ok/0.png ko/x.png");
    // One run down each column: of 36 pixels at 7, and at 13.
    for annotation in [
        r#""bbox": [1, 1, 2, 2]"#,
        r#""bbox": [9, 9, 9, 9], "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]"#,
        r#""segmentation": {"size": [6, 8], "counts": [7, 2, 4, 2, 33]}"#,
        r#""segmentation": {"size": [6, 8], "counts": "7240m0"}, "iscrowd": 1"#,
        r#""segmentation": [], "bbox": [1, 1, 2, 2], "area": 4"#,
    ] {
        let text = coco(&format!(
            r#"{{"id": 1, "image_id": 7, "category_id": 1, {annotation}}}"#
        ));
        write(root.path(), "coco.json", text);
        assert_eq!(marked(&root, &annotated("coco.json")), BOX, "{annotation}");
    }
    for shape in [
        r#"{"label": "dent", "shape_type": "rectangle", "points": [[3, 3], [1, 1]]}"#,
        r#"{"label": "dent", "shape_type": "polygon", "points": [[1, 1], [3, 1], [3, 3], [1, 3]]}"#,
        r#"{"label": "dent", "points": [[1, 1], [3, 1], [3, 3], [1, 3]]}"#,
        r#"{"label": "dent", "shape_type": "circle", "points": [[2, 2], [3.1, 2]]}"#,
    ] {
        write(root.path(), "json/x.json", labelme(shape));
        assert_eq!(marked(&root, &annotated("json")), BOX, "{shape}");
    }
}

#[test]
fn long_runs_go_over_several_columns() {
    let root = tree("ok/0.png ko/x.png");
    let runs =
        r#"{"id": 1, "image_id": 7, "segmentation": {"size": [6, 8], "counts": [3, 20, 25]}}"#;
    write(root.path(), "coco.json", coco(runs));
    let expected = ".###..../.###..../.###..../####..../####..../###.....";
    assert_eq!(marked(&root, &annotated("coco.json")), expected);
}

#[test]
fn annotations_alone_say_what_is_anomalous() {
    let root = tree("all/1.png all/2.png all/3.png all/4.png");
    let text = r#"{"images": [{"id": 1, "file_name": "1.png", "height": 9, "width": 9},
        {"id": 2, "file_name": "2.png", "height": 9, "width": 9}, {"id": 3, "file_name": "all/3.png", "height": 9, "width": 9}],
        "categories": [{"id": 1, "name": "dent"}, {"id": 2, "name": "hole"}],
        "annotations": [{"id": 1, "image_id": 2, "category_id": 2, "bbox": [1, 1, 2, 2]},
        {"id": 2, "image_id": 3, "category_id": 1, "bbox": [1, 1, 2, 2]},
        {"id": 3, "image_id": 3, "category_id": 2, "bbox": [1, 1, 2, 2]}]}"#;
    write(root.path(), "coco.json", text);
    let spec = DatasetSpec {
        normal: vec![],
        anomalous: vec![],
        ..annotated("coco.json")
    };
    let dataset = open(&root, &spec);
    assert_eq!(train(&dataset), "all/1.png");
    assert_eq!(test(&dataset), "all/2.png=hole all/3.png=several");
    assert_eq!(dataset.tally().refused["not annotated"], 1);
    // A normal folder beside them.
    let spec = DatasetSpec {
        normal: texts(&["all/4.png"]),
        ..spec
    };
    assert_eq!(train(&open(&root, &spec)), "all/1.png all/4.png");
}

#[test]
fn a_size_that_is_not_written_is_the_image_s() {
    let root = tree("ok/0.png");
    shade(root.path(), "ko/x.png", 3);
    let shape = r#"{"label": "dent", "shape_type": "rectangle", "points": [[1, 1], [3, 3]]}"#;
    let text = labelme(shape).replace(r#""imageHeight": 6, "imageWidth": 8, "#, "");
    write(root.path(), "json/x.json", text);
    assert_eq!(marked(&root, &annotated("json")), BOX);
    // And one that is written must be.
    let text = labelme(shape).replace(r#""imageHeight": 6"#, r#""imageHeight": 60"#);
    write(root.path(), "json/x.json", text);
    let report = report(&root, &annotated("json"));
    assert!(
        report.problems.iter().any(|p| p.kind == "mask-size"),
        "{:?}",
        report.problems
    );
    let dataset = open(&root, &annotated("json"));
    let Some(MaskSource::Shapes { size, .. }) = &dataset.test[0].mask else {
        panic!("no shapes")
    };
    assert_eq!(*size, [60, 8]);
}

#[test]
fn outlines_that_cannot_be_are_told_with_their_number() {
    let root = tree("ok/0.png ko/x.png");
    for (annotation, part) in [
        (r#""bbox": [1, 1, -2, 2]"#, "with an area"),
        (r#""bbox": [1, 1]"#, "with an area"),
        (r#""bbox": [90, 1, 2, 2]"#, "wholly beside it"),
        (r#""segmentation": [[1, 1, 2, 2]]"#, "three corners"),
        (
            r#""segmentation": [[1, 1, 2, 2, 3, 3, 4]]"#,
            "three corners",
        ),
        (r#""segmentation": [["a", 1, 2, 2, 3, 3]]"#, "three corners"),
        (r#""segmentation": "text""#, "polygons or run lengths"),
        (
            r#""segmentation": {"size": [5, 8], "counts": [40]}"#,
            "the image's size",
        ),
        (
            r#""segmentation": {"size": [6, 8], "counts": [7, 2]}"#,
            "6 times 8",
        ),
        (
            r#""segmentation": {"size": [6, 8], "counts": [18446744073709551615, 2]}"#,
            "6 times 8",
        ),
        (
            r#""segmentation": {"size": [6, 8], "counts": "~~~"}"#,
            "`counts`",
        ),
        (
            r#""segmentation": {"size": [6, 8], "counts": "oooooooooooooooooooo"}"#,
            "`counts`",
        ),
        (r#""segmentation": {"counts": [1]}"#, "`size`"),
    ] {
        write(
            root.path(),
            "coco.json",
            coco(&format!(r#"{{"id": 12, "image_id": 7, {annotation}}}"#)),
        );
        let error = refused(&root, &annotated("coco.json"));
        assert!(
            error.starts_with("entry") && error.contains("annotation 12"),
            "{error}"
        );
        assert!(error.contains(part), "{annotation}: {error}");
    }
    for (shape, part) in [
        (r#"{"points": [[1, 1], [2, 2]]}"#, "three corners"),
        (
            r#"{"shape_type": "rectangle", "points": [[1, 1]]}"#,
            "two points",
        ),
        (
            r#"{"shape_type": "line", "points": [[1, 1], [2, 2]]}"#,
            "what has an area",
        ),
        (
            r#"{"shape_type": "mask", "points": [[1, 1], [2, 2]]}"#,
            "what has an area",
        ),
        (
            r#"{"points": [[100, 1], [200, 1], [150, 9]]}"#,
            "wholly beside it",
        ),
    ] {
        write(root.path(), "json/x.json", labelme(shape));
        let error = refused(&root, &annotated("json"));
        assert!(error.contains("shape 1") && error.contains(part), "{error}");
    }
}

#[test]
fn annotations_of_unknown_images_and_of_normal_ones() {
    let root = tree("ok/0.png ko/x.png ko/sub/x.png");
    let marks = r#"{"id": 1, "image_id": 7, "bbox": [1, 1, 2, 2]}"#;
    for (file, part) in [
        ("y.png", "found none"),
        ("x.png", "x.png and "),
        ("0.png", "given as normal"),
    ] {
        write(root.path(), "coco.json", coco(marks).replace("x.png", file));
        let error = refused(&root, &annotated("coco.json"));
        assert!(
            error.starts_with("entry") && error.contains(part),
            "{error}"
        );
    }
    // By more of its path it is one, and the other lacks a mask.
    write(
        root.path(),
        "coco.json",
        coco(marks).replace("x.png", "sub/x.png"),
    );
    assert!(refused(&root, &annotated("coco.json")).starts_with("images-without-mask"));
    let twice = coco(marks).replace(
        r#""images": ["#,
        r#""images": [{"id": 7, "file_name": "z.png"}, "#,
    );
    write(root.path(), "coco.json", twice);
    assert!(refused(&root, &annotated("coco.json")).contains("7 twice"));
    write(root.path(), "coco.json", coco(&marks.replace('7', "8")));
    assert!(refused(&root, &annotated("coco.json")).contains("`image_id`"));
}

#[test]
fn what_is_no_annotation_file_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        "nonsense",
        "{\"images\": 3}",
        "{\"shapes\": []}",
        "\u{feff}{}",
    ] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    for value in [deep("[", "]"), deep("[", ""), deep(r#"{"a": "#, "")] {
        for text in [
            value.clone(),
            format!(r#"{{"images": {value}}}"#),
            format!(r#"{{"shapes": {value}}}"#),
            coco(&format!(r#"{{"image_id": 7, "segmentation": {value}}}"#)),
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:.40}");
        }
    }
    let nan = coco(r#"{"id": 1, "image_id": 7, "bbox": [NaN, 1, 2, 2]}"#);
    assert!(parse(nan.as_bytes()).is_err());
    let huge = coco(r#"{"id": 1, "image_id": 7, "bbox": [1e999, 1, 2, 2]}"#);
    assert!(parse(huge.as_bytes()).is_err());
    let root = tree("ok/0.png ko/x.png json/notes.txt");
    assert!(refused(&root, &annotated("json")).contains("*.json"));
    assert!(refused(&root, &annotated("no.json")).starts_with("unreadable"));
}

#[test]
fn one_image_in_two_files_is_refused() {
    let root = tree("ok/0.png ko/x.png");
    let shape = r#"{"label": "dent", "points": [[1, 1], [3, 1], [3, 3]]}"#;
    write(root.path(), "json/x.json", labelme(shape));
    write(root.path(), "json/y.json", labelme(shape));
    assert!(refused(&root, &annotated("json")).contains("in one place"));
}

#[test]
fn outlines_of_an_image_that_has_a_mask_are_not_thrown_away_silently() {
    let root = tree("ok/0.png ko/x.png gt/x.png");
    let text = "path,label,mask\nok/0.png,ok,\nko/x.png,ng,gt/x.png\n";
    write(root.path(), "list.csv", text);
    let box_ = r#"{"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 1, 2, 2]}"#;
    write(root.path(), "coco.json", coco(box_));
    let spec = DatasetSpec {
        annotations: Some("coco.json".into()),
        test_share: 0.0,
        ..index("list.csv")
    };
    let error = refused(&root, &spec);
    assert!(error.contains("a mask in the index"), "{error}");
}
