//! The images that a pretraining learns from: all in a folder and those below it, as in Celeb-A's `img_align_celeba`.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cavga_data::{Dataset, Fit, Label, Sample, image_size, list_images};
use cavga_detect::dcgan::Dcgan;

use crate::{
    Error, Result,
    progress::{Event, Progress},
};

/// The size that every image is brought to, `[height, width]`.
pub(super) const SIZE: [usize; 2] = [Dcgan::SIDE; 2];

/// How: the square in the middle, resized. Of Celeb-A's 178×218 that is the face.
pub(super) const FIT: Fit = Fit::Crop;

/// The images of a folder.
pub(super) struct Images {
    pub(super) samples: Arc<[Sample]>,
    pub(super) fingerprint: String,
}

impl Images {
    /// Finds them and reads their headers: hours later nobody wants to hear that one is too small.
    pub(super) fn open(
        folder: &Path,
        stop: &AtomicBool,
        progress: &mut dyn Progress,
    ) -> Result<Self> {
        let path = || folder.to_owned();
        if !folder.exists() {
            return Err(cavga_data::Error::FolderMissing { path: path() }.into());
        }
        if !folder.is_dir() {
            return Err(cavga_data::Error::NotAFolder { path: path() }.into());
        }
        let found = list_images(folder)?;
        if found.len() < 2 {
            return Err(Error::TooFewImages {
                path: path(),
                what: "images",
                found: found.len(),
                needed: 2,
            });
        }
        progress.on(Event::Begin {
            stage: "looking at images",
            total: found.len() as u64,
            done: 0,
        });
        let mut train = Vec::with_capacity(found.len());
        for path in found {
            if stop.load(Ordering::Relaxed) {
                progress.on(Event::End);
                return Err(Error::Stopped);
            }
            let size = image_size(&path)?;
            let part = FIT.part(size, SIZE);
            if part[0] < SIZE[0] || part[1] < SIZE[1] {
                return Err(Error::ImageTooSmall {
                    path,
                    found: size,
                    needed: SIZE[0],
                });
            }
            train.push(Sample::found(folder, &path, Label::Normal));
            let done = train.len() as u64;
            progress.on(Event::Advance { done });
        }
        progress.on(Event::End);
        let dataset = Dataset {
            root: path(),
            train,
            test: Vec::new(),
            unused: Vec::new(),
        };
        Ok(Self {
            fingerprint: dataset.fingerprint()?,
            samples: dataset.train.into(),
        })
    }
}
