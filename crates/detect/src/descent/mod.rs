//! Networks that learn by descending one loss, and score: the learner and the detector that they share.
//!
//! A method is a [`Network`]: how it is made, and what it says of images. One that learns by a single loss and a single Adam [`Descends`], and has
//! its learner and its recipe here too ([`Descending`]); one of two players brings a learner of its own and ends with [`Trained::finish`].

mod learner;
mod recipe;
mod trained;

use std::fmt::Debug;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use cavga_nn::{
    adam::AdamConfig,
    layers::Init,
    part::{Part, mean_of_each},
    random::{self, Stream},
};

pub(crate) use recipe::Descending;
pub(crate) use trained::Trained;

use crate::{
    Batch, Pretrained, Result, Scores,
    check::{check_images, check_valid},
};
use learner::Descent;

/// A network that says of images how anomalous they are.
pub(crate) trait Network: Module + Debug + Send {
    /// What it is made by.
    type Config: Clone + Debug + Send;

    /// Whether it differentiates to score: its weights then live on a tape there too, and images come on it.
    const SCORES_ON_TAPE: bool = false;

    /// Fresh weights, for images of `size`, `[height, width]`.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for settings that cannot work, or not at this size.
    fn new(config: &Self::Config, size: [usize; 2], init: &mut Init) -> Result<Self>
    where
        Self: Sized;

    /// With the weights of the files that its settings name.
    fn with_weights(self, pretrained: &Pretrained) -> Result<Self>
    where
        Self: Sized,
    {
        let _ = pretrained;
        Ok(self)
    }

    /// Made ready to score: it learns no more.
    fn prepared(self) -> Self
    where
        Self: Sized,
    {
        self
    }

    /// Learns what it must know of its own scores on normal images that it did not learn from. What it learns here is among its tensors.
    fn fit(self, held_out: &mut dyn Iterator<Item = Result<Batch>>) -> Result<Self>
    where
        Self: Sized,
    {
        let _ = held_out;
        Ok(self)
    }

    /// As [`crate::Detector::is_fitted`].
    fn is_fitted(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// As [`crate::Detector::score`]; images and what counts of them are of the right shapes.
    fn score(&self, images: Tensor<4>, part: Option<&Part>) -> Result<Scores>;
}

/// A network that learns by one loss.
pub(crate) trait Descends: Network {
    /// The loss that is descended, then the terms that make it up, for the log. Each `[1]`.
    fn losses(&self, lesson: &Lesson) -> Result<Vec<(&'static str, Tensor<1>)>>;
}

/// How long a network learns, and in what steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course {
    /// Passes over the training images.
    pub(crate) passes: usize,
    /// The optimizer.
    pub(crate) adam: AdamConfig,
}

/// Images to learn from, on the tape.
#[derive(Debug)]
pub(crate) struct Lesson {
    /// `[batch, 3, height, width]` in [0, 1].
    pub(crate) images: Tensor<4>,
    /// What counts of them, where not all does.
    pub(crate) part: Option<Part>,
    /// Which of the normal classes each is of; empty where there are none.
    pub(crate) classes: Vec<u8>,
    /// The step and the run's seed, which fix every draw.
    step: u64,
    seed: u64,
    device: Device,
}

impl Lesson {
    /// Images all of which counts, of these classes, as a first step.
    #[cfg(test)]
    pub(crate) fn of(images: Tensor<4>, classes: Vec<u8>) -> Self {
        let device = images.device().without_autodiff();
        Self {
            images,
            part: None,
            classes,
            step: 0,
            seed: 0,
            device,
        }
    }

    /// A batch as a network on a tape of `device` learns from it, in a run of this seed.
    pub(crate) fn new(batch: &Batch, size: [usize; 2], seed: u64, device: &Device) -> Result<Self> {
        check_images(&batch.images, size)?;
        let on_tape = |tensor: &Tensor<4>| Tensor::from_inner(tensor.clone().without_autodiff());
        let part = batch.valid.as_ref().map(|valid| Part::new(on_tape(valid)));
        check_valid(&batch.images, part.as_ref())?;
        Ok(Self {
            images: on_tape(&batch.images),
            part,
            classes: batch.classes.clone(),
            step: batch.step,
            seed,
            device: device.clone().without_autodiff(),
        })
    }

    /// Standard normal numbers of this step, off the tape's gradients.
    pub(crate) fn noise<const D: usize>(&self, shape: [usize; D], stream: Stream) -> Tensor<D> {
        let mut generator = self.generator(stream);
        Tensor::from_inner(random::normal(shape, &mut generator, &self.device))
    }

    /// The same step with other images, of no classes, in place of these.
    pub(crate) fn with(&self, images: Tensor<4>, part: Option<Part>) -> Self {
        Self {
            images,
            part,
            classes: Vec::new(),
            step: self.step,
            seed: self.seed,
            device: self.device.clone(),
        }
    }

    /// How many batches the run has seen before this one.
    pub(crate) fn step(&self) -> u64 {
        self.step
    }

    /// The generator of a stream at this step.
    pub(crate) fn generator(&self, stream: Stream) -> impl rand::Rng + use<> {
        random::generator(self.seed, stream, self.step)
    }

    /// The mean over what counts of each image, and over the images, of values on any grid.
    ///
    /// # Shapes
    /// - values: `[batch, channels, height', width']` → `[1]`
    pub(crate) fn mean(&self, values: Tensor<4>) -> Tensor<1> {
        mean_of_each(values, self.part.as_ref()).mean()
    }
}
