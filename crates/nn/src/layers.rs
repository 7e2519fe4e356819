//! Layers with torch's field names, made from a seeded generator.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};
use rand_pcg::Pcg64;

pub use crate::{
    batch_norm::BatchNorm2d,
    linear::{Linear, NormalizedLinear},
};
use crate::{
    ops::{Convolved, Window},
    random::{self, Stream},
};

/// Whether a network learns (batch statistics, gradients) or scores (running statistics).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Batch norm uses the batch's statistics and updates the running ones.
    Train,
    /// As [`Mode::Train`], but the running statistics stay: for a second look at a batch that was learnt from.
    Look,
    /// Batch norm uses the running statistics: an image's result does not depend on its batch.
    Score,
}

/// Draws the initial weights of a network's layers, one after the other.
#[derive(Debug)]
pub struct Init {
    generator: Pcg64,
    device: Device,
}

impl Init {
    /// Weights will live on `device`; give an autodiff device for a network that learns.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self {
            generator: random::generator(seed, Stream::Weights, 0),
            device: device.clone(),
        }
    }

    /// Where the weights will live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    pub(crate) fn normal<const D: usize>(
        &mut self,
        shape: [usize; D],
        mean: f64,
        deviation: f64,
    ) -> Param<Tensor<D>> {
        // Drawn off the tape: a parameter must be a leaf of it, not the result of scaling one.
        let device = self.device.clone().without_autodiff();
        let draws = random::normal(shape, &mut self.generator, &device);
        let values = draws.mul_scalar(deviation).add_scalar(mean).into_data();
        Param::from_tensor(Tensor::from_data(values, &self.device))
    }

    pub(crate) fn constant(&self, size: usize, value: f64) -> Param<Tensor<1>> {
        Param::from_tensor(Tensor::full([size], value, &self.device))
    }
}

/// A convolution to be made: `ConvConfig::new(in, out, kernel)`.
#[derive(Debug, Clone, Copy)]
pub struct ConvConfig {
    channels: [usize; 2],
    kernel: usize,
    window: Window,
    same: Option<Same>,
    bias: bool,
    deviation: f64,
}

impl ConvConfig {
    /// Stride 1, no padding, no bias, weights drawn from N(0, 0.02²) as DC-GAN does.
    pub fn new(input: usize, output: usize, kernel: usize) -> Self {
        Self {
            channels: [input, output],
            kernel,
            window: Window::default(),
            same: None,
            bias: false,
            deviation: 0.02,
        }
    }
    /// 4×4, between a map and one of half its size, as DC-GAN's are.
    pub fn halving(input: usize, output: usize) -> Self {
        Self::new(input, output, 4).stride(2).padding(1)
    }
    /// Distance between two positions.
    pub fn stride(mut self, stride: usize) -> Self {
        self.window.stride = stride;
        self
    }
    /// Zeros added on each side.
    pub fn padding(mut self, padding: usize) -> Self {
        self.window.padding = [padding; 2];
        self
    }
    /// Of a transposed convolution: rows below, and columns to the right, that its output has more; below the stride.
    pub fn output_padding(mut self, padding: usize) -> Self {
        self.window.behind = [padding; 2];
        self
    }
    /// Distance between two taps.
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.window.dilation = dilation;
        self
    }
    /// Padded as TensorFlow's `SAME`, by the size of the image; takes `stride` as that of the network without dilation.
    pub(crate) fn same(mut self, stride: usize) -> Self {
        self.same = Some(Same { stride });
        self
    }
    /// A kernel for each channel, as many as there are of inputs and of outputs.
    pub fn depthwise(mut self) -> Self {
        self.window.groups = self.channels[0];
        self
    }
    /// With a bias, zero at first.
    pub fn bias(mut self) -> Self {
        self.bias = true;
        self
    }
    /// Weights drawn from N(0, 2 / fan-out), as He et al. 2015 and torchvision's ResNet do.
    pub fn kaiming(mut self) -> Self {
        let fan_out = self.channels[1] / self.window.groups * self.kernel * self.kernel;
        self.deviation = (2.0 / fan_out as f64).sqrt();
        self
    }

    /// Weights drawn from N(0, 2 / fan-in), for networks without batch norm: activations keep their size.
    pub fn kaiming_in(mut self) -> Self {
        let fan_in = self.channels[0] / self.window.groups * self.kernel * self.kernel;
        self.deviation = (2.0 / fan_in as f64).sqrt();
        self
    }

    /// As [`ConvConfig::kaiming_in`] for a transposed convolution, at each of whose outputs one in stride² of its taps arrives.
    pub fn kaiming_transposed(self) -> Self {
        let stride = self.window.stride as f64;
        let by_all = self.kaiming_in();
        Self {
            deviation: by_all.deviation * stride,
            ..by_all
        }
    }

    /// The convolution.
    pub fn init(self, init: &mut Init) -> Conv2d {
        let [input, output] = self.channels;
        Conv2d {
            weight: init.normal(
                [output, input / self.window.groups, self.kernel, self.kernel],
                0.0,
                self.deviation,
            ),
            bias: self.bias.then(|| init.constant(output, 0.0)),
            window: self.window,
            same: self.same,
        }
    }

    /// The transposed convolution with the same numbers.
    pub fn init_transposed(self, init: &mut Init) -> ConvTranspose2d {
        let [input, output] = self.channels;
        ConvTranspose2d {
            weight: init.normal(
                [input, output, self.kernel, self.kernel],
                0.0,
                self.deviation,
            ),
            bias: self.bias.then(|| init.constant(output, 0.0)),
            window: self.window,
        }
    }
}

/// Padding by the size of the image, as TensorFlow's `SAME`: an output is seen every `stride` pixels, however large the kernel, and
/// where the zeros are an odd number, one more of them is behind.
///
/// Where a stage's stride became a dilation, the zeros are those of the network with the stride, further apart: its outputs stay some of
/// the dilated one's.
#[derive(Debug, Clone, Copy)]
struct Same {
    /// The stride of the network without dilation.
    stride: usize,
}

impl Same {
    /// Zeros before and, beyond as many, behind an axis of `size` pixels.
    fn zeros(self, size: usize, kernel: usize, window: Window) -> [usize; 2] {
        let dilation = window.dilation;
        // One axis of the network without dilation.
        let sparse = size.div_ceil(dilation);
        let positions = sparse.div_ceil(self.stride).saturating_sub(1);
        let before = (positions * self.stride + kernel).saturating_sub(sparse) / 2 * dilation;
        // Here.
        let positions = size.div_ceil(window.stride).saturating_sub(1);
        let reach = positions * window.stride + (kernel - 1) * dilation + 1;
        let behind = reach.saturating_sub(size + before);
        [before, behind.saturating_sub(before)]
    }
}

/// 2-D convolution.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[out, in / groups, kernel, kernel]`.
    pub weight: Param<Tensor<4>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    window: Window,
    #[module(skip)]
    same: Option<Same>,
}

impl Conv2d {
    /// How it moves over an image of `size`, `[height, width]`.
    pub(crate) fn window(&self, size: [usize; 2]) -> Window {
        let Some(same) = self.same else {
            return self.window;
        };
        let [_, _, kernel, _] = self.weight.dims();
        let [vertical, horizontal] = size.map(|size| same.zeros(size, kernel, self.window));
        Window {
            padding: [vertical[0], horizontal[0]],
            behind: [vertical[1], horizontal[1]],
            ..self.window
        }
    }

    /// # Shapes
    /// - x: `[batch, in, height, width]` → `[batch, out, height', width']`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.convolved(&x).forward(x)
    }

    /// Its numbers and weights, for an image of the size of `x`.
    pub(crate) fn convolved(&self, x: &Tensor<4>) -> Convolved {
        let [_, _, height, width] = x.dims();
        Convolved {
            weight: self.weight.val(),
            bias: self.bias.as_ref().map(Param::val),
            window: self.window([height, width]),
            transposed: false,
        }
    }
}

/// 2-D transposed convolution.
#[derive(Module, Debug)]
pub struct ConvTranspose2d {
    /// `[in, out, kernel, kernel]`.
    pub weight: Param<Tensor<4>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    window: Window,
}

impl ConvTranspose2d {
    /// How it moves over an image.
    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// # Shapes
    /// - x: `[batch, in, height, width]` → `[batch, out, height', width']`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.convolved().forward(x)
    }

    /// Its numbers and weights.
    pub(crate) fn convolved(&self) -> Convolved {
        Convolved {
            weight: self.weight.val(),
            bias: self.bias.as_ref().map(Param::val),
            window: self.window,
            transposed: true,
        }
    }
}
