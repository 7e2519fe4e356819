//! How far two answers to one image are apart.
//!
//! Differences are relative to the size of what is compared: of a map, its largest magnitude on that image; of a score, its own
//! magnitude, but no less than the spread of the training images' scores. A score is compared with others, whose distances are of the
//! size of that spread: a logit that happens to lie near 0 is no more exact than its neighbours, and a verdict asks no more of it.

use serde::Serialize;

use crate::{calibration::Calibration, model::Scored};

/// Where two answers are furthest apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The image.
    pub image: String,
    /// Which of its numbers, as in `score residual` or `map attention`.
    pub what: String,
    /// What the form says there.
    pub found: f32,
    /// What it should say.
    pub expected: f32,
}

/// What was compared so far, and how far apart it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Differences {
    pub(super) scores: usize,
    pub(super) pixels: usize,
    pub(super) same_bits: bool,
    pub(super) largest: f64,
    /// Where, unless nothing differs.
    pub(super) place: Option<Place>,
}

impl Default for Differences {
    fn default() -> Self {
        Self {
            scores: 0,
            pixels: 0,
            same_bits: true,
            largest: 0.0,
            place: None,
        }
    }
}

/// An image whose right answer is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) image: &'a str,
    /// All finite.
    pub(super) scored: &'a Scored,
}

impl Differences {
    /// Compares what a form says of an image; a form that makes no maps at all is one that only scores.
    pub(super) fn add(&mut self, known: Known<'_>, found: &Scored, calibration: &Calibration) {
        let expected = known.scored;
        let scores = expected
            .scores
            .iter()
            .map(|(name, value)| (*name, std::slice::from_ref(value)));
        for (name, values) in scores {
            let spread = calibration.scores.iter().find(|scale| scale.name == name);
            let spread = spread.map_or(0.0, |scale| scale.train_max - scale.train_min);
            let said = found.scores.iter().find(|(said, _)| *said == name);
            let said = said
                .map(|(_, value)| std::slice::from_ref(value))
                .unwrap_or_default();
            let what = || format!("score {name}");
            self.compare(known.image, &what, (said, values), spread, &|_| true);
            self.scores += 1;
        }
        if found.maps.is_empty() {
            return;
        }
        for (name, values) in &expected.maps {
            let said = found.maps.iter().find(|(said, _)| said == name);
            let said = said
                .map(|(_, values)| values.as_slice())
                .unwrap_or_default();
            let what = || format!("map {name}");
            let counts = |pixel| expected.counts(pixel);
            self.compare(known.image, &what, (said, values), 0.0, &counts);
            self.pixels += values.len();
        }
    }

    /// A file that should have been another.
    pub(super) fn add_file(&mut self, what: &str) {
        self.same_bits = false;
        self.largest = f64::INFINITY;
        self.place = Some(Place {
            image: "none".to_owned(),
            what: what.to_owned(),
            found: f32::NAN,
            expected: f32::NAN,
        });
    }

    /// `found` against `expected`, relative to the largest expected magnitude or to `least`, if that is larger. What is missing is as
    /// far off as can be.
    fn compare(
        &mut self,
        image: &str,
        what: &dyn Fn() -> String,
        (found, expected): (&[f32], &[f32]),
        least: f32,
        counts: &dyn Fn(usize) -> bool,
    ) {
        let counted = || {
            let values = expected.iter().enumerate();
            values.filter(|(at, _)| counts(*at))
        };
        let scale = counted().fold(least, |most, (_, value)| most.max(value.abs()));
        for (at, &expected) in counted() {
            let found = found.get(at).copied().unwrap_or(f32::NAN);
            if found.to_bits() == expected.to_bits() {
                continue;
            }
            self.same_bits = false;
            let relative = relative(found, expected, scale);
            if relative > self.largest {
                self.largest = relative;
                self.place = Some(Place {
                    image: image.to_owned(),
                    what: what(),
                    found,
                    expected,
                });
            }
        }
    }
}

/// |found − expected| / scale; infinite for what is no number.
fn relative(found: f32, expected: f32, scale: f32) -> f64 {
    let difference = (f64::from(found) - f64::from(expected)).abs();
    if difference == 0.0 {
        return 0.0;
    }
    let relative = difference / f64::from(scale);
    if relative.is_nan() {
        f64::INFINITY
    } else {
        relative
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::{Rule, ScoreScale};

    fn calibration() -> Calibration {
        Calibration {
            n_train: 2,
            n_held_out: 1,
            scores: vec![ScoreScale {
                name: "logit".into(),
                train_min: -1.0,
                train_max: 1.0,
                threshold: 0.0,
                rule: Rule::OwnBoundary,
            }],
            maps: Vec::new(),
        }
    }

    fn scored(score: f32, map: &[f32]) -> Scored {
        Scored {
            scores: vec![("logit", score)],
            maps: vec![("residual", map.to_vec())],
            valid: None,
        }
    }

    fn between(expected: &Scored, found: &Scored) -> Differences {
        let mut differences = Differences::default();
        let known = Known {
            image: "a.png",
            scored: expected,
        };
        differences.add(known, found, &calibration());
        differences
    }

    #[test]
    fn a_score_near_zero_is_compared_on_the_scale_of_the_training_images() {
        let of = |found| between(&scored(1e-6, &[1.0]), &scored(found, &[1.0])).largest;
        assert!(of(2e-6) < 1e-6, "{}", of(2e-6));
        assert!((of(0.1) - 0.05).abs() < 1e-6);
        // Beyond that scale, on its own.
        let large = between(&scored(10.0, &[1.0]), &scored(11.0, &[1.0]));
        assert!((large.largest - 0.1).abs() < 1e-6);
    }

    #[test]
    fn a_map_is_compared_on_its_own_scale_and_the_place_is_told() {
        let differences = between(&scored(0.5, &[0.0, -4.0]), &scored(0.5, &[0.1, -4.0]));
        assert!((differences.largest - 0.025).abs() < 1e-6);
        assert_eq!((differences.scores, differences.pixels), (1, 2));
        let place = differences.place.unwrap();
        assert_eq!(
            (place.image.as_str(), place.what.as_str()),
            ("a.png", "map residual")
        );
        assert_eq!((place.found, place.expected), (0.1, 0.0));
    }

    #[test]
    fn what_is_no_number_or_is_missing_is_infinitely_far_off() {
        for found in [f32::NAN, f32::INFINITY] {
            let differences = between(&scored(0.5, &[1.0]), &scored(found, &[1.0]));
            assert_eq!(differences.largest, f64::INFINITY);
            let differences = between(&scored(0.5, &[1.0, 2.0]), &scored(0.5, &[1.0, found]));
            assert_eq!(differences.largest, f64::INFINITY);
        }
        let short = between(&scored(0.5, &[1.0, 2.0]), &scored(0.5, &[1.0]));
        assert_eq!(short.largest, f64::INFINITY);
        let black = between(&scored(0.5, &[0.0]), &scored(0.5, &[1e-30]));
        assert_eq!(black.largest, f64::INFINITY);
        let mut other = scored(0.5, &[1.0]);
        other.scores[0].0 = "another";
        assert_eq!(between(&scored(0.5, &[1.0]), &other).largest, f64::INFINITY);
    }

    #[test]
    fn the_same_bits_are_told_from_the_same_numbers() {
        let same = between(&scored(0.0, &[1.0]), &scored(0.0, &[1.0]));
        assert!(same.same_bits && same.place.is_none());
        let zero = between(&scored(0.0, &[1.0]), &scored(-0.0, &[1.0]));
        assert!(!zero.same_bits);
        assert_eq!(zero.largest, 0.0);
    }
}
