//! What normal images look like: which channels are looked at, and their statistics at each position.

use burn::tensor::{DType, Tensor, TensorData};
use cavga_nn::{
    kernels::gaussian::{BLOCK, Scatter, triangle},
    ops,
    random::{self, Stream},
    state::{self, StateError},
};
use rand::seq::index;

use super::PadimConfig;
use crate::{Result, Tensors, features::Extractor};

/// The network, the channels of its features that are looked at, and what was seen of them.
#[derive(Debug)]
pub(super) struct Normal {
    pub(super) extractor: Extractor,
    /// In rising order.
    channels: Vec<u32>,
    pub(super) scatter: Scatter,
}

impl Normal {
    /// Nothing seen; channels drawn from `seed`.
    pub(super) fn new(config: &PadimConfig, extractor: Extractor, seed: u64) -> Result<Self> {
        let positions = extractor.positions();
        config.check(positions)?;
        let mut generator = random::generator(seed, Stream::Channels, 0);
        let drawn = index::sample(&mut generator, config.encoder.channels(), config.dims());
        let mut channels: Vec<_> = drawn.into_iter().map(|channel| channel as u32).collect();
        channels.sort_unstable();
        Ok(Self {
            scatter: Scatter::new(channels.len(), positions),
            extractor,
            channels,
        })
    }

    /// The vectors at each position of images, `[batch, dims, positions]`.
    pub(super) fn vectors(&self, images: Tensor<4>) -> Result<Vec<f32>> {
        Ok(chosen(self.extractor.features(images)?, &self.channels))
    }

    /// Adds its tensors to a state.
    pub(super) fn collect(&self, tensors: &mut Tensors) {
        self.extractor.collect(tensors);
        let count = self.channels.len();
        let channels = TensorData::new(self.channels.clone(), [count]);
        tensors.insert("channels".into(), channels);
        let shapes = shapes(count, self.extractor.positions());
        for ((name, shape), values) in shapes.into_iter().zip(self.scatter.parts()) {
            tensors.insert(name.into(), TensorData::new(values.to_vec(), shape));
        }
    }

    /// From what [`Normal::collect`] gave.
    pub(super) fn take(
        config: &PadimConfig,
        extractor: Extractor,
        tensors: &mut Tensors,
    ) -> Result<Self> {
        const CHANNELS: &str = "channels";
        let positions = extractor.positions();
        config.check(positions)?;
        let data = tensors
            .remove(CHANNELS)
            .ok_or_else(|| StateError::Missing(CHANNELS.into()))?;
        let wrong = StateError::Unfit {
            name: CHANNELS.into(),
            found: format!("{:?} of {:?}", data.dtype(), data.shape()),
        };
        let is_of_u32 = data.dtype() == DType::U32;
        let channels = data.try_into_vec::<u32>().ok().filter(|channels| {
            let exist = |&channel: &u32| (channel as usize) < config.encoder.channels();
            is_of_u32 && channels.len() == config.dims() && channels.iter().all(exist)
        });
        let channels = channels.ok_or(wrong)?;
        let mut parts = Vec::with_capacity(3);
        for (name, shape) in shapes(channels.len(), positions) {
            // As it lies, without a copy: they may be gigabytes. Of f32 they are now.
            let data = state::take(tensors, name, &shape)?;
            parts.push(data.try_into_vec::<f32>().unwrap_or_default());
        }
        let parts = <[Vec<f32>; 3]>::try_from(parts).ok();
        let scatter =
            parts.and_then(|parts| Scatter::from_parts([channels.len(), positions], parts));
        let missing = || StateError::Missing("normal".into());
        Ok(Self {
            scatter: scatter.ok_or_else(missing)?,
            extractor,
            channels,
        })
    }
}

/// Some channels of features.
///
/// # Shapes
/// - features: `[batch, all, height, width]` → `[batch, channels, height·width]`
pub(super) fn chosen(features: Tensor<4>, channels: &[u32]) -> Vec<f32> {
    let [_, all, height, width] = features.dims();
    let positions = height * width;
    let values = ops::values(features);
    let mut vectors = Vec::with_capacity(values.len() / all * channels.len());
    for image in values.chunks_exact(all * positions) {
        for &channel in channels {
            let from = channel as usize * positions;
            vectors.extend_from_slice(&image[from..from + positions]);
        }
    }
    vectors
}

/// Names and shapes of a scatter's parts.
fn shapes(dims: usize, positions: usize) -> [(&'static str, Vec<usize>); 3] {
    let blocks = positions.div_ceil(BLOCK);
    [
        ("normal.counts", vec![blocks, BLOCK]),
        ("normal.means", vec![blocks, dims, BLOCK]),
        ("normal.products", vec![blocks, triangle(dims), BLOCK]),
    ]
}
