//! Backward passes of the kernels.

use burn::backend::Autodiff;
use burn::backend::autodiff::{
    NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients as Grads,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::tensor::FloatTensor;

use super::flex::{Convolution, Gradients, Kernels, Norm};

#[derive(Debug)]
struct ConvolveBackward;

impl<B: Kernels + Gradients> Backward<B, 3> for ConvolveBackward {
    /// Images and weight, as the tape keeps them.
    type State = (NodeId, NodeId, Convolution);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Grads,
        checkpointer: &mut Checkpointer,
    ) {
        let dy = grads.consume::<B>(&ops.node);
        let [x_node, weight_node, bias_node] = ops.parents;
        let (x, weight, convolution) = ops.state;
        let x = checkpointer.retrieve_node_output::<FloatTensor<B>>(x);
        let weight = checkpointer.retrieve_node_output::<FloatTensor<B>>(weight);
        if let Some(node) = bias_node {
            grads.register::<B>(node.id, B::convolve_db(dy.clone()));
        }
        if let Some(node) = weight_node {
            grads.register::<B>(node.id, B::convolve_dw(x, dy.clone(), convolution));
        }
        if let Some(node) = x_node {
            grads.register::<B>(node.id, B::convolve_dx(dy, weight, convolution));
        }
    }
}

#[derive(Debug)]
struct NormalizeBackward;

impl<B: Kernels + Gradients> Backward<B, 3> for NormalizeBackward {
    /// Images, scale and shift as the tape keeps them; the statistics that the forward pass found.
    type State = ([NodeId; 3], [FloatTensor<B>; 2], Norm);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Grads,
        checkpointer: &mut Checkpointer,
    ) {
        let dy = grads.consume::<B>(&ops.node);
        let (inputs, statistics, norm) = ops.state;
        let inputs = inputs.map(|node| checkpointer.retrieve_node_output::<FloatTensor<B>>(node));
        let gradients = B::normalize_backward(dy, inputs, statistics, norm);
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct ActivateBackward;

impl<B: Kernels + Gradients> Backward<B, 1> for ActivateBackward {
    /// The input, as the tape keeps it.
    type State = (NodeId, cavga_kernels::Activation);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Grads,
        checkpointer: &mut Checkpointer,
    ) {
        let dy = grads.consume::<B>(&ops.node);
        let (x, by) = ops.state;
        let x = checkpointer.retrieve_node_output::<FloatTensor<B>>(x);
        if let [Some(node)] = ops.parents {
            grads.register::<B>(node.id, B::activate_dx(x, dy, by));
        }
    }
}

impl<B: Kernels + Gradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn activate(x: FloatTensor<Self>, by: cavga_kernels::Activation) -> FloatTensor<Self> {
        let prepared = ActivateBackward
            .prepare::<C>([x.node()])
            .compute_bound()
            .stateful();
        match prepared {
            OpsKind::Tracked(mut prepared) => {
                let kept = prepared.checkpoint(&x);
                prepared.finish((kept, by), B::activate(x.into_primitive(), by))
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::activate(x.into_primitive(), by)),
        }
    }

    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let prepared = ConvolveBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful();
        match prepared {
            OpsKind::Tracked(mut prepared) => {
                let kept = (prepared.checkpoint(&x), prepared.checkpoint(&weight));
                let [x, weight, bias] = [x, weight, bias].map(|tensor| tensor.into_primitive());
                let y = B::convolve(x, weight, bias, convolution);
                prepared.finish((kept.0, kept.1, convolution), y)
            }
            OpsKind::UnTracked(prepared) => {
                let [x, weight, bias] = [x, weight, bias].map(|tensor| tensor.into_primitive());
                prepared.finish(B::convolve(x, weight, bias, convolution))
            }
        }
    }

    fn normalize(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        norm: Norm,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [x.node(), gamma.node(), beta.node()];
        let prepared = NormalizeBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful();
        let (output, mean, variance) = match prepared {
            OpsKind::Tracked(mut prepared) => {
                let kept = [&x, &gamma, &beta].map(|tensor| prepared.checkpoint(tensor));
                let [x, gamma, beta] = [x, gamma, beta].map(|tensor| tensor.into_primitive());
                let (y, mean, variance) = B::normalize(x, gamma, beta, norm);
                let state = (kept, [mean.clone(), variance.clone()], norm);
                (prepared.finish(state, y), mean, variance)
            }
            OpsKind::UnTracked(prepared) => {
                let [x, gamma, beta] = [x, gamma, beta].map(|tensor| tensor.into_primitive());
                let (y, mean, variance) = B::normalize(x, gamma, beta, norm);
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
