//! From one number for each position of a grid to a smooth map of the image.

use burn::tensor::{Device, Tensor, TensorData};
use cavga_nn::{ops, part::Part};

use crate::smooth::Gaussian;

/// Positions that count are those of whose area so much does.
const COUNTS: f32 = 0.5;

/// Below this, nothing near a pixel counts, and its value is nothing.
const NOTHING: f64 = 1e-6;

/// Which positions of a grid count, where not all do.
#[derive(Debug)]
pub(crate) struct Counted(Option<Vec<f32>>);

impl Counted {
    /// Of a batch of images on `grid`.
    pub(crate) fn of(part: Option<&Part>, grid: [usize; 2]) -> Self {
        let shares = part.map(|part| {
            let shares = part.on_grid(grid).valid().clone().into_data();
            let counts = shares.iter::<f32>().map(|share| f32::from(share >= COUNTS));
            counts.collect()
        });
        Self(shares)
    }

    /// 1 if the position counts, else 0, of all images' positions in a row.
    pub(crate) fn get(&self, at: usize) -> f32 {
        let all = |values: &Vec<f32>| values.get(at).copied();
        self.0.as_ref().and_then(all).unwrap_or(1.0)
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
        let Some(counts) = &counted.0 else {
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
