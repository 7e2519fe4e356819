//! Bad model files: each is an error that names the file and what to do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::{Set, cavga, fail, succeed};

/// What prediction says of a model file with these bytes.
fn said_of(set: &Set, bytes: &[u8]) -> String {
    let path = set.path("bad.safetensors");
    fs::write(&path, bytes).unwrap();
    let said = fail(
        cavga(["predict"]).arg(&path).arg(set.data().join("test")),
        1,
    );
    assert!(said.contains("bad.safetensors"), "{said}");
    said
}

/// Replaces text by text of the same length, so that all else in the file stays where it is.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes
        .windows(from.len())
        .position(|window| window == from.as_bytes())
        .unwrap();
    [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
}

fn model(run: &Path) -> Vec<u8> {
    fs::read(run.join("model.safetensors")).unwrap()
}

#[test]
fn every_way_for_a_model_file_to_be_wrong() {
    let set = Set::new();
    let run = set.trained("run");
    let good = model(&run);

    for length in [0, 5, 100, good.len() / 2, good.len() - 1] {
        assert!(
            said_of(&set, &good[..length]).contains("cut short"),
            "{length} bytes"
        );
    }
    let mut flipped = good.clone();
    let middle = good.len() - 1000;
    flipped[middle] ^= 1;
    assert!(said_of(&set, &flipped).contains("checksum does not match"));

    let newer = replaced(&good, r#"\"format\":5"#, r#"\"format\":9"#);
    assert!(
        said_of(&set, &newer).contains("written in format 9, this program reads formats 2 to 5")
    );

    // That knew no trail, which the models of this method have none of still.
    let older = replaced(&good, r#"\"format\":5"#, r#"\"format\":4"#);
    fs::write(set.path("older.safetensors"), older).unwrap();
    let mut predict = cavga(["predict"]);
    succeed(
        predict
            .arg(set.path("older.safetensors"))
            .arg(set.data().join("test")),
    );

    let other = said_of(&set, &replaced(&good, "cavga-d-u", "cavga-r-u"));
    assert!(other.contains("checksum does not match"), "{other}");

    assert!(
        said_of(&set, b"PK\x03\x04 a zip file, as PyTorch writes")
            .contains("not a safetensors file")
    );
    assert!(
        said_of(&set, b"\x02\0\0\0\0\0\0\0{}")
            .contains("not a model or checkpoint of this program")
    );

    let said = fail(
        cavga(["predict"])
            .arg(run.join("checkpoint.safetensors"))
            .arg(set.data()),
        1,
    );
    assert!(said.contains("a checkpoint, expected a model"), "{said}");
    let said = fail(cavga(["predict"]).arg(set.path("none")).arg(set.data()), 1);
    assert!(said.contains("cannot read"), "{said}");
    let said = fail(cavga(["eval"]).arg(set.data()), 1);
    assert!(said.contains("not the folder of a run"), "{said}");
}

/// A file that says it is of one method but holds the tensors of another, its checksum right.
#[test]
fn a_model_of_another_method() {
    let set = Set::new();
    let run = set.trained("run");
    let path = run.join("model.safetensors");
    let (mut header, tensors) = cavga::tensor_file::load(&path).unwrap();
    header.method = cavga::methods::named("cavga-r-u").unwrap();
    cavga::tensor_file::save(&path, &header, &tensors).unwrap();
    let said = fail(cavga(["predict"]).arg(&path).arg(set.data()), 1);
    assert!(
        said.contains("its tensors do not make a cavga-r-u"),
        "{said}"
    );
    assert!(said.contains("because: "), "{said}");
}

/// Any single bit may flip anywhere: it is noticed, or it was in white space.
#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let set = Set::new();
    let run = set.trained("run");
    let path = set.path("flipped.safetensors");
    let good = model(&run);
    let loaded = cavga::tensor_file::load(&run.join("model.safetensors")).unwrap();
    for at in (0..3000).chain((3000..good.len()).step_by(good.len() / 200)) {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&path, flipped).unwrap();
        if let Ok(found) = cavga::tensor_file::load(&path) {
            assert!(found == loaded, "byte {at}");
        }
    }
}
