//! Activations where no batch norm stands before them to be fused with.

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
use burn::tensor::{Tensor, TensorData};
use cavga_kernels::activation;

use super::{dense, fits, record, retrieve};
use crate::ops::Activation;

/// What the tape records.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Kernels: Backend {
    /// An activation.
    fn activate(x: FloatTensor<Self>, by: cavga_kernels::Activation) -> FloatTensor<Self>;
}

/// What the backward pass is made of.
trait Gradients: Backend {
    /// To the input.
    fn activate_dx(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        by: cavga_kernels::Activation,
    ) -> FloatTensor<Self>;
}

impl From<Activation> for cavga_kernels::Activation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Identity => Self::Identity,
            Activation::Relu => Self::Relu,
            Activation::LeakyRelu(slope) => Self::LeakyRelu(slope as f32),
        }
    }
}

/// Runs an activation on the tape, if there is one; None where the kernels can't.
pub(in crate::ops) fn activate<const D: usize>(x: &Tensor<D>, by: Activation) -> Option<Tensor<D>> {
    fits(x).then(|| {
        let x = x.clone().into_dispatch();
        Tensor::from_dispatch(Dispatch::activate(x, by.into()))
    })
}

impl Kernels for Flex {
    fn activate(x: FlexTensor, by: cavga_kernels::Activation) -> FlexTensor {
        let x = dense(x);
        let y = activation::forward(by, x.storage());
        FlexTensor::from_data(TensorData::new(y, x.shape()))
    }
}

impl Gradients for Flex {
    fn activate_dx(x: FlexTensor, dy: FlexTensor, by: cavga_kernels::Activation) -> FlexTensor {
        let (x, dy) = (dense(x), dense(dy));
        let dx = activation::backward(by, x.storage(), dy.storage());
        FlexTensor::from_data(TensorData::new(dx, x.shape()))
    }
}

#[derive(Debug)]
struct ActivateBackward;

impl<B: Kernels + Gradients> Backward<B, 1> for ActivateBackward {
    /// The input, as the tape keeps it.
    type State = ([NodeId; 1], cavga_kernels::Activation);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Grads, tape: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (kept, by) = ops.state;
        let [x] = retrieve::<B, 1>(tape, kept);
        if let [Some(node)] = ops.parents {
            grads.register::<B>(node.id, B::activate_dx(x, dy, by));
        }
    }
}

impl<B: Kernels + Gradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn activate(x: FloatTensor<Self>, by: cavga_kernels::Activation) -> FloatTensor<Self> {
        let forward = |[x]: [FloatTensor<B>; 1]| (B::activate(x, by), by);
        record::<B, C, _, _, 1, 1>(ActivateBackward, [x], [0], forward)
    }
}
