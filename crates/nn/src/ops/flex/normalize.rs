//! Batch norm with the activation behind it.

use burn::backend::autodiff::{
    NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients as Grads,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{
    Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension, flex::FlexTensor,
    tensor::FloatTensor,
};
use burn::tensor::{Tensor, TensorData};
use cavga_kernels::batch_norm;

use super::{dense, fits, planes, retrieve, tensor};
use crate::ops::{Activation, Normalized};

/// What the tape records.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Kernels: Backend {
    /// Batch norm by the batch's statistics, then an activation: output, mean, biased variance.
    fn normalize(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        norm: Norm,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// What the backward pass is made of.
pub(super) trait Gradients: Backend {
    /// To the images, the scale and the shift, given the images, the scale, the shift, and their mean and variance.
    fn normalize_backward(
        dy: FloatTensor<Self>,
        inputs: [FloatTensor<Self>; 3],
        statistics: [FloatTensor<Self>; 2],
        norm: Norm,
    ) -> [FloatTensor<Self>; 3];
}

/// What is never recorded.
#[backend_extension(Flex)]
pub(super) trait OffTape: Backend {
    /// Batch norm by given statistics, then an activation.
    fn infer(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        norm: Norm,
    ) -> FloatTensor<Self>;
}

/// A batch norm's numbers.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct Norm {
    epsilon: f32,
    activation: cavga_kernels::Activation,
}

impl Norm {
    /// A batch norm, if the kernels can do it.
    pub(in crate::ops) fn of(
        x: &Tensor<4>,
        parameters: [&Tensor<1>; 2],
        epsilon: f64,
        activation: Activation,
    ) -> Option<Self> {
        let [batch, channels, height, width] = x.dims();
        let all = batch * channels * height * width > 0
            && parameters
                .into_iter()
                .all(|p| fits(p) && p.dims() == [channels]);
        (all && fits(x)).then_some(Self {
            epsilon: epsilon as f32,
            activation: activation.into(),
        })
    }

    fn layer<'a>(&self, gamma: &'a FlexTensor, beta: &'a FlexTensor) -> batch_norm::Layer<'a> {
        batch_norm::Layer {
            gamma: gamma.storage(),
            beta: beta.storage(),
            epsilon: self.epsilon,
            activation: self.activation,
        }
    }
}

/// Runs a batch norm on the tape, if there is one.
pub(in crate::ops) fn normalize(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    norm: Norm,
) -> Normalized {
    let [x, gamma, beta] = [
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
    ];
    let (output, mean, variance) = Dispatch::normalize(x, gamma, beta, norm);
    Normalized {
        output: Tensor::from_dispatch(output),
        mean: Tensor::from_dispatch(mean),
        variance: Tensor::from_dispatch(variance),
    }
}

/// Runs a batch norm by given statistics; None where the kernels can't, or where a tape may listen.
pub(in crate::ops) fn infer(
    x: &Tensor<4>,
    parameters: &[Tensor<1>; 4],
    epsilon: f64,
    activation: Activation,
) -> Option<Tensor<4>> {
    let [gamma, beta, mean, variance] = parameters;
    let norm = Norm::of(x, [gamma, beta], epsilon, activation)?;
    Norm::of(x, [mean, variance], epsilon, activation)?;
    if x.is_autodiff() || parameters.iter().any(Tensor::is_autodiff) {
        return None;
    }
    let [gamma, beta, mean, variance] =
        [gamma, beta, mean, variance].map(|tensor| tensor.clone().into_dispatch());
    let x = x.clone().into_dispatch();
    let y = Dispatch::infer(x, gamma, beta, mean, variance, norm);
    Some(Tensor::from_dispatch(y))
}

impl Kernels for Flex {
    fn normalize(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        norm: Norm,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (x, gamma, beta) = (dense(x), dense(gamma), dense(beta));
        let shape = planes(&x);
        let out = batch_norm::train(shape, x.storage(), &norm.layer(&gamma, &beta));
        let y = FlexTensor::from_data(TensorData::new(out.y, x.shape()));
        let [mean, variance] = [out.mean, out.variance].map(|values| tensor(values, [shape[1]]));
        (y, mean, variance)
    }
}

impl Gradients for Flex {
    fn normalize_backward(
        dy: FlexTensor,
        inputs: [FlexTensor; 3],
        statistics: [FlexTensor; 2],
        norm: Norm,
    ) -> [FlexTensor; 3] {
        let dy = dense(dy);
        let [x, gamma, beta] = inputs.map(dense);
        let [mean, variance] = statistics.map(dense);
        let shape = planes(&x);
        let out = batch_norm::backward(
            shape,
            x.storage(),
            dy.storage(),
            &norm.layer(&gamma, &beta),
            mean.storage(),
            variance.storage(),
        );
        let dx = FlexTensor::from_data(TensorData::new(out.dx, x.shape()));
        let [dgamma, dbeta] = [out.dgamma, out.dbeta].map(|values| tensor(values, [shape[1]]));
        [dx, dgamma, dbeta]
    }
}

impl OffTape for Flex {
    fn infer(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        norm: Norm,
    ) -> FlexTensor {
        let (x, gamma, beta) = (dense(x), dense(gamma), dense(beta));
        let (mean, variance) = (dense(mean), dense(variance));
        let layer = norm.layer(&gamma, &beta);
        let (mean, variance) = (mean.storage(), variance.storage());
        let y = batch_norm::infer(planes(&x), x.storage(), &layer, mean, variance);
        FlexTensor::from_data(TensorData::new(y, x.shape()))
    }
}

#[derive(Debug)]
struct NormalizeBackward;

impl<B: Kernels + Gradients> Backward<B, 3> for NormalizeBackward {
    /// Images, scale and shift as the tape keeps them; the statistics that the forward pass found.
    type State = ([NodeId; 3], [FloatTensor<B>; 2], Norm);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Grads, tape: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (kept, statistics, norm) = ops.state;
        let inputs = retrieve::<B, 3>(tape, kept);
        let gradients = B::normalize_backward(dy, inputs, statistics, norm);
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: Kernels + Gradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
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
