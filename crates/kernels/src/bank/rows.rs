//! Features as rows, in f32 or in halves.

use super::distance::Stored;
use crate::half;
use crate::lanes::Lanes;
use crate::path::{self, Path, Task};

/// How rows are kept. Arithmetic on them is always f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// As they are, 4 bytes per value.
    F32,
    /// Rounded to IEEE half precision, 2 bytes per value: 11 significant bits, up to ±65504. Of two equally near halves the even one
    /// is taken; larger finite values become ±65504.
    F16,
}

/// The values of [`Rows`] as they are kept, `[rows, width]`: what to write to a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values<'a> {
    /// Floats.
    F32(&'a [f32]),
    /// The bits of IEEE halves.
    F16(&'a [u16]),
}

#[derive(Clone, Debug, PartialEq)]
enum Data {
    F32(Vec<f32>),
    F16(Vec<u16>),
}

/// Features of one width, `[rows, width]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    width: usize,
    data: Data,
}

impl Rows {
    /// No rows yet.
    ///
    /// # Panics
    /// If `width` is 0.
    pub fn new(width: usize, precision: Precision) -> Self {
        Self::with_capacity(width, precision, 0)
    }

    /// No rows yet, and memory for just so many.
    ///
    /// # Panics
    /// If `width` is 0.
    pub fn with_capacity(width: usize, precision: Precision, rows: usize) -> Self {
        let len = rows * width;
        let data = match precision {
            Precision::F32 => Data::F32(exactly(len)),
            Precision::F16 => Data::F16(exactly(len)),
        };
        Self::of(width, data, 0)
    }

    /// Asks for memory for so many more rows, which is not touched before they come. `false` where the system refuses: it will be asked anew
    /// as they come.
    pub fn reserve(&mut self, rows: usize) -> bool {
        let Some(len) = rows.checked_mul(self.width) else {
            return false;
        };
        match &mut self.data {
            Data::F32(values) => values.try_reserve_exact(len).is_ok(),
            Data::F16(values) => values.try_reserve_exact(len).is_ok(),
        }
    }

    /// From floats, `[rows, width]`.
    ///
    /// # Panics
    /// If `width` is 0 or the values are not whole rows.
    pub fn from_f32(width: usize, values: Vec<f32>) -> Self {
        let len = values.len();
        Self::of(width, Data::F32(values), len)
    }

    /// From the bits of IEEE halves, `[rows, width]`.
    ///
    /// # Panics
    /// If `width` is 0 or the values are not whole rows.
    pub fn from_f16(width: usize, bits: Vec<u16>) -> Self {
        let len = bits.len();
        Self::of(width, Data::F16(bits), len)
    }

    fn of(width: usize, data: Data, len: usize) -> Self {
        assert!(width > 0, "rows have at least one value");
        assert!(
            len.is_multiple_of(width),
            "{len} values are no rows of {width}"
        );
        Self { width, data }
    }

    /// Adds a row behind the others.
    ///
    /// # Panics
    /// If it is not `width` long.
    pub fn push(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.width, "width of the row");
        match &mut self.data {
            Data::F32(values) => values.extend_from_slice(row),
            Data::F16(bits) => {
                let from = bits.len();
                bits.resize(from + row.len(), 0);
                narrow(row, &mut bits[from..]);
            }
        }
    }

    /// Puts a row in another's place.
    ///
    /// # Panics
    /// If there is no row `at`, or `row` is not `width` long.
    pub fn replace(&mut self, at: usize, row: &[f32]) {
        assert_eq!(row.len(), self.width, "width of the row");
        let range = at * self.width..(at + 1) * self.width;
        match &mut self.data {
            Data::F32(values) => values[range].copy_from_slice(row),
            Data::F16(bits) => narrow(row, &mut bits[range]),
        }
    }

    /// Copies a row out, as floats.
    ///
    /// # Panics
    /// If there is no row `at`, or `into` is not `width` long.
    pub fn get(&self, at: usize, into: &mut [f32]) {
        assert_eq!(into.len(), self.width, "width of the row");
        let range = at * self.width..(at + 1) * self.width;
        match &self.data {
            Data::F32(values) => into.copy_from_slice(&values[range]),
            Data::F16(bits) => path::run(
                Path::current(),
                Widen {
                    from: &bits[range],
                    to: into,
                },
            ),
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::F32(values) => values.len() / self.width,
            Data::F16(bits) => bits.len() / self.width,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How they are kept.
    pub fn precision(&self) -> Precision {
        match self.data {
            Data::F32(_) => Precision::F32,
            Data::F16(_) => Precision::F16,
        }
    }

    /// Memory of a row, in bytes.
    pub fn bytes_per_row(width: usize, precision: Precision) -> usize {
        width
            * match precision {
                Precision::F32 => size_of::<f32>(),
                Precision::F16 => size_of::<u16>(),
            }
    }

    /// Some of the rows, in the order named, kept as these are.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        let data = match &self.data {
            Data::F32(values) => Data::F32(selected(values, self.width, rows)),
            Data::F16(bits) => Data::F16(selected(bits, self.width, rows)),
        };
        let width = self.width;
        Self { width, data }
    }

    /// The values as they are kept.
    pub fn values(&self) -> Values<'_> {
        match &self.data {
            Data::F32(values) => Values::F32(values),
            Data::F16(bits) => Values::F16(bits),
        }
    }
}

/// An empty vector with room for `len`, and no more than the allocator insists on.
fn exactly<T>(len: usize) -> Vec<T> {
    let mut values = Vec::new();
    values.reserve_exact(len);
    values
}

fn selected<T: Copy>(values: &[T], width: usize, rows: &[usize]) -> Vec<T> {
    let mut kept = exactly(rows.len() * width);
    for &row in rows {
        kept.extend_from_slice(&values[row * width..(row + 1) * width]);
    }
    kept
}

fn narrow(from: &[f32], to: &mut [u16]) {
    path::run(Path::current(), Narrow { from, to });
}

struct Narrow<'a> {
    from: &'a [f32],
    to: &'a mut [u16],
}

impl Task for Narrow<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for (to, &from) in self.to.iter_mut().zip(self.from) {
            *to = half::narrow(from);
        }
    }
}

struct Widen<'a> {
    from: &'a [u16],
    to: &'a mut [f32],
}

impl Task for Widen<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: the caller's promise.
        unsafe { u16::copy::<L>(self.from, self.to) }
    }
}
