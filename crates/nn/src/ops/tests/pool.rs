//! Max-pooling against Burn's.

use super::*;

#[test]
fn max_pooling_equals_burns() {
    let shapes = [
        ([2, 3, 32, 32], [3, 2, 1, 1]),
        ([1, 2, 17, 23], [3, 2, 1, 1]),
        ([2, 1, 8, 9], [2, 2, 0, 1]),
        ([1, 4, 9, 12], [3, 1, 1, 1]),
        ([1, 2, 15, 11], [4, 3, 2, 1]),
        ([1, 2, 15, 11], [3, 1, 0, 2]),
    ];
    for device in tapes() {
        for (shape, [kernel, stride, padding, dilation]) in shapes {
            let window = Window::new(stride, dilation).padded(padding);
            let all = || {
                let x = noise(shape, 1, &device).require_grad();
                let y = max_pool2d(x.clone(), kernel, window);
                let gradients = y.clone().square().sum().backward();
                vec![values(y), gradient(&x, &gradients)]
            };
            let ours = all();
            assert!(ours.iter().all(|values| !values.is_empty()));
            assert_same(&ours, &plainly(all), 1e-6, &format!("{shape:?} {kernel}"));
        }
    }
}

#[test]
fn max_pooling_off_the_tape_equals_burns() {
    // A view, not contiguous.
    let x = noise([2, 5, 14, 9], 1, &Device::flex()).swap_dims(2, 3);
    let all = || {
        vec![values(max_pool2d(
            x.clone(),
            3,
            Window::new(2, 1).padded(1),
        ))]
    };
    assert_same(&all(), &plainly(all), 0.0, "off the tape");
}
