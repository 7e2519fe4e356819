//! The standard normal distribution: its tail, and the point that cuts a tail off.

use core::f64::consts::SQRT_2;

/// The probability that a standard normal value lies beyond `z` on either side of 0.
pub(crate) fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// The z beyond which a standard normal value lies, on either side of 0, with this probability in (0, 1).
pub(crate) fn beyond(probability: f64) -> f64 {
    // By halving: the tail falls strictly, and at 40 is smaller than any positive number. After 64 halvings nothing is left to
    // halve; Newton's steps would save what is called once per interval.
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if two_sided(middle) > probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_tables() {
        assert!((beyond(0.05) - 1.959_963_984_540_054).abs() < 1e-14);
        assert!((beyond(0.01) - 2.575_829_303_548_901).abs() < 1e-14);
        assert!((beyond(0.5) - 0.674_489_750_196_082).abs() < 1e-14);
        assert!((two_sided(1.0) - 0.317_310_507_862_914).abs() < 1e-14);
        assert_eq!(two_sided(0.0), 1.0);
        // 2 · 6.2209605742717841e-16 of scipy.stats.norm.sf(8).
        assert!((two_sided(-8.0) / 1.244_192_114_854_348e-15 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_undoes_the_other() {
        for probability in [0.999, 0.3, 0.05, 1e-3, 1e-12, 1e-200] {
            let back = two_sided(beyond(probability));
            assert!((back / probability - 1.0).abs() < 1e-10, "{probability}");
        }
    }
}
