//! The leak guard: an image that was learnt from, under another name, among those that are measured on.
//!
//! Images are told by their decoded pixels, as a copy is often saved again in another format; equal bytes are equal pixels, so
//! that each file is read once, and only what is equal a second time, to say how.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use image::DynamicImage;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::decode::{Depth, Limits, depth};
use crate::error::{Error, Result};
use crate::sample::Sample;

/// How two images are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Same {
    /// The files' bytes are.
    Bytes,
    /// The bytes differ, but the decoded pixels don't.
    Pixels,
}

impl fmt::Display for Same {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes",
            Self::Pixels => "pixels",
        })
    }
}

/// A test image that is a training image too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leak {
    /// The training image: the first of its equals.
    pub train: usize,
    /// The test image.
    pub test: usize,
    /// How they are the same.
    pub same: Same,
}

/// What [`leaks`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaks {
    /// Each test image that is a training image too, in their order.
    pub between: Vec<Leak>,
    /// Training images that an earlier training image equals.
    pub within_train: usize,
    /// Test images that an earlier test image equals.
    pub within_test: usize,
    /// Files that were gone, and not looked at.
    pub missing: Vec<PathBuf>,
}

impl Leaks {
    /// Refuses a test set with training images in it.
    ///
    /// # Errors
    /// [`Error::Leak`], which names the first and how many more there are.
    pub fn refuse(&self, train: &[Sample], test: &[Sample]) -> Result<()> {
        let pair = |leak: &Leak| Some((test.get(leak.test)?, train.get(leak.train)?, leak.same));
        match self.between.first().and_then(pair) {
            None => Ok(()),
            Some((image, other, same)) => Err(Error::Leak {
                path: image.path().to_path_buf(),
                other: other.path().to_path_buf(),
                same,
                more: self.between.len() - 1,
            }),
        }
    }
}

/// Looks for training images among the test images: all are decoded, several at a time. `None` where `stop` was raised.
///
/// Equal are images of one size whose upright RGB pixels are, whatever their format; grey equals RGB of three equal channels, and
/// 16 bits equal 8 where they say no more.
///
/// # Errors
/// An image that cannot be decoded, but for one that is gone: that is told in [`Leaks::missing`].
pub fn leaks(
    train: &[Sample],
    test: &[Sample],
    limits: &Limits,
    stop: &AtomicBool,
) -> Result<Option<Leaks>> {
    let samples: Vec<&Sample> = train.iter().chain(test).collect();
    let digest = |sample: &&Sample| match stop.load(Ordering::Relaxed) {
        true => Ok(None),
        false => match sample.source.decode(limits) {
            Ok(image) => Ok(Some(pixel_digest(&image))),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error),
        },
    };
    let digests = samples.par_iter().map(digest).collect::<Result<Vec<_>>>()?;
    if stop.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let mut leaks = Leaks::default();
    for (sample, digest) in samples.iter().zip(&digests) {
        if digest.is_none() {
            leaks.missing.push(sample.path().to_path_buf());
        }
    }
    let n = train.len();
    for Twins { first, place } in twins(&digests) {
        if place < n {
            leaks.within_train += 1;
        } else if first >= n {
            leaks.within_test += 1;
        } else if let (Some(a), Some(b)) = (samples.get(first), samples.get(place)) {
            leaks.between.push(Leak {
                train: first,
                test: place - n,
                same: how(a, b)?,
            });
        }
    }
    Ok(Some(leaks))
}

/// An image that an earlier one equals.
pub(crate) struct Twins {
    pub(crate) first: usize,
    pub(crate) place: usize,
}

/// Every image that another before it equals, with the first such. Training images come first, so that the first of equals is
/// one if any is.
pub(crate) fn twins(digests: &[Option<[u8; 32]>]) -> Vec<Twins> {
    let mut first: HashMap<[u8; 32], usize> = HashMap::with_capacity(digests.len());
    let mut found = Vec::new();
    for (place, digest) in digests.iter().enumerate() {
        let Some(digest) = digest else { continue };
        let first = *first.entry(*digest).or_insert(place);
        if first != place {
            found.push(Twins { first, place });
        }
    }
    found
}

/// How two images with equal pixels are the same.
pub(crate) fn how(a: &Sample, b: &Sample) -> Result<Same> {
    Ok(match a.source.digest()? == b.source.digest()? {
        true => Same::Bytes,
        false => Same::Pixels,
    })
}

/// SHA-256 of the size and of the RGB values, as few bits each as say the same.
pub(crate) fn pixel_digest(image: &DynamicImage) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(image.height().to_le_bytes());
    hash.update(image.width().to_le_bytes());
    match depth(image) {
        Depth::Eight => match image.as_rgb8() {
            Some(rgb) => hash.update(rgb.as_raw()),
            None => hash.update(image.to_rgb8().as_raw()),
        },
        Depth::Sixteen => {
            let values = image.to_rgb16().into_raw();
            // 8 bits become 16 by v · 257.
            let small = values
                .iter()
                .map(|v| v.is_multiple_of(257).then_some((v / 257) as u8));
            match small.collect::<Option<Vec<u8>>>() {
                Some(small) => hash.update(small),
                None => values.iter().for_each(|v| hash.update(v.to_le_bytes())),
            }
        }
        Depth::Float => {
            let values = image.to_rgb32f().into_raw();
            values.iter().for_each(|v| hash.update(v.to_le_bytes()));
        }
    }
    hash.finalize().into()
}
