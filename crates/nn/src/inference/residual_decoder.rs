//! The residual decoder.

use burn::tensor::Tensor;
use cavga_kernels::Activation as Kernel;
use cavga_kernels::inference::{Features, Form, Layer, Norm, Pool, Residual};
use cavga_kernels::threads::together;
use cavga_kernels::{ConvShape, upsample};

use super::{Builder, affine, features, parameter, tensor};
use crate::layers::BatchNorm2d;
use crate::ops::{self, Activation};
use crate::residual_decoder::{self, UpBlock};

/// [`residual_decoder::ResidualDecoder`].
#[derive(Debug)]
pub struct ResidualDecoder {
    first: Layer,
    blocks: Vec<Block>,
    norm: Norm,
    last: Layer,
    pool: Pool,
}

/// y = conv(up(ReLU(norm(x)))) + up(skip(x)), the up-sampling and convolution as one transposed convolution.
#[derive(Debug)]
struct Block {
    norm: Norm,
    conv: Layer,
    skip: Layer,
}

impl residual_decoder::ResidualDecoder {
    /// The decoder for scoring latents of `size`, `[height, width]`.
    pub fn inference(&self, size: [usize; 2]) -> ResidualDecoder {
        let mut builder = Builder::new(self.first.weight.dims()[1], size);
        ResidualDecoder {
            first: builder.conv(&self.first, None, Activation::Identity),
            blocks: self
                .block
                .iter()
                .map(|block| Block::new(block, &mut builder))
                .collect(),
            norm: norm(&self.norm),
            last: builder.conv(&self.last, None, Activation::Identity),
            pool: Pool::default(),
        }
    }
}

/// A batch norm and the ReLU behind it.
fn norm(norm: &BatchNorm2d) -> Norm {
    let (scale, shift) = affine(norm);
    Norm::new(&scale, &shift, Kernel::Relu)
}

impl Block {
    fn new(block: &UpBlock, builder: &mut Builder) -> Self {
        let input = builder.shape;
        let skip = builder.conv(&block.skip, None, Activation::Identity);
        builder.shape = input;
        let [outputs, inputs, ..] = block.conv.weight.dims();
        let weight = upsample::fold(&parameter(&block.conv.weight), [outputs, inputs]);
        let dims = [inputs, outputs, 4, 4];
        let geometry = ops::geometry(ops::UPSAMPLING);
        let shape = ConvShape::transposed(builder.images(), dims, [0, 0], geometry);
        Self {
            norm: norm(&block.norm),
            conv: builder
                .fold(shape, true, weight, None, None)
                .layer(true, Activation::Identity),
            skip,
        }
    }

    /// Blocks to blocks.
    fn run(&self, x: Features, pool: &Pool) -> Features {
        let skip = self.skip.run(&x, None, Form::Blocks, pool);
        let skip = skip.into_blocks(Kernel::Identity, pool);
        let y = self.norm.run(&x, pool);
        pool.give(x);
        let out = self
            .conv
            .run(&y, Some(Residual::Half(&skip)), Form::Blocks, pool);
        pool.give(y);
        pool.give(skip);
        out.into_blocks(Kernel::Identity, pool)
    }
}

impl ResidualDecoder {
    /// As [`residual_decoder::ResidualDecoder::forward`].
    pub fn forward(&self, latent: Tensor<4>) -> Tensor<4> {
        together(|| self.run(latent))
    }

    fn run(&self, latent: Tensor<4>) -> Tensor<4> {
        let pool = &self.pool;
        let mut x = self.first.run(&features(latent), None, Form::Blocks, pool);
        x = x.into_blocks(Kernel::Identity, pool);
        for block in &self.blocks {
            x = block.run(x, pool);
        }
        let y = self.norm.run(&x, pool);
        pool.give(x);
        tensor(self.last.run(&y, None, Form::Planes, pool), pool)
    }
}
