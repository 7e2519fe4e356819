//! Activations where no batch norm stands before them to be fused with, and ReLU of a sum.

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
    /// ReLU(a + b).
    fn add_relu(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// What the backward passes are made of.
trait Gradients: Backend {
    /// To the input.
    fn activate_dx(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        by: cavga_kernels::Activation,
    ) -> FloatTensor<Self>;
    /// To either addend, `y` being the output.
    fn add_relu_dx(y: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self>;
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

/// Whether the kernels can add these.
pub(in crate::ops) fn can_add_relu(a: &Tensor<4>, b: &Tensor<4>) -> bool {
    fits(a) && fits(b) && a.dims() == b.dims()
}

/// ReLU(a + b), on the tape if there is one.
pub(in crate::ops) fn add_relu(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::add_relu(a.into_dispatch(), b.into_dispatch()))
}

impl Kernels for Flex {
    fn activate(x: FlexTensor, by: cavga_kernels::Activation) -> FlexTensor {
        let x = dense(x);
        let y = activation::forward(by, x.storage());
        FlexTensor::from_data(TensorData::new(y, x.shape()))
    }

    fn add_relu(a: FlexTensor, b: FlexTensor) -> FlexTensor {
        let (mut a, b) = (dense(a), dense(b));
        // In place unless someone else holds `a`.
        activation::add_relu(a.storage_mut(), b.storage());
        a
    }
}

impl Gradients for Flex {
    fn activate_dx(x: FlexTensor, dy: FlexTensor, by: cavga_kernels::Activation) -> FlexTensor {
        let (x, dy) = (dense(x), dense(dy));
        let dx = activation::backward(by, x.storage(), dy.storage());
        FlexTensor::from_data(TensorData::new(dx, x.shape()))
    }

    fn add_relu_dx(y: FlexTensor, dy: FlexTensor) -> FlexTensor {
        let (y, mut dy) = (dense(y), dense(dy));
        activation::add_relu_gradient(dy.storage_mut(), y.storage());
        dy
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

#[derive(Debug)]
struct AddReluBackward;

impl<B: Kernels + Gradients> Backward<B, 2> for AddReluBackward {
    /// The output.
    type State = ([NodeId; 0], FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Grads, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (_, y) = ops.state;
        let dx = B::add_relu_dx(y, dy);
        // One gradient for both: whoever adds to it later makes a copy.
        for node in ops.parents.into_iter().flatten() {
            grads.register::<B>(node.id, dx.clone());
        }
    }
}

impl<B: Kernels + Gradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn activate(x: FloatTensor<Self>, by: cavga_kernels::Activation) -> FloatTensor<Self> {
        let forward = |[x]: [FloatTensor<B>; 1]| (B::activate(x, by), by);
        record::<B, C, _, _, 1, 1>(ActivateBackward, [x], [0], forward)
    }

    fn add_relu(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let forward = |[a, b]: [FloatTensor<B>; 2]| {
            let y = B::add_relu(a, b);
            (y.clone(), y)
        };
        record::<B, C, _, _, 2, 0>(AddReluBackward, [a, b], [], forward)
    }
}
