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
    PAINT, Result, Scores,
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
pub(crate) struct Ae {
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

    /// What is made of images as the network takes them, with their paint where they don't count: the window of a pixel that counts then sees
    /// nothing of what the network drew elsewhere.
    fn reconstructed(&self, images: Tensor<4>, part: Option<&Part>) -> Tensor<4> {
        let reconstructions = self.autoencoder.forward(images);
        match part {
            Some(part) => part.painted(reconstructions, PAINT),
            None => reconstructions,
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
    fn maps(&self, images: Tensor<4>, part: Option<&Part>) -> Tensor<4> {
        let reconstructions = self.reconstructed(images.clone(), part);
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
            None => self.maps(images, part),
            Some(side) => {
                let of_patches = |patches, part: Option<&Part>| self.maps(patches, part);
                let grid = [side, config.patch_stride];
                patches::averaged(&images, part, 2, grid, of_patches)
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
        let reconstructions = self.reconstructed(images.clone(), lesson.part.as_ref());
        let reconstruction = lesson.mean(self.compared(images, reconstructions));
        let decay = losses::weight_decay(&self.autoencoder).filter(|_| config.decay > 0.0);
        let total = match decay {
            Some(decay) => reconstruction.clone() + decay.mul_scalar(config.decay),
            None => reconstruction.clone(),
        };
        Ok(vec![("total", total), ("reconstruction", reconstruction)])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ae::AeConfig;

    const SIZE: [usize; 2] = [32, 32];
    /// Columns that count.
    const COUNTED: usize = 20;

    fn part([height, width]: [usize; 2], device: &Device) -> Part {
        let ones = Tensor::ones([1, 1, height, COUNTED], device);
        let zeros = Tensor::zeros([1, 1, height, width - COUNTED], device);
        Part::new(Tensor::cat(vec![ones, zeros], 3))
    }

    /// Where images are but paint and count nowhere, nothing differs from its reconstruction; and so not in the windows of what counts.
    #[test]
    fn what_the_network_draws_where_nothing_counts_is_seen_by_no_window() {
        let device = Device::flex();
        let config = AeConfig {
            grey: Some(false),
            ..AeConfig::tiny()
        };
        for compare in [Compare::L2, Compare::Ssim] {
            let setting = compare.with(&config);
            let ae = Ae::new(&setting, SIZE, &mut Init::new(1, &device)).unwrap();
            let part = part(SIZE, &device);
            let images = part.painted(Tensor::full([1, 3, 32, 32], 0.7, &device), PAINT);
            let drawn = ae.reconstructed(images.clone(), Some(&part));
            let elsewhere = drawn.clone().narrow(3, COUNTED, 32 - COUNTED);
            assert!(elsewhere.all_close(Tensor::full([1, 3, 32, 12], PAINT, &device), None, None));
            // Half a window beyond the edge no counted pixel is seen; there all agrees.
            let maps = ae.maps(images, Some(&part));
            let beyond = maps.clone().narrow(3, COUNTED + 5, 32 - COUNTED - 5);
            assert!(beyond.abs().max().into_scalar::<f32>() < 1e-4);
            assert!(maps.narrow(3, 0, COUNTED).max().into_scalar::<f32>() > 1e-2);
        }
    }

    #[test]
    fn a_patch_is_painted_where_it_does_not_count() {
        let device = Device::flex();
        let config = AeConfig {
            patch: Some(32),
            patch_stride: 16,
            ..AeConfig::tiny()
        };
        let size = [32, 48];
        let setting = Compare::Ssim.with(&config);
        let ae = Ae::new(&setting, size, &mut Init::new(1, &device)).unwrap();
        let part = part(size, &device);
        let images = part.painted(Tensor::full([1, 3, 32, 48], 0.7, &device), PAINT);
        let scores = ae.score(images, Some(&part)).unwrap();
        let own = scores.maps[0].values.clone();
        // Of the right patch, the first four columns count; 5 further on their windows end.
        let beyond = own.narrow(2, COUNTED + 5, 48 - COUNTED - 5);
        assert!(beyond.abs().max().into_scalar::<f32>() < 1e-4);
    }
}
