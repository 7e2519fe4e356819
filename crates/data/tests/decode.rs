//! Every format, depth and colour type that is promised, and what becomes of its values.

#![allow(clippy::unwrap_used, reason = "in a test an error is a failure")]

use std::fs;
use std::path::PathBuf;

use cavga_data::{Image, Limits, image_size, load_image, load_mask};
use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba};
use tempfile::TempDir;

fn saved(image: &DynamicImage, name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    image.save(&path).unwrap();
    (folder, path)
}

fn load(path: &std::path::Path) -> Image {
    load_image(path, None, &Limits::default()).unwrap()
}

/// The three channels of a pixel.
fn at(image: &Image, row: usize, column: usize) -> [f32; 3] {
    [0, 1, 2].map(|c| image.pixels[(c * image.height + row) * image.width + column])
}

fn rgb8() -> DynamicImage {
    ImageBuffer::from_fn(7, 5, |x, y| Rgb([(x * 30) as u8, (y * 50) as u8, 200])).into()
}

#[test]
fn planes_are_red_green_blue_in_rows() {
    for name in ["a.png", "a.bmp", "a.tiff", "a.ppm", "a.webp"] {
        let (_folder, path) = saved(&rgb8(), name);
        let image = load(&path);
        assert_eq!((image.height, image.width), (5, 7), "{name}");
        assert_eq!(
            at(&image, 3, 2),
            [60.0 / 255.0, 150.0 / 255.0, 200.0 / 255.0],
            "{name}"
        );
        assert_eq!(image_size(&path).unwrap(), [5, 7], "{name}");
    }
}

#[test]
fn jpeg_is_close() {
    let flat: DynamicImage = ImageBuffer::from_pixel(16, 16, Rgb([40_u8, 120, 220])).into();
    let (_folder, path) = saved(&flat, "a.jpg");
    let image = load(&path);
    for (found, expected) in at(&image, 8, 8).into_iter().zip([40.0, 120.0, 220.0]) {
        assert!((found * 255.0 - expected).abs() < 4.0, "{found}");
    }
}

#[test]
fn grey_becomes_three_equal_channels() {
    let grey: DynamicImage = ImageBuffer::from_pixel(4, 4, Luma([51_u8])).into();
    for name in ["a.png", "a.pgm", "a.bmp", "a.tiff"] {
        let (_folder, path) = saved(&grey, name);
        assert_eq!(at(&load(&path), 1, 1), [0.2; 3], "{name}");
    }
}

#[test]
fn sixteen_bits_keep_their_precision() {
    let grey: DynamicImage = ImageBuffer::from_fn(4, 1, |x, _| Luma([30_000 + x as u16])).into();
    for name in ["a.png", "a.pgm", "a.tiff"] {
        let (_folder, path) = saved(&grey, name);
        let image = load(&path);
        for x in 0..4 {
            assert_eq!(
                at(&image, 0, x),
                [(30_000.0 + x as f32) / 65535.0; 3],
                "{name}"
            );
        }
    }
    let colour: DynamicImage = ImageBuffer::from_pixel(4, 4, Rgb([1_u16, 257, 65535])).into();
    let (_folder, path) = saved(&colour, "a.png");
    assert_eq!(
        at(&load(&path), 0, 0),
        [1.0 / 65535.0, 257.0 / 65535.0, 1.0]
    );
    let small = load_image(&path, Some([2, 2]), &Limits::default()).unwrap();
    assert_eq!(at(&small, 0, 0), [1.0 / 65535.0, 257.0 / 65535.0, 1.0]);
}

#[test]
fn alpha_is_dropped_and_leaves_the_colours_alone() {
    for alpha in [0, 128, 255] {
        let colour: DynamicImage =
            ImageBuffer::from_pixel(6, 6, Rgba([51_u8, 102, 204, alpha])).into();
        let (_folder, path) = saved(&colour, "a.png");
        assert_eq!(at(&load(&path), 0, 0), [0.2, 0.4, 0.8]);
        let small = load_image(&path, Some([3, 3]), &Limits::default()).unwrap();
        assert_eq!(at(&small, 1, 1), [0.2, 0.4, 0.8]);
        let grey: DynamicImage = ImageBuffer::from_pixel(2, 2, LumaA([51_u8, alpha])).into();
        let (_folder, path) = saved(&grey, "b.png");
        assert_eq!(at(&load(&path), 0, 0), [0.2; 3]);
    }
}

/// A 2 x 1 BMP with a palette: BGRA entries, then one row of indices padded to 4 bytes.
fn palette_bmp() -> Vec<u8> {
    let mut file = b"BM".to_vec();
    for word in [
        14 + 40 + 8 + 4,
        0,
        14 + 40 + 8,
        40,
        2,
        1,
        1 | (8 << 16),
        0,
        4,
        2835,
        2835,
        2,
        0_u32,
    ] {
        file.extend(word.to_le_bytes());
    }
    file.extend([204, 102, 51, 0, 0, 0, 255, 0]);
    file.extend([0, 1, 0, 0]);
    file
}

#[test]
fn palettes_become_their_colours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bmp");
    fs::write(&path, palette_bmp()).unwrap();
    let image = load(&path);
    assert_eq!(at(&image, 0, 0), [0.2, 0.4, 0.8]);
    assert_eq!(at(&image, 0, 1), [1.0, 0.0, 0.0]);
}

#[test]
fn content_counts_and_not_the_extension() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("really_a_png.jpg");
    rgb8().save_with_format(&path, ImageFormat::Png).unwrap();
    assert_eq!(at(&load(&path), 0, 0), [0.0, 0.0, 200.0 / 255.0]);
}

/// Puts an EXIF segment with an orientation behind the first two bytes of a JPEG.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let mut file = jpeg[..2].to_vec();
    file.extend([0xFF, 0xE1]);
    file.extend(((exif.len() + 2) as u16).to_be_bytes());
    file.extend(exif);
    file.extend(&jpeg[2..]);
    file
}

#[test]
fn exif_orientation_is_applied() {
    // Dark left half, bright right half, twice as wide as high.
    let halves: DynamicImage =
        ImageBuffer::from_fn(32, 16, |x, _| Luma([if x < 16 { 20_u8 } else { 230 }])).into();
    let (folder, path) = saved(&halves, "a.jpg");
    let jpeg = fs::read(&path).unwrap();
    // Orientation; size; whether the top left and the top right corner are bright.
    for (orientation, size, bright) in [
        (1, [16, 32], [false, true]),
        (3, [16, 32], [true, false]),
        (6, [32, 16], [false, false]),
        (8, [32, 16], [true, true]),
    ] {
        let path = folder.path().join(format!("{orientation}.jpg"));
        fs::write(&path, with_orientation(&jpeg, orientation)).unwrap();
        let image = load(&path);
        assert_eq!([image.height, image.width], size, "{orientation}");
        assert_eq!(image_size(&path).unwrap(), size, "{orientation}");
        let corners = [
            at(&image, 1, 1)[0] > 0.5,
            at(&image, 1, size[1] - 2)[0] > 0.5,
        ];
        assert_eq!(corners, bright, "{orientation}");
    }
}

#[test]
fn resizing_averages_and_does_not_alias() {
    // Stripes of one pixel: without antialiasing, halving would keep one colour of the two.
    let stripes: DynamicImage =
        ImageBuffer::from_fn(64, 64, |x, _| Luma([if x % 2 == 0 { 0_u8 } else { 255 }])).into();
    let (_folder, path) = saved(&stripes, "a.png");
    let small = load_image(&path, Some([16, 16]), &Limits::default()).unwrap();
    assert_eq!((small.height, small.width), (16, 16));
    for column in 2..14 {
        assert!(
            (at(&small, 8, column)[0] - 0.5).abs() < 0.03,
            "{:?}",
            at(&small, 8, column)
        );
    }
    assert_eq!(
        load_image(&path, Some([16, 16]), &Limits::default()).unwrap(),
        small
    );
}

#[test]
fn size_zero_is_refused_by_name() {
    let (_folder, path) = saved(&rgb8(), "a.png");
    let error = load_image(&path, Some([0, 4]), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("`size`"), "{error}");
}

#[test]
fn a_mask_is_what_is_above_zero() {
    let grey = |values: [u8; 4]| {
        DynamicImage::from(ImageBuffer::from_fn(4, 1, |x, _| {
            Luma([values[x as usize]])
        }))
    };
    for values in [[0, 1, 0, 1], [0, 255, 0, 3]] {
        let (_folder, path) = saved(&grey(values), "a.png");
        let mask = load_mask(&path, &Limits::default()).unwrap();
        assert_eq!(
            (mask.height, mask.width, mask.pixels),
            (1, 4, vec![false, true, false, true])
        );
    }
    let deep: DynamicImage = ImageBuffer::from_fn(2, 1, |x, _| Luma([x as u16])).into();
    let (_folder, path) = saved(&deep, "a.png");
    assert_eq!(
        load_mask(&path, &Limits::default()).unwrap().pixels,
        [false, true]
    );
    // Opaque black is black.
    let clear: DynamicImage = ImageBuffer::from_fn(2, 1, |x, _| Rgba([0, 0, x as u8, 255])).into();
    let (_folder, path) = saved(&clear, "a.png");
    assert_eq!(
        load_mask(&path, &Limits::default()).unwrap().pixels,
        [false, true]
    );
}
