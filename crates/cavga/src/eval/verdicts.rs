//! What a report says of verdicts: how many images got which, by which rule, and how much the threshold is worth.

use super::page::Page;
use crate::{
    calibration::{Rule, ScoreScale, Verdict, rate_text},
    report::Verdicts,
};

/// With fewer held-out images than these, a report warns of how often a normal image exceeds their threshold.
const FEW: usize = 20;

impl Page<'_> {
    fn called(&self, verdict: Verdict, anomalous: bool) -> usize {
        let calibration = self.measured.calibration;
        self.images(anomalous)
            .filter(|image| image.verdict(calibration) == verdict)
            .count()
    }

    /// How many normal or anomalous images are called anomalous.
    pub(super) fn flagged(&self, anomalous: bool) -> usize {
        self.called(Verdict::Anomalous, anomalous)
    }

    /// How many images got which verdict, and by which rule.
    pub(super) fn verdicts(&self) -> Verdicts {
        let counts = |anomalous: bool| {
            [Verdict::Normal, Verdict::Unsure, Verdict::Anomalous]
                .map(|verdict| self.called(verdict, anomalous))
        };
        let calibration = self.measured.calibration;
        let own = calibration.scores.first();
        Verdicts {
            normal: counts(false),
            anomalous: counts(true),
            rule: own.map_or_else(String::new, |own| rule(own, calibration.n_held_out)),
        }
    }
}

/// How many held-out images a threshold is from, and the false-alarm rate that it holds. A model of an earlier version knows its threshold
/// and not their scores: `n_held_out` then, and the highest.
pub(super) fn decided(own: &ScoreScale, n_held_out: usize) -> (usize, f64) {
    match own.decision() {
        Some(threshold) => (threshold.images, threshold.rate()),
        None => (n_held_out, 1.0 / (n_held_out as f64 + 1.0)),
    }
}

/// A warning of a threshold that rests on few images.
pub(super) fn few(own: &ScoreScale, n_held_out: usize) -> Option<String> {
    let (images, rate) = decided(own, n_held_out);
    let is_few = images < FEW && own.rule == Rule::HeldOut;
    is_few.then(|| {
        format!(
            "The threshold rests on {images} held-out normal images: one in {} new normal images may exceed it.",
            ((1.0 / rate) * 10.0).round() / 10.0
        )
    })
}

/// What makes a verdict, in words.
fn rule(own: &ScoreScale, n_held_out: usize) -> String {
    if own.rule == Rule::OwnBoundary {
        return "Anomalous if the method says so: its score exceeds a boundary of its own."
            .to_owned();
    }
    let (images, rate) = decided(own, n_held_out);
    let anomalous = match own.false_alarms {
        None => format!(
            "Anomalous if the score exceeds that of all {images} normal images held out of training."
        ),
        Some(asked) => format!(
            "Anomalous if the score exceeds the threshold that {images} held-out normal images give for a false-alarm rate \
             of {asked}."
        ),
    };
    let unsure = own.unsure.map_or_else(String::new, |unsure| {
        format!(" Unsure if not, but above their threshold for a rate of {unsure}.")
    });
    format!(
        "{anomalous}{unsure} A new normal image like those raises a false alarm with a chance of at most {}.",
        rate_text(rate)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::Rates;

    #[test]
    fn rules_are_said_as_they_are() {
        let held_out: Vec<f32> = (0..39).map(|score| score as f32).collect();
        let mut scale = ScoreScale::learnt("x", (0.0, 1.0), held_out, (false, true));
        let said = rule(&scale, 39);
        assert!(
            said.contains("exceeds that of all 39 normal images"),
            "{said}"
        );
        assert!(said.contains("at most 0.025."), "{said}");
        assert_eq!(few(&scale, 39), None);
        let rates = Rates {
            false_alarms: Some(0.05),
            unsure: Some(0.2),
        };
        scale.decide(rates).unwrap();
        let said = rule(&scale, 39);
        assert!(
            said.contains("rate of 0.05.") && said.contains("rate of 0.2."),
            "{said}"
        );
        assert!(said.contains("at most 0.05."), "{said}");
        // Of a model of an earlier version.
        let old = ScoreScale::learnt("x", (0.0, 1.0), vec![1.0], (false, false));
        assert!(rule(&old, 6).contains("all 6 normal images"));
        let said = few(&old, 6).unwrap();
        assert!(
            said.contains("rests on 6") && said.contains("one in 7 new"),
            "{said}"
        );
        let own = ScoreScale {
            rule: Rule::OwnBoundary,
            ..old
        };
        assert!(few(&own, 6).is_none() && rule(&own, 6).contains("boundary of its own"));
    }
}
