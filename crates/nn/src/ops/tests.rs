//! The kernels against Burn's own operations, through the tape.

mod logit;
mod masked;
mod pool;
mod resize;
mod upsample;

use std::cell::Cell;

use burn::tensor::{Device, Gradients, Tensor, TensorData};

use super::*;

thread_local! {
    /// Burn's own operations instead of the kernels, on this thread.
    pub(super) static PLAIN: Cell<bool> = const { Cell::new(false) };
}

fn plainly<R>(work: impl FnOnce() -> R) -> R {
    PLAIN.set(true);
    let result = work();
    PLAIN.set(false);
    result
}

/// The devices of a tape, keeping everything or recomputing.
fn tapes() -> [Device; 2] {
    let tape = Device::flex().autodiff();
    [tape.clone(), tape.gradient_checkpointing()]
}

/// Numbers in [-1, 1) from a seed.
fn noise<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    let mut noise = cavga_kernels::reference::Noise::new(seed);
    let data = TensorData::new(noise.floats(shape.iter().product()), shape);
    Tensor::from_data(data, device)
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}

fn assert_same(ours: &[Vec<f32>], plain: &[Vec<f32>], tolerance: f32, what: &str) {
    for (i, (ours, plain)) in ours.iter().zip(plain).enumerate() {
        cavga_kernels::reference::assert_close(ours, plain, tolerance, &format!("{what}, {i}"));
    }
}

fn gradient<const D: usize>(x: &Tensor<D>, gradients: &Gradients) -> Vec<f32> {
    x.grad(gradients).map(values).unwrap_or_default()
}

/// Output and gradients of Σ y² of a convolution.
fn convolution(
    images: [usize; 4],
    weight: [usize; 4],
    window: Window,
    transposed: bool,
    bias: bool,
    device: &Device,
) -> Vec<Vec<f32>> {
    let x = noise(images, 1, device).require_grad();
    let w = noise(weight, 2, device).require_grad();
    let channels = weight[usize::from(transposed)];
    let b = bias.then(|| noise([channels], 3, device).require_grad());
    let op = if transposed { conv_transpose2d } else { conv2d };
    let y = op(x.clone(), w.clone(), b.clone(), window);
    let gradients = y.clone().square().sum().backward();
    let mut all = vec![
        values(y),
        gradient(&x, &gradients),
        gradient(&w, &gradients),
    ];
    all.extend(b.map(|b| gradient(&b, &gradients)));
    assert!(all.iter().all(|values| !values.is_empty()));
    all
}

#[test]
fn convolutions_equal_burns() {
    let window = |stride, padding, dilation| Window::new(stride, dilation).padded(padding);
    let grouped = |groups, window| Window { groups, ..window };
    let longer = |window| Window {
        behind: [1; 2],
        ..window
    };
    let same = Window {
        padding: [0, 1],
        behind: [1, 0],
        ..window(2, 0, 1)
    };
    let cases = [
        ([2, 3, 32, 32], [16, 3, 4, 4], window(2, 1, 1), false),
        ([2, 16, 17, 15], [24, 16, 3, 3], window(1, 1, 1), false),
        ([1, 16, 9, 9], [32, 16, 1, 1], window(2, 0, 1), false),
        ([1, 8, 12, 12], [8, 8, 3, 3], window(1, 2, 2), false),
        ([2, 3, 33, 33], [8, 3, 7, 7], window(2, 3, 1), false),
        (
            [2, 6, 9, 12],
            [8, 3, 3, 3],
            grouped(2, window(2, 1, 1)),
            false,
        ),
        ([2, 6, 9, 12], [6, 1, 5, 5], grouped(6, same), false),
        ([2, 3, 8, 9], [4, 3, 3, 3], same, false),
        ([2, 32, 8, 8], [32, 16, 4, 4], window(2, 1, 1), true),
        ([1, 16, 16, 16], [16, 3, 4, 4], window(2, 1, 1), true),
        ([1, 6, 5, 7], [6, 9, 4, 4], window(1, 0, 1), true),
        ([2, 6, 5, 7], [6, 9, 5, 5], longer(window(2, 2, 1)), true),
        ([2, 6, 5, 7], [6, 9, 1, 1], longer(window(2, 0, 1)), true),
    ];
    for device in tapes() {
        for (images, weight, window, transposed) in cases {
            for bias in [true, false] {
                let all = || convolution(images, weight, window, transposed, bias, &device);
                let what = format!("{images:?} {weight:?} {window:?} {transposed} {bias}");
                assert_same(&all(), &plainly(all), 1e-5, &what);
            }
        }
    }
}

#[test]
fn a_convolution_off_the_tape_equals_burns() {
    let device = Device::flex();
    let (x, w) = (
        noise([2, 5, 9, 9], 1, &device),
        noise([7, 5, 3, 3], 2, &device),
    );
    let window = Window::new(2, 1).padded(1);
    // A view, not at the start of its storage and not contiguous.
    let view = x.clone().swap_dims(2, 3).narrow(0, 1, 1);
    let all = || vec![values(conv2d(view.clone(), w.clone(), None, window))];
    assert_same(&all(), &plainly(all), 1e-5, "view");
    // Images off the tape, weights on it, as the first layer of a network sees them.
    let w = w.autodiff().require_grad();
    let all = || {
        let y = conv2d(x.clone(), w.clone(), None, window);
        vec![gradient(&w, &y.square().sum().backward())]
    };
    let ours = all();
    assert!(!ours[0].is_empty());
    assert_same(&ours, &plainly(all), 1e-5, "weight alone on the tape");
}

#[test]
fn batch_norm_equals_burns() {
    let device = Device::flex().autodiff();
    for (shape, activation) in [
        ([4, 16, 9, 11], Activation::LeakyRelu(0.2)),
        ([2, 3, 32, 32], Activation::Relu),
        ([2, 3, 32, 32], Activation::Relu6),
        ([8, 5, 4, 4], Activation::Identity),
    ] {
        let all = || {
            let x = noise(shape, 1, &device).require_grad();
            let gamma = noise([shape[1]], 2, &device).require_grad();
            let beta = noise([shape[1]], 3, &device).require_grad();
            let weight = noise(shape, 4, &device);
            let out = batch_norm_train(x.clone(), gamma.clone(), beta.clone(), 1e-5, activation);
            let gradients = (out.output.clone().square() * weight).sum().backward();
            vec![
                values(out.output),
                values(out.mean),
                values(out.variance),
                gradient(&x, &gradients),
                gradient(&gamma, &gradients),
                gradient(&beta, &gradients),
            ]
        };
        assert_same(&all(), &plainly(all), 1e-5, &format!("{shape:?}"));
    }
}

#[test]
fn batch_norm_by_given_statistics_equals_burns() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let x = noise([2, 6, 5, 7], 1, &device);
        let [gamma, beta, mean] = [2, 3, 4].map(|seed| noise([6], seed, &device));
        let parameters = [gamma, beta, mean.clone(), mean.square() + 0.1];
        let activation = Activation::LeakyRelu(0.2);
        let all = || {
            let y = batch_norm(x.clone(), parameters.clone(), 1e-5, activation);
            vec![values(y)]
        };
        assert_same(&all(), &plainly(all), 1e-5, "inference");
    }
}

#[test]
fn activations_equal_burns() {
    let activations = [
        Activation::Relu,
        Activation::Relu6,
        Activation::LeakyRelu(0.2),
        Activation::LeakyRelu(-0.2),
    ];
    for device in tapes() {
        for activation in activations {
            let all = || {
                let x = (noise([3, 5, 7], 1, &device) * 8.0).require_grad();
                let y = activation.apply(x.clone());
                // The input again: it must not have been written over.
                let loss = (y.clone() * x.clone()).sum() + y.clone().square().sum();
                let gradients = loss.backward();
                vec![values(y), values(x.clone()), gradient(&x, &gradients)]
            };
            assert_same(&all(), &plainly(all), 1e-6, &format!("{activation:?}"));
        }
    }
}

#[test]
fn relu_of_a_sum_equals_burns() {
    for device in tapes() {
        let all = || {
            let (a, b) = (
                noise([2, 3, 5, 7], 1, &device),
                noise([2, 3, 5, 7], 2, &device),
            );
            let (a, b) = (a.require_grad(), b.require_grad());
            // An addend used again, as a block's input is: no gradient may be written over.
            let y = add_relu(a.clone(), b.clone());
            let loss = y.clone().square().sum() + (y.clone() * b.clone()).sum();
            let gradients = loss.backward();
            vec![
                values(y),
                values(a.clone()),
                gradient(&a, &gradients),
                gradient(&b, &gradients),
            ]
        };
        let ours = all();
        assert!(ours.iter().all(|values| !values.is_empty()));
        assert_same(&ours, &plainly(all), 1e-6, "relu of a sum");
    }
}

#[test]
fn adam_equals_burns() {
    let device = Device::flex();
    let config = AdamConfig::dcgan();
    let all = || {
        let mut state = [1, 2, 3].map(|seed| noise([1000], seed, &device).square());
        for step in 1..=4 {
            let [value, first, second] = state;
            let gradient = noise([1000], step + 10, &device);
            state = adam_step([value, gradient, first, second], step, &config);
        }
        state.map(values).to_vec()
    };
    assert_same(&all(), &plainly(all), 1e-6, "Adam");
}

/// Losses of a small convolutional autoencoder.
fn training(steps: usize) -> Vec<f32> {
    let device = Device::flex().autodiff();
    let mut parameters = [
        noise([16, 3, 4, 4], 1, &device),
        noise([24, 16, 4, 4], 2, &device),
        noise([24, 16, 4, 4], 3, &device),
        noise([16, 3, 4, 4], 4, &device),
    ]
    .map(|weight| (weight * 0.1).inner());
    let mut moments = parameters.clone().map(|weight| {
        [(); 2].map(|()| weight.zeros_like().reshape([weight.shape().num_elements()]))
    });
    let window = Window::new(2, 1).padded(1);
    let x = noise([4, 3, 32, 32], 5, &device);
    let norm = |x: Tensor<4>| {
        let channels = x.dims()[1];
        let (gamma, beta) = (
            Tensor::ones([channels], &device),
            Tensor::zeros([channels], &device),
        );
        batch_norm_train(x, gamma, beta, 1e-5, Activation::LeakyRelu(0.2)).output
    };
    let mut losses = Vec::new();
    for step in 1..=steps as u64 {
        let weights = parameters
            .clone()
            .map(|weight| weight.autodiff().require_grad());
        let y =
            Activation::LeakyRelu(0.2).apply(conv2d(x.clone(), weights[0].clone(), None, window));
        let y = norm(conv2d(y, weights[1].clone(), None, window));
        let y = norm(conv_transpose2d(y, weights[2].clone(), None, window));
        let y = conv_transpose2d(y, weights[3].clone(), None, window);
        let loss = (y - x.clone()).square().mean();
        losses.extend(values(loss.clone()));
        let gradients = loss.backward();
        for ((parameter, moments), weight) in parameters.iter_mut().zip(&mut moments).zip(&weights)
        {
            let len = [parameter.shape().num_elements()];
            let gradient = weight
                .grad(&gradients)
                .expect("every weight has one")
                .reshape(len);
            let [first, second] = moments.clone();
            let tensors = [parameter.clone().reshape(len), gradient, first, second];
            let [value, first, second] = adam_step(tensors, step, &AdamConfig::new(1e-2));
            *parameter = value.reshape(parameter.dims());
            *moments = [first, second];
        }
    }
    losses
}

#[test]
fn training_reaches_the_same_losses() {
    let (ours, plain) = (training(20), plainly(|| training(20)));
    assert!(plain[19] < 0.9 * plain[0], "{plain:?}");
    for (ours, plain) in ours.iter().zip(&plain) {
        assert!((ours - plain).abs() <= 1e-3 * plain, "{ours} and {plain}");
    }
}
