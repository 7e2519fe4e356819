//! Whether two ways to decide differ in how often they are right.

/// McNemar's test in its exact form (Psychometrika 12(2), 1947): the two-sided probability that, of the items on which one
/// alone of two deciders is right, they share so unevenly or more so, if each were as likely to be the one. In (0, 1]; 1
/// where they never differ.
///
/// `first` items were decided right by the first alone, `second` by the second alone. The items must be independent of each
/// other.
pub fn mcnemar(first: u64, second: u64) -> f64 {
    let (few, all) = (first.min(second), first.saturating_add(second));
    // 2 · Σ C(all, k) / 2^all for k up to `few`, from its largest term down; in logarithms, as 2^all overflows.
    let log_of = |n: u64| libm::lgamma(n as f64 + 1.0);
    let largest =
        log_of(all) - log_of(few) - log_of(all - few) - all as f64 * core::f64::consts::LN_2;
    let (mut sum, mut term) = (1.0, 1.0);
    for k in (1..=few).rev() {
        term *= k as f64 / (all - k + 1) as f64;
        sum += term;
        if term < 1e-18 * sum {
            break;
        }
    }
    (2.0 * largest.exp() * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_counts_by_hand() {
        assert_eq!(mcnemar(0, 0), 1.0);
        assert_eq!(mcnemar(3, 3), 1.0);
        // 2 · 1/2^5, and 2 · (1 + 7) / 2^7.
        assert!((mcnemar(0, 5) - 0.0625).abs() < 1e-15);
        assert!((mcnemar(6, 1) - 0.125).abs() < 1e-15);
        assert_eq!(mcnemar(6, 1), mcnemar(1, 6));
    }

    #[test]
    fn large_counts_neither_overflow_nor_vanish() {
        // scipy.stats.binomtest(480, 1040).pvalue
        let found = mcnemar(480, 560);
        assert!((found / LARGE - 1.0).abs() < 1e-9, "{found}");
        assert!(mcnemar(0, 2_000) < 1e-300);
        assert!(mcnemar(u64::from(u32::MAX), 0) >= 0.0);
    }

    const LARGE: f64 = 0.014_259_079_095_385_853;
}
