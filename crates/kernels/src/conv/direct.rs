//! Convolutions as the general engine sees them.

use super::ConvShape;
use super::correlate::{self, Column, Correlation, Pass};
use super::pack;
use crate::path::Path;

/// y = x * w + b, and a factor for what is then below zero.
pub(super) fn forward(
    path: Path,
    shape: &ConvShape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    slope: f32,
) -> Vec<f32> {
    let (depth, outputs) = (
        shape.channels[0] / shape.groups,
        shape.channels[1] / shape.groups,
    );
    let taps = taps(shape);
    let terms = depth * taps.len();
    let weights = pack::rows(path, shape.groups, outputs, terms, |group, row, term| {
        weight[(group * outputs + row) * terms + term]
    });
    let correlation = Correlation {
        images: x,
        batch: shape.batch,
        groups: shape.groups,
        depth,
        size: shape.input,
        step: shape.stride,
        outputs,
        output_size: shape.output,
        spread: [1, 1],
        bias,
        slope,
    };
    let pass = Pass {
        phase: 0,
        rows: shape.output[0],
        columns: vec![Column { taps, weights }],
    };
    correlate::run(path, &correlation, &[pass])
}

/// The shifts of a kernel's taps, (vertical, horizontal).
pub(super) fn taps(shape: &ConvShape) -> Vec<[isize; 2]> {
    let [height, width] = shape.kernel;
    (0..height)
        .flat_map(|ky| (0..width).map(move |kx| [ky, kx]))
        .map(|k| {
            std::array::from_fn(|i| (k[i] * shape.dilation[i]) as isize - shape.padding[i] as isize)
        })
        .collect()
}

/// The gradient to the images.
pub(super) fn input_gradient(
    path: Path,
    shape: &ConvShape,
    dy: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let passes: Vec<Pass> = (0..shape.stride[0].min(shape.input[0]))
        .map(|phase| Pass {
            phase,
            rows: (shape.input[0] - phase).div_ceil(shape.stride[0]),
            columns: (0..shape.stride[1].min(shape.input[1]))
                .map(|phase_x| phase_column(path, shape, [phase, phase_x], weight))
                .collect(),
        })
        .collect();
    let correlation = Correlation {
        images: dy,
        batch: shape.batch,
        groups: shape.groups,
        depth: shape.channels[1] / shape.groups,
        size: shape.output,
        step: [1, 1],
        outputs: shape.channels[0] / shape.groups,
        output_size: shape.input,
        spread: shape.stride,
        bias,
        slope: 1.0,
    };
    correlate::run(path, &correlation, &passes)
}

/// The dense kernel through which one phase of input positions, (vertical, horizontal), sees the output's gradient: its
/// shifts, and where its weights are in the kernel.
pub(super) fn phase_kernel(shape: &ConvShape, phase: [usize; 2]) -> (Vec<[isize; 2]>, Vec<usize>) {
    let horizontal = phase_taps(shape, 1, phase[1]);
    let (mut taps, mut places) = (Vec::new(), Vec::new());
    for (dy, ky) in phase_taps(shape, 0, phase[0]) {
        for &(dx, kx) in &horizontal {
            taps.push([dy, dx]);
            places.push(ky * shape.kernel[1] + kx);
        }
    }
    (taps, places)
}

/// [`phase_kernel`] with its weights packed.
fn phase_column(path: Path, shape: &ConvShape, phase: [usize; 2], weight: &[f32]) -> Column {
    let (depth, outputs) = (
        shape.channels[1] / shape.groups,
        shape.channels[0] / shape.groups,
    );
    let area = shape.kernel[0] * shape.kernel[1];
    let (taps, places) = phase_kernel(shape, phase);
    let terms = depth * taps.len();
    let weights = pack::rows(path, shape.groups, outputs, terms, |group, row, term| {
        let channel = group * depth + term / places.len();
        weight[(channel * outputs + row) * area + places[term % places.len()]]
    });
    Column { taps, weights }
}

/// The taps of one axis that reach input positions `phase + i · stride`: (shift in the output's gradient, tap).
fn phase_taps(shape: &ConvShape, axis: usize, phase: usize) -> Vec<(isize, usize)> {
    let stride = shape.stride[axis] as isize;
    (0..shape.kernel[axis])
        .map(|tap| {
            (
                (phase + shape.padding[axis]) as isize - (tap * shape.dilation[axis]) as isize,
                tap,
            )
        })
        .filter(|(distance, _)| distance % stride == 0)
        .map(|(distance, tap)| (distance / stride, tap))
        .collect()
}
