//! Convolution and transposed convolution.

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
use cavga_kernels::{ConvShape, conv};

use super::{dense, fits, planes, record, retrieve, tensor};
use crate::ops::Window;

/// What the tape records.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Kernels: Backend {
    /// A convolution or transposed convolution, with a bias (Burn's macro takes no optional tensors).
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self>;
}

/// What the backward pass is made of.
pub(super) trait Gradients: Backend {
    /// To the images.
    fn convolve_dx(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self>;
    /// To the weight.
    fn convolve_dw(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self>;
    /// To the bias.
    fn convolve_db(dy: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// A convolution's numbers.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct Convolution {
    shape: ConvShape,
    /// Whether it is the transposed one: then `shape` is that of the convolution it is the input gradient of.
    transposed: bool,
}

/// A window as the kernels see it.
pub(crate) fn geometry(window: Window) -> conv::Geometry {
    conv::Geometry {
        stride: [window.stride; 2],
        padding: window.padding,
        behind: window.behind,
        dilation: [window.dilation; 2],
        groups: window.groups,
    }
}

impl Convolution {
    /// A convolution, if the kernels can do it.
    pub(in crate::ops) fn of(x: &Tensor<4>, weight: &Tensor<4>, window: Window) -> Option<Self> {
        if !(fits(x) && fits(weight)) {
            return None;
        }
        let shape = ConvShape::new(x.dims(), weight.dims(), geometry(window)).ok()?;
        Some(Self {
            shape,
            transposed: false,
        })
    }

    /// A transposed convolution, if the kernels can do it.
    pub(in crate::ops) fn transposed(
        x: &Tensor<4>,
        weight: &Tensor<4>,
        window: Window,
    ) -> Option<Self> {
        if !(fits(x) && fits(weight)) {
            return None;
        }
        let geometry = geometry(Window {
            behind: [0; 2],
            ..window
        });
        let more = window.behind;
        let shape = ConvShape::transposed(x.dims(), weight.dims(), more, geometry).ok()?;
        Some(Self {
            shape,
            transposed: true,
        })
    }

    fn input_shape(&self) -> [usize; 4] {
        match self.transposed {
            false => self.shape.input_shape(),
            true => self.shape.output_shape(),
        }
    }

    fn output_shape(&self) -> [usize; 4] {
        match self.transposed {
            false => self.shape.output_shape(),
            true => self.shape.input_shape(),
        }
    }
}

/// The bias, or zeros off the tape: nobody asks for their gradient.
pub(super) fn bias_or_zeros(
    x: &Tensor<4>,
    bias: Option<Tensor<1>>,
    convolution: &Convolution,
) -> Tensor<1> {
    let channels = convolution.output_shape()[1];
    bias.unwrap_or_else(|| Tensor::zeros([channels], &x.device().without_autodiff()))
}

/// Runs a convolution on the tape, if there is one.
pub(in crate::ops) fn convolve(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    convolution: Convolution,
) -> Tensor<4> {
    let bias = bias_or_zeros(&x, bias, &convolution);
    Tensor::from_dispatch(Dispatch::convolve(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        convolution,
    ))
}

impl Kernels for Flex {
    fn convolve(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        convolution: Convolution,
    ) -> FlexTensor {
        let (x, weight, bias) = (dense(x), dense(weight), dense(bias));
        let kernel = match convolution.transposed {
            false => conv::forward,
            true => conv::input_gradient,
        };
        let (x, weight, bias) = (x.storage(), weight.storage(), bias.storage());
        let y = kernel(&convolution.shape, x, weight, Some(bias));
        tensor(y, convolution.output_shape())
    }
}

impl Gradients for Flex {
    fn convolve_dx(dy: FlexTensor, weight: FlexTensor, convolution: Convolution) -> FlexTensor {
        let (dy, weight) = (dense(dy), dense(weight));
        let kernel = match convolution.transposed {
            false => conv::input_gradient,
            true => conv::forward,
        };
        let dx = kernel(&convolution.shape, dy.storage(), weight.storage(), None);
        tensor(dx, convolution.input_shape())
    }

    fn convolve_dw(x: FlexTensor, dy: FlexTensor, convolution: Convolution) -> FlexTensor {
        let (x, dy) = (dense(x), dense(dy));
        let (images, gradient) = match convolution.transposed {
            false => (x.storage(), dy.storage()),
            true => (dy.storage(), x.storage()),
        };
        let dw = conv::weight_gradient(&convolution.shape, images, gradient);
        tensor(dw, convolution.shape.weight_shape())
    }

    fn convolve_db(dy: FlexTensor) -> FlexTensor {
        let dy = dense(dy);
        let [batch, channels, pixels] = planes(&dy);
        let db = conv::bias_gradient(dy.storage(), batch, channels, pixels);
        tensor(db, [channels])
    }
}

#[derive(Debug)]
struct ConvolveBackward;

impl<B: Kernels + Gradients> Backward<B, 3> for ConvolveBackward {
    /// Images and weight, as the tape keeps them.
    type State = ([NodeId; 2], Convolution);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Grads, tape: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let [x_node, weight_node, bias_node] = ops.parents;
        let (kept, convolution) = ops.state;
        let [x, weight] = retrieve::<B, 2>(tape, kept);
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

impl<B: Kernels + Gradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self> {
        let forward = |[x, weight, bias]: [FloatTensor<B>; 3]| {
            (B::convolve(x, weight, bias, convolution), convolution)
        };
        record::<B, C, _, _, 3, 2>(ConvolveBackward, [x, weight, bias], [0, 1], forward)
    }
}
