//! Activations between layers, and the memory that they live in.

use crate::activation::{self, Activation, Curve};
use crate::memory::{Aligned, Shared, uninitialized};
use crate::path::{self, Path};
use rayon::prelude::*;
use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How features lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `[batch, channels, height, width]`
    Planes,
    /// `[batch, blocks of channels, height, width, channel in block]`: what follows is a layer of many channels.
    Blocks,
}

/// The memory of features that are done with, for those to come.
#[derive(Debug, Default)]
pub struct Pool(Mutex<Vec<Aligned>>);

impl Pool {
    fn free(&self) -> MutexGuard<'_, Vec<Aligned>> {
        // A panic elsewhere left a list of buffers, which is as good as ever.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The smallest buffer that holds `len` floats, else a new one; contents unspecified.
    fn take(&self, len: usize) -> Aligned {
        let mut free = self.free();
        let fitting = (0..free.len()).filter(|&i| free[i].capacity() >= len);
        let best = fitting.min_by_key(|&i| free[i].capacity());
        let mut buffer = best.map(|i| free.swap_remove(i)).unwrap_or_default();
        drop(free);
        buffer.resize(len);
        buffer
    }

    /// Takes features' memory back.
    pub fn give(&self, features: Features) {
        if let Data::Blocks(buffer) = features.data {
            self.free().push(buffer);
        }
    }
}

#[derive(Debug)]
pub(super) enum Data {
    Planes(Vec<f32>),
    Blocks(Aligned),
}

/// The activations of a batch at some place of a network.
#[derive(Debug)]
pub struct Features {
    /// `[batch, channels, height, width]`
    shape: [usize; 4],
    pub(super) data: Data,
}

impl Features {
    /// From planes.
    ///
    /// # Panics
    /// If there are not as many values as `shape`, `[batch, channels, height, width]`, says.
    pub fn new(shape: [usize; 4], values: Vec<f32>) -> Self {
        assert_eq!(values.len(), shape.iter().product(), "number of values");
        Self {
            shape,
            data: Data::Planes(values),
        }
    }

    /// `[batch, channels, height, width]`
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// Features of a form, which `fill` writes, all of them.
    pub(super) fn filled(
        shape: [usize; 4],
        form: Form,
        pool: &Pool,
        fill: impl FnOnce(Shared),
    ) -> Self {
        let data = match form {
            Form::Planes => Data::Planes(uninitialized(shape.iter().product(), fill)),
            Form::Blocks => {
                let mut buffer = pool.take(blocks_len(shape, lanes()));
                fill(Shared::new(buffer.as_mut_slice()));
                Data::Blocks(buffer)
            }
        };
        Self { shape, data }
    }

    /// The values in blocks.
    ///
    /// # Panics
    /// If they are planes.
    pub(super) fn blocks(&self) -> &[f32] {
        assert!(
            matches!(self.data, Data::Blocks(_)),
            "features must be in blocks"
        );
        match &self.data {
            Data::Blocks(buffer) => buffer.as_slice(),
            Data::Planes(_) => &[],
        }
    }

    /// The values as planes.
    pub(super) fn planes(&self) -> Cow<'_, [f32]> {
        match &self.data {
            Data::Planes(values) => Cow::Borrowed(values),
            Data::Blocks(buffer) => Cow::Owned(to_planes(self.shape, buffer.as_slice())),
        }
    }

    /// A copy of the values as planes.
    pub fn to_planes(&self) -> Vec<f32> {
        self.planes().into_owned()
    }

    /// The values as planes; the memory goes back.
    pub fn into_planes(self, pool: &Pool) -> Vec<f32> {
        match self.data {
            Data::Planes(values) => values,
            Data::Blocks(ref buffer) => {
                let values = to_planes(self.shape, buffer.as_slice());
                pool.give(self);
                values
            }
        }
    }

    /// The same in blocks, through an activation; the memory goes back.
    pub fn into_blocks(self, activation: Activation, pool: &Pool) -> Self {
        let curve = activation.curve();
        match self.data {
            Data::Planes(values) => {
                let [_, _, height, width] = self.shape;
                Self::filled(self.shape, Form::Blocks, pool, |out| {
                    to_blocks(self.shape, &values, curve, out, height * width);
                })
            }
            Data::Blocks(mut buffer) => {
                activation::apply(activation, buffer.as_mut_slice());
                Self {
                    shape: self.shape,
                    data: Data::Blocks(buffer),
                }
            }
        }
    }
}

/// Channels of a block on this machine.
pub(super) fn lanes() -> usize {
    path::tile(Path::current()).0
}

/// Floats of features in blocks.
fn blocks_len([batch, channels, height, width]: [usize; 4], lanes: usize) -> usize {
    batch * channels.next_multiple_of(lanes) * height * width
}

fn to_blocks(shape: [usize; 4], values: &[f32], curve: Curve, out: Shared, area: usize) {
    let [batch, channels, ..] = shape;
    let lanes = lanes();
    let blocks = channels.div_ceil(lanes);
    (0..batch * blocks).into_par_iter().for_each(|at| {
        let (image, first) = (at / blocks, at % blocks * lanes);
        let live = lanes.min(channels - first);
        // SAFETY: each task has a block of its own.
        let to = unsafe { out.slice(at * area * lanes, area * lanes) };
        let planes = &values[(image * channels + first) * area..][..live * area];
        for (pixel, to) in to.chunks_exact_mut(lanes).enumerate() {
            for (channel, to) in to.iter_mut().enumerate() {
                let value = if channel < live {
                    planes[channel * area + pixel]
                } else {
                    0.0
                };
                *to = curve.at(value);
            }
        }
    });
}

fn to_planes(shape: [usize; 4], blocks: &[f32]) -> Vec<f32> {
    let [batch, channels, height, width] = shape;
    let (lanes, area) = (lanes(), height * width);
    let per_image = channels.div_ceil(lanes);
    uninitialized(batch * channels * area, |out| {
        (0..batch * channels).into_par_iter().for_each(|at| {
            let (image, channel) = (at / channels, at % channels);
            let block = (image * per_image + channel / lanes) * area * lanes;
            let from = &blocks[block..][..area * lanes];
            // SAFETY: each task has a plane of its own.
            let to = unsafe { out.slice(at * area, area) };
            for (to, vector) in to.iter_mut().zip(from.chunks_exact(lanes)) {
                *to = vector[channel % lanes];
            }
        });
    })
}
