//! Trained networks that only score, on the CPU: batch norms folded into convolutions, weights prepared once, activations in
//! blocks of channels from layer to layer (`cavga_kernels::inference`).
//!
//! Made of a network for images of one size by its `inference`; the results are the network's own in [`Mode::Score`](crate::layers::Mode), to
//! rounding. Other devices than the CPU run the network itself.

mod dcgan;
mod mobile;
mod residual_decoder;
mod resnet;
mod taps;
#[cfg(test)]
mod tests;

pub use dcgan::{Decoder, Encoder};
pub use residual_decoder::ResidualDecoder;
pub use resnet::ResNet;
pub use taps::Taps;

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use cavga_kernels::inference::{Features, Layer, Pool};
use cavga_kernels::{Activation, ConvShape};

use crate::layers::{BatchNorm2d, Conv2d, ConvTranspose2d};
use crate::ops::{self, values};

/// Whether networks on this device have this form.
pub fn supports(device: &Device) -> bool {
    *device == Device::flex()
}

fn parameter<const D: usize>(parameter: &Param<Tensor<D>>) -> Vec<f32> {
    values(parameter.val())
}

/// Images as features.
fn features(images: Tensor<4>) -> Features {
    let shape = images.dims();
    Features::new(shape, values(images))
}

/// Features as a tensor, `[batch, channels, height, width]`.
fn tensor(features: Features, pool: &Pool) -> Tensor<4> {
    let shape = features.shape();
    let data = TensorData::new(features.into_planes(pool), shape);
    Tensor::from_data(data, &Device::flex())
}

/// A batch norm by its running statistics: scale and shift per channel.
fn affine(norm: &BatchNorm2d) -> (Vec<f32>, Vec<f32>) {
    let (gamma, beta) = (parameter(&norm.weight), parameter(&norm.bias));
    let mean = values(norm.running_mean.value());
    let variance = values(norm.running_var.value());
    let scale: Vec<f32> = gamma
        .iter()
        .zip(&variance)
        .map(|(&gamma, &variance)| {
            (f64::from(gamma) / (f64::from(variance) + norm.epsilon).sqrt()) as f32
        })
        .collect();
    let shift = beta
        .iter()
        .zip(mean.iter().zip(&scale))
        .map(|(&beta, (&mean, &scale))| {
            (f64::from(beta) - f64::from(mean) * f64::from(scale)) as f32
        })
        .collect();
    (scale, shift)
}

/// Makes layers one after the other, following the shape of the features, `[channels, height, width]`.
struct Builder {
    shape: [usize; 3],
}

/// How a layer's weight and bias become those of the layer and the batch norm behind it. `kernel`: floats of one output's kernel for one
/// input; `outputs` is the weight's inner axis if `inner`.
fn fold(weight: &mut [f32], bias: &mut [f32], kernel: usize, inner: bool, norm: &BatchNorm2d) {
    let (scale, shift) = affine(norm);
    let outputs = bias.len();
    let per_output = weight.len() / outputs;
    for (at, kernel) in weight.chunks_exact_mut(kernel).enumerate() {
        let output = if inner {
            at % outputs
        } else {
            at * kernel.len() / per_output
        };
        kernel
            .iter_mut()
            .for_each(|weight| *weight *= scale[output]);
    }
    for (bias, (scale, shift)) in bias.iter_mut().zip(scale.iter().zip(&shift)) {
        *bias = *bias * scale + shift;
    }
}

impl Builder {
    fn new(channels: usize, [height, width]: [usize; 2]) -> Self {
        Self {
            shape: [channels, height, width],
        }
    }

    fn images(&self) -> [usize; 4] {
        [1, self.shape[0], self.shape[1], self.shape[2]]
    }

    /// A convolution, the batch norm behind it, if any, and an activation.
    fn conv(
        &mut self,
        conv: &Conv2d,
        norm: Option<&BatchNorm2d>,
        activation: ops::Activation,
    ) -> Layer {
        self.folded(conv, norm).layer(false, activation)
    }

    /// A convolution and the batch norm behind it, if any, as one.
    fn folded(&mut self, conv: &Conv2d, norm: Option<&BatchNorm2d>) -> Folded {
        let dims = conv.weight.dims();
        let [_, height, width] = self.shape;
        let geometry = ops::geometry(conv.window([height, width]));
        let shape = ConvShape::new(self.images(), dims, geometry);
        let bias = conv.bias.as_ref().map(parameter);
        self.fold(shape, false, parameter(&conv.weight), bias, norm)
    }

    /// A transposed convolution, likewise.
    fn conv_transpose(
        &mut self,
        conv: &ConvTranspose2d,
        norm: Option<&BatchNorm2d>,
        activation: ops::Activation,
    ) -> Layer {
        let dims = conv.weight.dims();
        let geometry = ops::geometry(conv.window());
        let shape = ConvShape::transposed(self.images(), dims, [0, 0], geometry);
        let bias = conv.bias.as_ref().map(parameter);
        let folded = self.fold(shape, true, parameter(&conv.weight), bias, norm);
        folded.layer(true, activation)
    }

    #[expect(clippy::expect_used, reason = "a network's own shapes fit each other")]
    fn fold(
        &mut self,
        shape: Result<ConvShape, cavga_kernels::ShapeError>,
        transposed: bool,
        mut weight: Vec<f32>,
        bias: Option<Vec<f32>>,
        norm: Option<&BatchNorm2d>,
    ) -> Folded {
        let shape = shape.expect("layers of a network fit each other");
        let [_, outputs, height, width] = match transposed {
            true => shape.input_shape(),
            false => shape.output_shape(),
        };
        let mut bias = bias.unwrap_or_else(|| vec![0.0; outputs]);
        if let Some(norm) = norm {
            let [.., kernel_height, kernel_width] = shape.weight_shape();
            let kernel = kernel_height * kernel_width;
            fold(&mut weight, &mut bias, kernel, transposed, norm);
        }
        self.shape = [outputs, height, width];
        Folded {
            shape,
            weight,
            bias,
        }
    }
}

/// A convolution's numbers with the batch norm behind it folded in.
struct Folded {
    shape: ConvShape,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Folded {
    fn layer(&self, transposed: bool, activation: ops::Activation) -> Layer {
        let (bias, activation) = (Some(&self.bias[..]), Activation::from(activation));
        Layer::new(&self.shape, transposed, &self.weight, bias, activation)
    }
}
