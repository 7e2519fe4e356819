//! Masked layers, against Burn's.

use super::*;

#[test]
fn masked_layers_equal_burns() {
    for device in tapes() {
        for mask in [Mask::Before, Mask::UpTo] {
            for (batch, places, [input, output]) in [(1, 3, [2, 5]), (6, 11, [4, 3])] {
                let all = || {
                    let x = noise([batch, places * input], 1, &device).require_grad();
                    let weight = noise([places * output, places * input], 2, &device);
                    let weight = weight.require_grad();
                    let y = masked_linear(x.clone(), weight.clone(), places, mask);
                    let gradients = y.clone().square().sum().backward();
                    vec![
                        values(y),
                        gradient(&x, &gradients),
                        gradient(&weight, &gradients),
                    ]
                };
                let ours = all();
                assert!(ours.iter().all(|values| !values.is_empty()));
                assert_same(&ours, &plainly(all), 1e-5, &format!("{places} {mask:?}"));
            }
        }
    }
}
