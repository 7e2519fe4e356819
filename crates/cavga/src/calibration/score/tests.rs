use super::*;

fn scale(held_out: &[f32]) -> ScoreScale {
    ScoreScale::learnt("residual", (1.0, 3.0), held_out.to_vec(), (false, true))
}

fn rates(false_alarms: impl Into<Option<f64>>, unsure: impl Into<Option<f64>>) -> Rates {
    Rates {
        false_alarms: false_alarms.into(),
        unsure: unsure.into(),
    }
}

#[test]
fn the_verdict_is_normal_at_the_threshold_itself() {
    let scale = scale(&[2.5, 1.0, 2.0]);
    assert_eq!(scale.verdict(2.5), Verdict::Normal);
    assert_eq!(scale.verdict(2.500_001), Verdict::Anomalous);
    assert_eq!(scale.normalised(4.0), Some(1.5));
    assert_eq!(scale.p_value(2.5), Some(0.5));
    assert_eq!(scale.p_value(3.0), Some(0.25));
    assert_eq!(
        scale.decision().map(|threshold| threshold.rate()),
        Some(0.25)
    );
}

#[test]
fn a_percentage_is_of_the_way_from_the_median_to_the_threshold() {
    let scale = scale(&[-4.0, -3.0, -1.0]);
    for (score, expected) in [
        (-3.0, 0.0),
        (-1.0, 100.0),
        (-2.0, 50.0),
        (3.0, 300.0),
        (-7.0, -200.0),
    ] {
        assert_eq!(scale.percent_of_threshold(score), Some(expected), "{score}");
    }
    let unknown = super::tests::scale(&[2.0, 2.0]).percent_of_threshold(3.0);
    assert_eq!(unknown, None, "all held-out images scored the same");
    let boundary = ScoreScale {
        threshold: -5.0,
        rule: Rule::OwnBoundary,
        ..scale
    };
    assert_eq!(
        boundary.percent_of_threshold(-6.0),
        None,
        "a boundary below the median"
    );
}

#[test]
fn rates_give_a_threshold_and_an_unsure_band() {
    let mut scale = scale(&(0..99).map(|i| i as f32).collect::<Vec<_>>());
    scale.decide(rates(0.05, 0.1)).unwrap();
    assert_eq!(
        (scale.threshold, scale.unsure_threshold),
        (94.0, Some(89.0))
    );
    let verdicts = [89.0, 89.5, 94.0, 94.5].map(|score| scale.verdict(score));
    assert_eq!(
        verdicts,
        [
            Verdict::Normal,
            Verdict::Unsure,
            Verdict::Unsure,
            Verdict::Anomalous
        ]
    );
    scale.decide(rates(0.05, None)).unwrap();
    assert_eq!(scale.unsure_threshold, None);
    scale.decide(rates(None, 0.5)).unwrap();
    assert_eq!(
        (scale.threshold, scale.unsure_threshold),
        (98.0, Some(49.0))
    );
    scale.check().unwrap();
}

#[test]
fn a_rate_that_so_few_images_cannot_hold_says_how_many_can() {
    let mut scale = scale(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let before = scale.clone();
    let mut said = |asked| scale.decide(asked).unwrap_err().to_string();
    assert_eq!(
        said(rates(1e-3, None)),
        "--false-alarms: 0.001 needs at least 999 held-out normal images, there are 6; the smallest rate that 6 support is \
         0.143. Give more with --data"
    );
    assert!(said(rates(1e-5, None)).contains("1e-5 needs at least 99999"));
    // It was said to take 18446744073709551615.
    let said_tiny = said(rates(1e-300, None));
    assert!(said_tiny.contains("1e-300 needs more held-out normal images than can be counted"));
    assert!(said(rates(None, 0.01)).starts_with("--unsure: 0.01 needs at least 99 "));
    for rate in [0.0, 1.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            said(rates(rate, None)).contains("above 0 and below 1"),
            "{rate}"
        );
        assert!(said(rates(0.2, rate)).starts_with("--unsure: "), "{rate}");
    }
    assert!(said(rates(0.3, 0.3)).contains("more than the false-alarm rate"));
    assert!(said(rates(0.3, 0.2)).contains("more than the false-alarm rate"));
    assert_eq!(scale, before, "what fails changes nothing");
    scale.decide(rates(0.143, None)).unwrap();
}

/// "100 %" stood beside "normal", and "-0 %" beside the median.
#[test]
fn a_percentage_says_100_above_the_threshold_alone() {
    let said = [
        (99.96, false),
        (100.0, false),
        (100.01, true),
        (99.94, false),
        (-0.04, false),
        (-0.06, false),
        (131.26, true),
    ]
    .map(|(percent, is_above)| percent_text(percent, is_above));
    assert_eq!(
        said,
        ["99.9", "99.9", "100.0", "99.9", "0.0", "-0.1", "131.3"]
    );
}

/// What an error tells to ask for is granted.
#[test]
fn the_smallest_rate_is_said_rate_text() {
    for n in 1..20_000 {
        let smallest = smallest_rate(n);
        let said: f64 = rate_text(smallest).parse().unwrap();
        assert!(said >= smallest && said < smallest * 1.011, "{n}: {said}");
    }
    let said = [9, 6, 2, 999, 1999].map(|n| rate_text(smallest_rate(n)));
    assert_eq!(said, ["0.1", "0.143", "0.334", "0.001", "5e-4"]);
}

#[test]
fn a_methods_own_boundary_gives_way_and_comes_back() {
    // As in a file of format 3: the boundary is the threshold and nothing else.
    let mut scale = ScoreScale {
        threshold: 0.0,
        rule: Rule::OwnBoundary,
        ..scale(&[-3.0, -2.0, -1.0])
    };
    let before = scale.clone();
    assert_eq!(scale.decision(), None);
    scale.decide(rates(0.25, 0.5)).unwrap();
    assert_eq!((scale.threshold, scale.rule), (-1.0, Rule::HeldOut));
    scale.decide_by_own_boundary().unwrap();
    assert_eq!(
        scale,
        ScoreScale {
            own_boundary: Some(0.0),
            ..before
        }
    );
    let error = super::tests::scale(&[1.0]).decide_by_own_boundary();
    assert!(error.unwrap_err().to_string().contains("residual has none"));
}

#[test]
fn without_held_out_scores_nothing_is_said_of_chances() {
    let mut scale = ScoreScale::learnt("x", (0.0, 1.0), vec![0.5, 0.7], (true, false));
    assert_eq!((scale.threshold, scale.held_out.len()), (0.7, 0));
    assert_eq!(
        (scale.p_value(0.1), scale.percent_of_threshold(0.1)),
        (None, None)
    );
    assert!(scale.decision().is_none());
    let error = scale.decide(rates(0.5, None)).unwrap_err().to_string();
    assert!(error.contains("--data"), "{error}");
}

#[test]
fn numbers_that_no_calibration_holds_are_named() {
    let good = scale(&[1.0, 2.0]);
    good.check().unwrap();
    let with = |change: &dyn Fn(&mut ScoreScale)| {
        let mut scale = good.clone();
        change(&mut scale);
        scale.check().unwrap_err()
    };
    let said = with(&|scale| scale.held_out = vec![2.0, 1.0]);
    assert!(
        said.contains("residual: held_out: the score at index 1"),
        "{said}"
    );
    with(&|scale| scale.held_out = vec![f32::INFINITY]);
    with(&|scale| scale.held_out = vec![f32::NAN, 1.0]);
    with(&|scale| scale.threshold = f32::NAN);
    with(&|scale| scale.unsure_threshold = Some(9.0));
    with(&|scale| scale.own_boundary = Some(f32::INFINITY));
    with(&|scale| scale.false_alarms = Some(0.0));
    with(&|scale| scale.unsure = Some(1.0));
}
