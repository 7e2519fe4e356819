//! Of what layers an autoencoder is made, for images of a size.

use crate::ops::Activation;

/// The longest that a grid's shorter side may be left: the largest odd number of 32 pixels in 1024. The layer from the grid to the code has
/// a weight for each position.
const SHORTER: usize = 31;

/// The fewest times an image is halved: the widest layers are those of the last two.
const FEWEST: usize = 2;

/// A convolution of an encoder; zeros around it keep `size / stride` positions of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Channels that it makes.
    pub channels: usize,
    /// Side of its kernel.
    pub kernel: usize,
    /// Distance between two positions.
    pub stride: usize,
}

impl Layer {
    /// 4×4 of stride 2.
    const fn halving(channels: usize) -> Self {
        Self {
            channels,
            kernel: 4,
            stride: 2,
        }
    }

    /// 3×3 of stride 1.
    const fn keeping(channels: usize) -> Self {
        Self {
            channels,
            kernel: 3,
            stride: 1,
        }
    }
}

/// The layers of an autoencoder: those of its encoder, and what its decoder mirrors.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Channels of an image.
    pub image: usize,
    /// The convolutions, in the encoder's order.
    pub layers: Vec<Layer>,
    /// Units of a linear layer between the convolutions and the code, where there is one.
    pub hidden: Option<usize>,
    /// What follows each layer but the one that makes the code and the one that makes the image.
    pub activation: Activation,
    /// Height and width of what the last convolution makes.
    pub grid: [usize; 2],
}

impl Plan {
    /// Bergmann et al. 2019 (VISAPP), table 1, with LeakyReLU of slope 0.2: four halvings at 128 pixels, a fifth at 256 as in MVTec AD's paper
    /// (2019, section 4.1.2), and more or fewer of its first kind at other sizes, to a grid of 8×8 or what odd sides leave.
    ///
    /// `size`: `[height, width]` of images of `image` channels; `width`: channels of the first convolution, 32 in the paper.
    /// `None` for sizes that cannot be halved so.
    pub fn bergmann(image: usize, size: [usize; 2], width: usize) -> Option<Self> {
        let (halvings, grid) = halved(size, 8)?;
        let mut layers = vec![Layer::halving(width); halvings - FEWEST];
        layers.extend([
            Layer::keeping(width),
            Layer::halving(2 * width),
            Layer::keeping(2 * width),
            Layer::halving(4 * width),
            Layer::keeping(2 * width),
            Layer::keeping(width),
        ]);
        Some(Self {
            image,
            layers,
            hidden: None,
            activation: Activation::LeakyRelu(0.2),
            grid,
        })
    }

    /// Higgins et al. 2017 (table 1 there, CelebA and chairs), with ReLU: at 64 pixels four halvings of 32, 32, 64 and 64 channels and a linear
    /// layer of 256 units, and more or fewer of the first kind at other sizes, to a grid of 4×4 or what odd sides leave.
    ///
    /// As [`Plan::bergmann`]; the linear layer has `8·width` units.
    pub fn higgins(image: usize, size: [usize; 2], width: usize) -> Option<Self> {
        let (halvings, grid) = halved(size, 4)?;
        let mut layers = vec![Layer::halving(width); halvings - FEWEST];
        layers.extend([Layer::halving(2 * width); FEWEST]);
        Some(Self {
            image,
            layers,
            hidden: Some(8 * width),
            activation: Activation::Relu,
            grid,
        })
    }

    /// Channels before the first convolution and after each.
    pub(super) fn channels(&self) -> Vec<usize> {
        let made = self.layers.iter().map(|layer| layer.channels);
        std::iter::once(self.image).chain(made).collect()
    }

    /// Of each convolution, what its number of weights is the product of.
    pub fn convolutions(&self) -> Vec<[usize; 3]> {
        let channels = self.channels();
        let layers = self.layers.iter().zip(channels.windows(2));
        layers
            .map(|(layer, pair)| [pair[0], pair[1], layer.kernel * layer.kernel])
            .collect()
    }

    /// The same of the linear layer between convolutions and code, where there is one.
    pub fn hidden_weights(&self) -> Option<[usize; 2]> {
        self.hidden.map(|units| [self.on_grid(), units])
    }

    /// Numbers that the code is made of.
    pub fn features(&self) -> usize {
        self.hidden.unwrap_or_else(|| self.on_grid())
    }

    /// Numbers on the last convolution's grid.
    pub(super) fn on_grid(&self) -> usize {
        let channels = self.layers.last().map_or(self.image, |last| last.channels);
        channels * self.grid.iter().product::<usize>()
    }
}

/// How often a size is halved, and what is left of it: until its shorter side is at most `target`, or a side is odd.
fn halved(size: [usize; 2], target: usize) -> Option<(usize, [usize; 2])> {
    let (mut grid, mut halvings) = (size, 0);
    while grid.iter().all(|side| *side > target && side % 2 == 0) {
        grid = grid.map(|side| side / 2);
        halvings += 1;
    }
    let fits = halvings >= FEWEST && grid[0].min(grid[1]) <= SHORTER;
    fits.then_some((halvings, grid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_halved_to_the_papers_grids_or_what_odd_sides_leave() {
        for (size, halvings, grid) in [
            ([128, 128], 4, [8, 8]),
            ([256, 256], 5, [8, 8]),
            ([512, 512], 6, [8, 8]),
            ([128, 192], 4, [8, 12]),
            ([28, 28], 2, [7, 7]),
            ([32, 32], 2, [8, 8]),
            ([240, 360], 3, [30, 45]),
            ([100, 100], 2, [25, 25]),
            ([32, 1024], 2, [8, 256]),
        ] {
            assert_eq!(halved(size, 8), Some((halvings, grid)), "{size:?}");
        }
        assert_eq!(halved([64, 64], 4), Some((4, [4, 4])));
        assert_eq!(halved([28, 28], 4), Some((2, [7, 7])));
        for size in [[132, 132], [27, 28], [8, 8], [1056, 1056], [0, 0]] {
            assert_eq!(halved(size, 8), None, "{size:?}");
        }
    }

    #[test]
    fn all_multiples_of_32_up_to_1024_have_a_plan() {
        let sides = || (1..=32).map(|count| 32 * count);
        for size in sides().flat_map(|height| sides().map(move |width| [height, width])) {
            assert!(
                halved(size, 8).is_some() && halved(size, 4).is_some(),
                "{size:?}"
            );
        }
    }

    #[test]
    fn the_papers_layers_are_those_of_its_table() {
        let channels = |plan: Option<Plan>| plan.unwrap().channels();
        let objects = channels(Plan::bergmann(3, [256, 256], 32));
        assert_eq!(objects, [3, 32, 32, 32, 32, 64, 64, 128, 64, 32]);
        let textures = channels(Plan::bergmann(1, [128, 128], 32));
        assert_eq!(textures, [1, 32, 32, 32, 64, 64, 128, 64, 32]);
        let faces = channels(Plan::higgins(3, [64, 64], 32));
        assert_eq!(faces, [3, 32, 32, 64, 64]);
    }
}
