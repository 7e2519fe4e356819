//! Points of the curves, and how a curve of millions of points becomes one that a report can draw.

/// A point of the receiver operating characteristic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// Share of the normal that is called anomalous, in [0, 1].
    pub false_positive_rate: f64,
    /// Share of the anomalous that is called so, in [0, 1].
    pub true_positive_rate: f64,
    /// What scores at or above it (`>=`) is called anomalous; infinite at the first point, where
    /// nothing is.
    pub threshold: f32,
}

/// A point of the precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecallPoint {
    /// Share of the anomalous that is called so, in [0, 1].
    pub recall: f64,
    /// Share of what is called anomalous that is so, in [0, 1].
    pub precision: f64,
    /// What scores at or above it (`>=`) is called anomalous.
    pub threshold: f32,
}

/// A point of the per-region overlap (PRO) curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProPoint {
    /// Share of all normal pixels, those of anomalous images included, that is called anomalous, in
    /// [0, 1].
    pub false_positive_rate: f64,
    /// Mean over all regions of the share of the region that is called anomalous, in [0, 1].
    pub overlap: f64,
    /// What scores at or above it (`>=`) is called anomalous; infinite at the first point, where
    /// nothing is.
    pub threshold: f32,
}

/// A point that knows how far along its curve it lies, which is what [`thin`] spaces points by.
pub trait CurvePoint: Copy {
    /// How far along, in [0, 1]; never falls from a point to the next.
    fn progress(&self) -> f64;
}

impl CurvePoint for RocPoint {
    fn progress(&self) -> f64 {
        (self.false_positive_rate + self.true_positive_rate) / 2.0
    }
}

impl CurvePoint for PrecisionRecallPoint {
    fn progress(&self) -> f64 {
        self.recall
    }
}

impl CurvePoint for ProPoint {
    fn progress(&self) -> f64 {
        (self.false_positive_rate + self.overlap) / 2.0
    }
}

/// At most `max_points` (at least 2) points of a curve, its first and last among them, for drawing.
///
/// Points are dropped where the curve hardly moves; those kept are unchanged. A curve of
/// `max_points` points or fewer is returned whole. Areas belong to the whole curve: never compute
/// one from a thinned curve.
pub fn thin<Point: CurvePoint>(curve: &[Point], max_points: usize) -> Vec<Point> {
    thin_points(curve.iter().copied(), curve.len(), max_points)
}

/// As [`thin`], for `count` points that are made one by one, so that the whole curve never lies in
/// memory.
pub(crate) fn thin_points<Point: CurvePoint>(
    points: impl Iterator<Item = Point>,
    count: usize,
    max_points: usize,
) -> Vec<Point> {
    if count <= max_points {
        return points.collect();
    }
    // Progress ends at 1, so that at most `max_points - 2` steps fit after the first point, which
    // leaves one place for the last point. Without room for any the step is infinite.
    let step = 1.0 / max_points.saturating_sub(2) as f64;
    let mut kept: Vec<Point> = Vec::new();
    let mut dropped = None;
    for point in points {
        if kept
            .last()
            .is_none_or(|last| point.progress() - last.progress() >= step)
        {
            kept.push(point);
            dropped = None;
        } else {
            dropped = Some(point);
        }
    }
    kept.extend(dropped);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn diagonal(count: usize) -> Vec<RocPoint> {
        let point = |index| {
            let rate = index as f64 / (count - 1) as f64;
            RocPoint {
                false_positive_rate: rate,
                true_positive_rate: rate,
                threshold: -(index as f32),
            }
        };
        (0..count).map(point).collect()
    }

    #[test]
    fn a_short_curve_stays_whole() {
        let curve = diagonal(5);
        assert_eq!(thin(&curve, 5), curve);
        assert!(thin::<RocPoint>(&[], 5).is_empty());
    }

    #[test]
    fn points_without_movement_are_dropped_first() {
        let point = |recall| PrecisionRecallPoint {
            recall,
            precision: 0.5,
            threshold: 0.0,
        };
        let curve = [0.0, 0.0, 0.0, 0.5, 0.5, 1.0].map(point);
        let recalls: Vec<f64> = thin(&curve, 4).iter().map(|point| point.recall).collect();
        assert_eq!(recalls, [0.0, 0.5, 1.0]);
    }

    #[test]
    fn a_tail_without_movement_still_leaves_room_for_the_last_point() {
        let point = |(recall, precision)| PrecisionRecallPoint {
            recall,
            precision,
            threshold: 0.0,
        };
        let curve = [(0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (1.0, 0.5)].map(point);
        let thinned = thin(&curve, 3);
        assert_eq!(thinned, [curve[0], curve[2], curve[3]]);
    }

    proptest! {
        #[test]
        fn thinning_keeps_the_ends_and_its_promise(count in 3_usize..500, max_points in 0_usize..50) {
            let curve = diagonal(count);
            let thinned = thin(&curve, max_points);
            prop_assert!(thinned.len() <= max_points.max(2));
            prop_assert_eq!(thinned.first(), curve.first());
            prop_assert_eq!(thinned.last(), curve.last());
        }
    }
}
