//! One image score: where normal images lie on it, its thresholds, and what they say of an image.

#[cfg(test)]
mod tests;

use cavga_metrics::{
    Undefined,
    conformal::{HeldOut, Threshold, smallest_rate},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One image score on normal images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreScale {
    /// The score's name.
    pub name: String,
    /// Lowest score of a training image; of a held-out one where the method remembers its training images, as their scores say nothing then.
    pub train_min: f32,
    /// The highest, likewise.
    pub train_max: f32,
    /// Above it, the verdict is "anomalous"; `rule` says where it comes from.
    pub threshold: f32,
    /// Above it, and not above `threshold`, the verdict is "unsure"; `None` for no such band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsure_threshold: Option<f32>,
    /// Where the thresholds come from.
    pub rule: Rule,
    /// The false-alarm rate that was asked for; `None` for the smallest that the held-out images support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_alarms: Option<f64>,
    /// The rate of normal images not called normal, alarms and unsure ones, that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsure: Option<f64>,
    /// The boundary that the method brought, for one that decides by itself, whether or not it is the threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_boundary: Option<f32>,
    /// Whether the score was itself fitted on some of the run's held-out images; `held_out` is then of others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fitted: bool,
    /// Scores of held-out normal images, in rising order. Empty where none are known: in a model file of an earlier version, or
    /// where too few images were held out to fit on some and ask others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out: Vec<f32>,
}

/// Where a threshold comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A held-out normal image's score, by split conformal prediction: the highest of them unless another false-alarm rate was asked
    /// for.
    HeldOut,
    /// The boundary of a method that decides by itself, fixed before any image was seen.
    OwnBoundary,
}

/// What an image is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing that a normal image would not show.
    Normal,
    /// Above the threshold of the unsure band, which few normal images exceed, and not above that of an alarm.
    Unsure,
    /// Above the threshold, or what a method that decides by itself calls anomalous.
    Anomalous,
}

impl Verdict {
    /// As written in files and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Unsure => "unsure",
            Self::Anomalous => "anomalous",
        }
    }
}

/// Which rates thresholds are to hold, each in (0, 1).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rates {
    /// The share of normal images that may be called anomalous; `None` for the smallest that the held-out images support.
    pub false_alarms: Option<f64>,
    /// The share of normal images that may be called anomalous or unsure, above `false_alarms`; `None` for no unsure band.
    pub unsure: Option<f64>,
}

impl ScoreScale {
    /// A score after training: the threshold is the highest of `held_out`, of which there is one at least. Where they say nothing
    /// honest, as the score was fitted on them (`is_honest` is false), they are not kept.
    pub(crate) fn learnt(
        name: &str,
        (train_min, train_max): (f32, f32),
        mut held_out: Vec<f32>,
        (fitted, is_honest): (bool, bool),
    ) -> Self {
        held_out.sort_by(f32::total_cmp);
        Self {
            name: name.to_owned(),
            train_min,
            train_max,
            threshold: held_out.last().copied().unwrap_or(f32::NEG_INFINITY),
            unsure_threshold: None,
            rule: Rule::HeldOut,
            false_alarms: None,
            unsure: None,
            own_boundary: None,
            fitted,
            held_out: if is_honest { held_out } else { Vec::new() },
        }
    }

    /// The verdict on an image of this score.
    pub fn verdict(&self, score: f32) -> Verdict {
        if score > self.threshold {
            Verdict::Anomalous
        } else if self.unsure_threshold.is_some_and(|unsure| score > unsure) {
            Verdict::Unsure
        } else {
            Verdict::Normal
        }
    }

    /// The score on the scale on which training images, or those that stand for them, lie in [0, 1]; not clamped. `None` if they all scored the same.
    pub fn normalised(&self, score: f32) -> Option<f32> {
        let spread = self.train_max - self.train_min;
        (spread > 0.0).then(|| (score - self.train_min) / spread)
    }

    /// The conformal p-value, (1 + #{held out >= score}) / (n + 1): of a normal image that is exchangeable with the n held-out ones it is
    /// at most a with a chance of at most a, for every a. `None` if no held-out scores are known, and of NaN.
    pub fn p_value(&self, score: f32) -> Option<f64> {
        HeldOut::new(&self.held_out).ok()?.p_value(score).ok()
    }

    /// The score in percent of the threshold: 0 is the median held-out score, 100 the threshold, and what lies below or above is
    /// below 0 or above 100; not clamped.
    ///
    /// Not the ratio of score and threshold: scores may be negative (a logit) or far from 0 (a distance that no image comes
    /// under), and the ratio would change with a constant that is added to all of them. `None` if no held-out scores are known, or
    /// the threshold is not above their median.
    pub fn percent_of_threshold(&self, score: f32) -> Option<f64> {
        let median = HeldOut::new(&self.held_out).ok()?.median();
        let reach = f64::from(self.threshold) - median;
        let percent = 100.0 * (f64::from(score) - median) / reach;
        (reach > 0.0 && percent.is_finite()).then_some(percent)
    }

    /// The place of its threshold among the held-out scores; `None` if it is a boundary of the method's own, or no held-out scores
    /// are known.
    pub fn decision(&self) -> Option<Threshold> {
        let held_out = HeldOut::new(&self.held_out).ok()?;
        match (self.rule, self.false_alarms) {
            (Rule::OwnBoundary, _) => None,
            (Rule::HeldOut, None) => Some(held_out.strictest()),
            (Rule::HeldOut, Some(rate)) => held_out.threshold(rate).ok(),
        }
    }

    /// The same of the threshold of the unsure band.
    pub fn unsure_decision(&self) -> Option<Threshold> {
        let held_out = HeldOut::new(&self.held_out).ok()?;
        held_out.threshold(self.unsure?).ok()
    }

    /// Sets the thresholds that hold these rates.
    ///
    /// # Errors
    /// [`Error::Config`] for rates outside (0, 1), an unsure rate that is not above the false alarms', and rates that take more
    /// held-out images than there are: it says how many.
    pub(crate) fn decide(&mut self, rates: Rates) -> Result<()> {
        let wrong = |origin: &str, reason: Undefined| Error::Config {
            origin: origin.to_owned(),
            why: explain(reason, &self.name),
        };
        let held_out = HeldOut::new(&self.held_out).map_err(|error| wrong("held_out", error))?;
        let alarms = "--false-alarms";
        let threshold = match rates.false_alarms {
            None => held_out.strictest(),
            Some(rate) => held_out.threshold(rate).map_err(|e| wrong(alarms, e))?,
        };
        let least = rates.false_alarms.unwrap_or(threshold.rate());
        let unsure = match rates.unsure {
            None => None,
            Some(rate) => {
                let unsure = held_out.threshold(rate).map_err(|e| wrong("--unsure", e))?;
                if rate <= least {
                    return Err(Error::Config {
                        origin: "--unsure".to_owned(),
                        why: format!(
                            "{}: expected more than the false-alarm rate, {}: of normal images, those called unsure come on top \
                             of the false alarms",
                            shown(rate),
                            shown(least)
                        ),
                    });
                }
                Some(unsure.value)
            }
        };
        if self.rule == Rule::OwnBoundary {
            self.own_boundary = Some(self.threshold);
        }
        (self.threshold, self.unsure_threshold) = (threshold.value, unsure);
        (self.false_alarms, self.unsure) = (rates.false_alarms, rates.unsure);
        self.rule = Rule::HeldOut;
        Ok(())
    }

    /// Makes the method's own boundary the threshold.
    ///
    /// # Errors
    /// [`Error::Config`] of a score without one.
    pub(crate) fn decide_by_own_boundary(&mut self) -> Result<()> {
        if self.rule == Rule::OwnBoundary {
            return Ok(());
        }
        let boundary = self.own_boundary.ok_or_else(|| Error::Config {
            origin: "--own-boundary".to_owned(),
            why: format!(
                "the score {} has none: only a method that decides by itself brings a boundary, to its own score",
                self.name
            ),
        })?;
        (self.threshold, self.rule) = (boundary, Rule::OwnBoundary);
        (self.unsure_threshold, self.false_alarms, self.unsure) = (None, None, None);
        Ok(())
    }

    /// What is wrong with it as read from a file.
    pub(super) fn check(&self) -> Result<(), String> {
        let of = |what: &str| format!("calibration of {}: {what}", self.name);
        if !self.held_out.is_empty() {
            HeldOut::new(&self.held_out).map_err(|reason| of(&format!("held_out: {reason}")))?;
        }
        let boundaries = [
            Some(self.threshold),
            self.unsure_threshold,
            self.own_boundary,
        ];
        if boundaries.iter().flatten().any(|value| !value.is_finite()) {
            return Err(of("expected thresholds that are finite numbers"));
        }
        if self
            .unsure_threshold
            .is_some_and(|unsure| unsure > self.threshold)
        {
            return Err(of(
                "expected an unsure_threshold that is not above the threshold",
            ));
        }
        let rates = [self.false_alarms, self.unsure];
        let is_rate = |rate: &f64| *rate > 0.0 && *rate < 1.0;
        match rates.iter().flatten().all(is_rate) {
            true => Ok(()),
            false => Err(of("expected rates in (0, 1)")),
        }
    }
}

/// Up to so many images a number of them is exact.
const COUNTABLE: u64 = 1 << 52;

/// Why a rate cannot be held, and what to ask for instead.
fn explain(reason: Undefined, score: &str) -> String {
    match reason {
        Undefined::TooFewHeldOut {
            rate,
            found,
            needed,
        } if needed as u64 > COUNTABLE => format!(
            "{} needs more held-out normal images than can be counted, there are {found}; the smallest rate that {found} support \
             is {}",
            shown(rate),
            rate_text(smallest_rate(found))
        ),
        Undefined::TooFewHeldOut {
            rate,
            found,
            needed,
        } => format!(
            "{} needs at least {needed} held-out normal images, there are {found}; the smallest rate that {found} support is \
             {}. Give more with --data",
            shown(rate),
            rate_text(smallest_rate(found))
        ),
        Undefined::RateOutOfRange { rate } => {
            format!("{rate}: expected a rate above 0 and below 1, as in 0.01")
        }
        Undefined::Empty => format!(
            "no held-out scores of {score} are known; give normal images that the run did not learn from with --data"
        ),
        other => other.to_string(),
    }
}

/// A rate as one reads it.
pub(crate) fn shown(rate: f64) -> String {
    match rate < 1e-3 {
        true => format!("{rate:e}"),
        false => rate.to_string(),
    }
}

/// A rate as one reads it: three digits, not below it, so that what is read holds, and can be asked for.
pub fn rate_text(rate: f64) -> String {
    let digits = (2.0 - rate.log10().floor()).clamp(0.0, 300.0);
    // Powers of ten above 1 are exact for long, and the division rounds to the decimal's own number.
    let scale = 10_f64.powf(digits).round();
    let whole = (rate * scale).round();
    let nearest = whole / scale;
    shown(if nearest >= rate {
        nearest
    } else {
        (whole + 1.0) / scale
    })
}

/// A percentage of the threshold as one reads it: to a tenth, and 100 only of a score above the threshold, which is what 100 would be
/// taken for.
pub fn percent_text(percent: f64, is_above: bool) -> String {
    match format!("{percent:.1}").as_str() {
        "-0.0" => "0.0".to_owned(),
        "100.0" if !is_above => "99.9".to_owned(),
        text => text.to_owned(),
    }
}
