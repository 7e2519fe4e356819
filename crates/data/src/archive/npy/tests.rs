//! Arrays as NumPy writes them, and files that are none.

use std::io::Cursor;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn golden(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/npy");
    Path::new(folder).join(format!("{name}.npy"))
}

fn file(shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values);
    bytes
}

fn array(bytes: &[u8]) -> Result<Array<'_, Cursor<&[u8]>>> {
    Array::read(Path::new("n"), Cursor::new(bytes))
}

/// The rule of conformance/data/make_goldens.py.
fn marked(i: usize) -> bool {
    i % 3 == 1
}

#[test]
fn arrays_of_every_type_and_version_are_read_as_numpy_wrote_them() {
    let kinds = [
        "bool", "float16", "float32", "float64", "version2", "version3",
    ];
    let whole = [8, 16, 32, 64].map(|bits| [format!("int{bits}"), format!("uint{bits}")]);
    let names = kinds
        .map(str::to_owned)
        .into_iter()
        .chain(whole.into_iter().flatten());
    for name in names {
        let path = golden(&name);
        assert_eq!(frame_size(&path).unwrap(), [2, 4], "{name}");
        assert_eq!(frame_count(&path).unwrap(), 3, "{name}");
        for index in 0..3 {
            let mask = frame(&path, index, &Limits::default()).unwrap();
            let expected: Vec<_> = (8 * index..8 * index + 8).map(marked).collect();
            assert_eq!((mask.height, mask.width), (2, 4), "{name}");
            assert_eq!(mask.pixels, expected, "{name}, frame {index}");
        }
    }
    let expected: Vec<_> = (0..24).map(marked).collect();
    assert_eq!(vector(&golden("labels")).unwrap(), expected);
}

#[test]
fn digests_tell_frames_apart_by_their_values() {
    let path = golden("uint8");
    let digests = [0, 1, 2].map(|index| frame_digest(&path, index).unwrap());
    assert!(digests[0] != digests[1] && digests[1] != digests[2]);
    assert_eq!(frame_digest(&golden("version2"), 1).unwrap(), digests[1]);
    assert_eq!(frame_digest(&path, 3).unwrap_err().kind(), "malformed");
}

#[test]
fn what_cannot_be_read_is_told() {
    let refusals = [
        ("refused_fortran", "Fortran's order"),
        ("refused_big_endian", "type \">f4\""),
        ("refused_complex", "type \"<c8\""),
        ("refused_fields", "several fields"),
        ("refused_nan", "NaN at row 0, column 0"),
        ("labels", "[frames, height, width], found one of [24]"),
    ];
    for (name, why) in refusals {
        let error = frame(&golden(name), 0, &Limits::default()).unwrap_err();
        assert!(error.to_string().contains(why), "{name}: {error}");
    }
    let error = frame(&golden("bool"), 3, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("a frame 3"), "{error}");
    let error = frame(&golden("bool"), 0, &Limits { max_pixels: 7 }).unwrap_err();
    assert_eq!(error.kind(), "too-large");
    assert_eq!(vector(&golden("bool")).unwrap_err().kind(), "malformed");
    let missing = frame(&golden("missing"), 0, &Limits::default()).unwrap_err();
    assert_eq!(missing.kind(), "unreadable");
}

#[test]
fn every_truncation_and_every_surplus_is_an_error() {
    let mut whole = file("(2, 2)", &[1; 4]);
    assert_eq!(array(&whole).unwrap().frames().unwrap(), [1, 2, 2]);
    for length in 0..whole.len() {
        assert_eq!(
            array(&whole[..length]).err().map(|error| error.kind()),
            Some("malformed")
        );
    }
    whole.push(1);
    assert!(array(&whole).is_err());
}

#[test]
fn a_shape_larger_than_its_file_takes_no_memory() {
    for shape in [
        "(4294967295, 4294967295, 4294967295)",
        "(9999999999999,)",
        "(1, 1, 1, 1, 1, 1, 1, 1, 1)",
    ] {
        assert_eq!(
            array(&file(shape, &[0; 8])).err().map(|error| error.kind()),
            Some("malformed")
        );
    }
    // Nothing times anything is nothing, which the file has.
    let empty = file("(0, 9999999999999)", &[]);
    let mut empty = array(&empty).unwrap();
    assert!(empty.frame(0, &Limits::default()).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(header in "\\PC{0,60}", random in proptest::collection::vec(any::<u8>(), 0..32)) {
        for bytes in [file(&header, &random), random] {
            if let Ok(mut array) = array(&bytes) {
                let _ = array.frame(0, &Limits::default());
                let _ = array.vector();
            }
        }
    }
}
