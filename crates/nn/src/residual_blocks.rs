//! The residual blocks that halve, keep or double an image's size, as in latent space autoregression (Abati et al., CVPR 2019, figure 1ii):
//! two convolutions with batch norm beside a shortcut with batch norm, LeakyReLU (0.01) within and behind.
//!
//! Fields have the names of the authors' code, `aimagelab/novelty-detection`.

use burn::{module::Module, tensor::Tensor};

use crate::{
    layers::{BatchNorm2d, Conv2d, ConvConfig, ConvTranspose2d, Init, Mode},
    ops::Activation,
};

/// torch's LeakyReLU.
pub const LEAKY: Activation = Activation::LeakyRelu(0.01);

/// Halves height and width, rounded up: 3×3 of stride 2, then 3×3, beside a 1×1 of stride 2.
#[derive(Module, Debug)]
pub struct DownsampleBlock {
    conv1a: Conv2d,
    conv1b: Conv2d,
    conv2a: Conv2d,
    bn1a: BatchNorm2d,
    bn1b: BatchNorm2d,
    bn2a: BatchNorm2d,
}

impl DownsampleBlock {
    /// Fresh weights.
    pub fn new(input: usize, output: usize, init: &mut Init) -> Self {
        let halving = |kernel| ConvConfig::new(input, output, kernel).stride(2).kaiming();
        Self {
            conv1a: halving(3).padding(1).init(init),
            conv1b: same_size(output, init),
            conv2a: halving(1).init(init),
            bn1a: BatchNorm2d::new(output, init),
            bn1b: BatchNorm2d::new(output, init),
            bn2a: BatchNorm2d::new(output, init),
        }
    }

    /// # Shapes
    /// - x: `[batch, in, height, width]` → `[batch, out, ⌈height / 2⌉, ⌈width / 2⌉]`
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let shortcut = self.conv2a.forward(x.clone());
        let shortcut = self.bn2a.forward(shortcut, mode, Activation::Identity);
        let norms = [&self.bn1a, &self.bn1b];
        let y = normalized(self.conv1a.forward(x), &self.conv1b, norms, mode);
        LEAKY.apply(y + shortcut)
    }
}

/// Doubles height and width: a transposed 5×5 of stride 2, then 3×3, beside a transposed 1×1 of stride 2.
#[derive(Module, Debug)]
pub struct UpsampleBlock {
    conv1a: ConvTranspose2d,
    conv1b: Conv2d,
    conv2a: ConvTranspose2d,
    bn1a: BatchNorm2d,
    bn1b: BatchNorm2d,
    bn2a: BatchNorm2d,
}

impl UpsampleBlock {
    /// Fresh weights.
    pub fn new(input: usize, output: usize, init: &mut Init) -> Self {
        let doubling = |kernel| {
            let config = ConvConfig::new(input, output, kernel).stride(2).kaiming();
            config.output_padding(1)
        };
        Self {
            conv1a: doubling(5).padding(2).init_transposed(init),
            conv1b: same_size(output, init),
            conv2a: doubling(1).init_transposed(init),
            bn1a: BatchNorm2d::new(output, init),
            bn1b: BatchNorm2d::new(output, init),
            bn2a: BatchNorm2d::new(output, init),
        }
    }

    /// # Shapes
    /// - x: `[batch, in, height, width]` → `[batch, out, 2·height, 2·width]`
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let shortcut = self.conv2a.forward(x.clone());
        let shortcut = self.bn2a.forward(shortcut, mode, Activation::Identity);
        let norms = [&self.bn1a, &self.bn1b];
        let y = normalized(self.conv1a.forward(x), &self.conv1b, norms, mode);
        LEAKY.apply(y + shortcut)
    }
}

/// Keeps the size and the number of channels: two 3×3 beside the input itself.
#[derive(Module, Debug)]
pub struct ResidualBlock {
    conv1: Conv2d,
    conv2: Conv2d,
    bn1: BatchNorm2d,
    bn2: BatchNorm2d,
}

impl ResidualBlock {
    /// Fresh weights.
    pub fn new(channels: usize, init: &mut Init) -> Self {
        Self {
            conv1: same_size(channels, init),
            conv2: same_size(channels, init),
            bn1: BatchNorm2d::new(channels, init),
            bn2: BatchNorm2d::new(channels, init),
        }
    }

    /// # Shapes
    /// - x: `[batch, channels, height, width]` → the same
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let norms = [&self.bn1, &self.bn2];
        let y = normalized(self.conv1.forward(x.clone()), &self.conv2, norms, mode);
        LEAKY.apply(y + x)
    }
}

fn same_size(channels: usize, init: &mut Init) -> Conv2d {
    let config = ConvConfig::new(channels, channels, 3).padding(1).kaiming();
    config.init(init)
}

/// The branch with two convolutions, from the first one's output.
fn normalized(x: Tensor<4>, conv: &Conv2d, norms: [&BatchNorm2d; 2], mode: Mode) -> Tensor<4> {
    let [first, second] = norms;
    let convolved = conv.convolved(&x);
    let y = first.forward_convolved(x, mode, LEAKY, convolved);
    second.forward(y, mode, Activation::Identity)
}
