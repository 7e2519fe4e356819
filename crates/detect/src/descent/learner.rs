//! Adam on one loss.

use burn::tensor::Device;
use cavga_nn::{adam::Adam, layers::Init, state};

use super::{Course, Descends, Lesson, Trained};
use crate::{
    Batch, Detector, Learner, Losses, Observer, Pretrained, Result, Tensors,
    check::{check, finite},
};

/// A network in training.
#[derive(Debug)]
pub(crate) struct Descent<N: Descends> {
    network: N,
    config: N::Config,
    adam: Adam,
    passes: usize,
    size: [usize; 2],
    seed: u64,
    /// Without a tape; the network lives on the same with one.
    device: Device,
}

impl<N: Descends> Descent<N> {
    /// For images of `size`, `[height, width]`: the weights that `known` brings, the others drawn from `seed`.
    pub(crate) fn new(
        config: &N::Config,
        course: Course,
        size: [usize; 2],
        seed: u64,
        known: &Pretrained,
        device: &Device,
    ) -> Result<Self> {
        check("passes", course.passes > 0, "at least 1", &course.passes)?;
        let tape = device.clone().autodiff();
        Ok(Self {
            network: N::new(config, size, &mut Init::new(seed, &tape))?.with_weights(known)?,
            config: config.clone(),
            adam: Adam::new(course.adam),
            passes: course.passes,
            size,
            seed,
            device: device.clone().without_autodiff(),
        })
    }
}

impl<N: Descends + 'static> Learner for Descent<N> {
    fn passes(&self) -> usize {
        self.passes
    }

    fn observe(&mut self, batch: &Batch) -> Result<Losses> {
        let lesson = Lesson::new(batch, self.size, self.seed, &self.device)?;
        let losses = self.network.losses(&lesson)?;
        let values = losses
            .iter()
            .map(|(name, loss)| Ok((*name, finite(name, loss, batch.step)?)));
        let values = values.collect::<Result<Losses>>()?;
        if let Some((_, descended)) = losses.into_iter().next() {
            let gradients = descended.backward();
            self.network = self.adam.step(self.network.clone(), &[gradients]);
        }
        Ok(values)
    }

    fn finish(
        self: Box<Self>,
        held_out: &mut dyn Iterator<Item = Result<Batch>>,
        _observer: &mut dyn Observer,
    ) -> Result<Box<dyn Detector>> {
        let trained = Trained::finish(
            &self.network,
            &self.config,
            self.size,
            held_out,
            &self.device,
        )?;
        Ok(Box::new(trained))
    }

    fn state(&self) -> Result<Option<Tensors>> {
        let mut tensors = Tensors::new();
        state::collect(&self.network, "network.", &mut tensors);
        self.adam.collect("adam.", &mut tensors);
        Ok(Some(tensors))
    }

    fn restore(&mut self, mut tensors: Tensors) -> Result<()> {
        self.network = state::load(self.network.clone(), "network.", &mut tensors)?;
        self.adam.restore(&self.network, "adam.", &mut tensors)?;
        state::expect_empty(&tensors)?;
        Ok(())
    }
}
