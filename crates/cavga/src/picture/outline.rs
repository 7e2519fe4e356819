//! Masks drawn onto pictures: a line around what they mark, and masks made smaller without losing a region.

use image::{Rgb, RgbImage};

use super::{PictureError, check, size};

/// The colour of a mask's outline: a cyan that stands out from photographs and from inferno alike.
pub const OUTLINE: Rgb<u8> = Rgb([0, 229, 255]);

/// Draws a line around `mask`, row by row at the size of `image`, onto `image`: two pixels of [`OUTLINE`] and a dark one,
/// so that it shows on light and dark alike, all outside the mask so that what it marks stays visible. Only where the
/// mask reaches the image's border does the line run on the mask itself.
///
/// # Errors
/// [`PictureError::Size`] if the mask's length is not the number of the image's pixels.
pub fn outline(image: &mut RgbImage, mask: &[bool]) -> Result<(), PictureError> {
    let (height, width) = size(image);
    check("mask", mask.len(), 1, height, width)?;
    // Chessboard distance to the mask, up to 3: what a square of that radius around each of its pixels covers.
    let mut distance = vec![u8::MAX; mask.len()];
    for (index, _) in mask.iter().enumerate().filter(|&(_, &set)| set) {
        let (y, x) = (index / width, index % width);
        for near_y in y.saturating_sub(3)..(y + 4).min(height) {
            for near_x in x.saturating_sub(3)..(x + 4).min(width) {
                let apart = y.abs_diff(near_y).max(x.abs_diff(near_x)) as u8;
                if let Some(least) = distance.get_mut(near_y * width + near_x) {
                    *least = apart.min(*least);
                }
            }
        }
    }
    for ((x, y, pixel), apart) in image.enumerate_pixels_mut().zip(distance) {
        let (x, y) = (x as usize, y as usize);
        let border = x == 0 || y == 0 || x + 1 == width || y + 1 == height;
        match apart {
            0 if border => *pixel = OUTLINE,
            1 | 2 => *pixel = OUTLINE,
            3 => *pixel = Rgb([0, 40, 48]),
            _ => {}
        }
    }
    Ok(())
}

/// A smaller mask in which no region is lost: a pixel is set if any pixel below it was.
pub(super) fn shrink(mask: &[bool], from: (usize, usize), to: (usize, usize)) -> Vec<bool> {
    let mut small = vec![false; to.0 * to.1];
    for (index, _) in mask.iter().enumerate().filter(|&(_, &set)| set) {
        let (y, x) = (index / from.1, index % from.1);
        if let Some(pixel) = small.get_mut(y * to.0 / from.0 * to.1 + x * to.1 / from.1) {
            *pixel = true;
        }
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_runs_around_the_mask_and_not_over_it() {
        let mut image = RgbImage::from_pixel(9, 9, Rgb([7, 7, 7]));
        let mut mask = vec![false; 81];
        mask[4 * 9 + 4] = true;
        outline(&mut image, &mask).unwrap();
        assert_eq!(*image.get_pixel(4, 4), Rgb([7, 7, 7]));
        assert_eq!(
            (*image.get_pixel(5, 4), *image.get_pixel(6, 6)),
            (OUTLINE, OUTLINE)
        );
        assert_eq!(*image.get_pixel(8, 8), Rgb([7, 7, 7]));
        outline(&mut image, &[true; 81]).unwrap();
        assert_eq!(
            (*image.get_pixel(0, 4), *image.get_pixel(4, 4)),
            (OUTLINE, Rgb([7, 7, 7]))
        );
    }

    #[test]
    fn a_defect_of_one_pixel_survives_the_thumbnail() {
        let mut mask = vec![false; 100 * 50];
        mask[37 * 100 + 61] = true;
        let small = shrink(&mask, (50, 100), (5, 10));
        assert_eq!(small.iter().filter(|&&set| set).count(), 1);
        assert!(small[3 * 10 + 6]);
    }
}
