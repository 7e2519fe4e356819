//! Networks that turn images into features: what anomaly detectors learn on, with weights from ImageNet or from scratch.
//!
//! One enum names them, one module holds any of them. Each takes images in [0, 1] and normalises them itself, as its weights expect.
//! Features may be taken behind every stage, and what a network makes of such features may be had alone.
//!
//! | network | channels of its taps | strides of its taps |
//! |---|---|---|
//! | `resnet-18`, `resnet-34` | 64, 128, 256, 512 | 4, 8, 16, 32 |
//! | `resnet-50`, `wide-resnet-50-2` | 256, 512, 1024, 2048 | 4, 8, 16, 32 |
//! | `efficientnet-lite0` | 24, 40, 112, 320, 1280 | 4, 8, 16, 32, 32 |
//! | `mobilenet-v2` | 24, 32, 96, 320, 1280 | 4, 8, 16, 32, 32 |
//! | `squeezenet-1.1` | 128, 256, 512 | 4, 8, 16 |
//!
//! With a smaller output stride, the last stages widen their taps instead of striding (dilation): the features of the network with all
//! strides are some of those, and the same weights serve.
//!
//! Who needs early taps only keeps the first stages only: [`Backbone::up_to`].

pub(crate) mod mobile;
mod names;
pub(crate) mod resnet;
mod squeezenet;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};

use crate::{
    fit::{Misfit, fit},
    inference,
    layers::{Init, Mode},
    state::Tensors,
};
use mobile::MobileNet;
use resnet::ResNet;
use squeezenet::SqueezeNet;

/// Which network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// 11.2 million weights.
    #[default]
    #[serde(rename = "resnet-18")]
    Resnet18,
    /// 21.3 million weights.
    #[serde(rename = "resnet-34")]
    Resnet34,
    /// 23.5 million weights.
    #[serde(rename = "resnet-50")]
    Resnet50,
    /// 66.8 million weights.
    #[serde(rename = "wide-resnet-50-2")]
    WideResnet50x2,
    /// 3.4 million weights.
    #[serde(rename = "efficientnet-lite0")]
    EfficientnetLite0,
    /// 2.2 million weights.
    #[serde(rename = "mobilenet-v2")]
    MobilenetV2,
    /// 0.7 million weights.
    #[serde(rename = "squeezenet-1.1")]
    Squeezenet1x1,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::Resnet18,
        Self::Resnet34,
        Self::Resnet50,
        Self::WideResnet50x2,
        Self::EfficientnetLite0,
        Self::MobilenetV2,
        Self::Squeezenet1x1,
    ];

    /// What it is called in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resnet18 => "resnet-18",
            Self::Resnet34 => "resnet-34",
            Self::Resnet50 => "resnet-50",
            Self::WideResnet50x2 => "wide-resnet-50-2",
            Self::EfficientnetLite0 => "efficientnet-lite0",
            Self::MobilenetV2 => "mobilenet-v2",
            Self::Squeezenet1x1 => "squeezenet-1.1",
        }
    }

    /// Channels of each tap.
    pub fn tap_channels(self) -> &'static [usize] {
        match self {
            Self::Resnet18 | Self::Resnet34 => &[64, 128, 256, 512],
            Self::Resnet50 | Self::WideResnet50x2 => &[256, 512, 1024, 2048],
            Self::EfficientnetLite0 => &[24, 40, 112, 320, 1280],
            Self::MobilenetV2 => &[24, 32, 96, 320, 1280],
            Self::Squeezenet1x1 => &[128, 256, 512],
        }
    }

    /// Channels of the last tap.
    pub fn channels(self) -> usize {
        self.tap_channels().last().copied().unwrap_or_default()
    }

    /// How many taps.
    pub fn stages(self) -> usize {
        self.tap_channels().len()
    }
}

/// A network in pieces.
trait Stages {
    /// How many stages there are.
    fn count(&self) -> usize;
    /// Pixels of an image of `size` pixels along an axis that a stage gives.
    fn side(&self, stage: usize, size: usize) -> usize;
    /// Whether a tensor is of a stage that [`Backbone::up_to`] dropped.
    fn is_dropped(&self, name: &str) -> bool;
    /// What comes before the first stage, normalisation included.
    fn stem(&self, images: Tensor<4>, mode: Mode) -> Tensor<4>;
    /// One stage.
    fn stage(&self, stage: usize, x: Tensor<4>, mode: Mode) -> Tensor<4>;
}

/// A network without its classifier. Which one it is leaves no trace in the names of its tensors.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a detector: nothing is saved by a box"
)]
pub enum Backbone {
    /// A ResNet.
    ResNet(ResNet),
    /// MobileNetV2 or EfficientNet-Lite0.
    MobileNet(MobileNet),
    /// SqueezeNet.
    SqueezeNet(SqueezeNet),
}

impl Backbone {
    /// Fresh weights. `output_stride`: how much smaller than the image the last features are, 32, 16 or 8. SqueezeNet has strides of 16
    /// and no more.
    pub fn new(kind: Kind, output_stride: usize, init: &mut Init) -> Self {
        match kind {
            Kind::Resnet18 | Kind::Resnet34 | Kind::Resnet50 | Kind::WideResnet50x2 => {
                Self::ResNet(ResNet::new(kind, output_stride, init))
            }
            Kind::EfficientnetLite0 | Kind::MobilenetV2 => {
                Self::MobileNet(MobileNet::new(kind, output_stride, init))
            }
            Kind::Squeezenet1x1 => Self::SqueezeNet(SqueezeNet::new(output_stride, init)),
        }
    }

    /// Which network it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::ResNet(network) => network.kind,
            Self::MobileNet(network) => network.kind(),
            Self::SqueezeNet(_) => Kind::Squeezenet1x1,
        }
    }

    /// The same network without the stages behind the first `stages`, of which one stays at least: the features are then those of the last
    /// one left. What stays keeps its weights and its names.
    pub fn up_to(self, stages: usize) -> Self {
        let stages = stages.max(1);
        match self {
            Self::ResNet(network) => Self::ResNet(network.up_to(stages)),
            Self::MobileNet(network) => Self::MobileNet(network.up_to(stages)),
            Self::SqueezeNet(network) => Self::SqueezeNet(network.up_to(stages)),
        }
    }

    /// How many stages it has: all of its kind's, or as many as [`Backbone::up_to`] left.
    pub fn stages(&self) -> usize {
        self.parts().count()
    }

    /// Channels of each tap.
    pub fn tap_channels(&self) -> &'static [usize] {
        let all = self.kind().tap_channels();
        all.get(..self.stages()).unwrap_or(all)
    }

    /// Height and width of the last tap for images of `size`, `[height, width]`: `size / output_stride`, rounded up, where no stage was
    /// dropped. SqueezeNet's poolings see whole windows only, which makes it smaller: 15 × 15 for 256 × 256 pixels, and nothing below
    /// 32 × 32.
    pub fn grid(&self, size: [usize; 2]) -> [usize; 2] {
        self.tap_grid(self.stages().saturating_sub(1), size)
    }

    /// [`Backbone::grid`] of the tap of a stage, counted from 0.
    pub fn tap_grid(&self, stage: usize, size: [usize; 2]) -> [usize; 2] {
        size.map(|size| self.parts().side(stage, size))
    }

    fn parts(&self) -> &dyn Stages {
        match self {
            Self::ResNet(network) => network,
            Self::MobileNet(network) => network,
            Self::SqueezeNet(network) => network,
        }
    }

    /// The features of images: the last of [`Backbone::taps`].
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1] → `[batch, channels, height/output_stride, width/output_stride]`; see
    ///   [`Backbone::grid`]
    pub fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        let x = self.parts().stem(images, mode);
        self.run(0, x, mode)
    }

    /// The stages from `first` on.
    fn run(&self, first: usize, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let parts = self.parts();
        (first..parts.count()).fold(x, |x, stage| parts.stage(stage, x, mode))
    }

    /// What every stage gives, in order; the table above has channels and strides.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1]
    pub fn taps(&self, images: Tensor<4>, mode: Mode) -> Vec<Tensor<4>> {
        let parts = self.parts();
        let mut x = parts.stem(images, mode);
        let each = (0..parts.count()).map(|stage| {
            x = parts.stage(stage, x.clone(), mode);
            x.clone()
        });
        each.collect()
    }

    /// The output of stage `stage`, counted from 0 as in [`Backbone::taps`], of which the last stands for those that it lacks. What
    /// follows the stage is not run.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1]
    pub fn tap(&self, stage: usize, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        let parts = self.parts();
        let stages = 0..parts.count().min(stage.saturating_add(1));
        let stem = parts.stem(images, mode);
        stages.fold(stem, |x, stage| parts.stage(stage, x, mode))
    }

    /// The rest of the way from the output of stage `stage`, counted from 0 as in [`Backbone::taps`], to what [`Backbone::forward`] gives.
    ///
    /// # Shapes
    /// - features: as that tap
    pub fn after_tap(&self, stage: usize, features: Tensor<4>, mode: Mode) -> Tensor<4> {
        self.run(stage.saturating_add(1), features, mode)
    }

    /// With the weights of a file: as torchvision names ResNet's and MobileNetV2's, EfficientNet-PyTorch its own, and Keras's port
    /// SqueezeNet's. Classifiers, counts of batches and what belongs to stages that were dropped are left aside.
    ///
    /// # Errors
    /// [`Misfit`] if they are another network's.
    pub fn with_weights(self, tensors: Tensors) -> Result<Self, Misfit> {
        let mut tensors = names::of_file(self.kind(), tensors);
        tensors.retain(|name, _| !self.parts().is_dropped(name));
        fit(self, "", tensors)
    }

    /// The form that only scores images of `size`, `[height, width]`; None for networks without one, which score as they are.
    pub fn inference(&self, size: [usize; 2]) -> Option<inference::ResNet> {
        match self {
            Self::ResNet(network) => Some(network.inference(size)),
            _ => None,
        }
    }

    /// The form that only scores images of `size`, `[height, width]`, and gives what `stages`, counted from 0 as in [`Backbone::taps`], make
    /// of them. None on other devices than the CPU, for networks without such a form (SqueezeNet), and where one of the stages is none of
    /// this network's: then [`Backbone::taps`] serves.
    pub fn inference_taps(&self, size: [usize; 2], stages: &[usize]) -> Option<inference::Taps> {
        let mut devices = self.devices().into_iter();
        let here = devices.all(|device| inference::supports(&device.without_autodiff()));
        let known = stages.iter().all(|&stage| stage < self.stages());
        match self {
            _ if !here || !known => None,
            Self::ResNet(network) => Some(inference::Taps::of_resnet(network, size, stages)),
            Self::MobileNet(network) => Some(inference::Taps::of_mobilenet(network, size, stages)),
            Self::SqueezeNet(_) => None,
        }
    }
}

/// Where stages get their strides from: each strides until the output stride is reached, and widens the taps of what follows from then on.
struct Dilation {
    reached: usize,
    output_stride: usize,
    /// From one tap to the next.
    taps: usize,
}

impl Dilation {
    fn new(reached: usize, output_stride: usize) -> Self {
        Self {
            reached,
            output_stride,
            taps: 1,
        }
    }

    /// The stride in place of `stride`.
    fn stride(&mut self, stride: usize) -> usize {
        if self.reached * stride > self.output_stride {
            self.taps *= stride;
            return 1;
        }
        self.reached *= stride;
        stride
    }
}

/// The number that a tensor's name has behind `list`: 3 of `blocks.3.bn1.weight` behind `blocks.`.
fn number(name: &str, list: &str) -> Option<usize> {
    let rest = name.strip_prefix(list)?;
    let (number, _) = rest.split_once('.')?;
    number.parse().ok()
}

/// (images − mean) / deviation, per channel.
fn normalize(images: Tensor<4>, mean: [f32; 3], deviation: [f32; 3]) -> Tensor<4> {
    let device: Device = images.device();
    let per_channel =
        |values: [f32; 3]| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
    (images - per_channel(mean)) / per_channel(deviation)
}
