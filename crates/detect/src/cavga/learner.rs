//! Training CAVGA: the discriminator's step on (x, x̂), then the encoder's and decoder's.

#[cfg(test)]
mod tests;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use cavga_nn::{
    adam::Adam,
    dcgan::Discriminator,
    layers::{Init, Mode},
    losses,
    random::{self, Stream},
    state,
};

use super::{
    CavgaConfig, CavgaDetector, Forward, Objective, Parts, Vae, adversary::Push,
    networks::check_images,
};
use crate::{Batch, Detector, Error, Learner, Losses, Result, Tensors, check::finite};

/// A CAVGA in training.
#[derive(Debug)]
pub struct CavgaLearner {
    parts: Parts,
    config: CavgaConfig,
    size: [usize; 2],
    seed: u64,
    /// The device without a tape; the networks live on the same with one.
    device: Device,
    vae: Vae,
    discriminator: Discriminator,
    adam: Adam,
    adversary_adam: Adam,
    last_adversary_loss: f64,
    warned: bool,
}

impl CavgaLearner {
    /// Fresh weights drawn from `seed`, for images of `size`, `[height, width]`.
    pub fn new(
        parts: Parts,
        config: &CavgaConfig,
        size: [usize; 2],
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        config.check()?;
        parts.check_size(size)?;
        let tape = device.clone().autodiff();
        let mut init = Init::new(seed, &tape);
        Ok(Self {
            parts,
            config: config.clone(),
            size,
            seed,
            device: device.clone().without_autodiff(),
            vae: Vae::new(parts, config, &mut init),
            discriminator: Discriminator::new(config.dcgan_width, &mut init),
            adam: Adam::new(config.adam),
            adversary_adam: Adam::new(config.adversary.adam),
            last_adversary_loss: f64::INFINITY,
            warned: false,
        })
    }

    fn noise<const D: usize>(&self, shape: [usize; D], stream: Stream, step: u64) -> Tensor<D> {
        let mut generator = random::generator(self.seed, stream, step);
        Tensor::from_inner(random::normal(shape, &mut generator, &self.device))
    }

    fn forward(&self, images: Tensor<4>, step: u64) -> Forward {
        let noise = |shape| self.noise(shape, Stream::Latent, step);
        Forward::new(&self.vae, images, noise, &self.config)
    }

    /// The noise on images that the discriminator sees, as configured; `None` for none.
    fn instance_noise(&self, images: &Tensor<4>, stream: Stream, step: u64) -> Option<Tensor<4>> {
        let deviation = self.config.adversary.instance_noise;
        (deviation != 0.0).then(|| {
            self.noise(images.dims(), stream, step)
                .mul_scalar(deviation)
        })
    }

    fn step_discriminator(
        &mut self,
        images: Tensor<4>,
        forward: &Forward,
        fake_noise: &Option<Tensor<4>>,
        step: u64,
    ) -> Result<f64> {
        let target = self.config.adversary.real_target;
        let real_noise = self.instance_noise(&images, Stream::InstanceReal, step);
        let real = seen(images, &real_noise);
        let real = losses::discriminator_on_real(self.discriminated(real), target);
        let mut value = finite("discriminator", &real, step)?;
        // One half after the other: the loss is their sum, and only one tape is there at a time; a step that then rests has made
        // the first half's gradients for nothing.
        let on_real = real.backward();
        let fake = seen(forward.reconstruction.clone().detach(), fake_noise);
        let fake = losses::discriminator_on_fake(self.discriminated(fake));
        value += finite("discriminator", &fake, step)?;
        if value >= self.config.adversary.rest_below {
            let gradients = [on_real, fake.backward()];
            let discriminator = self.discriminator.clone();
            self.discriminator = self.adversary_adam.step(discriminator, &gradients);
        }
        Ok(value)
    }

    /// The discriminator's logits of images as it sees them.
    fn discriminated(&self, seen: Tensor<4>) -> Tensor<1> {
        self.discriminator.forward(seen, Mode::Train)
    }

    /// The discriminator's logits of x̂, and the x̂ that it saw, a leaf of its own tape.
    fn judged(&self, forward: &Forward, fake_noise: &Option<Tensor<4>>) -> (Tensor<1>, Tensor<4>) {
        // Without gradients of its own: the encoder and decoder only need the way through it.
        let judge = self.discriminator.clone().no_grad();
        let leaf = forward.reconstruction.clone().detach().require_grad();
        let logits = judge.forward(seen(leaf.clone(), fake_noise), Mode::Train);
        (logits, leaf)
    }

    /// The values of the objective's terms, and their weighted sum as it is descended, the adversary's by what is left of its push.
    fn losses(&self, objective: &Objective, factor: f64, step: u64) -> Result<Losses> {
        let reconstruction = finite("reconstruction", &objective.reconstruction, step)?;
        let divergence = finite("divergence", &objective.divergence, step)?;
        let adversarial = finite("adversarial", &objective.adversarial, step)?;
        let expansion = finite("attention_expansion", &objective.attention_expansion, step)?;
        let weights = &self.config.weights;
        let total = weights.reconstruction * (reconstruction + divergence)
            + weights.adversarial * factor * adversarial
            + weights.attention_expansion * expansion;
        Ok(vec![
            ("total", total),
            ("reconstruction", reconstruction),
            ("divergence", divergence),
            ("adversarial", adversarial),
            ("adversarial_factor", factor),
            ("attention_expansion", expansion),
        ])
    }

    /// The attention's mean and deviation over the batch; warns once when it has nothing left to say.
    fn attention_statistics(&mut self, attention: &Tensor<4>, step: u64) -> Result<[f64; 2]> {
        let mean = finite("attention_mean", &attention.clone().mean(), step)?;
        let variance = attention.clone().sub_scalar(mean).square().mean();
        let spread = finite("attention_spread", &variance, step)?.sqrt();
        if mean > 0.99 && spread < 0.01 && !self.warned {
            self.warned = true;
            tracing::warn!(
                step,
                mean,
                spread,
                "the attention is saturated: 1 − A carries next to nothing; the deviation maps do not depend on it"
            );
        }
        Ok([mean, spread])
    }
}

/// What the discriminator sees of images: them, with the noise if there is any.
fn seen(images: Tensor<4>, noise: &Option<Tensor<4>>) -> Tensor<4> {
    match noise {
        Some(noise) => images + noise.clone(),
        None => images,
    }
}

impl Learner for CavgaLearner {
    fn passes(&self) -> usize {
        self.config.passes
    }

    fn observe(&mut self, batch: &Batch) -> Result<Losses> {
        check_images(&batch.images, self.size)?;
        let step = batch.step;
        let images = Tensor::from_inner(batch.images.clone().without_autodiff());
        let forward = self.forward(images.clone(), step);
        let fake_noise = self.instance_noise(&images, Stream::InstanceFake, step);
        if step.is_multiple_of(self.config.adversary.every) {
            self.last_adversary_loss =
                self.step_discriminator(images.clone(), &forward, &fake_noise, step)?;
        }
        let (fake, leaf) = self.judged(&forward, &fake_noise);
        let objective = Objective::new(&forward, images.clone(), fake, &self.config);
        let push = objective.adversarial.backward();
        let push = Push::new(&forward, &images, &leaf, &push, &self.config)
            .ok_or(Error::NoImages("the discriminator saw no reconstruction"))?;
        if !push.factor.is_finite() {
            let (name, value) = ("adversarial_factor", push.factor);
            return Err(Error::NotFinite { name, value, step });
        }
        let mut losses = self.losses(&objective, push.factor, step)?;
        let weights = &self.config.weights;
        let total =
            objective.without_adversary(weights) + push.loss.mul_scalar(weights.adversarial);
        let gradients = total.backward();
        self.vae = self.adam.step(self.vae.clone(), &[gradients]);
        let [mean, spread] = self.attention_statistics(&forward.attention, step)?;
        losses.extend([
            ("discriminator", self.last_adversary_loss),
            ("attention_mean", mean),
            ("attention_spread", spread),
        ]);
        Ok(losses)
    }

    fn finish(
        self: Box<Self>,
        held_out: &mut dyn Iterator<Item = Result<Batch>>,
    ) -> Result<Box<dyn Detector>> {
        let mut tensors = Tensors::new();
        state::collect(&self.vae, "", &mut tensors);
        let detector = CavgaDetector::learn(
            self.parts,
            &self.config,
            self.size,
            tensors,
            &self.device,
            held_out,
        )?;
        Ok(Box::new(detector))
    }

    fn state(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        state::collect(&self.vae, "vae.", &mut tensors);
        state::collect(&self.discriminator, "discriminator.", &mut tensors);
        self.adam.collect("adam.vae.", &mut tensors);
        self.adversary_adam
            .collect("adam.discriminator.", &mut tensors);
        let last = burn::tensor::TensorData::from([self.last_adversary_loss as f32]);
        tensors.insert("last_adversary_loss".into(), last);
        Ok(tensors)
    }

    fn restore(&mut self, mut tensors: Tensors) -> Result<()> {
        self.vae = state::load(self.vae.clone(), "vae.", &mut tensors)?;
        self.discriminator =
            state::load(self.discriminator.clone(), "discriminator.", &mut tensors)?;
        self.adam.restore(&self.vae, "adam.vae.", &mut tensors)?;
        self.adversary_adam
            .restore(&self.discriminator, "adam.discriminator.", &mut tensors)?;
        let last = state::take(&mut tensors, "last_adversary_loss", &[1])?;
        self.last_adversary_loss = last.iter::<f64>().next().unwrap_or(f64::INFINITY);
        state::expect_empty(&tensors)?;
        Ok(())
    }
}
