//! The colours of heat maps: from values to positions in a range, and from positions to inferno.
//!
//! Inferno is evaluated as a polynomial of degree 6 (a published fit, within 6 of 255 of the table) instead of 256 rows
//! of numbers.

use image::Rgb;

/// The colour of what has no finite value: a grey that the colour map doesn't contain.
pub const NO_VALUE: Rgb<u8> = Rgb([128, 128, 128]);

/// Inferno at `position` in [0, 1] (clamped; not finite gives [`NO_VALUE`]).
pub fn inferno(position: f32) -> Rgb<u8> {
    const COEFFICIENTS: [[f32; 3]; 7] = [
        [0.000_218_94, 0.001_651_0, -0.019_480_9],
        [0.106_513_42, 0.563_956_44, 3.932_712_4],
        [11.602_493, -3.972_854, -15.942_394],
        [-41.703_996, 17.436_4, 44.354_145],
        [77.162_94, -33.402_36, -81.807_31],
        [-71.319_43, 32.626_064, 73.209_52],
        [25.131_126, -12.242_669, -23.070_325],
    ];
    if !position.is_finite() {
        return NO_VALUE;
    }
    let t = position.clamp(0.0, 1.0);
    let channel = |index: usize| {
        let value = COEFFICIENTS
            .iter()
            .rev()
            .fold(0.0, |sum, term| sum * t + term[index]);
        (value.clamp(0.0, 1.0) * 255.0).round() as u8
    };
    Rgb([channel(0), channel(1), channel(2)])
}

/// Where `value` lies in `range`, clamped to [0, 1]; NaN where value or range is NaN. An empty range is a step at its end.
pub(super) fn position(value: f32, (low, high): (f32, f32)) -> f32 {
    if value.is_nan() || low.is_nan() || high.is_nan() {
        f32::NAN
    } else if value >= high {
        if value > low { 1.0 } else { 0.0 }
    } else if value <= low {
        0.0
    } else {
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inferno_agrees_with_the_published_table() {
        let table = [
            (0.0, [0, 0, 4]),
            (0.25, [87, 16, 110]),
            (0.5, [188, 55, 84]),
            (0.75, [249, 142, 9]),
            (1.0, [252, 255, 164]),
        ];
        for (position, expected) in table {
            for (found, expected) in inferno(position).0.into_iter().zip(expected) {
                assert!(
                    i32::from(found).abs_diff(expected) <= 6,
                    "{position}: {:?}",
                    inferno(position)
                );
            }
        }
    }

    #[test]
    fn lightness_rises_all_the_way() {
        let luma = |step: u32| {
            let Rgb([r, g, b]) = inferno(step as f32 / 64.0);
            0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b)
        };
        assert!((1..=64).all(|step| luma(step) > luma(step - 1)));
    }
}
