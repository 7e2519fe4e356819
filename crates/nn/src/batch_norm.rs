//! Batch norm.

use burn::{
    module::{Module, Param, RunningState},
    tensor::Tensor,
};

use crate::{
    layers::{Init, Mode},
    ops::{self, Activation, Convolved, Normalized},
};

/// Batch norm (Ioffe and Szegedy 2015) with torch's momentum 0.1 and, if not told another, its ε = 1e-5.
///
/// A batch with a single value of each channel, one image on a grid of one position, has no statistics: its deviation from its own mean is
/// 0 whatever it is, so that nothing could be learnt of it, and its variance of 0 would draw the running one down. torch refuses it; here
/// it is normalised by the running statistics, as in [`Mode::Score`], and these stay as they are: where images don't divide into batches,
/// the last of a pass may be a single one.
#[derive(Module, Debug)]
pub struct BatchNorm2d {
    /// Scale, `[channels]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[channels]`.
    pub bias: Param<Tensor<1>>,
    /// `[channels]`.
    pub running_mean: RunningState<Tensor<1>>,
    /// Unbiased, `[channels]`.
    pub running_var: RunningState<Tensor<1>>,
    #[module(skip)]
    pub(crate) epsilon: f64,
}

impl BatchNorm2d {
    const MOMENTUM: f64 = 0.1;

    /// Scale 1, shift 0.
    pub fn new(channels: usize, init: &mut Init) -> Self {
        let scale = init.constant(channels, 1.0);
        Self::with_scale(scale, channels, init)
    }

    /// Scale drawn from N(1, 0.02²), as DC-GAN does.
    pub fn dcgan(channels: usize, init: &mut Init) -> Self {
        let scale = init.normal([channels], 1.0, 0.02);
        Self::with_scale(scale, channels, init)
    }

    /// With another ε, which is added to the variance.
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    fn with_scale(weight: Param<Tensor<1>>, channels: usize, init: &Init) -> Self {
        // The running statistics are no one's gradient: they live off the tape.
        let device = init.device().clone().without_autodiff();
        Self {
            weight,
            bias: init.constant(channels, 0.0),
            running_mean: RunningState::new(Tensor::zeros([channels], &device)),
            running_var: RunningState::new(Tensor::ones([channels], &device)),
            epsilon: 1e-5,
        }
    }

    /// Normalises, then applies `activation`.
    ///
    /// # Shapes
    /// - x: `[batch, channels, height, width]` → the same
    pub fn forward(&self, x: Tensor<4>, mode: Mode, activation: Activation) -> Tensor<4> {
        let (gamma, beta) = (self.weight.val(), self.bias.val());
        let count = positions(&x);
        if has_statistics(mode, count) {
            let out = ops::batch_norm_train(x, gamma, beta, self.epsilon, activation);
            return self.learn(out, count, mode);
        }
        let (mean, variance) = (self.running_mean.value(), self.running_var.value());
        ops::batch_norm(x, [gamma, beta, mean, variance], self.epsilon, activation)
    }

    /// [`BatchNorm2d::forward`], then a convolution: in training on the CPU without keeping what lies between.
    ///
    /// # Shapes
    /// - x: `[batch, channels, height, width]` → the convolution's output
    pub(crate) fn forward_convolved(
        &self,
        x: Tensor<4>,
        mode: Mode,
        activation: Activation,
        convolved: Convolved,
    ) -> Tensor<4> {
        let count = positions(&x);
        if !has_statistics(mode, count) {
            return convolved.forward(self.forward(x, mode, activation));
        }
        let parameters = [self.weight.val(), self.bias.val()];
        let epsilon = self.epsilon;
        let out = ops::batch_norm_train_convolved(x, parameters, epsilon, activation, convolved);
        self.learn(out, count, mode)
    }

    /// Takes a batch's statistics, over `count` positions, into the running ones, in training; gives the output.
    fn learn(&self, out: Normalized, count: usize, mode: Mode) -> Tensor<4> {
        if mode != Mode::Train {
            return out.output;
        }
        let unbiased = out.variance.mul_scalar(count as f64 / (count - 1) as f64);
        blend(&self.running_mean, out.mean, Self::MOMENTUM);
        blend(&self.running_var, unbiased, Self::MOMENTUM);
        out.output
    }
}

/// Positions of a batch, over which its statistics are taken.
fn positions(x: &Tensor<4>) -> usize {
    let [batch, _, height, width] = x.dims();
    batch * height * width
}

/// Whether a batch of so many positions is normalised by its own statistics.
fn has_statistics(mode: Mode, count: usize) -> bool {
    mode != Mode::Score && count > 1
}

/// running ← (1 − momentum)·running + momentum·new.
fn blend(running: &RunningState<Tensor<1>>, new: Tensor<1>, momentum: f64) {
    let old = running.value();
    let new = new.without_autodiff();
    running.update(old.mul_scalar(1.0 - momentum) + new.mul_scalar(momentum));
    // Takes the update in now: what is saved next is the newest.
    running.value_sync();
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{layers::NormalizedLinear, ops::values, state};

    #[test]
    fn one_value_of_a_channel_is_normalised_by_the_running_statistics_and_leaves_them_alone() {
        let device = Device::flex().autodiff();
        let mut init = Init::new(0, &device);
        let norm = BatchNorm2d::new(2, &mut init);
        let several = Tensor::<2>::from_floats([[1.0, -2.0], [3.0, 4.0], [2.0, 1.0]], &device);
        norm.forward(
            several.reshape([3, 2, 1, 1]),
            Mode::Train,
            Activation::Identity,
        );
        let [mean, variance] = [&norm.running_mean, &norm.running_var].map(|of| values(of.value()));
        let one = Tensor::<2>::from_floats([[5.0, -3.0]], &device).reshape([1, 2, 1, 1]);
        let scored = norm.forward(one.clone(), Mode::Score, Activation::Identity);
        for mode in [Mode::Train, Mode::Look] {
            let leaf = one.clone().detach().require_grad();
            let found = norm.forward(leaf.clone(), mode, Activation::Identity);
            assert_eq!(values(found.clone()), values(scored.clone()));
            // It is learnt from: by its own statistics it would be 0, and so its gradient.
            let gradient = values(leaf.grad(&found.sum().backward()).unwrap());
            for (gradient, variance) in gradient.iter().zip(&variance) {
                let expected = (f64::from(*variance) + norm.epsilon).sqrt().recip();
                assert!((f64::from(*gradient) - expected).abs() < 1e-5);
            }
        }
        assert_eq!(values(norm.running_mean.value()), mean);
        assert_eq!(values(norm.running_var.value()), variance);
    }

    #[test]
    fn a_single_image_moves_no_statistics_of_a_linear_layer() {
        let device = Device::flex();
        let layer = NormalizedLinear::new(3, 2, &mut Init::new(0, &device));
        let of = |layer: &NormalizedLinear| {
            let mut tensors = state::Tensors::new();
            state::collect(layer, "", &mut tensors);
            tensors
        };
        let before = of(&layer);
        let one = Tensor::<2>::from_floats([[0.2, -0.7, 1.1]], &device);
        let learnt = layer.forward(one.clone(), Mode::Train, Activation::Identity);
        let scored = layer.forward(one, Mode::Score, Activation::Identity);
        assert_eq!(values(learnt), values(scored));
        assert!(before == of(&layer));
    }
}
