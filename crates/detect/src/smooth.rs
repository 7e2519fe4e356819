//! Gaussian smoothing of maps, separable, with the edge's value continued beyond it.

use burn::tensor::{Device, Tensor};
use cavga_nn::{
    ops::{self, Window},
    part::Part,
};

/// A Gaussian window of three deviations to each side.
#[derive(Debug, Clone)]
pub(crate) struct Gaussian {
    /// Odd in number, sum 1; a single 1 for no smoothing.
    weights: Vec<f32>,
    device: Device,
}

impl Gaussian {
    /// `deviation` in pixels; 0 for none.
    pub(crate) fn new(deviation: f64, device: &Device) -> Self {
        let radius = (3.0 * deviation).ceil() as i64;
        let weight = |offset: i64| (-0.5 * (offset as f64 / deviation.max(1e-9)).powi(2)).exp();
        let raw: Vec<f64> = (-radius..=radius).map(weight).collect();
        let sum: f64 = raw.iter().sum();
        Self {
            weights: raw.into_iter().map(|value| (value / sum) as f32).collect(),
            device: device.clone(),
        }
    }

    /// `fraction`: the deviation as a part of the height of images of this size.
    pub(crate) fn of_height(fraction: f64, [height, _]: [usize; 2], device: &Device) -> Self {
        Self::new(fraction * height as f64, &device.clone().without_autodiff())
    }

    /// # Shapes
    /// - maps: `[batch, 1, height, width]` → the same
    pub(crate) fn apply(&self, maps: Tensor<4>) -> Tensor<4> {
        let taps = self.weights.len();
        if taps == 1 {
            return maps;
        }
        let kernel = Tensor::<1>::from_floats(self.weights.as_slice(), &self.device);
        let down = convolve(
            extend(maps, 2, taps / 2),
            kernel.clone().reshape([1, 1, taps, 1]),
        );
        convolve(extend(down, 3, taps / 2), kernel.reshape([1, 1, 1, taps]))
    }

    /// [`Gaussian::apply`]; of pixels that don't count, nothing spreads.
    pub(crate) fn of_part(&self, maps: Tensor<4>, part: Option<&Part>) -> Tensor<4> {
        let Some(valid) = part.map(Part::valid) else {
            return self.apply(maps);
        };
        let weights = self.apply(valid.clone()).clamp_min(1e-6);
        self.apply(maps * valid.clone()) / weights
    }
}

fn convolve(maps: Tensor<4>, kernel: Tensor<4>) -> Tensor<4> {
    ops::conv2d(maps, kernel, None, Window::default())
}

/// Repeats the first and last row (`dim` 2) or column (3) `count` times.
pub(crate) fn extend(maps: Tensor<4>, dim: usize, count: usize) -> Tensor<4> {
    let last = maps.dims()[dim] - 1;
    let first = maps.clone().narrow(dim, 0, 1).repeat_dim(dim, count);
    let end = maps.clone().narrow(dim, last, 1).repeat_dim(dim, count);
    Tensor::cat(vec![first, maps, end], dim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_and_a_peak_spreads_evenly() {
        let device = Device::flex();
        let gaussian = Gaussian::new(1.5, &device);
        let constant = Tensor::<4>::full([2, 1, 9, 7], 0.3, &device);
        let kept = gaussian.apply(constant.clone());
        assert!(kept.all_close(constant, None, Some(1e-6)));
        let peak =
            Tensor::<4>::zeros([1, 1, 15, 15], &device).slice_fill([0..1, 0..1, 7..8, 7..8], 1.0);
        let spread = gaussian.apply(peak);
        assert!((spread.clone().sum().into_scalar::<f32>() - 1.0).abs() < 1e-5);
        assert!(
            spread
                .clone()
                .transpose()
                .all_close(spread, None, Some(1e-7))
        );
    }

    #[test]
    fn no_deviation_is_no_change() {
        let device = Device::flex();
        let map = Tensor::<4>::ones([1, 1, 3, 3], &device);
        assert_eq!(Gaussian::new(0.0, &device).weights, [1.0]);
        assert!(
            Gaussian::new(0.0, &device)
                .apply(map.clone())
                .all_close(map, None, None)
        );
    }
}
