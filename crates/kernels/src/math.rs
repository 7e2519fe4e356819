//! exp and ln(1 + x) in arithmetic that the compiler vectorises on every path, where the standard library's are calls.
//! Products and sums are rounded apart, so that all paths give the same bits. Errors: at most 2 units in the last place.

/// eˣ. Below the smallest subnormal number it is 0, above the largest float infinite; of a NaN a NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// A float this large has no fraction: adding it rounds to a whole number, which its lowest bits then hold.
    const ROUND: f32 = (3 << 22) as f32;
    /// ln 2 in two parts. Multiples of the first, which has few bits, are exact.
    const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];
    // Beyond these the result is 0 or infinite. Written so that a NaN passes.
    let x = if x < -104.0 { -104.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    let exponent = (rounded.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let rest = x - whole * LN_2[0] - whole * LN_2[1];
    // The minimax polynomial of Cephes's expf (Moshier, 1989) for |rest| ≤ ½ ln 2.
    let mut sum = 1.987_569_1e-4;
    for coefficient in [
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_6e-1,
        0.5,
    ] {
        sum = sum * rest + coefficient;
    }
    let power = sum * (rest * rest) + rest + 1.0;
    // In two steps, since 2^128 and the subnormal powers of two have no exponent of their own.
    let half = exponent >> 1;
    power * power_of_two(half) * power_of_two(exponent - half)
}

/// 2ⁿ for n in -126..=127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// ln(1 + x) for x in [0, 1].
#[inline(always)]
pub(crate) fn ln_1p(x: f32) -> f32 {
    // With s = x / (2 + x): ln(1 + x) = 2·artanh s = 2s + 2s³/3 + 2s⁵/5 + ..., s² ≤ 1/9. What is left out is 1.4e-8 of it.
    let s = x / (2.0 + x);
    let z = s * s;
    let mut sum = 2.0 / 13.0;
    for odd in [11.0, 9.0, 7.0, 5.0, 3.0] {
        sum = sum * z + 2.0 / odd;
    }
    // 2s = x − s·x: so written, the rounding of s counts less (as in fdlibm's log1p).
    x - s * (x - z * sum)
}

/// 1 / (1 + e⁻ˣ), and at 0 exactly ½.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    let small = exp(-x.abs());
    let top = if x < 0.0 { small } else { 1.0 };
    top / (1.0 + small)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error of `ours` over `inputs`, in units in the last place of the exact value.
    fn worst(
        inputs: impl Iterator<Item = f32>,
        ours: fn(f32) -> f32,
        exact: fn(f64) -> f64,
    ) -> (f64, f32) {
        let mut worst = (0.0, 0.0);
        for x in inputs {
            let exact = exact(f64::from(x));
            let value = exact as f32;
            let unit = f64::from(f32::from_bits(value.to_bits() + 1)) - f64::from(value);
            let error = (f64::from(ours(x)) - exact).abs() / unit;
            if error > worst.0 || error.is_nan() {
                worst = (error, x);
            }
        }
        worst
    }

    fn steps(low: f32, high: f32) -> impl Iterator<Item = f32> {
        let count = if cfg!(miri) { 100 } else { 2_000_000 };
        (0..=count).map(move |i| low + (high - low) * (i as f32 / count as f32))
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        for (low, high) in [(-87.3, 88.7), (-1.0, 1.0), (-1e-3, 1e-3)] {
            let (error, at) = worst(steps(low, high), exp, f64::exp);
            assert!(error <= 2.0, "{error} at {at}");
        }
        // Subnormal results are rounded twice.
        let (error, at) = worst(steps(-103.0, -87.3), exp, f64::exp);
        assert!(error <= 2.0, "{error} at {at}");
    }

    #[test]
    fn exp_has_its_limits() {
        assert_eq!([exp(0.0), exp(-0.0)], [1.0, 1.0]);
        assert_eq!([exp(-104.5), exp(f32::NEG_INFINITY)], [0.0, 0.0]);
        assert_eq!([exp(88.8), exp(f32::INFINITY)], [f32::INFINITY; 2]);
        assert!(exp(88.72).is_finite() && exp(f32::NAN).is_nan());
    }

    #[test]
    fn ln_1p_is_within_two_units_in_the_last_place() {
        let (error, at) = worst(steps(0.0, 1.0), ln_1p, f64::ln_1p);
        assert!(error <= 2.0, "{error} at {at}");
        let tiny = (1..=125).map(|n| f32::from_bits(n << 23 | 0x2a_aaaa));
        let (error, at) = worst(tiny, ln_1p, f64::ln_1p);
        assert!(error <= 2.0, "{error} at {at}");
        assert!(ln_1p(0.0) == 0.0 && ln_1p(f32::NAN).is_nan());
    }

    #[test]
    fn sigmoid_is_within_three_units_in_the_last_place() {
        let exact = |x: f64| 1.0 / (1.0 + (-x).exp());
        let (error, at) = worst(steps(-87.0, 30.0), sigmoid, exact);
        assert!(error <= 3.0, "{error} at {at}");
        assert_eq!([sigmoid(0.0), sigmoid(-0.0)], [0.5, 0.5]);
        assert_eq!(
            [sigmoid(f32::NEG_INFINITY), sigmoid(f32::INFINITY)],
            [0.0, 1.0]
        );
        assert!(sigmoid(f32::NAN).is_nan());
    }
}
