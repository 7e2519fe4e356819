//! The network, its losses and its scores.

use burn::{
    module::Module,
    tensor::{Tensor, TensorData},
};
use cavga_nn::{conv_autoencoder::ConvAutoencoder, layers::Init, losses, part::Part, ssim::Ssim};

use super::{
    config::{Compare, Setting},
    patches,
};
use crate::{
    Result, Scores,
    descent::{Descends, Lesson, Network},
    scores::{Names, of_map, of_residual},
    smooth::Gaussian,
};

/// Red, green and blue in a grey value (ITU-R BT.601), as image libraries take it.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

const L2: Names = Names {
    plain: "l2",
    smoothed: "l2-smoothed",
    smoothed_max: "l2-smoothed-max",
};

const SSIM: Names = Names {
    plain: "one-minus-ssim",
    smoothed: "one-minus-ssim-smoothed",
    smoothed_max: "one-minus-ssim-smoothed-max",
};

/// The autoencoder with what compares its reconstructions.
#[derive(Module, Debug)]
pub(super) struct Ae {
    autoencoder: ConvAutoencoder,
    #[module(skip)]
    setting: Setting,
    #[module(skip)]
    ssim: Ssim,
    #[module(skip)]
    smoothing: Gaussian,
}

impl Ae {
    /// Images as the network takes them, grey or not.
    fn taken(&self, images: Tensor<4>) -> Tensor<4> {
        match self.setting.is_grey() {
            true => grey(images),
            false => images,
        }
    }

    /// What tells images from their reconstructions at each position and channel.
    fn compared(&self, images: Tensor<4>, reconstructions: Tensor<4>) -> Tensor<4> {
        match self.setting.compare {
            Compare::L2 => (images - reconstructions).square(),
            Compare::Ssim => {
                let alike = self.ssim.map(images, reconstructions);
                alike.neg().add_scalar(1.0)
            }
        }
    }

    /// The method's own map and the residual of images as the network takes them, side by side as two channels.
    fn maps(&self, images: Tensor<4>) -> Tensor<4> {
        let reconstructions = self.autoencoder.forward(images.clone());
        let residual = (images.clone() - reconstructions.clone()).abs().mean_dim(1);
        let own = self.compared(images, reconstructions).mean_dim(1);
        Tensor::cat(vec![own, residual], 1)
    }
}

/// The grey values of colours.
///
/// # Shapes
/// - images: `[batch, 3, height, width]` → `[batch, 1, height, width]`
fn grey(images: Tensor<4>) -> Tensor<4> {
    let weights = TensorData::new(LUMA.to_vec(), [1, LUMA.len(), 1, 1]);
    let weights = Tensor::from_data(weights, &images.device());
    (images * weights).sum_dim(1)
}

impl Network for Ae {
    type Config = Setting;

    fn new(setting: &Setting, size: [usize; 2], init: &mut Init) -> Result<Self> {
        let config = &setting.config;
        let channels = if setting.is_grey() { 1 } else { 3 };
        let plan = config.plan(channels, size)?;
        Ok(Self {
            autoencoder: ConvAutoencoder::new(&plan, config.latent, init),
            setting: setting.clone(),
            ssim: Ssim::new(config.ssim_window, init.device()),
            smoothing: Gaussian::of_height(config.smoothing, size, init.device()),
        })
    }

    fn score(&self, images: Tensor<4>, part: Option<&Part>) -> Result<Scores> {
        let images = self.taken(images);
        let config = &self.setting.config;
        let maps = match config.patch {
            None => self.maps(images),
            Some(side) => {
                let of_patches = |patches| self.maps(patches);
                patches::averaged(&images, 2, [side, config.patch_stride], of_patches)
            }
        };
        let names = match self.setting.compare {
            Compare::L2 => L2,
            Compare::Ssim => SSIM,
        };
        let [own, residual] = [0, 1].map(|channel| maps.clone().narrow(1, channel, 1));
        let own = of_map(names, own, &self.smoothing, part);
        Ok(own.beside(of_residual(residual, &self.smoothing, part)))
    }
}

impl Descends for Ae {
    fn losses(&self, lesson: &Lesson) -> Result<Vec<(&'static str, Tensor<1>)>> {
        let config = &self.setting.config;
        let drawn = config
            .patch
            .map(|side| patches::draw(lesson, side, config.patches_per_image));
        let lesson = drawn.as_ref().unwrap_or(lesson);
        let images = self.taken(lesson.images.clone());
        let reconstructions = self.autoencoder.forward(images.clone());
        let reconstruction = lesson.mean(self.compared(images, reconstructions));
        let decay = losses::weight_decay(&self.autoencoder).filter(|_| config.decay > 0.0);
        let total = match decay {
            Some(decay) => reconstruction.clone() + decay.mul_scalar(config.decay),
            None => reconstruction.clone(),
        };
        Ok(vec![("total", total), ("reconstruction", reconstruction)])
    }
}
