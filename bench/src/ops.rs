//! The kernels, called directly: no tensors, no graph.

use std::hint::black_box;

use cavga_kernels::{
    Activation, ConvShape, adam as kernel,
    batch_norm::{self, Layer},
    conv::{self, Geometry},
};
use serde::Deserialize;

use crate::{
    Result,
    cases::Work,
    pattern::{centred, values},
};

/// Which of a convolution's kernels.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ConvPart {
    /// The output.
    Forward,
    /// The gradient to the images.
    Dx,
    /// The gradient to the weight.
    Dw,
}

/// A convolution or transposed convolution of square images, without bias.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Convolution {
    part: ConvPart,
    transposed: bool,
    /// In and out.
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
    /// Height and width of the images that go in.
    size: usize,
    batch: usize,
}

/// One of a convolution's kernels on fixed numbers.
pub(crate) fn convolution(case: &Convolution) -> Result<Work> {
    let [input, output] = case.channels;
    let images = [case.batch, input, case.size, case.size];
    let geometry = Geometry {
        stride: [case.stride; 2],
        padding: [case.padding; 2],
        ..Geometry::default()
    };
    let kernel = [case.kernel; 2];
    let shape = if case.transposed {
        let weight = [input, output, kernel[0], kernel[1]];
        ConvShape::transposed(images, weight, [0, 0], geometry)?
    } else {
        ConvShape::new(images, [output, input, kernel[0], kernel[1]], geometry)?
    };
    let (large, small) = (centred(shape.input_len()), centred(shape.output_len()));
    let weight = centred(shape.weight_len());
    // A transposed convolution's forward is the other's input gradient, and so on: `ConvShape::transposed` says why. Its weight gradient
    // is the same call, with images and gradient in each other's place.
    Ok(match (case.part, case.transposed) {
        (ConvPart::Forward, false) | (ConvPart::Dx, true) => work(move || {
            black_box(conv::forward(&shape, &large, &weight, None));
        }),
        (ConvPart::Dx, false) | (ConvPart::Forward, true) => work(move || {
            black_box(conv::input_gradient(&shape, &small, &weight, None));
        }),
        (ConvPart::Dw, _) => work(move || {
            black_box(conv::weight_gradient(&shape, &large, &small));
        }),
    })
}

fn work(mut once: impl FnMut() + 'static) -> Work {
    Box::new(move || {
        once();
        Ok(())
    })
}

/// Which of batch norm's kernels.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NormPart {
    /// Statistics, normalisation, activation.
    Forward,
    /// All gradients.
    Backward,
}

/// Batch norm by the batch's statistics and LeakyReLU 0.2, on square images.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Norm {
    part: NormPart,
    channels: usize,
    size: usize,
    batch: usize,
}

/// One of batch norm's kernels on fixed numbers.
pub(crate) fn norm(case: &Norm) -> Work {
    let shape = [case.batch, case.channels, case.size * case.size];
    let count = shape.iter().product();
    let (x, dy) = (values(count), centred(count));
    let (gamma, beta) = (vec![1.0; case.channels], vec![0.0; case.channels]);
    let part = case.part;
    let first = batch_norm::train(shape, &x, &leaky(&gamma, &beta));
    work(move || {
        let layer = leaky(&gamma, &beta);
        match part {
            NormPart::Forward => drop(black_box(batch_norm::train(shape, &x, &layer))),
            NormPart::Backward => {
                let (mean, variance) = (&first.mean, &first.variance);
                drop(black_box(batch_norm::backward(
                    shape, &x, &dy, &layer, mean, variance,
                )));
            }
        }
    })
}

fn leaky<'a>(gamma: &'a [f32], beta: &'a [f32]) -> Layer<'a> {
    Layer {
        gamma,
        beta,
        epsilon: 1e-5,
        activation: Activation::LeakyRelu(0.2),
    }
}

/// A step of Adam.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Adam {
    parameters: usize,
}

/// Adam on one tensor.
pub(crate) fn adam(case: &Adam) -> Work {
    let config = kernel::Adam {
        learning_rate: 1e-4,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
    };
    let gradient = centred(case.parameters);
    let mut weight = centred(case.parameters);
    let (mut mean, mut square) = (vec![0.0; case.parameters], vec![0.0; case.parameters]);
    let mut step = 0;
    work(move || {
        step += 1;
        kernel::step(
            &config,
            step,
            &mut weight,
            &gradient,
            &mut mean,
            &mut square,
        );
    })
}
