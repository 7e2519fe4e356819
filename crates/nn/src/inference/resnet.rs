//! ResNets.

use burn::tensor::Tensor;
use cavga_kernels::Activation as Kernel;
use cavga_kernels::inference::{Features, Form, Layer, Pool, Residual};
use cavga_kernels::threads::together;

use super::taps::Stages;
use super::{Builder, features, tensor, values};
use crate::backbone::resnet::{self, IMAGENET_DEVIATION, IMAGENET_MEAN};
use crate::layers::{BatchNorm2d, Conv2d};
use crate::ops::{self, Activation};

/// A ResNet, of [`Backbone`](crate::backbone::Backbone).
#[derive(Debug)]
pub struct ResNet {
    stem: Layer,
    stages: Vec<Vec<Block>>,
    pool: Pool,
}

#[derive(Debug)]
struct Block {
    /// All but the last, which takes the shortcut in.
    first: Vec<Layer>,
    last: Layer,
    downsample: Option<Layer>,
}

impl resnet::ResNet {
    /// The network for scoring images of `size`, `[height, width]`.
    pub fn inference(&self, size: [usize; 2]) -> ResNet {
        self.prepared(size, self.layers().len())
    }

    /// Its first `stages` stages.
    pub(super) fn prepared(&self, size: [usize; 2], stages: usize) -> ResNet {
        let mut builder = Builder::new(3, size);
        // A ReLU and a max-pool may be swapped: it is cheaper behind.
        let stem = builder.conv(&self.conv1, Some(&self.bn1), Activation::Identity);
        let [channels, height, width] = builder.shape;
        builder.shape = [channels, (height - 1) / 2 + 1, (width - 1) / 2 + 1];
        ResNet {
            stem,
            stages: self
                .layers()
                .into_iter()
                .take(stages)
                .map(|layer| {
                    let blocks = layer.iter();
                    blocks
                        .map(|block| Block::new(block, &mut builder))
                        .collect()
                })
                .collect(),
            pool: Pool::default(),
        }
    }
}

impl Block {
    fn new(block: &resnet::Block, builder: &mut Builder) -> Self {
        match block {
            resnet::Block::Basic(block) => Self::of(
                &[(&block.conv1, &block.bn1)],
                (&block.conv2, &block.bn2),
                block.downsample.as_ref(),
                builder,
            ),
            resnet::Block::Bottleneck(block) => Self::of(
                &[(&block.conv1, &block.bn1), (&block.conv2, &block.bn2)],
                (&block.conv3, &block.bn3),
                block.downsample.as_ref(),
                builder,
            ),
        }
    }

    fn of(
        first: &[(&Conv2d, &BatchNorm2d)],
        last: (&Conv2d, &BatchNorm2d),
        downsample: Option<&(Conv2d, BatchNorm2d)>,
        builder: &mut Builder,
    ) -> Self {
        let input = builder.shape;
        let downsample =
            downsample.map(|(conv, norm)| builder.conv(conv, Some(norm), Activation::Identity));
        builder.shape = input;
        let mut layer =
            |(conv, norm): (&Conv2d, _)| builder.conv(conv, Some(norm), Activation::Relu);
        Self {
            first: first.iter().map(|&both| layer(both)).collect(),
            last: layer(last),
            downsample,
        }
    }

    /// Blocks to blocks.
    fn run(&self, x: Features, pool: &Pool) -> Features {
        let mut inner: Option<Features> = None;
        for layer in &self.first {
            let y = layer.run(inner.as_ref().unwrap_or(&x), None, Form::Blocks, pool);
            if let Some(old) = inner.replace(y) {
                pool.give(old);
            }
        }
        let shortcut = self
            .downsample
            .as_ref()
            .map(|layer| layer.run(&x, None, Form::Blocks, pool));
        let residual = Residual::Same(shortcut.as_ref().unwrap_or(&x));
        let y = inner.as_ref().unwrap_or(&x);
        let out = self.last.run(y, Some(residual), Form::Blocks, pool);
        let used = [Some(x), inner, shortcut];
        used.into_iter().flatten().for_each(|used| pool.give(used));
        out
    }
}

impl ResNet {
    /// As the network's own `forward`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        together(|| self.run(images))
    }

    fn run(&self, images: Tensor<4>) -> Tensor<4> {
        let x = (0..self.stages.len()).fold(self.stem(images), |x, stage| self.stage(stage, x));
        tensor(x, &self.pool)
    }
}

impl Stages for ResNet {
    fn pool(&self) -> &Pool {
        &self.pool
    }

    fn stem(&self, images: Tensor<4>) -> Features {
        let [batch, channels, height, width] = images.dims();
        let mut pixels = values(images);
        for (plane, pixels) in pixels.chunks_exact_mut(height * width).enumerate() {
            let channel = plane % channels;
            let (mean, deviation) = (IMAGENET_MEAN[channel], IMAGENET_DEVIATION[channel]);
            for pixel in pixels {
                *pixel = (*pixel - mean) / deviation;
            }
        }
        let images = Features::new([batch, channels, height, width], pixels);
        let x = self.stem.run(&images, None, Form::Planes, &self.pool);
        let x = features(ops::max_pool2d(tensor(x, &self.pool), 3, resnet::POOLING));
        x.into_blocks(Kernel::Relu, &self.pool)
    }

    fn stage(&self, stage: usize, x: Features) -> Features {
        let blocks = self.stages.get(stage).into_iter().flatten();
        blocks.fold(x, |x, block| block.run(x, &self.pool))
    }
}
