//! SqueezeNet 1.1 (Iandola et al., 2016) without its classifier, padded and fed as the weights that came from Caffe by way of Keras want:
//! pixels of 0 to 255, blue first, less a mean; zeros around every convolution and none around the poolings, which therefore lose up to a
//! pixel at the lower and the right edge.
//!
//! torchvision's SqueezeNet pads otherwise; its weights are called differently and are refused.

use burn::{module::Module, tensor::Tensor};

use super::{Dilation, Stages, normalize};
use crate::{
    layers::{Conv2d, ConvConfig, Init, Mode},
    ops::{self, Activation, Window},
};

/// The mean of ImageNet's pixels, blue first.
const MEAN: [f32; 3] = [103.939 / 255.0, 116.779 / 255.0, 123.68 / 255.0];

/// A 1×1 convolution to few channels, and a 1×1 and a 3×3 one of those side by side.
#[derive(Module, Debug)]
pub(crate) struct Fire {
    squeeze1x1: Conv2d,
    expand1x1: Conv2d,
    expand3x3: Conv2d,
}

impl Fire {
    /// The channels given are `2·expanded`.
    fn new(
        input: usize,
        squeezed: usize,
        expanded: usize,
        dilation: usize,
        init: &mut Init,
    ) -> Self {
        let conv =
            |input, output, kernel| ConvConfig::new(input, output, kernel).bias().kaiming_in();
        Self {
            squeeze1x1: conv(input, squeezed, 1).init(init),
            expand1x1: conv(squeezed, expanded, 1).init(init),
            expand3x3: conv(squeezed, expanded, 3)
                .padding(dilation)
                .dilation(dilation)
                .init(init),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = Activation::Relu.apply(self.squeeze1x1.forward(x));
        let sides = [&self.expand1x1, &self.expand3x3];
        Activation::Relu.apply(Tensor::cat(
            sides.map(|conv| conv.forward(x.clone())).into(),
            1,
        ))
    }
}

/// SqueezeNet 1.1 up to the 512 channels of `fire9`.
#[derive(Module, Debug)]
pub struct SqueezeNet {
    conv1: Conv2d,
    fire2: Fire,
    fire3: Fire,
    /// From here on, None where the stage was dropped.
    fire4: Option<Fire>,
    fire5: Option<Fire>,
    fire6: Option<Fire>,
    fire7: Option<Fire>,
    fire8: Option<Fire>,
    fire9: Option<Fire>,
    /// How the poolings move.
    #[module(skip)]
    pools: [Window; 3],
}

impl SqueezeNet {
    /// Fresh weights.
    pub(super) fn new(output_stride: usize, init: &mut Init) -> Self {
        let mut reached = Dilation::new(2, output_stride);
        let mut dilation = [1; 3];
        let pools = std::array::from_fn(|stage| {
            // A stride that became a dilation shows behind the pooling that had it.
            let before = reached.taps;
            let window = Window::new(reached.stride(2), before);
            dilation[stage] = reached.taps;
            window
        });
        let [first, second, third] = dilation;
        Self {
            conv1: ConvConfig::new(3, 64, 3)
                .stride(2)
                .same(2)
                .bias()
                .kaiming_in()
                .init(init),
            fire2: Fire::new(64, 16, 64, first, init),
            fire3: Fire::new(128, 16, 64, first, init),
            fire4: Some(Fire::new(128, 32, 128, second, init)),
            fire5: Some(Fire::new(256, 32, 128, second, init)),
            fire6: Some(Fire::new(256, 48, 192, third, init)),
            fire7: Some(Fire::new(384, 48, 192, third, init)),
            fire8: Some(Fire::new(384, 64, 256, third, init)),
            fire9: Some(Fire::new(512, 64, 256, third, init)),
            pools,
        }
    }

    pub(super) fn up_to(mut self, stages: usize) -> Self {
        if stages < 3 {
            (self.fire6, self.fire7, self.fire8, self.fire9) = (None, None, None, None);
        }
        if stages < 2 {
            (self.fire4, self.fire5) = (None, None);
        }
        self
    }

    /// The fires of a stage.
    fn fires(&self, stage: usize) -> impl Iterator<Item = &Fire> {
        let fires = match stage {
            0 => vec![Some(&self.fire2), Some(&self.fire3)],
            1 => vec![self.fire4.as_ref(), self.fire5.as_ref()],
            _ => vec![
                self.fire6.as_ref(),
                self.fire7.as_ref(),
                self.fire8.as_ref(),
                self.fire9.as_ref(),
            ],
        };
        fires.into_iter().flatten()
    }
}

impl Stages for SqueezeNet {
    fn count(&self) -> usize {
        let stages = 0..self.pools.len();
        stages
            .filter(|&stage| self.fires(stage).next().is_some())
            .count()
    }

    /// 0 where nothing is left.
    fn side(&self, stage: usize, size: usize) -> usize {
        let pools = self.pools.iter().take(stage + 1);
        pools.fold(size.div_ceil(2), |size, pool| {
            let positions = size.saturating_sub(2 * pool.dilation);
            positions.div_ceil(pool.stride)
        })
    }

    fn is_dropped(&self, name: &str) -> bool {
        let later = [
            ("fire4.", &self.fire4),
            ("fire5.", &self.fire5),
            ("fire6.", &self.fire6),
            ("fire7.", &self.fire7),
            ("fire8.", &self.fire8),
            ("fire9.", &self.fire9),
        ];
        later
            .iter()
            .any(|(fire, there)| there.is_none() && name.starts_with(fire))
    }

    fn stem(&self, images: Tensor<4>, _: Mode) -> Tensor<4> {
        // Blue first.
        let x = normalize(images.flip([1]), MEAN, [1.0 / 255.0; 3]);
        Activation::Relu.apply(self.conv1.forward(x))
    }

    fn stage(&self, stage: usize, x: Tensor<4>, _: Mode) -> Tensor<4> {
        let x = match self.pools.get(stage) {
            Some(&window) => ops::max_pool2d(x, 3, window),
            None => x,
        };
        self.fires(stage).fold(x, |x, fire| fire.forward(x))
    }
}
