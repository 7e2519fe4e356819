//! The density of a code by autoregression: p(z) = Π p(zᵢ | z₁ … zᵢ₋₁), each factor a multinomial over bins of [0, 1], all of them made at once
//! by masked fully connected layers (Abati et al., CVPR 2019, equations 5 and 6; masks after MADE, Germain et al., ICML 2015).

use burn::{
    module::{Module, Param},
    tensor::{Int, Tensor, activation::log_softmax},
};

pub use crate::ops::Mask;
use crate::{
    layers::{Init, Linear},
    ops,
    residual_blocks::LEAKY,
};

/// A masked fully connected layer (MFC): some channels at each place of a code, made of the channels at the places before.
#[derive(Module, Debug)]
pub struct MaskedLinear {
    /// `[places·out, places·in]`; what the mask hides is never read, and never learns.
    pub weight: Param<Tensor<2>>,
    /// `[places·out]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    places: usize,
    /// The paper's type A is [`Mask::Before`], of the first layer; type B, of all later layers, [`Mask::UpTo`].
    #[module(skip)]
    mask: Mask,
}

impl MaskedLinear {
    /// For a code of `places` numbers, from `input` to `output` channels at each.
    pub fn new(mask: Mask, places: usize, [input, output]: [usize; 2], init: &mut Init) -> Self {
        let Linear { weight, bias } = Linear::new(places * input, places * output, init);
        Self {
            weight,
            bias,
            places,
            mask,
        }
    }

    /// # Shapes
    /// - x: `[batch, places·in]`, all channels of a place side by side → `[batch, places·out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let y = ops::masked_linear(x, self.weight.val(), self.places, self.mask);
        y + self.bias.val().unsqueeze()
    }
}

/// Masked layers with LeakyReLU (0.01) between them, the first of type A.
#[derive(Module, Debug)]
pub struct Estimator {
    layer: Vec<MaskedLinear>,
    #[module(skip)]
    bins: usize,
}

impl Estimator {
    /// For codes of `places` numbers. `channels`: of each hidden layer; `bins`: how many values a number may have.
    pub fn new(places: usize, channels: &[usize], bins: usize, init: &mut Init) -> Self {
        let widths = [&[1], channels, &[bins]].concat();
        let layer = widths.windows(2).enumerate().map(|(index, pair)| {
            let mask = match index {
                0 => Mask::Before,
                _ => Mask::UpTo,
            };
            MaskedLinear::new(mask, places, [pair[0], pair[1]], init)
        });
        Self {
            layer: layer.collect(),
            bins,
        }
    }

    /// The logits of each number's bins; those of the i-th depend on the numbers before it alone.
    ///
    /// # Shapes
    /// - code: `[batch, places]` → `[batch, places, bins]`
    pub fn forward(&self, code: Tensor<2>) -> Tensor<3> {
        let [batch, places] = code.dims();
        let mut x = code;
        for (index, layer) in self.layer.iter().enumerate() {
            if index > 0 {
                x = LEAKY.apply(x);
            }
            x = layer.forward(x);
        }
        x.reshape([batch, places, self.bins])
    }

    /// −log p of each code: the cross entropy of its numbers' bins, in nats, summed over them.
    ///
    /// A gradient reaches the code through what the estimator is given, not through the bins that it is asked for.
    ///
    /// # Shapes
    /// - code: `[batch, places]` in [0, 1] → `[batch]`
    pub fn surprisal(&self, code: Tensor<2>) -> Tensor<1> {
        let last = self.bins as f64 - 1.0;
        let bins = code.clone().detach().mul_scalar(self.bins as f64);
        let bins: Tensor<2, Int> = bins.floor().clamp(0.0, last).int();
        let logs = log_softmax(self.forward(code), 2);
        let of_bin = logs.gather(2, bins.unsqueeze_dim::<3>(2));
        of_bin.sum_dims(&[1, 2]).squeeze_dims::<1>(&[1, 2]).neg()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{ops::values, random};

    const PLACES: usize = 5;

    fn noise(shape: [usize; 2], seed: u64) -> Tensor<2> {
        let mut generator = random::generator(seed, random::Stream::Latent, 0);
        random::normal(shape, &mut generator, &Device::flex())
    }

    /// Which places of a function's output move when a place of its input does: `[from][to]`.
    fn reach(input: usize, f: impl Fn(Tensor<2>) -> Vec<f32>) -> Vec<Vec<bool>> {
        let x = noise([1, PLACES * input], 1);
        let still = f(x.clone());
        let each = still.len() / PLACES;
        let reach = |from: usize| {
            let at = from * input..(from + 1) * input;
            let moved = f(x.clone().slice_fill([0..1, at], 3.0));
            let pairs = still.chunks(each).zip(moved.chunks(each));
            pairs.map(|(a, b)| a != b).collect()
        };
        (0..PLACES).map(reach).collect()
    }

    #[test]
    fn a_place_sees_those_before_it_and_in_type_b_itself() {
        let init = &mut Init::new(3, &Device::flex());
        for (mask, own) in [(Mask::Before, 0), (Mask::UpTo, 1)] {
            let layer = MaskedLinear::new(mask, PLACES, [2, 3], init);
            let reach = reach(2, |x| values(layer.forward(x)));
            for (from, row) in reach.iter().enumerate() {
                for (to, &moves) in row.iter().enumerate() {
                    assert_eq!(moves, from < to + own, "{mask:?}: {from} to {to}");
                }
            }
        }
    }

    #[test]
    fn each_number_is_foretold_by_those_before_it_alone() {
        let estimator = Estimator::new(PLACES, &[4, 4], 7, &mut Init::new(3, &Device::flex()));
        let reach = reach(1, |x| values(estimator.forward(x)));
        for (from, row) in reach.iter().enumerate() {
            for (to, &moves) in row.iter().enumerate() {
                assert_eq!(moves, from < to, "{from} to {to}");
            }
        }
    }

    #[test]
    fn probabilities_of_all_codes_sum_to_1() {
        let estimator = Estimator::new(2, &[3], 4, &mut Init::new(5, &Device::flex()));
        let centres = (0..16).flat_map(|code| [code / 4, code % 4]);
        let centres: Vec<f32> = centres.map(|bin| (bin as f32 + 0.5) / 4.0).collect();
        let codes = Tensor::<1>::from_floats(centres.as_slice(), &Device::flex());
        // Not the sum of independent bins: what is said of the second number changes with the first.
        let surprisals = values(estimator.surprisal(codes.reshape([16, 2])));
        let sum: f32 = surprisals.iter().map(|surprisal| (-surprisal).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    }

    #[test]
    fn the_ends_of_the_range_have_bins() {
        let estimator = Estimator::new(1, &[2], 4, &mut Init::new(5, &Device::flex()));
        let codes = Tensor::<2>::from_floats([[-0.5], [0.0], [0.99], [1.0]], &Device::flex());
        let found = values(estimator.surprisal(codes));
        assert_eq!(found[0], found[1]);
        assert_eq!(found[2], found[3]);
    }
}
