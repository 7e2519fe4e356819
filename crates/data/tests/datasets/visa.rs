//! VisA, as it comes and as its authors' script arranges it.

use cavga_data::Known;

use crate::tree::{Tree, refused, spec, test, train};

const SPLIT: &str = "object,split,label,image,mask
candle,train,normal,candle/Data/Images/Normal/000.JPG,
candle,test,normal,candle/Data/Images/Normal/001.JPG,
candle,test,anomaly,candle/Data/Images/Anomaly/000.JPG,candle/Data/Masks/Anomaly/000.png
cashew,train,normal,cashew/Data/Images/Normal/000.JPG,
";

fn visa() -> Tree {
    let tree = Tree::new();
    for i in 0..3 {
        tree.image(&format!("candle/Data/Images/Normal/{i:03}.JPG"));
    }
    tree.image("candle/Data/Images/Anomaly/000.JPG");
    // Small numbers, as VisA's: one for each kind of defect.
    tree.mask("candle/Data/Masks/Anomaly/000.png", 7, 3);
    tree.file("split_csv/1cls.csv", SPLIT);
    tree
}

#[test]
fn the_split_file_says_what_each_image_is_for() {
    let tree = visa();
    let dataset = tree.open(&spec(Known::Visa, "candle"));
    assert_eq!(train(&dataset), ["candle/Data/Images/Normal/000.JPG"]);
    assert_eq!(
        test(&dataset),
        [
            ("candle/Data/Images/Anomaly/000.JPG", "bad", Some(7)),
            ("candle/Data/Images/Normal/001.JPG", "good", None)
        ]
    );
    assert_eq!(
        refused(&dataset),
        [("not in the split's file".to_string(), 1)]
    );
}

#[test]
fn the_arranged_form_is_found_below_the_root() {
    let tree = Tree::new();
    for form in ["visa_pytorch", "1cls"] {
        let folder = format!("{form}/fryum");
        tree.images(&format!("{folder}/train/good"), 2);
        tree.images(&format!("{folder}/test/good"), 1);
        tree.images(&format!("{folder}/test/bad"), 1);
        tree.mask(&format!("{folder}/ground_truth/bad/000.png"), 2, 1);
        let dataset = tree.open(&spec(Known::Visa, "fryum"));
        assert_eq!(dataset.train.len(), 2);
        assert_eq!(test(&dataset)[0], ("test/bad/000.png", "bad", Some(2)));
        tree.remove(form);
    }
}

#[test]
fn what_the_split_names_has_to_be_there() {
    let tree = visa();
    tree.remove("candle/Data/Masks/Anomaly/000.png");
    assert_eq!(
        tree.problems(&spec(Known::Visa, "candle")),
        ["image-without-mask"]
    );
    tree.remove("candle/Data/Images/Normal/000.JPG");
    let said = tree.check(&spec(Known::Visa, "candle")).problems;
    let missing = said
        .iter()
        .find(|problem| problem.kind == "missing-file")
        .unwrap();
    assert!(missing.path.ends_with("candle/Data/Images/Normal/000.JPG"));
    let said = tree.refused(&spec(Known::Visa, "cashew"));
    assert!(said.contains("here candle"), "{said}");
}

#[test]
fn a_split_that_leads_out_of_the_dataset_or_makes_no_sense_is_refused() {
    for line in [
        "candle,train,normal,../secret.png,",
        "candle,train,normal,/etc/passwd,",
        "candle,train,anomaly,candle/Data/Images/Anomaly/000.JPG,",
        "candle,test,anomaly,candle/Data/Images/Anomaly/000.JPG,",
        "candle,test",
    ] {
        let tree = visa();
        tree.file("split_csv/1cls.csv", format!("{SPLIT}{line}\n"));
        let kinds = tree.problems(&spec(Known::Visa, "candle"));
        assert!(
            kinds.contains(&"split-file".to_string()),
            "{line}: {kinds:?}"
        );
    }
    let tree = visa();
    tree.file("split_csv/1cls.csv", b"object,\xff\xfe\n\xff,\xff\n");
    assert!(
        tree.problems(&spec(Known::Visa, "candle"))
            .contains(&"split-file".into())
    );
}

#[test]
fn an_image_that_the_split_names_twice_is_refused() {
    for split in ["train", "test"] {
        let tree = visa();
        let line = format!("candle,{split},normal,candle/Data/Images/Normal/000.JPG,\n");
        tree.file("split_csv/1cls.csv", format!("{SPLIT}{line}"));
        let said = tree.refused(&spec(Known::Visa, "candle"));
        assert!(said.contains("000.JPG again"), "{said}");
    }
}
