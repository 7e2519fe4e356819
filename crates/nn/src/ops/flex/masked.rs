//! Masked fully connected layers.

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
use cavga_kernels::masked::{self, Mask, MaskedShape};

use super::{dense, fits, record, retrieve, tensor};

/// What the tape records.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Kernels: Backend {
    /// A masked layer without a bias.
    fn masked(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: MaskedShape,
    ) -> FloatTensor<Self>;
}

/// What the backward pass is made of.
trait Gradients: Backend {
    /// To the input.
    fn masked_dx(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: MaskedShape,
    ) -> FloatTensor<Self>;
    /// To the weight.
    fn masked_dw(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        shape: MaskedShape,
    ) -> FloatTensor<Self>;
}

/// A masked layer on the tape, if there is one; None where the kernels can't.
pub(in crate::ops) fn masked(
    x: &Tensor<2>,
    weight: &Tensor<2>,
    places: usize,
    mask: Mask,
) -> Option<Tensor<2>> {
    if !(fits(x) && fits(weight)) {
        return None;
    }
    let ([batch, _], [rows, columns]) = (x.dims(), weight.dims());
    let channels = [columns, rows].map(|width| width.checked_div(places));
    let shape = MaskedShape::new(batch, places, [channels[0]?, channels[1]?], mask)?;
    if shape.input_shape() != x.dims() || shape.weight_shape() != weight.dims() {
        return None;
    }
    let (x, weight) = (x.clone().into_dispatch(), weight.clone().into_dispatch());
    Some(Tensor::from_dispatch(Dispatch::masked(x, weight, shape)))
}

impl Kernels for Flex {
    fn masked(x: FlexTensor, weight: FlexTensor, shape: MaskedShape) -> FlexTensor {
        let (x, weight) = (dense(x), dense(weight));
        let y = masked::forward(&shape, x.storage(), weight.storage());
        tensor(y, shape.output_shape())
    }
}

impl Gradients for Flex {
    fn masked_dx(dy: FlexTensor, weight: FlexTensor, shape: MaskedShape) -> FlexTensor {
        let (dy, weight) = (dense(dy), dense(weight));
        let dx = masked::input_gradient(&shape, dy.storage(), weight.storage());
        tensor(dx, shape.input_shape())
    }

    fn masked_dw(x: FlexTensor, dy: FlexTensor, shape: MaskedShape) -> FlexTensor {
        let (x, dy) = (dense(x), dense(dy));
        let dw = masked::weight_gradient(&shape, x.storage(), dy.storage());
        tensor(dw, shape.weight_shape())
    }
}

#[derive(Debug)]
struct MaskedBackward;

impl<B: Kernels + Gradients> Backward<B, 2> for MaskedBackward {
    /// Input and weight, as the tape keeps them.
    type State = ([NodeId; 2], MaskedShape);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Grads, tape: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let [x_node, weight_node] = ops.parents;
        let (kept, shape) = ops.state;
        let [x, weight] = retrieve::<B, 2>(tape, kept);
        if let Some(node) = weight_node {
            grads.register::<B>(node.id, B::masked_dw(x, dy.clone(), shape));
        }
        if let Some(node) = x_node {
            grads.register::<B>(node.id, B::masked_dx(dy, weight, shape));
        }
    }
}

impl<B: Kernels + Gradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn masked(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: MaskedShape,
    ) -> FloatTensor<Self> {
        let forward = |[x, weight]: [FloatTensor<B>; 2]| (B::masked(x, weight, shape), shape);
        record::<B, C, _, _, 2, 2>(MaskedBackward, [x, weight], [0, 1], forward)
    }
}
