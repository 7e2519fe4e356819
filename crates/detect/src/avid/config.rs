//! The settings of AVID.

use cavga_nn::adam::AdamConfig;
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    cavga::CavgaConfig,
    check::{
        ADAM_KEYS, check, check_adam, check_amount, check_smoothing, check_weights, check_width,
    },
};

/// The sides that images may have: the detector's last convolution needs four positions at a stride of 16.
const SIDES: std::ops::RangeInclusive<usize> = 64..=1 << 14;

/// Side of the kernels of either network's convolutions.
const KERNEL: usize = 4;

/// AVID's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AvidConfig {
    /// Passes over the training images. The reproduction's 20 are of 4000 images; hundreds of images take more, as CAVGA's 100.
    pub passes: usize,
    /// How often the inpainter halves the image; 5 in the reproduction.
    pub levels: usize,
    /// Channels of the inpainter's first convolution; 32 in the reproduction.
    pub width: usize,
    /// Channels of the detector's first convolution; 64 in the reproduction.
    pub detector_width: usize,
    /// γ, the deviation of the Gaussian noise that the inpainter is to clean, for images in [−1, 1]; 0.7 in the reproduction.
    pub noise: f64,
    /// The weight of |x − I(x̃)|, for images in [−1, 1], beside the adversarial loss. 100 in pix2pix; 0, none, in the paper and the reproduction.
    pub reconstruction: f64,
    /// Whether the detector sees the noisy image beside the one it judges, as in the reproduction; it does not in the paper.
    pub conditional: bool,
    /// The optimizer of either network.
    pub adam: AdamConfig,
    /// Deviation of the Gaussian that smooths `residual-smoothed`, as a fraction of the image's height.
    pub smoothing: f64,
}

impl Default for AvidConfig {
    fn default() -> Self {
        Self {
            passes: 100,
            levels: 5,
            width: 32,
            detector_width: 64,
            noise: 0.7,
            reconstruction: 0.0,
            conditional: false,
            adam: AdamConfig::dcgan(),
            smoothing: CavgaConfig::default().smoothing,
        }
    }
}

impl AvidConfig {
    /// Few channels and passes, for tests on images of 64 pixels.
    pub fn tiny() -> Self {
        Self {
            passes: 2,
            width: 2,
            detector_width: 4,
            ..Self::default()
        }
    }

    /// An error for settings that cannot work, or not with images of `size`, `[height, width]`.
    pub(super) fn check(&self, size: [usize; 2]) -> Result<()> {
        check("passes", self.passes > 0, "at least 1", &self.passes)?;
        let levels = self.levels;
        check("levels", (1..=8).contains(&levels), "1 to 8", &levels)?;
        // Each is checked before it is multiplied, which so cannot overflow.
        check_width("width", self.width)?;
        let deepest = self.width << (levels - 1);
        check_width("width", deepest)?;
        // On the way up, the bottom comes together with the scale above it.
        let factors = [deepest + deepest / 2, deepest, KERNEL, KERNEL];
        check_weights("width", &self.width, &factors)?;
        check_width("detector_width", self.detector_width)?;
        let last = 8 * self.detector_width;
        check_width("detector_width", last)?;
        let factors = [last / 2, last, KERNEL, KERNEL];
        check_weights("detector_width", &self.detector_width, &factors)?;
        let fits = !self.conditional || self.detector_width > 1;
        let found = self.detector_width;
        check("detector_width", fits, "at least 2, to be halved", &found)?;
        check_amount("noise", self.noise)?;
        check_amount("reconstruction", self.reconstruction)?;
        check_adam(ADAM_KEYS, &self.adam)?;
        check_smoothing(self.smoothing)?;
        let unit = 1 << levels.max(4);
        let fits = |side: &usize| SIDES.contains(side) && side.is_multiple_of(unit);
        let [height, width] = size;
        let expected = format!(
            "height and width of {} to {}, both multiples of {unit}",
            SIDES.start(),
            SIDES.end()
        );
        let found = format!("[{height}, {width}]");
        check("size", size.iter().all(fits), &expected, &found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused() {
        let config = AvidConfig::tiny();
        config.check([64, 96]).unwrap();
        for size in [[32, 64], [72, 64], [100, 100]] {
            config.check(size).unwrap_err();
        }
        for wide in [
            AvidConfig {
                width: 1024,
                ..config.clone()
            },
            AvidConfig {
                detector_width: 2048,
                ..config.clone()
            },
        ] {
            wide.check([64, 64]).unwrap_err();
        }
        for levels in [0, 9] {
            let config = AvidConfig {
                levels,
                ..config.clone()
            };
            config.check([256, 256]).unwrap_err();
        }
        let narrow = AvidConfig {
            conditional: true,
            detector_width: 1,
            ..config
        };
        narrow.check([64, 64]).unwrap_err();
    }
}
