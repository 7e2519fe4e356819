//! Masked fully connected layers, as autoregression uses them: the channels at each place of a code see the channels at the places before, and
//! half of the weights nothing at all.
//!
//! Weights are a staircase of steps of a few places. What is under a step is seen whole: one multiplication of matrices where they
//! lie. The square on the diagonal, a small part, is copied with zeros where the mask hides. What is hidden is never read and costs
//! nothing; its gradient is 0.
//!
//! Multiplying is the `gemm` crate's, each step on one thread, the steps on all, but for a single code, which is bound by the reading of the weights
//! (`one`). Every sum has one order, whatever the number of threads.

mod matrix;
mod one;
#[cfg(test)]
mod tests;

use std::ops::Range;

use rayon::prelude::*;

use matrix::{Matrix, MatrixMut, multiply};

/// What the channels at a place may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// The channels at the places before.
    Before,
    /// Those and the place's own.
    UpTo,
}

/// Places of a step. Each is one thread's: few enough that the longest one leaves the others something to do, enough to multiply well.
const STEP: usize = 4;

/// The numbers of a masked layer, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskedShape {
    batch: usize,
    places: usize,
    input: usize,
    output: usize,
    mask: Mask,
}

impl MaskedShape {
    /// For `batch` codes of `places` places, from `input` to `output` channels at each.
    ///
    /// None if one of them is 0, or they are too many to count.
    pub fn new(
        batch: usize,
        places: usize,
        [input, output]: [usize; 2],
        mask: Mask,
    ) -> Option<Self> {
        let widest = input.max(output).checked_mul(places)?;
        widest.checked_mul(widest.max(batch))?;
        let is_empty = [batch, places, input, output].contains(&0);
        (!is_empty).then_some(Self {
            batch,
            places,
            input,
            output,
            mask,
        })
    }

    /// `[batch, places·input]`.
    pub fn input_shape(&self) -> [usize; 2] {
        [self.batch, self.places * self.input]
    }

    /// `[batch, places·output]`.
    pub fn output_shape(&self) -> [usize; 2] {
        [self.batch, self.places * self.output]
    }

    /// `[places·output, places·input]`.
    pub fn weight_shape(&self) -> [usize; 2] {
        [self.places * self.output, self.places * self.input]
    }

    fn steps(&self) -> Vec<Step> {
        let starts = (0..self.places).step_by(STEP);
        let steps = starts.map(|start| {
            let places = start..self.places.min(start + STEP);
            let of = |channels: usize| places.start * channels..places.end * channels;
            Step {
                rows: of(self.output),
                columns: of(self.input),
            }
        });
        steps.collect()
    }

    /// How many inputs an output sees, both counted from the same place.
    #[inline(always)]
    fn seen(&self, row: usize) -> usize {
        let before = row / self.output;
        let places = match self.mask {
            Mask::Before => before,
            Mask::UpTo => before + 1,
        };
        places * self.input
    }

    /// The square of a step, 0 where the mask hides.
    fn square(&self, weight: &[f32], step: &Step) -> Vec<f32> {
        let [_, columns] = self.weight_shape();
        let width = step.columns.len();
        let mut square = vec![0.0; step.rows.len() * width];
        let rows = weight.chunks_exact(columns).skip(step.rows.start);
        for (row, (to, from)) in square.chunks_exact_mut(width).zip(rows).enumerate() {
            let (seen, from) = (self.seen(row), &from[step.columns.clone()]);
            to[..seen].copy_from_slice(&from[..seen]);
        }
        square
    }
}

/// A few places: their outputs, and their inputs.
struct Step {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Step {
    /// Its square as a matrix.
    fn matrix<'a>(&self, square: &'a [f32]) -> Matrix<'a> {
        Matrix::new(square, [self.rows.len(), self.columns.len()])
    }
}

/// y = x·(W ∘ M)ᵀ.
///
/// # Shapes
/// - x: [`MaskedShape::input_shape`]; weight: [`MaskedShape::weight_shape`]
/// - output: [`MaskedShape::output_shape`]
///
/// # Panics
/// If a slice is of another length than its shape says.
pub fn forward(shape: &MaskedShape, x: &[f32], weight: &[f32]) -> Vec<f32> {
    let codes = Matrix::new(x, shape.input_shape());
    let weights = Matrix::new(weight, shape.weight_shape());
    if shape.batch == 1 {
        return one::forward(shape, x, weight);
    }
    let all = 0..shape.batch;
    step_by_step(
        shape,
        |step| step.rows.len(),
        |step, to| {
            let under = 0..step.columns.start;
            let whole = weights.part(step.rows.clone(), under.clone());
            multiply(to, codes.part(all.clone(), under), whole.transposed());
            let square = shape.square(weight, step);
            let own = codes.part(all.clone(), step.columns.clone());
            multiply(to, own, step.matrix(&square).transposed());
        },
    )
}

/// dx = dy·(W ∘ M).
///
/// # Shapes
/// - dy: [`MaskedShape::output_shape`]; weight: [`MaskedShape::weight_shape`]
/// - output: [`MaskedShape::input_shape`]
///
/// # Panics
/// If a slice is of another length than its shape says.
pub fn input_gradient(shape: &MaskedShape, dy: &[f32], weight: &[f32]) -> Vec<f32> {
    let [_, rows] = shape.output_shape();
    let dy = Matrix::new(dy, shape.output_shape());
    let weights = Matrix::new(weight, shape.weight_shape());
    let all = 0..shape.batch;
    step_by_step(
        shape,
        |step| step.columns.len(),
        |step, to| {
            let below = step.rows.end..rows;
            let whole = weights.part(below.clone(), step.columns.clone());
            multiply(to, dy.part(all.clone(), below), whole);
            let square = shape.square(weight, step);
            let own = dy.part(all.clone(), step.rows.clone());
            multiply(to, own, step.matrix(&square));
        },
    )
}

/// dW = (dyᵀ·x) ∘ M.
///
/// # Shapes
/// - x: [`MaskedShape::input_shape`]; dy: [`MaskedShape::output_shape`]
/// - output: [`MaskedShape::weight_shape`]
///
/// # Panics
/// If a slice is of another length than its shape says.
pub fn weight_gradient(shape: &MaskedShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let [rows, columns] = shape.weight_shape();
    let x = Matrix::new(x, shape.input_shape());
    let dy = Matrix::new(dy, shape.output_shape()).transposed();
    let all = 0..shape.batch;
    let mut gradient = vec![0.0; rows * columns];
    let steps = shape.steps();
    let parts = gradient.par_chunks_mut(STEP * shape.output * columns);
    parts.zip(&steps).for_each(|(part, step)| {
        let dy = dy.part(step.rows.clone(), all.clone());
        let mut to = MatrixMut::new(part, [step.rows.len(), columns]).first(step.columns.end);
        multiply(&mut to, dy, x.part(all.clone(), 0..step.columns.end));
        for (row, part) in part.chunks_exact_mut(columns).enumerate() {
            part[step.columns.clone()][shape.seen(row)..].fill(0.0);
        }
    });
    gradient
}

/// A row for each code, of what `add` adds to zeros for each step, side by side, each of that `width`.
fn step_by_step(
    shape: &MaskedShape,
    width: impl Fn(&Step) -> usize + Sync,
    add: impl Fn(&Step, &mut MatrixMut<'_>) + Sync,
) -> Vec<f32> {
    let batch = shape.batch;
    let steps = shape.steps();
    let parts = steps.par_iter().map(|step| {
        let width = width(step);
        let mut part = vec![0.0; batch * width];
        add(step, &mut MatrixMut::new(&mut part, [batch, width]));
        part
    });
    let parts: Vec<_> = parts.collect();
    let mut joined = Vec::with_capacity(parts.iter().map(Vec::len).sum());
    for row in 0..batch {
        for part in &parts {
            let width = part.len() / batch;
            joined.extend_from_slice(&part[row * width..][..width]);
        }
    }
    joined
}
