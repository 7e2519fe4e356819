//! IEEE half precision in plain Rust that the compiler vectorises: no branches, only selections.

/// The largest finite half, 65504, as a float's bits.
const LARGEST: u32 = 0x477f_e000;
const INFINITE: u32 = 0x7f80_0000;
/// 2⁻¹⁴, the smallest normal half, as a float's bits.
const SMALLEST_NORMAL: u32 = 0x3880_0000;

/// The nearest half, of two equally near ones the even one. Finite values beyond the range of halves become the largest, ±65504;
/// infinities and NaNs stay what they are.
#[inline(always)]
pub(crate) fn narrow(value: f32) -> u16 {
    let bits = value.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    let sign = ((bits ^ magnitude) >> 16) as u16;
    // Half and float differ by 112 in the exponent's bias. Adding just under half of the last place kept, and one more where that
    // place is odd, carries exactly where rounding goes up.
    let odd = (magnitude >> 13) & 1;
    let normal = (magnitude.wrapping_sub(112 << 23).wrapping_add(0xfff + odd) >> 13) as u16;
    // ½ has its last place where the smallest subnormal half is, 2⁻²⁴: the addition rounds, and leaves the half in the lowest bits.
    let subnormal = (f32::from_bits(magnitude) + 0.5)
        .to_bits()
        .wrapping_sub(0.5_f32.to_bits()) as u16;
    let special = if magnitude > INFINITE { 0x7e00 } else { 0x7c00 };
    let finite = if magnitude < SMALLEST_NORMAL {
        subnormal
    } else {
        normal
    };
    let finite = if magnitude > LARGEST { 0x7bff } else { finite };
    sign | if magnitude >= INFINITE {
        special
    } else {
        finite
    }
}

/// The same number as a float; every half is one.
#[inline(always)]
pub(crate) fn widen(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let magnitude = u32::from(half & 0x7fff) << 13;
    let normal = magnitude + (112 << 23);
    // A subnormal half times 2⁻²⁴, by way of a float of exponent 2⁻¹⁴ that has it as fraction.
    let subnormal = f32::from_bits(magnitude + SMALLEST_NORMAL) - f32::from_bits(SMALLEST_NORMAL);
    let bits = if magnitude < 0x400 << 13 {
        subnormal.to_bits()
    } else {
        normal
    };
    let special = magnitude | INFINITE;
    f32::from_bits(
        sign | if magnitude >= 0x7c00 << 13 {
            special
        } else {
            bits
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a half means, by the standard's formula.
    fn meaning(half: u16) -> f64 {
        let (exponent, fraction) = (i32::from(half >> 10 & 31), f64::from(half & 1023) / 1024.0);
        let magnitude = match exponent {
            0 => fraction * (-14_f64).exp2(),
            31 if fraction == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            _ => (1.0 + fraction) * f64::from(exponent - 15).exp2(),
        };
        magnitude.copysign(if half >> 15 == 1 { -1.0 } else { 1.0 })
    }

    #[test]
    fn every_half_widens_to_its_meaning_and_back() {
        for half in 0..=u16::MAX {
            let (ours, exact) = (widen(half), meaning(half));
            if exact.is_nan() {
                assert!(ours.is_nan() && widen(narrow(ours)).is_nan(), "{half:#x}");
            } else {
                assert_eq!(f64::from(ours), exact, "{half:#x}");
                assert_eq!(narrow(ours), half, "{half:#x}");
            }
        }
    }

    #[test]
    fn between_two_halves_the_nearer_is_taken_and_in_the_middle_the_even_one() {
        for low in 0..0x7bff_u16 {
            let high = low + 1;
            let middle = (meaning(low) + meaning(high)) / 2.0;
            let middle = middle as f32; // Exact: it has one bit more than a half.
            let even = if low % 2 == 0 { low } else { high };
            assert_eq!(narrow(middle), even, "{low:#x}");
            assert_eq!(narrow(middle.next_down()), low, "{low:#x}");
            assert_eq!(narrow(middle.next_up()), high, "{low:#x}");
            assert_eq!(narrow(-middle), even | 0x8000, "{low:#x}");
        }
    }

    #[test]
    fn what_is_too_large_saturates_and_infinity_stays() {
        for large in [65504.0, 65519.9, 65520.0, 1e6, f32::MAX] {
            assert_eq!(
                [widen(narrow(large)), widen(narrow(-large))],
                [65504.0, -65504.0]
            );
        }
        assert_eq!(widen(narrow(f32::NEG_INFINITY)), f32::NEG_INFINITY);
        assert_eq!(narrow(f32::MIN_POSITIVE), 0);
    }
}
