//! What variational autoencoders descend, and say of images: the negative ELBO per pixel value, of logits whose sigmoid is the
//! reconstruction.

use burn::tensor::Tensor;
use cavga_nn::{latent::Gaussian, losses, part::Part};

/// BCE(x, x̂) and KL(q(z|x) ‖ N(0, I)) of each image, each over its number of pixel values.
#[derive(Debug)]
pub(crate) struct Elbo {
    /// `[batch]`.
    pub(crate) reconstruction: Tensor<1>,
    /// `[batch]`.
    pub(crate) divergence: Tensor<1>,
}

impl Elbo {
    /// # Shapes
    /// - logits, images: `[batch, 3, height, width]`, images in [0, 1]
    pub(crate) fn new(
        latent: &Gaussian,
        logits: Tensor<4>,
        images: Tensor<4>,
        part: Option<&Part>,
    ) -> Self {
        let [_, channels, height, width] = images.dims();
        let per_value = |sums: Tensor<1>| sums.div_scalar((channels * height * width) as f64);
        Self {
            reconstruction: per_value(match part {
                Some(part) => part.reconstruction(logits, images),
                None => losses::reconstruction(logits, images),
            }),
            divergence: per_value(latent.divergence()),
        }
    }

    /// BCE + β·KL of each image, `[batch]`; with β = 1 the negative ELBO.
    pub(crate) fn negative(&self, beta: f64) -> Tensor<1> {
        self.reconstruction.clone() + self.divergence.clone().mul_scalar(beta)
    }

    /// The loss over the batch and its terms.
    pub(crate) fn losses(&self, beta: f64) -> Vec<(&'static str, Tensor<1>)> {
        vec![
            ("total", self.negative(beta).mean()),
            ("reconstruction", self.reconstruction.clone().mean()),
            ("divergence", self.divergence.clone().mean()),
        ]
    }
}
