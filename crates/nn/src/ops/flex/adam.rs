//! Adam.

use burn::backend::{
    Backend, Dispatch, Flex, backend_extension, flex::FlexTensor, tensor::FloatTensor,
};
use burn::tensor::Tensor;
use cavga_kernels::adam;

use super::{dense, fits};
use crate::adam::AdamConfig;

/// What is never recorded.
#[backend_extension(Flex)]
trait OffTape: Backend {
    /// Weight, mean and mean square after a step along `gradient`.
    fn adam(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        step: u64,
        settings: adam::Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// Whether the kernels can step these tensors, all of one size.
pub(in crate::ops) fn can_step(tensors: &[Tensor<1>; 4]) -> bool {
    let len = tensors[0].dims();
    tensors
        .iter()
        .all(|tensor| fits(tensor) && tensor.dims() == len)
}

/// One step of Adam in one pass over memory: weight, mean and mean square.
pub(in crate::ops) fn adam_step(
    tensors: [Tensor<1>; 4],
    steps: u64,
    config: &AdamConfig,
) -> [Tensor<1>; 3] {
    let settings = adam::Adam {
        learning_rate: config.rate,
        beta_1: config.beta_1,
        beta_2: config.beta_2,
        epsilon: config.epsilon,
        weight_decay: 0.0,
    };
    let [weight, gradient, mean, square] =
        tensors.map(|tensor| tensor.without_autodiff().into_dispatch());
    let (weight, mean, square) = Dispatch::adam(weight, gradient, mean, square, steps, settings);
    [weight, mean, square].map(Tensor::from_dispatch)
}

impl OffTape for Flex {
    fn adam(
        weight: FlexTensor,
        gradient: FlexTensor,
        mean: FlexTensor,
        square: FlexTensor,
        step: u64,
        settings: adam::Adam,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (mut weight, gradient) = (dense(weight), dense(gradient));
        let (mut mean, mut square) = (dense(mean), dense(square));
        adam::step(
            &settings,
            step,
            weight.storage_mut(),
            gradient.storage(),
            mean.storage_mut(),
            square.storage_mut(),
        );
        (weight, mean, square)
    }
}
