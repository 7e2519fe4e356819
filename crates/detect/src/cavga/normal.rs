//! What normal images held out of training show, position by position.

use burn::tensor::{Device, Tensor};
use cavga_nn::{part::Part, state};

use crate::{Result, Tensors};

/// How many images' worth of trust the spread pooled over all positions gets beside a position's own: with a handful of held-out images, a
/// position that happened to vary little would otherwise call anything anomalous.
const POOLED_IMAGES: f64 = 8.0;

/// Less than any share of a position that counts.
const LEAST: f64 = 1e-9;

/// The least spread, as a share of the quantity's own size: of less, a deviation would be made of the last bits of a sum. One held-out
/// image, or many that are the same, have no spread at all.
const LEAST_SPREAD: f64 = 1e-4;

/// Mean and spread of a quantity over normal images at each position.
#[derive(Debug, Clone)]
pub(super) struct Normal {
    /// `[1, channels, height, width]`.
    mean: Tensor<4>,
    /// Root of the variance, summed over channels, `[1, 1, height, width]`.
    spread: Tensor<4>,
}

/// A quantity over normal images so far: as many as there are, it needs the room of one batch (Chan, Golub and LeVeque 1979).
#[derive(Debug, Default)]
pub(super) struct Seen {
    images: usize,
    /// Where pixels don't count: the images that count at each position, `[1, 1, height, width]`.
    counted: Option<Tensor<4>>,
    /// The mean, `[1, channels, height, width]`, and the squares of what deviates from it, summed over images and channels,
    /// `[1, 1, height, width]`.
    sums: Option<(Tensor<4>, Tensor<4>)>,
}

impl Seen {
    /// Takes in values `[images, channels, height, width]`; where a part of them counts, in all batches or in none.
    pub(super) fn add(&mut self, values: Tensor<4>, part: Option<&Part>) {
        if let Some(part) = part {
            return self.add_part(values, part.valid());
        }
        let new = values.dims()[0];
        let mean = values.clone().mean_dim(0);
        let squares = (values - mean.clone()).square().sum_dim(0).sum_dim(1);
        let (before, all) = (self.images as f64, (self.images + new) as f64);
        self.images += new;
        self.sums = Some(match self.sums.take() {
            None => (mean, squares),
            Some((old_mean, old_squares)) => {
                let moved = mean - old_mean.clone();
                let between = moved.clone().square().sum_dim(1);
                let share = new as f64 / all;
                (
                    old_mean + moved.mul_scalar(share),
                    old_squares + squares + between.mul_scalar(before * share),
                )
            }
        });
    }

    /// [`Seen::add`] where each position of each image weighs by a share of its own.
    fn add_part(&mut self, values: Tensor<4>, weights: &Tensor<4>) {
        self.images += values.dims()[0];
        let new = weights.clone().sum_dim(0);
        let mean = (values.clone() * weights.clone()).sum_dim(0) / new.clone().clamp_min(LEAST);
        let squares = ((values - mean.clone()).square() * weights.clone())
            .sum_dim(0)
            .sum_dim(1);
        let (Some(before), Some((old_mean, old_squares))) = (self.counted.take(), self.sums.take())
        else {
            (self.counted, self.sums) = (Some(new), Some((mean, squares)));
            return;
        };
        let all = before.clone() + new.clone();
        let share = new / all.clone().clamp_min(LEAST);
        let moved = mean - old_mean.clone();
        let between = moved.clone().square().sum_dim(1);
        self.sums = Some((
            old_mean + moved * share.clone(),
            old_squares + squares + between * before * share,
        ));
        self.counted = Some(all);
    }

    /// What they say; `None` without an image.
    pub(super) fn normal(self) -> Option<Normal> {
        let (mean, squares) = self.sums?;
        if let Some(counted) = self.counted {
            // A position that never counted has the pooled spread, and no mean; nobody asks it.
            let pooled = squares.clone().mean_dims(&[2, 3])
                / counted.clone().mean_dims(&[2, 3]).clamp_min(LEAST);
            let shrunk = (squares + pooled.mul_scalar(POOLED_IMAGES))
                / counted.clone().add_scalar(POOLED_IMAGES);
            return Some(Normal::new(mean, shrunk.sqrt(), Some(&counted)));
        }
        let images = self.images as f64;
        let variance = squares.div_scalar(images);
        let pooled = variance.clone().mean_dims(&[2, 3]);
        let shrunk = (variance.mul_scalar(images) + pooled.mul_scalar(POOLED_IMAGES))
            .div_scalar(images + POOLED_IMAGES);
        Some(Normal::new(mean, shrunk.sqrt(), None))
    }
}

impl Normal {
    /// With a spread that deviations can be told in. `counted`: where not all positions count, how much each did.
    fn new(mean: Tensor<4>, spread: Tensor<4>, counted: Option<&Tensor<4>>) -> Self {
        let mut size = mean.clone().square().sum_dim(1).mean_dims(&[2, 3]);
        if let Some(counted) = counted {
            // A position that never counted has a mean of 0, which says nothing of the quantity's size.
            let share = counted.clone().greater_elem(LEAST).float();
            size = size / share.mean_dims(&[2, 3]).clamp_min(LEAST);
        }
        let size = size.sqrt();
        let least = size.mul_scalar(LEAST_SPREAD).clamp_min(1e-6);
        let least = least.expand(spread.dims());
        Self {
            mean,
            spread: spread.max_pair(least),
        }
    }

    /// How many spreads above the mean, of one channel.
    pub(super) fn deviation(&self, values: Tensor<4>) -> Tensor<4> {
        (values - self.mean.clone()) / self.spread.clone()
    }

    /// How many spreads away from the mean, over all channels, `[batch, 1, height, width]`.
    pub(super) fn distance(&self, values: Tensor<4>) -> Tensor<4> {
        self.deviation(values).square().sum_dim(1).sqrt()
    }

    pub(super) fn collect(&self, name: &str, tensors: &mut Tensors) {
        tensors.insert(format!("{name}.mean"), self.mean.to_data());
        tensors.insert(format!("{name}.spread"), self.spread.to_data());
    }

    /// Takes back what [`Normal::collect`] gave.
    pub(super) fn take(
        name: &str,
        [channels, height, width]: [usize; 3],
        tensors: &mut Tensors,
        device: &Device,
    ) -> Result<Self> {
        let mut load = |part: &str, channels| -> Result<Tensor<4>> {
            let shape = [1, channels, height, width];
            let data = state::take(tensors, &format!("{name}.{part}"), &shape)?;
            Ok(Tensor::from_data(data, device))
        };
        Ok(Self {
            mean: load("mean", channels)?,
            spread: load("spread", 1)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(tensor: Tensor<4>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    /// With one held-out image there was a deviation of 5 spreads where the last bit differed.
    #[test]
    fn the_last_bits_of_a_single_images_quantity_are_no_deviation() {
        let device = Device::flex();
        let image = |scale: f32| {
            let numbers: Vec<f32> = (0..12)
                .map(|n| (n as f32 * 0.7).sin() * 50.0 * scale)
                .collect();
            Tensor::<1>::from_floats(numbers.as_slice(), &device).reshape([1, 3, 2, 2])
        };
        let mut seen = Seen::default();
        seen.add(image(1.0), None);
        let normal = seen.normal().unwrap();
        let largest = |values: Tensor<4>| self::values(values).into_iter().fold(0.0, f32::max);
        assert!(largest(normal.distance(image(1.0 + 1e-6))) < 0.1);
        assert!(largest(normal.distance(image(1.1))) > 100.0);
    }

    #[test]
    fn batches_one_after_the_other_say_what_one_says() {
        let device = Device::flex();
        let numbers: Vec<f32> = (0..5 * 3 * 4)
            .map(|n| (n as f32 * 0.7).sin() + 2.0)
            .collect();
        let all = Tensor::<1>::from_floats(numbers.as_slice(), &device).reshape([5, 3, 2, 2]);
        let mut once = Seen::default();
        once.add(all.clone(), None);
        let mut parts = Seen::default();
        for (start, length) in [(0, 2), (2, 1), (3, 2)] {
            parts.add(all.clone().narrow(0, start, length), None);
        }
        let [once, parts] = [once, parts].map(|seen| seen.normal().unwrap());
        for (a, b) in [(once.mean, parts.mean), (once.spread, parts.spread)] {
            let (a, b) = (values(a), values(b));
            assert!(
                a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6),
                "{a:?} {b:?}"
            );
        }
        assert!(Seen::default().normal().is_none());
    }

    /// The least spread is a share of the quantity's size where it counts: the more did not count, the smaller it was.
    #[test]
    fn positions_that_never_count_do_not_dilute_the_size() {
        let device = Device::flex();
        let least = |side: usize, counting: usize| {
            let pixels = side * side;
            let valid: Vec<f32> = (0..pixels)
                .map(|at| if at < counting { 1.0 } else { 0.0 })
                .collect();
            let valid = Tensor::<1>::from_floats(valid.as_slice(), &device);
            let mut seen = Seen::default();
            seen.add(
                Tensor::full([1, 1, side, side], 50.0, &device),
                Some(&Part::new(valid.reshape([1, 1, side, side]))),
            );
            values(seen.normal().unwrap().spread)[0]
        };
        let [whole, part] = [least(2, 4), least(8, 4)];
        assert!((whole - 50.0 * LEAST_SPREAD as f32).abs() < 1e-6, "{whole}");
        assert!((whole - part).abs() < 1e-6, "{whole} {part}");
    }

    /// Where all counts, weighing changes nothing; what doesn't count changes nothing, whatever it is.
    #[test]
    fn only_what_counts_is_seen() {
        let device = Device::flex();
        let numbers: Vec<f32> = (0..4 * 3 * 4).map(|n| (n as f32 * 0.7).sin()).collect();
        let all = Tensor::<1>::from_floats(numbers.as_slice(), &device).reshape([4, 3, 2, 2]);
        let normal = |of: &Tensor<4>, valid: Option<Tensor<4>>| {
            let mut seen = Seen::default();
            for (start, length) in [(0, 1), (1, 3)] {
                let part = valid
                    .clone()
                    .map(|valid| Part::new(valid.narrow(0, start, length)));
                seen.add(of.clone().narrow(0, start, length), part.as_ref());
            }
            let Normal { mean, spread } = seen.normal().unwrap();
            [values(mean), values(spread)].concat()
        };
        let plain = normal(&all, None);
        let whole = normal(&all, Some(Tensor::ones([4, 1, 2, 2], &device)));
        assert!(
            plain.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-6),
            "{plain:?} {whole:?}"
        );
        let mut valid = vec![1.0_f32; 16];
        (valid[0], valid[5], valid[6]) = (0.0, 0.0, 0.0);
        let valid = Tensor::<1>::from_floats(valid.as_slice(), &device).reshape([4, 1, 2, 2]);
        let other = all.clone() + valid.clone().neg().add_scalar(1.0).mul_scalar(99.0);
        let [all, other] = [&all, &other].map(|of| normal(of, Some(valid.clone())));
        assert!(
            all.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-6),
            "{all:?} {other:?}"
        );
    }
}
