//! Encoder and decoder, as in the authors' `LSA_mnist.py` and `LSA_cifar10.py`.

use burn::{module::Module, tensor::Tensor};
use cavga_nn::{
    layers::{Conv2d, ConvConfig, Init, Linear, Mode, NormalizedLinear},
    ops,
    residual_blocks::{DownsampleBlock, LEAKY, ResidualBlock, UpsampleBlock},
};

use super::config::Shape;

/// Before the first halving of images with colours.
#[derive(Module, Debug)]
struct Stem {
    conv: Conv2d,
    block: ResidualBlock,
}

/// From images to codes.
#[derive(Module, Debug)]
pub(super) struct Encoder {
    stem: Option<Stem>,
    down: Vec<DownsampleBlock>,
    hidden: NormalizedLinear,
    code: Linear,
}

impl Encoder {
    pub(super) fn new(shape: &Shape, init: &mut Init) -> Self {
        let stem = (!shape.is_grey).then(|| Stem {
            conv: ConvConfig::new(shape.image_channels(), shape.full, 3)
                .kaiming()
                .init(init),
            block: ResidualBlock::new(shape.full, init),
        });
        let first = match &stem {
            Some(_) => shape.full,
            None => shape.image_channels(),
        };
        let widths = [&[first], shape.channels.as_slice()].concat();
        let [height, width] = shape.encoder_grid();
        let flat = shape.deepest * height * width;
        Self {
            stem,
            down: widths
                .windows(2)
                .map(|pair| DownsampleBlock::new(pair[0], pair[1], init))
                .collect(),
            hidden: NormalizedLinear::new(flat, shape.deepest, init),
            code: Linear::new(shape.deepest, shape.code, init),
        }
    }

    /// # Shapes
    /// - images: `[batch, 1 or 3, height, width]` → `[batch, code]`, in (0, 1)
    pub(super) fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        let mut x = images;
        if let Some(stem) = &self.stem {
            x = LEAKY.apply(stem.conv.forward(x));
            x = stem.block.forward(x, mode);
        }
        for block in &self.down {
            x = block.forward(x, mode);
        }
        let hidden = self.hidden.forward(x.flatten(1, 3), mode, LEAKY);
        ops::sigmoid(self.code.forward(hidden))
    }
}

/// From codes to images, whose values are not bounded.
#[derive(Module, Debug)]
pub(super) struct Decoder {
    hidden: NormalizedLinear,
    grid: NormalizedLinear,
    up: Vec<UpsampleBlock>,
    block: Option<ResidualBlock>,
    image: Conv2d,
    /// Channels, height and width that it begins with.
    #[module(skip)]
    deepest: [usize; 3],
    #[module(skip)]
    size: [usize; 2],
}

impl Decoder {
    pub(super) fn new(shape: &Shape, init: &mut Init) -> Self {
        let [height, width] = shape.decoder_grid();
        let deepest = [shape.deepest, height, width];
        let back = shape.channels.iter().rev().copied();
        let widths: Vec<usize> = back.chain([shape.full]).collect();
        Self {
            hidden: NormalizedLinear::new(shape.code, shape.deepest, init),
            grid: NormalizedLinear::new(shape.deepest, deepest.iter().product(), init),
            up: widths
                .windows(2)
                .map(|pair| UpsampleBlock::new(pair[0], pair[1], init))
                .collect(),
            block: (!shape.is_grey).then(|| ResidualBlock::new(shape.full, init)),
            image: ConvConfig::new(shape.full, shape.image_channels(), 1)
                .kaiming_in()
                .init(init),
            deepest,
            size: shape.size,
        }
    }

    /// # Shapes
    /// - code: `[batch, code]` → `[batch, 1 or 3, height, width]`
    pub(super) fn forward(&self, code: Tensor<2>, mode: Mode) -> Tensor<4> {
        let [batch, _] = code.dims();
        let hidden = self.hidden.forward(code, mode, LEAKY);
        let flat = self.grid.forward(hidden, mode, LEAKY);
        let [channels, height, width] = self.deepest;
        let mut x = flat.reshape([batch, channels, height, width]);
        for block in &self.up {
            x = block.forward(x, mode);
        }
        if let Some(block) = &self.block {
            x = block.forward(x, mode);
        }
        let [height, width] = self.size;
        let x = self.image.forward(x);
        x.narrow(2, 0, height).narrow(3, 0, width)
    }
}
