//! Every figure of a ranking, read off its steps: what is called anomalous as the threshold falls.
//!
//! Whole images, pooled pixels, and resamples of either differ in how their steps are stored, and in
//! nothing else; so each figure stands here once, for all that is [`Ranked`].

use crate::curve::{PrecisionRecallPoint, RocPoint};
use crate::{Result, Undefined};

/// The largest F1 over all thresholds, and where it is reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestF1 {
    /// 2 · precision · recall / (precision + recall), in (0, 1].
    pub f1: f64,
    /// Share of what is called anomalous that is anomalous, in (0, 1].
    pub precision: f64,
    /// Share of what is anomalous that is called so, in (0, 1].
    pub recall: f64,
    /// What scores at or above it (`>=`) is called anomalous. It is one of the scores given.
    pub threshold: f32,
}

/// What the lowest threshold finds whose false-positive rate stays within a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtAlarmRate {
    /// Share of what is anomalous that is called so, in [0, 1].
    pub recall: f64,
    /// Share of what is called anomalous that is so, in [0, 1]; none where nothing is called so.
    pub precision: Option<f64>,
    /// Share of the normal that is called anomalous: at most the limit.
    pub false_positive_rate: f64,
    /// What scores at or above it (`>=`) is called anomalous. It is one of the scores given, or infinite where even the
    /// highest of them calls more of the normal anomalous than the limit allows.
    pub threshold: f32,
}

impl AtAlarmRate {
    /// The precision.
    ///
    /// # Errors
    ///
    /// [`Undefined::NothingCalled`] where nothing is called anomalous.
    pub fn precision(&self, limit: f64) -> Result<f64> {
        self.precision.ok_or(Undefined::NothingCalled { limit })
    }
}

/// What is called anomalous at one threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    /// Items that score at or above it are called anomalous.
    pub(crate) threshold: f32,
    /// How many of those are anomalous.
    pub(crate) true_positives: u64,
    /// How many of those are normal.
    pub(crate) false_positives: u64,
}

/// Anomalous and normal items by score.
pub(crate) trait Ranked {
    /// How many items are anomalous.
    fn positives(&self) -> u64;

    /// How many items are normal.
    fn negatives(&self) -> u64;

    /// The counts at distinct scores, from the highest to the lowest, which is among them. A score of
    /// normal items alone may be left out if the next one is of normal items alone too: it is no corner
    /// of any curve.
    fn steps(&self) -> impl Iterator<Item = Step>;

    /// Fails unless something is anomalous.
    fn need_positives(&self) -> Result<()> {
        match (self.positives(), self.negatives()) {
            (0, 0) => Err(Undefined::Empty),
            (0, _) => Err(Undefined::NoPositive),
            _ => Ok(()),
        }
    }

    /// Fails unless something is anomalous and something is normal.
    fn need_both(&self) -> Result<()> {
        self.need_positives()?;
        if self.negatives() == 0 {
            Err(Undefined::NoNegative)
        } else {
            Ok(())
        }
    }

    /// See [`crate::auroc`].
    fn auroc(&self) -> Result<f64> {
        self.need_both()?;
        // Twice the number of pairs won, where a tie wins half: an integer, so the result is
        // rounded only once.
        let mut won_twice = 0_u128;
        let (mut found, mut passed) = (0, 0);
        for step in self.steps() {
            let outscored =
                u128::from((self.negatives() - step.false_positives) + (self.negatives() - passed));
            won_twice += u128::from(step.true_positives - found) * outscored;
            (found, passed) = (step.true_positives, step.false_positives);
        }
        let pairs = u128::from(self.positives()) * u128::from(self.negatives());
        Ok(won_twice as f64 / (2 * pairs) as f64)
    }

    /// See [`crate::auroc_to`].
    fn auroc_to(&self, limit: f64) -> Result<f64> {
        check_limit(limit)?;
        self.need_both()?;
        let points = self.steps().map(|step| {
            (
                ratio(step.false_positives, self.negatives()),
                ratio(step.true_positives, self.positives()),
            )
        });
        Ok(area_to(points, limit))
    }

    /// See [`crate::average_precision`].
    fn average_precision(&self) -> Result<f64> {
        self.need_positives()?;
        let mut sum = 0.0;
        let mut found = 0;
        for step in self.steps() {
            let flagged = step.true_positives + step.false_positives;
            // Nothing is flagged where a resample holds none of the items.
            if step.true_positives > found {
                sum += (step.true_positives - found) as f64 * ratio(step.true_positives, flagged);
            }
            found = step.true_positives;
        }
        Ok(sum / self.positives() as f64)
    }

    /// The step of the largest F1, the highest threshold among equals.
    ///
    /// It is also the step of the largest IoU, since IoU = F1 / (2 - F1) rises with F1.
    fn best_step(&self) -> Result<Step> {
        self.need_positives()?;
        let mut best: Option<(f64, Step)> = None;
        for step in self.steps() {
            let f1 = self.f1(step);
            if best.is_none_or(|(highest, _)| f1 > highest) {
                best = Some((f1, step));
            }
        }
        best.map(|(_, step)| step).ok_or(Undefined::Empty)
    }

    /// See [`crate::f1_max`].
    fn f1_max(&self) -> Result<BestF1> {
        let step = self.best_step()?;
        Ok(BestF1 {
            f1: self.f1(step),
            precision: ratio(
                step.true_positives,
                step.true_positives + step.false_positives,
            ),
            recall: ratio(step.true_positives, self.positives()),
            threshold: step.threshold,
        })
    }

    /// F1 of what is called anomalous at a step.
    fn f1(&self, step: Step) -> f64 {
        ratio(
            2 * step.true_positives,
            step.true_positives + step.false_positives + self.positives(),
        )
    }

    /// See [`crate::roc_curve`]: a point for every step, which must be all of them.
    fn roc_points(&self) -> Result<impl Iterator<Item = RocPoint>> {
        self.need_both()?;
        let nothing = RocPoint {
            false_positive_rate: 0.0,
            true_positive_rate: 0.0,
            threshold: f32::INFINITY,
        };
        let points = self.steps().map(|step| RocPoint {
            false_positive_rate: ratio(step.false_positives, self.negatives()),
            true_positive_rate: ratio(step.true_positives, self.positives()),
            threshold: step.threshold,
        });
        Ok(core::iter::once(nothing).chain(points))
    }

    /// See [`crate::precision_recall_curve`]: a point for every step, which must be all of them.
    fn precision_recall_points(&self) -> Result<impl Iterator<Item = PrecisionRecallPoint>> {
        self.need_positives()?;
        Ok(self.steps().map(|step| PrecisionRecallPoint {
            recall: ratio(step.true_positives, self.positives()),
            precision: ratio(
                step.true_positives,
                step.true_positives + step.false_positives,
            ),
            threshold: step.threshold,
        }))
    }

    /// See [`crate::at_alarm_rate`]; the steps must be all of them.
    fn at_alarm_rate(&self, limit: f64) -> Result<AtAlarmRate> {
        // Unlike an area, no alarm at all is a rate to ask for.
        if limit != 0.0 {
            check_limit(limit)?;
        }
        self.need_both()?;
        let within = |step: &Step| ratio(step.false_positives, self.negatives()) <= limit;
        let last = self.steps().take_while(within).last();
        let step = last.unwrap_or(Step {
            threshold: f32::INFINITY,
            true_positives: 0,
            false_positives: 0,
        });
        let called = step.true_positives + step.false_positives;
        Ok(AtAlarmRate {
            recall: ratio(step.true_positives, self.positives()),
            precision: (called > 0).then(|| ratio(step.true_positives, called)),
            false_positive_rate: ratio(step.false_positives, self.negatives()),
            threshold: step.threshold,
        })
    }
}

/// Fails unless a false-positive-rate limit lies in (0, 1].
pub(crate) fn check_limit(limit: f64) -> Result<()> {
    // Written so that NaN fails too.
    if limit > 0.0 && limit <= 1.0 {
        Ok(())
    } else {
        Err(Undefined::LimitOutOfRange { limit })
    }
}

/// The area under a curve from (0, 0) to (1, 1) for abscissae in [0, limit], divided by the limit. The curve
/// runs straight between its points and so is cut where it crosses the limit.
pub(crate) fn area_to(points: impl Iterator<Item = (f64, f64)>, limit: f64) -> f64 {
    let mut area = 0.0;
    let (mut left, mut low) = (0.0, 0.0);
    for (right, high) in points {
        let (width, rise) = (right - left, high - low);
        if right >= limit {
            let within = limit - left;
            // Straight up at the limit itself: nothing is left to add.
            if width > 0.0 {
                area += within * (low + rise * (within / width) / 2.0);
            }
            break;
        }
        area += width * (low + rise / 2.0);
        (left, low) = (right, high);
    }
    // Rounding must not lift a perfect curve above 1.
    (area / limit).min(1.0)
}

/// The partial area of [`area_to`] on McClish's scale, on which chance is 0.5 and perfection 1.
pub(crate) fn mcclish(share: f64, limit: f64) -> f64 {
    // In areas: a = share · limit lies between limit² / 2 of chance and limit of perfection.
    let least = limit / 2.0;
    0.5 * (1.0 + (share - least) / (1.0 - least))
}

/// A ratio of two counts; the lower one must not be 0.
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_cut_on_the_line_to_the_next_point() {
        let curve = [(0.0, 0.5), (0.5, 0.5), (1.0, 1.0)];
        assert_eq!(area_to(curve.into_iter(), 0.5), 0.5);
        // To 0.75 it adds a trapezoid of width 0.25 and heights 0.5 and 0.75.
        let expected = (0.25 + 0.25 * 0.625) / 0.75;
        assert!((area_to(curve.into_iter(), 0.75) - expected).abs() < 1e-15);
        assert_eq!(area_to([(0.0, 1.0), (1.0, 1.0)].into_iter(), 0.1), 1.0);
    }

    #[test]
    fn on_mcclish_s_scale_chance_is_a_half_at_any_limit() {
        for limit in [0.05, 0.3, 1.0] {
            let chance = area_to([(1.0, 1.0)].into_iter(), limit);
            assert!((mcclish(chance, limit) - 0.5).abs() < 1e-15);
            assert_eq!(mcclish(1.0, limit), 1.0);
        }
    }

    #[test]
    fn a_limit_must_be_a_share() {
        for limit in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(check_limit(limit).is_err());
        }
        assert_eq!(check_limit(1.0), Ok(()));
    }
}
