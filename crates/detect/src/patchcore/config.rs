//! PatchCore's settings.

use serde::{Deserialize, Serialize};

use crate::{
    FeatureConfig, Memory, Precision, Result,
    check::{check, check_share, check_smoothing},
};

/// The least memory that lets a choice be made at all.
const LEAST_MEMORY: u64 = 1 << 20;

/// PatchCore's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatchcoreConfig {
    /// The network whose features are looked at.
    pub encoder: FeatureConfig,
    /// The part of all features that the bank keeps. The paper has 0.25, 0.1 and 0.01, whose scores differ in the third digit.
    pub coreset: f64,
    /// The most rows that the bank has: comparing an image with it takes time in proportion (`docs/memory-banks.md`).
    pub most: usize,
    /// Dimensions of the random projection that distances are measured in while rows are chosen, as in the paper's code; 0 for none. It is only
    /// made where it halves the features' channels at least, as those of the small encoders need none.
    pub projection: usize,
    /// How rows are kept.
    pub precision: Precision,
    /// The memory for features to choose among; the bank itself, and what a choice keeps of the rows that it picked, come on top. More features than fit are thinned by lot, each with the same chance to stay
    /// (reservoir sampling); what that costs is measured in `docs/memory-banks.md`.
    pub memory: Memory,
    /// Rows around the nearest one that the image score is weighed by (b in equation 7); 0 for the largest distance as it is.
    pub neighbours: usize,
    /// Deviation of the Gaussian that smooths the map, a part of the image's height: the paper's 4 pixels of 256.
    pub smoothing: f64,
}

impl Default for PatchcoreConfig {
    fn default() -> Self {
        Self {
            encoder: FeatureConfig::default(),
            coreset: 0.1,
            most: 10_000,
            projection: 128,
            precision: Precision::F32,
            memory: Memory::gib(2),
            neighbours: 9,
            smoothing: 4.0 / 256.0,
        }
    }
}

impl PatchcoreConfig {
    pub(super) fn check(&self) -> Result<()> {
        self.encoder.check()?;
        check_share("coreset", self.coreset)?;
        check("most", self.most > 0, "at least 1", &self.most)?;
        let enough = self.memory.bytes() >= LEAST_MEMORY;
        check("memory", enough, "at least 1 MiB", &self.memory)?;
        check_smoothing(self.smoothing)
    }

    /// Dimensions of the projection, if there is to be one of features of `width` channels.
    pub(super) fn projected(&self, width: usize) -> Option<usize> {
        (self.projection > 0 && 2 * self.projection <= width).then_some(self.projection)
    }

    /// How many rows a bank chosen among so many features has.
    pub(super) fn rows(&self, features: u64) -> usize {
        let share = (features as f64 * self.coreset) as usize;
        share.clamp(1, self.most)
    }
}
