//! Plain convolutional autoencoders with a vector for a code: a list of layers and its mirror image.
//!
//! - `plan`: [`Plan`], the lists of layers of the papers, for any size of image
//! - [`ConvAutoencoder`]: a point for a code (Bergmann et al. 2019)
//! - [`ConvVae`]: a Gaussian for a code (Higgins et al. 2017, Dehaene et al. 2020)

mod plan;

use burn::{module::Module, tensor::Tensor};

use crate::{
    latent::{Gaussian, flatten},
    layers::{Conv2d, ConvConfig, ConvTranspose2d, Init, Linear},
    ops::Activation,
};

pub use plan::{Layer, Plan};

/// The convolutions of a plan and its linear layer.
#[derive(Module, Debug)]
struct Encoder {
    conv: Vec<Conv2d>,
    hidden: Option<Linear>,
    #[module(skip)]
    activation: Activation,
}

/// The mirror image of an [`Encoder`], behind a linear layer that makes of the code what its last layer made.
#[derive(Module, Debug)]
struct Decoder {
    hidden: Option<Linear>,
    expand: Linear,
    conv: Vec<ConvTranspose2d>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    grid: [usize; 2],
}

/// An autoencoder whose code is a point.
#[derive(Module, Debug)]
pub struct ConvAutoencoder {
    encoder: Encoder,
    /// A convolution as large as the grid, without padding.
    code: Linear,
    decoder: Decoder,
}

/// An autoencoder whose code is a Gaussian.
#[derive(Module, Debug)]
pub struct ConvVae {
    encoder: Encoder,
    mu: Linear,
    logvar: Linear,
    decoder: Decoder,
}

impl Encoder {
    fn new(plan: &Plan, init: &mut Init) -> Self {
        let channels = plan.channels();
        let layers = plan.layers.iter().zip(channels.windows(2));
        let conv = layers.map(|(layer, pair)| {
            let config = ConvConfig::new(pair[0], pair[1], layer.kernel);
            let config = config.stride(layer.stride).padding(padding(layer));
            config.kaiming_in().bias().init(init)
        });
        let conv = conv.collect();
        let hidden = plan
            .hidden
            .map(|units| Linear::new(plan.on_grid(), units, init));
        Self {
            conv,
            hidden,
            activation: plan.activation,
        }
    }

    /// # Shapes
    /// - images: `[batch, channels, height, width]` → `[batch, features]`
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let layer = |x, conv: &Conv2d| self.activation.apply(conv.forward(x));
        let features = flatten(self.conv.iter().fold(images, layer));
        match &self.hidden {
            Some(hidden) => self.activation.apply(hidden.forward(features)),
            None => features,
        }
    }
}

impl Decoder {
    fn new(plan: &Plan, code: usize, init: &mut Init) -> Self {
        let hidden = plan.hidden.map(|units| Linear::new(code, units, init));
        let expand = Linear::new(plan.hidden.unwrap_or(code), plan.on_grid(), init);
        let channels = plan.channels();
        let layers = plan.layers.iter().zip(channels.windows(2)).rev();
        let conv = layers.map(|(layer, pair)| {
            let config = ConvConfig::new(pair[1], pair[0], layer.kernel);
            let config = config.stride(layer.stride).padding(padding(layer));
            config.kaiming_transposed().bias().init_transposed(init)
        });
        Self {
            hidden,
            expand,
            conv: conv.collect(),
            activation: plan.activation,
            grid: plan.grid,
        }
    }

    /// # Shapes
    /// - code: `[batch, code]` → `[batch, channels, height, width]`
    fn forward(&self, code: Tensor<2>) -> Tensor<4> {
        let code = match &self.hidden {
            Some(hidden) => self.activation.apply(hidden.forward(code)),
            None => code,
        };
        let expanded = self.expand.forward(code);
        let [batch, numbers] = expanded.dims();
        let [height, width] = self.grid;
        let x = expanded.reshape([batch, numbers / (height * width), height, width]);
        self.conv
            .iter()
            .fold(x, |x, conv| conv.forward(self.activation.apply(x)))
    }
}

/// Zeros on each side with which a layer keeps `size / stride` positions.
fn padding(layer: &Layer) -> usize {
    layer.kernel.saturating_sub(layer.stride) / 2
}

impl ConvAutoencoder {
    /// Fresh weights, for a code of `code` numbers.
    pub fn new(plan: &Plan, code: usize, init: &mut Init) -> Self {
        Self {
            encoder: Encoder::new(plan, init),
            code: Linear::new(plan.features(), code, init),
            decoder: Decoder::new(plan, code, init),
        }
    }

    /// The reconstruction, as the last layer makes it.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]` → the same
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let code = self.code.forward(self.encoder.forward(images));
        self.decoder.forward(code)
    }
}

impl ConvVae {
    /// Fresh weights, for a latent of `latent` numbers.
    pub fn new(plan: &Plan, latent: usize, init: &mut Init) -> Self {
        let features = plan.features();
        Self {
            encoder: Encoder::new(plan, init),
            mu: Linear::new(features, latent, init),
            logvar: Linear::new(features, latent, init),
            decoder: Decoder::new(plan, latent, init),
        }
    }

    /// q(z|x).
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]` → `[batch, latent, 1, 1]`
    pub fn latent(&self, images: Tensor<4>) -> Gaussian {
        let features = self.encoder.forward(images);
        let [mu, logvar] = [&self.mu, &self.logvar].map(|head| {
            let vector = head.forward(features.clone());
            let [batch, latent] = vector.dims();
            vector.reshape([batch, latent, 1, 1])
        });
        Gaussian { mu, logvar }
    }

    /// What the decoder's last layer makes of z: logits or an image, as the likelihood has it.
    ///
    /// # Shapes
    /// - z: `[batch, latent, 1, 1]` → `[batch, channels, height, width]`
    pub fn decode(&self, z: Tensor<4>) -> Tensor<4> {
        self.decoder.forward(flatten(z))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_reconstruction_is_as_large_as_its_image_whatever_the_size() {
        let mut init = Init::new(1, &Device::flex());
        for size in [[28, 28], [32, 32], [64, 64], [128, 192], [96, 64]] {
            let images = Tensor::ones([2, 3, size[0], size[1]], &Device::flex());
            let plan = Plan::bergmann(3, size, 2).unwrap();
            let found = ConvAutoencoder::new(&plan, 5, &mut init).forward(images.clone());
            assert_eq!(found.dims(), images.dims());
            let plan = Plan::higgins(3, size, 2).unwrap();
            let vae = ConvVae::new(&plan, 5, &mut init);
            let latent = vae.latent(images.clone());
            assert_eq!(latent.logvar.dims(), [2, 5, 1, 1]);
            assert_eq!(vae.decode(latent.mu).dims(), images.dims());
        }
    }
}
