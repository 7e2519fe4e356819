//! Structural similarity: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to structural
//! similarity", IEEE Transactions on Image Processing 13(4), 2004.

use burn::tensor::{Device, Tensor};

use crate::ops;

/// (K₁·L)² and (K₂·L)² of the paper's equation 13, with its K₁ = 0.01 and K₂ = 0.03, for values in [0, 1].
const C: [f64; 2] = [1e-4, 9e-4];

/// SSIM under a Gaussian window, as in the paper's section III-C.
#[derive(Debug, Clone)]
pub struct Ssim {
    window: Tensor<1>,
}

impl Ssim {
    /// `side` of the window, odd. Its deviation is 1.5 pixels for the paper's side of 11, and in proportion for others.
    pub fn new(side: usize, device: &Device) -> Self {
        let deviation = 1.5 * side as f64 / 11.0;
        let middle = (side as f64 - 1.0) / 2.0;
        let weight = |at: usize| (-0.5 * ((at as f64 - middle) / deviation).powi(2)).exp();
        let raw: Vec<f64> = (0..side).map(weight).collect();
        let sum: f64 = raw.iter().sum();
        let window: Vec<f32> = raw.iter().map(|value| (value / sum) as f32).collect();
        Self {
            window: Tensor::from_floats(window.as_slice(), &device.clone().without_autodiff()),
        }
    }

    /// SSIM of two images at each position and channel, at most 1, which it is where they agree. Differentiable in `y`.
    ///
    /// At the rim, the images' edges go on beyond it, so that the map is as large as they are.
    ///
    /// # Shapes
    /// - x, y: `[batch, channels, height, width]`, values in [0, 1] → the same
    pub fn map(&self, x: Tensor<4>, y: Tensor<4>) -> Tensor<4> {
        // About ½: of smaller numbers' squares, a difference keeps more digits. A variance does not see the shift.
        let [x, y] = [x.detach(), y].map(|image| image.sub_scalar(0.5));
        let mean = |values| ops::filter(values, self.window.clone());
        let (mean_x, mean_y) = (mean(x.clone()), mean(y.clone()));
        let variance_x = mean(x.clone().square()) - mean_x.clone().square();
        let variance_y = mean(y.clone().square()) - mean_y.clone().square();
        let covariance = mean(x * y) - mean_x.clone() * mean_y.clone();
        let [mean_x, mean_y] = [mean_x, mean_y].map(|mean| mean.add_scalar(0.5));
        let twice = |value: Tensor<4>, c| value.mul_scalar(2.0).add_scalar(c);
        let alike = twice(mean_x.clone() * mean_y.clone(), C[0]) * twice(covariance, C[1]);
        let squares = (mean_x.square() + mean_y.square()).add_scalar(C[0]);
        let variances = (variance_x + variance_y).add_scalar(C[1]);
        alike / (squares * variances)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    fn images(seed: u64) -> Tensor<4> {
        let mut generator = random::generator(seed, random::Stream::Latent, 0);
        ops::sigmoid(random::normal(
            [2, 3, 20, 14],
            &mut generator,
            &Device::flex(),
        ))
    }

    #[test]
    fn an_image_is_like_itself_and_unlike_its_negative() {
        let ssim = Ssim::new(11, &Device::flex());
        let own = ssim.map(images(1), images(1));
        assert_eq!(own.dims(), [2, 3, 20, 14]);
        assert!(own.clone().all_close(own.ones_like(), None, Some(1e-4)));
        let negative = ssim.map(images(1), images(1).neg().add_scalar(1.0));
        assert!(negative.mean().into_scalar::<f32>() < -0.5);
    }

    #[test]
    fn flat_images_differ_by_their_brightness_alone() {
        let flat = |value| Tensor::<4>::full([1, 1, 12, 12], value, &Device::flex());
        let found = Ssim::new(11, &Device::flex()).map(flat(0.2), flat(0.6));
        let expected = (2.0 * 0.2 * 0.6 + C[0]) / (0.04 + 0.36 + C[0]);
        assert!(found.all_close(flat(expected), None, Some(1e-4)));
    }
}
