//! ResNet-18, 34 and 50 (He et al., CVPR 2016) and Wide ResNet-50-2 (Zagoruyko and Komodakis, BMVC 2016) without their classifier,
//! with torchvision's tensor names.
//!
//! torchvision refuses dilation in ResNet-18 and 34; here it is as in the deeper ones.

use burn::{module::Module, tensor::Tensor};

use super::{Dilation, Kind, Stages, normalize, number};
use crate::{
    layers::{BatchNorm2d, Conv2d, ConvConfig, Init, Mode},
    ops::{self, Activation, Window},
};

/// ImageNet's mean per channel, as torchvision's weights expect.
pub(crate) const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Its deviation.
pub(crate) const IMAGENET_DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// The window of the pooling behind the first convolution, of 3 × 3 taps.
pub(crate) const POOLING: Window = Window::new(2, 1).padded(1);

/// Two 3×3 convolutions with a shortcut.
#[derive(Module, Debug)]
pub(crate) struct BasicBlock {
    pub(crate) conv1: Conv2d,
    pub(crate) bn1: BatchNorm2d,
    pub(crate) conv2: Conv2d,
    pub(crate) bn2: BatchNorm2d,
    pub(crate) downsample: Option<(Conv2d, BatchNorm2d)>,
}

/// A 3×3 convolution of fewer channels between two 1×1 ones, with a shortcut.
#[derive(Module, Debug)]
pub(crate) struct Bottleneck {
    pub(crate) conv1: Conv2d,
    pub(crate) bn1: BatchNorm2d,
    pub(crate) conv2: Conv2d,
    pub(crate) bn2: BatchNorm2d,
    pub(crate) conv3: Conv2d,
    pub(crate) bn3: BatchNorm2d,
    pub(crate) downsample: Option<(Conv2d, BatchNorm2d)>,
}

/// One of the two.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "all blocks of a network are of one variant"
)]
pub(crate) enum Block {
    Basic(BasicBlock),
    Bottleneck(Bottleneck),
}

/// A block's numbers.
#[derive(Clone, Copy)]
struct Sizes {
    input: usize,
    /// Channels of the 3×3 convolutions.
    width: usize,
    output: usize,
    stride: usize,
    /// Of the first and of the last 3×3 convolution: a stride that became a dilation shows behind the convolution that had it.
    dilation: [usize; 2],
}

fn conv3(input: usize, output: usize, stride: usize, dilation: usize, init: &mut Init) -> Conv2d {
    ConvConfig::new(input, output, 3)
        .stride(stride)
        .padding(dilation)
        .dilation(dilation)
        .kaiming()
        .init(init)
}

fn conv1(input: usize, output: usize, stride: usize, init: &mut Init) -> Conv2d {
    ConvConfig::new(input, output, 1)
        .stride(stride)
        .kaiming()
        .init(init)
}

/// A convolution for the shortcut, where sizes change.
fn downsample(sizes: Sizes, init: &mut Init) -> Option<(Conv2d, BatchNorm2d)> {
    let Sizes {
        input,
        output,
        stride,
        ..
    } = sizes;
    (stride != 1 || input != output).then(|| {
        let conv = conv1(input, output, stride, init);
        (conv, BatchNorm2d::new(output, init))
    })
}

fn shortcut(downsample: Option<&(Conv2d, BatchNorm2d)>, x: Tensor<4>, mode: Mode) -> Tensor<4> {
    match downsample {
        Some((conv, norm)) => norm.forward(conv.forward(x), mode, Activation::Identity),
        None => x,
    }
}

impl BasicBlock {
    fn new(sizes: Sizes, init: &mut Init) -> Self {
        let downsample = downsample(sizes, init);
        let Sizes {
            input,
            output,
            stride,
            dilation,
            ..
        } = sizes;
        Self {
            conv1: conv3(input, output, stride, dilation[0], init),
            bn1: BatchNorm2d::new(output, init),
            conv2: conv3(output, output, 1, dilation[1], init),
            bn2: BatchNorm2d::new(output, init),
            downsample,
        }
    }

    fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let y = self.conv1.forward(x.clone());
        let conv2 = self.conv2.convolved(&y);
        let y = self.bn1.forward_convolved(y, mode, Activation::Relu, conv2);
        let y = self.bn2.forward(y, mode, Activation::Identity);
        ops::add_relu(y, shortcut(self.downsample.as_ref(), x, mode))
    }
}

impl Bottleneck {
    fn new(sizes: Sizes, init: &mut Init) -> Self {
        let downsample = downsample(sizes, init);
        let Sizes {
            input,
            width,
            output,
            stride,
            dilation: [dilation, _],
        } = sizes;
        Self {
            conv1: conv1(input, width, 1, init),
            bn1: BatchNorm2d::new(width, init),
            conv2: conv3(width, width, stride, dilation, init),
            bn2: BatchNorm2d::new(width, init),
            conv3: conv1(width, output, 1, init),
            bn3: BatchNorm2d::new(output, init),
            downsample,
        }
    }

    fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let y = self.conv1.forward(x.clone());
        let conv2 = self.conv2.convolved(&y);
        let y = self.bn1.forward_convolved(y, mode, Activation::Relu, conv2);
        let conv3 = self.conv3.convolved(&y);
        let y = self.bn2.forward_convolved(y, mode, Activation::Relu, conv3);
        let y = self.bn3.forward(y, mode, Activation::Identity);
        ops::add_relu(y, shortcut(self.downsample.as_ref(), x, mode))
    }
}

impl Block {
    fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        match self {
            Self::Basic(block) => block.forward(x, mode),
            Self::Bottleneck(block) => block.forward(x, mode),
        }
    }
}

/// What distinguishes the networks.
#[derive(Clone, Copy)]
struct Plan {
    /// Blocks of each stage.
    blocks: [usize; 4],
    bottleneck: bool,
    /// Channels of a bottleneck's 3×3 convolution, as a multiple of ResNet's.
    widen: usize,
}

impl Plan {
    fn of(kind: Kind) -> Self {
        let (blocks, bottleneck, widen) = match kind {
            Kind::Resnet34 => ([3, 4, 6, 3], false, 1),
            Kind::Resnet50 => ([3, 4, 6, 3], true, 1),
            Kind::WideResnet50x2 => ([3, 4, 6, 3], true, 2),
            // ResNet-18, and what is of another family.
            _ => ([2, 2, 2, 2], false, 1),
        };
        Self {
            blocks,
            bottleneck,
            widen,
        }
    }

    /// The channels that a stage of `planes` gives.
    fn output(&self, planes: usize) -> usize {
        if self.bottleneck { 4 * planes } else { planes }
    }

    fn stage(
        &self,
        stage: usize,
        input: usize,
        dilation: &mut Dilation,
        init: &mut Init,
    ) -> Vec<Block> {
        let planes = 64 << stage;
        let before = dilation.taps;
        let stride = dilation.stride(if stage == 0 { 1 } else { 2 });
        let after = dilation.taps;
        let output = self.output(planes);
        let block = |index: usize| {
            let first = index == 0;
            let sizes = Sizes {
                input: if first { input } else { output },
                width: planes * self.widen,
                output,
                stride: if first { stride } else { 1 },
                dilation: [if first { before } else { after }, after],
            };
            match self.bottleneck {
                true => Block::Bottleneck(Bottleneck::new(sizes, init)),
                false => Block::Basic(BasicBlock::new(sizes, init)),
            }
        };
        (0..self.blocks[stage]).map(block).collect()
    }
}

/// A ResNet up to `layer4`, or to the last of its layers that has blocks.
#[derive(Module, Debug)]
pub struct ResNet {
    pub(crate) conv1: Conv2d,
    pub(crate) bn1: BatchNorm2d,
    pub(crate) layer1: Vec<Block>,
    pub(crate) layer2: Vec<Block>,
    pub(crate) layer3: Vec<Block>,
    pub(crate) layer4: Vec<Block>,
    #[module(skip)]
    pub(super) kind: Kind,
    #[module(skip)]
    output_stride: usize,
}

impl ResNet {
    /// Fresh weights of the network that `kind` says, which is one of these.
    pub(super) fn new(kind: Kind, output_stride: usize, init: &mut Init) -> Self {
        let plan = Plan::of(kind);
        let mut dilation = Dilation::new(4, output_stride);
        let mut stage = |index: usize, init: &mut Init| {
            let input = match index {
                0 => 64,
                _ => plan.output(32 << index),
            };
            plan.stage(index, input, &mut dilation, init)
        };
        Self {
            conv1: ConvConfig::new(3, 64, 7)
                .stride(2)
                .padding(3)
                .kaiming()
                .init(init),
            bn1: BatchNorm2d::new(64, init),
            layer1: stage(0, init),
            layer2: stage(1, init),
            layer3: stage(2, init),
            layer4: stage(3, init),
            kind,
            output_stride: dilation.reached,
        }
    }

    pub(super) fn up_to(mut self, stages: usize) -> Self {
        let layers = [
            &mut self.layer1,
            &mut self.layer2,
            &mut self.layer3,
            &mut self.layer4,
        ];
        layers.into_iter().skip(stages).for_each(Vec::clear);
        self
    }

    pub(crate) fn layers(&self) -> [&Vec<Block>; 4] {
        [&self.layer1, &self.layer2, &self.layer3, &self.layer4]
    }
}

impl Stages for ResNet {
    fn count(&self) -> usize {
        let layers = self.layers().into_iter();
        layers.filter(|layer| !layer.is_empty()).count()
    }

    fn side(&self, stage: usize, size: usize) -> usize {
        size.div_ceil(self.output_stride.min(4 << stage))
    }

    fn is_dropped(&self, name: &str) -> bool {
        let layers = self.layers();
        let mut numbered = layers
            .into_iter()
            .zip(["layer1.", "layer2.", "layer3.", "layer4."]);
        numbered.any(|(layer, list)| layer.is_empty() && number(name, list).is_some())
    }

    fn stem(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        let x = normalize(images, IMAGENET_MEAN, IMAGENET_DEVIATION);
        let x = self.conv1.forward(x);
        let x = self.bn1.forward(x, mode, Activation::Relu);
        ops::max_pool2d(x, 3, POOLING)
    }

    fn stage(&self, stage: usize, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let blocks = self.layers().into_iter().nth(stage).into_iter().flatten();
        blocks.fold(x, |x, block| block.forward(x, mode))
    }
}
