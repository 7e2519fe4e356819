//! Weight files that torch and safetensors wrote (`conformance/weights/make_files.py`), and files that nobody should.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test an error is a failure"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use cavga_nn::{
    state::Tensors,
    weights::{Problem, parse, read},
};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize)]
struct Expected {
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/weights")
        .join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(file(name)).unwrap()
}

fn expected() -> BTreeMap<String, BTreeMap<String, Expected>> {
    serde_json::from_slice(&bytes("expected.json")).unwrap()
}

fn plain(tensors: Tensors) -> BTreeMap<String, Expected> {
    let plain = |data: burn::tensor::TensorData| Expected {
        shape: data.shape().to_vec(),
        values: data.try_to_vec::<f32>().unwrap(),
    };
    tensors
        .into_iter()
        .map(|(name, data)| (name, plain(data)))
        .collect()
}

/// What reading this file says; it must name the file.
fn refused(name: &str) -> String {
    let said = read(&file(name)).unwrap_err().to_string();
    assert!(said.contains(name), "{said}");
    said
}

#[test]
fn every_kind_of_file_gives_the_tensors_that_torch_saved() {
    let files = expected();
    assert!(files.len() >= 14);
    for (name, tensors) in files {
        let found = read(&file(&name)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(plain(found), tensors, "{name}");
    }
}

#[test]
fn code_in_a_pickle_is_named_and_never_run() {
    for name in ["hostile-zip.pth", "hostile-old.pth"] {
        let said = refused(name);
        assert!(
            said.contains("asks for posix.system, which is no tensor: not read"),
            "{said}"
        );
    }
    assert!(refused("hostile.pkl").contains("posix.system"));
    let said = refused("whole-module.pth");
    assert!(
        said.contains("__main__.Net") && said.contains("state_dict()"),
        "{said}"
    );
    assert!(refused("script.pt").contains("TorchScript"));
}

#[test]
fn weights_that_are_no_numbers_are_named() {
    let said = refused("nan.pth");
    assert!(said.contains("\"bad\" holds NaN at position 1"), "{said}");
    assert!(refused("overflow.pth").contains("\"big\" holds inf"));
    assert!(refused("no-floats.pth").contains("no tensors of real numbers"));
}

#[test]
fn files_of_another_kind_are_told_apart() {
    for (content, word) in [
        (&b""[..], "an empty file"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x00\x01\x02", "bytes 00 01 02"),
        (b"PK\x03\x04", "cut short"),
    ] {
        let said = parse(content).unwrap_err().to_string();
        assert!(said.contains(word), "{said}");
    }
    let said = read(&file("no-such.pth")).unwrap_err().to_string();
    assert!(said.contains("no-such.pth: cannot read"), "{said}");
}

#[test]
fn every_part_of_a_file_is_cut_short_or_refused() {
    for name in expected().keys() {
        let whole = bytes(name);
        for length in 0..whole.len() {
            let error = parse(&whole[..length]).map(|_| length);
            assert!(error.is_err(), "{name} of {length} bytes: {error:?}");
        }
        let half = parse(&whole[..whole.len() / 2]).unwrap_err();
        assert!(matches!(half, Problem::CutShort(_)), "{name}: {half}");
    }
}

/// Pickles in a row that end with `program`, which builds the list of tensors.
fn old(program: &[u8]) -> Vec<u8> {
    let mut file =
        b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.".to_vec();
    file.extend(program);
    file
}

/// Commands that build a tensor.
fn rebuilt(length: &[u8], offset: &[u8], shape: &[u8], strides: &[u8]) -> Vec<u8> {
    [
        b"ctorch._utils\n_rebuild_tensor\n((U\x07storagectorch\nFloatStorage\nU\x017U\x03cpu",
        length,
        b"NtQ",
        offset,
        shape,
        strides,
        b"tR",
    ]
    .concat()
}

/// The end of a file with one storage of the two numbers 0.
const STORAGE: &[u8] = b".\x80\x02](U\x017e.\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// A file with one tensor.
fn tensor(length: &[u8], offset: &[u8], shape: &[u8], strides: &[u8]) -> Vec<u8> {
    let tensor = rebuilt(length, offset, shape, strides);
    old(&[b"\x80\x02}U\x01w", &tensor[..], b"s", STORAGE].concat())
}

/// Python 2 gave ordered dicts as lists of lists.
#[test]
fn a_dict_of_python_2_is_read() {
    let tensor = rebuilt(b"K\x02", b"K\x00", b"K\x02\x85", b"K\x01\x85");
    let dict = [
        b"\x80\x02ccollections\nOrderedDict\n](](U\x01w",
        &tensor[..],
        b"ee\x85R",
        STORAGE,
    ];
    let tensors = parse(&old(&dict.concat())).unwrap();
    assert_eq!(plain(tensors)["w"].values, [0.0, 0.0]);
}

#[test]
fn sizes_that_cannot_be_are_refused_before_any_memory_is_taken() {
    const HUGE: &[u8] = b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f";
    let pair = |a: &[u8], b: &[u8]| [a, b, b"\x86"].concat();
    assert!(parse(&tensor(b"K\x02", b"K\x00", b"K\x02\x85", b"K\x01\x85")).is_ok());
    for (length, offset, shape, strides, word) in [
        // Repeats one number without end.
        (
            &b"K\x02"[..],
            &b"K\x00"[..],
            pair(HUGE, b"K\x01"),
            pair(b"K\x00", b"K\x00"),
            "larger than",
        ),
        (
            b"K\x02",
            b"K\x00",
            pair(HUGE, HUGE),
            pair(HUGE, HUGE),
            "larger than",
        ),
        (
            b"K\x02",
            b"K\x02",
            pair(b"K\x01", b"K\x01"),
            pair(b"K\x01", b"K\x01"),
            "outside",
        ),
        (
            b"K\x02",
            HUGE,
            pair(b"K\x02", b"K\x01"),
            pair(HUGE, HUGE),
            "outside",
        ),
        (
            HUGE,
            b"K\x00",
            pair(b"K\x03", b"K\x01"),
            pair(b"K\x01", b"K\x01"),
            "cut short",
        ),
        (
            HUGE,
            HUGE,
            pair(b"K\x01", b"K\x01"),
            pair(HUGE, HUGE),
            "outside",
        ),
        (
            b"J\xff\xff\xff\xff",
            b"K\x00",
            pair(b"K\x01", b"K\x01"),
            pair(b"K\x01", b"K\x01"),
            "storage",
        ),
        (
            b"K\x02",
            b"K\x00",
            pair(b"J\xff\xff\xff\xff", b"K\x01"),
            pair(b"K\x01", b"K\x01"),
            "arguments",
        ),
        // No values, but more in between than can be counted.
        (
            b"K\x02",
            b"K\x00",
            [HUGE, HUGE, b"K\x00\x87"].concat(),
            [HUGE, HUGE, b"K\x01\x87"].concat(),
            "larger than",
        ),
    ] {
        let said = parse(&tensor(length, offset, &shape, &strides)).unwrap_err();
        assert!(said.to_string().contains(word), "expected {word}: {said}");
    }
    // No values, whatever the strides, and a dimension of one whose stride leads anywhere.
    let empty = tensor(b"K\x02", b"K\x00", &pair(b"K\x00", HUGE), &pair(HUGE, HUGE));
    assert!(parse(&empty).is_ok());
    let one = tensor(
        b"K\x02",
        b"K\x00",
        &pair(b"K\x02", b"K\x01"),
        &pair(b"K\x00", HUGE),
    );
    assert!(parse(&one).is_ok());
}

/// torch's own ImageNet example saves its best accuracy, a tensor, beside the network.
#[test]
fn a_tensor_beside_the_state_dict_is_not_taken_for_the_network() {
    let tensor = rebuilt(b"K\x02", b"K\x00", b"K\x02\x85", b"K\x01\x85");
    let checkpoint = [
        b"\x80\x02}(U\x09best_acc1",
        &tensor[..],
        b"U\nstate_dict}U\x01w",
        &tensor[..],
        b"su",
        STORAGE,
    ];
    let tensors = plain(parse(&old(&checkpoint.concat())).unwrap());
    assert_eq!(tensors.keys().collect::<Vec<_>>(), ["w"]);
}

#[test]
fn nesting_without_end_costs_no_stack() {
    let mut deep = b"\x80\x02".to_vec();
    deep.extend(vec![b']'; 1_000_000]);
    deep.extend(vec![b'a'; 999_999]);
    deep.push(b'.');
    assert!(parse(&old(&deep)).is_err());
    // A list that holds itself.
    assert!(parse(&old(b"\x80\x02]q\x00h\x00a.")).is_err());
    let longer = old(&vec![b'N'; 9 << 20]);
    assert!(parse(&longer).unwrap_err().to_string().contains("longer"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Damage of any kind gives tensors or an error, never a panic, and no memory that the file does not account for.
    #[test]
    fn damage_never_panics(
        which in 0_usize..100,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in any::<Option<prop::sample::Index>>(),
    ) {
        let names: Vec<_> = expected().into_keys().collect();
        let mut content = bytes(&names[which % names.len()]);
        for (at, byte) in changes {
            let at = at.index(content.len());
            content[at] = byte;
        }
        if let Some(end) = end {
            content.truncate(end.index(content.len()));
        }
        if let Ok(tensors) = parse(&content) {
            let values: usize = tensors.values().map(|data| data.num_elements()).sum();
            prop_assert!(values <= content.len());
        }
    }

    /// Any commands at all, those that pickles are made of most often.
    #[test]
    fn random_pickles_never_panic(commands in prop::collection::vec(
        prop::sample::select(b"().012NJKMXTUBCQRabcdehjlqrstu]}\x80\x85\x86\x87\x88\x89\x8a\x8c\x93\x94\x95\x00\x01\x02".to_vec()),
        0..60,
    )) {
        let _ = parse(&old(&commands));
    }
}

/// Real weights in torch's old format, where they are at hand: the same numbers as in their safetensors.
#[test]
fn real_weights_read() {
    let root = std::env::var_os("CAVGA_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = root.join("weights");
    if !folder.is_dir() {
        println!(
            "skipped: {} is missing; set CAVGA_TEST_DATA to run it",
            folder.display()
        );
        return;
    }
    for (name, tensors, values) in [
        ("efficientnet_lite0_imagenet.safetensors", 247, 4_694_024),
        ("mobilenetv2_imagenet_features.safetensors", 260, 2_257_984),
        ("squeezenet1_1_imagenet.safetensors", 52, 1_235_496),
    ] {
        let read = read(&folder.join(name)).unwrap();
        let found: usize = read.values().map(|data| data.num_elements()).sum();
        assert_eq!((read.len(), found), (tensors, values), "{name}");
    }
}
