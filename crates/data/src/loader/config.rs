//! How a pass is loaded, and what it gives.

use std::sync::Arc;

use crate::augment::Augment;
use crate::decode::Limits;
use crate::error::{Error, Result};
use crate::fit::Fit;
use crate::regions::Regions;
use crate::tile::Tiles;

/// How a pass is loaded.
#[derive(Debug, Clone)]
pub struct LoaderConfig {
    /// Height and width that every image is resized to.
    pub size: [usize; 2],
    /// How an image of another aspect ratio comes to this size; the default stretches it.
    pub fit: Fit,
    /// Images in a batch; the last batch of a pass may have fewer.
    pub batch: usize,
    /// Which part of an image counts; what doesn't is painted. Images must not be cropped then.
    pub regions: Option<Arc<Regions>>,
    /// Where images of `size` are cut into tiles: the order then is of tiles, and `index` there is `sample * tiles + tile`.
    pub tiles: Option<Arc<Tiles>>,
    /// Random changes; the default is none.
    pub augment: Augment,
    /// Seed of the random changes.
    pub seed: u64,
    /// Number of the pass: each has changes of its own.
    pub pass: u64,
    /// What is refused unread.
    pub limits: Limits,
    /// Threads that decode; 0 is as many as rayon has: one for each core, or `RAYON_NUM_THREADS`.
    pub threads: usize,
    /// Batches that may be ready or in work beside the one the consumer holds, at least 1. Memory is bounded by these and
    /// by one undecoded and one full-size image for each thread.
    pub ahead: usize,
    /// How many images of the pass may be gone: listed, and not there when they are read. They are skipped and counted
    /// ([`Loader::missing`](crate::Loader::missing)); one more is an error. The default, 0, makes the first an error.
    pub missing_allowed: usize,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        Self {
            size: [256, 256],
            fit: Fit::default(),
            batch: 16,
            regions: None,
            tiles: None,
            augment: Augment::default(),
            seed: 0,
            pass: 0,
            limits: Limits::default(),
            threads: 0,
            ahead: 2,
            missing_allowed: 0,
        }
    }
}

/// Images of one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Each image's id.
    pub ids: Vec<String>,
    /// Each image's index in the samples given to [`Loader::start`](crate::Loader::start).
    pub samples: Vec<usize>,
    /// The indices of those that belong to this batch and are gone ([`LoaderConfig::missing_allowed`]): the batch stands for as
    /// many images of the order as it has and misses, and may have none.
    pub gone: Vec<usize>,
    /// `[images, 3, height, width]`.
    pub shape: [usize; 4],
    /// Values in [0, 1] in the order of `shape`.
    pub pixels: Vec<f32>,
    /// Where there are regions, 1 for each pixel that counts, else 0: `[images, 1, height, width]`.
    pub valid: Option<Vec<f32>>,
}

impl LoaderConfig {
    pub(super) fn check(&self) -> Result<()> {
        self.augment.validate()?;
        for (key, value) in [
            ("batch", self.batch),
            ("ahead", self.ahead),
            ("size", self.size[0].min(self.size[1])),
        ] {
            if value == 0 {
                return Err(Error::Setting {
                    key,
                    expected: "at least 1",
                    found: "0".into(),
                });
            }
        }
        if self.regions.is_some() && self.fit == Fit::Crop {
            return Err(Error::Setting {
                key: "fit",
                expected: "stretch, where there are regions",
                found: "crop".into(),
            });
        }
        if let Some(tiles) = self
            .tiles
            .as_ref()
            .filter(|tiles| tiles.size() != self.size)
        {
            return Err(Error::Setting {
                key: "tiles",
                expected: "tiles over images of `size`",
                found: format!("{:?} for images of {:?}", tiles.size(), self.size),
            });
        }
        Ok(())
    }

    /// How many images each sample gives.
    pub(crate) fn parts(&self) -> usize {
        self.tiles.as_ref().map_or(1, |tiles| tiles.len())
    }
}
