//! Training AVID: the detector's step on (x, I(x̃)), then the inpainter's against the detector that it now is.

use burn::tensor::{Device, Tensor};
use cavga_nn::{adam::Adam, layers::Init, random::Stream, state};

use super::{Avid, AvidConfig, network::mean_of_patches};
use crate::{
    Batch, Detector, Learner, Losses, Observer, PAINT, Result, Tensors,
    check::finite,
    descent::{Lesson, Trained},
};

/// What the detector's tensors are called.
const DETECTOR: &str = "detector.";

/// An AVID in training.
#[derive(Debug)]
pub(super) struct AvidLearner {
    network: Avid,
    config: AvidConfig,
    inpainter_adam: Adam,
    detector_adam: Adam,
    size: [usize; 2],
    seed: u64,
    /// Without a tape; the networks live on the same with one.
    device: Device,
}

impl AvidLearner {
    pub(super) fn new(
        config: &AvidConfig,
        size: [usize; 2],
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        let tape = device.clone().autodiff();
        Ok(Self {
            network: Avid::new(config, size, &mut Init::new(seed, &tape))?,
            config: config.clone(),
            inpainter_adam: Adam::new(config.adam),
            detector_adam: Adam::new(config.adam),
            size,
            seed,
            device: device.clone().without_autodiff(),
        })
    }

    /// x̃ = x + γ·ε. Images are in [0, 1] here, half as wide as [−1, 1].
    fn noisy(&self, lesson: &Lesson) -> Tensor<4> {
        let noise = lesson.noise(lesson.images.dims(), Stream::Corruption);
        let noisy = lesson.images.clone() + noise.mul_scalar(self.config.noise / 2.0);
        painted(noisy, lesson)
    }

    fn step_detector(
        &mut self,
        lesson: &Lesson,
        inpainted: Tensor<4>,
        noisy: Tensor<4>,
    ) -> Result<f64> {
        let images = lesson.images.clone();
        let loss = self.network.detector_loss(images, inpainted, noisy);
        let loss = mean_of_patches(loss, lesson.part.as_ref());
        let value = finite("detector", &loss, lesson.step())?;
        let network = self.network.clone();
        let is_detector = |name: &str| name.starts_with(DETECTOR);
        self.network = self
            .detector_adam
            .step_where(network, &[loss.backward()], is_detector);
        Ok(value)
    }

    fn step_inpainter(
        &mut self,
        lesson: &Lesson,
        inpainted: Tensor<4>,
        noisy: Tensor<4>,
    ) -> Result<Losses> {
        let error = (lesson.images.clone() - inpainted.clone()).abs();
        // Of images in [−1, 1], as the weight.
        let reconstruction = lesson.mean(error).mul_scalar(2.0);
        let adversarial = self.network.adversarial_loss(inpainted, noisy);
        let adversarial = mean_of_patches(adversarial, lesson.part.as_ref());
        let weight = self.config.reconstruction;
        let total = match weight > 0.0 {
            true => adversarial.clone() + reconstruction.clone().mul_scalar(weight),
            false => adversarial.clone(),
        };
        let step = lesson.step();
        let losses = vec![
            ("total", finite("total", &total, step)?),
            ("adversarial", finite("adversarial", &adversarial, step)?),
            (
                "reconstruction",
                finite("reconstruction", &reconstruction, step)?,
            ),
        ];
        let network = self.network.clone();
        let is_inpainter = |name: &str| !name.starts_with(DETECTOR);
        self.network = self
            .inpainter_adam
            .step_where(network, &[total.backward()], is_inpainter);
        Ok(losses)
    }
}

/// With the same paint as the image where nothing counts: nobody is to tell two images by that.
fn painted(images: Tensor<4>, lesson: &Lesson) -> Tensor<4> {
    match &lesson.part {
        Some(part) => part.painted(images, PAINT),
        None => images,
    }
}

impl Learner for AvidLearner {
    fn passes(&self) -> usize {
        self.config.passes
    }

    fn observe(&mut self, batch: &Batch) -> Result<Losses> {
        let lesson = Lesson::new(batch, self.size, self.seed, &self.device)?;
        let noisy = self.noisy(&lesson);
        let inpainted = painted(self.network.inpaint(noisy.clone()), &lesson);
        let off_tape = inpainted.clone().detach();
        let detector = self.step_detector(&lesson, off_tape, noisy.clone())?;
        let mut losses = self.step_inpainter(&lesson, inpainted, noisy)?;
        losses.push(("detector", detector));
        Ok(losses)
    }

    fn finish(
        self: Box<Self>,
        held_out: &mut dyn Iterator<Item = Result<Batch>>,
        _observer: &mut dyn Observer,
    ) -> Result<Box<dyn Detector>> {
        let (network, config) = (&self.network, &self.config);
        let trained = Trained::finish(network, config, self.size, held_out, &self.device)?;
        Ok(Box::new(trained))
    }

    fn state(&self) -> Result<Option<Tensors>> {
        let mut tensors = Tensors::new();
        state::collect(&self.network, "network.", &mut tensors);
        self.inpainter_adam.collect("adam.inpainter.", &mut tensors);
        self.detector_adam.collect("adam.detector.", &mut tensors);
        Ok(Some(tensors))
    }

    fn restore(&mut self, mut tensors: Tensors) -> Result<()> {
        self.network = state::load(self.network.clone(), "network.", &mut tensors)?;
        let (network, tensors) = (&self.network, &mut tensors);
        self.inpainter_adam
            .restore(network, "adam.inpainter.", tensors)?;
        self.detector_adam
            .restore(network, "adam.detector.", tensors)?;
        state::expect_empty(tensors)?;
        Ok(())
    }
}
