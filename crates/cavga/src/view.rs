//! How images come to a network and its maps back: which part of them counts, and in which tiles they are seen.

use std::sync::Arc;

use cavga_data::{Regions, Sample, Tiles, Valid};

use crate::{Result, map_size::resize};

// Whoever loads images and whoever learns from them paint alike.
const _: () = assert!((cavga_data::PAINT as f64 - cavga_detect::PAINT).abs() < 1e-6);

/// How images of one size come to a network.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// Which part of an image counts; without them, all of it.
    pub(crate) regions: Option<Arc<Regions>>,
    /// Where the tiles lie; without them, the network sees the image whole.
    pub(crate) tiles: Option<Arc<Tiles>>,
}

impl View {
    pub(crate) fn new(regions: Option<Regions>, tiles: Option<Tiles>) -> Self {
        Self {
            regions: regions.map(Arc::new),
            tiles: tiles.map(Arc::new),
        }
    }

    /// `[height, width]` of what the network sees of images of `size`.
    pub(crate) fn network_size(&self, size: [usize; 2]) -> [usize; 2] {
        self.tiles.as_ref().map_or(size, |tiles| tiles.tile())
    }

    /// What there is to learn from, as a loader counts it: `sample * tiles + tile`, without the tiles in which no pixel counts. Without
    /// tiles, the samples.
    pub(crate) fn items(&self, samples: &[Sample], size: [usize; 2]) -> Result<Vec<usize>> {
        let Some(tiles) = &self.tiles else {
            return Ok((0..samples.len()).collect());
        };
        let mut items = Vec::with_capacity(samples.len() * tiles.len());
        for (index, sample) in samples.iter().enumerate() {
            let valid = match &self.regions {
                Some(regions) => regions.at(&sample.id, sample.source.size()?, size)?,
                None => None,
            };
            let counts = |tile: &usize| {
                let valid = valid.as_ref();
                valid.is_none_or(|valid| tiles.cut_valid(valid, *tile).count() > 0)
            };
            let kept = (0..tiles.len()).filter(counts);
            items.extend(kept.map(|tile| index * tiles.len() + tile));
        }
        Ok(items)
    }
}

/// A map of an image at the size at which a model made it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SmallMap<'a> {
    pub(crate) values: &'a [f32],
    /// `[height, width]`.
    pub(crate) size: [usize; 2],
    /// Which of its values count; without it, all.
    pub(crate) valid: Option<&'a Valid>,
    /// Which pixels of the image itself count.
    pub(crate) regions: Option<&'a Regions>,
}

impl SmallMap<'_> {
    /// The map at the size `[height, width]` of its image, and which pixels of that count, if not all do. A pixel that counts is a mixture
    /// of values that count, unless there are none beside it.
    pub(crate) fn at(
        &self,
        name: &str,
        size: [usize; 2],
    ) -> Result<(Vec<f32>, Option<Arc<Valid>>)> {
        let plain = resize(self.values, self.size, size);
        let Some(small) = self.valid else {
            return Ok((plain, None));
        };
        let full = match self.regions {
            Some(regions) => regions.of(name, size)?,
            None => None,
        };
        let weights = small.numbers();
        let products = self.values.iter().zip(&weights);
        let kept: Vec<_> = products.map(|(value, weight)| value * weight).collect();
        let sums = resize(&kept, self.size, size);
        let weights = resize(&weights, self.size, size);
        let mixed = sums.into_iter().zip(weights).zip(plain);
        let mixed = mixed.map(|((sum, weight), plain)| match weight > 1e-6 {
            true => sum / weight,
            false => plain,
        });
        Ok((mixed.collect(), full))
    }

    /// [`SmallMap::at`] with NaN where a pixel doesn't count.
    pub(crate) fn shown(&self, name: &str, size: [usize; 2]) -> Result<Vec<f32>> {
        let (mut map, valid) = self.at(name, size)?;
        if let Some(valid) = valid {
            let pixels = map.iter_mut().zip(&valid.pixels);
            pixels
                .filter(|(_, counts)| !**counts)
                .for_each(|(value, _)| *value = f32::NAN);
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Values beside the part that counts must not bleed into it, however large.
    #[test]
    fn a_map_made_larger_is_a_mixture_of_what_counts() {
        let text = "[[camera]]\nsize = [1, 4]\nignore = [[[2, 0], [4, 0], [4, 1], [2, 1]]]";
        let regions = Regions::parse(text.as_bytes(), Path::new("r.toml")).unwrap();
        let valid = regions.of("a", [1, 4]).unwrap().unwrap();
        let map = SmallMap {
            values: &[1.0, 1.0, 1e6, 1e6],
            size: [1, 4],
            valid: Some(&valid),
            regions: Some(&regions),
        };
        let shown = map.shown("a", [2, 8]).unwrap();
        for line in shown.chunks(8) {
            assert_eq!(line[..4], [1.0; 4]);
            assert!(line[4..].iter().all(|value| value.is_nan()));
        }
    }
}
