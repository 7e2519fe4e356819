//! What the golden scripts and these tests share: numbers fixed by a name, and what is kept of a tensor.
//! `conformance/cavga/drawn.py` says the same in Python.

use burn::tensor::TensorData;
use serde::Deserialize;

/// Numbers in [−1, 1) fixed by a name: FNV-1a of the name, then SplitMix64 at each index, its upper 24 bits.
pub(crate) fn uniform(name: &str, count: usize) -> Vec<f64> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |seed, byte| {
        (seed ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let mix = |index: u64| {
        let mut z = seed.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (1..=count as u64)
        .map(|index| (mix(index) >> 40) as f64 / f64::from(1 << 23) - 1.0)
        .collect()
}

/// `shift + scale·uniform`, rounded to f32.
pub(crate) fn tensor(name: &str, shape: &[usize], scale: f64, shift: f64) -> TensorData {
    let values: Vec<f32> = uniform(name, shape.iter().product())
        .into_iter()
        .map(|value| (shift + scale * value) as f32)
        .collect();
    TensorData::new(values, shape.to_vec())
}

/// What is kept of a tensor.
#[derive(Debug, Deserialize)]
pub(crate) struct Summary {
    size: usize,
    norm: f64,
    /// Its largest magnitude.
    pub(crate) max: f64,
    sum: f64,
    /// Products with the numbers called `<name>/dot0` and `<name>/dot1`.
    dots: Vec<f64>,
    /// The first is where the tensor is largest.
    pub(crate) indices: Vec<usize>,
    /// The entries there.
    pub(crate) samples: Vec<f64>,
}

impl Summary {
    /// The largest error of `found`: of its entries relative to the largest of them, of its products with
    /// such numbers relative to its norm, of its sum relative to itself or the norm (entries of one sign err together).
    pub(crate) fn error(&self, name: &str, found: &[f32]) -> f64 {
        if found.len() != self.size {
            return f64::INFINITY;
        }
        let values = || found.iter().map(|&value| f64::from(value));
        let dot = |other: &[f64]| values().zip(other).map(|(a, b)| a * b).sum::<f64>();
        let relative = |found: f64, expected: f64, scale: f64| {
            let error = (found - expected).abs() / scale.max(1e-30);
            if error.is_nan() { f64::INFINITY } else { error }
        };
        let norm = values().map(|value| value * value).sum::<f64>().sqrt();
        let max = values().fold(0.0, |max: f64, value| max.max(value.abs()));
        let mut errors = vec![
            relative(norm, self.norm, self.norm),
            relative(max, self.max, self.max),
            relative(values().sum(), self.sum, self.sum.abs().max(self.norm)),
        ];
        for (k, &expected) in self.dots.iter().enumerate() {
            let numbers = uniform(&format!("{name}/dot{k}"), found.len());
            errors.push(relative(dot(&numbers), expected, self.norm));
        }
        for (&index, &expected) in self.indices.iter().zip(&self.samples) {
            errors.push(relative(f64::from(found[index]), expected, self.max));
        }
        errors.into_iter().fold(0.0, f64::max)
    }
}

/// The largest error so far, and where it was.
#[derive(Debug, Default)]
pub(crate) struct Worst {
    error: f64,
    place: String,
}

impl Worst {
    /// Takes in one more.
    pub(crate) fn add(&mut self, place: String, error: f64) {
        if error >= self.error || error.is_nan() {
            *self = Self { error, place };
        }
    }

    /// Says the worst, and fails if it is above `limit`.
    pub(crate) fn assert_within(&self, limit: f64) {
        println!(
            "largest relative error {:.1e}, of {}",
            self.error, self.place
        );
        assert!(
            self.error <= limit,
            "{}: a relative error of {:e}, more than {limit:e}",
            self.place,
            self.error
        );
    }
}
