//! From one number for each position of a grid to a smooth map of the image.

use burn::tensor::{Device, Tensor, TensorData};
use cavga_nn::{ops, part::Part};

use crate::{Result, check::check_valid, smooth::Gaussian};

/// Positions that count are those of whose area so much does.
const COUNTS: f32 = 0.5;

/// Below this, nothing near a pixel counts, and its value is nothing.
const NOTHING: f64 = 1e-6;

/// What counts of a batch of images, where not all does: which pixels, and which positions of a grid.
#[derive(Debug)]
pub(crate) struct Counted(Option<(Part, Vec<f32>)>);

impl Counted {
    /// `valid`: as in [`Batch`](crate::Batch).
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if it is not said of each pixel of the images.
    pub(crate) fn of(
        images: &Tensor<4>,
        valid: Option<Tensor<4>>,
        grid: [usize; 2],
    ) -> Result<Self> {
        let part = valid.map(Part::new);
        check_valid(images, part.as_ref())?;
        Ok(Self(part.map(|part| {
            let shares = ops::values(part.on_grid(grid).valid().clone()).into_iter();
            let counts = shares.map(|share| f32::from(share >= COUNTS)).collect();
            (part, counts)
        })))
    }

    /// All of them.
    #[cfg(test)]
    pub(crate) fn all() -> Self {
        Self(None)
    }

    /// 1 if the position counts, else 0, of all images' positions in a row.
    pub(crate) fn get(&self, at: usize) -> f32 {
        let counts = self.0.as_ref().and_then(|(_, counts)| counts.get(at));
        counts.copied().unwrap_or(1.0)
    }

    /// The largest value of each image where it counts.
    ///
    /// # Shapes
    /// - map: `[batch, 1, height, width]`
    pub(crate) fn largest(&self, map: Tensor<4>) -> Vec<f32> {
        ops::values(match &self.0 {
            Some((part, _)) => part.largest(map),
            None => map.max_dim(3).max_dim(2),
        })
    }
}

/// Makes maps of images of one size.
#[derive(Debug)]
pub(crate) struct MapMaker {
    grid: [usize; 2],
    size: [usize; 2],
    smoothing: Gaussian,
    device: Device,
}

impl MapMaker {
    /// `smoothing`: deviation of the Gaussian, a part of the images' height.
    pub(crate) fn new(grid: [usize; 2], size: [usize; 2], smoothing: f64, device: &Device) -> Self {
        Self {
            grid,
            size,
            smoothing: Gaussian::new(smoothing * size[0] as f64, device),
            device: device.clone(),
        }
    }

    /// Bilinear to the images' size, then smoothed. Positions that don't count weigh nothing in it: near them a map is the weighted mean of
    /// those that do.
    ///
    /// # Shapes
    /// - values: of all images' positions in a row → `[batch, 1, height, width]`
    pub(crate) fn map(&self, values: Vec<f32>, counted: &Counted) -> Tensor<4> {
        let Some((_, counts)) = &counted.0 else {
            return self.smooth(values);
        };
        let weighed = values
            .iter()
            .zip(counts)
            .map(|(value, counts)| value * counts);
        let sums = self.smooth(weighed.collect());
        let weights = self.smooth(counts.clone());
        sums / weights.clamp_min(NOTHING)
    }

    fn smooth(&self, values: Vec<f32>) -> Tensor<4> {
        let [height, width] = self.grid;
        let batch = values.len() / (height * width).max(1);
        let data = TensorData::new(values, [batch, 1, height, width]);
        let map = ops::resize_bilinear(Tensor::from_data(data, &self.device), self.size);
        self.smoothing.apply(map)
    }
}
