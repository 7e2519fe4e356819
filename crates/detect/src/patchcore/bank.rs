//! The memory bank, as it is learnt and as a model file keeps it.

use burn::tensor::{DType, TensorData};
use cavga_nn::{
    kernels::bank::{Nearest, Rows, Values},
    state::{self, StateError},
};

use super::PatchcoreConfig;
use crate::{Precision, Result, Tensors};

/// Features of normal images.
#[derive(Debug)]
pub(super) struct Bank {
    pub(super) rows: Rows,
    pub(super) origin: Origin,
}

/// Where a bank's rows are from, and how well they cover the features that they were chosen among.
#[derive(Debug, Default)]
pub(super) struct Origin {
    /// The number of the image that each row is of.
    pub(super) owners: Vec<u32>,
    /// How many features there were of each image, by its number; 0 of those that are forgotten.
    pub(super) features: Vec<u32>,
    /// No feature that was chosen among lies farther than this from its nearest row.
    pub(super) radius: f32,
}

impl Bank {
    /// No rows. `width`: channels.
    pub(super) fn empty(config: &PatchcoreConfig, width: usize) -> Self {
        Self {
            rows: Rows::new(width, config.precision.into()),
            origin: Origin::default(),
        }
    }

    /// Lets go of all that is of these images. What their rows covered is covered by the nearest row that stays.
    pub(super) fn forget(&mut self, images: &[usize]) {
        let is_gone = |owner: u32| images.contains(&(owner as usize));
        let rows = |gone: bool| -> Vec<usize> {
            let owners = self.origin.owners.iter().enumerate();
            let those = owners.filter(|(_, owner)| is_gone(**owner) == gone);
            those.map(|(row, _)| row).collect()
        };
        let (gone, stays) = (rows(true), rows(false));
        let mut kept = self.rows.select(&stays);
        if !gone.is_empty() && !kept.is_empty() {
            let width = self.rows.width();
            let mut lost = vec![0.0; gone.len() * width];
            let each = lost.chunks_exact_mut(width.max(1)).zip(&gone);
            each.for_each(|(into, &row)| self.rows.get(row, into));
            let nearest = Nearest::new(kept);
            let (_, gaps) = nearest.search(&lost, 1);
            self.origin.radius += gaps.into_iter().fold(0.0, f32::max);
            kept = nearest.into_rows();
        }
        if kept.is_empty() {
            // Nothing is left to be covered.
            self.origin.radius = 0.0;
        }
        self.rows = kept;
        self.origin.owners.retain(|&owner| !is_gone(owner));
        for &image in images {
            if let Some(count) = self.origin.features.get_mut(image) {
                *count = 0;
            }
        }
    }

    /// From what [`Origin::collect`] gave. `width`: channels.
    pub(super) fn take(
        config: &PatchcoreConfig,
        width: usize,
        tensors: &mut Tensors,
    ) -> Result<Self> {
        let rows = take(tensors, "bank.rows", |data| {
            let [rows, found] = <[usize; 2]>::try_from(data.shape().to_vec()).ok()?;
            let fits = rows > 0 && found == width;
            match (config.precision, data.dtype()) {
                (Precision::F32, DType::F32) if fits => {
                    Some(Rows::from_f32(width, data.try_into_vec().ok()?))
                }
                (Precision::F16, DType::F16) if fits => {
                    let values: Vec<burn::tensor::f16> = data.try_into_vec().ok()?;
                    let bits = values.into_iter().map(burn::tensor::f16::to_bits);
                    Some(Rows::from_f16(width, bits.collect()))
                }
                _ => None,
            }
        })?;
        let count = rows.len();
        let mut numbers = |name| take(tensors, name, |data| data.try_into_vec::<u32>().ok());
        let (owners, features) = (numbers("bank.owners")?, numbers("bank.features")?);
        if owners.len() != count {
            return Err(StateError::Shape {
                name: "bank.owners".into(),
                expected: vec![count],
                found: vec![owners.len()],
            }
            .into());
        }
        let is_known = |&owner: &u32| features.get(owner as usize).is_some_and(|&count| count > 0);
        if !owners.iter().all(is_known) {
            return Err(wrong("bank.owners", "rows of images that it never saw").into());
        }
        let radius = state::take(tensors, "bank.radius", &[1])?;
        let radius = radius.iter::<f32>().next().unwrap_or(f32::NAN);
        if !(radius >= 0.0 && radius.is_finite()) {
            return Err(wrong("bank.radius", &radius.to_string()).into());
        }
        Ok(Self {
            rows,
            origin: Origin {
                owners,
                features,
                radius,
            },
        })
    }
}

impl Origin {
    /// How many features its images have.
    pub(super) fn count(&self) -> u64 {
        self.features.iter().map(|&count| u64::from(count)).sum()
    }

    /// Notes that an image has one more feature.
    pub(super) fn note(&mut self, image: usize) {
        if self.features.len() <= image {
            self.features.resize(image + 1, 0);
        }
        if let Some(count) = self.features.get_mut(image) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds the tensors of a bank of these rows to a detector's state.
    pub(super) fn collect(&self, rows: &Rows, tensors: &mut Tensors) {
        let shape = [rows.len(), rows.width()];
        let rows = match rows.values() {
            Values::F32(values) => TensorData::new(values.to_vec(), shape),
            Values::F16(bits) => {
                let values = bits.iter().map(|&bits| burn::tensor::f16::from_bits(bits));
                TensorData::new(values.collect::<Vec<_>>(), shape)
            }
        };
        let numbers = |values: &[u32]| TensorData::new(values.to_vec(), [values.len()]);
        tensors.insert("bank.rows".into(), rows);
        tensors.insert("bank.owners".into(), numbers(&self.owners));
        tensors.insert("bank.features".into(), numbers(&self.features));
        tensors.insert(
            "bank.radius".into(),
            TensorData::new(vec![self.radius], [1]),
        );
    }
}

/// Euclidean, in double precision.
pub(super) fn distance(one: &[f32], other: &[f32]) -> f64 {
    let each = one.iter().zip(other);
    let squares = each.map(|(one, other)| f64::from(one - other).powi(2));
    squares.sum::<f64>().sqrt()
}

fn wrong(name: &str, found: &str) -> StateError {
    StateError::Unfit {
        name: name.to_owned(),
        found: found.to_owned(),
    }
}

/// Takes a tensor that `read` can make sense of.
fn take<T>(
    tensors: &mut Tensors,
    name: &str,
    read: impl FnOnce(TensorData) -> Option<T>,
) -> Result<T> {
    let data = tensors
        .remove(name)
        .ok_or_else(|| StateError::Missing(name.to_owned()))?;
    let found = format!("{:?} of {:?}", data.dtype(), data.shape());
    Ok(read(data).ok_or_else(|| wrong(name, &found))?)
}
