//! Matrices where they lie, and their product.

use std::ops::Range;

/// Some rows and columns of numbers that lie elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a> {
    /// From the first element to the end of what it was cut from.
    values: &'a [f32],
    size: [usize; 2],
    /// From one row to the next, from one column to the next.
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// Row by row.
    pub(super) fn new(values: &'a [f32], size: [usize; 2]) -> Self {
        assert_eq!(values.len(), size[0] * size[1], "a matrix of {size:?}");
        Self {
            values,
            size,
            strides: [size[1], 1],
        }
    }

    /// These rows and columns.
    pub(super) fn part(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        let [height, width] = self.size;
        assert!(rows.end <= height && columns.end <= width);
        let start = rows.start * self.strides[0] + columns.start * self.strides[1];
        Self {
            // Of no rows or columns it may begin behind the end.
            values: self.values.get(start..).unwrap_or_default(),
            size: [rows.len(), columns.len()],
            strides: self.strides,
        }
    }

    /// Rows as columns.
    pub(super) fn transposed(self) -> Self {
        let ([height, width], [down, across]) = (self.size, self.strides);
        Self {
            size: [width, height],
            strides: [across, down],
            ..self
        }
    }

    fn is_within(&self) -> bool {
        is_within(self.values.len(), self.size, self.strides)
    }
}

/// The same, to write to.
#[derive(Debug)]
pub(super) struct MatrixMut<'a> {
    values: &'a mut [f32],
    size: [usize; 2],
    strides: [usize; 2],
}

impl<'a> MatrixMut<'a> {
    /// Row by row.
    pub(super) fn new(values: &'a mut [f32], size: [usize; 2]) -> Self {
        assert_eq!(values.len(), size[0] * size[1], "a matrix of {size:?}");
        Self {
            values,
            size,
            strides: [size[1], 1],
        }
    }

    /// Its first columns.
    pub(super) fn first(self, columns: usize) -> Self {
        assert!(columns <= self.size[1]);
        Self {
            size: [self.size[0], columns],
            ..self
        }
    }
}

/// Whether all elements of a matrix lie within so many numbers.
fn is_within(len: usize, [height, width]: [usize; 2], [down, across]: [usize; 2]) -> bool {
    height == 0 || width == 0 || (height - 1) * down + (width - 1) * across < len
}

/// `to` += a·b, on this thread.
pub(super) fn multiply(to: &mut MatrixMut<'_>, a: Matrix<'_>, b: Matrix<'_>) {
    let ([m, k], [of_b, n]) = (a.size, b.size);
    assert!(
        of_b == k && to.size == [m, n],
        "[{m}, {k}] by [{of_b}, {n}]"
    );
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(a.is_within() && b.is_within());
    assert!(is_within(to.values.len(), to.size, to.strides));
    let stride = |strides: [usize; 2]| strides.map(usize::cast_signed);
    let ([a_down, a_across], [b_down, b_across]) = (stride(a.strides), stride(b.strides));
    let [down, across] = stride(to.strides);
    // SAFETY: all elements of the three lie within their slices, as asserted, and the one that is written to is borrowed exclusively.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            to.values.as_mut_ptr(),
            across,
            down,
            true,
            a.values.as_ptr(),
            a_across,
            a_down,
            b.values.as_ptr(),
            b_across,
            b_down,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
