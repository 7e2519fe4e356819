//! The per-region overlap (PRO) curve and the area under it.
//!
//! Defined by Bergmann et al., "MVTec AD", CVPR 2019 and IJCV 2021, and by their evaluation
//! program. Where pixel AUROC is ruled by large defects, here every region weighs the same, however
//! small.

use crate::ranking::{NORMAL, Ranking, tag};
use crate::steps::{Ranked, area_to, check_limit, ratio};
use crate::{ProPoint, Result, Undefined};

/// The false-positive rate up to which AUPRO is usually reported, on MVTec AD first of all.
pub const AUPRO_LIMIT: f64 = 0.30;

/// The points of the PRO curve. `region_sizes` holds the pixels of region 1, 2, ..., the tags of
/// the ranking.
pub(crate) fn points(
    ranking: &Ranking,
    region_sizes: &[u64],
) -> Result<impl Iterator<Item = ProPoint>> {
    if region_sizes.is_empty() {
        // An evaluation of nothing says so first.
        return Err(if ranking.negatives() == 0 {
            Undefined::Empty
        } else {
            Undefined::NoRegion
        });
    }
    ranking.need_both()?;
    // What one pixel of a region adds to the mean overlap.
    let shares: Vec<f64> = region_sizes
        .iter()
        .map(|&size| 1.0 / (size as f64 * region_sizes.len() as f64))
        .collect();
    let (mut false_positives, mut found, mut overlap) = (0_u64, 0_u64, 0.0_f64);
    let points = ranking.groups().map(move |(threshold, group)| {
        for &item in group {
            match tag(item) {
                NORMAL => false_positives += 1,
                region => {
                    found += 1;
                    overlap += shares[region as usize - 1];
                }
            }
        }
        ProPoint {
            false_positive_rate: ratio(false_positives, ranking.negatives()),
            // With all found the overlap is 1 by definition; the sum may be an ulp off.
            overlap: if found == ranking.positives() {
                1.0
            } else {
                overlap.min(1.0)
            },
            threshold,
        }
    });
    let nothing = ProPoint {
        false_positive_rate: 0.0,
        overlap: 0.0,
        threshold: f32::INFINITY,
    };
    Ok(core::iter::once(nothing).chain(points))
}

/// The area under the PRO curve for false-positive rates in [0, limit], divided by the limit.
pub(crate) fn area(ranking: &Ranking, region_sizes: &[u64], limit: f64) -> Result<f64> {
    check_limit(limit)?;
    let points = points(ranking, region_sizes)?;
    Ok(area_to(
        points.map(|point| (point.false_positive_rate, point.overlap)),
        limit,
    ))
}
