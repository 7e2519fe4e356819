//! Anomalous regions of a mask: sets of anomalous pixels connected through their 8 neighbours.
//!
//! Connectivity changes AUPRO, because every region weighs the same: two pixels that touch at a
//! corner are one region here, as in MVTec AD's evaluation, and would be two with 4 neighbours.

use crate::{Result, Undefined};

/// The regions of one mask.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Regions {
    /// For every pixel 0 where normal, otherwise the number of its region, counted from 1.
    pub(crate) labels: Vec<u32>,
    /// Pixels of region 1, of region 2, and so on.
    pub(crate) sizes: Vec<u64>,
}

/// Finds the regions of a row-major mask of that width.
pub(crate) fn find(mask: &[bool], width: usize) -> Result<Regions> {
    let height = mask.len().checked_div(width).unwrap_or(0);
    let mut labels = vec![0; mask.len()];
    let mut sizes = Vec::new();
    // Pixels whose neighbours are still to be looked at. A stack of our own: a region can be as
    // long as the image is large.
    let mut pending = Vec::new();
    for start in 0..mask.len() {
        if !mask[start] || labels[start] != 0 {
            continue;
        }
        let label = u32::try_from(sizes.len() + 1).map_err(|_| Undefined::TooManyRegions)?;
        let mut size = 1;
        labels[start] = label;
        pending.push(start);
        while let Some(pixel) = pending.pop() {
            let (row, column) = (pixel / width, pixel % width);
            for near_row in row.saturating_sub(1)..(row + 2).min(height) {
                for near_column in column.saturating_sub(1)..(column + 2).min(width) {
                    let near = near_row * width + near_column;
                    if mask[near] && labels[near] == 0 {
                        labels[near] = label;
                        size += 1;
                        pending.push(near);
                    }
                }
            }
        }
        sizes.push(size);
    }
    Ok(Regions { labels, sizes })
}

/// Pixels of each region of a row-major mask of that width, in the order of their first pixels.
///
/// # Errors
/// [`Undefined::TooManyRegions`].
pub fn region_sizes(mask: &[bool], width: usize) -> Result<Vec<u64>> {
    Ok(find(mask, width)?.sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `#` is anomalous.
    fn regions(rows: &[&str]) -> Regions {
        let mask: Vec<bool> = rows.concat().bytes().map(|byte| byte == b'#').collect();
        find(&mask, rows[0].len()).unwrap()
    }

    #[test]
    fn pixels_that_touch_at_a_corner_are_one_region() {
        assert_eq!(regions(&["#.", ".#"]).sizes, [2]);
        assert_eq!(regions(&[".#", "#."]).sizes, [2]);
    }

    #[test]
    fn the_end_of_a_row_does_not_touch_the_start_of_the_next() {
        let found = regions(&["...#", "....", "#..."]);
        assert_eq!(found.sizes, [1, 1]);
        let found = regions(&["..#", "#.."]);
        assert_eq!(found.labels, [0, 0, 1, 2, 0, 0]);
    }

    #[test]
    fn a_cup_whose_arms_meet_late_is_one_region() {
        let found = regions(&["#...#", "#...#", "#####"]);
        assert_eq!(found.sizes, [9]);
    }

    #[test]
    fn a_long_snake_stays_whole() {
        // Some tools grow regions for a bounded number of rounds and so split these.
        let (height, width) = (2001, 5);
        let mask: Vec<bool> = (0..height * width)
            .map(|pixel| {
                let (row, column) = (pixel / width, pixel % width);
                row % 2 == 0 || column == if row % 4 == 1 { width - 1 } else { 0 }
            })
            .collect();
        assert_eq!(find(&mask, width).unwrap().sizes, [1001 * 5 + 1000]);
    }

    #[test]
    fn an_empty_or_normal_mask_has_no_region() {
        assert!(find(&[], 0).unwrap().sizes.is_empty());
        assert!(regions(&["..", ".."]).sizes.is_empty());
    }
}
