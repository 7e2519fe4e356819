//! IDX, the files of MNIST and Fashion-MNIST. Source: <http://yann.lecun.com/exdb/mnist/>.
//!
//! Two zero bytes, the type of the values (8: unsigned byte), the number of dimensions, each dimension as 32 bits
//! big-endian, the values with the last dimension varying fastest.

use std::path::Path;

use super::input::Input;
use crate::error::Result;
use crate::source::Archive;

/// More than any dataset of this kind has, and what still fits in memory.
const MOST_BYTES: usize = 1 << 30;
/// The longest side of an image.
const LONGEST_SIDE: usize = 1 << 16;
const UNSIGNED_BYTE: u8 = 8;

/// The grey images of a file of three dimensions: images, height, width.
pub(crate) fn images(path: &Path) -> Result<Archive> {
    images_of(Input::open(path)?)
}

/// The values of a file of one dimension.
pub(crate) fn labels(path: &Path) -> Result<Vec<u8>> {
    labels_of(Input::open(path)?)
}

pub(crate) fn images_of(mut input: Input<'_>) -> Result<Archive> {
    let [count, height, width] = dimensions(&mut input, "images")?;
    let too_large = |input: &Input<'_>| {
        input.malformed(
            format!("sides of 1 to {LONGEST_SIDE} and 1 to {MOST_BYTES} pixels in all"),
            format!("{count} images of {height} x {width}"),
        )
    };
    let length = count
        .checked_mul(height)
        .and_then(|rows| rows.checked_mul(width))
        .filter(|length| (1..=MOST_BYTES).contains(length))
        .filter(|_| height <= LONGEST_SIDE && width <= LONGEST_SIDE)
        .ok_or_else(|| too_large(&input))?;
    let path = input.path();
    let pixels = input.take(length, "pixels")?;
    let archive = Archive::new(path, [height, width], 1, pixels);
    let archive = archive.ok_or_else(|| too_large(&input))?;
    input.end()?;
    Ok(archive)
}

pub(crate) fn labels_of(mut input: Input<'_>) -> Result<Vec<u8>> {
    let [count] = dimensions(&mut input, "labels")?;
    if !(1..=MOST_BYTES).contains(&count) {
        return Err(input.malformed(format!("1 to {MOST_BYTES} labels"), count.to_string()));
    }
    let labels = input.take(count, "labels")?;
    input.end()?;
    Ok(labels)
}

fn dimensions<const N: usize>(input: &mut Input<'_>, what: &str) -> Result<[usize; N]> {
    let head: [u8; 4] = input.array("the first bytes of an IDX file")?;
    let [0, 0, UNSIGNED_BYTE, dimensions] = head else {
        return Err(input.malformed(
            "an IDX file of bytes, which begins with [00, 00, 08]",
            format!("{head:02x?}"),
        ));
    };
    if usize::from(dimensions) != N {
        return Err(input.malformed(
            format!("an IDX file of {what}, which has {N} dimension(s)"),
            format!("one of {dimensions}"),
        ));
    }
    let mut sizes = [0; N];
    for size in &mut sizes {
        let bytes = input.array("the dimensions of an IDX file")?;
        // At most 32 bits on every system that this runs on.
        *size = usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX);
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::input::tests::zipped;

    fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    fn input(bytes: &[u8]) -> Input<'_> {
        Input::new(Path::new("i"), bytes, bytes.len() as u64).unwrap()
    }

    fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn reads_images_and_labels_plain_and_zipped() {
        let values: Vec<u8> = (0..12).collect();
        let images = idx(&[2, 3, 2], &values);
        let expected = Archive::new(Path::new("i"), [3, 2], 1, values.clone()).unwrap();
        let labels = idx(&[12], &values);
        assert_eq!(images_of(input(&images)).unwrap(), expected);
        assert_eq!(images_of(input(&zipped(&images))).unwrap(), expected);
        assert_eq!(labels_of(input(&labels)).unwrap(), values);
        assert_eq!(labels_of(input(&zipped(&labels))).unwrap(), values);
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = idx(&[2, 2, 2], &[1; 8]);
        let small = zipped(&whole);
        for file in [&whole, &small] {
            for length in 0..file.len() {
                let error = message(images_of(input(&file[..length])));
                assert!(error.starts_with("i: expected"), "{error}");
            }
        }
    }

    #[test]
    fn what_is_not_as_the_header_says_is_told() {
        let error = message(images_of(input(&idx(&[1, 2, 2], &[0; 5]))));
        assert!(error.contains("found more"), "{error}");
        let error = message(images_of(input(&idx(&[4], &[0; 4]))));
        assert!(error.contains("3 dimension(s), found one of 1"), "{error}");
        let error = message(labels_of(input(b"\x89PNG....")));
        assert!(error.contains("[89, 50, 4e, 47]"), "{error}");
        for sizes in [[0, 2, 2], [1, 0, 2], [1, 2, 0], [u32::MAX; 3]] {
            let error = message(images_of(input(&idx(&sizes, &[0; 8]))));
            assert!(error.contains("pixels in all"), "{error}");
        }
        // Within the limits, but more than the file can hold: refused before memory is taken for it.
        let error = message(images_of(input(&idx(&[1 << 10, 1 << 10, 1 << 10], &[]))));
        assert!(error.contains("ends early"), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..64), header: bool) {
            if header && bytes.len() > 4 {
                bytes[..4].copy_from_slice(&[0, 0, 8, 3]);
            }
            let _ = images_of(input(&bytes));
            let _ = labels_of(input(&bytes));
        }
    }
}
