//! What was done with the files on the way to the figures, so that no choice is silent.

use cavga_data::{MaskSource, is_soft_mask};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::{ImageScore, Item, MeasureOptions};
use crate::Result;

/// Counts.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) maps: usize,
    /// Maps brought to the size of their masks.
    pub(super) resized: usize,
    /// Maps that have no mask.
    pub(super) unmasked: usize,
    /// Masks with values between 0 and their highest.
    pub(super) soft: usize,
    /// Maps of which some value is not one of single precision.
    pub(super) rounded: usize,
    /// Normal, anomalous.
    pub(super) pixels: [u64; 2],
    pub(super) regions: usize,
    /// Pixels of the largest region of the smallest third, and of the two smaller thirds.
    pub(super) size_limits: [u64; 2],
}

impl Found {
    /// Looks at the files of all images, before they are measured.
    pub(super) fn look(&mut self, options: &MeasureOptions, items: &[&Item]) -> Result<()> {
        let pairs: Vec<_> = items.iter().filter_map(|item| item.pair.as_ref()).collect();
        self.maps = pairs.len();
        self.resized = pairs
            .iter()
            .filter(|pair| pair.map_size != pair.size)
            .count();
        self.unmasked = pairs.iter().filter(|pair| pair.mask.is_none()).count();
        let soft = pairs.par_iter().map(|pair| match &pair.mask {
            Some(MaskSource::Image { path, .. }) => is_soft_mask(path, &options.limits),
            _ => Ok(false),
        });
        let soft = soft.collect::<cavga_data::Result<Vec<_>>>()?;
        self.soft = soft.into_iter().filter(|soft| *soft).count();
        Ok(())
    }

    /// What a reader should know of.
    pub(super) fn notes(&self, options: &MeasureOptions) -> Vec<String> {
        let mut notes = Vec::new();
        if self.resized > 0 {
            notes.push(format!(
                "{} of {} maps have another size than their masks and were brought to it (bilinear; masks are never resized)",
                self.resized, self.maps
            ));
        }
        if self.unmasked > 0 {
            notes.push(format!(
                "{} of {} maps have no mask and are taken for those of normal images",
                self.unmasked, self.maps
            ));
        }
        if self.soft > 0 {
            notes.push(format!(
                "{} masks hold values between 0 and their highest, as antialiased edges do; a pixel above {} of full scale counts as \
                 anomalous (--mask-above)",
                self.soft, options.mask_above
            ));
        }
        let rounded = self.rounded;
        if rounded > 0 {
            notes.push(format!(
                "{rounded} maps hold values beyond single precision, which were rounded to it"
            ));
        }
        notes
    }

    /// For the flat object of all results.
    pub(super) fn write(&self, options: &MeasureOptions, to: &mut Map<String, Value>) {
        if self.maps == 0 {
            return;
        }
        let score = match options.image_score {
            _ if options.image_scores.is_some() => "table",
            ImageScore::Max => "max",
            ImageScore::Mean => "mean",
        };
        let [normal, anomalous] = self.pixels;
        let entries = [
            ("image_score", json!(score)),
            ("threshold", json!(options.threshold)),
            ("n_maps", json!(self.maps)),
            ("n_maps_resized", json!(self.resized)),
            ("n_maps_without_mask", json!(self.unmasked)),
            ("n_maps_rounded", json!(self.rounded)),
            ("n_masks_soft", json!(self.soft)),
            ("mask_above", json!(options.mask_above)),
            ("n_pixels_normal", json!(normal)),
            ("n_pixels_anomalous", json!(anomalous)),
            ("n_regions", json!(self.regions)),
            ("region_pixels_small_and_middle", json!(self.size_limits)),
        ];
        to.extend(entries.map(|(name, value)| (name.to_owned(), value)));
    }
}
