//! Settings.

use cavga_nn::{adam::AdamConfig, conv_autoencoder::Plan};
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    cavga::CavgaConfig,
    check::{ADAM_KEYS, check, check_adam, check_amount, check_plan, check_smoothing, check_width},
};

/// The most steps of a projection.
const MOST_STEPS: usize = 10_000;

/// The settings of `gamma-vae-grad`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GammaVaeConfig {
    /// Passes over the training images: 200, as the autoencoders of the same layers.
    pub passes: usize,
    /// Numbers of the latent: 100, as the autoencoders of the same layers.
    pub latent: usize,
    /// Channels of the first convolution, as the autoencoders of the same layers.
    pub width: usize,
    /// How many times faster than a weight log γ moves. At 1, it would need tens of thousands of steps from γ = 1 to the few hundredths that
    /// reconstructions of normal images are off by.
    pub gamma_rate: f64,
    /// The optimizer: rate 2e-4, as the autoencoders of the same layers.
    pub adam: AdamConfig,
    /// How an image is projected.
    pub projection: ProjectionConfig,
    /// Deviation of the Gaussian that smooths maps, as a fraction of the image's height: as CAVGA's.
    pub smoothing: f64,
}

/// Steps down the energy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectionConfig {
    /// α: 0.5, for images in [0, 1], as a public re-implementation has it; another has 0.1 for images in [−1, 1], which is 0.4 here.
    pub rate: f64,
    /// λ, the weight of ‖x − x₀‖₁: 0.05, as the public re-implementation for images in [0, 1] has it; the other's 0.05 for images in [−1, 1]
    /// is 0.025 here.
    pub weight: f64,
    /// The weight in E of the KL term, which is 2γ²·KL then; 0 leaves it out.
    pub divergence: f64,
    /// The most steps, T.
    pub iterations: usize,
    /// Whether an image is left alone as soon as its L_r is as low as the lowest of normal images held out of training.
    pub stops: bool,
}

impl Default for ProjectionConfig {
    fn default() -> Self {
        Self {
            rate: 0.5,
            weight: 0.05,
            divergence: 0.0,
            iterations: 100,
            stops: true,
        }
    }
}

impl Default for GammaVaeConfig {
    fn default() -> Self {
        let ae = crate::ae::AeConfig::default();
        Self {
            passes: ae.passes,
            latent: ae.latent,
            width: ae.width,
            gamma_rate: 50.0,
            adam: ae.adam,
            projection: ProjectionConfig::default(),
            smoothing: CavgaConfig::default().smoothing,
        }
    }
}

impl GammaVaeConfig {
    /// Few channels, passes and steps, for tests.
    pub fn tiny() -> Self {
        Self {
            passes: 2,
            latent: 6,
            width: 4,
            // What a network that has hardly learnt is off by is large, and (x − x̂)² makes of it steps too long for the paper's rate.
            projection: ProjectionConfig {
                rate: 0.01,
                iterations: 4,
                ..ProjectionConfig::default()
            },
            ..Self::default()
        }
    }

    /// The layers for images of `size`, `[height, width]`; or an error for settings that cannot work.
    pub(super) fn plan(&self, size: [usize; 2]) -> Result<Plan> {
        check_width("latent", self.latent)?;
        check_width("width", self.width)?;
        check_amount("gamma_rate", self.gamma_rate)?;
        check_adam(ADAM_KEYS, &self.adam)?;
        check_amount("projection.rate", self.projection.rate)?;
        check_amount("projection.weight", self.projection.weight)?;
        check_amount("projection.divergence", self.projection.divergence)?;
        let steps = self.projection.iterations;
        let fits = steps <= MOST_STEPS;
        let expected = format!("at most {MOST_STEPS}");
        check("projection.iterations", fits, &expected, &steps)?;
        check_smoothing(self.smoothing)?;
        let plan = Plan::bergmann(3, size, self.width);
        check_plan(plan, [self.width, self.latent], "size", size)
    }
}
