//! Training CAVGA: the discriminator's step on (x, x̂), then the encoder's and decoder's.

mod anomalous;
mod log;
#[cfg(test)]
mod tests;

use burn::{
    module::Module,
    tensor::{Device, Gradients, Tensor},
};
use cavga_nn::{
    adam::Adam,
    dcgan::Discriminator,
    layers::{Init, Mode},
    losses,
    part::Part,
    random::{self, Stream},
    state,
};

use super::{
    CavgaConfig, CavgaDetector, Forward, Guidance, Labels, Objective, Seen, Vae, Variant,
    adversary::Push, pretrained, watch::Watch,
};
use crate::{
    Batch, Detector, Error, Learner, Losses, Observer, Pretrained, Result, Tensors,
    check::{check, check_images, check_valid, finite},
    noise::seen,
};

/// What the encoder's tensors are called within the autoencoder's.
const ENCODER: &str = "encoder.";

/// A CAVGA in training.
#[derive(Debug)]
pub struct CavgaLearner {
    variant: Variant,
    config: CavgaConfig,
    size: [usize; 2],
    seed: u64,
    /// The device without a tape; the networks live on the same with one.
    device: Device,
    vae: Vae,
    discriminator: Discriminator,
    /// Of latent, decoder and classifier.
    adam: Adam,
    /// Of the encoder, which may rest for a while and have a rate of its own.
    encoder_adam: Adam,
    adversary_adam: Adam,
    /// Of the discriminator's last step, if it had one; as a checkpoint keeps it.
    last_adversary_loss: Option<f32>,
    watch: Watch,
    /// Whether weights that the settings name have not come yet.
    awaits_weights: bool,
}

impl CavgaLearner {
    /// For images of `size`, `[height, width]`: the weights that `known` brings, the others drawn from `seed`.
    pub fn new(
        variant: Variant,
        config: &CavgaConfig,
        size: [usize; 2],
        seed: u64,
        known: &Pretrained,
        device: &Device,
    ) -> Result<Self> {
        variant.check(config, size)?;
        let tape = device.clone().autodiff();
        let mut init = Init::new(seed, &tape);
        let vae = Vae::new(variant, config, size, &mut init);
        let discriminator = Discriminator::new(config.dcgan_width, &mut init);
        let (vae, discriminator) = pretrained::load(known, vae, discriminator)?;
        let mut encoder_adam = config.adam;
        if config.starts_pretrained() {
            encoder_adam.rate *= config.encoder.rate;
        }
        Ok(Self {
            variant,
            config: config.clone(),
            size,
            seed,
            device: device.clone().without_autodiff(),
            vae,
            discriminator,
            adam: Adam::new(config.adam),
            encoder_adam: Adam::new(encoder_adam),
            adversary_adam: Adam::new(config.adversary.adam),
            last_adversary_loss: None,
            watch: Watch::default(),
            awaits_weights: pretrained::lacks(known, config),
        })
    }

    fn noise<const D: usize>(&self, shape: [usize; D], stream: Stream, step: u64) -> Tensor<D> {
        let mut generator = random::generator(self.seed, stream, step);
        Tensor::from_inner(random::normal(shape, &mut generator, &self.device))
    }

    /// What the encoder sees in this pass.
    fn see(&self, images: Tensor<4>, pass: usize, mode: Mode) -> Seen {
        let encoder = &self.config.encoder;
        let knows = self.config.starts_pretrained();
        if knows && pass < encoder.frozen_passes {
            return self.vae.see_frozen(images, &self.config);
        }
        let mode = match knows && encoder.keep_statistics {
            true => Mode::Score,
            false => mode,
        };
        self.vae.see(images, mode, &self.config)
    }

    /// An error unless the weights that the settings name have come, in a file or in a state to go on from.
    fn check_started(&self) -> Result<()> {
        check(
            "encoder.weights, adversary.weights",
            !self.awaits_weights,
            "the tensors of the files that they name, or a state to go on from",
            &"neither",
        )
    }

    fn forward(&self, seen: &Seen, labels: &Labels, step: u64) -> Result<Forward> {
        let noise = |shape| self.noise(shape, Stream::Latent, step);
        Forward::new(&self.vae, seen, labels, noise, &self.config)
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
        let fake = forward.painted(forward.reconstruction.clone().detach());
        let fake = seen(fake, fake_noise);
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

    /// The discriminator's step, where it is due, then what [`CavgaLearner::judged`] gives.
    fn play(
        &mut self,
        images: &Tensor<4>,
        forward: &Forward,
        step: u64,
    ) -> Result<(Tensor<1>, Tensor<4>)> {
        let fake_noise = self.instance_noise(images, Stream::InstanceFake, step);
        if step.is_multiple_of(self.config.adversary.every) {
            let loss = self.step_discriminator(images.clone(), forward, &fake_noise, step)?;
            self.last_adversary_loss = Some(loss as f32);
        }
        Ok(self.judged(forward, &fake_noise))
    }

    /// The adversary's push on the x̂ that the discriminator saw, `leaf`; `None` without an adversary.
    fn push(
        &self,
        objective: &Objective,
        forward: &Forward,
        images: &Tensor<4>,
        leaf: Option<Tensor<4>>,
        step: u64,
    ) -> Result<Option<Push>> {
        let (Some(adversarial), Some(leaf)) = (&objective.adversarial, leaf) else {
            return Ok(None);
        };
        let push = Push::new(
            forward,
            images,
            &leaf,
            &adversarial.backward(),
            &self.config,
        )
        .ok_or(Error::NoImages("the discriminator saw no reconstruction"))?;
        if !push.factor.is_finite() {
            let (name, value) = ("adversarial_factor", push.factor);
            return Err(Error::NotFinite { name, value, step });
        }
        Ok(Some(push))
    }

    /// The discriminator's logits of x̂, and the x̂ that it saw, a leaf of its own tape.
    fn judged(&self, forward: &Forward, fake_noise: &Option<Tensor<4>>) -> (Tensor<1>, Tensor<4>) {
        // Without gradients of its own: the encoder and decoder only need the way through it.
        let judge = self.discriminator.clone().no_grad();
        let leaf = forward.reconstruction.clone().detach().require_grad();
        let fake = seen(forward.painted(leaf.clone()), fake_noise);
        let logits = judge.forward(fake, Mode::Train);
        (logits, leaf)
    }

    /// Lets the encoder, and everything else, step.
    fn step(&mut self, gradients: &[Gradients]) {
        let is_encoder = |name: &str| name.starts_with(ENCODER);
        let vae = self.vae.clone();
        let vae = self.encoder_adam.step_where(vae, gradients, is_encoder);
        self.vae = self
            .adam
            .step_where(vae, gradients, |name| !is_encoder(name));
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
        let labels = Labels::new(&batch.anomalous, images.dims()[0])?;
        self.check_started()?;
        if labels.normal() == 0 {
            return self.observe_anomalous(images, &labels, batch);
        }
        let seen = self.see(images.clone(), batch.pass, Mode::Train);
        let valid = batch.valid.clone();
        let valid = valid.map(|valid| Tensor::from_inner(valid.without_autodiff()));
        check_valid(&images, valid.clone().map(Part::new).as_ref())?;
        let forward = self.forward(&seen, &labels, step)?;
        let forward = forward.with_valid(valid, &labels);
        let images = labels.of_normal(images);
        let judged = match self.config.weights.adversarial > 0.0 {
            true => Some(self.play(&images, &forward, step)?),
            false => None,
        };
        let (fake, leaf) = judged.unzip();
        let objective = Objective::new(&forward, images.clone(), &labels, fake, &self.config);
        let push = self.push(&objective, &forward, &images, leaf, step)?;
        let own = objective.without_adversary(&self.config);
        let factor = push.as_ref().map(|push| push.factor);
        let mut losses = self.losses(&objective, &own, factor, step)?;
        let total = match push {
            Some(push) => own + push.loss.mul_scalar(self.config.weights.adversarial),
            None => own,
        };
        self.step(&[total.backward()]);
        losses.extend(
            self.last_adversary_loss
                .map(|loss| ("discriminator", f64::from(loss))),
        );
        losses.extend(self.attention_statistics(&forward.attention, step)?);
        if let (Some(logits), Guidance::Classes { classification, .. }) =
            (forward.classes, &objective.guidance)
        {
            let loss = finite("classification", classification, step)?;
            self.watch_classifier(logits, &labels, loss, step);
        }
        Ok(losses)
    }

    fn finish(
        mut self: Box<Self>,
        held_out: &mut dyn Iterator<Item = Result<Batch>>,
        _observer: &mut dyn Observer,
    ) -> Result<Box<dyn Detector>> {
        self.watch.end();
        let mut tensors = Tensors::new();
        state::collect(&self.vae, "", &mut tensors);
        let detector = CavgaDetector::learn(
            self.variant,
            &self.config,
            self.size,
            tensors,
            &self.device,
            held_out,
        )?;
        Ok(Box::new(detector))
    }

    fn state(&self) -> Result<Option<Tensors>> {
        let mut tensors = Tensors::new();
        state::collect(&self.vae, "vae.", &mut tensors);
        state::collect(&self.discriminator, "discriminator.", &mut tensors);
        self.adam.collect("adam.vae.", &mut tensors);
        self.encoder_adam.collect("adam.encoder.", &mut tensors);
        self.adversary_adam
            .collect("adam.discriminator.", &mut tensors);
        let last: Vec<f32> = self.last_adversary_loss.into_iter().collect();
        let count = last.len();
        let last = burn::tensor::TensorData::new(last, [count]);
        tensors.insert("last_adversary_loss".into(), last);
        Ok(Some(tensors))
    }

    fn restore(&mut self, mut tensors: Tensors) -> Result<()> {
        self.vae = state::load(self.vae.clone(), "vae.", &mut tensors)?;
        self.discriminator =
            state::load(self.discriminator.clone(), "discriminator.", &mut tensors)?;
        self.adam.restore(&self.vae, "adam.vae.", &mut tensors)?;
        self.encoder_adam
            .restore(&self.vae, "adam.encoder.", &mut tensors)?;
        self.adversary_adam
            .restore(&self.discriminator, "adam.discriminator.", &mut tensors)?;
        let name = "last_adversary_loss";
        let count = usize::from(
            tensors
                .get(name)
                .is_some_and(|last| last.num_elements() > 0),
        );
        let last = state::take(&mut tensors, name, &[count])?;
        self.last_adversary_loss = last.iter::<f32>().next();
        state::expect_empty(&tensors)?;
        self.awaits_weights = false;
        Ok(())
    }
}
