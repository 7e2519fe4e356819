//! Training a DC-GAN: the discriminator's step on real and generated images, then the generator's.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use cavga_nn::{
    adam::Adam,
    dcgan::{Discriminator, Generator},
    layers::{Init, Mode},
    losses, ops,
    random::{self, Stream},
    state,
};

use super::DcganConfig;
use crate::{
    Batch, Losses, Result, Tensors,
    check::{check_images, finite},
    noise::seen,
};

/// A DC-GAN in training.
#[derive(Debug)]
pub struct Dcgan {
    config: DcganConfig,
    seed: u64,
    /// The device without a tape; the networks live on the same with one.
    device: Device,
    generator: Generator,
    discriminator: Discriminator,
    generator_adam: Adam,
    discriminator_adam: Adam,
}

impl Dcgan {
    /// Height and width of its images.
    pub const SIDE: usize = Generator::SIDE;

    /// Fresh weights drawn from `seed`.
    ///
    /// # Errors
    /// [`crate::Error::Config`].
    pub fn new(config: &DcganConfig, seed: u64, device: &Device) -> Result<Self> {
        config.check()?;
        let mut init = Init::new(seed, &device.clone().autodiff());
        Ok(Self {
            config: config.clone(),
            seed,
            device: device.clone().without_autodiff(),
            generator: Generator::new(config.latent, config.width, &mut init),
            discriminator: Discriminator::new(config.width, &mut init),
            generator_adam: Adam::new(config.adam),
            discriminator_adam: Adam::new(config.adam),
        })
    }

    /// One step of each player on a batch of real images; the losses by name.
    ///
    /// # Shapes
    /// - batch.images: `[batch, 3, 64, 64]` in [0, 1]
    ///
    /// # Errors
    /// [`crate::Error::Shape`], and [`crate::Error::NotFinite`] where a loss is no number: go on from an earlier state then.
    pub fn observe(&mut self, batch: &Batch) -> Result<Losses> {
        let step = batch.step;
        check_images(&batch.images, [Self::SIDE; 2])?;
        let [count, ..] = batch.images.dims();
        let real = Tensor::from_inner(batch.images.clone().without_autodiff());
        let latent = self.normal([count, self.config.latent], Stream::Latent, step);
        let generated = ops::sigmoid(self.generator.forward(latent, Mode::Train));
        let noise = self.instance_noise(real.dims(), Stream::InstanceFake, step);
        let fake = seen(generated, &noise);
        let on_real_and_fake = self.step_discriminator(real, fake.clone().detach(), step)?;
        // Without gradients of its own: the generator only needs the way through it.
        let judge = self.discriminator.clone().no_grad();
        let fooled = losses::adversarial(judge.forward(fake, Mode::Train), false);
        let value = finite("generator", &fooled, step)?;
        let gradients = fooled.backward();
        self.generator = self
            .generator_adam
            .step(self.generator.clone(), &[gradients]);
        let [on_real, on_fake] = on_real_and_fake;
        Ok(vec![
            ("generator", value),
            ("discriminator", on_real + on_fake),
            ("on_real", on_real),
            ("on_fake", on_fake),
        ])
    }

    /// The discriminator's step; its losses on real and generated images, each a batch of its own to batch norm, as DC-GAN's
    /// authors found to be needed.
    fn step_discriminator(
        &mut self,
        real: Tensor<4>,
        fake: Tensor<4>,
        step: u64,
    ) -> Result<[f64; 2]> {
        let noise = self.instance_noise(real.dims(), Stream::InstanceReal, step);
        let logits = self.discriminator.forward(seen(real, &noise), Mode::Train);
        let on_real = losses::discriminator_on_real(logits, self.config.real_target);
        let values = finite("on_real", &on_real, step)?;
        // One half after the other: the loss is their sum, and only one tape is there at a time.
        let from_real = on_real.backward();
        let logits = self.discriminator.forward(fake, Mode::Train);
        let on_fake = losses::discriminator_on_fake(logits);
        let values = [values, finite("on_fake", &on_fake, step)?];
        let gradients = [from_real, on_fake.backward()];
        let discriminator = self.discriminator.clone();
        self.discriminator = self.discriminator_adam.step(discriminator, &gradients);
        Ok(values)
    }

    fn normal<const D: usize>(&self, shape: [usize; D], stream: Stream, step: u64) -> Tensor<D> {
        let mut generator = random::generator(self.seed, stream, step);
        Tensor::from_inner(random::normal(shape, &mut generator, &self.device))
    }

    fn instance_noise(&self, shape: [usize; 4], stream: Stream, step: u64) -> Option<Tensor<4>> {
        let deviation = self.config.instance_noise;
        (deviation != 0.0).then(|| self.normal(shape, stream, step).mul_scalar(deviation))
    }

    /// Images of the first `count` of a fixed row of latents, the same at all times: in two sheets of one training, one place
    /// shows how one image changed. By the running statistics, so that an image does not depend on those beside it.
    ///
    /// # Shapes
    /// - output: `[count, 3, 64, 64]` in [0, 1]
    pub fn samples(&self, count: usize) -> Tensor<4> {
        let latent = self.normal([count, self.config.latent], Stream::Samples, 0);
        ops::sigmoid(self.generator.forward(latent, Mode::Score)).without_autodiff()
    }

    /// The networks' tensors, `generator.*` and `discriminator.*`.
    pub fn weights(&self) -> Tensors {
        let mut tensors = Tensors::new();
        state::collect(&self.generator, "generator.", &mut tensors);
        state::collect(&self.discriminator, "discriminator.", &mut tensors);
        tensors
    }

    /// All state, optimizers included: a resumed training equals an uninterrupted one, bit for bit.
    pub fn state(&self) -> Tensors {
        let mut tensors = self.weights();
        self.generator_adam.collect("adam.generator.", &mut tensors);
        self.discriminator_adam
            .collect("adam.discriminator.", &mut tensors);
        tensors
    }

    /// Takes back what [`Dcgan::state`] gave.
    ///
    /// # Errors
    /// [`crate::Error::State`] for tensors of another DC-GAN.
    pub fn restore(&mut self, mut tensors: Tensors) -> Result<()> {
        self.generator = state::load(self.generator.clone(), "generator.", &mut tensors)?;
        self.discriminator =
            state::load(self.discriminator.clone(), "discriminator.", &mut tensors)?;
        self.generator_adam
            .restore(&self.generator, "adam.generator.", &mut tensors)?;
        self.discriminator_adam.restore(
            &self.discriminator,
            "adam.discriminator.",
            &mut tensors,
        )?;
        state::expect_empty(&tensors)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::activation;
    use cavga_nn::dcgan::{Decoder, Encoder};

    use super::*;
    use crate::Error;

    fn batch(step: u64) -> Batch {
        let mut generator = random::generator(1, Stream::Latent, step);
        let images = random::normal([5, 3, 64, 64], &mut generator, &Device::flex());
        Batch {
            images: activation::sigmoid(images),
            valid: None,
            anomalous: vec![false; 5],
            classes: Vec::new(),
            numbers: Vec::new(),
            step,
            pass: 0,
        }
    }

    fn fresh() -> Dcgan {
        Dcgan::new(&DcganConfig::tiny(), 7, &Device::flex()).unwrap()
    }

    #[test]
    fn restored_it_goes_on_to_the_same_bits() {
        let (mut whole, mut first) = (fresh(), fresh());
        for step in 0..4 {
            let losses = whole.observe(&batch(step)).unwrap();
            assert!(
                losses.iter().all(|(_, value)| value.is_finite()),
                "{losses:?}"
            );
        }
        (0..2).for_each(|step| drop(first.observe(&batch(step)).unwrap()));
        let mut second = Dcgan::new(&DcganConfig::tiny(), 7, &Device::flex()).unwrap();
        second.restore(first.state()).unwrap();
        (2..4).for_each(|step| drop(second.observe(&batch(step)).unwrap()));
        assert_eq!(second.state(), whole.state());
    }

    /// Showing samples between two steps must leave no trace, in running statistics least of all.
    #[test]
    fn looking_at_samples_changes_nothing_and_they_differ() {
        let (mut looked, mut not) = (fresh(), fresh());
        for step in 0..2 {
            let images = looked.samples(3);
            assert_eq!(images.dims(), [3, 3, 64, 64]);
            let values: Vec<f32> = images.into_data().iter().collect();
            let (first, rest) = values.split_at(3 * 64 * 64);
            assert_ne!(first, &rest[..3 * 64 * 64]);
            assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
            looked.observe(&batch(step)).unwrap();
            not.observe(&batch(step)).unwrap();
        }
        assert_eq!(looked.state(), not.state());
    }

    #[test]
    fn its_weights_fit_the_parts_of_cavga() {
        let mut dcgan = fresh();
        dcgan.observe(&batch(0)).unwrap();
        let mut init = Init::new(0, &Device::flex().autodiff());
        let weights = dcgan.weights();
        Encoder::new(2, &mut init)
            .with_pretrained(&weights)
            .unwrap();
        Decoder::new(9, 2, &mut init)
            .with_pretrained(&weights)
            .unwrap();
        Discriminator::new(2, &mut init)
            .with_pretrained(&weights)
            .unwrap();
    }

    #[test]
    fn images_of_another_size_and_losses_that_are_no_numbers_are_errors() {
        let mut dcgan = fresh();
        let mut wrong = batch(0);
        wrong.images = Tensor::zeros([2, 3, 32, 64], &Device::flex());
        assert!(matches!(dcgan.observe(&wrong), Err(Error::Shape { .. })));
        wrong.images = Tensor::full([2, 3, 64, 64], f32::NAN, &Device::flex());
        let error = dcgan.observe(&wrong).unwrap_err();
        assert!(
            matches!(
                error,
                Error::NotFinite {
                    name: "on_real",
                    ..
                }
            ),
            "{error}"
        );
        let config = DcganConfig {
            width: 0,
            ..DcganConfig::tiny()
        };
        let error = Dcgan::new(&config, 0, &Device::flex())
            .unwrap_err()
            .to_string();
        assert!(error.contains("width = 0"), "{error}");
    }
}
