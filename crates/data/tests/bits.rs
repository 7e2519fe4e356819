//! The bits that loading gives: whoever makes it faster keeps them.

#![allow(clippy::unwrap_used, reason = "in a test an error is a failure")]

use std::path::Path;

use cavga_data::{Fit, Limits, hash_file, hex, load_fitted, load_image};
use image::{DynamicImage, ImageBuffer, Luma, LumaA, Rgb, Rgba};

/// Numbers without order, the same everywhere.
fn noise(x: u32, y: u32, channel: u32) -> u16 {
    let mixed = (x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663) ^ (channel * 83_492_791))
        .wrapping_mul(2_654_435_761);
    (mixed >> 16) as u16
}

const WIDTH: u32 = 61;
const HEIGHT: u32 = 47;

/// An image of each depth and colour type.
fn images() -> [(&'static str, DynamicImage); 8] {
    let low = |x, y, channel| (noise(x, y, channel) >> 8) as u8;
    [
        (
            "grey",
            ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| Luma([low(x, y, 0)])).into(),
        ),
        (
            "grey, alpha",
            ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| LumaA([0, 1].map(|c| low(x, y, c)))).into(),
        ),
        (
            "colour",
            ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| Rgb([0, 1, 2].map(|c| low(x, y, c)))).into(),
        ),
        (
            "colour, alpha",
            ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| {
                Rgba([0, 1, 2, 3].map(|c| low(x, y, c)))
            })
            .into(),
        ),
        (
            "deep grey",
            ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| Luma([noise(x, y, 0)])).into(),
        ),
        (
            "deep grey, alpha",
            ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| LumaA([0, 1].map(|c| noise(x, y, c))))
                .into(),
        ),
        (
            "deep colour",
            ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| Rgb([0, 1, 2].map(|c| noise(x, y, c))))
                .into(),
        ),
        (
            "deep colour, alpha",
            ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| {
                Rgba([0, 1, 2, 3].map(|c| noise(x, y, c)))
            })
            .into(),
        ),
    ]
}

const SIZES: [[usize; 2]; 5] = [[47, 61], [16, 16], [47, 20], [90, 61], [101, 130]];

/// The first digits of the SHA-256 of an image file's values at every size, stretched and cut.
fn digest(folder: &Path, file: &Path) -> String {
    let mut bytes = Vec::new();
    for size in SIZES {
        for fit in [Fit::Stretch, Fit::Crop] {
            let image = load_fitted(file, size, fit, &Limits::default()).unwrap();
            assert_eq!([image.height, image.width], size);
            bytes.extend(image.pixels.iter().flat_map(|value| value.to_le_bytes()));
        }
    }
    let values = folder.join("values");
    std::fs::write(&values, bytes).unwrap();
    hex(&hash_file(&values).unwrap())[..16].to_owned()
}

#[test]
fn values_have_the_bits_that_they_had() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.png");
    let found = images().map(|(name, image)| {
        image.save(&file).unwrap();
        (name, digest(folder.path(), &file))
    });
    let found = found
        .each_ref()
        .map(|(name, digest)| (*name, digest.as_str()));
    // Whole numbers are averaged, so every processor gives these.
    let expected = [
        ("grey", "1a08e6ea442d5e0f"),
        ("grey, alpha", "1a08e6ea442d5e0f"),
        ("colour", "bc649317f0e0c7ee"),
        ("colour, alpha", "bc649317f0e0c7ee"),
        ("deep grey", "45ccf39f8a377e56"),
        ("deep grey, alpha", "45ccf39f8a377e56"),
        ("deep colour", "88574056fcc4185b"),
        ("deep colour, alpha", "88574056fcc4185b"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn grey_has_the_bits_of_the_same_image_in_colour() {
    let folder = tempfile::tempdir().unwrap();
    let (one, three) = (
        folder.path().join("one.png"),
        folder.path().join("three.png"),
    );
    for (name, image) in images()
        .into_iter()
        .filter(|(name, _)| name.contains("grey"))
    {
        image.save(&one).unwrap();
        let colour: DynamicImage = if name.starts_with("deep") {
            image.into_rgb16().into()
        } else {
            image.into_rgb8().into()
        };
        colour.save(&three).unwrap();
        for size in SIZES.map(Some).into_iter().chain([None]) {
            let load = |path| load_image(path, size, &Limits::default()).unwrap();
            assert_eq!(load(&one), load(&three), "{name}, {size:?}");
        }
    }
}
