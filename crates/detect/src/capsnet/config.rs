//! The settings of both methods.

use cavga_nn::{adam::AdamConfig, capsules::CapsNetConfig};
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    cavga::CavgaConfig,
    check::{
        ADAM_KEYS, check, check_adam, check_amount, check_smoothing, check_weights, check_width,
    },
};

/// CapsNet's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CapsnetConfig {
    /// Passes over the training images; not known of the paper.
    pub passes: usize,
    /// How many classes the normal images have, each with a capsule: 9 of ten where one class is anomalous; 1 where they have no classes.
    pub classes: usize,
    /// Height and width of images inside, the paper's MNIST's; at least 17.
    pub side: usize,
    /// Channels of the first convolution.
    pub width: usize,
    /// Primary capsules, of 8 numbers, at each position.
    pub capsules: usize,
    /// Iterations of routing.
    pub routing: usize,
    /// Of the decoder's two hidden layers.
    pub decoder: [usize; 2],
    /// What an image's sum of squared errors weighs beside the margin loss, so that it does not rule it: Sabour's 0.0005.
    pub reconstruction: f64,
    /// The optimizer; Sabour's rate.
    pub adam: AdamConfig,
    /// Deviation of the Gaussian that smooths `residual-smoothed`, as a fraction of the image's height.
    pub smoothing: f64,
}

impl Default for CapsnetConfig {
    fn default() -> Self {
        Self {
            passes: 50,
            classes: 1,
            side: 28,
            width: 256,
            capsules: 32,
            routing: 3,
            decoder: [512, 1024],
            reconstruction: 0.0005,
            adam: AdamConfig::new(1e-3),
            smoothing: CavgaConfig::default().smoothing,
        }
    }
}

impl CapsnetConfig {
    /// Few channels and passes, for tests.
    pub fn tiny() -> Self {
        Self {
            passes: 2,
            side: 20,
            width: 4,
            capsules: 2,
            decoder: [6, 8],
            ..Self::default()
        }
    }

    /// With what is looked at.
    pub(crate) fn by(&self, evidence: Evidence) -> By {
        By {
            config: self.clone(),
            evidence,
        }
    }

    pub(super) fn network(&self) -> CapsNetConfig {
        CapsNetConfig {
            side: self.side,
            width: self.width,
            primary: self.capsules,
            classes: self.classes,
            iterations: self.routing,
            decoder: self.decoder,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let within = |key, range: std::ops::RangeInclusive<usize>, value| {
            let expected = format!("{} to {}", range.start(), range.end());
            check(key, range.contains(&value), &expected, &value)
        };
        within("classes", 1..=256, self.classes)?;
        within("side", 17..=512, self.side)?;
        within("routing", 1..=64, self.routing)?;
        check_width("width", self.width)?;
        within("capsules", 1..=2048, self.capsules)?;
        for width in self.decoder {
            check_width("decoder", width)?;
        }
        self.check_layers()?;
        check_amount("reconstruction", self.reconstruction)?;
        check_adam(ADAM_KEYS, &self.adam)?;
        check_smoothing(self.smoothing)
    }

    /// An error if a layer would be too large: the routed capsules, the primary ones' convolution, the decoder's last.
    fn check_layers(&self) -> Result<()> {
        const PRIMARY: usize = CapsNetConfig::PRIMARY;
        const KERNEL: usize = CapsNetConfig::KERNEL;
        let grid = self.network().grid();
        let routed = [grid, grid, PRIMARY, self.classes, CapsNetConfig::CLASS];
        let routed = [&[self.capsules], routed.as_slice()].concat();
        check_weights("capsules", &self.capsules, &routed)?;
        let primary = [self.width, self.capsules, PRIMARY, KERNEL, KERNEL];
        check_weights("width", &self.width, &primary)?;
        let image = [self.decoder[1], 3, self.side, self.side];
        check_weights("side", &self.side, &image)
    }
}

/// What of the network says how anomalous an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// How long the longest capsule is.
    Prediction,
    /// What is rebuilt of it.
    Reconstruction,
}

/// One of the two methods.
#[derive(Debug, Clone)]
pub(crate) struct By {
    pub(crate) config: CapsnetConfig,
    pub(crate) evidence: Evidence,
}
