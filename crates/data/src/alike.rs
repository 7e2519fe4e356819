//! Images that look alike: copies that were saved again, resized or lightly edited, and neighbours in a film.
//!
//! Of each image 256 bits are kept (a "difference hash"): reduced to 17×16 grey cells, whether each cell is darker than its
//! right neighbour. Small changes of values change few of them. All pairs are compared, so none is missed; for 100,000
//! images that takes seconds, while decoding them takes minutes.

use std::path::Path;

use image::{DynamicImage, GrayImage};
use rayon::prelude::*;

use crate::decode::resize;
use crate::error::Result;

/// How far brightness and contrast of images that look alike may lie apart, as a share of full scale: the bits know of
/// neither, and all images without structure have the same bits.
const APART: f64 = 0.03;

/// By what images that look alike are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    bits: [u64; 4],
    /// Mean and standard deviation of grey.
    moments: [f64; 2],
}

impl Likeness {
    /// Of a grey image with its mean and standard deviation.
    pub(crate) fn of(path: &Path, grey: GrayImage, moments: [f64; 2]) -> Result<Self> {
        let cells = resize(path, DynamicImage::ImageLuma8(grey), Some([16, 17]))?.into_luma8();
        let mut bits = [0; 4];
        for (row, cells) in cells.as_raw().chunks_exact(17).enumerate() {
            for (column, pair) in cells.windows(2).enumerate() {
                let place = row * 16 + column;
                if let ([left, right], Some(word)) = (pair, bits.get_mut(place / 64)) {
                    *word |= u64::from(left < right) << (place % 64);
                }
            }
        }
        Ok(Self { bits, moments })
    }

    /// In how many of 256 bits two images differ.
    pub fn distance(&self, other: &Self) -> u32 {
        let pairs = self.bits.iter().zip(other.bits);
        pairs.map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// Whether two images differ in at most `distance` bits, and in brightness and contrast by at most 0.03 of full scale.
    pub fn is_like(&self, other: &Self, distance: u32) -> bool {
        let near = |(a, b): (&f64, f64)| (a - b).abs() <= APART;
        // Most pairs differ in the first word already.
        (self.bits[0] ^ other.bits[0]).count_ones() <= distance
            && self.distance(other) <= distance
            && self.moments.iter().zip(other.moments).all(near)
    }
}

/// Groups of images that look alike: each holds an image and all later ones that look like it and are in no earlier group.
/// Images like no other are in none.
///
/// Every image is compared with the first of its group, never with its neighbour in it: a slow film is not one group.
pub fn alike(images: &[Likeness], distance: u32) -> Vec<Vec<usize>> {
    let mut taken = vec![false; images.len()];
    let mut groups = Vec::new();
    for (first, image) in images.iter().enumerate() {
        if taken.get(first).copied().unwrap_or(true) {
            continue;
        }
        let later = images
            .par_iter()
            .enumerate()
            .skip(first + 1)
            .with_min_len(4096);
        let like: Vec<usize> = later
            .filter(|&(at, other)| {
                !taken.get(at).copied().unwrap_or(true) && image.is_like(other, distance)
            })
            .map(|(at, _)| at)
            .collect();
        if like.is_empty() {
            continue;
        }
        for &at in &like {
            if let Some(taken) = taken.get_mut(at) {
                *taken = true;
            }
        }
        groups.push(std::iter::once(first).chain(like).collect());
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(bits: u64, brightness: f64) -> Likeness {
        Likeness {
            bits: [bits, 0, 0, 0],
            moments: [brightness, 0.2],
        }
    }

    #[test]
    fn groups_hold_what_is_like_their_first() {
        let images = [
            likeness(0, 0.5),
            likeness(u64::MAX, 0.5),
            likeness(0b11, 0.51),
            likeness(0b1111, 0.5),
            likeness(u64::MAX - 1, 0.5),
            likeness(0, 0.9),
        ];
        assert_eq!(alike(&images, 2), [vec![0, 2], vec![1, 4]]);
        assert_eq!(alike(&images, 0), Vec::<Vec<usize>>::new());
        assert!(alike(&[], 8).is_empty());
    }

    #[test]
    fn bits_follow_the_picture_and_not_its_brightness() {
        let picture = |lift: u32| {
            GrayImage::from_fn(64, 64, |x, y| {
                image::Luma([((x * x / 40 + (y * 7) % 60) + lift) as u8])
            })
        };
        let of = |image| Likeness::of(Path::new("a"), image, [0.3, 0.1]).unwrap();
        let (one, brighter) = (of(picture(0)), of(picture(4)));
        let mut mirrored = picture(0);
        image::imageops::flip_horizontal_in_place(&mut mirrored);
        assert!(one.distance(&brighter) <= 4, "{}", one.distance(&brighter));
        assert!(one.distance(&of(mirrored)) > 100);
    }
}
