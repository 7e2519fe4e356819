//! The kernels as operations of Burn's CPU backend: what is recorded, its backward passes' parts, what is not recorded,
//! and who may use them. `cpu` has the bodies, `tape` the backward passes.

use burn::backend::{Backend, Dispatch, backend_extension, flex::FlexTensor, tensor::FloatTensor};
use burn::tensor::{DType, Device, Tensor};
use cavga_kernels::{ConvShape, adam, batch_norm, conv};

use super::{Activation, Normalized, Window};
use crate::adam::AdamConfig;

/// What the tape records: operations with a backward pass of their own, see `tape`.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Kernels: Backend {
    /// A convolution or transposed convolution, with a bias (Burn's macro takes no optional tensors).
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self>;
    /// Batch norm by the batch's statistics, then an activation: output, mean, biased variance.
    fn normalize(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        norm: Norm,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// An activation alone.
    fn activate(x: FloatTensor<Self>, by: cavga_kernels::Activation) -> FloatTensor<Self>;
}

/// What backward passes are made of.
pub(super) trait Gradients: Backend {
    /// To the images.
    fn convolve_dx(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self>;
    /// To the weight.
    fn convolve_dw(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self>;
    /// To the bias.
    fn convolve_db(dy: FloatTensor<Self>) -> FloatTensor<Self>;
    /// To the images, the scale and the shift, given the images, the scale, the shift, and their mean and variance.
    fn normalize_backward(
        dy: FloatTensor<Self>,
        inputs: [FloatTensor<Self>; 3],
        statistics: [FloatTensor<Self>; 2],
        norm: Norm,
    ) -> [FloatTensor<Self>; 3];
    /// To the input of an activation.
    fn activate_dx(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        by: cavga_kernels::Activation,
    ) -> FloatTensor<Self>;
}

/// What is never recorded.
#[backend_extension(Flex)]
pub(super) trait OffTape: Backend {
    /// Batch norm by given statistics, then an activation.
    fn infer(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        norm: Norm,
    ) -> FloatTensor<Self>;
    /// Weight, mean and mean square after a step along `gradient`.
    fn adam(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        step: u64,
        settings: adam::Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// A convolution's numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Convolution {
    pub(super) shape: ConvShape,
    /// Whether it is the transposed one: then `shape` is that of the convolution it is the input gradient of.
    pub(super) transposed: bool,
}

/// A batch norm's numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Norm {
    epsilon: f32,
    activation: cavga_kernels::Activation,
}

/// Whether the kernels can take this tensor.
fn fits<const D: usize>(x: &Tensor<D>) -> bool {
    #[cfg(test)]
    if super::tests::PLAIN.get() {
        return false;
    }
    x.dtype() == DType::F32 && x.device() == Device::flex()
}

fn geometry(window: Window) -> conv::Geometry {
    conv::Geometry {
        stride: [window.stride; 2],
        padding: [window.padding; 2],
        dilation: [window.dilation; 2],
        groups: 1,
    }
}

impl Convolution {
    /// A convolution, if the kernels can do it.
    pub(super) fn of(x: &Tensor<4>, weight: &Tensor<4>, window: Window) -> Option<Self> {
        if !(fits(x) && fits(weight)) {
            return None;
        }
        let shape = ConvShape::new(x.dims(), weight.dims(), geometry(window)).ok()?;
        Some(Self {
            shape,
            transposed: false,
        })
    }

    /// A transposed convolution, if the kernels can do it.
    pub(super) fn transposed(x: &Tensor<4>, weight: &Tensor<4>, window: Window) -> Option<Self> {
        if !(fits(x) && fits(weight)) {
            return None;
        }
        let geometry = geometry(window);
        let shape = ConvShape::transposed(x.dims(), weight.dims(), [0, 0], geometry).ok()?;
        Some(Self {
            shape,
            transposed: true,
        })
    }

    pub(super) fn input_shape(&self) -> [usize; 4] {
        match self.transposed {
            false => self.shape.input_shape(),
            true => self.shape.output_shape(),
        }
    }

    pub(super) fn output_shape(&self) -> [usize; 4] {
        match self.transposed {
            false => self.shape.output_shape(),
            true => self.shape.input_shape(),
        }
    }
}

impl From<Activation> for cavga_kernels::Activation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Identity => Self::Identity,
            Activation::Relu => Self::Relu,
            Activation::LeakyRelu(slope) => Self::LeakyRelu(slope as f32),
        }
    }
}

impl Norm {
    /// A batch norm, if the kernels can do it.
    pub(super) fn of(
        x: &Tensor<4>,
        parameters: [&Tensor<1>; 2],
        epsilon: f64,
        activation: Activation,
    ) -> Option<Self> {
        let [batch, channels, height, width] = x.dims();
        let all = batch * channels * height * width > 0
            && parameters
                .into_iter()
                .all(|p| fits(p) && p.dims() == [channels]);
        (all && fits(x)).then_some(Self {
            epsilon: epsilon as f32,
            activation: activation.into(),
        })
    }

    pub(super) fn layer<'a>(
        &self,
        gamma: &'a FlexTensor,
        beta: &'a FlexTensor,
    ) -> batch_norm::Layer<'a> {
        batch_norm::Layer {
            gamma: gamma.storage(),
            beta: beta.storage(),
            epsilon: self.epsilon,
            activation: self.activation,
        }
    }
}

/// Runs a convolution on the tape, if there is one.
pub(super) fn convolve(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    convolution: Convolution,
) -> Tensor<4> {
    let channels = convolution.output_shape()[1];
    // Zeros off the tape: nobody asks for their gradient.
    let bias = bias.unwrap_or_else(|| Tensor::zeros([channels], &x.device().without_autodiff()));
    Tensor::from_dispatch(Dispatch::convolve(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        convolution,
    ))
}

/// Runs a batch norm on the tape, if there is one.
pub(super) fn normalize(x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, norm: Norm) -> Normalized {
    let [x, gamma, beta] = [
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
    ];
    let (output, mean, variance) = Dispatch::normalize(x, gamma, beta, norm);
    Normalized {
        output: Tensor::from_dispatch(output),
        mean: Tensor::from_dispatch(mean),
        variance: Tensor::from_dispatch(variance),
    }
}

/// Runs a batch norm by given statistics; None where the kernels can't, or where a tape may listen.
pub(super) fn infer(
    x: &Tensor<4>,
    parameters: &[Tensor<1>; 4],
    epsilon: f64,
    activation: Activation,
) -> Option<Tensor<4>> {
    let [gamma, beta, mean, variance] = parameters;
    let norm = Norm::of(x, [gamma, beta], epsilon, activation)?;
    Norm::of(x, [mean, variance], epsilon, activation)?;
    if x.is_autodiff() || parameters.iter().any(Tensor::is_autodiff) {
        return None;
    }
    let [gamma, beta, mean, variance] =
        [gamma, beta, mean, variance].map(|tensor| tensor.clone().into_dispatch());
    let x = x.clone().into_dispatch();
    let y = Dispatch::infer(x, gamma, beta, mean, variance, norm);
    Some(Tensor::from_dispatch(y))
}

/// Runs an activation on the tape, if there is one; None where the kernels can't.
pub(super) fn activate<const D: usize>(x: &Tensor<D>, by: Activation) -> Option<Tensor<D>> {
    fits(x).then(|| {
        let x = x.clone().into_dispatch();
        Tensor::from_dispatch(Dispatch::activate(x, by.into()))
    })
}

/// Whether the kernels can step these tensors, all of one size.
pub(super) fn can_step(tensors: &[Tensor<1>; 4]) -> bool {
    let len = tensors[0].dims();
    tensors
        .iter()
        .all(|tensor| fits(tensor) && tensor.dims() == len)
}

/// One step of Adam in one pass over memory: weight, mean and mean square.
pub(super) fn adam_step(
    tensors: [Tensor<1>; 4],
    steps: u64,
    config: &AdamConfig,
) -> [Tensor<1>; 3] {
    let settings = adam::Adam {
        learning_rate: config.rate,
        beta_1: config.beta_1,
        beta_2: config.beta_2,
        epsilon: config.epsilon,
        weight_decay: 0.0,
    };
    let [weight, gradient, mean, square] =
        tensors.map(|tensor| tensor.without_autodiff().into_dispatch());
    let (weight, mean, square) = Dispatch::adam(weight, gradient, mean, square, steps, settings);
    [weight, mean, square].map(Tensor::from_dispatch)
}
