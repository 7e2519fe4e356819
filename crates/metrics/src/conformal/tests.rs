use super::*;

/// Numbers in [0, 1) from a seed (SplitMix64, Steele, Lea and Flood 2014).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn rising(n: usize) -> Vec<f32> {
    (0..n).map(|i| i as f32).collect()
}

#[test]
fn threshold_and_p_value_decide_alike_for_every_n_and_rate() {
    for n in 1..=2000usize {
        let scores = rising(n);
        let held_out = HeldOut::new(&scores).unwrap();
        let decimals = (1..1000).step_by(if n <= 200 { 1 } else { 37 });
        let decimals = decimals.map(|thousandths: u32| format!("0.{thousandths:03}"));
        let decimals = decimals.map(|text| text.parse::<f64>().unwrap());
        // The shares themselves, and their nearest neighbours.
        let ranks = [1, 2, n / 3, n / 2, n]
            .into_iter()
            .filter(|rank| (1..=n).contains(rank));
        let shares = ranks.flat_map(|rank| {
            let share = share(rank, n);
            [share.next_down(), share, share.next_up()]
        });
        for rate in decimals.chain(shares) {
            let threshold = match held_out.threshold(rate) {
                Ok(threshold) => threshold,
                Err(Undefined::TooFewHeldOut { needed, found, .. }) => {
                    assert!(
                        found == n && needed > n && rate < smallest_rate(n),
                        "{n} {rate}"
                    );
                    continue;
                }
                Err(other) => panic!("{other}"),
            };
            // Only at the held-out score next to the threshold could the two part.
            for score in [
                threshold.value,
                threshold.value + 0.5,
                threshold.value + 1.0,
            ] {
                let p = held_out.p_value(score).unwrap();
                assert_eq!(score > threshold.value, p <= rate, "{n} {rate} {score} {p}");
            }
            assert!(threshold.rate() <= rate);
            assert!(
                share(threshold.rank + 1, n) > rate,
                "{n} {rate} is too strict"
            );
        }
    }
}

#[test]
fn a_rate_that_is_a_share_gets_its_rank_however_it_is_written() {
    for (rate, n, expected) in [
        (0.1, 9, 1),
        (0.07, 99, 7),
        (0.29, 99, 29),
        (0.001, 999, 1),
        (0.57, 99, 57),
        (0.3, 9, 3),
        (1.0 / 7.0, 6, 1),
        (1.0 / 49.0, 48, 1),
    ] {
        assert_eq!(rank(rate, n), expected, "{rate} {n}");
        let exact = f64::from(u32::try_from(expected).unwrap()) / (n as f64 + 1.0);
        assert_eq!(rank(exact.next_down(), n), expected - 1);
    }
}

#[test]
fn so_many_images_are_needed_and_one_fewer_is_too_few() {
    for (rate, expected) in [
        (0.5, 1),
        (0.9, 1),
        (0.1, 9),
        (0.05, 19),
        (1e-3, 999),
        (1e-6, 999_999),
        (0.143, 6),
        (0.3, 3),
    ] {
        assert_eq!(images_needed(rate), Ok(expected), "{rate}");
    }
    for n in 1..5000 {
        assert_eq!(images_needed(smallest_rate(n)), Ok(n));
        assert_eq!(images_needed(smallest_rate(n).next_down()), Ok(n + 1));
    }
    assert_eq!(images_needed(f64::MIN_POSITIVE), Ok(usize::MAX));
    let scores = [0.0, 1.0, 2.0];
    let said = HeldOut::new(&scores).unwrap().threshold(0.2).unwrap_err();
    let expected = Undefined::TooFewHeldOut {
        rate: 0.2,
        found: 3,
        needed: 4,
    };
    assert_eq!(said, expected);
}

#[test]
fn p_values_count_what_scores_at_least_as_high() {
    let held_out = HeldOut::new(&[-1.0, 0.0, 0.0, 2.0]).unwrap();
    for (score, expected) in [
        (-2.0, 1.0),
        (-1.0, 1.0),
        (-0.5, 0.8),
        (0.0, 0.8),
        (-0.0, 0.8),
        (0.1, 0.4),
        (2.0, 0.4),
        (2.1, 0.2),
        (f32::INFINITY, 0.2),
        (f32::NEG_INFINITY, 1.0),
    ] {
        assert_eq!(held_out.p_value(score), Ok(expected), "{score}");
    }
    assert!(held_out.p_value(f32::NAN).is_err());
    assert_eq!(held_out.median(), 0.0);
    assert_eq!(HeldOut::new(&[1.0, 2.0]).unwrap().median(), 1.5);
    assert_eq!(HeldOut::new(&[7.0]).unwrap().median(), 7.0);
    assert_eq!(held_out.strictest(), held_out.threshold(0.2).unwrap());
}

#[test]
fn bad_input_is_named() {
    assert_eq!(HeldOut::new(&[]), Err(Undefined::Empty));
    let not_finite = |index| Err(Undefined::NotFinite { index });
    assert_eq!(HeldOut::new(&[0.0, f32::NAN]), not_finite(1));
    assert_eq!(HeldOut::new(&[f32::NEG_INFINITY]), not_finite(0));
    assert_eq!(
        HeldOut::new(&[0.0, 1.0, 0.5]),
        Err(Undefined::NotSorted { index: 2 })
    );
    let held_out = HeldOut::new(&[0.0]).unwrap();
    for rate in [0.0, 1.0, -0.1, 1.5, f64::INFINITY] {
        let wrong = Err(Undefined::RateOutOfRange { rate });
        assert_eq!(held_out.threshold(rate), wrong);
        assert!(images_needed(rate).is_err());
        assert!(held_out.strictest().rate_at_most(rate).is_err());
    }
    assert!(held_out.threshold(f64::NAN).is_err());
}

/// Draws held-out scores many times; what the true alarm rate of each draw's threshold was, and how often the bound held.
/// `score` makes a score of a number in [0, 1), and `above` is the true share of normal images above a threshold.
fn simulate(
    (n, rate, draws): (usize, f64, usize),
    score: impl Fn(f64) -> f32,
    above: impl Fn(f32) -> f64,
) -> (f64, f64, f64) {
    let mut numbers = Numbers(n as u64 ^ rate.to_bits());
    let (mut sum, mut squares, mut held) = (0.0, 0.0, 0);
    let bound = HeldOut::new(&rising(n)).unwrap().threshold(rate).unwrap();
    let bound = bound.rate_at_most(0.95).unwrap();
    for _ in 0..draws {
        let mut scores: Vec<f32> = (0..n).map(|_| score(numbers.next())).collect();
        scores.sort_by(f32::total_cmp);
        let threshold = HeldOut::new(&scores).unwrap().threshold(rate).unwrap();
        let alarms = above(threshold.value);
        sum += alarms;
        squares += alarms * alarms;
        held += usize::from(alarms <= bound);
    }
    let draws = draws as f64;
    let mean = sum / draws;
    let error = ((squares / draws - mean * mean).max(0.0) / draws).sqrt();
    (mean, error, held as f64 / draws)
}

const DRAWS: usize = 10_000;
const SETTINGS: [(usize, f64); 7] = [
    (9, 0.1),
    (19, 0.05),
    (19, 0.12),
    (30, 0.2),
    (99, 0.01),
    (99, 0.05),
    (199, 0.5),
];

#[test]
fn over_10_000_draws_the_alarm_rate_holds_for_scores_without_ties() {
    for (n, rate) in SETTINGS {
        // f32 of a uniform number: the share above t is 1 - t, but for 2^-25.
        let (mean, error, held) = simulate((n, rate, DRAWS), |u| u as f32, |t| 1.0 - f64::from(t));
        assert!(mean <= rate + 4.0 * error, "{n} {rate}: {mean} ± {error}");
        // And it is no laxer than it must be: k / (n + 1) is met.
        let met = share(rank(rate, n), n);
        assert!(
            (mean - met).abs() <= 4.0 * error,
            "{n} {rate}: {mean} instead of {met}"
        );
        assert!(
            (0.94..0.96).contains(&held),
            "{n} {rate}: the bound held in {held}"
        );
    }
}

#[test]
fn over_10_000_draws_the_alarm_rate_holds_for_scores_with_many_ties() {
    for (n, rate) in SETTINGS {
        for levels in [1, 2, 5, 20] {
            let levels = f64::from(levels);
            // Levels 0, 1, ..., of equal shares; above level t are all that are higher.
            let (mean, error, held) = simulate(
                (n, rate, DRAWS),
                |u| (u * levels).floor() as f32,
                |t| 1.0 - (f64::from(t) + 1.0) / levels,
            );
            assert!(
                mean <= rate + 4.0 * error,
                "{n} {rate} {levels}: {mean} ± {error}"
            );
            assert!(
                held >= 0.94,
                "{n} {rate} {levels}: the bound held in {held}"
            );
        }
    }
}

/// The same with new images drawn, as it happens to a user: held-out and new scores from one heavy-tailed distribution.
#[test]
fn over_10_000_draws_so_many_new_images_raise_an_alarm() {
    for (n, rate) in SETTINGS {
        let mut numbers = Numbers(7 + n as u64);
        let mut score = || (1.0 / (1.0 - numbers.next())).ln().powi(3) as f32;
        let alarms = (0..DRAWS).filter(|_| {
            let mut scores: Vec<f32> = (0..n).map(|_| score()).collect();
            scores.sort_by(f32::total_cmp);
            HeldOut::new(&scores).unwrap().p_value(score()).unwrap() <= rate
        });
        let found = alarms.count() as f64 / DRAWS as f64;
        let error = (rate * (1.0 - rate) / DRAWS as f64).sqrt();
        assert!(found <= rate + 4.0 * error, "{n} {rate}: {found}");
    }
}
