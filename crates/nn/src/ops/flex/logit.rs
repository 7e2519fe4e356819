//! What is made of logits.

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
use burn::tensor::{Shape, Tensor, TensorData};
use cavga_kernels::logit;

use super::{dense, fits, record, retrieve, tensor};

/// What the tape records.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Kernels: Backend {
    /// The sigmoid 1 / (1 + exp(−x)); Burn has that name.
    fn probability(x: FloatTensor<Self>) -> FloatTensor<Self>;
    /// The binary cross entropy of each image.
    fn cross_entropy(logits: FloatTensor<Self>, images: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// What the backward passes are made of.
trait Gradients: Backend {
    /// To the input of a sigmoid, `y` being the output.
    fn probability_dx(y: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self>;
    /// To the logits, given the gradient of each image's cross entropy.
    fn cross_entropy_dlogits(
        logits: FloatTensor<Self>,
        images: FloatTensor<Self>,
        gradients: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// A sigmoid on the tape, if there is one; None where the kernels can't.
pub(in crate::ops) fn sigmoid<const D: usize>(x: &Tensor<D>) -> Option<Tensor<D>> {
    fits(x).then(|| Tensor::from_dispatch(Dispatch::probability(x.clone().into_dispatch())))
}

/// Whether the kernels can take these.
pub(in crate::ops) fn can_cross_entropy(logits: &Tensor<4>, images: &Tensor<4>) -> bool {
    let filled = !logits.dims().contains(&0);
    fits(logits) && fits(images) && logits.dims() == images.dims() && filled
}

/// The binary cross entropy of each image, on the tape if there is one.
pub(in crate::ops) fn cross_entropy(logits: Tensor<4>, images: Tensor<4>) -> Tensor<1> {
    let (logits, images) = (logits.into_dispatch(), images.into_dispatch());
    Tensor::from_dispatch(Dispatch::cross_entropy(logits, images))
}

impl Kernels for Flex {
    fn probability(x: FlexTensor) -> FlexTensor {
        let x = dense(x);
        let y = logit::sigmoid(x.storage());
        FlexTensor::from_data(TensorData::new(y, x.shape()))
    }

    fn cross_entropy(logits: FlexTensor, images: FlexTensor) -> FlexTensor {
        let (logits, images) = (dense(logits), dense(images));
        let batch = logits.shape()[0];
        let len = logits.shape().num_elements() / batch;
        let sums = logit::cross_entropy(logits.storage(), images.storage(), len);
        tensor(sums, [batch])
    }
}

impl Gradients for Flex {
    fn probability_dx(y: FlexTensor, dy: FlexTensor) -> FlexTensor {
        let (y, mut dy) = (dense(y), dense(dy));
        logit::sigmoid_gradient(y.storage(), dy.storage_mut());
        dy
    }

    fn cross_entropy_dlogits(
        logits: FlexTensor,
        images: FlexTensor,
        gradients: FlexTensor,
    ) -> FlexTensor {
        let [logits, images, gradients] = [logits, images, gradients].map(dense);
        let (values, targets) = (logits.storage(), images.storage());
        let dl = logit::cross_entropy_gradient(values, targets, gradients.storage());
        FlexTensor::from_data(TensorData::new(dl, logits.shape()))
    }
}

#[derive(Debug)]
struct ProbabilityBackward;

impl<B: Kernels + Gradients> Backward<B, 1> for ProbabilityBackward {
    /// The output.
    type State = ([NodeId; 0], FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Grads, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (_, y) = ops.state;
        if let [Some(node)] = ops.parents {
            grads.register::<B>(node.id, B::probability_dx(y, dy));
        }
    }
}

#[derive(Debug)]
struct CrossEntropyBackward;

impl<B: Kernels + Gradients> Backward<B, 2> for CrossEntropyBackward {
    /// Logits and images, as the tape keeps them.
    type State = ([NodeId; 2], ());

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Grads, tape: &mut Checkpointer) {
        let gradients = grads.consume::<B>(&ops.node);
        let (kept, ()) = ops.state;
        let [logits, images] = retrieve::<B, 2>(tape, kept);
        let [logits_node, images_node] = ops.parents;
        if let Some(node) = images_node {
            // Images are seldom on the tape: plain operations will do. It is −logit times the image's.
            let batch = logits.shape()[0];
            let factors = B::float_reshape(gradients.clone(), Shape::new([batch, 1, 1, 1]));
            let dx = B::float_mul(B::float_neg(logits.clone()), factors);
            grads.register::<B>(node.id, dx);
        }
        if let Some(node) = logits_node {
            let dl = B::cross_entropy_dlogits(logits, images, gradients);
            grads.register::<B>(node.id, dl);
        }
    }
}

impl<B: Kernels + Gradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn probability(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let forward = |[x]: [FloatTensor<B>; 1]| {
            let y = B::probability(x);
            (y.clone(), y)
        };
        record::<B, C, _, _, 1, 0>(ProbabilityBackward, [x], [], forward)
    }

    fn cross_entropy(logits: FloatTensor<Self>, images: FloatTensor<Self>) -> FloatTensor<Self> {
        let forward =
            |[logits, images]: [FloatTensor<B>; 2]| (B::cross_entropy(logits, images), ());
        record::<B, C, _, _, 2, 2>(CrossEntropyBackward, [logits, images], [0, 1], forward)
    }
}
