//! PaDiM's settings.

use cavga_nn::kernels::gaussian::triangle;
use serde::{Deserialize, Serialize};

use crate::{
    FeatureConfig, Result,
    check::{check, check_smoothing},
};

/// The most numbers that the covariances may have: 16 GiB of them.
const MOST: usize = 1 << 32;

/// The least ε: the square root of less than its inverse is no number of single precision for long.
const LEAST: f64 = 1e-12;

/// PaDiM's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PadimConfig {
    /// The network whose features are looked at.
    pub encoder: FeatureConfig,
    /// How many of their channels, drawn by lot from the seed; all if there are no more. The paper's 100 of ResNet-18's 448. Memory
    /// and model grow with its square.
    pub channels: usize,
    /// ε, added to the diagonal of each covariance (the paper's 0.01).
    pub regularisation: f64,
    /// Deviation of the Gaussian that smooths the map, a part of the image's height: the paper's 4 pixels of 256.
    pub smoothing: f64,
}

impl Default for PadimConfig {
    fn default() -> Self {
        Self {
            encoder: FeatureConfig {
                stages: vec![1, 2, 3],
                ..FeatureConfig::default()
            },
            channels: 100,
            regularisation: 0.01,
            smoothing: 4.0 / 256.0,
        }
    }
}

impl PadimConfig {
    /// How many channels the Gaussians are of.
    pub(super) fn dims(&self) -> usize {
        self.channels.min(self.encoder.channels())
    }

    /// An error for settings that cannot work with so many positions.
    pub(super) fn check(&self, positions: usize) -> Result<()> {
        self.encoder.check()?;
        check("channels", self.channels > 0, "at least 1", &self.channels)?;
        let regular = (LEAST..f64::INFINITY).contains(&self.regularisation);
        check(
            "regularisation",
            regular,
            "a number of at least 1e-12",
            &self.regularisation,
        )?;
        check_smoothing(self.smoothing)?;
        let most = MOST / positions.max(1);
        let expected = format!(
            "fewer: covariances at {positions} positions would not fit in memory; smaller images or later encoder.stages help too"
        );
        check(
            "channels",
            triangle(self.dims()) <= most,
            &expected,
            &self.channels,
        )
    }
}
