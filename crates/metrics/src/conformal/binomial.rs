//! The tail of a binomial distribution, and the beta quantile that it gives.
//!
//! Probabilities are Loader's ("Fast and accurate computation of binomial probabilities", 2000): the logarithms of factorials,
//! which are large and nearly cancel, are never formed. A tail is summed from its largest term outwards.

use core::f64::consts::PI;

/// The value below which a draw of Beta(k, n + 1 − k) is with probability `confidence`; 1 <= k <= n.
///
/// Beta(k, n + 1 − k) is at most x with probability P(Binomial(n, x) >= k), which rises with x; halving finds x.
pub(super) fn beta_quantile(k: usize, n: usize, confidence: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return high;
        }
        match at_least(k, n, middle) < confidence {
            true => low = middle,
            false => high = middle,
        }
    }
}

/// P(Binomial(n, p) >= k), p in (0, 1).
fn at_least(k: usize, n: usize, p: f64) -> f64 {
    let odds = p / (1.0 - p);
    // Of the two tails the one that does not hold the mode: its terms fall from k on.
    if k as f64 > (n as f64 + 1.0) * p {
        let next = |j: usize| odds * (n - j) as f64 / (j + 1) as f64;
        sum(probability(k, n, p), (k..n).map(next))
    } else {
        let Some(last) = k.checked_sub(1) else {
            return 1.0;
        };
        let next = |j: usize| j as f64 / ((n - j + 1) as f64 * odds);
        1.0 - sum(probability(last, n, p), (1..=last).rev().map(next))
    }
}

/// The sum of terms that fall: the first, and each of the others as a part of the one before.
fn sum(first: f64, ratios: impl Iterator<Item = f64>) -> f64 {
    let (mut term, mut sum) = (first, first);
    for ratio in ratios {
        term *= ratio;
        sum += term;
        if term <= sum * 1e-18 {
            break;
        }
    }
    sum
}

/// P(Binomial(n, p) = k).
fn probability(k: usize, n: usize, p: f64) -> f64 {
    let (k, n) = (k as f64, n as f64);
    if k == 0.0 {
        return (n * (-p).ln_1p()).exp();
    }
    if k == n {
        return (n * p.ln()).exp();
    }
    let rest = n - k;
    let exponent = stirling_error(n)
        - stirling_error(k)
        - stirling_error(rest)
        - deviance(k, n * p)
        - deviance(rest, n * (1.0 - p));
    exponent.exp() * (n / (2.0 * PI * k * rest)).sqrt()
}

/// ln n! less Stirling's (n + ½) ln n − n + ½ ln 2π; n >= 1.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        let log_factorial: f64 = (2..=n as u32).map(|i| f64::from(i).ln()).sum();
        return log_factorial - (n + 0.5) * n.ln() + n - 0.5 * (2.0 * PI).ln();
    }
    let square = n * n;
    let series = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
    ];
    series
        .iter()
        .rev()
        .fold(0.0, |sum, term| sum / square + term)
        / n
}

/// x ln(x / mean) + mean − x, without cancellation where the two are close.
fn deviance(x: f64, mean: f64) -> f64 {
    if (x - mean).abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() + mean - x;
    }
    let v = (x - mean) / (x + mean);
    let mut power = 2.0 * x * v;
    let mut sum = (x - mean) * v;
    for j in 1..1000 {
        power *= v * v;
        let next = sum + power / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.beta.ppf(confidence, k, n + 1 - k)`; of a million images and k = 1000, where SciPy is 3e-10 off, by sums of 50 digits.
    #[test]
    fn quantiles_are_those_of_scipy() {
        for (n, k, confidence, expected) in [
            (1, 1, 0.95, 0.95),
            (6, 1, 0.95, 0.393_037_768_997_082_65),
            (9, 1, 0.95, 0.283_128_835_563_113_47),
            (9, 5, 0.95, 0.748_632_372_591_822_7),
            (19, 1, 0.95, 0.145_868_503_312_243_4),
            (99, 1, 0.95, 0.029_806_673_773_350_886),
            (99, 5, 0.95, 0.090_073_558_191_967_66),
            (99, 99, 0.95, 0.999_482_020_113_202_1),
            (100, 7, 0.95, 0.114_985_255_607_920_9),
            (999, 1, 0.95, 0.002_994_239_301_664_360_3),
            (999, 50, 0.95, 0.061_819_982_777_961_614),
            (1000, 1000, 0.95, 0.999_948_708_021_091),
            (10_000, 10, 0.95, 0.001_569_995_118_806_433_5),
            (1_000_000, 1000, 0.95, 0.001_052_548_914_603_803_7),
            (1_000_000, 1, 0.95, 2.995_727_786_355_343e-6),
            (100_000, 50_000, 0.95, 0.502_595_717_954_173_6),
            (20, 3, 0.5, 0.131_473_680_584_266_18),
            (20, 3, 0.99, 0.358_335_262_640_886_9),
            (20, 3, 0.05, 0.042_169_407_885_778_61),
        ] {
            let found = beta_quantile(k, n, confidence);
            let error = (found - expected).abs() / expected;
            assert!(
                error < 1e-11,
                "{n} {k} {confidence}: {found}, {expected}, {error:e}"
            );
        }
    }

    #[test]
    fn tails_and_terms_agree() {
        for (n, p) in [(1, 0.3), (7, 0.5), (40, 0.02), (40, 0.97)] {
            let mut tail = 0.0;
            for k in (0..=n).rev() {
                tail += probability(k, n, p);
                assert!((at_least(k, n, p) - tail).abs() < 1e-13, "{n} {k} {p}");
            }
            assert!((tail - 1.0).abs() < 1e-13);
        }
    }
}
