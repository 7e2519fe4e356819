//! What holds for all of them: nothing is there, or nothing of theirs.

use cavga_data::Known;

use crate::tree::{Tree, spec};

const FOLDERS: [Known; 11] = [
    Known::MvtecAd,
    Known::Mstc,
    Known::Lag,
    Known::Visa,
    Known::MvtecLoco,
    Known::MvtecAd2,
    Known::Btad,
    Known::Mpdd,
    Known::Kolektor,
    Known::MagneticTile,
    Known::UcsdPed,
];

#[test]
fn an_empty_folder_a_file_and_a_missing_folder_are_problems_of_every_set() {
    let tree = Tree::new();
    tree.file("file", "x");
    for name in FOLDERS {
        let wanted = spec(name, "");
        assert!(wanted.open(tree.root()).is_err(), "{name}");
        let missing = wanted.open(tree.root().join("no")).unwrap_err();
        assert_eq!(missing.kind(), "folder-missing", "{name}");
        let file = wanted.open(tree.root().join("file")).unwrap_err();
        assert_eq!(file.kind(), "not-a-folder", "{name}");
    }
}

#[test]
fn another_sets_folder_is_no_set() {
    let tree = Tree::new();
    tree.images("a/b", 3).images("train/x", 2);
    for name in FOLDERS {
        let found = spec(name, "").open(tree.root());
        assert!(found.is_err(), "{name}: {found:?}");
    }
}
