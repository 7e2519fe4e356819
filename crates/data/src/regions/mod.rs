//! Which part of a camera's images counts, as `regions.toml` says it.
//!
//! ```toml
//! [[camera]]
//! images = "cam1/*"               # which images; without it, all
//! size = [1024, 1280]             # height and width that the polygons are drawn at
//! include = [[[40, 40], [1240, 40], [1240, 984], [40, 984]]]   # polygons of [x, y]; without any, everything
//! ignore = [[[600, 0], [680, 0], [680, 100], [600, 100]]]
//! include_mask = "cam1_roi.png"   # beside the file; what is not 0 is marked
//! ignore_mask = "cam1_ignore.png"
//! ```
//!
//! What counts is what `include` and `include_mask` mark together (everything, without either) less what `ignore` and `ignore_mask`
//! mark. Images of another size than the one drawn at scale it. An image that no camera claims counts whole; one that two claim is an
//! error. What doesn't count is painted before anything else happens to the image, so that nothing can come of it.
//!
//! - `camera`: one camera: its images, its outlines, what counts at a size
//! - `paint`: over a decoded image

mod camera;
mod paint;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::decode::Limits;
use crate::error::{Error, Result};
use crate::mask::{Mask, load_mask};
use crate::valid::Valid;

use camera::{Camera, Written};
pub(crate) use paint::paint;

/// Pixels of what was drawn that are kept for the next image of the camera: many cameras' at a network's size, several at a camera's.
const KEPT_PIXELS: usize = 1 << 26;

/// Which part of each camera's images counts. Serialized it is whole, masks included, and says nothing of where it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Regions {
    /// The file, for messages.
    path: PathBuf,
    cameras: Vec<Camera>,
    drawn: Drawn,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    camera: Vec<Camera>,
}

impl From<Regions> for Stored {
    fn from(regions: Regions) -> Self {
        Self {
            camera: regions.cameras,
        }
    }
}

impl TryFrom<Stored> for Regions {
    type Error = Error;

    fn try_from(Stored { camera }: Stored) -> Result<Self> {
        Self::checked(PathBuf::from("the model's regions"), camera)
    }
}

impl Regions {
    /// Reads `regions.toml` and the masks that it names.
    ///
    /// # Errors
    /// [`Error::Regions`] with what is wrong in the file; those of [`load_mask`](crate::load_mask).
    pub fn load(path: &Path) -> Result<Self> {
        Self::parse(&fs::read(path).map_err(Error::read(path))?, path)
    }

    /// What the bytes of a `regions.toml` say. `path` is the file's: messages name it, and masks are looked for in its folder.
    ///
    /// # Errors
    /// As [`Regions::load`].
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        Self::parse_with(bytes, path, |mask| load_mask(mask, &Limits::default()))
    }

    /// [`Regions::parse`] with another way to come to the masks: whoever invents files must not have them opened.
    pub(crate) fn parse_with(
        bytes: &[u8],
        path: &Path,
        load: impl Fn(&Path) -> Result<Mask>,
    ) -> Result<Self> {
        let wrong = |found: String| Error::Regions {
            path: path.to_path_buf(),
            expected:
                "[[camera]] tables of images, size, include, ignore, include_mask, ignore_mask"
                    .into(),
            found,
        };
        let text = std::str::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
        let written: Written = toml::from_str(text)
            .map_err(|error| wrong(error.to_string().trim_end().replace('\n', " ")))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let cameras = written.read(folder, load)?;
        Self::checked(path.to_path_buf(), cameras)
    }

    fn checked(path: PathBuf, cameras: Vec<Camera>) -> Result<Self> {
        for (index, camera) in cameras.iter().enumerate() {
            camera.check().map_err(|(expected, found)| Error::Regions {
                path: path.clone(),
                expected: format!("in camera {}: {expected}", index + 1),
                found,
            })?;
        }
        if cameras.is_empty() {
            return Err(Error::Regions {
                path,
                expected: "at least one [[camera]]".into(),
                found: "none".into(),
            });
        }
        Ok(Self {
            path,
            cameras,
            drawn: Drawn::default(),
        })
    }

    /// Which pixels of an image of `size`, `[height, width]`, count; `None` for an image that no camera claims. `name` is the image's
    /// id or path.
    ///
    /// # Errors
    /// [`Error::Regions`] if two cameras claim the image, or none of its pixels counts.
    pub fn of(&self, name: &str, size: [usize; 2]) -> Result<Option<Arc<Valid>>> {
        self.at(name, size, size)
    }

    /// [`Regions::of`] an image of size `full` that was brought to `size`: a pixel counts if at least half of its area does.
    ///
    /// # Errors
    /// As [`Regions::of`].
    pub fn at(&self, name: &str, full: [usize; 2], size: [usize; 2]) -> Result<Option<Arc<Valid>>> {
        let Some((number, camera)) = self.claimant(name)? else {
            return Ok(None);
        };
        let valid = self.drawn.get((number, full, size), || {
            if full == size {
                return Ok(camera.draw(full));
            }
            let whole = self
                .drawn
                .get((number, full, full), || Ok(camera.draw(full)))?;
            Ok(whole.resized(size))
        })?;
        if valid.count() == 0 {
            return Err(Error::Regions {
                path: self.path.clone(),
                expected: format!("pixels that count in every image that camera {number} claims"),
                found: format!(
                    "none in {name} at {} x {} (height x width)",
                    size[0], size[1]
                ),
            });
        }
        Ok(Some(valid))
    }

    /// The camera that claims an image, and its number, from 1.
    fn claimant(&self, name: &str) -> Result<Option<(usize, &Camera)>> {
        let mut claimants = (1..)
            .zip(&self.cameras)
            .filter(|(_, camera)| camera.claims(name));
        let first = claimants.next();
        let (Some((one, a)), Some((two, b))) = (first, claimants.next()) else {
            return Ok(first);
        };
        let called = |camera: &Camera| camera.images().unwrap_or("all images").to_owned();
        Err(Error::Regions {
            path: self.path.clone(),
            expected: "one camera at most for each image".into(),
            found: format!(
                "that both camera {one} ({}) and camera {two} ({}) claim {name}",
                called(a),
                called(b)
            ),
        })
    }
}

/// A camera's number, the size of its image, and that which it was brought to.
type Key = (usize, [usize; 2], [usize; 2]);

/// What was drawn last: a camera's images are of one size.
#[derive(Debug, Default)]
struct Drawn(Mutex<Vec<(Key, Arc<Valid>)>>);

impl Drawn {
    fn get(&self, key: Key, draw: impl FnOnce() -> Result<Valid>) -> Result<Arc<Valid>> {
        let kept = |kept: &Vec<(Key, Arc<Valid>)>| {
            let mut kept = kept.iter();
            Some(Arc::clone(&kept.find(|(of, _)| *of == key)?.1))
        };
        // Nothing panics while it holds the lock.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(valid) = kept(&lock()) {
            return Ok(valid);
        }
        // Not under the lock: others may want what is there already.
        let valid = Arc::new(draw()?);
        let mut all = lock();
        all.push((key, Arc::clone(&valid)));
        let pixels = |all: &[(Key, Arc<Valid>)]| {
            let each = all.iter().map(|(_, valid)| valid.pixels.len());
            each.sum::<usize>()
        };
        while all.len() > 1 && pixels(&all) > KEPT_PIXELS {
            all.remove(0);
        }
        Ok(valid)
    }
}

/// What was drawn is no part of what regions are.
impl Clone for Drawn {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Drawn {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
