//! The linear layer, alone and with batch norm behind it.

use burn::{
    module::{Module, Param},
    tensor::Tensor,
};

use crate::{
    layers::{BatchNorm2d, Init, Mode},
    ops::Activation,
};

/// y = x·Wᵀ + b.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Param<Tensor<1>>,
}

impl Linear {
    /// Weights drawn from N(0, 1 / in), which keeps the variance of its input; a bias of zero.
    pub fn new(input: usize, output: usize, init: &mut Init) -> Self {
        let deviation = 1.0 / (input as f64).sqrt();
        Self {
            weight: init.normal([output, input], 0.0, deviation),
            bias: init.constant(output, 0.0),
        }
    }

    /// # Shapes
    /// - x: `[batch, in]` → `[batch, out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.val().transpose()) + self.bias.val().unsqueeze()
    }
}

/// A linear layer, batch norm over each of its outputs, an activation.
#[derive(Module, Debug)]
pub struct NormalizedLinear {
    linear: Linear,
    norm: BatchNorm2d,
}

impl NormalizedLinear {
    /// Fresh weights.
    pub fn new(input: usize, output: usize, init: &mut Init) -> Self {
        Self {
            linear: Linear::new(input, output, init),
            norm: BatchNorm2d::new(output, init),
        }
    }

    /// # Shapes
    /// - x: `[batch, in]` → `[batch, out]`
    pub fn forward(&self, x: Tensor<2>, mode: Mode, activation: Activation) -> Tensor<2> {
        let x = self.linear.forward(x);
        let [batch, features] = x.dims();
        let x = x.reshape([batch, features, 1, 1]);
        let x = self.norm.forward(x, mode, activation);
        x.reshape([batch, features])
    }
}
