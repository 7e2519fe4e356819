//! Max-pooling.

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
use cavga_kernels::pool::{self, PoolShape};

use super::{dense, fits, record, resized, tensor};
use crate::ops::Window;

/// What the tape records.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Kernels: Backend {
    /// The largest value under each window.
    fn max_pool(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self>;
}

/// Which tap of each window is its largest value.
type Taps = Arc<Vec<u16>>;

/// What the backward pass is made of.
trait Gradients: Backend {
    /// The forward pass, and what the backward pass needs of it.
    fn max_pool_with_taps(x: FloatTensor<Self>, shape: PoolShape) -> (FloatTensor<Self>, Taps);
    /// To the images.
    fn max_pool_dx(dy: FloatTensor<Self>, taps: Taps, shape: PoolShape) -> FloatTensor<Self>;
}

/// Max-pooling on the tape, if there is one; None where the kernels can't.
pub(in crate::ops) fn max_pool(x: &Tensor<4>, kernel: usize, window: Window) -> Option<Tensor<4>> {
    let [batch, channels, height, width] = x.dims();
    let planes = batch.checked_mul(channels)?;
    let Window {
        stride,
        padding: [padding, horizontal],
        dilation,
        ..
    } = window;
    if padding != horizontal {
        return None;
    }
    let image = [height, width];
    let shape = PoolShape::dilated(planes, image, kernel, stride, padding, dilation)?;
    fits(x).then(|| Tensor::from_dispatch(Dispatch::max_pool(x.clone().into_dispatch(), shape)))
}

impl Kernels for Flex {
    fn max_pool(x: FlexTensor, shape: PoolShape) -> FlexTensor {
        let x = dense(x);
        tensor(pool::max(&shape, x.storage()), resized(&x, shape.output()))
    }
}

impl Gradients for Flex {
    fn max_pool_with_taps(x: FlexTensor, shape: PoolShape) -> (FlexTensor, Taps) {
        let x = dense(x);
        let (y, taps) = pool::max_with_taps(&shape, x.storage());
        (tensor(y, resized(&x, shape.output())), Arc::new(taps))
    }

    fn max_pool_dx(dy: FlexTensor, taps: Taps, shape: PoolShape) -> FlexTensor {
        let dy = dense(dy);
        let dx = pool::max_gradient(&shape, dy.storage(), &taps);
        tensor(dx, resized(&dy, shape.image()))
    }
}

#[derive(Debug)]
struct MaxPoolBackward;

impl<B: Kernels + Gradients> Backward<B, 1> for MaxPoolBackward {
    type State = ([NodeId; 0], (Taps, PoolShape));

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Grads, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (_, (taps, shape)) = ops.state;
        if let [Some(node)] = ops.parents {
            grads.register::<B>(node.id, B::max_pool_dx(dy, taps, shape));
        }
    }
}

impl<B: Kernels + Gradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn max_pool(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        let forward = |[x]: [FloatTensor<B>; 1]| {
            let (y, taps) = B::max_pool_with_taps(x, shape);
            (y, (taps, shape))
        };
        record::<B, C, _, _, 1, 0>(MaxPoolBackward, [x], [], forward)
    }
}
