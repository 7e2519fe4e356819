//! Capsules: vectors whose length is the probability that something is there, and whose direction is what it is like (Sabour, Frosst and
//! Hinton, "Dynamic Routing Between Capsules", NIPS 2017).

use burn::{
    module::{Module, Param},
    tensor::{Tensor, activation::softmax},
};

use crate::{
    layers::{Conv2d, ConvConfig, Init, Linear},
    ops::{self, Activation},
};

/// Below a squared length: at 0, a root has no gradient.
const LEAST: f64 = 1e-8;
/// A class's capsule should be at least this long if the class is there, m⁺ (equation 4).
pub const PRESENT: f64 = 0.9;
/// And at most this long if it is not, m⁻.
pub const ABSENT: f64 = 0.1;
/// What an absent class weighs in the margin loss, λ.
pub const ABSENT_WEIGHT: f64 = 0.5;

/// How long vectors are.
///
/// # Shapes
/// - x: `[batch, capsules, dimensions]` → `[batch, capsules]`
pub fn lengths(x: Tensor<3>) -> Tensor<2> {
    let squares = x.square().sum_dim(2).squeeze_dim::<2>(2);
    squares.add_scalar(LEAST).sqrt()
}

/// |s|² / (1 + |s|²) · s / |s|: of the same direction, and shorter than 1 (equation 1).
///
/// # Shapes
/// - s: `[batch, capsules, dimensions]` → the same
pub fn squash(s: Tensor<3>) -> Tensor<3> {
    let squares = s.clone().square().sum_dim(2);
    let root = squares.clone().add_scalar(LEAST).sqrt();
    let scale = squares.clone() / (squares.add_scalar(1.0) * root);
    s * scale
}

/// The margin loss (equation 4), summed over classes.
///
/// # Shapes
/// - lengths: `[batch, classes]`; present: the same, 1 for the class that is there, else 0 → `[batch]`
pub fn margin_loss(lengths: Tensor<2>, present: Tensor<2>) -> Tensor<1> {
    let short = lengths.clone().neg().add_scalar(PRESENT);
    let long = lengths.sub_scalar(ABSENT);
    let squared = |x: Tensor<2>| Activation::Relu.apply(x).square();
    let absent = present.clone().neg().add_scalar(1.0);
    let loss = present * squared(short) + absent * squared(long).mul_scalar(ABSENT_WEIGHT);
    loss.sum_dim(1).squeeze_dim::<1>(1)
}

/// Capsules that are made of others by agreement: each of the lower ones foretells each of the upper ones, and gives itself to those of
/// which many foretell the same (procedure 1).
#[derive(Module, Debug)]
pub struct RoutedCapsules {
    /// W, `[lower, in, upper·out]`.
    pub weight: Param<Tensor<3>>,
    #[module(skip)]
    upper: usize,
    #[module(skip)]
    iterations: usize,
}

impl RoutedCapsules {
    /// Weights drawn from N(0, 0.1²), as in the authors' code. `dimensions`: of a lower and of an upper capsule.
    pub fn new(
        [lower, upper]: [usize; 2],
        [input, output]: [usize; 2],
        iterations: usize,
        init: &mut Init,
    ) -> Self {
        Self {
            weight: init.normal([lower, input, upper * output], 0.0, 0.1),
            upper,
            iterations,
        }
    }

    /// The shares in which capsules give themselves are found without gradient; what is given has one.
    ///
    /// # Shapes
    /// - u: `[batch, lower, in]` → `[batch, upper, out]`
    pub fn forward(&self, u: Tensor<3>) -> Tensor<3> {
        let [batch, lower, _] = u.dims();
        let weight = self.weight.val();
        let upper = self.upper;
        let output = weight.dims()[2] / upper;
        // û, of every lower capsule for every upper one.
        let foretold = u.swap_dims(0, 1).matmul(weight);
        let foretold = foretold
            .reshape([lower, batch, upper, output])
            .permute([1, 2, 0, 3])
            .reshape([batch * upper, lower, output]);
        let shares = self.shares(foretold.clone().detach(), batch);
        let given = shares.matmul(foretold);
        squash(given.reshape([batch, upper, output]))
    }

    /// The shares c in the last iteration, `[batch·upper, 1, lower]`.
    fn shares(&self, foretold: Tensor<3>, batch: usize) -> Tensor<3> {
        let [pairs, lower, output] = foretold.dims();
        let upper = self.upper;
        let of = |logits: Tensor<3>| softmax(logits, 1).reshape([pairs, 1, lower]);
        let mut logits = Tensor::<3>::zeros([batch, upper, lower], &foretold.device());
        // One upper capsule gets all of every lower one, however often they are asked.
        let iterations = if upper == 1 { 1 } else { self.iterations };
        for _ in 1..iterations {
            let given = of(logits.clone()).matmul(foretold.clone());
            let v = squash(given.reshape([batch, upper, output]));
            let agreement = foretold.clone().matmul(v.reshape([pairs, output, 1]));
            logits = logits + agreement.reshape([batch, upper, lower]);
        }
        of(logits)
    }
}

/// What a capsule network is made of.
#[derive(Debug, Clone, Copy)]
pub struct CapsNetConfig {
    /// Height and width of its images, at least 17.
    pub side: usize,
    /// Channels of the first convolution, 256 in the paper.
    pub width: usize,
    /// Primary capsules at each position, 32.
    pub primary: usize,
    /// Classes, each with a capsule.
    pub classes: usize,
    /// Routing iterations, 3.
    pub iterations: usize,
    /// Of the decoder's two hidden layers, 512 and 1024.
    pub decoder: [usize; 2],
}

impl CapsNetConfig {
    /// Numbers in a primary capsule.
    pub const PRIMARY: usize = 8;
    /// Numbers in a class's capsule.
    pub const CLASS: usize = 16;
    /// Of both convolutions.
    pub const KERNEL: usize = 9;

    /// Height and width of the grid of primary capsules.
    pub fn grid(&self) -> usize {
        (self.side + 1)
            .saturating_sub(2 * Self::KERNEL - 1)
            .div_ceil(2)
    }
}

/// The capsule network of section 4, and its decoder, for images of three channels.
#[derive(Module, Debug)]
pub struct CapsNet {
    conv: Conv2d,
    primary: Conv2d,
    classes: RoutedCapsules,
    decoder: Vec<Linear>,
    #[module(skip)]
    side: usize,
}

impl CapsNet {
    /// Fresh weights.
    pub fn new(config: &CapsNetConfig, init: &mut Init) -> Self {
        const KERNEL: usize = CapsNetConfig::KERNEL;
        let dimensions = [CapsNetConfig::PRIMARY, CapsNetConfig::CLASS];
        let channels = config.primary * CapsNetConfig::PRIMARY;
        let lower = config.primary * config.grid().pow(2);
        let [first, second] = config.decoder;
        let widths = [
            config.classes * CapsNetConfig::CLASS,
            first,
            second,
            3 * config.side * config.side,
        ];
        Self {
            conv: ConvConfig::new(3, config.width, KERNEL)
                .bias()
                .kaiming_in()
                .init(init),
            primary: ConvConfig::new(config.width, channels, KERNEL)
                .stride(2)
                .bias()
                .kaiming_in()
                .init(init),
            classes: RoutedCapsules::new(
                [lower, config.classes],
                dimensions,
                config.iterations,
                init,
            ),
            decoder: widths
                .windows(2)
                .map(|pair| Linear::new(pair[0], pair[1], init))
                .collect(),
            side: config.side,
        }
    }

    /// The capsules of all classes.
    ///
    /// # Shapes
    /// - images: `[batch, 3, side, side]` → `[batch, classes, 16]`
    pub fn capsules(&self, images: Tensor<4>) -> Tensor<3> {
        let x = Activation::Relu.apply(self.conv.forward(images));
        let x = self.primary.forward(x);
        let [batch, channels, height, width] = x.dims();
        let types = channels / CapsNetConfig::PRIMARY;
        let primary = x
            .reshape([batch, types, CapsNetConfig::PRIMARY, height * width])
            .swap_dims(2, 3)
            .reshape([batch, types * height * width, CapsNetConfig::PRIMARY]);
        self.classes.forward(squash(primary))
    }

    /// Images of one class's capsule each, the others being hidden.
    ///
    /// # Shapes
    /// - capsules: `[batch, classes, 16]`; of: `[batch, classes]`, 1 for the class that is shown, else 0
    /// - output: `[batch, 3, side, side]`, in (0, 1)
    pub fn decode(&self, capsules: Tensor<3>, of: Tensor<2>) -> Tensor<4> {
        let [batch, classes, dimensions] = capsules.dims();
        let shown = capsules * of.unsqueeze_dim::<3>(2);
        let mut x = shown.reshape([batch, classes * dimensions]);
        for (index, layer) in self.decoder.iter().enumerate() {
            if index > 0 {
                x = Activation::Relu.apply(x);
            }
            x = layer.forward(x);
        }
        ops::sigmoid(x.reshape([batch, 3, self.side, self.side]))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ops::values;

    #[test]
    fn squashing_keeps_the_direction_and_bounds_the_length() {
        let s = Tensor::<3>::from_floats([[[3.0, 4.0], [0.03, 0.04], [0.0, 0.0]]], &Device::flex());
        let v = values(squash(s));
        for (found, expected) in v.iter().zip([0.6 * 25.0 / 26.0, 0.8 * 25.0 / 26.0]) {
            assert!((found - expected).abs() < 1e-5, "{v:?}");
        }
        assert!((v[3] / v[2] - 4.0 / 3.0).abs() < 1e-4 && v[3] < 0.003);
        assert_eq!(v[4..], [0.0, 0.0]);
    }

    #[test]
    fn the_margin_loss_asks_for_one_long_capsule() {
        let device = Device::flex();
        let lengths = Tensor::<2>::from_floats([[0.95, 0.05, 0.1], [0.5, 0.6, 0.0]], &device);
        let present = Tensor::<2>::from_floats([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], &device);
        let found = values(margin_loss(lengths, present));
        assert!(found[0].abs() < 1e-12);
        assert!((found[1] - (0.16 + 0.5 * 0.25)).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn grids_are_those_of_two_convolutions_of_9() {
        let config = |side| CapsNetConfig {
            side,
            width: 4,
            primary: 2,
            classes: 2,
            iterations: 3,
            decoder: [5, 6],
        };
        assert_eq!(
            [17, 18, 28, 32].map(|side| config(side).grid()),
            [1, 1, 6, 8]
        );
        for side in [17, 18, 20] {
            let network = CapsNet::new(&config(side), &mut Init::new(1, &Device::flex()));
            let images = Tensor::full([2, 3, side, side], 0.3, &Device::flex());
            let capsules = network.capsules(images);
            assert_eq!(capsules.dims(), [2, 2, 16]);
            let of = Tensor::from_floats([[1.0, 0.0], [0.0, 1.0]], &Device::flex());
            assert_eq!(network.decode(capsules, of).dims(), [2, 3, side, side]);
        }
    }

    #[test]
    fn the_decoder_sees_the_one_capsule() {
        let config = CapsNetConfig {
            side: 17,
            width: 4,
            primary: 2,
            classes: 3,
            iterations: 3,
            decoder: [5, 6],
        };
        let device = Device::flex();
        let network = CapsNet::new(&config, &mut Init::new(1, &device));
        let of = Tensor::<2>::from_floats([[0.0, 1.0, 0.0]], &device);
        let capsules = Tensor::<3>::full([1, 3, 16], 0.2, &device);
        let image = values(network.decode(capsules.clone(), of.clone()));
        let other = capsules.clone().slice_fill([0..1, 0..1], 0.7);
        assert_eq!(image, values(network.decode(other, of.clone())));
        let own = capsules.slice_fill([0..1, 1..2], 0.7);
        assert_ne!(image, values(network.decode(own, of)));
    }
}
