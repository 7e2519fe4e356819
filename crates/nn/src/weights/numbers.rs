//! The number types of weight files, and the way from each to f32.

use burn::tensor::{bf16, f16};

/// A type of numbers in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    F64,
    F32,
    F16,
    Bf16,
    /// Whole numbers and truth values of so many bytes: known, so that their place in the file is, but not read.
    Whole(usize),
}

impl Number {
    /// Bytes that one takes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Whole(size) => size,
        }
    }

    /// Reads numbers; a rest of `bytes` that makes no whole number is dropped.
    pub(super) fn read_all(self, bytes: &[u8], big_endian: bool) -> Vec<f32> {
        // The bytes need not be aligned, so numbers are made one by one.
        macro_rules! each {
            ($type:ty, $size:literal, $convert:expr) => {
                bytes
                    .as_chunks::<$size>()
                    .0
                    .iter()
                    .map(|bytes| {
                        $convert(if big_endian {
                            <$type>::from_be_bytes(*bytes)
                        } else {
                            <$type>::from_le_bytes(*bytes)
                        })
                    })
                    .collect()
            };
        }
        match self {
            Self::F64 => each!(f64, 8, |x| x as f32),
            Self::F32 => each!(f32, 4, |x| x),
            Self::F16 => each!(f16, 2, f16::to_f32),
            Self::Bf16 => each!(bf16, 2, bf16::to_f32),
            Self::Whole(_) => Vec::new(),
        }
    }
}
