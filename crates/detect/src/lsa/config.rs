//! The settings, and the shapes that follow from them and the size of the images.

use cavga_nn::adam::AdamConfig;
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    cavga::CavgaConfig,
    check::{
        ADAM_KEYS, check, check_adam, check_amount, check_smoothing, check_weights, check_width,
    },
};

/// The shorter side of the deepest grid is at least this, and twice as much at most: MNIST's is 7, CIFAR-10's 4.
const GRID: usize = 4;
/// Images of no longer side than this are grey to [`Form::Auto`]: MNIST's.
const GREY_SIDE: usize = 28;
/// The fewest channels that a rule gives, as the first of the authors' networks for video.
const LEAST_CHANNELS: usize = 8;
/// Weights between two channels, at most: of the transposed convolutions that double.
const KERNEL: usize = 5 * 5;

/// Which of the two published networks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// That for MNIST where no side is longer than its 28 pixels, else that for CIFAR-10.
    #[default]
    Auto,
    /// One grey channel, the mean of the image's three; 64 channels at the deepest.
    Mnist,
    /// Colours, a convolution and a residual block before the first halving and behind the last doubling; 256 channels at the deepest.
    Cifar,
}

/// LSA's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LsaConfig {
    /// Passes over the training images; the authors' 200 (their code's issue 1).
    pub passes: usize,
    /// Which of the published networks: `auto`, `mnist` or `cifar`.
    pub form: Form,
    /// Channels behind each halving; empty for as many as the size asks for, ending in the form's 64 or 256, each half of the next
    /// but no fewer than 8.
    pub channels: Vec<usize>,
    /// Numbers in the code, all in [0, 1].
    pub code: usize,
    /// Channels at each number of the code in the estimator's hidden layers.
    pub estimator: Vec<usize>,
    /// Bins of [0, 1] that a number of the code is put into.
    pub bins: usize,
    /// λ, the weight of the surprisal beside the sum of squares; the supplement's 1.
    pub lambda: f64,
    /// The optimizer; the supplement's rate of 1e-4.
    pub adam: AdamConfig,
    /// Deviation of the Gaussian that smooths `residual-smoothed`, as a fraction of the image's height.
    pub smoothing: f64,
}

impl Default for LsaConfig {
    fn default() -> Self {
        Self {
            passes: 200,
            form: Form::Auto,
            channels: Vec::new(),
            code: 64,
            estimator: vec![32; 4],
            bins: 100,
            lambda: 1.0,
            adam: AdamConfig::new(1e-4),
            smoothing: CavgaConfig::default().smoothing,
        }
    }
}

impl LsaConfig {
    /// Few channels and passes, for tests on images of 64 pixels.
    pub fn tiny() -> Self {
        Self {
            passes: 2,
            channels: vec![2, 4, 4],
            code: 6,
            estimator: vec![3, 3],
            bins: 10,
            ..Self::default()
        }
    }

    fn check(&self) -> Result<()> {
        for &channels in &self.channels {
            check_width("channels", channels)?;
        }
        for &channels in &self.estimator {
            check_width("estimator", channels)?;
        }
        check_width("code", self.code)?;
        check(
            "bins",
            (2..=4096).contains(&self.bins),
            "2 to 4096",
            &self.bins,
        )?;
        // The estimator's layers, each of code² · in · out weights.
        let widths = [&[1], self.estimator.as_slice(), &[self.bins]].concat();
        for pair in widths.windows(2) {
            let factors = [self.code, self.code, pair[0], pair[1]];
            check_weights("code", &self.code, &factors)?;
        }
        check_amount("lambda", self.lambda)?;
        check_adam(ADAM_KEYS, &self.adam)?;
        check_smoothing(self.smoothing)
    }
}

/// What the networks are to be like.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) size: [usize; 2],
    pub(super) is_grey: bool,
    /// Channels behind each halving, at least one.
    pub(super) channels: Vec<usize>,
    /// Those of the last.
    pub(super) deepest: usize,
    /// Channels at full size: of a stem before the first halving, if the images have colours, and behind the last doubling.
    pub(super) full: usize,
    /// Numbers in the code.
    pub(super) code: usize,
}

impl Shape {
    /// # Errors
    /// [`crate::Error::Config`] for settings that cannot work, or not at this size.
    pub(super) fn new(config: &LsaConfig, size: [usize; 2]) -> Result<Self> {
        config.check()?;
        let shorter = size[0].min(size[1]);
        let longer = size[0].max(size[1]);
        let fits = shorter >= 2 * GRID && longer <= 1 << 14;
        let found = format!("[{}, {}]", size[0], size[1]);
        check("size", fits, "height and width of 8 to 16384", &found)?;
        let is_grey = match config.form {
            Form::Auto => longer <= GREY_SIDE,
            Form::Mnist => true,
            Form::Cifar => false,
        };
        let channels = match config.channels.as_slice() {
            [] => rule(shorter, if is_grey { 64 } else { 256 }),
            own => own.to_vec(),
        };
        let deepest = channels.last().copied().unwrap_or_default();
        let halvings = channels.len();
        let most = shorter.ilog2() as usize;
        let expected = format!("at most {most} halvings of images of {found} pixels");
        check("channels", halvings <= most, &expected, &halvings)?;
        let shape = Self {
            size,
            is_grey,
            full: channels
                .first()
                .map_or(1, |first| (first / 2).max(LEAST_CHANNELS.min(*first))),
            deepest,
            channels,
            code: config.code,
        };
        let [height, width] = shape.decoder_grid();
        let found = format!("{:?}", shape.channels);
        check_weights("channels", &found, &[height, width, deepest, deepest])?;
        let most = shape.channels.iter().copied().max().unwrap_or_default();
        check_weights("channels", &found, &[most, most, KERNEL])?;
        Ok(shape)
    }

    /// Channels of images.
    pub(super) fn image_channels(&self) -> usize {
        if self.is_grey { 1 } else { 3 }
    }

    /// Height and width of what the encoder flattens: the stem takes a pixel on each side.
    pub(super) fn encoder_grid(&self) -> [usize; 2] {
        let cut = if self.is_grey { 0 } else { 2 };
        self.size
            .map(|side| halved(side - cut, self.channels.len()))
    }

    /// Height and width of what the decoder begins with.
    pub(super) fn decoder_grid(&self) -> [usize; 2] {
        self.size.map(|side| halved(side, self.channels.len()))
    }
}

/// A side after some halvings, each rounded up.
fn halved(side: usize, halvings: usize) -> usize {
    side.div_ceil(1 << halvings)
}

/// Channels behind each halving of images whose shorter side is this, doubled to `deepest`.
fn rule(shorter: usize, deepest: usize) -> Vec<usize> {
    let halvings = (shorter / GRID).max(2).ilog2();
    let channels = (0..halvings).rev().map(|left| deepest >> left.min(16));
    channels
        .map(|channels| channels.max(LEAST_CHANNELS))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn shape(size: [usize; 2]) -> Shape {
        Shape::new(&LsaConfig::default(), size).unwrap()
    }

    #[test]
    fn the_published_networks_are_those_of_28_and_32_pixels() {
        let mnist = shape([28, 28]);
        assert_eq!((mnist.is_grey, mnist.full), (true, 16));
        assert_eq!(mnist.channels, [32, 64]);
        assert_eq!(mnist.encoder_grid(), [7, 7]);
        let cifar = shape([32, 32]);
        assert_eq!((cifar.is_grey, cifar.full), (false, 32));
        assert_eq!(cifar.channels, [64, 128, 256]);
        assert_eq!([cifar.encoder_grid(), cifar.decoder_grid()], [[4, 4]; 2]);
    }

    #[test]
    fn larger_images_are_halved_more_often_to_a_grid_as_large() {
        for (size, channels, grid) in [
            ([64, 64], vec![32, 64, 128, 256], [4, 4]),
            ([256, 256], vec![8, 16, 32, 64, 128, 256], [4, 4]),
            ([240, 360], vec![16, 32, 64, 128, 256], [8, 12]),
            ([1024, 1024], vec![8, 8, 8, 16, 32, 64, 128, 256], [4, 4]),
        ] {
            let shape = shape(size);
            assert_eq!(shape.channels, channels);
            assert_eq!(shape.decoder_grid(), grid);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_key() {
        let of = |change: fn(&mut LsaConfig), size| {
            let mut config = LsaConfig::default();
            change(&mut config);
            match Shape::new(&config, size) {
                Err(Error::Config { key, .. }) => key,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(of(|_| (), [7, 64]), "size");
        assert_eq!(of(|c| c.bins = 1, [28, 28]), "bins");
        assert_eq!(of(|c| c.code = 16384, [28, 28]), "code");
        assert_eq!(of(|c| c.channels = vec![4; 6], [32, 32]), "channels");
        assert_eq!(of(|c| c.channels = vec![4, 0], [32, 32]), "channels");
        assert_eq!(of(|c| c.channels = vec![256], [512, 512]), "channels");
        assert_eq!(of(|c| c.channels = vec![16384; 4], [32, 32]), "channels");
        assert_eq!(of(|c| c.estimator = vec![0], [32, 32]), "estimator");
        assert_eq!(of(|c| c.lambda = -1.0, [32, 32]), "lambda");
        assert_eq!(of(|c| c.adam.rate = f64::NAN, [32, 32]), "adam.rate");
    }
}
