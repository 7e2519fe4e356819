//! Bytes in memory one after the other; whatever is not there is an early end.

use super::pickle::Result;

/// Reads from the front of a slice.
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let split = self.0.split_at_checked(length);
        let (taken, rest) = split.ok_or("one that ends early")?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        self.array().map(u8::from_le_bytes)
    }

    /// A length of 1, 4 or 8 bytes, little-endian.
    pub(super) fn length(&mut self, size: usize) -> Result<usize> {
        let length = match size {
            1 => u64::from(self.u8()?),
            4 => u64::from(u32::from_le_bytes(self.array()?)),
            _ => u64::from_le_bytes(self.array()?),
        };
        // Longer than the address space is longer than the file.
        usize::try_from(length).map_err(|_| "one that ends early".into())
    }

    /// As many bytes as the length of so many bytes before them says.
    pub(super) fn prefixed(&mut self, size: usize) -> Result<&'a [u8]> {
        let length = self.length(size)?;
        self.take(length)
    }

    /// The bytes up to the next newline, which is taken too.
    pub(super) fn line(&mut self) -> Result<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == b'\n');
        let line = self.take(end.ok_or("one that ends early")?)?;
        self.take(1)?;
        Ok(line)
    }
}
