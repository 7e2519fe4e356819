//! The per-region overlap (PRO) curve, its saturated form (sPRO), and the areas under them.
//!
//! PRO is defined by Bergmann et al., "MVTec AD", CVPR 2019 and IJCV 2021, and by their evaluation
//! program; sPRO by Bergmann et al., "Beyond Dents and Scratches", IJCV 2022. Where pixel AUROC is ruled
//! by large defects, here every region weighs the same, however small.
//!
//! Both are sums over pixels: a pixel of a region of n pixels adds 1 / n to the region's overlap. A region
//! that is found once s of its pixels are (its saturation) reaches 1 with its s highest pixels, each of
//! which adds 1 / s; the others add nothing. So one walk down the scores serves both.

use crate::pixel::Normal;
use crate::ranking::{score_of, tag, ties};
use crate::steps::{area_to, check_limit, ratio};
use crate::{ProPoint, Result, Undefined};

/// The false-positive rate up to which AUPRO is usually reported, on MVTec AD first of all.
pub const AUPRO_LIMIT: f64 = 0.30;

/// How many thresholds MVTec 3D-AD's evaluation takes.
const RANKS: u64 = 100;

/// Pixels of regions from the highest score to the lowest, against the scores of the normal pixels.
pub(crate) struct Overlap<'a> {
    /// Sorted; the tag is the number of the pixel's region.
    pub(crate) items: &'a [u64],
    /// What a pixel of each region adds to the region's overlap; 0 leaves the region out.
    pub(crate) shares: &'a [f64],
    pub(crate) normal: &'a Normal,
}

/// What has been found down to one of the regions' scores.
struct Found {
    key: u32,
    /// Sum over the regions, before and with the pixels of this score.
    before: f64,
    with: f64,
}

impl Overlap<'_> {
    /// How many regions count; an error where none does, or no pixel is normal.
    fn regions(&self) -> Result<f64> {
        let regions = self.shares.iter().filter(|&&share| share > 0.0).count();
        match (regions, self.normal.total()) {
            // An evaluation of nothing says so first.
            (0, 0) if self.items.is_empty() => Err(Undefined::Empty),
            (0, _) => Err(Undefined::NoRegion),
            (_, 0) => Err(Undefined::NoNegative),
            _ => Ok(regions as f64),
        }
    }

    fn found(&self) -> impl Iterator<Item = Found> {
        let mut sum = 0.0;
        ties(self.items).map(move |(key, group)| {
            let before = sum;
            for &item in group {
                sum += self.shares.get(tag(item) as usize).copied().unwrap_or(0.0);
            }
            Found {
                key,
                before,
                with: sum,
            }
        })
    }

    /// The corners of the curve (false-positive rate, mean overlap) after its start: between them it runs straight.
    fn corners(&self) -> Result<impl Iterator<Item = (f64, f64)>> {
        let regions = self.regions()?;
        let total = self.normal.total();
        let mut cursor = self.normal.cursor();
        // With all found the overlap is 1 by definition; the sum may be an ulp off.
        let last = self.items.last().map(|item| (item >> 32) as u32);
        let mean = move |sum: f64| (sum / regions).min(1.0);
        let corners = self.found().flat_map(move |found| {
            let before = ratio(cursor.below(u64::from(found.key)), total);
            let with = ratio(cursor.below(u64::from(found.key) + 1), total);
            let overlap = if last == Some(found.key) {
                1.0
            } else {
                mean(found.with)
            };
            [(before, mean(found.before)), (with, overlap)]
        });
        Ok(corners.chain([(1.0, 1.0)]))
    }

    /// The area under the curve for false-positive rates in [0, limit], divided by the limit.
    pub(crate) fn area(&self, limit: f64) -> Result<f64> {
        check_limit(limit)?;
        Ok(area_to(self.corners()?, limit))
    }

    /// The mean overlap where pixels with `score > threshold` are called anomalous.
    pub(crate) fn above(&self, threshold: f32) -> Result<f64> {
        if threshold.is_nan() {
            return Err(Undefined::ThresholdNotANumber);
        }
        let regions = self.regions()?;
        let found = self
            .found()
            .take_while(|found| score_of(found.key) > threshold);
        Ok((found.last().map_or(0.0, |found| found.with) / regions).min(1.0))
    }

    /// As [`Overlap::area`], by MVTec 3D-AD's evaluation: at 100 scores of normal pixels that are
    /// equidistant in rank, above which (`>`) pixels are called anomalous; the false-positive rate is read off the
    /// rank, so that ties count as if they were told apart.
    pub(crate) fn area_by_ranks(&self, limit: f64) -> Result<f64> {
        check_limit(limit)?;
        let regions = self.regions()?;
        let total = self.normal.total();
        let mut found = self.found().peekable();
        let mut cursor = self.normal.cursor();
        let mut sum = 0.0;
        let mut curve = Vec::with_capacity(RANKS as usize + 1);
        // Downwards from the highest score: what `numpy.linspace(0, total - 1, 100, dtype=int)` gives, read backwards.
        for step in (0..RANKS).rev() {
            let rank = position(step, total);
            let higher = total - 1 - rank;
            // What scores above the normal pixel that `higher` others stand before.
            while let Some(next) =
                found.next_if(|next| cursor.below(u64::from(next.key) + 1) <= higher)
            {
                sum = next.with;
            }
            let rate = 1.0 - (rank + 1) as f64 / total as f64;
            curve.push((rate, (sum / regions).min(1.0)));
        }
        curve.push((1.0, 1.0));
        Ok(area_to(curve.into_iter(), limit))
    }

    /// The curve's points at all scores, thinned by the caller.
    pub(crate) fn points(&self) -> Result<impl Iterator<Item = ProPoint>> {
        let regions = self.regions()?;
        let total = self.normal.total();
        let mut normal = self.normal.entries().peekable();
        let mut found = self.found().peekable();
        let last = self.items.last().map(|item| (item >> 32) as u32);
        let (mut false_positives, mut overlap) = (0, 0.0_f64);
        let points = core::iter::from_fn(move || {
            let keys = [
                normal.peek().map(|(key, _)| *key),
                found.peek().map(|found| found.key),
            ];
            let key = keys.into_iter().flatten().min()?;
            if let Some((_, count)) = normal.next_if(|(next, _)| *next == key) {
                false_positives += count;
            }
            if let Some(next) = found.next_if(|next| next.key == key) {
                overlap = if last == Some(key) {
                    1.0
                } else {
                    (next.with / regions).min(1.0)
                };
            }
            Some(ProPoint {
                false_positive_rate: ratio(false_positives, total),
                overlap,
                threshold: score_of(key),
            })
        });
        let nothing = ProPoint {
            false_positive_rate: 0.0,
            overlap: 0.0,
            threshold: f32::INFINITY,
        };
        Ok(core::iter::once(nothing).chain(points))
    }
}

/// Place `step` of `RANKS` equidistant ones among `total`, the first and the last among them, rounded down as
/// NumPy does in double precision.
fn position(step: u64, total: u64) -> u64 {
    if step == RANKS - 1 {
        return total - 1;
    }
    let width = (total - 1) as f64 / (RANKS - 1) as f64;
    (step as f64 * width) as u64
}
