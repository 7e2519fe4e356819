//! Counts, sizes, spreads and defects of the images that could be read.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use cavga_data::Look;
use serde::Serialize;

use super::gather::{Entry, Seen};
use crate::measure::median;

/// How many images there are of a kind in a split.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PartCounts {
    /// `train` or `test`.
    pub split: String,
    /// The kind of defect, or `good`.
    pub kind: String,
    /// Whether these are anomalous.
    pub anomalous: bool,
    /// Images, those that cannot be read included.
    pub images: usize,
    /// Those with a mask.
    pub with_mask: usize,
    /// Those that cannot be read.
    pub unreadable: usize,
}

/// How many images are of a size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizeCount {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Images.
    pub images: usize,
}

/// What the files hold: images of each sort.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileKinds {
    /// With grey values alone.
    pub grey: usize,
    /// With colours.
    pub colour: usize,
    /// With transparency, which is not looked at.
    pub alpha: usize,
    /// Images by bits of a value: 8, 16, 32.
    pub bits: BTreeMap<u8, usize>,
    /// Turned upright, or mirrored, by their EXIF data.
    pub turned: usize,
}

/// Smallest, middle and largest of some values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Range {
    /// The smallest.
    pub least: f64,
    /// The median.
    pub median: f64,
    /// The largest.
    pub most: f64,
}

/// What the images of a class are like, as shares of full scale.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassFigures {
    /// "train, normal", "test, anomalous", ...
    pub class: String,
    /// Images that could be read.
    pub images: usize,
    /// Mean grey of an image.
    pub brightness: Range,
    /// Standard deviation of grey within an image.
    pub contrast: Range,
    /// Standard deviation of its Laplacian.
    pub sharpness: Range,
    /// Share of pixels without light.
    pub black: Range,
    /// Share of pixels as bright as can be.
    pub white: Range,
}

/// How large the defects of a kind are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DefectFigures {
    /// The kind.
    pub kind: String,
    /// Images with a mask that fits.
    pub masks: usize,
    /// Share of an image that is marked.
    pub area: Range,
    /// Regions of a mask: sets of pixels connected through their 8 neighbours.
    pub regions: Range,
}

fn range(values: Vec<f64>) -> Range {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    median(values).map_or_else(Range::default, |median| Range {
        least,
        median,
        most,
    })
}

/// Images of each kind in each split: training first, normal before anomalous.
pub(super) fn parts(entries: &[Entry<'_>], seen: &[Seen]) -> Vec<PartCounts> {
    let mut parts: BTreeMap<(bool, bool, &str), PartCounts> = BTreeMap::new();
    for (entry, seen) in entries.iter().zip(seen) {
        let kind = entry.sample.label.kind();
        let key = (!entry.is_train, entry.is_anomalous(), kind);
        let part = parts.entry(key).or_insert_with(|| PartCounts {
            split: entry.split().to_owned(),
            kind: kind.to_owned(),
            anomalous: entry.is_anomalous(),
            ..PartCounts::default()
        });
        part.images += 1;
        part.with_mask += usize::from(entry.mask.is_some());
        part.unreadable += usize::from(seen.look.is_none());
    }
    parts.into_values().collect()
}

/// Images of each size, the most frequent first, then the smallest.
pub(super) fn sizes(seen: &[Seen]) -> Vec<SizeCount> {
    let mut counts: BTreeMap<[usize; 2], usize> = BTreeMap::new();
    for look in seen.iter().filter_map(|seen| seen.look.as_ref()) {
        *counts.entry(look.size).or_default() += 1;
    }
    let sizes = counts
        .into_iter()
        .map(|([height, width], images)| SizeCount {
            height,
            width,
            images,
        });
    let mut sizes: Vec<SizeCount> = sizes.collect();
    sizes.sort_by_key(|size| Reverse(size.images));
    sizes
}

pub(super) fn files(seen: &[Seen]) -> FileKinds {
    let mut files = FileKinds::default();
    for look in seen.iter().filter_map(|seen| seen.look.as_ref()) {
        files.grey += usize::from(!look.colour);
        files.colour += usize::from(look.colour);
        files.alpha += usize::from(look.alpha);
        files.turned += usize::from(look.turned);
        *files.bits.entry(look.bits).or_default() += 1;
    }
    files
}

/// The images that could be read, by class; empty classes are left out.
pub(super) fn by_class<'a>(
    entries: &[Entry<'_>],
    seen: &'a [Seen],
) -> Vec<(String, Vec<&'a Look>)> {
    let mut classes: BTreeMap<(bool, bool), (String, Vec<&Look>)> = BTreeMap::new();
    for (entry, seen) in entries.iter().zip(seen) {
        let Some(look) = &seen.look else { continue };
        let label = if entry.is_anomalous() {
            "anomalous"
        } else {
            "normal"
        };
        let name = || (format!("{}, {label}", entry.split()), Vec::new());
        let class = classes.entry((!entry.is_train, entry.is_anomalous()));
        class.or_insert_with(name).1.push(look);
    }
    classes.into_values().collect()
}

pub(super) fn classes(entries: &[Entry<'_>], seen: &[Seen]) -> Vec<ClassFigures> {
    let figures = |(class, looks): (String, Vec<&Look>)| {
        let of = |value: fn(&Look) -> f64| range(looks.iter().map(|look| value(look)).collect());
        ClassFigures {
            class,
            images: looks.len(),
            brightness: of(|look| look.brightness),
            contrast: of(|look| look.contrast),
            sharpness: of(|look| look.sharpness),
            black: of(|look| look.black),
            white: of(|look| look.white),
        }
    };
    by_class(entries, seen).into_iter().map(figures).collect()
}

/// How large defects are, kind by kind; empty without a mask.
pub(super) fn defects(entries: &[Entry<'_>], seen: &[Seen]) -> Vec<DefectFigures> {
    let mut kinds: BTreeMap<&str, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for (entry, seen) in entries.iter().zip(seen) {
        if let Some(defect) = &seen.defect {
            let (areas, regions) = kinds.entry(entry.sample.label.kind()).or_default();
            areas.push(defect.area);
            regions.push(defect.regions as f64);
        }
    }
    let figures = |(kind, (areas, regions)): (&str, (Vec<f64>, Vec<f64>))| DefectFigures {
        kind: kind.to_owned(),
        masks: areas.len(),
        area: range(areas),
        regions: range(regions),
    };
    kinds.into_iter().map(figures).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_range() {
        assert_eq!(range(vec![]), Range::default());
    }
}
