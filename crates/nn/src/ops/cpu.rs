//! The kernels' operations on Burn's CPU tensors.

use burn::backend::{Flex, TensorMetadata, flex::FlexTensor};
use burn::tensor::TensorData;
use cavga_kernels::{activation, adam, batch_norm, conv};

use super::flex::{Convolution, Gradients, Kernels, Norm, OffTape};

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

impl Kernels for Flex {
    fn activate(x: FlexTensor, by: cavga_kernels::Activation) -> FlexTensor {
        let x = dense(x);
        let y = activation::forward(by, x.storage());
        FlexTensor::from_data(TensorData::new(y, x.shape()))
    }

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
    fn activate_dx(x: FlexTensor, dy: FlexTensor, by: cavga_kernels::Activation) -> FlexTensor {
        let (x, dy) = (dense(x), dense(dy));
        let dx = activation::backward(by, x.storage(), dy.storage());
        FlexTensor::from_data(TensorData::new(dx, x.shape()))
    }

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
