//! Plain pictures, at the ends of what a network may be given: no light, all light, no order.

use super::canvas::{Canvas, level};
use super::noise::at_point;
use crate::decode::Image;

/// What a plain picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// 0 everywhere.
    Black,
    /// 1 everywhere.
    White,
    /// Red grows from left to right, green from top to bottom, blue along the diagonal.
    Gradient,
    /// Each value by itself, uniform in [0, 1).
    Noise,
}

impl Pattern {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Black, Self::White, Self::Gradient, Self::Noise];

    /// Its name: `"black"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Black => "black",
            Self::White => "white",
            Self::Gradient => "gradient",
            Self::Noise => "noise",
        }
    }

    /// The picture at `size`, `[height, width]`; its values are multiples of 1/255. `seed` is the noise's.
    pub fn image(self, size: [usize; 2], seed: u64) -> Image {
        let [height, width] = size.map(|side| side.saturating_sub(1).max(1) as f64);
        let value = |row: usize, column: usize, channel: u64| {
            let (down, right) = (row as f64 / height, column as f64 / width);
            match (self, channel) {
                (Self::Black, _) => 0.0,
                (Self::White, _) => 1.0,
                (Self::Gradient, 0) => right,
                (Self::Gradient, 1) => down,
                (Self::Gradient, _) => (down + right) / 2.0,
                (Self::Noise, _) => at_point(seed ^ channel, column as i64, row as i64),
            }
        };
        let [height, width] = size;
        let places = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
        let colours =
            places.flat_map(|(row, column)| [0, 1, 2].map(|c| level(value(row, column, c))));
        let rgb = colours.collect();
        Canvas { height, width, rgb }.to_image()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shows_what_it_says() {
        let of = |pattern: Pattern, seed| pattern.image([3, 5], seed).pixels;
        assert!(of(Pattern::Black, 0).iter().all(|value| *value == 0.0));
        assert!(of(Pattern::White, 0).iter().all(|value| *value == 1.0));
        let gradient = of(Pattern::Gradient, 0);
        assert_eq!(
            gradient[..5],
            [0.0, 64.0 / 255.0, 128.0 / 255.0, 191.0 / 255.0, 1.0]
        );
        assert_eq!(gradient[15 + 10..][..5], [1.0; 5]);
        assert_eq!(of(Pattern::Noise, 1), of(Pattern::Noise, 1));
        assert_ne!(of(Pattern::Noise, 1), of(Pattern::Noise, 8));
    }

    #[test]
    fn a_single_pixel_is_a_picture_too() {
        for pattern in Pattern::ALL {
            assert_eq!(pattern.image([1, 1], 0).pixels.len(), 3);
        }
    }
}
