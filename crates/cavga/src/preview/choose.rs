//! Which images are pictured: of each kind some, evenly over their order and by seed within it.

use std::collections::{BTreeMap, BTreeSet};

use cavga_data::shuffled;

use super::gather::Entry;
use super::{Duplicates, Outlier, PreviewOptions};

/// Groups of duplicates that are pictured, and images of each.
pub(super) const GROUPS: usize = 24;
pub(super) const OF_GROUP: usize = 8;

/// Outliers that are pictured.
pub(super) const OUTLIERS: usize = 48;

/// The pictures of one kind in one split.
pub(super) struct Sheet {
    pub(super) is_train: bool,
    /// Of the dataset, `good` where normal.
    pub(super) kind: String,
    /// How many images there are.
    pub(super) images: usize,
    /// Those that are pictured, by their place among all.
    pub(super) shown: Vec<usize>,
}

pub(super) type Sheets = Vec<Sheet>;

/// One sheet for each kind in each split: training first, then normal test images, then the kinds of defect.
pub(super) fn sheets(entries: &[Entry<'_>], options: &PreviewOptions) -> Sheets {
    let mut kinds: BTreeMap<(bool, bool, &str), Vec<usize>> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let key = (
            !entry.is_train,
            entry.is_anomalous(),
            entry.sample.label.kind(),
        );
        kinds.entry(key).or_default().push(at);
    }
    let each = options.per_kind.min(options.in_all / kinds.len().max(1));
    let mut left = options.in_all;
    let least = usize::from(options.per_kind > 0);
    let sheet = |((is_test, _, kind), all): ((bool, bool, &str), Vec<usize>)| {
        // With more kinds than pictures the first ones get one each.
        let places = spread(all.len(), each.max(least).min(left), options.seed);
        left -= places.len();
        Sheet {
            is_train: !is_test,
            kind: kind.to_owned(),
            images: all.len(),
            shown: places
                .iter()
                .filter_map(|&place| all.get(place).copied())
                .collect(),
        }
    };
    kinds.into_iter().map(sheet).collect()
}

/// At most `wanted` of `0..n`: one out of each of as many equal stretches, by seed. Films and lots are sorted by time: every part
/// of them is seen.
fn spread(n: usize, wanted: usize, seed: u64) -> Vec<usize> {
    if n <= wanted {
        return (0..n).collect();
    }
    let start = |stretch: usize| (n as u128 * stretch as u128 / wanted as u128) as usize;
    let one = |stretch: usize| {
        let (from, to) = (start(stretch), start(stretch + 1));
        let within = shuffled(to - from, seed, stretch as u64);
        from + within.first().copied().unwrap_or(0)
    };
    (0..wanted).map(one).collect()
}

/// The images that are pictured because they stand out.
pub(super) fn beside(duplicates: &[Duplicates], outliers: &[Outlier]) -> BTreeSet<usize> {
    let of_groups = duplicates.iter().take(GROUPS);
    let of_groups = of_groups.flat_map(|group| group.places.iter().take(OF_GROUP));
    let outliers = worst(outliers).into_iter().map(|outlier| &outlier.place);
    of_groups.chain(outliers).copied().collect()
}

/// The outliers that stand out most, the first first.
pub(super) fn worst(outliers: &[Outlier]) -> Vec<&Outlier> {
    let mut worst: Vec<&Outlier> = outliers.iter().collect();
    worst.sort_by(|a, b| b.beyond.total_cmp(&a.beyond));
    worst.truncate(OUTLIERS);
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_spread_evenly_and_by_seed() {
        for (n, wanted) in [(0, 5), (3, 5), (5, 5), (6, 5), (3629, 60), (7, 0)] {
            let places = spread(n, wanted, 1);
            assert_eq!(places.len(), n.min(wanted));
            assert!(places.is_sorted_by(|a, b| a < b) && places.iter().all(|&at| at < n));
        }
        let places = spread(1000, 10, 1);
        assert!(places.iter().enumerate().all(|(i, at)| at / 100 == i));
        assert_ne!(places, spread(1000, 10, 2));
    }
}
