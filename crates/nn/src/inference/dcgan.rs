//! DC-GAN's encoder and decoder.

use burn::tensor::Tensor;
use cavga_kernels::inference::{Features, Form, Layer, Pool};
use cavga_kernels::threads::together;

use super::{Builder, tensor, values};
use crate::dcgan::{self, LEAKY};
use crate::ops::Activation;

/// [`dcgan::Encoder`].
#[derive(Debug)]
pub struct Encoder {
    layers: Vec<Layer>,
    pool: Pool,
}

impl dcgan::Encoder {
    /// The encoder for scoring images of `size`, `[height, width]`.
    pub fn inference(&self, size: [usize; 2]) -> Encoder {
        let mut builder = Builder::new(3, size);
        let norms = std::iter::once(None).chain(self.norm.iter().map(Some));
        Encoder {
            layers: self
                .conv
                .iter()
                .zip(norms)
                .map(|(conv, norm)| builder.conv(conv, norm, LEAKY))
                .collect(),
            pool: Pool::default(),
        }
    }
}

impl Encoder {
    /// As [`dcgan::Encoder::forward`].
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        together(|| self.run(images))
    }

    fn run(&self, images: Tensor<4>) -> Tensor<4> {
        let shape = images.dims();
        let mut pixels = values(images);
        for pixel in &mut pixels {
            *pixel = *pixel * 2.0 - 1.0;
        }
        tensor(
            chain(&self.layers, Features::new(shape, pixels), &self.pool),
            &self.pool,
        )
    }
}

/// [`dcgan::Decoder`].
#[derive(Debug)]
pub struct Decoder {
    layers: Vec<Layer>,
    pool: Pool,
}

impl dcgan::Decoder {
    /// The decoder for scoring latents of `size`, `[height, width]`.
    pub fn inference(&self, size: [usize; 2]) -> Decoder {
        let mut builder = Builder::new(self.project.weight.dims()[1], size);
        let mut norms = self.norm.iter();
        let mut layers = vec![builder.conv(&self.project, norms.next(), Activation::Relu)];
        for conv in &self.conv {
            // The last has no batch norm behind it, and its output is logits.
            let (norm, activation) = match norms.next() {
                Some(norm) => (Some(norm), Activation::Relu),
                None => (None, Activation::Identity),
            };
            layers.push(builder.conv_transpose(conv, norm, activation));
        }
        Decoder {
            layers,
            pool: Pool::default(),
        }
    }
}

impl Decoder {
    /// As [`dcgan::Decoder::forward`].
    pub fn forward(&self, latent: Tensor<4>) -> Tensor<4> {
        together(|| self.run(latent))
    }

    fn run(&self, latent: Tensor<4>) -> Tensor<4> {
        tensor(
            chain(&self.layers, super::features(latent), &self.pool),
            &self.pool,
        )
    }
}

/// One layer after the other.
fn chain(layers: &[Layer], mut x: Features, pool: &Pool) -> Features {
    let forms = layers.iter().skip(1).map(Layer::takes);
    for (layer, form) in layers.iter().zip(forms.chain([Form::Planes])) {
        let y = layer.run(&x, None, form, pool);
        pool.give(std::mem::replace(&mut x, y));
    }
    x
}
