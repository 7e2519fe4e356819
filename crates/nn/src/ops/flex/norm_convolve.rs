//! A batch norm by the batch's statistics, its activation, and the convolution behind it, as one operation.
//!
//! The tape then keeps what the batch norm saw, and not also what it gave, which is as large: the backward pass makes that again from the
//! statistics, a pass over memory that costs far less than the convolution whose weight's gradient needs it.

use burn::backend::autodiff::{
    NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients as Grads,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;

use super::convolve::{self, Convolution};
use super::normalize::{self, Norm};
use super::retrieve;
use crate::ops::Normalized;

/// What the tape records.
#[backend_extension(Flex, Autodiff)]
trait Kernels: Backend {
    /// Output, mean, biased variance.
    fn normalize_convolve(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        norm: Norm,
        convolution: Convolution,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// Runs both on the tape, if there is one. The output is the convolution's.
pub(in crate::ops) fn normalize_convolve(
    [gamma, beta]: [Tensor<1>; 2],
    norm: Norm,
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    convolution: Convolution,
) -> Normalized {
    let bias = convolve::bias_or_zeros(&x, bias, &convolution);
    let [gamma, beta, bias] = [gamma, beta, bias].map(Tensor::into_dispatch);
    let [x, weight] = [x, weight].map(Tensor::into_dispatch);
    let (output, mean, variance) =
        Dispatch::normalize_convolve(x, gamma, beta, weight, bias, norm, convolution);
    Normalized {
        output: Tensor::from_dispatch(output),
        mean: Tensor::from_dispatch(mean),
        variance: Tensor::from_dispatch(variance),
    }
}

impl Kernels for Flex {
    fn normalize_convolve(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        norm: Norm,
        convolution: Convolution,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        use {convolve::Kernels as _, normalize::Kernels as _};
        let (x, mean, variance) = Self::normalize(x, gamma, beta, norm);
        (Self::convolve(x, weight, bias, convolution), mean, variance)
    }
}

#[derive(Debug)]
struct Reverse;

impl<B> Backward<B, 5> for Reverse
where
    B: Kernels + normalize::Gradients + normalize::OffTape + convolve::Gradients,
{
    /// Images, scale, shift and weight as the tape keeps them; the statistics that the forward pass found.
    type State = ([NodeId; 4], [FloatTensor<B>; 2], Norm, Convolution);

    fn backward(self, ops: Ops<Self::State, 5>, grads: &mut Grads, tape: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let [x_node, gamma_node, beta_node, weight_node, bias_node] = ops.parents;
        let (kept, [mean, variance], norm, convolution) = ops.state;
        let [x, gamma, beta, weight] = retrieve::<B, 4>(tape, kept);
        if let Some(node) = bias_node {
            grads.register::<B>(node.id, B::convolve_db(dy.clone()));
        }
        if let Some(node) = weight_node {
            let [x, gamma, beta] = [&x, &gamma, &beta].map(|tensor| tensor.clone());
            let normal = B::infer(x, gamma, beta, mean.clone(), variance.clone(), norm);
            grads.register::<B>(node.id, B::convolve_dw(normal, dy.clone(), convolution));
        }
        let nodes = [x_node, gamma_node, beta_node];
        if nodes.iter().any(Option::is_some) {
            let dy = B::convolve_dx(dy, weight, convolution);
            let gradients = B::normalize_backward(dy, [x, gamma, beta], [mean, variance], norm);
            for (node, gradient) in nodes.into_iter().zip(gradients) {
                if let Some(node) = node {
                    grads.register::<B>(node.id, gradient);
                }
            }
        }
    }
}

impl<B, C> Kernels for Autodiff<B, C>
where
    B: Kernels + normalize::Gradients + normalize::OffTape + convolve::Gradients,
    C: CheckpointStrategy,
{
    fn normalize_convolve(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        norm: Norm,
        convolution: Convolution,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let inputs = [x, gamma, beta, weight, bias];
        let nodes = inputs.each_ref().map(|input| input.node());
        let run = |inputs: [FloatTensor<Self>; 5]| {
            let [x, gamma, beta, weight, bias] = inputs.map(|input| input.into_primitive());
            B::normalize_convolve(x, gamma, beta, weight, bias, norm, convolution)
        };
        let prepared = Reverse.prepare::<C>(nodes).compute_bound().stateful();
        let (output, mean, variance) = match prepared {
            OpsKind::Tracked(mut prepared) => {
                let kept = [0, 1, 2, 3].map(|index| prepared.checkpoint(&inputs[index]));
                let (y, mean, variance) = run(inputs);
                let state = (kept, [mean.clone(), variance.clone()], norm, convolution);
                (prepared.finish(state, y), mean, variance)
            }
            OpsKind::UnTracked(prepared) => {
                let (y, mean, variance) = run(inputs);
                (prepared.finish(y), mean, variance)
            }
        };
        // The statistics leave the tape: they only feed the running ones.
        (
            output,
            FloatTensor::<Self>::new(mean),
            FloatTensor::<Self>::new(variance),
        )
    }
}
