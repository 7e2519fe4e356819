//! A U-Net (Ronneberger, Fischer and Brox, MICCAI 2015) in the manner of pix2pix (Isola et al., CVPR 2017): from an image to another of
//! its size, through a bottleneck, with each scale of the way down handed to the same scale of the way up.

use burn::{module::Module, tensor::Tensor};

use crate::{
    dcgan::LEAKY,
    layers::{BatchNorm2d, Conv2d, ConvConfig, ConvTranspose2d, Init, Mode},
    ops::Activation,
};

/// Down by convolutions 4×4 of stride 2 with LeakyReLU 0.2, up by transposed ones with ReLU, batch norm in each but the first, and a
/// 1×1 convolution at the end.
///
/// Weights are drawn from N(0, 0.02²), batch norm's scales from N(1, 0.02²), as DC-GAN's and pix2pix's.
#[derive(Module, Debug)]
pub struct UNet {
    down: Vec<Conv2d>,
    down_norm: Vec<BatchNorm2d>,
    up: Vec<ConvTranspose2d>,
    up_norm: Vec<BatchNorm2d>,
    last: Conv2d,
}

impl UNet {
    /// Fresh weights. `levels`: how often the size is halved, at least once; `width`: channels after the first time, doubled by each next
    /// one.
    pub fn new(levels: usize, width: usize, init: &mut Init) -> Self {
        let below = |level: usize| width << level;
        // On the way up a scale has twice the channels that it has on the way down, the one above the bottom as many as the bottom.
        let above = |step: usize| width << (levels - 1).min(levels - step);
        let down = |level: usize| match level {
            0 => ConvConfig::halving(3, width).bias(),
            _ => ConvConfig::halving(below(level - 1), below(level)),
        };
        let up = |step: usize| match step {
            0 => ConvConfig::halving(below(levels - 1), above(0)),
            _ => ConvConfig::halving(above(step - 1) + below(levels - 1 - step), above(step)),
        };
        Self {
            down: (0..levels).map(|level| down(level).init(init)).collect(),
            down_norm: (1..levels)
                .map(|level| BatchNorm2d::dcgan(below(level), init))
                .collect(),
            up: (0..levels)
                .map(|step| up(step).init_transposed(init))
                .collect(),
            up_norm: (0..levels)
                .map(|step| BatchNorm2d::dcgan(above(step), init))
                .collect(),
            last: ConvConfig::new(above(levels - 1), 3, 1).bias().init(init),
        }
    }

    /// The logits of an image: their sigmoid is in [0, 1].
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1] or about, both multiples of `2^levels` → the same
    pub fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        let mut x = images.mul_scalar(2.0).sub_scalar(1.0);
        let mut scales = Vec::with_capacity(self.down.len());
        for (level, conv) in self.down.iter().enumerate() {
            x = conv.forward(x);
            let norm = level.checked_sub(1).and_then(|at| self.down_norm.get(at));
            x = match norm {
                Some(norm) => norm.forward(x, mode, LEAKY),
                None => LEAKY.apply(x),
            };
            scales.push(x.clone());
        }
        // The bottom itself is where the way up starts.
        scales.pop();
        for (conv, norm) in self.up.iter().zip(&self.up_norm) {
            x = norm.forward(conv.forward(x), mode, Activation::Relu);
            if let Some(scale) = scales.pop() {
                x = Tensor::cat(vec![x, scale], 1);
            }
        }
        self.last.forward(x)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn an_image_comes_back_at_its_size_for_any_number_of_levels() {
        for levels in 1..=4 {
            let device = Device::flex();
            let net = UNet::new(levels, 2, &mut Init::new(0, &device));
            let images = Tensor::ones([2, 3, 16, 32], &device);
            let logits = net.forward(images, Mode::Train);
            assert_eq!(logits.dims(), [2, 3, 16, 32], "{levels} levels");
        }
    }
}
