//! Nearest up-sampling by two, folded into what follows it.

use burn::backend::autodiff::{
    NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients as Grads,
    ops::{Backward, Ops},
};
use burn::backend::{
    Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension, flex::FlexTensor,
    tensor::FloatTensor,
};
use burn::tensor::Tensor;
use cavga_kernels::upsample;

use super::{dense, fits, record, tensor};

/// What the tape records.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Kernels: Backend {
    /// The 4×4 kernel that, transposed, is up-sampling and then convolving with this 3×3 one.
    fn fold(weight: FloatTensor<Self>) -> FloatTensor<Self>;
    /// `y` and the up-sampled `s`.
    fn add_upsampled(y: FloatTensor<Self>, s: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// What the backward passes are made of.
trait Gradients: Backend {
    /// To the 3×3 kernel.
    fn fold_dw(gradient: FloatTensor<Self>) -> FloatTensor<Self>;
    /// To the up-sampled addend.
    fn add_upsampled_ds(dy: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// The folded kernel, on the tape if there is one; None where the kernels can't.
pub(in crate::ops) fn fold(x: &Tensor<4>, weight: &Tensor<4>) -> Option<Tensor<4>> {
    let [_, input, height, width] = weight.dims();
    let can = fits(x) && fits(weight) && [height, width] == [3, 3] && input == x.dims()[1];
    can.then(|| Tensor::from_dispatch(Dispatch::fold(weight.clone().into_dispatch())))
}

/// Whether the kernels can add these.
pub(in crate::ops) fn can_add_upsampled(y: &Tensor<4>, s: &Tensor<4>) -> bool {
    let [batch, channels, height, width] = s.dims();
    fits(y) && fits(s) && y.dims() == [batch, channels, 2 * height, 2 * width]
}

/// Adds the up-sampled `s` to `y`, on the tape if there is one.
pub(in crate::ops) fn add_upsampled(y: Tensor<4>, s: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::add_upsampled(
        y.into_dispatch(),
        s.into_dispatch(),
    ))
}

impl Kernels for Flex {
    fn fold(weight: FlexTensor) -> FlexTensor {
        let weight = dense(weight);
        let shape = weight.shape();
        let folded = upsample::fold(weight.storage(), [shape[0], shape[1]]);
        tensor(folded, [shape[1], shape[0], 4, 4])
    }

    fn add_upsampled(y: FlexTensor, s: FlexTensor) -> FlexTensor {
        let (mut y, s) = (dense(y), dense(s));
        let shape = s.shape();
        let planes = [shape[0] * shape[1], shape[2], shape[3]];
        // In place unless someone else holds `y`.
        upsample::add(y.storage_mut(), s.storage(), planes);
        y
    }
}

impl Gradients for Flex {
    fn fold_dw(gradient: FlexTensor) -> FlexTensor {
        let gradient = dense(gradient);
        let shape = gradient.shape();
        let dw = upsample::fold_gradient(gradient.storage(), [shape[1], shape[0]]);
        tensor(dw, [shape[1], shape[0], 3, 3])
    }

    fn add_upsampled_ds(dy: FlexTensor) -> FlexTensor {
        let dy = dense(dy);
        let shape = dy.shape();
        let [batch, channels, height, width] = [shape[0], shape[1], shape[2] / 2, shape[3] / 2];
        let ds = upsample::add_gradient(dy.storage(), [batch * channels, height, width]);
        tensor(ds, [batch, channels, height, width])
    }
}

#[derive(Debug)]
struct FoldBackward;

impl<B: Kernels + Gradients> Backward<B, 1> for FoldBackward {
    type State = ([NodeId; 0], ());

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Grads, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        if let [Some(node)] = ops.parents {
            grads.register::<B>(node.id, B::fold_dw(gradient));
        }
    }
}

#[derive(Debug)]
struct AddUpsampledBackward;

impl<B: Kernels + Gradients> Backward<B, 2> for AddUpsampledBackward {
    type State = ([NodeId; 0], ());

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Grads, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let [y_node, s_node] = ops.parents;
        if let Some(node) = s_node {
            grads.register::<B>(node.id, B::add_upsampled_ds(dy.clone()));
        }
        if let Some(node) = y_node {
            grads.register::<B>(node.id, dy);
        }
    }
}

impl<B: Kernels + Gradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn fold(weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let forward = |[weight]: [FloatTensor<B>; 1]| (B::fold(weight), ());
        record::<B, C, _, _, 1, 0>(FoldBackward, [weight], [], forward)
    }

    fn add_upsampled(y: FloatTensor<Self>, s: FloatTensor<Self>) -> FloatTensor<Self> {
        let forward = |[y, s]: [FloatTensor<B>; 2]| (B::add_upsampled(y, s), ());
        record::<B, C, _, _, 2, 0>(AddUpsampledBackward, [y, s], [], forward)
    }
}
