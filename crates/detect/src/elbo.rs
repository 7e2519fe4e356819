//! The negative ELBO of a decoder of Bernoulli pixels, as a loss and as a score.

use burn::tensor::Tensor;
use cavga_nn::{latent::Gaussian, losses, part::Part};

/// The terms of the negative ELBO of each image, per pixel value.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// −log p(x|z): the binary cross entropy, `[batch]`.
    pub(crate) reconstruction: Tensor<1>,
    /// KL(q(z|x) ‖ N(0, I)), `[batch]`.
    pub(crate) divergence: Tensor<1>,
}

impl Terms {
    /// # Shapes
    /// - logits, images: `[batch, channels, height, width]`, images in [0, 1]
    pub(crate) fn new(
        logits: Tensor<4>,
        images: Tensor<4>,
        latent: &Gaussian,
        part: Option<&Part>,
    ) -> Self {
        let [_, channels, height, width] = images.dims();
        let values = (channels * height * width) as f64;
        let reconstruction = match part {
            Some(part) => part.reconstruction(logits, images),
            None => losses::reconstruction(logits, images),
        };
        Self {
            reconstruction: reconstruction.div_scalar(values),
            divergence: latent.divergence().div_scalar(values),
        }
    }

    /// Reconstruction + β·divergence over the batch, then the two.
    pub(crate) fn losses(self, beta: f64) -> Vec<(&'static str, Tensor<1>)> {
        let [reconstruction, divergence] = [self.reconstruction, self.divergence].map(Tensor::mean);
        let total = reconstruction.clone() + divergence.clone().mul_scalar(beta);
        vec![
            ("total", total),
            ("reconstruction", reconstruction),
            ("divergence", divergence),
        ]
    }
}
