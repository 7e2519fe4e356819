//! ResNet-18 (He et al., CVPR 2016) without its classifier, with torchvision's tensor names.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use crate::{
    layers::{BatchNorm2d, Conv2d, ConvConfig, Init, Mode},
    ops::{self, Activation},
};

/// ImageNet's mean per channel, as torchvision's weights expect.
pub(crate) const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Its deviation.
pub(crate) const IMAGENET_DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Two 3×3 convolutions with a shortcut.
#[derive(Module, Debug)]
pub(crate) struct BasicBlock {
    pub(crate) conv1: Conv2d,
    pub(crate) bn1: BatchNorm2d,
    pub(crate) conv2: Conv2d,
    pub(crate) bn2: BatchNorm2d,
    pub(crate) downsample: Option<(Conv2d, BatchNorm2d)>,
}

impl BasicBlock {
    fn new(
        [input, output]: [usize; 2],
        stride: usize,
        dilation: [usize; 2],
        init: &mut Init,
    ) -> Self {
        let conv3 = |input, dilation| {
            ConvConfig::new(input, output, 3)
                .padding(dilation)
                .dilation(dilation)
                .kaiming()
        };
        let downsample = (stride != 1 || input != output).then(|| {
            let conv = ConvConfig::new(input, output, 1)
                .stride(stride)
                .kaiming()
                .init(init);
            (conv, BatchNorm2d::new(output, init))
        });
        Self {
            conv1: conv3(input, dilation[0]).stride(stride).init(init),
            bn1: BatchNorm2d::new(output, init),
            conv2: conv3(output, dilation[1]).init(init),
            bn2: BatchNorm2d::new(output, init),
            downsample,
        }
    }

    fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let y = self.conv1.forward(x.clone());
        let conv2 = self.conv2.convolved();
        let y = self.bn1.forward_convolved(y, mode, Activation::Relu, conv2);
        let y = self.bn2.forward(y, mode, Activation::Identity);
        let shortcut = match &self.downsample {
            Some((conv, norm)) => norm.forward(conv.forward(x), mode, Activation::Identity),
            None => x,
        };
        ops::add_relu(y, shortcut)
    }
}

/// ResNet-18 up to `layer4`.
#[derive(Module, Debug)]
pub struct ResNet18 {
    pub(crate) conv1: Conv2d,
    pub(crate) bn1: BatchNorm2d,
    pub(crate) layer1: Vec<BasicBlock>,
    pub(crate) layer2: Vec<BasicBlock>,
    pub(crate) layer3: Vec<BasicBlock>,
    pub(crate) layer4: Vec<BasicBlock>,
}

impl ResNet18 {
    /// Channels of `layer4`.
    pub const CHANNELS: usize = 512;

    /// Fresh weights. `output_stride`: how much smaller than the image the features are, 32 as in the paper, or 16 or 8,
    /// where the last stages widen their taps instead of striding (as torchvision's `replace_stride_with_dilation`).
    pub fn new(output_stride: usize, init: &mut Init) -> Self {
        let mut dilation = 1;
        let mut reached = 4;
        let mut stage = |channels: [usize; 2], stride: usize, init: &mut Init| {
            let before = dilation;
            let stride = if reached * stride > output_stride {
                dilation *= stride;
                1
            } else {
                reached *= stride;
                stride
            };
            vec![
                BasicBlock::new(channels, stride, [before, dilation], init),
                BasicBlock::new([channels[1]; 2], 1, [dilation; 2], init),
            ]
        };
        Self {
            conv1: ConvConfig::new(3, 64, 7)
                .stride(2)
                .padding(3)
                .kaiming()
                .init(init),
            bn1: BatchNorm2d::new(64, init),
            layer1: stage([64, 64], 1, init),
            layer2: stage([64, 128], 2, init),
            layer3: stage([128, 256], 2, init),
            layer4: stage([256, 512], 2, init),
        }
    }

    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1] → `[batch, 512, height/output_stride, width/output_stride]`
    pub fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        let x = normalize_imagenet(images);
        let x = self
            .bn1
            .forward(self.conv1.forward(x), mode, Activation::Relu);
        let mut x = ops::max_pool2d(x, 3, 2, 1);
        for block in [&self.layer1, &self.layer2, &self.layer3, &self.layer4]
            .into_iter()
            .flatten()
        {
            x = block.forward(x, mode);
        }
        x
    }
}

/// ImageNet's mean and deviation per channel, as torchvision's weights expect.
fn normalize_imagenet(images: Tensor<4>) -> Tensor<4> {
    let device: Device = images.device();
    let per_channel =
        |values: [f32; 3]| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
    let mean = per_channel(IMAGENET_MEAN);
    let deviation = per_channel(IMAGENET_DEVIATION);
    (images - mean) / deviation
}
