//! MobileNetV2 (Sandler et al., CVPR 2018) and EfficientNet-Lite0 (Tan and Le, ICML 2019; the Lite variant without squeeze-excitation
//! and with ReLU6): one network with two tables. Without classifier.
//!
//! Padding and ε are as in the weights that are around: MobileNetV2's as torchvision's, EfficientNet-Lite0's as TensorFlow's, from which
//! its weights were converted.

use burn::{module::Module, tensor::Tensor};

use super::{
    Dilation, Kind, Stages, normalize, number,
    resnet::{IMAGENET_DEVIATION, IMAGENET_MEAN},
};
use crate::{
    layers::{BatchNorm2d, Conv2d, ConvConfig, Init, Mode},
    ops::Activation,
};

/// Channels of the first convolution, and of the last.
const ENDS: [usize; 2] = [32, 1280];

/// Blocks alike, one after the other.
#[derive(Clone, Copy)]
struct Row {
    /// How many times its input's channels a block has inside.
    expand: usize,
    kernel: usize,
    /// Of the first block.
    stride: usize,
    output: usize,
    blocks: usize,
}

const fn row(expand: usize, kernel: usize, stride: usize, output: usize, blocks: usize) -> Row {
    Row {
        expand,
        kernel,
        stride,
        output,
        blocks,
    }
}

const MOBILENET_V2: [Row; 7] = [
    row(1, 3, 1, 16, 1),
    row(6, 3, 2, 24, 2),
    row(6, 3, 2, 32, 3),
    row(6, 3, 2, 64, 4),
    row(6, 3, 1, 96, 3),
    row(6, 3, 2, 160, 3),
    row(6, 3, 1, 320, 1),
];

const EFFICIENTNET_LITE0: [Row; 7] = [
    row(1, 3, 1, 16, 1),
    row(6, 3, 2, 24, 2),
    row(6, 5, 2, 40, 2),
    row(6, 3, 2, 80, 3),
    row(6, 5, 1, 112, 3),
    row(6, 5, 2, 192, 4),
    row(6, 3, 1, 320, 1),
];

/// The rows behind which each stage ends.
const STAGES: [usize; 4] = [1, 2, 4, 6];

/// What distinguishes the networks.
#[derive(Debug, Clone, Copy)]
enum Family {
    Mobilenet,
    Efficientnet,
}

impl Family {
    fn rows(self) -> &'static [Row; 7] {
        match self {
            Self::Mobilenet => &MOBILENET_V2,
            Self::Efficientnet => &EFFICIENTNET_LITE0,
        }
    }

    /// The blocks of a stage: the first, and the one behind the last.
    fn stage(self, stage: usize) -> [usize; 2] {
        let end = |stage: usize| -> usize {
            let rows = STAGES.get(stage).map_or(0, |last| last + 1);
            self.rows().iter().take(rows).map(|row| row.blocks).sum()
        };
        let start = stage.checked_sub(1).map_or(0, end);
        [start, end(stage)]
    }

    /// A convolution that strides by `stride`, or would without dilation, in which case it strides by `dilated[0]` with taps
    /// `dilated[1]` apart.
    fn padded(
        self,
        conv: ConvConfig,
        kernel: usize,
        stride: usize,
        dilated: [usize; 2],
    ) -> ConvConfig {
        let [strided, dilation] = dilated;
        let conv = conv.stride(strided).dilation(dilation).kaiming();
        match self {
            Self::Mobilenet => conv.padding(kernel / 2 * dilation),
            Self::Efficientnet => conv.same(stride),
        }
    }

    fn norm(self, channels: usize, init: &mut Init) -> BatchNorm2d {
        let norm = BatchNorm2d::new(channels, init);
        match self {
            Self::Mobilenet => norm,
            Self::Efficientnet => norm.with_epsilon(1e-3),
        }
    }
}

/// A depthwise convolution of more channels between two 1×1 ones, with a shortcut where sizes stay.
#[derive(Module, Debug)]
pub(crate) struct InvertedResidual {
    /// None where there are no more channels inside.
    expand_conv: Option<Conv2d>,
    bn0: Option<BatchNorm2d>,
    depthwise_conv: Conv2d,
    bn1: BatchNorm2d,
    project_conv: Conv2d,
    bn2: BatchNorm2d,
    #[module(skip)]
    shortcut: bool,
}

/// A block's numbers.
struct Sizes {
    input: usize,
    row: Row,
    /// Of the network without dilation.
    stride: usize,
    /// Stride and dilation here.
    dilated: [usize; 2],
}

impl InvertedResidual {
    fn new(family: Family, sizes: Sizes, init: &mut Init) -> Self {
        let Sizes {
            input, row, stride, ..
        } = sizes;
        let inside = row.expand * input;
        let conv1 =
            |input, output, init: &mut Init| ConvConfig::new(input, output, 1).kaiming().init(init);
        let depthwise = ConvConfig::new(inside, inside, row.kernel).depthwise();
        let expands = inside != input;
        Self {
            expand_conv: expands.then(|| conv1(input, inside, init)),
            bn0: expands.then(|| family.norm(inside, init)),
            depthwise_conv: family
                .padded(depthwise, row.kernel, stride, sizes.dilated)
                .init(init),
            bn1: family.norm(inside, init),
            project_conv: conv1(inside, row.output, init),
            bn2: family.norm(row.output, init),
            shortcut: stride == 1 && input == row.output,
        }
    }

    fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let y = match (&self.expand_conv, &self.bn0) {
            (Some(conv), Some(norm)) => {
                let y = conv.forward(x.clone());
                let depthwise = self.depthwise_conv.convolved(&y);
                norm.forward_convolved(y, mode, Activation::Relu6, depthwise)
            }
            _ => self.depthwise_conv.forward(x.clone()),
        };
        let project = self.project_conv.convolved(&y);
        let y = self
            .bn1
            .forward_convolved(y, mode, Activation::Relu6, project);
        let y = self.bn2.forward(y, mode, Activation::Identity);
        if self.shortcut { y + x } else { y }
    }
}

/// MobileNetV2 or EfficientNet-Lite0 up to the 1280 channels of their last convolution.
#[derive(Module, Debug)]
pub struct MobileNet {
    conv_stem: Conv2d,
    bn0: BatchNorm2d,
    blocks: Vec<InvertedResidual>,
    /// None where the last stage was dropped.
    conv_head: Option<Conv2d>,
    bn1: Option<BatchNorm2d>,
    #[module(skip)]
    family: Family,
    #[module(skip)]
    output_stride: usize,
    #[module(skip)]
    stages: usize,
}

impl MobileNet {
    /// Fresh weights of the network that `kind` says, which is one of these.
    pub(super) fn new(kind: Kind, output_stride: usize, init: &mut Init) -> Self {
        let family = match kind {
            Kind::EfficientnetLite0 => Family::Efficientnet,
            // And what is of another family.
            _ => Family::Mobilenet,
        };
        let [first, last] = ENDS;
        let stem = ConvConfig::new(3, first, 3);
        let conv_stem = family.padded(stem, 3, 2, [2, 1]).init(init);
        let bn0 = family.norm(first, init);
        let mut dilation = Dilation::new(2, output_stride);
        let mut input = first;
        let mut blocks = Vec::new();
        for row in family.rows() {
            for index in 0..row.blocks {
                let stride = if index == 0 { row.stride } else { 1 };
                // A stride that became a dilation shows behind the convolution that had it.
                let before = dilation.taps;
                let sizes = Sizes {
                    input,
                    row: *row,
                    stride,
                    dilated: [dilation.stride(stride), before],
                };
                blocks.push(InvertedResidual::new(family, sizes, init));
                input = row.output;
            }
        }
        Self {
            conv_stem,
            bn0,
            blocks,
            conv_head: Some(ConvConfig::new(input, last, 1).kaiming().init(init)),
            bn1: Some(family.norm(last, init)),
            family,
            output_stride: dilation.reached,
            stages: STAGES.len() + 1,
        }
    }

    pub(super) fn up_to(mut self, stages: usize) -> Self {
        self.stages = self.stages.min(stages);
        if self.stages <= STAGES.len() {
            let [_, end] = self.family.stage(self.stages - 1);
            self.blocks.truncate(end);
            (self.conv_head, self.bn1) = (None, None);
        }
        self
    }

    pub(super) fn kind(&self) -> Kind {
        match self.family {
            Family::Mobilenet => Kind::MobilenetV2,
            Family::Efficientnet => Kind::EfficientnetLite0,
        }
    }
}

impl Stages for MobileNet {
    fn count(&self) -> usize {
        self.stages
    }

    fn side(&self, stage: usize, size: usize) -> usize {
        // The last stage only mixes channels.
        let stride = 4 << stage.min(STAGES.len() - 1);
        size.div_ceil(self.output_stride.min(stride))
    }

    fn is_dropped(&self, name: &str) -> bool {
        let [_, all] = self.family.stage(STAGES.len() - 1);
        let is_head = name.starts_with("conv_head.") || name.starts_with("bn1.");
        let block = number(name, "blocks.");
        is_head && self.conv_head.is_none()
            || block.is_some_and(|block| (self.blocks.len()..all).contains(&block))
    }

    fn stem(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        let x = match self.family {
            Family::Mobilenet => normalize(images, IMAGENET_MEAN, IMAGENET_DEVIATION),
            // (x − 127) / 128 of pixels in 0..=255.
            Family::Efficientnet => normalize(images, [127.0 / 255.0; 3], [128.0 / 255.0; 3]),
        };
        let x = self.conv_stem.forward(x);
        self.bn0.forward(x, mode, Activation::Relu6)
    }

    fn stage(&self, stage: usize, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        if stage == STAGES.len() {
            return match (&self.conv_head, &self.bn1) {
                (Some(conv), Some(norm)) => norm.forward(conv.forward(x), mode, Activation::Relu6),
                _ => x,
            };
        }
        let [start, end] = self.family.stage(stage);
        let blocks = self.blocks.iter().take(end).skip(start);
        blocks.fold(x, |x, block| block.forward(x, mode))
    }
}
