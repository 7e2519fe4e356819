//! Broken image files of every format: cut short, with changed bytes, with values that are no numbers.

#![allow(clippy::unwrap_used, reason = "in a test an error is a failure")]

use std::fs;

use cavga_data::{Limits, image_size, load_image};
use image::{ImageBuffer, ImageFormat, Rgb32FImage};
use proptest::prelude::*;

#[test]
fn truncated_files_of_every_format_are_refused_at_every_length() {
    let folder = tempfile::tempdir().unwrap();
    let picture = ImageBuffer::from_fn(40, 30, |x, y| {
        image::Rgb([(x * 6) as u8, (y * 8) as u8, (x * y) as u8])
    });
    for extension in ["png", "jpg", "bmp", "tiff", "ppm", "webp"] {
        let path = folder.path().join(format!("a.{extension}"));
        picture.save(&path).unwrap();
        load_image(&path, None, &Limits::default()).unwrap();
        let bytes = fs::read(&path).unwrap();
        // The last bytes of a file may be padding or a checksum that decoders do without.
        for part in 1..40 {
            fs::write(&path, &bytes[..bytes.len() * part / 42]).unwrap();
            let error = load_image(&path, None, &Limits::default()).unwrap_err();
            assert_eq!(error.path(), Some(path.as_path()), "{error}");
        }
    }
}

#[test]
fn nan_and_infinity_in_a_float_tiff() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tiff");
    let kind_of = |value: f32| {
        let mut image = Rgb32FImage::from_pixel(20, 20, image::Rgb([0.5; 3]));
        image.get_pixel_mut(7, 3)[1] = value;
        image.save(&path).unwrap();
        load_image(&path, None, &Limits::default())
            .map_err(|error| (error.kind(), error.to_string()))
    };
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (kind, message) = kind_of(value).unwrap_err();
        assert!(
            kind == "not-finite" && message.contains("row 3, column 7"),
            "{message}"
        );
    }
    assert_eq!(kind_of(255.0).unwrap_err().0, "out-of-range");
    assert_eq!(kind_of(0.25).unwrap().pixels[400 + 3 * 20 + 7], 0.25);
}

/// An image in every format that we read.
fn pictures() -> Vec<Vec<u8>> {
    let picture = ImageBuffer::from_fn(24, 18, |x, y| {
        image::Rgb([(x * 9) as u8, (y * 9) as u8, 77])
    });
    [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::Pnm,
        ImageFormat::WebP,
    ]
    .map(|format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    })
    .into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_give_an_image_or_an_error_that_names_the_file(
        format in 0_usize..6,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut bytes = pictures().remove(format);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        fs::write(&path, bytes).unwrap();
        match load_image(&path, Some([8, 8]), &Limits { max_pixels: 1 << 20 }) {
            Ok(image) => prop_assert!(image.pixels.iter().all(|value| (0.0..=1.0).contains(value))),
            Err(error) => prop_assert_eq!(error.path(), Some(path.as_path())),
        }
        let _ = image_size(&path);
    }
}
