//! The kernels as operations of Burn's CPU backend.

use burn::backend::{
    Backend, Dispatch, Flex, TensorMetadata, backend_extension, flex::FlexTensor,
    tensor::FloatTensor,
};
use burn::tensor::{DType, Device, Tensor, TensorData};
use cavga_kernels::{ConvShape, activation, adam, batch_norm, conv};

use super::{Activation, Normalized, Window};
use crate::adam::AdamConfig;

/// What the tape records: operations with a backward pass of their own, see [`super::tape`].
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
    shape: ConvShape,
    /// Whether it is the transposed one: then `shape` is that of the convolution it is the input gradient of.
    transposed: bool,
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

    fn input_shape(&self) -> [usize; 4] {
        match self.transposed {
            false => self.shape.input_shape(),
            true => self.shape.output_shape(),
        }
    }

    fn output_shape(&self) -> [usize; 4] {
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

    fn layer<'a>(&self, gamma: &'a FlexTensor, beta: &'a FlexTensor) -> batch_norm::Layer<'a> {
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

/// A tensor whose storage is exactly its elements, in order.
fn dense(x: FlexTensor) -> FlexTensor {
    x.to_contiguous()
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// `[batch, channels, pixels]`
fn planes(x: &FlexTensor) -> [usize; 3] {
    let shape = x.shape();
    [shape[0], shape[1], shape[2] * shape[3]]
}

impl Kernels for Flex {
    fn activate(x: FlexTensor, by: cavga_kernels::Activation) -> FlexTensor {
        let x = dense(x);
        let y = activation::forward(by, x.storage());
        FlexTensor::from_data(TensorData::new(y, x.shape()))
    }

    fn convolve(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        convolution: Convolution,
    ) -> FlexTensor {
        let (x, weight, bias) = (dense(x), dense(weight), dense(bias));
        let kernel = match convolution.transposed {
            false => conv::forward,
            true => conv::input_gradient,
        };
        let (x, weight, bias) = (x.storage(), weight.storage(), bias.storage());
        let y = kernel(&convolution.shape, x, weight, Some(bias));
        tensor(y, convolution.output_shape())
    }

    fn normalize(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        norm: Norm,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (x, gamma, beta) = (dense(x), dense(gamma), dense(beta));
        let shape = planes(&x);
        let out = batch_norm::train(shape, x.storage(), &norm.layer(&gamma, &beta));
        let y = FlexTensor::from_data(TensorData::new(out.y, x.shape()));
        let [mean, variance] = [out.mean, out.variance].map(|values| tensor(values, [shape[1]]));
        (y, mean, variance)
    }
}

impl Gradients for Flex {
    fn activate_dx(x: FlexTensor, dy: FlexTensor, by: cavga_kernels::Activation) -> FlexTensor {
        let (x, dy) = (dense(x), dense(dy));
        let dx = activation::backward(by, x.storage(), dy.storage());
        FlexTensor::from_data(TensorData::new(dx, x.shape()))
    }

    fn convolve_dx(dy: FlexTensor, weight: FlexTensor, convolution: Convolution) -> FlexTensor {
        let (dy, weight) = (dense(dy), dense(weight));
        let kernel = match convolution.transposed {
            false => conv::input_gradient,
            true => conv::forward,
        };
        let dx = kernel(&convolution.shape, dy.storage(), weight.storage(), None);
        tensor(dx, convolution.input_shape())
    }

    fn convolve_dw(x: FlexTensor, dy: FlexTensor, convolution: Convolution) -> FlexTensor {
        let (x, dy) = (dense(x), dense(dy));
        let (images, gradient) = match convolution.transposed {
            false => (x.storage(), dy.storage()),
            true => (dy.storage(), x.storage()),
        };
        let dw = conv::weight_gradient(&convolution.shape, images, gradient);
        tensor(dw, convolution.shape.weight_shape())
    }

    fn convolve_db(dy: FlexTensor) -> FlexTensor {
        let dy = dense(dy);
        let [batch, channels, pixels] = planes(&dy);
        let db = conv::bias_gradient(dy.storage(), batch, channels, pixels);
        tensor(db, [channels])
    }

    fn normalize_backward(
        dy: FlexTensor,
        inputs: [FlexTensor; 3],
        statistics: [FlexTensor; 2],
        norm: Norm,
    ) -> [FlexTensor; 3] {
        let dy = dense(dy);
        let [x, gamma, beta] = inputs.map(dense);
        let [mean, variance] = statistics.map(dense);
        let shape = planes(&x);
        let out = batch_norm::backward(
            shape,
            x.storage(),
            dy.storage(),
            &norm.layer(&gamma, &beta),
            mean.storage(),
            variance.storage(),
        );
        let dx = FlexTensor::from_data(TensorData::new(out.dx, x.shape()));
        let [dgamma, dbeta] = [out.dgamma, out.dbeta].map(|values| tensor(values, [shape[1]]));
        [dx, dgamma, dbeta]
    }
}

impl OffTape for Flex {
    fn infer(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        norm: Norm,
    ) -> FlexTensor {
        let (x, gamma, beta) = (dense(x), dense(gamma), dense(beta));
        let (mean, variance) = (dense(mean), dense(variance));
        let layer = norm.layer(&gamma, &beta);
        let (mean, variance) = (mean.storage(), variance.storage());
        let y = batch_norm::infer(planes(&x), x.storage(), &layer, mean, variance);
        FlexTensor::from_data(TensorData::new(y, x.shape()))
    }

    fn adam(
        weight: FlexTensor,
        gradient: FlexTensor,
        mean: FlexTensor,
        square: FlexTensor,
        step: u64,
        settings: adam::Adam,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (mut weight, gradient) = (dense(weight), dense(gradient));
        let (mut mean, mut square) = (dense(mean), dense(square));
        adam::step(
            &settings,
            step,
            weight.storage_mut(),
            gradient.storage(),
            mean.storage_mut(),
            square.storage_mut(),
        );
        (weight, mean, square)
    }
}
