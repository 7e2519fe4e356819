//! The networks of DC-GAN (Radford, Metz and Chintala, ICLR 2016): discriminator, its convolutions as an encoder, the
//! generator, and the generator's convolutions as a decoder of a latent with height and width.
//!
//! - `up`: [`Generator`] and [`Decoder`], which share all layers but the first
//! - `pretrained`: a DC-GAN's weights taken into a CAVGA's parts
//!
//! All take and give images in [0, 1] and work in [−1, 1] inside. Weights are drawn from N(0, 0.02²), batch norm's scales from
//! N(1, 0.02²), as there.

mod pretrained;
mod up;

use burn::{
    module::Module,
    tensor::{Tensor, ops::PadMode},
};

use crate::{
    layers::{BatchNorm2d, Conv2d, ConvConfig, Init, Mode},
    ops::Activation,
};

pub use up::{Decoder, Generator};

pub(crate) const LEAKY: Activation = Activation::LeakyRelu(0.2);

/// The discriminator's convolutions: 4×4, stride 2, LeakyReLU 0.2, batch norm but on the first.
///
/// `width` is the channels of the first, 64 in the paper; each next one has twice as many.
#[derive(Module, Debug)]
pub struct Encoder {
    pub(crate) conv: Vec<Conv2d>,
    pub(crate) norm: Vec<BatchNorm2d>,
}

impl Encoder {
    /// How much smaller than the image its features are.
    pub const STRIDE: usize = 16;
    /// How many stages it has.
    pub const STAGES: usize = 4;

    /// Fresh weights.
    pub fn new(width: usize, init: &mut Init) -> Self {
        let widths = [3, width, 2 * width, 4 * width, 8 * width];
        Self {
            conv: widths
                .windows(2)
                .map(|pair| ConvConfig::halving(pair[0], pair[1]).init(init))
                .collect(),
            norm: widths[2..]
                .iter()
                .map(|&channels| BatchNorm2d::dcgan(channels, init))
                .collect(),
        }
    }

    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1] → `[batch, 8·width, height/16, width/16]`
    pub fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        self.after_tap(0, self.first(images), mode)
    }

    /// The outputs of all four stages, each half as large as the one before and of twice as many channels; the last is
    /// [`Encoder::forward`]'s.
    pub fn taps(&self, images: Tensor<4>, mode: Mode) -> Vec<Tensor<4>> {
        let mut taps = vec![self.first(images)];
        for (norm, conv) in self.norm.iter().zip(self.conv.iter().skip(1)) {
            if let Some(x) = taps.last() {
                taps.push(norm.forward(conv.forward(x.clone()), mode, LEAKY));
            }
        }
        taps
    }

    /// What it makes of the output of one of its stages, counted from 0.
    pub fn after_tap(&self, stage: usize, features: Tensor<4>, mode: Mode) -> Tensor<4> {
        let mut convs = self.conv.iter().skip(stage + 1);
        let Some(next) = convs.next() else {
            return features;
        };
        let mut x = next.forward(features);
        let norms = self.norm.get(stage..).unwrap_or_default();
        for (norm, conv) in norms.iter().zip(convs) {
            let conv = conv.convolved(&x);
            x = norm.forward_convolved(x, mode, LEAKY, conv);
        }
        match norms.last() {
            Some(norm) => norm.forward(x, mode, LEAKY),
            None => x,
        }
    }

    fn first(&self, images: Tensor<4>) -> Tensor<4> {
        let x = images.mul_scalar(2.0).sub_scalar(1.0);
        match self.conv.first() {
            Some(conv) => LEAKY.apply(conv.forward(x)),
            None => x,
        }
    }
}

/// Tells real images from reconstructed or generated ones.
#[derive(Module, Debug)]
pub struct Discriminator {
    features: Encoder,
    head: Conv2d,
}

impl Discriminator {
    /// Fresh weights.
    pub fn new(width: usize, init: &mut Init) -> Self {
        Self {
            features: Encoder::new(width, init),
            head: ConvConfig::new(8 * width, 1, 4).init(init),
        }
    }

    /// The logit of "real". The last 4×4 convolution's logits are averaged over its positions, so that weights trained at
    /// 64×64, where it has one, serve at any size. Smaller images' features are zero-padded to the one position.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1], both multiples of 32 → `[batch]`
    pub fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<1> {
        let features = self.features.forward(images, mode);
        let [_, _, height, width] = features.dims();
        let [_, _, kernel, _] = self.head.weight.dims();
        let missing = [height, width].map(|side| kernel.saturating_sub(side).div_ceil(2));
        let features = match missing {
            [0, 0] => features,
            [v, h] => features.pad((h, h, v, v), PadMode::Constant(0.0)),
        };
        let logits = self.head.forward(features);
        logits.mean_dims(&[1, 2, 3]).squeeze_dims::<1>(&[1, 2, 3])
    }
}
