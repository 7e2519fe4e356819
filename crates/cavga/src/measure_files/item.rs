//! One image: its map and mask, its line of the table, and what was found when they were read.

use std::sync::{OnceLock, atomic::Ordering};

use cavga_data::{load_score_map, load_soft_mask};

use super::{ImageScore, MeasureOptions, pairs::Pair, table::Row};
use crate::{Error, Result, map_size::resize, measure::Truth};

/// One image.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) pair: Option<Pair>,
    pub(super) row: Option<Row>,
    /// Read off the map when it is first loaded.
    pub(super) score: OnceLock<f32>,
    pub(super) has_mask: OnceLock<bool>,
    /// Whether its map was rounded to single precision.
    pub(super) rounded: OnceLock<bool>,
    /// Whether its mask has soft edges.
    pub(super) soft: OnceLock<bool>,
}

impl Item {
    pub(super) fn new(id: String, pair: Option<Pair>, row: Option<Row>) -> Self {
        Self {
            id,
            pair,
            row,
            score: OnceLock::new(),
            has_mask: OnceLock::new(),
            rounded: OnceLock::new(),
            soft: OnceLock::new(),
        }
    }

    /// Score and truth.
    pub(super) fn rated(&self) -> (f32, bool) {
        let row = self.row.as_ref();
        let score = row
            .map(|row| row.score)
            .or_else(|| self.score.get().copied());
        let truth = row
            .and_then(|row| row.anomalous)
            .or_else(|| self.has_mask.get().copied());
        (score.unwrap_or(f32::NAN), truth.unwrap_or(false))
    }

    /// What kind of anomaly its table says, or its folder.
    pub(super) fn kind(&self) -> String {
        let of_row = self.row.as_ref().and_then(|row| row.kind.clone());
        let folder = || {
            self.id
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder)
                .to_owned()
        };
        of_row.unwrap_or_else(folder)
    }

    pub(super) fn group(&self) -> Option<&String> {
        self.row.as_ref().and_then(|row| row.group.as_ref())
    }

    /// An error if its table says that it is normal and its mask marks something, or that it is anomalous and nothing is marked: its
    /// pixels would count as the contrary of itself.
    fn agree(&self, pair: &Pair, marked: bool) -> Result<()> {
        let said = self.row.as_ref().and_then(|row| row.anomalous);
        let why = match (said, marked) {
            (Some(false), true) => "is labelled normal, but its mask marks pixels as anomalous",
            (Some(true), false) => "is labelled anomalous, but no mask marks a pixel of it",
            _ => return Ok(()),
        };
        Err(Error::Maps {
            path: pair.mask.clone().unwrap_or_else(|| pair.map.clone()),
            why: format!(
                "{} {why}; mend the label or the mask, or leave the image out",
                self.id
            ),
        })
    }

    /// Its map beside its mask.
    pub(super) fn load(&self, options: &MeasureOptions) -> Result<Truth> {
        if options.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let Some(pair) = &self.pair else {
            return Err(Error::Stopped);
        };
        let map = load_score_map(&pair.map, &options.limits)?;
        self.rounded.get_or_init(|| map.rounded);
        let mask = match &pair.mask {
            Some(path) => {
                let (mask, soft) = load_soft_mask(path, options.mask_above, &options.limits)?;
                self.soft.get_or_init(|| soft);
                Some(mask)
            }
            None => None,
        };
        let marked = mask.as_ref().is_some_and(|mask| mask.area() > 0);
        self.agree(pair, marked)?;
        let values = &map.values;
        self.score.get_or_init(|| match options.image_score {
            ImageScore::Max => values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            ImageScore::Mean => {
                let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
                (sum / values.len().max(1) as f64) as f32
            }
        });
        let size = mask
            .as_ref()
            .map_or(pair.size, |mask| [mask.height, mask.width]);
        let mask = mask.map_or_else(|| vec![false; size[0] * size[1]], |mask| mask.pixels);
        self.has_mask.get_or_init(|| marked);
        let own = [map.height, map.width];
        let scores = if own == size {
            map.values
        } else {
            resize(&map.values, own, size)
        };
        Ok(Truth {
            path: pair.map.clone(),
            size,
            scores,
            mask,
            ignored: None,
            defects: Vec::new(),
        })
    }
}
