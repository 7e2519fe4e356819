//! Where an image's pixels are: in a file of its own, or among many in one file, as in MNIST's and CIFAR's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{DynamicImage, GrayImage, RgbImage};
use sha2::{Digest, Sha256};

use crate::dataset::hash_file;
use crate::decode::{Image, Limits, decode, image_size, to_image};
use crate::error::{Error, Result};
use crate::fit::Fit;

/// Where an image's pixels are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// A file of its own.
    File(PathBuf),
    /// One image of an archive, whose pixels are in memory.
    Record(Record),
}

/// One image of an archive. Two are equal if they have one name: the archive's file and the image's number in it.
#[derive(Debug, Clone)]
pub struct Record {
    archive: Arc<Archive>,
    index: usize,
    /// `archive#index`: what messages call it.
    name: PathBuf,
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Record {}

/// Many images of one size in one file, in memory: 8 bits a value, `[images, height, width, channels]`.
#[derive(Debug, PartialEq, Eq)]
pub struct Archive {
    path: PathBuf,
    /// `[height, width]`.
    size: [usize; 2],
    /// 1 for grey, 3 for RGB.
    channels: usize,
    pixels: Vec<u8>,
}

impl Archive {
    /// An archive of `pixels.len() / (height · width · channels)` images; `None` if that is no whole number, or the channels
    /// are neither 1 nor 3.
    pub(crate) fn new(
        path: &Path,
        size: [usize; 2],
        channels: usize,
        pixels: Vec<u8>,
    ) -> Option<Self> {
        let archive = Self {
            path: path.to_path_buf(),
            size,
            channels,
            pixels,
        };
        let length = archive.length().filter(|&length| length > 0)?;
        (matches!(channels, 1 | 3) && archive.pixels.len().is_multiple_of(length))
            .then_some(archive)
    }

    /// Bytes of one image.
    fn length(&self) -> Option<usize> {
        self.size[0]
            .checked_mul(self.size[1])?
            .checked_mul(self.channels)
    }

    /// How many images it holds.
    pub fn images(&self) -> usize {
        self.length()
            .map_or(0, |length| self.pixels.len() / length.max(1))
    }

    /// The archive's file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// One of its images.
    pub(crate) fn record(self: &Arc<Self>, index: usize) -> ImageSource {
        let mut name = self.path.clone().into_os_string();
        name.push(format!("#{index}"));
        ImageSource::Record(Record {
            archive: Arc::clone(self),
            index,
            name: name.into(),
        })
    }
}

impl Record {
    fn bytes(&self) -> &[u8] {
        let length = self.archive.length().unwrap_or(0);
        let mut images = self.archive.pixels.chunks_exact(length.max(1));
        images.nth(self.index).unwrap_or_default()
    }

    fn image(&self) -> Result<DynamicImage> {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let [height, width] = self.archive.size.map(side);
        let bytes = self.bytes().to_vec();
        let image = match self.archive.channels {
            1 => GrayImage::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8),
            _ => RgbImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8),
        };
        image.ok_or_else(|| Error::Undecodable {
            path: self.name.clone(),
            found: "no image of this number".into(),
        })
    }
}

impl ImageSource {
    /// The file, or `archive#number`: what messages call the image.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Record(record) => &record.name,
        }
    }

    /// The image at its own size, as [`load_image`](crate::load_image).
    ///
    /// # Errors
    /// As [`load_image`](crate::load_image).
    pub fn load(&self, limits: &Limits) -> Result<Image> {
        to_image(self.path(), self.decode(limits)?, None)
    }

    /// The image at `size` (height, width), as [`load_fitted`](crate::load_fitted).
    ///
    /// # Errors
    /// As [`load_image`](crate::load_image).
    pub fn load_fitted(&self, size: [usize; 2], fit: Fit, limits: &Limits) -> Result<Image> {
        to_image(self.path(), fit.cut(self.decode(limits)?, size), Some(size))
    }

    /// The image's own size, `[height, width]`, from its header alone.
    ///
    /// # Errors
    /// As [`image_size`].
    pub fn size(&self) -> Result<[usize; 2]> {
        match self {
            Self::File(path) => image_size(path),
            Self::Record(record) => Ok(record.archive.size),
        }
    }

    /// SHA-256 of the file's bytes, or of the record's shape and values.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn digest(&self) -> Result<[u8; 32]> {
        match self {
            Self::File(path) => hash_file(path),
            Self::Record(record) => {
                let Archive { size, channels, .. } = &*record.archive;
                let mut hash = Sha256::new();
                for side in [size[0], size[1], *channels] {
                    hash.update((side as u64).to_le_bytes());
                }
                hash.update(record.bytes());
                Ok(hash.finalize().into())
            }
        }
    }

    /// Decodes it, upright.
    pub(crate) fn decode(&self, limits: &Limits) -> Result<DynamicImage> {
        match self {
            Self::File(path) => decode(path, limits),
            Self::Record(record) => record.image(),
        }
    }
}

impl From<PathBuf> for ImageSource {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_the_image_that_its_bytes_say() {
        let archive = Archive::new(Path::new("a.gz"), [1, 2], 3, (0..12).collect()).unwrap();
        let archive = Arc::new(archive);
        assert_eq!(archive.images(), 2);
        let second = archive.record(1);
        assert_eq!(second.path(), Path::new("a.gz#1"));
        let image = second.load(&Limits::default()).unwrap();
        let bytes: Vec<_> = image.pixels.iter().map(|v| (v * 255.0).round()).collect();
        assert_eq!(bytes, [6.0, 9.0, 7.0, 10.0, 8.0, 11.0]);
        assert_eq!(second.size().unwrap(), [1, 2]);
        assert_ne!(
            second.digest().unwrap(),
            archive.record(0).digest().unwrap()
        );
        let beyond = archive.record(2).load(&Limits::default()).unwrap_err();
        assert_eq!(beyond.kind(), "undecodable");
    }

    #[test]
    fn an_archive_holds_whole_images_alone() {
        let archive = |size, channels, bytes| {
            Archive::new(Path::new("a"), size, channels, vec![0; bytes]).is_some()
        };
        assert!(archive([2, 2], 1, 8) && archive([2, 2], 3, 24));
        assert!(!archive([2, 2], 1, 7) && !archive([2, 2], 2, 8) && !archive([0, 2], 1, 8));
        assert!(!archive([usize::MAX, 2], 3, 8));
    }
}
