//! How far vectors lie from those of normal images, in the units of how these vary: the distance of Mahalanobis (1936), under a covariance
//! that is shrunk, as there may be fewer images than numbers in a vector.
//!
//! A vector has two halves, of two things in units of their own: each is divided by its root mean variance, so that the numbers' mean variance
//! is 1. With X the n centred vectors as rows and Σ = XᵀX/n + λI, Woodbury's identity makes of vᵀΣ⁻¹v (|v|² − |Wv|²)/λ, where
//! W = L⁻¹X/√(nλ) and LLᵀ = I + XXᵀ/(nλ). What is factorised is as large as the images are many, its eigenvalues are at least 1, and a W is
//! kept, not a Σ.

use burn::tensor::TensorData;
use cavga_nn::state;

use crate::{Result, Tensors};

/// λ, beside a mean variance of 1: much less, and what normal images did not happen to show counts too much; much more, and how they vary no longer
/// counts.
const SHRINKAGE: f64 = 0.3;

/// Images that are looked at; more say little more, and the work grows with their square.
const MAX_IMAGES: usize = 1024;

/// Vectors of normal images so far.
#[derive(Debug, Default)]
pub(super) struct Vectors {
    rows: Vec<Vec<f64>>,
}

/// What they say.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    mean: Vec<f32>,
    /// What a centred vector's halves are multiplied by.
    scales: [f32; 2],
    /// W, a row of as many numbers as `mean` after the other.
    directions: Vec<f32>,
}

impl Vectors {
    /// Takes in vectors of `length`, one after the other.
    pub(super) fn add(&mut self, values: &[f32], length: usize) {
        let room = MAX_IMAGES.saturating_sub(self.rows.len());
        let rows = values.chunks_exact(length.max(1)).take(room);
        self.rows
            .extend(rows.map(|row| row.iter().map(|&value| f64::from(value)).collect()));
    }

    /// What they say; `None` without a vector.
    pub(super) fn spread(mut self) -> Option<Spread> {
        let images = self.rows.len() as f64;
        let mut mean = vec![0.0; self.rows.first()?.len()];
        for row in &self.rows {
            add_scaled(&mut mean, row, 1.0 / images);
        }
        let mut squares = [0.0; 2];
        for row in &mut self.rows {
            add_scaled(row, &mean, -1.0);
            let (first, second) = row.split_at(row.len() / 2);
            squares[0] += dot(first, first);
            squares[1] += dot(second, second);
        }
        let numbers = images * (mean.len() as f64 / 2.0).max(1.0);
        // So small a deviation only where all vectors are the same one.
        let scales = squares.map(|squares| 1.0 / (squares / numbers).sqrt().max(1e-6));
        for row in &mut self.rows {
            scale_halves(row, scales.map(|scale| scale / (images * SHRINKAGE).sqrt()));
        }
        whiten(&mut self.rows);
        let small = |value: f64| value as f32;
        Some(Spread {
            mean: mean.into_iter().map(small).collect(),
            scales: scales.map(small),
            directions: self.rows.into_iter().flatten().map(small).collect(),
        })
    }
}

impl Spread {
    /// The distance of each of `values`' vectors, one after the other.
    pub(super) fn distances(&self, values: &[f32]) -> Vec<f32> {
        let length = self.mean.len().max(1);
        let vectors = values.chunks_exact(length);
        vectors
            .map(|vector| {
                let pairs = vector.iter().zip(&self.mean);
                let mut apart: Vec<f32> = pairs.map(|(value, mean)| value - mean).collect();
                scale_halves(&mut apart, self.scales);
                let rows = self.directions.chunks_exact(length);
                let explained: f64 = rows.map(|row| lanes_dot(row, &apart).powi(2)).sum();
                let square = (lanes_dot(&apart, &apart) - explained) / SHRINKAGE;
                square.max(0.0).sqrt() as f32
            })
            .collect()
    }

    pub(super) fn collect(&self, name: &str, tensors: &mut Tensors) {
        let length = self.mean.len();
        let rows = self.directions.len() / length.max(1);
        let mut insert = |part: &str, values: &[f32], shape: Vec<usize>| {
            let data = TensorData::new(values.to_vec(), shape);
            tensors.insert(format!("{name}.{part}"), data);
        };
        insert("mean", &self.mean, vec![length]);
        insert("scales", &self.scales, vec![2]);
        insert("directions", &self.directions, vec![rows, length]);
    }

    /// Takes back what [`Spread::collect`] gave, of vectors of `length`.
    pub(super) fn take(name: &str, length: usize, tensors: &mut Tensors) -> Result<Self> {
        let directions = format!("{name}.directions");
        // As many as there were images.
        let rows = tensors.get(&directions).map(|data| data.shape().to_vec());
        let rows = rows.and_then(|shape| shape.first().copied()).unwrap_or(0);
        let mut load = |name: &str, shape: &[usize]| -> Result<Vec<f32>> {
            let data = state::take(tensors, name, shape)?;
            Ok(data.iter::<f32>().collect())
        };
        let directions = load(&directions, &[rows, length])?;
        let mean = load(&format!("{name}.mean"), &[length])?;
        let mut scales = load(&format!("{name}.scales"), &[2])?.into_iter();
        let mut scale = || scales.next().unwrap_or(f32::NAN);
        Ok(Self {
            mean,
            scales: [scale(), scale()],
            directions,
        })
    }
}

/// Makes of the rows X those of L⁻¹X, LLᵀ being I + XXᵀ (Cholesky's factorisation, a row at a time, and the substitution with it).
fn whiten(rows: &mut [Vec<f64>]) {
    let mut factor: Vec<Vec<f64>> = Vec::with_capacity(rows.len());
    // All products before any row changes.
    let products: Vec<Vec<f64>> = (0..rows.len())
        .map(|row| {
            let (before, rest) = rows.split_at(row);
            let own = rest.first().map(Vec::as_slice).unwrap_or_default();
            let mut products: Vec<f64> = before.iter().map(|other| dot(other, own)).collect();
            products.push(dot(own, own) + 1.0);
            products
        })
        .collect();
    for (row, products) in products.into_iter().enumerate() {
        let mut line: Vec<f64> = Vec::with_capacity(row + 1);
        for (product, above) in products.iter().zip(&factor) {
            let known = dot(&line, above);
            let pivot = above.last().copied().unwrap_or(1.0);
            line.push((product - known) / pivot);
        }
        let left = products.last().copied().unwrap_or(1.0) - dot(&line, &line);
        // At least 1 but for rounding.
        let pivot = left.max(0.5).sqrt();
        let (before, rest) = rows.split_at_mut(row);
        if let Some(own) = rest.first_mut() {
            for (other, weight) in before.iter().zip(&line) {
                add_scaled(own, other, -weight);
            }
            own.iter_mut().for_each(|value| *value /= pivot);
        }
        line.push(pivot);
        factor.push(line);
    }
}

/// Of as many pairs as the shorter has.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The same in a processor's lanes, in one order whatever the machine.
fn lanes_dot(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = a
        .remainder()
        .iter()
        .zip(b.remainder())
        .map(|(a, b)| a * b)
        .sum();
    let mut sums = [0.0_f32; 16];
    for (a, b) in a.zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().map(|&sum| f64::from(sum)).sum::<f64>() + f64::from(rest)
}

fn scale_halves<T: Copy + std::ops::MulAssign>(vector: &mut [T], [first, second]: [T; 2]) {
    let (a, b) = vector.split_at_mut(vector.len() / 2);
    a.iter_mut().for_each(|value| *value *= first);
    b.iter_mut().for_each(|value| *value *= second);
}

fn add_scaled(to: &mut [f64], values: &[f64], scale: f64) {
    for (to, value) in to.iter_mut().zip(values) {
        *to += value * scale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ = XᵀX/n + λI of the halves in their own units, solved with by Gauss and Jordan.
    fn plainly(rows: &[Vec<f64>], vector: &[f64]) -> f64 {
        let (images, length) = (rows.len() as f64, vector.len());
        let mean: Vec<f64> = (0..length)
            .map(|at| rows.iter().map(|row| row[at]).sum::<f64>() / images)
            .collect();
        let of_half = |half: usize| half * length / 2..(half + 1) * length / 2;
        let scales: Vec<f64> = (0..2)
            .flat_map(|half| {
                let squares = rows
                    .iter()
                    .flat_map(|row| of_half(half).map(|at| (row[at] - mean[at]).powi(2)));
                let variance = squares.sum::<f64>() / (images * length as f64 / 2.0);
                of_half(half).map(move |_| 1.0 / variance.sqrt())
            })
            .collect();
        let apart = |row: &[f64], at: usize| (row[at] - mean[at]) * scales[at];
        let mut sigma = vec![vec![0.0; length + 1]; length];
        for row in rows {
            for (i, line) in sigma.iter_mut().enumerate() {
                for (j, sum) in line.iter_mut().enumerate().take(length) {
                    *sum += apart(row, i) * apart(row, j) / images;
                }
            }
        }
        for (at, line) in sigma.iter_mut().enumerate() {
            line[at] += SHRINKAGE;
            line[length] = apart(vector, at);
        }
        for pivot in 0..length {
            let line: Vec<f64> = sigma[pivot]
                .iter()
                .map(|x| x / sigma[pivot][pivot])
                .collect();
            for (at, other) in sigma.iter_mut().enumerate() {
                let factor = other[pivot];
                if at != pivot {
                    add_scaled(other, &line, -factor);
                }
            }
            sigma[pivot] = line;
        }
        let solved = sigma.iter().map(|line| line[length]);
        let square: f64 = solved
            .enumerate()
            .map(|(at, value)| value * apart(vector, at))
            .sum();
        square.sqrt()
    }

    fn vectors(count: usize, length: usize) -> Vec<Vec<f64>> {
        let value = |at: usize| f64::from(((at * at + 3 * at) as f32 * 0.61).sin() + 0.3);
        (0..count)
            .map(|row| (0..length).map(|at| value(row * length + at)).collect())
            .collect()
    }

    #[test]
    fn distances_are_those_under_the_whole_covariance_with_fewer_images_than_numbers_and_with_more()
    {
        for (images, length) in [(3, 8), (20, 6), (1, 4), (18, 18)] {
            let (rows, tests) = (vectors(images, length), vectors(images + 4, length));
            let mut seen = Vectors::default();
            for row in &rows {
                let row: Vec<f32> = row.iter().map(|&value| value as f32).collect();
                seen.add(&row, length);
            }
            let spread = seen.spread().unwrap();
            let flat: Vec<f32> = tests.iter().flatten().map(|&value| value as f32).collect();
            let found = spread.distances(&flat);
            assert_eq!(found.len(), tests.len());
            if images == 1 {
                assert!(
                    found[0] == 0.0 && found[3] > 1.0 && found[3].is_finite(),
                    "{found:?}"
                );
                continue;
            }
            for (found, test) in found.iter().zip(&tests) {
                let expected = plainly(&rows, test);
                let close = (f64::from(*found) - expected).abs() <= 1e-4 * expected.max(1.0);
                assert!(close, "{images}, {length}: {found} instead of {expected}");
            }
        }
        assert!(Vectors::default().spread().is_none());
    }

    #[test]
    fn a_spread_comes_back_and_of_another_length_does_not() {
        let mut seen = Vectors::default();
        seen.add(&[0.0, 1.0, 2.0, 1.0, 1.0, 5.0, 7.0, 3.0], 4);
        let spread = seen.spread().unwrap();
        let mut tensors = Tensors::new();
        spread.collect("normal.x", &mut tensors);
        let back = Spread::take("normal.x", 4, &mut tensors.clone()).unwrap();
        let test = [0.5, 0.5, 0.5, 4.0, 4.0, 4.0, 1.0, 2.0];
        assert_eq!(back.distances(&test), spread.distances(&test));
        let error = Spread::take("normal.x", 6, &mut tensors)
            .unwrap_err()
            .to_string();
        assert!(error.contains("normal.x.directions"), "{error}");
        assert!(Spread::take("normal.y", 4, &mut tensors).is_err());
    }
}
