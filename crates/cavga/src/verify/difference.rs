//! How far two answers to one image are apart, and how far they may be.
//!
//! Differences are relative to the size of what is compared: of a map, its largest magnitude on that image; of a score, its own
//! magnitude, but no less than the spread of the training images' scores. A score is compared with others, whose distances are of the
//! size of that spread: a logit that happens to lie near 0 is no more exact than its neighbours, and a verdict asks no more of it.
//!
//! A difference above the tolerance is a fault unless the reference itself moves as far when each pixel of its image moves by the
//! tolerance: then the number asked for is not determined by the image to more than that, and no way of computing it in 32 bits could
//! do better. (A sum of large terms that cancel; a deviation in units of a spread that is tiny.) It is the usual meaning of a stable
//! algorithm: nearly the right answer to nearly the right question (Higham, Accuracy and Stability of Numerical Algorithms, 1.5).

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
    /// How far the number expected may move, or another of the same map, when each pixel of the image moves by the tolerance.
    pub moves: f32,
    /// |found − expected|, relative.
    #[serde(skip)]
    pub(super) relative: f64,
}

/// What was compared so far, and how far apart it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Differences {
    tolerance: f64,
    pub(super) scores: usize,
    pub(super) pixels: usize,
    pub(super) same_bits: bool,
    /// The largest difference of all, unless nothing differs.
    pub(super) largest: Option<Place>,
    /// The largest that is a fault.
    pub(super) fault: Option<Place>,
}

/// An image whose right answer is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) image: &'a str,
    /// All finite.
    pub(super) scored: &'a Scored,
    /// How far that moves when the image's pixels do.
    pub(super) moves: &'a Moves,
}

/// How far the answers to an image move when each of its pixels moves by the tolerance: the largest change of each score, and of any
/// pixel of each map, in the detector's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Moves {
    scores: Vec<f32>,
    maps: Vec<f32>,
}

impl Moves {
    /// Takes in what is said of the image, moved once.
    pub(super) fn add(&mut self, still: &Scored, moved: &Scored) {
        self.scores.resize(still.scores.len(), 0.0);
        self.maps.resize(still.maps.len(), 0.0);
        let scores = still.scores.iter().zip(&moved.scores);
        for (most, ((_, still), (_, moved))) in self.scores.iter_mut().zip(scores) {
            *most = most.max((still - moved).abs());
        }
        let maps = still.maps.iter().zip(&moved.maps);
        for (most, ((_, from), (_, to))) in self.maps.iter_mut().zip(maps) {
            let pixels = from.iter().zip(to).enumerate();
            let counted = pixels.filter(|(at, _)| still.counts(*at));
            *most = counted.fold(*most, |most, (_, (from, to))| most.max((from - to).abs()));
        }
    }
}

/// One of an image's outputs: a score, or a map.
struct Output<'a> {
    image: &'a str,
    what: String,
    expected: &'a [f32],
    found: &'a [f32],
    /// What differences are relative to, if the largest magnitude is less.
    least: f32,
    moves: f32,
}

impl Differences {
    /// Nothing yet.
    pub(super) fn new(tolerance: f64) -> Self {
        Self {
            tolerance,
            scores: 0,
            pixels: 0,
            same_bits: true,
            largest: None,
            fault: None,
        }
    }

    /// Compares what a form says of an image; a form that makes no maps at all is one that only scores.
    pub(super) fn add(&mut self, known: Known<'_>, found: &Scored, calibration: &Calibration) {
        let Known {
            image,
            scored,
            moves,
        } = known;
        for (at, (name, value)) in scored.scores.iter().enumerate() {
            let spread = calibration.scores.iter().find(|scale| scale.name == *name);
            let said = found.scores.iter().find(|(said, _)| said == name);
            let output = Output {
                image,
                what: format!("score {name}"),
                expected: std::slice::from_ref(value),
                found: said.map_or(&[], |(_, value)| std::slice::from_ref(value)),
                least: spread.map_or(0.0, |scale| scale.train_max - scale.train_min),
                moves: moves.scores.get(at).copied().unwrap_or(0.0),
            };
            self.compare(&output, &|_| true);
            self.scores += 1;
        }
        if found.maps.is_empty() {
            return;
        }
        for (at, (name, values)) in scored.maps.iter().enumerate() {
            let said = found.maps.iter().find(|(said, _)| said == name);
            let output = Output {
                image,
                what: format!("map {name}"),
                expected: values,
                found: said.map_or(&[], |(_, values)| values),
                least: 0.0,
                moves: moves.maps.get(at).copied().unwrap_or(0.0),
            };
            self.compare(&output, &|pixel| scored.counts(pixel));
            self.pixels += values.len();
        }
    }

    /// A file that should have been another.
    pub(super) fn add_file(&mut self, what: &str) {
        self.same_bits = false;
        let place = Place {
            image: "none".to_owned(),
            what: what.to_owned(),
            found: f32::NAN,
            expected: f32::NAN,
            moves: 0.0,
            relative: f64::INFINITY,
        };
        (self.largest, self.fault) = (Some(place.clone()), Some(place));
    }

    /// What is missing is as far off as can be.
    fn compare(&mut self, output: &Output<'_>, counts: &dyn Fn(usize) -> bool) {
        let counted = || {
            let values = output.expected.iter().enumerate();
            values.filter(|(at, _)| counts(*at))
        };
        let scale = counted().fold(output.least, |most, (_, value)| most.max(value.abs()));
        for (at, &expected) in counted() {
            let found = output.found.get(at).copied().unwrap_or(f32::NAN);
            if found.to_bits() == expected.to_bits() {
                continue;
            }
            self.same_bits = false;
            let (difference, relative) = apart(found, expected, scale);
            let is_fault = relative > self.tolerance && difference > f64::from(output.moves);
            for (worst, counts) in [(&mut self.largest, true), (&mut self.fault, is_fault)] {
                let most = worst.as_ref().map_or(0.0, |place| place.relative);
                if counts && relative > most {
                    *worst = Some(Place {
                        image: output.image.to_owned(),
                        what: output.what.clone(),
                        found,
                        expected,
                        moves: output.moves,
                        relative,
                    });
                }
            }
        }
    }
}

/// |found − expected|, and that divided by the scale; infinite for what is no number.
fn apart(found: f32, expected: f32, scale: f32) -> (f64, f64) {
    let difference = (f64::from(found) - f64::from(expected)).abs();
    if difference == 0.0 {
        return (0.0, 0.0);
    }
    let or_infinite = |number: f64| {
        if number.is_nan() {
            f64::INFINITY
        } else {
            number
        }
    };
    (
        or_infinite(difference),
        or_infinite(difference / f64::from(scale)),
    )
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
                unsure_threshold: None,
                rule: Rule::OwnBoundary,
                false_alarms: None,
                unsure: None,
                own_boundary: Some(0.0),
                fitted: false,
                held_out: Vec::new(),
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
        between_if_it_moves(expected, found, &Moves::default())
    }

    fn between_if_it_moves(expected: &Scored, found: &Scored, moves: &Moves) -> Differences {
        let mut differences = Differences::new(1e-5);
        let known = Known {
            image: "a.png",
            scored: expected,
            moves,
        };
        differences.add(known, found, &calibration());
        differences
    }

    fn largest(differences: &Differences) -> f64 {
        let place = differences.largest.as_ref();
        place.map_or(0.0, |place| place.relative)
    }

    #[test]
    fn a_score_near_zero_is_compared_on_the_scale_of_the_training_images() {
        let of = |found| largest(&between(&scored(1e-6, &[1.0]), &scored(found, &[1.0])));
        assert!(of(2e-6) < 1e-6, "{}", of(2e-6));
        assert!((of(0.1) - 0.05).abs() < 1e-6);
        // Beyond that scale, on its own.
        let large = between(&scored(10.0, &[1.0]), &scored(11.0, &[1.0]));
        assert!((largest(&large) - 0.1).abs() < 1e-6);
    }

    #[test]
    fn a_map_is_compared_on_its_own_scale_and_the_place_is_told() {
        let differences = between(&scored(0.5, &[0.0, -4.0]), &scored(0.5, &[0.1, -4.0]));
        assert!((largest(&differences) - 0.025).abs() < 1e-6);
        assert_eq!((differences.scores, differences.pixels), (1, 2));
        let place = differences.largest.unwrap();
        assert_eq!(differences.fault.as_ref(), Some(&place));
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
            assert_eq!(largest(&differences), f64::INFINITY);
            let differences = between(&scored(0.5, &[1.0, 2.0]), &scored(0.5, &[1.0, found]));
            assert_eq!(largest(&differences), f64::INFINITY);
        }
        let short = between(&scored(0.5, &[1.0, 2.0]), &scored(0.5, &[1.0]));
        assert_eq!(largest(&short), f64::INFINITY);
        let black = between(&scored(0.5, &[0.0]), &scored(0.5, &[1e-30]));
        assert_eq!(largest(&black), f64::INFINITY);
        let mut other = scored(0.5, &[1.0]);
        other.scores[0].0 = "another";
        let other = between(&scored(0.5, &[1.0]), &other);
        assert_eq!(largest(&other), f64::INFINITY);
        assert!(other.fault.is_some());
    }

    #[test]
    fn the_same_bits_are_told_from_the_same_numbers() {
        let same = between(&scored(0.0, &[1.0]), &scored(0.0, &[1.0]));
        assert!(same.same_bits && same.largest.is_none());
        let zero = between(&scored(0.0, &[1.0]), &scored(-0.0, &[1.0]));
        assert!(!zero.same_bits);
        assert_eq!(largest(&zero), 0.0);
    }

    #[test]
    fn only_what_the_image_does_not_determine_may_differ_more() {
        let (expected, found) = (scored(0.5, &[0.0, 1.0]), scored(0.5, &[0.0, 1.1]));
        let mut moves = Moves::default();
        moves.add(&expected, &scored(0.5, &[0.2, 1.0]));
        let let_pass = between_if_it_moves(&expected, &found, &moves);
        assert!(let_pass.largest.is_some() && let_pass.fault.is_none());
        // Neither less than that, nor in another output.
        let further = scored(0.5, &[0.0, 1.3]);
        assert!(
            between_if_it_moves(&expected, &further, &moves)
                .fault
                .is_some()
        );
        let score = scored(0.6, &[0.0, 1.0]);
        let fault = between_if_it_moves(&expected, &score, &moves)
            .fault
            .unwrap();
        assert_eq!(fault.what, "score logit");
        // Nor what is no number.
        let broken = scored(0.5, &[0.0, f32::NAN]);
        assert!(
            between_if_it_moves(&expected, &broken, &moves)
                .fault
                .is_some()
        );
    }
}
