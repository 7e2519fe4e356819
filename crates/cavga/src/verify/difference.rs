//! How far two answers to one image are apart, and how far they may be.
//!
//! Differences are relative to the size of what is compared: of a map, its largest magnitude on that image; of a score, its own
//! magnitude, but no less than the spread of normal images' scores. A score is compared with others, whose distances are of the
//! size of that spread: a logit that happens to lie near 0 is no more exact than its neighbours, and a verdict asks no more of it.
//!
//! A difference above the tolerance is a fault unless the reference itself moves as far when each pixel of its image moves by the
//! tolerance: then the number asked for is not determined by the image to more than that, and no way of computing it in 32 bits could
//! do better. (A sum of large terms that cancel; a deviation in units of a spread that is tiny.) It is the usual meaning of a stable
//! algorithm: nearly the right answer to nearly the right question (Higham, Accuracy and Stability of Numerical Algorithms, 1.5).

use std::collections::BTreeSet;

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
    /// |found − expected|, relative; infinite (`null` in JSON) where what is found is no number or missing.
    pub relative: f64,
}

/// What was compared so far, and how far apart it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Differences {
    tolerance: f64,
    /// Whether the form makes no maps, so that none are missing.
    only_scores: bool,
    /// The images heard of, by their numbers.
    pub(super) heard: BTreeSet<usize>,
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
    /// Its number.
    pub(super) at: usize,
    /// All finite.
    pub(super) scored: &'a Scored,
    /// How far that moves when the image's pixels do.
    pub(super) moves: &'a Moves,
}

/// How far the answers to an image move when each of its pixels moves by the tolerance: the largest change of each score, and of any
/// pixel of each map, in the detector's order. What moves to no number is left out: it says not how far.
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
            *most = further(*most, *still, *moved);
        }
        let maps = still.maps.iter().zip(&moved.maps);
        for (most, ((_, from), (_, to))) in self.maps.iter_mut().zip(maps) {
            let pixels = from.iter().zip(to).enumerate();
            let counted = pixels.filter(|(at, _)| still.counts(*at));
            *most = counted.fold(*most, |most, (_, (from, to))| further(most, *from, *to));
        }
    }
}

/// `most`, or the way from one number to another if it is longer, and finite.
fn further(most: f32, from: f32, to: f32) -> f32 {
    let way = (from - to).abs();
    match way.is_finite() {
        true => most.max(way),
        false => most,
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
    pub(super) fn new(tolerance: f64, only_scores: bool) -> Self {
        Self {
            tolerance,
            only_scores,
            heard: BTreeSet::new(),
            scores: 0,
            pixels: 0,
            same_bits: true,
            largest: None,
            fault: None,
        }
    }

    /// Compares what a form says of an image.
    pub(super) fn add(&mut self, known: Known<'_>, found: &Scored, calibration: &Calibration) {
        let Known {
            image,
            at,
            scored,
            moves,
        } = known;
        self.heard.insert(at);
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
        if self.only_scores {
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
        self.add_missing("none", what);
    }

    /// What should have been said of an image and was not.
    pub(super) fn add_missing(&mut self, image: &str, what: &str) {
        self.same_bits = false;
        let place = Place {
            image: image.to_owned(),
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
            // What is no number is a fault however far the image moves.
            let is_fault = relative > self.tolerance
                && (!found.is_finite() || difference > f64::from(output.moves));
            for (worst, counts) in [(&mut self.largest, true), (&mut self.fault, is_fault)] {
                // The first of all too: -0 for 0 is no difference, and other bits.
                let is_worst = worst.as_ref().is_none_or(|place| relative > place.relative);
                if counts && is_worst {
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
mod tests;
