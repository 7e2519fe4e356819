//! Bilinear resizing against Burn's.

use super::*;

#[test]
fn bilinear_resizing_equals_burns() {
    let cases = [
        ([2, 3, 16, 16], [64, 96]),
        ([1, 2, 9, 5], [20, 7]),
        ([2, 1, 33, 20], [8, 8]),
        ([1, 1, 1, 1], [5, 4]),
        ([1, 2, 6, 6], [6, 6]),
    ];
    for device in tapes() {
        for (shape, size) in cases {
            let all = || {
                let x = noise(shape, 1, &device).require_grad();
                let y = resize_bilinear(x.clone(), size);
                let gradients = y.clone().square().sum().backward();
                vec![values(y), gradient(&x, &gradients)]
            };
            let ours = all();
            assert!(ours.iter().all(|values| !values.is_empty()));
            assert_same(
                &ours,
                &plainly(all),
                1e-5,
                &format!("{shape:?} to {size:?}"),
            );
        }
    }
}
