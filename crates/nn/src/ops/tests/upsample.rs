//! Up-sampling folded into what follows it, against up-sampling and then doing that.

use super::*;

#[test]
fn a_folded_convolution_equals_up_sampling_and_convolving() {
    let shapes = [
        ([2, 16, 8, 8], 24),
        ([1, 3, 1, 1], 2),
        ([2, 5, 7, 4], 9),
        ([1, 33, 1, 9], 1),
    ];
    for device in tapes() {
        for ([batch, input, height, width], out) in shapes {
            let all = || {
                let x = noise([batch, input, height, width], 1, &device).require_grad();
                let weight = noise([out, input, 3, 3], 2, &device).require_grad();
                let y = upsample2_conv3x3(x.clone(), weight.clone());
                let gradients = y.clone().square().sum().backward();
                assert_eq!(y.dims(), [batch, out, 2 * height, 2 * width]);
                vec![
                    values(y),
                    gradient(&x, &gradients),
                    gradient(&weight, &gradients),
                ]
            };
            let ours = all();
            assert!(ours.iter().all(|values| !values.is_empty()));
            let what = format!("{batch}×{input}×{height}×{width} to {out}");
            assert_same(&ours, &plainly(all), 1e-5, &what);
        }
    }
}

#[test]
fn a_folded_convolution_off_the_tape_equals_up_sampling_and_convolving() {
    let device = Device::flex();
    // A view, not contiguous.
    let x = noise([2, 5, 4, 7], 1, &device).swap_dims(2, 3);
    let weight = noise([6, 5, 3, 3], 2, &device);
    let all = || vec![values(upsample2_conv3x3(x.clone(), weight.clone()))];
    assert_same(&all(), &plainly(all), 1e-5, "off the tape");
}

#[test]
fn adding_the_up_sampled_equals_burns() {
    for device in tapes() {
        for shape in [[2, 3, 4, 5], [1, 1, 1, 1], [1, 2, 9, 33]] {
            let all = || {
                let [batch, channels, height, width] = shape;
                let large = [batch, channels, 2 * height, 2 * width];
                let y = noise(large, 1, &device).require_grad();
                let s = noise(shape, 2, &device).require_grad();
                let sum = add_upsampled(y.clone(), s.clone());
                // `y` again: its gradient is shared, and the kernel must not have written over it.
                let loss = sum.clone().square().sum() + (y.clone() * sum.clone()).sum();
                let gradients = loss.backward();
                vec![
                    values(sum),
                    values(y.clone()),
                    gradient(&y, &gradients),
                    gradient(&s, &gradients),
                ]
            };
            let ours = all();
            assert!(ours.iter().all(|values| !values.is_empty()));
            assert_same(&ours, &plainly(all), 1e-6, &format!("{shape:?}"));
        }
    }
}
