//! A map beside its truth.

use std::path::PathBuf;

use cavga_data::Region;
use cavga_metrics::{self as metrics, Defect, PixelMap};

use crate::{Error, Result};

/// One image's map at the size of its mask.
#[derive(Debug)]
pub(crate) struct Truth {
    /// What errors name.
    pub(crate) path: PathBuf,
    /// `[height, width]`.
    pub(crate) size: [usize; 2],
    pub(crate) scores: Vec<f32>,
    pub(crate) mask: Vec<bool>,
    /// Pixels that don't count; without it, all do.
    pub(crate) ignored: Option<Vec<bool>>,
    /// The defects that the mask consists of, where annotators told them apart.
    pub(crate) defects: Vec<Region>,
}

impl Truth {
    /// Hands the map to one of the measures; an error of either names the file.
    pub(crate) fn measured<T>(
        &self,
        measure: impl FnOnce(&PixelMap<'_>) -> metrics::Result<T>,
    ) -> Result<T> {
        let [height, width] = self.size;
        let defects: Vec<_> = self
            .defects
            .iter()
            .map(|region| Defect {
                mask: &region.mask.pixels,
                saturation: region.saturation,
            })
            .collect();
        let map = PixelMap::new(&self.scores, &self.mask, height, width)
            .and_then(|map| map.with_defects(&defects))
            .and_then(|map| match &self.ignored {
                Some(ignored) => map.ignoring(ignored),
                None => Ok(map),
            });
        map.and_then(|map| measure(&map))
            .map_err(|source| Error::Pixels {
                path: self.path.clone(),
                source,
            })
    }
}
