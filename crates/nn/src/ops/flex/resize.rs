//! Bilinear resizing.

use std::sync::Arc;

use burn::backend::autodiff::{
    NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients as Grads,
    ops::{Backward, Ops},
};
use burn::backend::{
    Autodiff, Backend, Dispatch, Flex, backend_extension, flex::FlexTensor, tensor::FloatTensor,
};
use burn::tensor::Tensor;
use cavga_kernels::resize::{self, Resize};

use super::{dense, fits, record, resized, tensor};

/// What the tape records.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Kernels: Backend {
    /// The images at another size.
    fn resize(x: FloatTensor<Self>, sizes: Arc<Resize>) -> FloatTensor<Self>;
}

/// What the backward pass is made of.
trait Gradients: Backend {
    /// To the images.
    fn resize_dx(dy: FloatTensor<Self>, sizes: Arc<Resize>) -> FloatTensor<Self>;
}

/// Bilinear resizing on the tape, if there is one; None where the kernels can't.
pub(in crate::ops) fn resize(x: &Tensor<4>, size: [usize; 2]) -> Option<Tensor<4>> {
    if !fits(x) {
        return None;
    }
    let [batch, channels, height, width] = x.dims();
    let sizes = Resize::new(batch.checked_mul(channels)?, [height, width], size)?;
    let y = Dispatch::resize(x.clone().into_dispatch(), Arc::new(sizes));
    Some(Tensor::from_dispatch(y))
}

impl Kernels for Flex {
    fn resize(x: FlexTensor, sizes: Arc<Resize>) -> FlexTensor {
        let x = dense(x);
        let y = resize::bilinear(&sizes, x.storage());
        tensor(y, resized(&x, sizes.to()))
    }
}

impl Gradients for Flex {
    fn resize_dx(dy: FlexTensor, sizes: Arc<Resize>) -> FlexTensor {
        let dy = dense(dy);
        let dx = resize::bilinear_gradient(&sizes, dy.storage());
        tensor(dx, resized(&dy, sizes.from()))
    }
}

#[derive(Debug)]
struct ResizeBackward;

impl<B: Kernels + Gradients> Backward<B, 1> for ResizeBackward {
    type State = ([NodeId; 0], Arc<Resize>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Grads, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (_, sizes) = ops.state;
        if let [Some(node)] = ops.parents {
            grads.register::<B>(node.id, B::resize_dx(dy, sizes));
        }
    }
}

impl<B: Kernels + Gradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn resize(x: FloatTensor<Self>, sizes: Arc<Resize>) -> FloatTensor<Self> {
        let forward = |[x]: [FloatTensor<B>; 1]| (B::resize(x, sizes.clone()), sizes.clone());
        record::<B, C, _, _, 1, 0>(ResizeBackward, [x], [], forward)
    }
}
