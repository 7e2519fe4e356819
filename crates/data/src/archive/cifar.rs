//! CIFAR-10's batches: the binary form, and the pickles of the Python form. Source:
//! <https://www.cs.toronto.edu/~kriz/cifar.html>.
//!
//! In both an image is 3072 bytes, a plane of 32 x 32 for each of red, green and blue. The binary form has the label before
//! each image; the Python form is a dict of `data`, an array `[images, 3072]`, and `labels`, a list.

use std::path::Path;
use std::sync::Arc;

use super::input::Input;
use super::pickle::{self, Id, Value, Values};
use super::{COPY_AGAIN, Labelled};
use crate::error::{Error, Result};
use crate::source::Archive;

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const IMAGE: usize = 3 * PLANE;
/// How many classes there are.
pub(crate) const CLASSES: usize = 10;
/// More than all batches together have.
const MOST_BYTES: u64 = 256 << 20;

/// A file of the binary form.
pub(crate) fn binary(path: &Path) -> Result<Labelled> {
    binary_of(Input::open(path)?)
}

/// A batch of the Python form.
pub(crate) fn python(path: &Path) -> Result<Labelled> {
    python_of(Input::open(path)?)
}

/// The names of the classes, one a line.
pub(crate) fn names(path: &Path) -> Result<Vec<String>> {
    names_of(Input::open(path)?)
}

/// The names of the classes in the Python form's `batches.meta`.
pub(crate) fn python_names(path: &Path) -> Result<Vec<String>> {
    python_names_of(Input::open(path)?)
}

pub(crate) fn binary_of(input: Input<'_>) -> Result<Labelled> {
    let path = input.path();
    let bytes = input.rest(MOST_BYTES, "images")?;
    let (records, rest) = bytes.as_chunks::<{ 1 + IMAGE }>();
    if !rest.is_empty() {
        let found = format!("{} bytes after the last of them", rest.len());
        let expected = format!("records of {} bytes", 1 + IMAGE);
        return Err(malformed(path, expected, found));
    }
    let (mut labels, mut pixels) = (Vec::new(), Vec::with_capacity(bytes.len()));
    for (label, planes) in records.iter().filter_map(|record| record.split_first()) {
        labels.push(*label);
        interleave(planes, &mut pixels);
    }
    labelled(path, labels, pixels)
}

pub(crate) fn python_of(input: Input<'_>) -> Result<Labelled> {
    let path = input.path();
    let bytes = input.rest(MOST_BYTES, "a pickle")?;
    let (labels, planes) = batch(&bytes).map_err(pickled(path))?;
    let (images, _) = planes.as_chunks::<IMAGE>();
    let mut pixels = Vec::with_capacity(planes.len());
    for planes in images {
        interleave(planes, &mut pixels);
    }
    labelled(path, labels, pixels)
}

/// The labels and the planes of a pickled batch, as many of one as of the other.
fn batch(bytes: &[u8]) -> pickle::Result<(Vec<u8>, Vec<u8>)> {
    let (root, values) = pickle::read(bytes)?;
    let key = |key: &str| values.key(root, key).ok_or(format!("no key `{key}`"));
    let labels = key("labels")?;
    let labels = values.items(labels).ok_or("labels that are no list")?;
    let label = |id: &Id| match values.get(*id) {
        Value::Int(label) => u8::try_from(*label).ok(),
        _ => None,
    };
    let labels: Option<Vec<u8>> = labels.iter().map(label).collect();
    let labels = labels.ok_or("a label that is no class")?;
    let planes = array(&values, key("data")?, labels.len())?;
    Ok((labels, planes))
}

/// The bytes of a pickled array of `images` images.
fn array(values: &Values<'_>, id: Id, images: usize) -> pickle::Result<Vec<u8>> {
    let Value::Array(Some(state)) = values.get(id) else {
        return Err("`data` that is no array".into());
    };
    let [_version, shape, kind, by_columns, bytes] =
        values.items(*state).ok_or("an array without a state")?
    else {
        return Err("an array with a state that is not NumPy's".into());
    };
    let is_byte = |name: Id| matches!(values.name(name), Some(b"u1" | b"|u1"));
    if !matches!(values.get(*kind), Value::Type(name) if is_byte(*name)) {
        return Err("an array of other values than bytes (u1)".into());
    }
    let by_columns = matches!(values.get(*by_columns), Value::Bool(true) | Value::Int(1));
    let bytes = match values.get(*bytes) {
        Value::Bytes(bytes) => bytes.to_vec(),
        Value::Latin1(text) => {
            let bytes = text.chars().map(|c| u8::try_from(u32::from(c)));
            let bytes: std::result::Result<_, _> = bytes.collect();
            bytes.map_err(|_| "an array with values above 255")?
        }
        _ => return Err("an array without values".into()),
    };
    let sides = values.items(*shape).unwrap_or_default();
    let sides = sides.iter().map(|side| match values.get(*side) {
        Value::Int(side) => usize::try_from(*side).ok(),
        _ => None,
    });
    let sides: Option<Vec<_>> = sides.collect();
    let expected = images.checked_mul(IMAGE);
    if sides.as_deref() != Some(&[images, IMAGE]) || expected != Some(bytes.len()) {
        return Err(format!(
            "{images} labels for an array of {sides:?} values in {} bytes",
            bytes.len()
        ));
    }
    Ok(if by_columns {
        transposed(&bytes, images)
    } else {
        bytes
    })
}

/// Images after each other, of the first bytes of all images, the second, and so on.
fn transposed(columns: &[u8], images: usize) -> Vec<u8> {
    let of = |image: usize| columns.iter().skip(image).step_by(images.max(1)).copied();
    (0..images).flat_map(of).collect()
}

pub(crate) fn names_of(input: Input<'_>) -> Result<Vec<String>> {
    let path = input.path();
    let bytes = input.rest(1 << 16, "names")?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    checked_names(path, lines.map(str::to_owned).collect())
}

pub(crate) fn python_names_of(input: Input<'_>) -> Result<Vec<String>> {
    let path = input.path();
    let bytes = input.rest(1 << 20, "a pickle")?;
    let (root, values) = pickle::read(&bytes).map_err(pickled(path))?;
    let names = values.key(root, "label_names");
    let names = names
        .and_then(|names| values.items(names))
        .unwrap_or_default();
    let names = names.iter().filter_map(|name| values.name(*name));
    let names = names.map(|name| String::from_utf8_lossy(name).into_owned());
    checked_names(path, names.collect())
}

/// Names that may be printed and be the names of kinds: ten different short ones.
fn checked_names(path: &Path, names: Vec<String>) -> Result<Vec<String>> {
    let good = |name: &String| {
        (1..=40).contains(&name.len())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' '))
    };
    let different: std::collections::BTreeSet<_> = names.iter().collect();
    if names.len() == CLASSES && different.len() == CLASSES && names.iter().all(good) {
        return Ok(names);
    }
    let found = format!("{} of them", names.len());
    let expected = format!("{CLASSES} different names of classes, in letters and digits");
    Err(malformed(path, expected, found))
}

/// Images with their labels, which must be classes.
fn labelled(path: &Path, labels: Vec<u8>, pixels: Vec<u8>) -> Result<Labelled> {
    let other = |label: &u8| usize::from(*label) >= CLASSES;
    if let Some(at) = labels.iter().position(other) {
        let label = labels.get(at).copied().unwrap_or_default();
        let found = format!("{label}, at image {at}");
        let expected = format!("labels of 0 to {}", CLASSES - 1);
        return Err(malformed(path, expected, found));
    }
    let images = Archive::new(path, [SIDE, SIDE], 3, pixels);
    let images = images.filter(|images| images.images() > 0);
    let images = images.ok_or_else(|| malformed(path, "images".into(), "none".into()))?;
    Ok(Labelled {
        images: Arc::new(images),
        labels,
    })
}

/// Adds planes of red, green and blue as pixels.
fn interleave(planes: &[u8], pixels: &mut Vec<u8>) {
    let (red, colours) = planes.split_at(PLANE.min(planes.len()));
    let (green, blue) = colours.split_at(PLANE.min(colours.len()));
    for ((red, green), blue) in red.iter().zip(green).zip(blue) {
        pixels.extend([*red, *green, *blue]);
    }
}

fn malformed(path: &Path, expected: String, found: String) -> Error {
    Error::Malformed {
        path: path.to_path_buf(),
        expected,
        found,
        advice: COPY_AGAIN,
    }
}

fn pickled(path: &Path) -> impl FnOnce(String) -> Error + '_ {
    move |found| malformed(path, "a pickle of CIFAR-10".into(), found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::input::tests::zipped;

    fn input(bytes: &[u8]) -> Input<'_> {
        Input::new(Path::new("c"), bytes, bytes.len() as u64).unwrap()
    }

    fn message(result: Result<Labelled>) -> String {
        result.unwrap_err().to_string()
    }

    /// Byte `p` of image `i` in the goldens of conformance/data/make_goldens.py.
    fn byte(i: usize, p: usize) -> u8 {
        ((31 * i + 7 * p + 50 * (p / PLANE)) % 256) as u8
    }

    /// The same two images as the goldens, in the binary form.
    fn records() -> Vec<u8> {
        let record = |(i, label)| std::iter::once(label).chain((0..IMAGE).map(move |p| byte(i, p)));
        [(0, 3), (1, 9)].into_iter().flat_map(record).collect()
    }

    fn expected() -> Archive {
        let pixel = |i, at| [0, 1, 2].map(|colour| byte(i, colour * PLANE + at));
        let image = |i| (0..PLANE).flat_map(move |at| pixel(i, at));
        let pixels = (0..2).flat_map(image).collect();
        Archive::new(Path::new("c"), [SIDE, SIDE], 3, pixels).unwrap()
    }

    fn golden(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/cifar");
        std::fs::read(Path::new(folder).join(name)).unwrap()
    }

    #[test]
    fn both_forms_give_the_same_images() {
        let goldens = [
            "python2.pickle",
            "python3_protocol2.pickle",
            "python3_protocol3.pickle",
            "python3_protocol4.pickle",
            "columns.pickle",
        ];
        let mut all = vec![binary_of(input(&records())).unwrap()];
        all.push(binary_of(input(&zipped(&records()))).unwrap());
        for name in goldens {
            let batch = python_of(input(&golden(name)));
            all.push(batch.unwrap_or_else(|error| panic!("{name}: {error}")));
        }
        for Labelled { images, labels } in all {
            assert_eq!(labels, [3, 9]);
            assert_eq!(*images, expected());
        }
    }

    #[test]
    fn names_are_read_from_both_forms() {
        let text = b"airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
        let names = names_of(input(text)).unwrap();
        assert_eq!(names[9], "truck");
        assert_eq!(
            python_names_of(input(&golden("python2.meta"))).unwrap(),
            names
        );
        for bad in [
            "a\nb",
            "a\na\nb\nc\nd\ne\nf\ng\nh\ni",
            "../a\nb\nc\nd\ne\nf\ng\nh\ni\nj",
        ] {
            let error = names_of(input(bad.as_bytes())).unwrap_err();
            assert!(error.to_string().contains("10 different names"), "{error}");
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = records();
        for length in (0..whole.len()).filter(|length| *length != 1 + IMAGE) {
            let error = message(binary_of(input(&whole[..length])));
            assert!(error.starts_with("c: expected"), "{error}");
        }
        for name in ["python2.pickle", "python3_protocol4.pickle"] {
            let whole = golden(name);
            for length in 0..whole.len() {
                let error = message(python_of(input(&whole[..length])));
                assert!(error.contains("pickle of CIFAR-10"), "{error}");
            }
        }
    }

    #[test]
    fn what_is_no_batch_is_told() {
        let mut bad = records();
        bad[1 + IMAGE] = 10;
        let error = message(binary_of(input(&bad)));
        assert!(error.contains("found 10, at image 1"), "{error}");
        let refusals = [
            ("refused_protocol5.pickle", "protocol 5"),
            ("refused_floats.pickle", "other values than bytes"),
            ("refused_code.pickle", "print"),
            ("python2.meta", "no key `labels`"),
        ];
        for (name, why) in refusals {
            let error = message(python_of(input(&golden(name))));
            assert!(error.contains(why), "{name}: {error}");
        }
        let mut more = golden("python2.pickle");
        more.push(b'.');
        let error = message(python_of(input(&more)));
        assert!(error.contains("after its end"), "{error}");
    }

    /// A list in itself, a list of a million lists within each other, a text that is said a thousand times: what nests or
    /// repeats must cost neither the stack nor memory.
    #[test]
    fn pickles_that_nest_or_repeat_are_refused_cheaply() {
        let itself = b"\x80\x02]q\0h\0a.";
        let deep = [
            b"\x80\x02".to_vec(),
            vec![b']'; 500_000],
            vec![b'a'; 499_999],
            vec![b'.'],
        ];
        let mut again =
            b"\x80\x02c_codecs\nencode\nX\x04\0\0\0aaaaq\0X\x06\0\0\0latin1\x86q\x01".to_vec();
        again.extend(b"h\x01".repeat(1000));
        again.push(b'.');
        let many = [b"\x80\x02".to_vec(), vec![b'N'; 2 << 20], vec![b'.']];
        for pickle in [itself.to_vec(), deep.concat(), again, many.concat()] {
            let error = message(python_of(input(&pickle)));
            assert!(error.contains("pickle of CIFAR-10"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            at in 0_usize..6400,
            new in proptest::collection::vec(any::<u8>(), 1..8),
            random in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut changed = golden("python3_protocol4.pickle");
            for (to, from) in changed.iter_mut().skip(at).zip(&new) {
                *to = *from;
            }
            let _ = python_of(input(&changed));
            for bytes in [&random, &new] {
                let _ = python_of(input(bytes));
                let _ = python_names_of(input(bytes));
                let _ = binary_of(input(bytes));
                let _ = names_of(input(bytes));
            }
        }
    }
}
