//! The part of images that counts: losses and scores over it alone.
//!
//! What doesn't count was painted before the network saw it, and what comes out there means nothing. Every sum over an image's positions
//! becomes one over those that count, and every mean a mean of those, so that a position weighs in it as in an image all of which counts.
//! On the attention's grid a position weighs by the share of its area that counts.

use burn::tensor::{Tensor, module::adaptive_avg_pool2d};

use crate::losses::{self, Expansion};

/// A logit so sure of white that its cross entropy with white, and the gradient of that, are 0 in single precision.
const SURE: f64 = 120.0;

/// Far below every score.
const BELOW_ALL: f64 = 1e30;

/// The part of the images of a batch that counts.
#[derive(Debug, Clone)]
pub struct Part {
    valid: Tensor<4>,
}

impl Part {
    /// # Shapes
    /// - valid: `[batch, 1, height, width]`, 1 for each pixel that counts, else 0
    pub fn new(valid: Tensor<4>) -> Self {
        Self { valid }
    }

    /// 1 for each pixel that counts, else 0, `[batch, 1, height, width]`.
    pub fn valid(&self) -> &Tensor<4> {
        &self.valid
    }

    /// The same part on a coarser grid, where a position is the share of its area that counts.
    pub fn on_grid(&self, grid: [usize; 2]) -> Self {
        let [_, _, height, width] = self.valid.dims();
        if [height, width] == grid {
            return self.clone();
        }
        Self::new(adaptive_avg_pool2d(self.valid.clone(), grid))
    }

    /// The part of the images without a rim of so many pixels on each side: of what a network says of their middle alone.
    pub fn without_rim(&self, rim: usize) -> Self {
        let [_, _, height, width] = self.valid.dims();
        let inner = self.valid.clone().narrow(2, rim, height - 2 * rim);
        Self::new(inner.narrow(3, rim, width - 2 * rim))
    }

    /// Images with `paint` where they don't count.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]` → the same
    pub fn painted(&self, images: Tensor<4>, paint: f64) -> Tensor<4> {
        let rest = self.valid.clone().mul_scalar(-paint).add_scalar(paint);
        images * self.valid.clone() + rest
    }

    /// The mean of each image over channels and what counts of its positions; 0 where nothing does.
    ///
    /// # Shapes
    /// - values: `[batch, channels, height', width']`, on any grid → `[batch]`
    pub fn mean(&self, values: Tensor<4>) -> Tensor<1> {
        let [_, _, height, width] = values.dims();
        let weights = self.on_grid([height, width]).valid;
        let sum = (values.mean_dim(1) * weights.clone()).sum_dims(&[1, 2, 3]);
        let mean = sum / weights.sum_dims(&[1, 2, 3]).clamp_min(1e-9);
        mean.squeeze_dims::<1>(&[1, 2, 3])
    }

    /// The largest value of each image where it counts.
    ///
    /// # Shapes
    /// - values: `[batch, 1, height, width]` → `[batch, 1, 1, 1]`
    pub fn largest(&self, values: Tensor<4>) -> Tensor<4> {
        let below = self.valid.clone().sub_scalar(1.0).mul_scalar(BELOW_ALL);
        (values + below).max_dim(3).max_dim(2)
    }

    /// Values that don't count become 0, the others weigh as many times more as makes up for those: a sum over an image then is what it would
    /// be if all of the image were like what counts of it.
    ///
    /// # Shapes
    /// - values: `[batch, channels, height, width]` → the same
    pub fn spread(&self, values: Tensor<4>) -> Tensor<4> {
        values * self.valid.clone() * self.scale()
    }

    /// Pixels for each that counts, `[batch, 1, 1, 1]`.
    fn scale(&self) -> Tensor<4> {
        let [_, _, height, width] = self.valid.dims();
        let counted = self.valid.clone().sum_dims(&[1, 2, 3]).clamp_min(1.0);
        counted.recip().mul_scalar((height * width) as f64)
    }

    /// [`losses::reconstruction`] of what counts, times pixels for each that counts: over the number of an image's pixel values, it is the
    /// mean over those that count.
    ///
    /// # Shapes
    /// - logits, images: `[batch, 3, height, width]`, images in [0, 1] → `[batch]`
    pub fn reconstruction(&self, logits: Tensor<4>, images: Tensor<4>) -> Tensor<1> {
        // White where nothing counts, and a logit that is sure of it.
        let (logits, images) = (self.painted(logits, SURE), self.painted(images, 1.0));
        losses::reconstruction(logits, images) * self.scale().squeeze_dims::<1>(&[1, 2, 3])
    }

    /// [`losses::attention_expansion`] over what counts of each image.
    ///
    /// # Shapes
    /// - attention: `[batch, 1, height', width']` in [0, 1] → `[1]`
    pub fn attention_expansion(&self, attention: Tensor<4>, expansion: Expansion) -> Tensor<1> {
        let missing = self.mean(attention.neg().add_scalar(1.0));
        losses::expansion_of_means(missing, expansion)
    }

    /// [`losses::guided_attention`] over what counts of each image.
    ///
    /// # Shapes
    /// - attention: `[images, 2, height', width']`; counts: `[images]` → `[1]`
    pub fn guided_attention(
        &self,
        attention: Tensor<4>,
        counts: Tensor<1>,
        batch: usize,
    ) -> Tensor<1> {
        let mean = |class| self.mean(attention.clone().narrow(1, class, 1));
        losses::guided_by_means([losses::NORMAL, losses::ANOMALOUS].map(mean), counts, batch)
    }
}

/// The mean of each image over channels and what counts of its positions, which is all of them if no part is said.
///
/// # Shapes
/// - values: `[batch, channels, height', width']`, on any grid → `[batch]`
pub fn mean_of_each(values: Tensor<4>, part: Option<&Part>) -> Tensor<1> {
    match part {
        Some(part) => part.mean(values),
        None => values.mean_dims(&[1, 2, 3]).squeeze_dims::<1>(&[1, 2, 3]),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{losses::attention_expansion, random};

    fn noise(shape: [usize; 4], seed: u64) -> Tensor<4> {
        let mut generator = random::generator(seed, random::Stream::Latent, 0);
        random::normal(shape, &mut generator, &Device::flex())
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    /// The left half of each image counts.
    fn left(shape: [usize; 4]) -> Part {
        let [batch, _, height, width] = shape;
        let ones = Tensor::ones([batch, 1, height, width / 2], &Device::flex());
        let zeros = Tensor::zeros([batch, 1, height, width - width / 2], &Device::flex());
        Part::new(Tensor::cat(vec![ones, zeros], 3))
    }

    fn assert_close<const D: usize>(a: Tensor<D>, b: Tensor<D>) {
        for (a, b) in values(a).into_iter().zip(values(b)) {
            assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{a} {b}");
        }
    }

    #[test]
    fn a_loss_is_that_of_the_part_alone_and_has_no_gradient_elsewhere() {
        let shape = [2, 3, 4, 6];
        let part = left(shape);
        let images = crate::ops::sigmoid(noise(shape, 1));
        let leaf = Tensor::from_inner(noise(shape, 2)).require_grad();
        let on_tape = Part::new(Tensor::from_inner(part.valid().clone()));
        let loss = on_tape.reconstruction(leaf.clone(), Tensor::from_inner(images.clone()));
        let gradient = leaf.grad(&loss.clone().sum().backward()).unwrap();
        assert!(
            values(gradient.clone().narrow(3, 3, 3))
                .iter()
                .all(|&g| g == 0.0)
        );
        // A part of which all counts: 2 pixels in the whole for each in it.
        let half = |tensor: Tensor<4>| tensor.narrow(3, 0, 3);
        let alone = Tensor::from_inner(half(noise(shape, 2))).require_grad();
        let whole = losses::reconstruction(alone.clone(), Tensor::from_inner(half(images)));
        assert_close(loss.inner(), whole.clone().inner().mul_scalar(2.0));
        let expected = alone.grad(&whole.sum().backward()).unwrap().mul_scalar(2.0);
        assert_close(half(gradient), expected);
    }

    #[test]
    fn means_and_maxima_are_those_of_the_part() {
        let shape = [2, 1, 4, 8];
        let part = left(shape);
        let map = noise(shape, 3);
        let half = map.clone().narrow(3, 0, 4);
        let mean = half
            .clone()
            .mean_dims(&[1, 2, 3])
            .squeeze_dims::<1>(&[1, 2, 3]);
        assert_close(part.mean(map.clone()), mean);
        let largest = half.clone().max_dim(3).max_dim(2);
        assert_eq!(values(part.largest(map.clone())), values(largest));
        for expansion in [Expansion::Equality, Expansion::Barrier] {
            let attention = crate::ops::sigmoid(map.clone());
            let alone = attention_expansion(crate::ops::sigmoid(half.clone()), expansion);
            assert_close(part.attention_expansion(attention, expansion), alone);
        }
        let counts = Tensor::from_floats([1.0, 0.0], &Device::flex());
        let both = Tensor::cat(vec![map.clone(), map.neg()], 1);
        let alone = losses::guided_attention(both.clone().narrow(3, 0, 4), counts.clone(), 2);
        assert_close(part.guided_attention(both, counts, 2), alone);
    }

    #[test]
    fn a_grid_weighs_by_area_and_paint_covers_what_does_not_count() {
        let part = left([1, 3, 4, 6]);
        assert_eq!(values(part.on_grid([1, 2]).valid), [1.0, 0.0]);
        assert_close(
            part.on_grid([1, 1]).valid,
            Tensor::full([1, 1, 1, 1], 0.5, &Device::flex()),
        );
        let painted = part.painted(Tensor::zeros([1, 3, 4, 6], &Device::flex()), 0.25);
        assert_close(
            part.mean(painted.clone()),
            Tensor::zeros([1], &Device::flex()),
        );
        assert_eq!(values(painted.narrow(3, 3, 3)), [0.25; 36]);
    }

    #[test]
    fn an_image_of_which_nothing_counts_gives_numbers() {
        let nothing = Part::new(Tensor::zeros([1, 1, 4, 4], &Device::flex()));
        let image = Tensor::full([1, 3, 4, 4], 0.3, &Device::flex());
        let loss = nothing.reconstruction(noise([1, 3, 4, 4], 4), image.clone());
        assert_eq!(values(loss), [0.0]);
        assert_eq!(values(nothing.mean(image)), [0.0]);
    }
}
