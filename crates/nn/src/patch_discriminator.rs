//! A discriminator that judges each patch of an image (PatchGAN: Isola et al., CVPR 2017), with AVID's layers.

use burn::{module::Module, tensor::Tensor};

use crate::{
    dcgan::LEAKY,
    layers::{BatchNorm2d, Conv2d, ConvConfig, Init, Mode},
};

/// Four convolutions 4×4 of stride 2, one of stride 1 without padding, LeakyReLU 0.2, batch norm in each but the first, and a 1×1
/// convolution: 11×11 logits of an image of 224×224, each of a patch of 94×94.
///
/// Of two images, one to judge and one to judge it by, each has half the channels of the first convolution. Weights are drawn as DC-GAN's.
#[derive(Module, Debug)]
pub struct PatchDiscriminator {
    image: Conv2d,
    condition: Option<Conv2d>,
    conv: Vec<Conv2d>,
    norm: Vec<BatchNorm2d>,
    head: Conv2d,
}

impl PatchDiscriminator {
    /// Pixels from one logit to the next.
    pub const STRIDE: usize = 16;
    /// Logits that an image's sides would have more if the last convolution padded.
    pub const TRIMMED: usize = 3;
    /// Pixels on each side of an image of which no logit is the middle: a logit stands for the `STRIDE`² pixels about it.
    pub const RIM: usize = Self::TRIMMED * Self::STRIDE / 2;

    /// Fresh weights. `width`: channels of the first convolution, doubled by the third, the fourth and the fifth; `conditional`: whether
    /// there is a second image.
    pub fn new(width: usize, conditional: bool, init: &mut Init) -> Self {
        let conv = |input, output| ConvConfig::new(input, output, 4);
        let halving = ConvConfig::halving;
        let own = if conditional { width / 2 } else { width };
        let widths = [width, width, 2 * width, 4 * width, 8 * width];
        let layers = widths.windows(2).enumerate();
        Self {
            image: halving(3, own).bias().init(init),
            condition: conditional.then(|| halving(3, width - own).bias().init(init)),
            conv: layers
                .map(|(index, pair)| match index {
                    3 => conv(pair[0], pair[1]).init(init),
                    _ => halving(pair[0], pair[1]).init(init),
                })
                .collect(),
            norm: widths[1..]
                .iter()
                .map(|&channels| BatchNorm2d::dcgan(channels, init))
                .collect(),
            head: ConvConfig::new(8 * width, 1, 1).bias().init(init),
        }
    }

    /// The logit of "real" of each patch. `condition` is left aside by one without.
    ///
    /// # Shapes
    /// - images, condition: `[batch, 3, height, width]` in [0, 1] or about, both multiples of 16, of at least 64
    /// - output: `[batch, 1, height/16 − 3, width/16 − 3]`
    pub fn forward(&self, images: Tensor<4>, condition: Tensor<4>, mode: Mode) -> Tensor<4> {
        let first = |conv: &Conv2d, x: Tensor<4>| conv.forward(x.mul_scalar(2.0).sub_scalar(1.0));
        let image = first(&self.image, images);
        let x = match &self.condition {
            Some(conv) => Tensor::cat(vec![image, first(conv, condition)], 1),
            None => image,
        };
        let layers = self.conv.iter().zip(&self.norm);
        let x = layers.fold(LEAKY.apply(x), |x, (conv, norm)| {
            norm.forward(conv.forward(x), mode, LEAKY)
        });
        self.head.forward(x)
    }
}
