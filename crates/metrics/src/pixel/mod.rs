//! Figures of pixels: how well maps of scores find the regions of masks.

mod grid;
mod map;
mod metrics;
mod normal;
mod per_image;
mod pimo;
mod walk;

use crate::counts::Counts;
use crate::iou::FixedThresholdIou;
use crate::ranking::{NORMAL, key_of, pack, tag};
use crate::{Result, Undefined, regions};

pub use grid::{ImagePixels, PixelGrid, PixelResampler, WeightedPixels};
pub use map::{Defect, PixelMap};
pub use metrics::{PixelMetrics, SizeClass};
pub use per_image::PerImage;

pub(crate) use normal::Normal;
use normal::NormalImages;
pub use pimo::AUPIMO_LIMITS;

/// Takes maps one at a time, so that the caller never needs to hold all of them, and becomes
/// [`PixelMetrics`].
///
/// Maps may differ in size, but each has the size of its own mask: scores are brought to the mask's
/// size beforehand, since resizing a mask instead grows or erases small defects and so changes
/// every figure. All pixels of all images, normal and anomalous, are pooled.
///
/// Memory: 8 bytes for every anomalous pixel. For normal ones 2 bytes a pixel while they are few; where they are many, 1 byte for
/// every single-precision number within the scores' range (8 around scores that occur more than 255 times), or 16 for every
/// distinct score where these are few. Those of normal images and of others are counted apart. For a billion pixels of ordinary maps
/// that is some 100 to 200 MB. Nothing is binned.
#[derive(Clone, Debug)]
pub struct PixelEvaluation {
    /// Anomalous pixels; the tag is the place of their region in `regions`.
    anomalous: Vec<u64>,
    /// Normal pixels of images that have anomalous ones.
    around: Counts,
    /// Normal pixels of the other images.
    normal: NormalImages,
    regions: Vec<Region>,
    saturated: Saturated,
    images: u32,
    fixed: FixedThresholdIou,
}

/// A region of a mask.
#[derive(Clone, Copy, Debug)]
struct Region {
    /// Pixels that count.
    size: u64,
    /// The anomalous image that it lies in.
    image: u32,
}

/// The defects that annotators told apart, of which a number of pixels suffices.
#[derive(Clone, Debug, Default)]
struct Saturated {
    /// Of each defect the highest pixels, as many as suffice; the tag is its place in `shares`.
    items: Vec<u64>,
    /// What a pixel adds to its defect's overlap.
    shares: Vec<f64>,
    /// Anomalous images that came with defects.
    images: u32,
}

impl PixelEvaluation {
    /// Holds nothing yet. `fixed_threshold`, in the units of the scores, is that of the figures at a
    /// fixed threshold, for which `score > fixed_threshold` is called anomalous; for more than one
    /// see [`FixedThresholdIou`].
    pub fn new(fixed_threshold: f32) -> Self {
        Self {
            anomalous: Vec::new(),
            around: Counts::default(),
            normal: NormalImages::default(),
            regions: Vec::new(),
            saturated: Saturated::default(),
            images: 0,
            fixed: FixedThresholdIou::new(fixed_threshold),
        }
    }

    /// Takes in one map; it can be dropped afterwards. The order of maps does not matter.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooManyRegions`], and the map is not taken in.
    pub fn push(&mut self, map: &PixelMap<'_>) -> Result<()> {
        let counts = (0..map.mask().len()).filter(|&pixel| !map.is_ignored(pixel));
        if counts.clone().any(|pixel| map.mask()[pixel]) {
            self.push_anomalous(map)?;
        } else {
            self.normal
                .push(counts.map(|pixel| key_of(map.scores()[pixel])));
        }
        self.fixed.push(map);
        Ok(())
    }

    fn push_anomalous(&mut self, map: &PixelMap<'_>) -> Result<()> {
        let found = regions::find(map.mask(), map.width())?;
        // Pixels of each region that count, after those of none.
        let mut sizes = vec![0_u64; found.sizes.len() + 1];
        for (pixel, &label) in found.labels.iter().enumerate() {
            sizes[label as usize] += u64::from(!map.is_ignored(pixel));
        }
        // Regions of which something is left get the next places.
        let mut places = vec![0_u32; sizes.len()];
        let left = places.iter_mut().zip(&sizes).skip(1);
        let left = left.filter(|(_, size)| **size > 0);
        for ((place, _), next) in left.zip(self.regions.len()..) {
            *place = u32::try_from(next).map_err(|_| Undefined::TooManyRegions)?;
        }
        let total = self.saturated.shares.len() + map.defects().len();
        u32::try_from(total).map_err(|_| Undefined::TooManyRegions)?;
        let image = self.images;
        self.images += 1;
        let left = sizes.iter().skip(1).filter(|&&size| size > 0);
        self.regions
            .extend(left.map(|&size| Region { size, image }));
        let anomalous: u64 = sizes.iter().skip(1).sum();
        self.reserve(usize::try_from(anomalous).unwrap_or(0));
        for (pixel, &label) in found.labels.iter().enumerate() {
            if map.is_ignored(pixel) {
                continue;
            }
            let score = map.scores()[pixel];
            match label {
                NORMAL => self.around.add_one(key_of(score)),
                label => self.anomalous.push(pack(score, places[label as usize])),
            }
        }
        self.saturated.push(map);
        Ok(())
    }

    /// Makes room for more anomalous pixels. A vector's own doubling could take 16 bytes per pixel.
    fn reserve(&mut self, more: usize) {
        if self.anomalous.capacity() - self.anomalous.len() < more {
            self.anomalous
                .reserve_exact(more.max(self.anomalous.len() / 4));
        }
    }

    /// Takes in what another one took in, as when two threads share the maps of a set. `other`'s maps come after
    /// those here; the fixed threshold must be the same.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooManyRegions`], and nothing is taken in.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        let too_many = |_| Undefined::TooManyRegions;
        let regions = u32::try_from(self.regions.len()).map_err(too_many)?;
        let defects = u32::try_from(self.saturated.shares.len()).map_err(too_many)?;
        u32::try_from(self.regions.len() + other.regions.len()).map_err(too_many)?;
        u32::try_from(self.saturated.shares.len() + other.saturated.shares.len())
            .map_err(too_many)?;
        self.reserve(other.anomalous.len());
        let renumbered =
            |items: Vec<u64>, by: u32| items.into_iter().map(move |item| item + u64::from(by));
        self.anomalous.extend(renumbered(other.anomalous, regions));
        self.saturated
            .items
            .extend(renumbered(other.saturated.items, defects));
        self.saturated.shares.extend(other.saturated.shares);
        self.saturated.images += other.saturated.images;
        let image = self.images;
        self.regions
            .extend(other.regions.into_iter().map(|region| Region {
                image: region.image + image,
                ..region
            }));
        self.images += other.images;
        self.around.absorb(other.around);
        self.normal.absorb(other.normal);
        self.fixed.merge(&other.fixed);
        Ok(())
    }

    /// Sorts the anomalous pixels; every figure is then one walk down them.
    pub fn finish(self) -> PixelMetrics {
        PixelMetrics::new(self)
    }
}

impl Saturated {
    fn push(&mut self, map: &PixelMap<'_>) {
        self.images += u32::from(!map.defects().is_empty());
        for defect in map.defects() {
            let pixels = defect.mask.iter().enumerate();
            let counted = pixels.filter(|(pixel, marked)| **marked && !map.is_ignored(*pixel));
            // The number of defects was checked against 32 bits.
            let place = self.shares.len() as u32;
            let mut items: Vec<_> = counted
                .map(|(pixel, _)| pack(map.scores()[pixel], place))
                .collect();
            // Where part of it is left out, what is left can't be asked for more than there is.
            let enough = defect.saturation.clamp(1, items.len().max(1));
            items.sort_unstable();
            items.truncate(enough);
            if !items.is_empty() {
                self.items.extend(items);
                self.shares.push(1.0 / enough as f64);
            }
        }
    }
}

/// The place of a pixel's region.
fn place(item: u64) -> usize {
    tag(item) as usize
}

#[cfg(test)]
mod forms;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
