//! The residual decoder of CAVGA-R: a generator in the manner of BigGAN (Brock et al., ICLR 2019).
//!
//! Each block up-samples, convolves, and adds the up-sampled tensor to the convolution's output: "a convolution layer
//! interleaved between two upsampling layers", whose skips raise the mutual information between latent and image and so
//! keep the latent from collapsing (CAVGA, section 3).

use burn::{module::Module, tensor::Tensor};

use crate::{
    layers::{BatchNorm2d, Conv2d, ConvConfig, Init, Mode},
    ops::{self, Activation},
};

/// y = conv3×3(up(ReLU(BN(x)))) + up(conv1×1(x)).
///
/// BN, ReLU and 1×1 convolution commute with nearest up-sampling, and cost a quarter before it.
#[derive(Module, Debug)]
pub(crate) struct UpBlock {
    pub(crate) norm: BatchNorm2d,
    pub(crate) conv: Conv2d,
    pub(crate) skip: Conv2d,
}

impl UpBlock {
    fn new(input: usize, output: usize, init: &mut Init) -> Self {
        Self {
            norm: BatchNorm2d::new(input, init),
            conv: ConvConfig::new(input, output, 3)
                .padding(1)
                .kaiming()
                .init(init),
            skip: ConvConfig::new(input, output, 1).kaiming().init(init),
        }
    }

    fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let weight = self.conv.weight.val();
        let y = match ops::upsampling(&x, &weight) {
            Some(conv) => {
                let norm = &self.norm;
                norm.forward_convolved(x.clone(), mode, Activation::Relu, conv)
            }
            None => {
                let y = self.norm.forward(x.clone(), mode, Activation::Relu);
                ops::upsample2_conv3x3(y, weight)
            }
        };
        ops::add_upsampled(y, self.skip.forward(x))
    }
}

/// From a latent to an image, `2^blocks` times as large.
#[derive(Module, Debug)]
pub struct ResidualDecoder {
    pub(crate) first: Conv2d,
    pub(crate) block: Vec<UpBlock>,
    pub(crate) norm: BatchNorm2d,
    pub(crate) last: Conv2d,
}

impl ResidualDecoder {
    /// Fresh weights for a latent of `latent` channels. `scale`: how much larger than the latent the image is, a power of two;
    /// `width`: channels at full size, 32 by default, doubled with every halving up to eight times.
    pub fn new(latent: usize, scale: usize, width: usize, init: &mut Init) -> Self {
        let blocks = scale.ilog2();
        let channels = |level: u32| width << level.min(3);
        Self {
            first: ConvConfig::new(latent, channels(blocks), 3)
                .padding(1)
                .kaiming()
                .init(init),
            block: (0..blocks)
                .rev()
                .map(|level| UpBlock::new(channels(level + 1), channels(level), init))
                .collect(),
            norm: BatchNorm2d::new(width, init),
            last: ConvConfig::new(width, 3, 3).padding(1).bias().init(init),
        }
    }

    /// The logits of the reconstruction: its sigmoid is the image.
    ///
    /// # Shapes
    /// - latent: `[batch, latent, height, width]` → `[batch, 3, scale·height, scale·width]`
    pub fn forward(&self, latent: Tensor<4>, mode: Mode) -> Tensor<4> {
        let mut x = self.first.forward(latent);
        for block in &self.block {
            x = block.forward(x, mode);
        }
        let last = self.last.convolved(&x);
        self.norm.forward_convolved(x, mode, Activation::Relu, last)
    }
}
