//! Small random changes to training images, so that a detector learns what varies without being a defect.
//!
//! Each image's changes are drawn from a stream named by (seed, pass, index): which thread does it, and when, cannot
//! matter. Every draw is made whether or not its change is switched on, so that switching one on leaves the others' alone.

use serde::{Deserialize, Serialize};

use crate::decode::Image;
use crate::error::{Error, Result};
use crate::stream::{Purpose, Stream};
use crate::valid::Valid;

/// Which random changes are made to training images. The default is none: a flip is only harmless where the part may
/// come flipped, which nobody but the user knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Mirror left and right, half of the time.
    pub flip_horizontal: bool,
    /// Mirror top and bottom, half of the time.
    pub flip_vertical: bool,
    /// Turn about the centre by up to so many degrees either way, 0 to 180.
    pub rotate: f32,
    /// Cut up to this fraction off each side (each by itself) and stretch the rest to the full size, 0 to below 0.5.
    pub crop: f32,
    /// Multiply all values by 1 plus or minus up to this much, 0 to 1; what leaves [0, 1] is clamped.
    pub brightness: f32,
}

/// One drawing of changes.
struct Change {
    mirror_x: bool,
    mirror_y: bool,
    radians: f64,
    /// Fractions cut off: left, right, top, bottom.
    cut: [f64; 4],
    gain: f32,
}

impl Augment {
    /// Requires that every value is within its range.
    ///
    /// # Errors
    /// [`Error::Setting`] with the key.
    pub fn validate(&self) -> Result<()> {
        let require = |key, ok: bool, expected, value: f32| {
            if ok {
                Ok(())
            } else {
                Err(Error::Setting {
                    key,
                    expected,
                    found: value.to_string(),
                })
            }
        };
        require(
            "rotate",
            (0.0..=180.0).contains(&self.rotate),
            "degrees from 0 to 180",
            self.rotate,
        )?;
        require(
            "crop",
            (0.0..0.5).contains(&self.crop),
            "a fraction from 0 to below 0.5",
            self.crop,
        )?;
        require(
            "brightness",
            (0.0..=1.0).contains(&self.brightness),
            "a fraction from 0 to 1",
            self.brightness,
        )
    }

    /// Changes an image as the stream of (seed, pass, index) says.
    pub fn apply(&self, image: &mut Image, seed: u64, pass: u64, index: u64) {
        if *self == Self::default() {
            return;
        }
        let change = self.draw(Stream::new(seed, Purpose::Augment, pass, index));
        let moved =
            change.mirror_x || change.mirror_y || change.radians != 0.0 || change.cut != [0.0; 4];
        if moved {
            image.pixels = change.resample(image);
        }
        if change.gain != 1.0 {
            for value in &mut image.pixels {
                *value = (*value * change.gain).clamp(0.0, 1.0);
            }
        }
    }

    /// Moves which pixels of an image count as [`Augment::apply`] moves its pixels.
    pub(crate) fn apply_to_valid(&self, valid: &mut Valid, seed: u64, pass: u64, index: u64) {
        let still = Self {
            brightness: 0.0,
            ..*self
        };
        let [height, width] = valid.size;
        let mut numbers = Image {
            height,
            width,
            pixels: valid.numbers(),
        };
        still.apply(&mut numbers, seed, pass, index);
        *valid = Valid::from_numbers(valid.size, &numbers.pixels);
    }

    fn draw(&self, mut stream: Stream) -> Change {
        let (mirror_x, mirror_y) = (stream.coin(), stream.coin());
        let turn = stream.between(-1.0, 1.0) * f64::from(self.rotate);
        let cut = [(); 4].map(|()| stream.unit() * f64::from(self.crop));
        let gain = 1.0 + stream.between(-1.0, 1.0) as f32 * self.brightness;
        Change {
            mirror_x: self.flip_horizontal && mirror_x,
            mirror_y: self.flip_vertical && mirror_y,
            radians: turn.to_radians(),
            cut,
            gain,
        }
    }
}

impl Change {
    /// All that moves pixels, in one bilinear pass: sampling twice would blur twice. Beyond the border the image is
    /// continued by its mirror image, as black corners would be learned as normal.
    fn resample(&self, image: &Image) -> Vec<f32> {
        let (height, width) = (image.height, image.width);
        let [left, right, top, bottom] = self.cut;
        let (sin, cos) = self.radians.sin_cos();
        let (middle_y, middle_x) = (height as f64 / 2.0, width as f64 / 2.0);
        let mut out = vec![0.0; image.pixels.len()];
        let plane = height * width;
        // Three, or the one of what counts.
        let channels = image.pixels.len() / plane.max(1);
        for row in 0..height {
            for column in 0..width {
                let (mut x, mut y) = (
                    (column as f64 + 0.5) / width as f64,
                    (row as f64 + 0.5) / height as f64,
                );
                x = if self.mirror_x { 1.0 - x } else { x };
                y = if self.mirror_y { 1.0 - y } else { y };
                let dx = (left + x * (1.0 - left - right)) * width as f64 - middle_x;
                let dy = (top + y * (1.0 - top - bottom)) * height as f64 - middle_y;
                let (across, x0, x1) = taps(middle_x + cos * dx - sin * dy, width);
                let (down, y0, y1) = taps(middle_y + sin * dx + cos * dy, height);
                for channel in 0..channels {
                    let at = |y: usize, x: usize| image.pixels[channel * plane + y * width + x];
                    let upper = at(y0, x0) + (at(y0, x1) - at(y0, x0)) * across;
                    let lower = at(y1, x0) + (at(y1, x1) - at(y1, x0)) * across;
                    out[channel * plane + row * width + column] = upper + (lower - upper) * down;
                }
            }
        }
        out
    }
}

/// The two pixels beside a position (in pixels, centres at halves) and the second one's weight.
fn taps(position: f64, n: usize) -> (f32, usize, usize) {
    let shifted = position - 0.5;
    let floor = shifted.floor();
    (
        (shifted - floor) as f32,
        reflect(floor as i64, n),
        reflect(floor as i64 + 1, n),
    )
}

/// An index continued by reflection about the image's edges: ... 1 0 | 0 1 ... n-1 | n-1 ...
fn reflect(index: i64, n: usize) -> usize {
    let n = n as i64;
    let folded = index.rem_euclid(2 * n);
    (if folded < n {
        folded
    } else {
        2 * n - 1 - folded
    }) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(height: usize, width: usize) -> Image {
        let pixels = (0..3 * height * width)
            .map(|i| (i % 97) as f32 / 96.0)
            .collect();
        Image {
            height,
            width,
            pixels,
        }
    }

    #[test]
    fn default_changes_nothing() {
        let mut image = ramp(5, 7);
        Augment::default().apply(&mut image, 1, 2, 3);
        assert_eq!(image, ramp(5, 7));
    }

    #[test]
    fn flips_are_exact_and_come_half_of_the_time() {
        let augment = Augment {
            flip_horizontal: true,
            ..Augment::default()
        };
        let original = ramp(6, 9);
        let mirrored: Vec<f32> = original
            .pixels
            .chunks(9)
            .flat_map(|row| row.iter().rev().copied())
            .collect();
        let mut flipped = 0;
        for index in 0..200 {
            let mut image = original.clone();
            augment.apply(&mut image, 4, 0, index);
            if image.pixels == mirrored {
                flipped += 1;
            } else {
                assert_eq!(image, original);
            }
        }
        assert!((70..130).contains(&flipped), "{flipped}");
    }

    #[test]
    fn same_stream_same_bits_and_values_stay_in_range() {
        let augment = Augment {
            flip_horizontal: true,
            flip_vertical: true,
            rotate: 20.0,
            crop: 0.1,
            brightness: 0.5,
        };
        let changed = |pass, index| {
            let mut image = ramp(16, 12);
            augment.apply(&mut image, 9, pass, index);
            image
        };
        assert_eq!(changed(0, 5), changed(0, 5));
        assert_ne!(changed(0, 5), changed(1, 5));
        assert_ne!(changed(0, 5), changed(0, 6));
        assert!((0..50).all(|i| {
            changed(0, i)
                .pixels
                .iter()
                .all(|value| (0.0..=1.0).contains(value))
        }));
    }

    #[test]
    fn turning_an_even_image_leaves_it_even() {
        let augment = Augment {
            rotate: 180.0,
            crop: 0.3,
            ..Augment::default()
        };
        let mut image = Image {
            height: 8,
            width: 8,
            pixels: vec![0.25; 192],
        };
        augment.apply(&mut image, 0, 0, 0);
        assert!(image.pixels.iter().all(|value| (value - 0.25).abs() < 1e-6));
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let bad = Augment {
            crop: 0.5,
            ..Augment::default()
        };
        assert!(bad.validate().unwrap_err().to_string().contains("`crop`"));
        assert!(
            Augment {
                rotate: f32::NAN,
                ..Augment::default()
            }
            .validate()
            .is_err()
        );
        assert!(
            Augment {
                rotate: 180.0,
                crop: 0.49,
                brightness: 1.0,
                ..Augment::default()
            }
            .validate()
            .is_ok()
        );
    }
}
