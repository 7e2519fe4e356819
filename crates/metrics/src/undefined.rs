//! Why a figure has no value. A test set without defects has no AUPRO, and saying 0 or 1 instead
//! has misled users of other tools; so the reason is a value of its own, which a report can print
//! in the figure's place.

use core::fmt;

/// A figure, or the reason why the input does not define it.
pub type Result<T> = core::result::Result<T, Undefined>;

/// Why a figure is undefined for its input.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Undefined {
    /// Nothing was given.
    Empty,
    /// The two slices that describe the same things differ in length.
    LengthMismatch {
        /// Length of the first slice: the scores, or the predictions.
        scores: usize,
        /// Length of the second slice: the truth.
        labels: usize,
    },
    /// A map or its mask does not have `height * width` pixels. Masks are never resized here.
    ShapeMismatch {
        /// Height stated, in pixels.
        height: usize,
        /// Width stated, in pixels.
        width: usize,
        /// Length of the scores given.
        scores: usize,
        /// Length of the mask given.
        mask: usize,
    },
    /// A score is NaN or infinite.
    NotFinite {
        /// Position of the first such score in its slice.
        index: usize,
    },
    /// Nothing is truly anomalous.
    NoPositive,
    /// Nothing is truly normal.
    NoNegative,
    /// No mask holds an anomalous region.
    NoRegion,
    /// An anomalous mask came without the defects that it consists of.
    NoDefects,
    /// Every mask holds an anomalous pixel.
    NoNormalImage,
    /// A false-positive-rate limit outside (0, 1].
    LimitOutOfRange {
        /// The limit given.
        limit: f64,
    },
    /// Any threshold calls more of the normal anomalous than the limit allows.
    NothingCalled {
        /// The limit of the false-positive rate.
        limit: f64,
    },
    /// The fixed threshold is NaN.
    ThresholdNotANumber,
    /// Scores that should be in rising order are not.
    NotSorted {
        /// Position of the first score that is lower than the one before.
        index: usize,
    },
    /// A rate or a confidence outside (0, 1).
    RateOutOfRange {
        /// The rate given.
        rate: f64,
    },
    /// A false-alarm rate that takes more held-out images than there are.
    TooFewHeldOut {
        /// The rate given.
        rate: f64,
        /// How many images there are.
        found: usize,
        /// How many the rate takes.
        needed: usize,
    },
    /// More than 4,294,967,295 regions, the most that can be told apart.
    TooManyRegions,
    /// An interval's level outside (0, 1).
    LevelOutOfRange {
        /// The level given.
        level: f64,
    },
    /// All items belong together, so there is nothing to draw from.
    OneCluster,
    /// In more than half of the resamples the figure is undefined.
    TooFewResamples {
        /// In how many it is defined.
        defined: usize,
        /// How many were drawn.
        resamples: usize,
    },
    /// Fewer than two items of one class, whose spread is then unknown.
    TooFewToVary {
        /// How many are anomalous.
        positives: u64,
        /// How many are normal.
        negatives: u64,
    },
    /// The variance is 0, as where all of the anomalous score above all of the normal, or two scores rank alike.
    NoVariance,
}

impl fmt::Display for Undefined {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("there is nothing to evaluate"),
            Self::LengthMismatch { scores, labels } => {
                write!(
                    formatter,
                    "{scores} scores or predictions were given with {labels} true labels"
                )
            }
            Self::ShapeMismatch {
                height,
                width,
                scores,
                mask,
            } => write!(
                formatter,
                "a map of {height}x{width} (height x width) was given {scores} scores and a mask of {mask} pixels"
            ),
            Self::NotFinite { index } => {
                write!(formatter, "the score at index {index} is NaN or infinite")
            }
            Self::NoPositive => formatter.write_str("nothing in the truth is anomalous"),
            Self::NoNegative => formatter.write_str("nothing in the truth is normal"),
            Self::NoRegion => formatter.write_str("no mask holds an anomalous region"),
            Self::NoDefects => formatter.write_str(
                "the masks do not say from how many pixels on each defect counts as found",
            ),
            Self::NoNormalImage => formatter.write_str("no image is normal everywhere"),
            Self::LimitOutOfRange { limit } => {
                write!(
                    formatter,
                    "the false-positive-rate limit is {limit}, but must be above 0 and at most 1"
                )
            }
            Self::NothingCalled { limit } => write!(
                formatter,
                "nothing is called anomalous, as any threshold calls more than {limit} of the normal so"
            ),
            Self::ThresholdNotANumber => formatter.write_str("the fixed threshold is not a number"),
            Self::NotSorted { index } => write!(
                formatter,
                "the score at index {index} is lower than the one before, but they must be in rising order"
            ),
            Self::RateOutOfRange { rate } => {
                write!(
                    formatter,
                    "the rate is {rate}, but must be above 0 and below 1"
                )
            }
            Self::TooFewHeldOut {
                rate,
                found,
                needed,
            } => write!(
                formatter,
                "a rate of {rate} takes {needed} held-out images, but there are {found}"
            ),
            Self::TooManyRegions => {
                formatter.write_str("the masks hold more than 4294967295 regions")
            }
            Self::LevelOutOfRange { level } => write!(
                formatter,
                "the level of the interval is {level}, but must be above 0 and below 1"
            ),
            Self::OneCluster => {
                formatter.write_str("all belongs to one group, so there is nothing to draw from")
            }
            Self::TooFewResamples { defined, resamples } => write!(
                formatter,
                "it is defined in {defined} of {resamples} resamples only"
            ),
            Self::TooFewToVary {
                positives,
                negatives,
            } => write!(
                formatter,
                "{positives} anomalous and {negatives} normal were given, at least 2 of each are needed"
            ),
            Self::NoVariance => formatter.write_str("its variance is 0"),
        }
    }
}

impl core::error::Error for Undefined {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_a_sentence_with_its_numbers() {
        let shape = Undefined::ShapeMismatch {
            height: 2,
            width: 3,
            scores: 6,
            mask: 5,
        };
        assert_eq!(
            shape.to_string(),
            "a map of 2x3 (height x width) was given 6 scores and a mask of 5 pixels"
        );
        assert_eq!(
            Undefined::NotFinite { index: 7 }.to_string(),
            "the score at index 7 is NaN or infinite"
        );
        assert!(
            Undefined::LimitOutOfRange { limit: 1.5 }
                .to_string()
                .contains("1.5")
        );
    }
}
