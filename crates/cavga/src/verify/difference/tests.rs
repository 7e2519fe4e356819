//! Differences of a known size, and what is let pass.

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
    let mut differences = Differences::new(1e-5, false);
    let known = Known {
        image: "a.png",
        at: 0,
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
fn minus_zero_for_zero_has_a_place_to_be_told() {
    let zero = between(&scored(0.0, &[1.0]), &scored(-0.0, &[1.0]));
    let place = zero.largest.unwrap();
    assert_eq!(place.what, "score logit");
    assert!(place.found.is_sign_negative() && place.relative == 0.0);
    assert!(zero.fault.is_none());
    // A difference that follows is the larger one.
    let more = between(&scored(0.0, &[1.0]), &scored(-0.0, &[2.0]));
    assert_eq!(more.largest.unwrap().what, "map residual");
}

#[test]
fn an_image_that_moves_to_no_number_hides_no_fault() {
    let expected = scored(0.5, &[0.0, 1.0]);
    let mut moves = Moves::default();
    moves.add(
        &expected,
        &scored(f32::INFINITY, &[f32::INFINITY, f32::NAN]),
    );
    for found in [f32::INFINITY, f32::NAN, 3.0] {
        for found in [scored(found, &[0.0, 1.0]), scored(0.5, &[found, 1.0])] {
            let differences = between_if_it_moves(&expected, &found, &moves);
            assert!(differences.fault.is_some(), "{found:?}");
        }
    }
    // As far as numbers go, the way still counts.
    moves.add(&expected, &scored(0.6, &[0.0, 1.0]));
    let known = between_if_it_moves(&expected, &scored(0.55, &[0.0, 1.0]), &moves);
    assert!(known.largest.is_some() && known.fault.is_none());
}

#[test]
fn maps_that_are_missing_altogether_are_infinitely_far_off() {
    let none = between(
        &scored(0.5, &[1.0]),
        &Scored {
            maps: Vec::new(),
            ..scored(0.5, &[])
        },
    );
    assert_eq!(none.fault.unwrap().what, "map residual");
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
