//! Bytes one after the other, none of them believed.

use crate::weights::Problem;

/// Reads from the front of `bytes`; whatever is not there is [`Problem::CutShort`].
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// What is being read, for errors.
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, what }
    }

    /// The rest, by another name for errors.
    pub(super) fn named(self, what: &'static str) -> Self {
        Self { what, ..self }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(length)
            .ok_or_else(|| Problem::CutShort(self.what.to_owned()))?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(super) fn skip(&mut self, length: usize) -> Result<(), Problem> {
        self.take(length).map(drop)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Problem> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Problem> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Problem> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Problem> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length, little-endian in so many bytes.
    pub(super) fn length(&mut self, size: usize) -> Result<usize, Problem> {
        let number = match size {
            1 => u64::from(self.u8()?),
            2 => u64::from(self.u16()?),
            4 => u64::from(self.u32()?),
            _ => self.u64()?,
        };
        // Longer than the address space is longer than the file.
        usize::try_from(number).map_err(|_| Problem::CutShort(self.what.to_owned()))
    }

    /// The bytes up to the next newline, which is taken too.
    pub(super) fn line(&mut self) -> Result<&'a [u8], Problem> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(|| Problem::CutShort(self.what.to_owned()))?;
        let line = self.take(end)?;
        self.skip(1)?;
        Ok(line)
    }
}
