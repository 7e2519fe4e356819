//! The two networks, what each descends, and what they say of images together.

use burn::{
    module::{Module, RunningState},
    tensor::Tensor,
};
use cavga_nn::{
    layers::{Init, Mode},
    ops,
    part::{Part, mean_of_each},
    patch_discriminator::PatchDiscriminator,
    unet::UNet,
};

use super::AvidConfig;
use crate::{
    Batch, Error, Result, Scores,
    descent::Network,
    scores::{largest, named, of_residual},
    smooth::Gaussian,
};

/// The own map and its largest value, which know what is normal.
const IRREGULARITY: &str = "irregularity";
const IRREGULARITY_MAX: &str = "irregularity-max";

/// Below any mean that a map has unless its network is dead.
const LEAST: f64 = 1e-6;

/// Inpainter and detector.
#[derive(Module, Debug)]
pub struct Avid {
    pub(super) inpainter: UNet,
    pub(super) detector: PatchDiscriminator,
    /// The means of |x − I(x)| and of 1 − D(x) on normal images, `[2]`.
    normal: RunningState<Tensor<1>>,
    #[module(skip)]
    smoothing: Gaussian,
}

/// Two maps `[batch, 1, height, width]`: |x − I(x)|, its mean over channels, and 1 − D(x).
type Maps = [Tensor<4>; 2];

impl Avid {
    /// Fresh weights, for images of `size`, `[height, width]`.
    ///
    /// # Errors
    /// [`Error::Config`] for settings that cannot work, or not at this size.
    pub fn new(config: &AvidConfig, size: [usize; 2], init: &mut Init) -> Result<Self> {
        config.check(size)?;
        let device = init.device().clone().without_autodiff();
        Ok(Self {
            inpainter: UNet::new(config.levels, config.width, init),
            detector: PatchDiscriminator::new(config.detector_width, config.conditional, init),
            normal: RunningState::new(Tensor::ones([2], &device)),
            smoothing: Gaussian::of_height(config.smoothing, size, init.device()),
        })
    }

    /// I(x̃) of noisy images, in training.
    ///
    /// # Shapes
    /// - noisy: `[batch, 3, height, width]` → the same, in [0, 1]
    pub fn inpaint(&self, noisy: Tensor<4>) -> Tensor<4> {
        ops::sigmoid(self.inpainter.forward(noisy, Mode::Train))
    }

    /// What the detector descends: half of −log D(x) − log(1 − D(I(x̃))) of each patch.
    ///
    /// # Shapes
    /// - images, inpainted, noisy: `[batch, 3, height, width]`; `inpainted` off the inpainter's tape
    /// - output: `[batch, 1, height/16 − 3, width/16 − 3]`
    pub fn detector_loss(
        &self,
        images: Tensor<4>,
        inpainted: Tensor<4>,
        noisy: Tensor<4>,
    ) -> Tensor<4> {
        let real = self.detector.forward(images, noisy.clone(), Mode::Train);
        let fake = self.detector.forward(inpainted, noisy, Mode::Train);
        // As pix2pix: the detector learns half as fast as it would.
        (ops::softplus(real.neg()) + ops::softplus(fake)).mul_scalar(0.5)
    }

    /// What the inpainter descends: −log D(I(x̃)) of each patch, by a detector that stays as it is.
    ///
    /// # Shapes
    /// - as [`Avid::detector_loss`]
    pub fn adversarial_loss(&self, inpainted: Tensor<4>, noisy: Tensor<4>) -> Tensor<4> {
        let judge = self.detector.clone().no_grad();
        ops::softplus(judge.forward(inpainted, noisy, Mode::Look).neg())
    }

    /// What either network says of images, without noise.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1]
    pub fn maps(&self, images: Tensor<4>) -> Maps {
        let inpainted = ops::sigmoid(self.inpainter.forward(images.clone(), Mode::Score));
        let real = self
            .detector
            .forward(images.clone(), images.clone(), Mode::Score);
        // 1 − σ(l) = σ(−l).
        let doubt = in_place(ops::sigmoid(real.neg()));
        [(images - inpainted).abs().mean_dim(1), doubt]
    }

    /// Where both maps are far above what is normal.
    fn irregularity(&self, [residual, doubt]: Maps) -> Tensor<4> {
        let normal = self.normal.value().clamp_min(LEAST);
        let over_normal = |map: Tensor<4>, index: usize| {
            map / normal.clone().narrow(0, index, 1).reshape([1, 1, 1, 1])
        };
        over_normal(residual, 0).min_pair(over_normal(doubt, 1))
    }
}

/// The mean over what counts of each image, and over the images, of what is said of patches: each weighs by its share of pixels that count
/// about its middle, and of the image's rim, where no patch has its middle, nothing is asked.
///
/// # Shapes
/// - values: `[batch, 1, height/16 − 3, width/16 − 3]` → `[1]`
pub(super) fn mean_of_patches(values: Tensor<4>, part: Option<&Part>) -> Tensor<1> {
    let inner = part.map(|part| part.without_rim(PatchDiscriminator::RIM));
    mean_of_each(values, inner.as_ref()).mean()
}

/// The detector's map at the image's size: each value where its patch has its middle, the rim's beyond it.
fn in_place(map: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = map.dims();
    let size = [height, width].map(|side| side * PatchDiscriminator::STRIDE);
    let rim = PatchDiscriminator::RIM;
    let map = ops::resize_bilinear(map, size);
    ops::extend(ops::extend(map, 2, rim), 3, rim)
}

impl Network for Avid {
    type Config = AvidConfig;

    fn new(config: &AvidConfig, size: [usize; 2], init: &mut Init) -> Result<Self> {
        Self::new(config, size, init)
    }

    fn fit(self, held_out: &mut dyn Iterator<Item = Result<Batch>>) -> Result<Self> {
        let (mut sums, mut count) = ([0.0; 2], 0);
        for batch in held_out {
            let Batch { images, valid, .. } = batch?;
            count += images.dims()[0];
            let part = valid.map(Part::new);
            for (sum, map) in sums.iter_mut().zip(self.maps(images)) {
                *sum += mean_of_each(map, part.as_ref()).sum().into_scalar::<f32>();
            }
        }
        if count == 0 {
            return Err(Error::NoImages(
                "no normal image was held out: what is normal of the two maps is told by at least one",
            ));
        }
        let normal = Tensor::from_floats(sums, &self.normal.value().device());
        self.normal.update(normal.div_scalar(count as f64));
        self.normal.value_sync();
        Ok(self)
    }

    fn is_fitted(&self, name: &str) -> bool {
        [IRREGULARITY, IRREGULARITY_MAX].contains(&name)
    }

    fn score(&self, images: Tensor<4>, part: Option<&Part>) -> Result<Scores> {
        let [residual, doubt] = self.maps(images);
        let irregularity = self.irregularity([residual.clone(), doubt.clone()]);
        let own = Scores {
            images: vec![
                largest(IRREGULARITY_MAX, &irregularity, part),
                largest("detector-max", &doubt, part),
            ],
            maps: vec![named(IRREGULARITY, irregularity), named("detector", doubt)],
        };
        Ok(own.beside(of_residual(residual, &self.smoothing, part)))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_patch_weighs_by_what_counts_about_its_middle() {
        let device = Device::flex();
        // Of 96 × 96 pixels, logits have their middles at 32, 48 and 64; the pixels of columns 24 to 40 count, which are the first's.
        let valid = Tensor::<4>::zeros([1, 1, 96, 96], &device)
            .slice_fill([0..1, 0..1, 0..96, 24..40], 1.0);
        let part = Part::new(valid);
        let rows = [[[[1.0, 20.0, 300.0], [2.0, 40.0, 600.0], [3.0, 60.0, 900.0]]]];
        let values = Tensor::<4>::from_floats(rows, &device);
        let found = mean_of_patches(values.clone(), Some(&part)).into_scalar::<f32>();
        assert!((found - 2.0).abs() < 1e-5, "{found}");
        let all = mean_of_patches(values.clone(), None).into_scalar::<f32>();
        assert!((all - values.mean().into_scalar::<f32>()).abs() < 1e-4);
    }
}
