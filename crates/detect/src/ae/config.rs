//! Settings.

use cavga_nn::{adam::AdamConfig, conv_autoencoder::Plan};
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    cavga::CavgaConfig,
    check::{ADAM_KEYS, check, check_adam, check_amount, check_plan, check_smoothing, check_width},
};

/// The settings of `ae-l2` and `ae-ssim`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AeConfig {
    /// Passes over the training images: 200, the papers'.
    pub passes: usize,
    /// Numbers of the code: 100, the papers'; more do not improve reconstructions, fewer blur them (MVTec AD, section 4.1.2).
    pub latent: usize,
    /// Channels of the first convolution, 32 in the papers.
    pub width: usize,
    /// Whether images are made grey first. If not said, they are for `ae-ssim` alone, as in MVTec AD: SSIM is defined for one channel.
    pub grey: Option<bool>,
    /// Side of the patches of textures in pixels: 128 in the papers, of images of 512. If not said, images are taken whole, as of objects.
    pub patch: Option<usize>,
    /// Patches drawn of each image of a batch, where there are patches. The papers draw 10,000 of a category's images, some 40 of each; with 4,
    /// a batch of 32 images is the 128 patches of theirs.
    pub patches_per_image: usize,
    /// Pixels between two patches that are scored: 30, the papers'.
    pub patch_stride: usize,
    /// Side of SSIM's window in pixels, odd: 11, the papers'.
    pub ssim_window: usize,
    /// The optimizer: rate 2e-4, the papers'.
    pub adam: AdamConfig,
    /// Weight decay: 1e-5, the papers', added to gradients as torch's Adam does.
    pub decay: f64,
    /// Deviation of the Gaussian that smooths maps, as a fraction of the image's height: as CAVGA's.
    pub smoothing: f64,
}

impl Default for AeConfig {
    fn default() -> Self {
        Self {
            passes: 200,
            latent: 100,
            width: 32,
            grey: None,
            patch: None,
            patches_per_image: 4,
            patch_stride: 30,
            ssim_window: 11,
            adam: AdamConfig::new(2e-4),
            decay: 1e-5,
            smoothing: CavgaConfig::default().smoothing,
        }
    }
}

impl AeConfig {
    /// The setting for textures, for images of 256 pixels or, as the papers', 512.
    pub fn texture() -> Self {
        Self {
            patch: Some(128),
            ..Self::default()
        }
    }

    /// Few channels and passes, for tests.
    pub fn tiny() -> Self {
        Self {
            passes: 2,
            latent: 6,
            width: 4,
            ..Self::default()
        }
    }

    /// Sizes of the images that the network itself sees, of images of `size`.
    pub(super) fn seen(&self, size: [usize; 2]) -> [usize; 2] {
        self.patch.map_or(size, |side| [side; 2])
    }

    /// The layers for images of `size`, `[height, width]`, of `channels`; or an error for settings that cannot work.
    pub(super) fn plan(&self, channels: usize, size: [usize; 2]) -> Result<Plan> {
        check_width("latent", self.latent)?;
        check_width("width", self.width)?;
        check_adam(ADAM_KEYS, &self.adam)?;
        check_amount("decay", self.decay)?;
        check_smoothing(self.smoothing)?;
        let window = self.ssim_window;
        let fits = window % 2 == 1 && window <= 101;
        check("ssim_window", fits, "an odd number up to 101", &window)?;
        let key = match self.patch {
            None => "size",
            Some(side) => {
                let fits = side <= size[0].min(size[1]);
                let expected = format!("at most the images' sides, {size:?}");
                check("patch", fits, &expected, &side)?;
                let stride = self.patch_stride;
                let expected = "1 up to the side of a patch";
                check(
                    "patch_stride",
                    (1..=side).contains(&stride),
                    expected,
                    &stride,
                )?;
                let count = self.patches_per_image;
                let fits = (1..=1024).contains(&count);
                check("patches_per_image", fits, "1 to 1024", &count)?;
                "patch"
            }
        };
        let seen = self.seen(size);
        let plan = Plan::bergmann(channels, seen, self.width);
        check_plan(plan, [self.width, self.latent], key, seen)
    }
}

/// What tells an image from its reconstruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Squared differences of pixels.
    L2,
    /// Structural similarity.
    Ssim,
}

/// A method's settings, and which of the two methods it is.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(super) compare: Compare,
    pub(super) config: AeConfig,
}

impl Compare {
    pub(crate) fn with(self, config: &AeConfig) -> Setting {
        Setting {
            compare: self,
            config: config.clone(),
        }
    }
}

impl Setting {
    /// Whether images are made grey first.
    pub(super) fn is_grey(&self) -> bool {
        self.config.grey.unwrap_or(self.compare == Compare::Ssim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn refused(config: &AeConfig, size: [usize; 2]) -> Option<&'static str> {
        match config.plan(3, size) {
            Err(Error::Config { key, .. }) => Some(key),
            _ => None,
        }
    }

    #[test]
    fn settings_and_sizes_that_cannot_work_are_refused_by_their_key() {
        let texture = AeConfig::texture();
        for size in [[256, 256], [512, 512], [128, 192], [28, 28], [32, 32]] {
            assert_eq!(refused(&AeConfig::default(), size), None, "{size:?}");
        }
        assert_eq!(refused(&texture, [300, 130]), None);
        assert_eq!(refused(&texture, [96, 128]), Some("patch"));
        assert_eq!(refused(&AeConfig::default(), [132, 132]), Some("size"));
        let wide = AeConfig {
            width: 16384,
            ..AeConfig::default()
        };
        assert_eq!(refused(&wide, [256, 256]), Some("width"));
        let strideless = AeConfig {
            patch_stride: 0,
            ..texture.clone()
        };
        assert_eq!(refused(&strideless, [256, 256]), Some("patch_stride"));
        let even = AeConfig {
            ssim_window: 10,
            ..texture
        };
        assert_eq!(refused(&even, [256, 256]), Some("ssim_window"));
    }

    #[test]
    fn images_are_grey_for_ssim_alone_unless_said() {
        let mut config = AeConfig::default();
        let grey =
            |config: &AeConfig| [Compare::L2, Compare::Ssim].map(|of| of.with(config).is_grey());
        assert_eq!(grey(&config), [false, true]);
        config.grey = Some(false);
        assert_eq!(grey(&config), [false, false]);
    }
}
