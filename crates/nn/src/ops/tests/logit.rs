//! What is made of logits, against Burn's.

use super::*;

#[test]
fn sigmoid_equals_burns() {
    for device in tapes() {
        let all = || {
            let x = (noise([3, 5, 77], 1, &device) * 10.0).require_grad();
            let y = sigmoid(x.clone());
            let gradients = (y.clone().square() + y.clone()).sum().backward();
            vec![values(y), gradient(&x, &gradients)]
        };
        let ours = all();
        assert!(ours.iter().all(|values| !values.is_empty()));
        assert_same(&ours, &plainly(all), 1e-6, "sigmoid");
    }
}

#[test]
fn cross_entropy_equals_burns() {
    for device in tapes() {
        for shape in [[1, 1, 1, 1], [3, 3, 17, 9], [2, 3, 96, 80]] {
            let all = || {
                let logits = (noise(shape, 1, &device) * 10.0).require_grad();
                let images = noise(shape, 2, &device).abs().detach().require_grad();
                let sums = cross_entropy(logits.clone(), images.clone());
                // Another gradient for each image.
                let gradients = sums.clone().square().sum().backward();
                vec![
                    values(sums),
                    gradient(&logits, &gradients),
                    gradient(&images, &gradients),
                ]
            };
            let ours = all();
            assert!(ours.iter().all(|values| !values.is_empty()));
            assert_same(&ours, &plainly(all), 1e-5, &format!("{shape:?}"));
        }
    }
}

#[test]
fn softplus_has_half_as_gradient_at_exactly_zero() {
    let device = Device::flex().autodiff();
    let inputs = [0.0, -0.0, 1.0, -1.0, 80.0, -80.0_f32];
    let x = Tensor::<1>::from_floats(inputs, &device).require_grad();
    let y = softplus(x.clone());
    let found = gradient(&x, &y.clone().sum().backward());
    assert_eq!(found[..2], [0.5, 0.5]);
    for ((x, y), found) in inputs.into_iter().zip(values(y)).zip(found) {
        let x = f64::from(x);
        let sigmoid = 1.0 / (1.0 + (-x).exp());
        assert!((f64::from(found) - sigmoid).abs() < 1e-7, "{found} at {x}");
        let exact = x.max(0.0) + (-x.abs()).exp().ln_1p();
        assert!((f64::from(y) - exact).abs() <= 2e-7 * exact, "{y} at {x}");
    }
}
