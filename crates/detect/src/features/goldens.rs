//! The cases of `conformance/patches/make_goldens.py`, which computes what is expected from the papers in NumPy.

use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;

use crate::goldens::values;
pub(crate) use crate::goldens::values::{Summary, Worst};

/// How far from NumPy's a number may be, relative to the largest of its kind.
pub(crate) const LIMIT: f64 = 1e-4;

#[derive(Deserialize)]
pub(crate) struct Goldens {
    pub(crate) patchcore: Vec<Patchcore>,
    pub(crate) padim: Vec<Padim>,
}

/// What both methods' cases have.
#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    taps: Vec<[usize; 3]>,
    pub(crate) size: [usize; 2],
    train: usize,
    repeats: Vec<[usize; 2]>,
    scale: f64,
    test_scales: Vec<f64>,
    smoothing: f64,
}

#[derive(Deserialize)]
pub(crate) struct Patchcore {
    #[serde(flatten)]
    pub(crate) case: Case,
    pub(crate) share: f64,
    pub(crate) first: usize,
    /// Row, column, value.
    pub(crate) projection: Option<Vec<(usize, usize, f64)>>,
    pub(crate) neighbours: usize,
    pub(crate) rows: Summary,
    pub(crate) picks: Vec<usize>,
    pub(crate) tests: Vec<PatchcoreTest>,
}

#[derive(Deserialize)]
pub(crate) struct PatchcoreTest {
    pub(crate) distances: Vec<f64>,
    pub(crate) patch: usize,
    pub(crate) score: f64,
    pub(crate) map: Summary,
}

#[derive(Deserialize)]
pub(crate) struct Padim {
    #[serde(flatten)]
    pub(crate) case: Case,
    pub(crate) channels: Vec<u32>,
    pub(crate) epsilon: f64,
    pub(crate) tests: Vec<PadimTest>,
}

#[derive(Deserialize)]
pub(crate) struct PadimTest {
    pub(crate) distances: Vec<f64>,
    pub(crate) score: f64,
    pub(crate) map: Summary,
}

pub(crate) fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../../tests/goldens/patches.json")).unwrap()
}

impl Case {
    fn taps(&self, image: &str, scale: f64) -> Vec<Tensor<4>> {
        let taps = self.taps.iter().enumerate().map(|(tap, shape)| {
            let count = shape.iter().product();
            let numbers = values::uniform(&format!("{}/{image}/{tap}", self.name), count);
            let numbers: Vec<f32> = numbers
                .iter()
                .map(|number| (scale * number) as f32)
                .collect();
            let [channels, height, width] = *shape;
            let data = TensorData::new(numbers, [1, channels, height, width]);
            Tensor::from_data(data, &Device::flex())
        });
        taps.collect()
    }

    /// The taps of each training image.
    pub(crate) fn train(&self) -> Vec<Vec<Tensor<4>>> {
        let drawn = |image: usize| {
            let repeated = self.repeats.iter().find(|[again, _]| *again == image);
            repeated.map_or(image, |[_, of]| *of)
        };
        let images = (0..self.train).map(drawn);
        images
            .map(|image| self.taps(&format!("train{image}"), self.scale))
            .collect()
    }

    /// The taps of each test image.
    pub(crate) fn test(&self) -> Vec<Vec<Tensor<4>>> {
        let images = self.test_scales.iter().enumerate();
        let taps = |(image, scale)| self.taps(&format!("test{image}"), self.scale * scale);
        images.map(taps).collect()
    }

    /// Height and width of the finest tap.
    pub(crate) fn grid(&self) -> [usize; 2] {
        let [_, height, width] = self.taps[0];
        [height, width]
    }

    /// The smoothing, a part of the image's height.
    pub(crate) fn smoothing(&self) -> f64 {
        self.smoothing / self.size[0] as f64
    }

    /// The largest difference of `found` to `expected`, relative to the largest of these.
    pub(crate) fn apart(found: &[f32], expected: &[f64]) -> f64 {
        assert_eq!(found.len(), expected.len());
        let largest = expected
            .iter()
            .fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let pairs = found.iter().zip(expected);
        let apart = pairs.map(|(found, expected)| (f64::from(*found) - expected).abs());
        apart.fold(0.0, f64::max) / largest
    }
}
