//! ResNet-18.

use burn::tensor::Tensor;
use cavga_kernels::Activation as Kernel;
use cavga_kernels::inference::{Features, Form, Layer, Pool, Residual};
use cavga_kernels::threads::together;

use super::{Builder, features, tensor, values};
use crate::ops::{self, Activation};
use crate::resnet::{self, BasicBlock, IMAGENET_DEVIATION, IMAGENET_MEAN};

/// [`resnet::ResNet18`].
#[derive(Debug)]
pub struct ResNet18 {
    stem: Layer,
    blocks: Vec<Block>,
    pool: Pool,
}

#[derive(Debug)]
struct Block {
    first: Layer,
    second: Layer,
    downsample: Option<Layer>,
}

impl resnet::ResNet18 {
    /// The network for scoring images of `size`, `[height, width]`.
    pub fn inference(&self, size: [usize; 2]) -> ResNet18 {
        let mut builder = Builder::new(3, size);
        // A ReLU and a max-pool may be swapped: it is cheaper behind.
        let stem = builder.conv(&self.conv1, Some(&self.bn1), Activation::Identity);
        let [channels, height, width] = builder.shape;
        builder.shape = [channels, (height - 1) / 2 + 1, (width - 1) / 2 + 1];
        let stages = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        ResNet18 {
            stem,
            blocks: stages
                .into_iter()
                .flatten()
                .map(|block| Block::new(block, &mut builder))
                .collect(),
            pool: Pool::default(),
        }
    }
}

impl Block {
    fn new(block: &BasicBlock, builder: &mut Builder) -> Self {
        let input = builder.shape;
        let downsample = block
            .downsample
            .as_ref()
            .map(|(conv, norm)| builder.conv(conv, Some(norm), Activation::Identity));
        builder.shape = input;
        Self {
            first: builder.conv(&block.conv1, Some(&block.bn1), Activation::Relu),
            second: builder.conv(&block.conv2, Some(&block.bn2), Activation::Relu),
            downsample,
        }
    }

    /// Blocks to blocks.
    fn run(&self, x: Features, pool: &Pool) -> Features {
        let y = self.first.run(&x, None, Form::Blocks, pool);
        let shortcut = match &self.downsample {
            Some(layer) => {
                let shortcut = layer.run(&x, None, Form::Blocks, pool);
                pool.give(x);
                shortcut
            }
            None => x,
        };
        let residual = Residual::Same(&shortcut);
        let out = self.second.run(&y, Some(residual), Form::Blocks, pool);
        pool.give(y);
        pool.give(shortcut);
        out
    }
}

impl ResNet18 {
    /// As [`resnet::ResNet18::forward`].
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        together(|| self.run(images))
    }

    fn run(&self, images: Tensor<4>) -> Tensor<4> {
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
        let x = features(ops::max_pool2d(tensor(x, &self.pool), 3, 2, 1));
        let mut x = x.into_blocks(Kernel::Relu, &self.pool);
        for block in &self.blocks {
            x = block.run(x, &self.pool);
        }
        tensor(x, &self.pool)
    }
}
