//! The network that looks at images, and what it sees of them as rows or planes.

use burn::tensor::{Device, Tensor, module::avg_pool2d, ops::AvgPoolOptions};
use cavga_nn::{
    backbone::Backbone,
    inference::Taps,
    layers::{Init, Mode},
    ops, state,
};

use super::FeatureConfig;
use crate::{
    Error, Pretrained, Result, Tensors,
    check::{check, check_images},
    pretrained,
};

/// What the encoder's tensors are called in a detector's state.
const ENCODER: &str = "encoder.";

/// The longest side that images may have, and the shortest: features at a stride of 16 then are at least two to a side.
const SIDES: std::ops::RangeInclusive<usize> = 32..=4096;

/// A frozen network up to the last stage that is looked at.
#[derive(Debug)]
pub(crate) struct Extractor {
    backbone: Backbone,
    /// What runs instead where there is one.
    inference: Option<Taps>,
    /// Counted from 0.
    stages: Vec<usize>,
    size: [usize; 2],
    device: Device,
}

impl Extractor {
    /// With the weights that `known` brings, else drawn from `seed`.
    pub(crate) fn new(
        config: &FeatureConfig,
        size: [usize; 2],
        seed: u64,
        known: &Pretrained,
        device: &Device,
    ) -> Result<Self> {
        let backbone = backbone(config, size, seed, device)?;
        let backbone = match known.get(pretrained::ENCODER) {
            None => backbone,
            Some(file) => backbone
                .with_weights(file.tensors.clone())
                .map_err(Error::weights(&file.path))?,
        };
        Ok(Self::of(backbone, config, size, device))
    }

    /// With the weights of a detector's state.
    pub(crate) fn take(
        config: &FeatureConfig,
        size: [usize; 2],
        tensors: &mut Tensors,
        device: &Device,
    ) -> Result<Self> {
        // Any weights: they are replaced at once.
        let backbone = state::load(backbone(config, size, 0, device)?, ENCODER, tensors)?;
        Ok(Self::of(backbone, config, size, device))
    }

    fn of(backbone: Backbone, config: &FeatureConfig, size: [usize; 2], device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let stages: Vec<_> = config.stages.iter().map(|stage| stage - 1).collect();
        Self {
            inference: backbone.inference_taps(size, &stages),
            backbone,
            stages,
            size,
            device,
        }
    }

    /// Adds its tensors to a detector's state.
    pub(crate) fn collect(&self, tensors: &mut Tensors) {
        state::collect(&self.backbone, ENCODER, tensors);
    }

    /// As [`crate::Detector::score_as_trained`].
    pub(crate) fn run_as_trained(&mut self) -> bool {
        self.inference.take().is_some()
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    pub(crate) fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Height and width of the finest features.
    pub(crate) fn grid(&self) -> [usize; 2] {
        let stage = self.stages.first().copied().unwrap_or_default();
        self.backbone.tap_grid(stage, self.size)
    }

    /// How many positions that is.
    pub(crate) fn positions(&self) -> usize {
        self.grid().iter().product()
    }

    /// The features of each stage, on the grid of the finest.
    ///
    /// # Shapes
    /// - images: `[batch, 3, height, width]` in [0, 1] → `[batch, channels, grid height, grid width]`
    ///
    /// # Errors
    /// [`Error::Shape`] for images of another size.
    pub(crate) fn features(&self, images: Tensor<4>) -> Result<Tensor<4>> {
        Ok(on_grid(self.taps(images)?))
    }

    /// The same of features that know their neighbourhood, as [`local`] makes them.
    pub(crate) fn local_features(&self, images: Tensor<4>) -> Result<Tensor<4>> {
        Ok(local(self.taps(images)?))
    }

    fn taps(&self, images: Tensor<4>) -> Result<Vec<Tensor<4>>> {
        check_images(&images, self.size)?;
        if let Some(inference) = &self.inference {
            return Ok(inference.run(images));
        }
        let taps = self.backbone.taps(images, Mode::Score).into_iter();
        let wanted = taps
            .enumerate()
            .filter(|(stage, _)| self.stages.contains(stage));
        Ok(wanted.map(|(_, tap)| tap).collect())
    }
}

fn backbone(
    config: &FeatureConfig,
    size: [usize; 2],
    seed: u64,
    device: &Device,
) -> Result<Backbone> {
    config.check()?;
    let [height, width] = size;
    let expected = format!("height and width of {} to {}", SIDES.start(), SIDES.end());
    let fits = SIDES.contains(&height) && SIDES.contains(&width);
    check("size", fits, &expected, &format!("[{height}, {width}]"))?;
    let device = device.clone().without_autodiff();
    let deepest = config.stages.last().copied().unwrap_or(1);
    let whole = Backbone::new(config.backbone, 32, &mut Init::new(seed, &device));
    Ok(whole.up_to(deepest))
}

/// Each position's features in a row.
///
/// # Shapes
/// - features: `[batch, channels, height, width]` → `[batch, height, width, channels]`
pub(crate) fn rows(features: Tensor<4>) -> Vec<f32> {
    ops::values(features.permute([0, 2, 3, 1]))
}

/// Features averaged over 3×3 positions (PatchCore, section 3.1), then on one grid. Beyond the rim are zeros, and they count, as in the
/// paper's code.
pub(crate) fn local(taps: Vec<Tensor<4>>) -> Tensor<4> {
    let options = AvgPoolOptions::new([3, 3])
        .with_stride([1, 1])
        .with_padding([1, 1]);
    let averaged = taps.into_iter().map(|tap| avg_pool2d(tap, options.clone()));
    on_grid(averaged.collect())
}

/// Maps of different sizes behind one another, at the size of the first.
pub(crate) fn on_grid(taps: Vec<Tensor<4>>) -> Tensor<4> {
    let grid = taps.first().map(|first| {
        let [_, _, height, width] = first.dims();
        [height, width]
    });
    let sized = taps.into_iter().map(|tap| {
        let [_, _, height, width] = tap.dims();
        match grid {
            Some(grid) if grid != [height, width] => ops::resize_bilinear(tap, grid),
            _ => tap,
        }
    });
    Tensor::cat(sized.collect(), 1)
}
