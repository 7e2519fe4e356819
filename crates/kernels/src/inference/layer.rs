//! Convolutions, transposed convolutions and batch norms with fixed weights.

use super::features::{Data, Features, Form, Pool, lanes};
use crate::activation::{self, Activation};
use crate::conv::winograd::{Images, Prepared, What};
use crate::conv::{self, ConvShape};
use crate::lanes::{Lanes, bend};
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// What is added to an output before its activation.
#[derive(Clone, Copy, Debug)]
pub enum Residual<'a> {
    /// Features of the output's shape.
    Same(&'a Features),
    /// Features of half its height and width: each pixel counts four times, as if up-sampled (nearest).
    Half(&'a Features),
}

/// A convolution or transposed convolution, its bias and what follows.
#[derive(Debug)]
pub struct Layer {
    shape: ConvShape,
    transposed: bool,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Prepared(Box<Prepared>),
    /// What no engine prepares, few channels mostly: the ordinary kernels, which have next to nothing to prepare.
    Plain(Plain),
}

#[derive(Debug)]
struct Plain {
    shape: ConvShape,
    transposed: bool,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    activation: Activation,
}

impl Layer {
    /// A layer. `shape`'s batch does not matter; with `transposed` it is what [`ConvShape::transposed`] made.
    ///
    /// # Panics
    /// If `weight` or `bias` are not of the lengths that `shape` says.
    pub fn new(
        shape: &ConvShape,
        transposed: bool,
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Self {
        let (what, outputs) = match transposed {
            true => (What::InputGradient, shape.input_shape()[1]),
            false => (What::Forward, shape.output_shape()[1]),
        };
        assert_eq!(weight.len(), shape.weight_len(), "length of the weight");
        assert!(
            bias.is_none_or(|bias| bias.len() == outputs),
            "length of the bias"
        );
        let slope = activation.slope();
        // The prepared form takes the larger of x and slope · x.
        let fits = (0.0..=1.0).contains(&slope);
        let bounds = (slope, activation.ceiling());
        let prepared = fits.then(|| Prepared::new(shape, what, weight, bias, bounds));
        let kind = match prepared.flatten() {
            Some(prepared) => Kind::Prepared(Box::new(prepared)),
            None => Kind::Plain(Plain {
                shape: *shape,
                transposed,
                weight: weight.to_vec(),
                bias: bias.map(<[f32]>::to_vec),
                activation,
            }),
        };
        Self {
            shape: *shape,
            transposed,
            kind,
        }
    }

    /// Runs it. The output is of the form asked for, but planes where nothing of the layer was prepared.
    ///
    /// # Panics
    /// If `x` or the residual are not of the shape that the layer was made for.
    pub fn run(
        &self,
        x: &Features,
        residual: Option<Residual>,
        form: Form,
        pool: &Pool,
    ) -> Features {
        let (input, output) = match self.transposed {
            true => (self.shape.output_shape(), self.shape.input_shape()),
            false => (self.shape.input_shape(), self.shape.output_shape()),
        };
        let [batch, ..] = x.shape();
        assert_eq!(x.shape()[1..], input[1..], "shape of the features");
        let shape = [batch, output[1], output[2], output[3]];
        let prepared = match &self.kind {
            Kind::Prepared(prepared) => prepared,
            Kind::Plain(plain) => return plain.run(x, residual, shape),
        };
        assert_eq!(prepared.lanes(), lanes(), "prepared for other kernels");
        let images = match &x.data {
            Data::Planes(values) => Images::Planes(values),
            Data::Blocks(buffer) => Images::Blocks(buffer.as_slice()),
        };
        let residual = residual.map(|residual| {
            let (features, half) = checked(residual, shape);
            (features.blocks(), half)
        });
        let form = match residual {
            Some(_) => Form::Blocks,
            None => form,
        };
        Features::filled(shape, form, pool, |out| {
            prepared.run(batch, images, residual, form == Form::Blocks, out);
        })
    }

    /// The form of features that it takes without turning them.
    pub fn takes(&self) -> Form {
        match self.kind {
            Kind::Prepared(_) => Form::Blocks,
            Kind::Plain(_) => Form::Planes,
        }
    }
}

impl Plain {
    /// To an output of `shape`.
    fn run(&self, x: &Features, residual: Option<Residual>, shape: [usize; 4]) -> Features {
        let (weight, bias, activation) = (&self.weight, self.bias.as_deref(), self.activation);
        let planes = x.planes();
        let of = self.shape.with_batch(shape[0]);
        if !self.transposed && residual.is_none() {
            let y = conv::forward_activated(&of, &planes, weight, bias, activation);
            return Features::new(shape, y);
        }
        let kernel = match self.transposed {
            true => conv::input_gradient,
            false => conv::forward,
        };
        let mut y = kernel(&of, &planes, weight, bias);
        if let Some(residual) = residual {
            add(&mut y, residual, shape);
        }
        activation::apply(activation, &mut y);
        Features::new(shape, y)
    }
}

/// A residual's features, and whether they are of half the size.
fn checked<'a>(
    residual: Residual<'a>,
    [batch, channels, height, width]: [usize; 4],
) -> (&'a Features, bool) {
    let (features, half) = match residual {
        Residual::Same(features) => (features, false),
        Residual::Half(features) => (features, true),
    };
    let divisor = if half { 2 } else { 1 };
    let expected = [batch, channels, height / divisor, width / divisor];
    assert_eq!(features.shape(), expected, "shape of the residual");
    assert!(!half || height % 2 + width % 2 == 0, "half of an odd size");
    (features, half)
}

/// Adds a residual to planes.
fn add(y: &mut [f32], residual: Residual, shape: [usize; 4]) {
    let [_, _, height, width] = shape;
    let (features, half) = checked(residual, shape);
    let divisor = if half { 2 } else { 1 };
    let planes = features.planes();
    y.par_chunks_mut(width).enumerate().for_each(|(line, y)| {
        let (plane, line) = (line / height, line % height / divisor);
        let from = (plane * (height / divisor) + line) * (width / divisor);
        for (x, y) in y.iter_mut().enumerate() {
            *y += planes[from + x / divisor];
        }
    });
}

/// A batch norm by fixed statistics and the activation behind it, where no convolution can take it in.
#[derive(Debug)]
pub struct Norm {
    channels: usize,
    /// Per channel, zeros up to whole blocks.
    scale: Vec<f32>,
    shift: Vec<f32>,
    activation: Activation,
}

impl Norm {
    /// x ↦ activation(scale · x + shift), per channel.
    ///
    /// # Panics
    /// If there are not as many shifts as scales.
    pub fn new(scale: &[f32], shift: &[f32], activation: Activation) -> Self {
        assert_eq!(scale.len(), shift.len(), "scales and shifts");
        let whole = |values: &[f32]| {
            let mut values = values.to_vec();
            values.resize(values.len().next_multiple_of(lanes()), 0.0);
            values
        };
        Self {
            channels: scale.len(),
            scale: whole(scale),
            shift: whole(shift),
            activation,
        }
    }

    /// Runs it: blocks to blocks.
    ///
    /// # Panics
    /// If `x` is not in blocks, or has other channels.
    pub fn run(&self, x: &Features, pool: &Pool) -> Features {
        let [_, channels, height, width] = x.shape();
        let lanes = lanes();
        let blocks = channels.div_ceil(lanes);
        assert_eq!(channels, self.channels, "channels of the features");
        assert_eq!(blocks * lanes, self.scale.len(), "made for other kernels");
        let area = height * width * lanes;
        let path = Path::current();
        let slope = self.activation.slope();
        let y = Features::filled(x.shape(), Form::Blocks, pool, |out| {
            x.blocks()
                .par_chunks(area)
                .enumerate()
                .for_each(|(at, from)| {
                    let first = at % blocks * lanes;
                    let scale = &self.scale[first..first + lanes];
                    let shift = &self.shift[first..first + lanes];
                    // SAFETY: each task has a block of its own.
                    let to = unsafe { out.slice(at * area, area) };
                    path::run(
                        path,
                        Affine {
                            scale,
                            shift,
                            slope,
                            from,
                            to,
                        },
                    );
                });
        });
        match self.activation.ceiling() == f32::INFINITY {
            true => y,
            // Rare enough for a pass of its own.
            false => y.into_blocks(self.activation, pool),
        }
    }
}

/// One block of one image.
struct Affine<'a> {
    scale: &'a [f32],
    shift: &'a [f32],
    slope: f32,
    from: &'a [f32],
    to: &'a mut [f32],
}

impl Task for Affine<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        assert!(self.scale.len() >= L::N && self.shift.len() >= L::N);
        // SAFETY: vectors are read and written within chunks of N floats; the caller's promise.
        unsafe {
            let scale = L::load(self.scale.as_ptr());
            let shift = L::load(self.shift.as_ptr());
            let vectors = self.from.chunks_exact(L::N);
            for (from, to) in vectors.zip(self.to.chunks_exact_mut(L::N)) {
                let sum = L::load(from.as_ptr()).mul_add(scale, shift);
                bend(sum, self.slope).store(to.as_mut_ptr());
            }
        }
    }
}
