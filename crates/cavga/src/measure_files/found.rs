//! What was done with the files on the way to the figures, so that no choice is silent.

use serde_json::{Map, Value, json};

use super::{ImageScore, MeasureOptions, item::Item, pairs::Pair};

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
    /// Masks that mark nothing.
    pub(super) empty: usize,
    /// Maps of which some value is not one of single precision.
    pub(super) rounded: usize,
    /// Scores of the table, likewise.
    pub(super) scores_rounded: usize,
    /// Normal, anomalous.
    pub(super) pixels: [u64; 2],
    pub(super) regions: usize,
    /// Pixels of the largest region of the smallest third, and of the two smaller thirds.
    pub(super) size_limits: [u64; 2],
}

impl Found {
    /// What the names and sizes of the files say.
    pub(super) fn look(&mut self, items: &[&Item]) {
        let pairs: Vec<_> = items.iter().filter_map(|item| item.pair.as_ref()).collect();
        self.maps = pairs.len();
        let is_resized = |pair: &&&Pair| pair.map_size != pair.size;
        self.resized = pairs.iter().filter(is_resized).count();
        self.unmasked = pairs.iter().filter(|pair| pair.mask.is_none()).count();
    }

    /// What was found in them when they were measured.
    pub(super) fn look_back(&mut self, items: &[&Item]) {
        let count = |is: fn(&Item) -> bool| items.iter().filter(|item| is(item)).count();
        self.soft = count(|item| item.soft.get() == Some(&true));
        self.rounded = count(|item| item.rounded.get() == Some(&true));
        self.empty = count(|item| {
            let masked = item.pair.as_ref().is_some_and(|pair| pair.mask.is_some());
            masked && item.has_mask.get() == Some(&false)
        });
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
        if self.empty > 0 {
            notes.push(format!(
                "{} masks mark no pixel above {} of full scale; their images are taken for normal",
                self.empty, options.mask_above
            ));
        }
        let rounded = self.rounded;
        if rounded > 0 {
            notes.push(format!(
                "{rounded} maps hold values beyond single precision, which were rounded to it"
            ));
        }
        if self.scores_rounded > 0 {
            let scores = self.scores_rounded;
            notes.push(format!("{scores} scores of the table have more digits than single precision, and were rounded to it"));
        }
        notes
    }

    /// For the flat object of all results.
    pub(super) fn write(&self, options: &MeasureOptions, to: &mut Map<String, Value>) {
        to.insert("n_scores_rounded".to_owned(), json!(self.scores_rounded));
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
            ("n_masks_empty", json!(self.empty)),
            ("mask_above", json!(options.mask_above)),
            ("n_pixels_normal", json!(normal)),
            ("n_pixels_anomalous", json!(anomalous)),
            ("n_regions", json!(self.regions)),
            ("region_pixels_small_and_middle", json!(self.size_limits)),
        ];
        to.extend(entries.map(|(name, value)| (name.to_owned(), value)));
    }
}
