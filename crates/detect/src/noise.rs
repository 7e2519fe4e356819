//! Noise on the images that a discriminator sees (instance noise): with it, it cannot win outright.

use burn::tensor::Tensor;

/// What the discriminator sees of images: them, with the noise if there is any.
pub(crate) fn seen(images: Tensor<4>, noise: &Option<Tensor<4>>) -> Tensor<4> {
    match noise {
        Some(noise) => images + noise.clone(),
        None => images,
    }
}
