//! What the registry asks of a method whose network descends.

use burn::tensor::Device;

use super::{Course, Descends, Descent, Network, Trained};
use crate::{
    Detector, Learner, Pretrained, Result, Tensors,
    recipe::{About, Recipe, WantedWeights},
};

/// A method of one network that learns by one loss: its [`Recipe`] follows.
pub(crate) trait Descending {
    /// What learns, and scores.
    type Network: Descends + 'static;

    /// As [`Recipe::about`].
    fn about(&self) -> About;

    /// What its network is made by.
    fn config(&self) -> &<Self::Network as Network>::Config;

    /// How it learns.
    fn course(&self) -> Course;

    /// As [`Recipe::weights`].
    fn weights(&self) -> Vec<WantedWeights> {
        Vec::new()
    }
}

impl<T: Descending> Recipe for T {
    fn about(&self) -> About {
        Descending::about(self)
    }

    fn weights(&self) -> Vec<WantedWeights> {
        Descending::weights(self)
    }

    fn learner(
        &self,
        size: [usize; 2],
        seed: u64,
        pretrained: &Pretrained,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        let (config, course) = (self.config(), self.course());
        let learner = Descent::<T::Network>::new(config, course, size, seed, pretrained, device)?;
        Ok(Box::new(learner))
    }

    fn detector(
        &self,
        size: [usize; 2],
        state: Tensors,
        device: &Device,
    ) -> Result<Box<dyn Detector>> {
        let detector = Trained::<T::Network>::restore(self.config(), size, state, device)?;
        Ok(Box::new(detector))
    }
}
