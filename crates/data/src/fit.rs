//! How an image of one shape becomes one of another: stretched, or cut first.

use image::DynamicImage;

/// How an image comes to a size of another aspect ratio.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fit {
    /// Stretched: nothing is lost, as a detector needs it.
    #[default]
    Stretch,
    /// Cut to the aspect ratio about the centre, then resized: shapes stay what they are, as a network that makes images needs it.
    Crop,
}

impl Fit {
    /// `[height, width]` of the centred part of an image of `found` that is resized to `size`.
    pub fn part(self, found: [usize; 2], size: [usize; 2]) -> [usize; 2] {
        let [height, width] = found;
        // No size is 0 where an image is loaded; here a 0 only must not divide.
        let [rows, columns] = size.map(|side| side.max(1) as u64);
        let scaled = |side: usize, by: u64, over: u64| {
            let product = (side as u64).saturating_mul(by);
            usize::try_from((product + over / 2) / over).unwrap_or(usize::MAX)
        };
        match self {
            Self::Stretch => found,
            Self::Crop => [
                scaled(width, rows, columns).clamp(1, height.max(1)),
                scaled(height, columns, rows).clamp(1, width.max(1)),
            ],
        }
    }

    /// The part of `image` that is resized to `size`.
    pub(crate) fn cut(self, image: DynamicImage, size: [usize; 2]) -> DynamicImage {
        let found = [image.height(), image.width()];
        let part = self.part(found.map(|side| side as usize), size);
        // Never larger than the image, whose sides are u32.
        let part = [0, 1].map(|i| u32::try_from(part[i]).unwrap_or(found[i]).min(found[i]));
        if part == found {
            return image;
        }
        let [top, left] = [0, 1].map(|i| (found[i] - part[i]) / 2);
        image.crop_imm(left, top, part[1], part[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_centred_part_of_the_aspect_ratio_is_taken() {
        // Celeb-A's faces, a row and a column.
        for (found, size, part) in [
            ([218, 178], [64, 64], [178, 178]),
            ([178, 218], [64, 64], [178, 178]),
            ([100, 100], [64, 32], [100, 50]),
            ([1, 100], [64, 64], [1, 1]),
            ([1, 1], [1, 1000], [1, 1]),
        ] {
            assert_eq!(Fit::Crop.part(found, size), part);
            assert_eq!(Fit::Stretch.part(found, size), found);
        }
        let image = DynamicImage::ImageLuma8(image::GrayImage::from_fn(3, 7, |x, y| {
            image::Luma([(10 * y + x) as u8])
        }));
        let cut = Fit::Crop.cut(image, [64, 64]).into_luma8();
        assert_eq!(cut.as_raw(), &[20, 21, 22, 30, 31, 32, 40, 41, 42]);
    }
}
