//! The two walks down the scores of pooled pixels: past corners alone, which is all that an area needs, and past every score.

use super::PixelMetrics;
use super::normal::{Cursors, Normal};
use crate::ranking::{score_of, ties};
use crate::steps::{Ranked, Step};

/// The steps at which some curve may turn: each score of an anomalous pixel, and the last of a normal one before it.
pub(super) struct Corners<'a>(pub(super) &'a PixelMetrics);

impl Ranked for Corners<'_> {
    fn positives(&self) -> u64 {
        self.0.anomalous_pixels()
    }

    fn negatives(&self) -> u64 {
        self.0.normal_pixels()
    }

    fn steps(&self) -> impl Iterator<Item = Step> {
        let PixelMetrics {
            anomalous, normal, ..
        } = self.0;
        let mut cursor = normal.cursor();
        let mut true_positives = 0;
        let ends = ties(anomalous)
            .map(|(key, group)| (u64::from(key), group.len() as u64))
            .chain([(1 << 32, 0)]);
        ends.flat_map(move |(key, count)| {
            let before = corner(&mut cursor, normal, key, true_positives);
            true_positives += count;
            let with = (count > 0).then(|| Step {
                threshold: score_of(key as u32),
                true_positives,
                false_positives: cursor.below(key + 1),
            });
            [before, with].into_iter().flatten()
        })
    }
}

/// The step at the last normal score below `key`, if some lie there.
fn corner(
    cursor: &mut Cursors<'_>,
    normal: &Normal,
    key: u64,
    true_positives: u64,
) -> Option<Step> {
    let (place, passed) = (cursor.place(), cursor.passed());
    let false_positives = cursor.below(key);
    let last = (false_positives > passed)
        .then(|| normal.last_below(key, place))
        .flatten()?;
    Some(Step {
        threshold: score_of(last),
        true_positives,
        false_positives,
    })
}

/// Every distinct score.
pub(super) struct AllSteps<'a>(pub(super) &'a PixelMetrics);

impl Ranked for AllSteps<'_> {
    fn positives(&self) -> u64 {
        self.0.anomalous_pixels()
    }

    fn negatives(&self) -> u64 {
        self.0.normal_pixels()
    }

    fn steps(&self) -> impl Iterator<Item = Step> {
        let PixelMetrics {
            anomalous, normal, ..
        } = self.0;
        let mut anomalous = ties(anomalous)
            .map(|(key, group)| (key, group.len() as u64))
            .peekable();
        let mut normal = normal.entries().peekable();
        let (mut true_positives, mut false_positives) = (0, 0);
        core::iter::from_fn(move || {
            let next = [anomalous.peek(), normal.peek()]
                .into_iter()
                .flatten()
                .map(|(key, _)| *key)
                .min()?;
            let at = |pair: &(u32, u64)| pair.0 == next;
            true_positives += anomalous.next_if(at).map_or(0, |(_, count)| count);
            false_positives += normal.next_if(at).map_or(0, |(_, count)| count);
            Some(Step {
                threshold: score_of(next),
                true_positives,
                false_positives,
            })
        })
    }
}
