//! What is cut out of images, and maps put together again.

use burn::tensor::Tensor;
use cavga_nn::{part::Part, random::Stream};
use rand::RngExt;

use crate::descent::Lesson;

/// Patches of a side, drawn of a lesson's images: `count` of each.
pub(super) fn draw(lesson: &Lesson, side: usize, count: usize) -> Lesson {
    let [batch, _, height, width] = lesson.images.dims();
    let mut generator = lesson.generator(Stream::Patches);
    let mut images = Vec::with_capacity(batch * count);
    let mut valid = Vec::new();
    for image in (0..batch).flat_map(|image| std::iter::repeat_n(image, count)) {
        let corner = [height, width].map(|length| generator.random_range(0..=length - side));
        let of = |whole: &Tensor<4>| cut(&whole.clone().narrow(0, image, 1), corner, side);
        images.push(of(&lesson.images));
        valid.extend(lesson.part.as_ref().map(|part| of(part.valid())));
    }
    let part = (!valid.is_empty()).then(|| Part::new(Tensor::cat(valid, 0)));
    lesson.with(Tensor::cat(images, 0), part)
}

/// The patch whose upper left corner, `[row, column]`, is given.
fn cut(images: &Tensor<4>, [row, column]: [usize; 2], side: usize) -> Tensor<4> {
    images.clone().narrow(2, row, side).narrow(3, column, side)
}

/// Where patches of a side begin along a length: every `stride` pixels, and one more where the last would leave a rest.
fn begins(length: usize, side: usize, stride: usize) -> Vec<usize> {
    let last = length - side;
    let mut begins: Vec<usize> = (0..=last).step_by(stride).collect();
    if begins.last() != Some(&last) {
        begins.push(last);
    }
    begins
}

/// The maps of all patches on a grid, averaged where they overlap. Patches in one place of all images are scored together: it needs the
/// room of one patch, however many there are.
///
/// # Shapes
/// - images: `[batch, channels, height, width]`
/// - of_patches: `[batch, channels, side, side]`, and what counts of them → `[batch, maps, side, side]`
/// - output: `[batch, maps, height, width]`
pub(super) fn averaged(
    images: &Tensor<4>,
    part: Option<&Part>,
    maps: usize,
    [side, stride]: [usize; 2],
    of_patches: impl Fn(Tensor<4>, Option<&Part>) -> Tensor<4>,
) -> Tensor<4> {
    let [batch, _, height, width] = images.dims();
    let device = images.device();
    let ones = Tensor::<4>::ones([1, 1, side, side], &device);
    let mut counts = Tensor::<4>::zeros([1, 1, height, width], &device);
    let mut sums = Tensor::<4>::zeros([batch, maps, height, width], &device);
    for row in begins(height, side, stride) {
        for column in begins(width, side, stride) {
            let corner = [row, column];
            let counted = part.map(|part| Part::new(cut(part.valid(), corner, side)));
            let found = of_patches(cut(images, corner, side), counted.as_ref());
            sums = add(sums, found, corner);
            counts = add(counts, ones.clone(), corner);
        }
    }
    sums / counts
}

/// Adds a patch to what lies under it.
fn add(sums: Tensor<4>, patch: Tensor<4>, [row, column]: [usize; 2]) -> Tensor<4> {
    let [batch, channels, height, width] = patch.dims();
    let place = [
        0..batch,
        0..channels,
        row..row + height,
        column..column + width,
    ];
    let under = sums.clone().slice(place.clone());
    sums.slice_assign(place, under + patch)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn patches_reach_both_ends_and_leave_no_gap() {
        assert_eq!(begins(256, 128, 30), [0, 30, 60, 90, 120, 128]);
        assert_eq!(begins(128, 128, 30), [0]);
        assert_eq!(begins(188, 128, 30), [0, 30, 60]);
    }

    #[test]
    fn what_patches_agree_on_is_the_map() {
        let values: Vec<f32> = (0..2 * 20 * 26).map(|value| value as f32).collect();
        let images = Tensor::<1>::from_floats(values.as_slice(), &Device::flex());
        let images = images.reshape([2, 1, 20, 26]);
        let found = averaged(&images, None, 1, [8, 5], |patches, _| patches);
        assert!(found.all_close(images, None, Some(1e-3)));
    }
}
