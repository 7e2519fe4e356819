//! Tensors out of storages: any offset and strides.

use burn::tensor::TensorData;

use super::value::Strided;
use crate::weights::{Problem, numbers::Number, tensor};

/// Makes tensors while they fit in the number of values that a file of this size can have.
#[derive(Debug)]
pub(super) struct Gatherer {
    /// Values that may still be made. A view can repeat a storage's numbers without end: a file of a few bytes could ask
    /// for all memory.
    left: usize,
    big_endian: bool,
}

impl Gatherer {
    pub(super) fn new(file: usize, big_endian: bool) -> Self {
        Self {
            left: file,
            big_endian,
        }
    }

    /// The tensor's numbers in row-major order; `None` for whole numbers, which are left aside. `bytes` are its storage's.
    pub(super) fn gather(
        &mut self,
        name: &str,
        strided: &Strided,
        bytes: &[u8],
    ) -> Result<Option<TensorData>, Problem> {
        let Strided {
            storage,
            offset,
            shape,
            strides,
        } = strided;
        if matches!(storage.number, Number::Whole(_)) {
            return Ok(None);
        }
        let bad = |why: &str| Problem::Tensor {
            name: name.to_owned(),
            why: why.to_owned(),
        };
        // In order, as a tensor multiplies them: a zero behind sizes that are too large comes too late there as here.
        let count = shape
            .iter()
            .try_fold(1_usize, |n, size| n.checked_mul(*size))
            .filter(|count| *count <= self.left)
            .ok_or_else(|| bad("is larger than a file of this size can be"))?;
        self.left -= count;
        if count == 0 {
            return tensor(name, Vec::new(), shape).map(Some);
        }
        // The last number that the tensor looks at, counted from the storage's first.
        let last = shape
            .iter()
            .zip(strides)
            .try_fold(*offset, |last, (size, stride)| {
                last.checked_add(size.saturating_sub(1).checked_mul(*stride)?)
            })
            .filter(|last| *last < storage.length)
            .ok_or_else(|| bad("lies outside of its storage; the file is damaged"))?;
        let size = storage.number.size();
        // In bytes: `None` where that is more than there can be.
        let place = |number: usize| storage.first.checked_add(number)?.checked_mul(size);
        let seen = place(*offset)
            .zip(place(last).and_then(|last| last.checked_add(size)))
            .and_then(|(first, end)| bytes.get(first..end))
            .ok_or_else(|| Problem::CutShort(format!("the numbers of {name:?}")))?;
        let values = if is_row_major(shape, strides) {
            storage.number.read_all(seen, self.big_endian)
        } else {
            let numbers = walk(seen, size, shape, strides, count);
            storage.number.read_all(&numbers, self.big_endian)
        };
        tensor(name, values, shape).map(Some)
    }
}

fn is_row_major(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(size, stride)| {
        let fits = *size == 1 || *stride == expected;
        expected *= size;
        fits
    })
}

/// The numbers, of `size` bytes each, in row-major order; the caller has made sure that the last one is inside.
fn walk(bytes: &[u8], size: usize, shape: &[usize], strides: &[usize], count: usize) -> Vec<u8> {
    let mut index = vec![0; shape.len()];
    let mut at = 0_usize;
    let mut walked = Vec::with_capacity(count.saturating_mul(size));
    for _ in 0..count {
        let from = at.saturating_mul(size);
        walked.extend(
            bytes
                .get(from..from.saturating_add(size))
                .unwrap_or_default(),
        );
        for ((index, length), stride) in index.iter_mut().zip(shape).zip(strides).rev() {
            *index += 1;
            // Wraps where a dimension of one has a stride of any size: it is taken back at once.
            at = at.wrapping_add(*stride);
            if *index < *length {
                break;
            }
            // This dimension is through: back to its begin, and one on in the dimension before.
            at = at.wrapping_sub(length.wrapping_mul(*stride));
            *index = 0;
        }
    }
    walked
}
