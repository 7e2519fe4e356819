//! The kernels as operations of Burn's CPU backend, a file per family. Each says what the tape records, what its backward
//! pass is made of, what is never recorded, who may use it, and then gives the bodies.

mod activate;
mod adam;
mod convolve;
mod logit;
mod masked;
mod norm_convolve;
mod normalize;
mod pool;
mod resize;
mod upsample;

pub(super) use activate::{activate, add_relu, can_activate, can_add_relu};
pub(super) use adam::{adam_step, can_step};
pub(crate) use convolve::geometry;
pub(super) use convolve::{Convolution, convolve};
pub(super) use logit::{can_cross_entropy, cross_entropy, sigmoid};
pub(super) use masked::masked;
pub(super) use norm_convolve::normalize_convolve;
pub(super) use normalize::{Norm, infer, normalize};
pub(super) use pool::max_pool;
pub(super) use resize::resize;
pub(super) use upsample::{add_upsampled, can_add_upsampled, fold};

use std::fmt::Debug;

use burn::backend::autodiff::{
    NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    ops::{Backward, OpsKind},
};
use burn::backend::{Autodiff, Backend, TensorMetadata, flex::FlexTensor, tensor::FloatTensor};
use burn::tensor::{DType, Device, Tensor, TensorData};

/// Whether the kernels can take this tensor.
fn fits<const D: usize>(x: &Tensor<D>) -> bool {
    #[cfg(test)]
    if super::tests::PLAIN.get() {
        return false;
    }
    x.dtype() == DType::F32 && x.device() == Device::flex()
}

/// A tensor whose storage is exactly its elements, in order.
fn dense(x: FlexTensor) -> FlexTensor {
    x.to_contiguous()
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// `[batch, channels, pixels]`
fn planes(x: &FlexTensor) -> [usize; 3] {
    let shape = x.shape();
    [shape[0], shape[1], shape[2] * shape[3]]
}

/// `[batch, channels, height, width]` with another height and width.
fn resized(x: &FlexTensor, [height, width]: [usize; 2]) -> [usize; 4] {
    let shape = x.shape();
    [shape[0], shape[1], height, width]
}

/// Runs an operation and records it, if one of its inputs is on the tape. `kept`: which inputs the backward pass needs;
/// `forward` gives the output, and what else the backward pass needs.
fn record<B, C, W, S, const N: usize, const K: usize>(
    backward: W,
    inputs: [FloatTensor<Autodiff<B, C>>; N],
    kept: [usize; K],
    forward: impl FnOnce([FloatTensor<B>; N]) -> (FloatTensor<B>, S),
) -> FloatTensor<Autodiff<B, C>>
where
    B: Backend,
    C: CheckpointStrategy,
    W: Backward<B, N, State = ([NodeId; K], S)>,
    S: Clone + Debug + Send + 'static,
{
    let nodes = inputs.each_ref().map(|input| input.node());
    let prepared = backward.prepare::<C>(nodes).compute_bound().stateful();
    match prepared {
        OpsKind::Tracked(mut prepared) => {
            let kept = kept.map(|index| prepared.checkpoint(&inputs[index]));
            let (output, state) = forward(inputs.map(|input| input.into_primitive()));
            prepared.finish((kept, state), output)
        }
        OpsKind::UnTracked(prepared) => {
            let (output, _) = forward(inputs.map(|input| input.into_primitive()));
            prepared.finish(output)
        }
    }
}

/// The inputs that [`record`] kept.
fn retrieve<B: Backend, const K: usize>(
    tape: &mut Checkpointer,
    kept: [NodeId; K],
) -> [FloatTensor<B>; K] {
    kept.map(|node| tape.retrieve_node_output::<FloatTensor<B>>(node))
}
