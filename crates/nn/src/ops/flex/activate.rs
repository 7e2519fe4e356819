//! Activations where no batch norm stands before them to be fused with, and ReLU of a sum.

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
use cavga_kernels::activation;

use super::{dense, fits, record};
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
    /// To the input of an activation, or either addend of ReLU(a + b), `y` being the output.
    fn activate_dx(
        y: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        by: cavga_kernels::Activation,
    ) -> FloatTensor<Self>;
}

impl From<Activation> for cavga_kernels::Activation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Identity => Self::Identity,
            Activation::Relu => Self::Relu,
            Activation::Relu6 => Self::Relu6,
            Activation::LeakyRelu(slope) => Self::LeakyRelu(slope as f32),
        }
    }
}

/// Whether the kernels can do it: their gradient reads the output, which tells nothing after a negative slope.
pub(in crate::ops) fn can_activate<const D: usize>(x: &Tensor<D>, by: Activation) -> bool {
    fits(x) && !matches!(by, Activation::LeakyRelu(slope) if slope < 0.0)
}

/// Runs an activation on the tape, if there is one.
pub(in crate::ops) fn activate<const D: usize>(x: Tensor<D>, by: Activation) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::activate(x.into_dispatch(), by.into()))
}

/// Whether the kernels can add these.
pub(in crate::ops) fn can_add_relu(a: &Tensor<4>, b: &Tensor<4>) -> bool {
    fits(a) && fits(b) && a.dims() == b.dims()
}

/// ReLU(a + b), on the tape if there is one.
pub(in crate::ops) fn add_relu(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::add_relu(a.into_dispatch(), b.into_dispatch()))
}

// In place, unless someone else holds the tensor.
impl Kernels for Flex {
    fn activate(x: FlexTensor, by: cavga_kernels::Activation) -> FlexTensor {
        let mut x = dense(x);
        activation::apply(by, x.storage_mut());
        x
    }

    fn add_relu(a: FlexTensor, b: FlexTensor) -> FlexTensor {
        let (mut a, b) = (dense(a), dense(b));
        activation::add_relu(a.storage_mut(), b.storage());
        a
    }
}

impl Gradients for Flex {
    fn activate_dx(y: FlexTensor, dy: FlexTensor, by: cavga_kernels::Activation) -> FlexTensor {
        let (y, mut dy) = (dense(y), dense(dy));
        activation::gradient(by, y.storage(), dy.storage_mut());
        dy
    }
}

/// Of an activation of one tensor, or of the sum of two.
#[derive(Debug)]
struct ActivateBackward;

impl<B: Kernels + Gradients, const N: usize> Backward<B, N> for ActivateBackward {
    /// The output: unlike the input, it is kept anyway by what comes next.
    type State = ([NodeId; 0], (FloatTensor<B>, cavga_kernels::Activation));

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Grads, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (_, (y, by)) = ops.state;
        let dx = B::activate_dx(y, dy, by);
        // One gradient for both: whoever adds to it later makes a copy.
        for node in ops.parents.into_iter().flatten() {
            grads.register::<B>(node.id, dx.clone());
        }
    }
}

impl<B: Kernels + Gradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn activate(x: FloatTensor<Self>, by: cavga_kernels::Activation) -> FloatTensor<Self> {
        let forward = |[x]: [FloatTensor<B>; 1]| {
            let y = B::activate(x, by);
            (y.clone(), (y, by))
        };
        record::<B, C, _, _, 1, 0>(ActivateBackward, [x], [], forward)
    }

    fn add_relu(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let forward = |[a, b]: [FloatTensor<B>; 2]| {
            let y = B::add_relu(a, b);
            (y.clone(), (y, cavga_kernels::Activation::Relu))
        };
        record::<B, C, _, _, 2, 0>(ActivateBackward, [a, b], [], forward)
    }
}
