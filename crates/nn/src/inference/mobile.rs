//! MobileNetV2 and EfficientNet-Lite0.

use burn::tensor::Tensor;
use cavga_kernels::Activation;
use cavga_kernels::inference::{Depthwise, Features, Pointwise, Pool, Stem};

use super::taps::Stages;
use super::{Builder, Folded, features};
use crate::backbone::mobile::{self, InvertedResidual};

/// Their first stages.
#[derive(Debug)]
pub(super) struct MobileNet {
    stem: Stem,
    stages: Vec<Stage>,
    pool: Pool,
}

#[derive(Debug)]
struct Stage {
    blocks: Vec<Block>,
    /// Of the last stage.
    head: Option<Pointwise>,
}

/// A depthwise convolution, with what expands its channels before it, and a 1×1 one behind.
#[derive(Debug)]
struct Block {
    depthwise: Depthwise,
    project: Pointwise,
    shortcut: bool,
}

impl Folded {
    fn pointwise(&self, activation: Activation) -> Pointwise {
        let [_, inputs, ..] = self.shape.input_shape();
        Pointwise::new(inputs, &self.weight, &self.bias, activation)
    }
}

impl MobileNet {
    /// The first `stages` stages of `network`, for images of `size`, `[height, width]`.
    pub(super) fn new(network: &mobile::MobileNet, size: [usize; 2], stages: usize) -> Self {
        let mut builder = Builder::new(3, size);
        let stem = builder.folded(&network.conv_stem, Some(&network.bn0));
        let [mean, deviation] = network.normalization();
        Self {
            stem: Stem::new(
                &stem.shape,
                [&mean, &deviation],
                &stem.weight,
                &stem.bias,
                Activation::Relu6,
            ),
            stages: (0..stages)
                .map(|stage| Stage::new(network, stage, &mut builder))
                .collect(),
            pool: Pool::default(),
        }
    }
}

impl Stage {
    fn new(network: &mobile::MobileNet, stage: usize, builder: &mut Builder) -> Self {
        let blocks: Vec<Block> = network
            .blocks(stage)
            .map(|block| Block::new(block, builder))
            .collect();
        let head = network.conv_head.as_ref().filter(|_| blocks.is_empty());
        let head = head.map(|conv| builder.folded(conv, network.bn1.as_ref()));
        Self {
            blocks,
            head: head.map(|head| head.pointwise(Activation::Relu6)),
        }
    }
}

impl Block {
    fn new(block: &InvertedResidual, builder: &mut Builder) -> Self {
        let expand = block.expand_conv.as_ref();
        let expand = expand.map(|conv| builder.folded(conv, block.bn0.as_ref()));
        let inner = builder.folded(&block.depthwise_conv, Some(&block.bn1));
        let depthwise = Depthwise::new(&inner.shape, &inner.weight, &inner.bias, Activation::Relu6);
        let project = builder.folded(&block.project_conv, Some(&block.bn2));
        Self {
            depthwise: match expand {
                Some(expand) => depthwise.behind(expand.pointwise(Activation::Relu6)),
                None => depthwise,
            },
            project: project.pointwise(Activation::Identity),
            shortcut: block.shortcut,
        }
    }

    fn run(&self, x: Features, pool: &Pool) -> Features {
        let inner = self.depthwise.run(&x, pool);
        let out = self.project.run(&inner, self.shortcut.then_some(&x), pool);
        pool.give(inner);
        pool.give(x);
        out
    }
}

impl Stages for MobileNet {
    fn pool(&self) -> &Pool {
        &self.pool
    }

    fn stem(&self, images: Tensor<4>) -> Features {
        self.stem.run(&features(images), &self.pool)
    }

    fn stage(&self, stage: usize, x: Features) -> Features {
        let Some(stage) = self.stages.get(stage) else {
            return x;
        };
        let x = stage
            .blocks
            .iter()
            .fold(x, |x, block| block.run(x, &self.pool));
        let Some(head) = &stage.head else {
            return x;
        };
        let out = head.run(&x, None, &self.pool);
        self.pool.give(x);
        out
    }
}
