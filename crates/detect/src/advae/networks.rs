//! The encoders and decoders: the published code's for MNIST, and a backbone with a residual decoder.

use burn::{module::Module, tensor::Tensor};
use cavga_nn::{
    backbone::Backbone,
    latent::flatten,
    layers::{Conv2d, ConvConfig, ConvTranspose2d, Init, Linear, Mode},
    ops::Activation,
    residual_decoder::ResidualDecoder,
};

/// Two convolutions 4×4 of stride 2 with ReLU, and a linear layer with one.
#[derive(Module, Debug)]
pub(super) struct ConvEncoder {
    conv: Vec<Conv2d>,
    hidden: Linear,
}

impl ConvEncoder {
    /// How much smaller than the image its last map is.
    pub(super) const STRIDE: usize = 4;
    /// How many stages it has.
    pub(super) const STAGES: usize = 2;

    fn new(width: usize, hidden: usize, [height, breadth]: [usize; 2], init: &mut Init) -> Self {
        Self {
            conv: vec![
                halving(3, width).init(init),
                halving(width, 2 * width).init(init),
            ],
            hidden: Linear::new(2 * width * height * breadth, hidden, init),
        }
    }

    /// What a convolution gives, before its ReLU, where the published code looks too.
    fn tap(&self, stage: usize, images: Tensor<4>) -> Tensor<4> {
        let mut x = images;
        for (index, conv) in self.conv.iter().take(stage + 1).enumerate() {
            x = match index {
                0 => conv.forward(x),
                _ => conv.forward(Activation::Relu.apply(x)),
            };
        }
        x
    }

    fn after_tap(&self, stage: usize, tap: Tensor<4>) -> Tensor<4> {
        let rest = self.conv.iter().skip(stage + 1);
        let last = rest.fold(Activation::Relu.apply(tap), |x, conv| {
            Activation::Relu.apply(conv.forward(x))
        });
        let hidden = self.hidden.forward(flatten(last));
        let [batch, size] = hidden.dims();
        Activation::Relu.apply(hidden).reshape([batch, size, 1, 1])
    }
}

/// Between a map and one of half its size.
fn halving(input: usize, output: usize) -> ConvConfig {
    ConvConfig::halving(input, output).bias().kaiming_in()
}

/// From an image to the numbers that the latent's heads take.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a network: nothing is saved by a box"
)]
pub(super) enum Encoder {
    Conv(ConvEncoder),
    Backbone(Backbone),
}

impl Encoder {
    /// The published code's, whose last map is of `grid`, `[height, width]`.
    pub(super) fn conv(width: usize, hidden: usize, grid: [usize; 2], init: &mut Init) -> Self {
        Self::Conv(ConvEncoder::new(width, hidden, grid, init))
    }

    /// The output of a stage, counted from 0.
    pub(super) fn tap(&self, stage: usize, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        match self {
            Self::Conv(encoder) => encoder.tap(stage, images),
            Self::Backbone(encoder) => encoder.tap(stage, images, mode),
        }
    }

    /// What it makes of that output: `[batch, values, 1, 1]`.
    pub(super) fn after_tap(&self, stage: usize, tap: Tensor<4>, mode: Mode) -> Tensor<4> {
        match self {
            Self::Conv(encoder) => encoder.after_tap(stage, tap),
            Self::Backbone(encoder) => encoder.after_tap(stage, tap, mode).mean_dims(&[2, 3]),
        }
    }

    /// The whole way.
    pub(super) fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        self.after_tap(0, self.tap(0, images, mode), mode)
    }
}

/// A linear layer and two transposed convolutions 4×4 of stride 2, with ReLU between them.
#[derive(Module, Debug)]
pub(super) struct ConvDecoder {
    hidden: Linear,
    conv: Vec<ConvTranspose2d>,
    #[module(skip)]
    grid: [usize; 2],
}

impl ConvDecoder {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let hidden = self.hidden.forward(flatten(Activation::Relu.apply(x)));
        let [batch, values] = hidden.dims();
        let [height, width] = self.grid;
        let map = hidden.reshape([batch, values / (height * width), height, width]);
        let grow = |x, conv: &ConvTranspose2d| conv.forward(Activation::Relu.apply(x));
        self.conv.iter().fold(map, grow)
    }
}

/// From what the latent is expanded to, to the logits of an image.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a network: nothing is saved by a box"
)]
pub(super) enum Decoder {
    Conv(ConvDecoder),
    Residual(ResidualDecoder),
}

impl Decoder {
    /// The published code's, from `hidden` numbers, whose first map is of `grid`.
    pub(super) fn conv(width: usize, hidden: usize, grid: [usize; 2], init: &mut Init) -> Self {
        let [height, breadth] = grid;
        Self::Conv(ConvDecoder {
            hidden: Linear::new(hidden, 2 * width * height * breadth, init),
            conv: vec![
                halving(2 * width, width).init_transposed(init),
                halving(width, 3).init_transposed(init),
            ],
            grid,
        })
    }

    pub(super) fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        match self {
            Self::Conv(decoder) => decoder.forward(x),
            Self::Residual(decoder) => decoder.forward(x, mode),
        }
    }
}
