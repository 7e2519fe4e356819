//! DC-GAN's settings.

use cavga_nn::adam::AdamConfig;
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    check::{ADAM_KEYS, check, check_adam, check_amount, check_share, check_width},
};

/// DC-GAN's settings. The default is the paper's but for what hundreds of images and a processor ask for, each
/// with its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DcganConfig {
    /// Passes over the images. Unknown in the paper, whose sets have 10⁵ images and more. After this many over 400 grey faces, which take a
    /// few minutes on two cores, the samples are faces.
    pub passes: usize,
    /// Images in a batch; DC-GAN's is 128. With a few hundred images there are then 4 steps in a pass, and as many steps as it takes
    /// to see a face take four times as long on a processor; for Celeb-A give 128.
    pub batch: usize,
    /// Channels of the discriminator's first convolution; CAVGA's `dcgan_width` has to be the same.
    pub width: usize,
    /// Numbers in the vector that the generator makes an image of.
    pub latent: usize,
    /// Adam of generator and discriminator alike.
    pub adam: AdamConfig,
    /// Mirror images left and right, half of the time: twice as many faces.
    pub flip: bool,
    /// The probability that the discriminator is asked for on real images; 1 is the paper's. Below 1 (Salimans et al. 2016) it does
    /// not grow ever more certain of a few hundred images that it knows by heart.
    pub real_target: f64,
    /// Deviation of the Gaussian noise on the images that the discriminator sees; 0 is the paper's. A little of it makes real and
    /// generated images overlap, without which a discriminator of few images soon wins outright.
    pub instance_noise: f64,
}

impl Default for DcganConfig {
    fn default() -> Self {
        Self {
            passes: 60,
            batch: 32,
            width: 64,
            latent: 100,
            adam: AdamConfig::dcgan(),
            flip: true,
            real_target: 0.9,
            instance_noise: 0.05,
        }
    }
}

impl DcganConfig {
    /// Few channels and passes, for tests.
    pub fn tiny() -> Self {
        Self {
            passes: 2,
            batch: 4,
            width: 2,
            latent: 4,
            ..Self::default()
        }
    }

    /// An error for a value that cannot work.
    pub fn check(&self) -> Result<()> {
        check("passes", self.passes > 0, "at least 1", &self.passes)?;
        check("batch", self.batch > 0, "at least 1", &self.batch)?;
        check_width("width", self.width)?;
        check_width("latent", self.latent)?;
        check_adam(ADAM_KEYS, &self.adam)?;
        check_share("real_target", self.real_target)?;
        check_amount("instance_noise", self.instance_noise)
    }
}
