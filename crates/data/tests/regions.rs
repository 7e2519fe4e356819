//! Regions and tiles in the loader: what doesn't count is painted before an image is resized, and each tile comes as a whole image would.

#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests")]

use std::path::Path;
use std::sync::Arc;

use cavga_data::{
    Augment, Batch, Label, Loader, LoaderConfig, PAINT, Regions, Sample, Tiles, load_image,
};
use image::{ImageBuffer, Luma, Rgb, RgbImage};

/// The right half of each image is ignored.
const RIGHT: &str =
    "[[camera]]\nimages = \"*.png\"\nsize = [2, 4]\nignore = [[[2, 0], [4, 0], [4, 2], [2, 2]]]";

fn regions() -> Option<Arc<Regions>> {
    let regions = Regions::parse(RIGHT.as_bytes(), Path::new("regions.toml"));
    Some(Arc::new(regions.unwrap()))
}

/// One image that is 18 by 26 pixels, with `right` in its right half.
fn write(folder: &Path, name: &str, right: [u8; 3]) -> Sample {
    let path = folder.join(name);
    let pixel = |x, y| match x < 13 {
        true => Rgb([(x * 9) as u8, (y * 13) as u8, 200]),
        false => Rgb(right),
    };
    RgbImage::from_fn(26, 18, pixel).save(&path).unwrap();
    Sample::new(name, path, Label::Normal)
}

fn load(samples: &[Sample], order: Vec<usize>, config: LoaderConfig) -> Batch {
    let batch = order.len();
    let config = LoaderConfig { batch, ..config };
    let mut loader = Loader::start(samples.to_vec(), order, config).unwrap();
    loader.next().unwrap().unwrap()
}

#[test]
fn nothing_of_what_does_not_count_gets_into_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let samples = [[0, 0, 0], [255, 255, 255]].map(|right| {
        let name = format!("{}.png", right[0]);
        write(folder.path(), &name, right)
    });
    let augment = Augment {
        flip_horizontal: true,
        rotate: 20.0,
        crop: 0.2,
        brightness: 0.3,
        ..Augment::default()
    };
    // An odd size, so that a pixel of the result lies across the edge; then moved at random too.
    for augment in [Augment::default(), augment] {
        for seed in 0..4 {
            let config = LoaderConfig {
                size: [7, 9],
                regions: regions(),
                augment,
                seed,
                ..LoaderConfig::default()
            };
            let images = samples.each_ref().map(|sample| {
                let sample = std::slice::from_ref(sample);
                let batch = load(sample, vec![0], config.clone());
                (batch.pixels, batch.valid.unwrap())
            });
            assert_eq!(images[0], images[1]);
            let (pixels, valid) = &images[0];
            assert!(valid.contains(&0.0) && valid.contains(&1.0));
            for plane in pixels.chunks(63) {
                let painted = plane.iter().zip(valid).filter(|(_, valid)| **valid == 0.0);
                painted.for_each(|(value, _)| assert_eq!(*value, PAINT));
            }
        }
    }
}

/// An image that no camera claims counts whole; 16 bits are painted as 8 are.
#[test]
fn other_images_and_other_depths() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("deep.png");
    ImageBuffer::from_pixel(4, 2, Luma([9_000_u16]))
        .save(&deep)
        .unwrap();
    let other = folder.path().join("other.bmp");
    RgbImage::from_pixel(4, 2, Rgb([9; 3]))
        .save(&other)
        .unwrap();
    let samples = [
        Sample::new("deep.png", deep, Label::Normal),
        Sample::new("other.bmp", other, Label::Normal),
    ];
    let config = LoaderConfig {
        size: [2, 4],
        regions: regions(),
        ..LoaderConfig::default()
    };
    let batch = load(&samples, vec![0, 1], config);
    let valid = batch.valid.unwrap();
    assert_eq!(valid[..8], [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(valid[8..], [1.0; 8]);
    assert_eq!(
        batch.pixels[..4],
        [9_000.0 / 65_535.0, 9_000.0 / 65_535.0, PAINT, PAINT]
    );
    assert_eq!(batch.pixels[24..], [9.0 / 255.0; 24]);
}

#[test]
fn tiles_are_parts_of_the_whole_image_and_know_their_sample() {
    let folder = tempfile::tempdir().unwrap();
    let samples = ["a.png", "b.png"].map(|name| write(folder.path(), name, [9; 3]));
    let tiles = Arc::new(Tiles::new([12, 10], [8, 6], 0.25).unwrap());
    assert_eq!(tiles.len(), 4);
    let config = LoaderConfig {
        size: [12, 10],
        tiles: Some(Arc::clone(&tiles)),
        ..LoaderConfig::default()
    };
    let batch = load(&samples, vec![6, 1], config.clone());
    assert_eq!((batch.shape, batch.samples), ([2, 3, 8, 6], vec![1, 0]));
    assert_eq!(batch.ids, ["b.png", "a.png"]);
    let whole = load_image(samples[1].path(), Some([12, 10]), &config.limits).unwrap();
    assert_eq!(batch.pixels[..144], tiles.cut(&whole.pixels, 2));
    assert!(Loader::start(samples.to_vec(), vec![8], config).is_err());
}
