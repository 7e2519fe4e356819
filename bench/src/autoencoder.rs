//! A training step of a plain convolutional VAE of DC-GAN's parts: no adversary, no attention, the arithmetic alone.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use cavga_nn::{
    adam::{Adam, AdamConfig},
    dcgan::{Decoder, Encoder},
    latent::{ConvLatent, Latent},
    layers::{Init, Mode},
    losses,
    random::{self, Stream},
};

use crate::{Result, cases::Work, inference::Batched, pattern};

const WIDTH: usize = 64;
const LATENT: usize = 128;

#[derive(Module, Debug)]
struct Autoencoder {
    encoder: Encoder,
    latent: Latent,
    decoder: Decoder,
}

impl Autoencoder {
    fn new(init: &mut Init) -> Self {
        Self {
            encoder: Encoder::new(WIDTH, init),
            latent: Latent::Conv(ConvLatent::new(8 * WIDTH, LATENT, init)),
            decoder: Decoder::new(LATENT, WIDTH, init),
        }
    }

    /// BCE and KL, per pixel value, a mean over the batch.
    fn loss(&self, images: Tensor<4>, step: u64) -> Tensor<1> {
        let [_, channels, height, width] = images.dims();
        let features = self.encoder.forward(images.clone(), Mode::Train);
        let latent = self.latent.forward(features);
        let mut generator = random::generator(0, Stream::Latent, step);
        let noise = random::normal(latent.mu.dims(), &mut generator, &Device::flex());
        let sample = latent.sample(Tensor::from_inner(noise));
        let logits = self.decoder.forward(sample, Mode::Train);
        let negative_elbo = losses::reconstruction(logits, images) + latent.divergence();
        negative_elbo
            .mean()
            .div_scalar((channels * height * width) as f64)
    }
}

/// Forward, backward, Adam; the loss is read, as whoever trains does.
pub(crate) fn train_step(batched: Batched) -> Work {
    let images = pattern::images(batched);
    let mut network = Autoencoder::new(&mut Init::new(0, &Device::flex().autodiff()));
    let mut adam = Adam::new(AdamConfig::new(1e-4));
    let mut step = 0;
    Box::new(move || -> Result<()> {
        let loss = network.loss(Tensor::from_inner(images.clone()), step);
        step += 1;
        let value = loss.clone().into_scalar::<f32>();
        let gradients = loss.backward();
        network = adam.step(network.clone(), &[gradients]);
        if value.is_finite() {
            Ok(())
        } else {
            Err(format!("the loss is {value} at step {step}").into())
        }
    })
}
