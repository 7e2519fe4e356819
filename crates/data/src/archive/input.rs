//! An archive's bytes one after the other, plain or compressed with gzip, none of them believed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::COPY_AGAIN;
use crate::error::{Error, Result};

/// What a gzip file begins with. No format that is read here begins so.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// To how many bytes one byte may inflate, by the format's own construction.
const INFLATION: u64 = 1032;

/// Reads an archive from its beginning.
pub(crate) struct Input<'a> {
    path: &'a Path,
    reader: Box<dyn Read + 'a>,
    /// How many bytes there can still be.
    left: u64,
}

impl<'a> Input<'a> {
    /// The file at `path`.
    pub(super) fn open(path: &'a Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::read(path))?;
        let metadata = file.metadata().map_err(Error::read(path))?;
        if metadata.is_dir() {
            let source = ErrorKind::IsADirectory.into();
            return Err(Error::read(path)(source));
        }
        Self::new(path, BufReader::new(file), metadata.len())
    }

    /// `size` bytes; `path` is what messages call them.
    pub(crate) fn new(path: &'a Path, mut from: impl BufRead + 'a, size: u64) -> Result<Self> {
        let mut head = Vec::new();
        let mut begin = from.by_ref().take(GZIP.len() as u64);
        begin.read_to_end(&mut head).map_err(Error::read(path))?;
        let zipped = head == GZIP;
        let whole = Cursor::new(head).chain(from);
        let (reader, left): (Box<dyn Read + 'a>, _) = if zipped {
            let reader = MultiGzDecoder::new(whole);
            (Box::new(reader), size.saturating_mul(INFLATION))
        } else {
            (Box::new(whole), size)
        };
        Ok(Self { path, reader, left })
    }

    pub(super) fn path(&self) -> &'a Path {
        self.path
    }

    /// The next bytes; `what` says what they are.
    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut array = [0; N];
        self.reader
            .read_exact(&mut array)
            .map_err(|error| self.refuse(what, error))?;
        self.left = self.left.saturating_sub(N as u64);
        Ok(array)
    }

    /// The next `length` bytes. Memory is taken for no more than the file can hold.
    pub(super) fn take(&mut self, length: usize, what: &str) -> Result<Vec<u8>> {
        let early = |error| self.refuse(&format!("{length} bytes of {what}"), error);
        if length as u64 > self.left {
            return Err(early(ErrorKind::UnexpectedEof.into()));
        }
        let mut bytes = Vec::new();
        if bytes.try_reserve_exact(length).is_err() {
            return Err(early(ErrorKind::OutOfMemory.into()));
        }
        let mut read = self.reader.by_ref().take(length as u64);
        match read.read_to_end(&mut bytes) {
            Ok(read) if read == length => {}
            Ok(_) => {
                let error = ErrorKind::UnexpectedEof.into();
                return Err(self.refuse(&format!("{length} bytes of {what}"), error));
            }
            Err(error) => return Err(self.refuse(what, error)),
        }
        self.left = self.left.saturating_sub(length as u64);
        Ok(bytes)
    }

    /// All bytes that are left, if they are no more than `most`.
    pub(super) fn rest(mut self, most: u64, what: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut read = self.reader.by_ref().take(most.saturating_add(1));
        read.read_to_end(&mut bytes)
            .map_err(|error| self.refuse(what, error))?;
        if bytes.len() as u64 > most {
            return Err(self.malformed(format!("at most {most} bytes of {what}"), "more"));
        }
        Ok(bytes)
    }

    /// Requires that nothing is left.
    pub(super) fn end(mut self) -> Result<()> {
        let mut more = Vec::new();
        let mut read = self.reader.by_ref().take(1);
        read.read_to_end(&mut more)
            .map_err(|error| self.refuse("the end of the file", error))?;
        if more.is_empty() {
            return Ok(());
        }
        Err(self.malformed("no more bytes than its header says", "more"))
    }

    pub(super) fn malformed(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::Malformed {
            path: self.path.to_path_buf(),
            expected: expected.into(),
            found: found.into(),
            advice: COPY_AGAIN,
        }
    }

    /// What an error of the reader says of the file.
    fn refuse(&self, what: &str, error: io::Error) -> Error {
        match error.kind() {
            ErrorKind::UnexpectedEof => self.malformed(what, "that the file ends early"),
            ErrorKind::InvalidData | ErrorKind::InvalidInput => {
                self.malformed(what, format!("a damaged gzip file ({error})"))
            }
            _ => Error::read(self.path)(error),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    /// `bytes` as a gzip file.
    pub(in crate::archive) fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn input(bytes: &[u8]) -> Input<'_> {
        Input::new(Path::new("a"), bytes, bytes.len() as u64).unwrap()
    }

    #[test]
    fn plain_and_zipped_bytes_are_the_same() {
        let bytes: Vec<u8> = (0..200).collect();
        for file in [bytes.clone(), zipped(&bytes)] {
            let mut input = input(&file);
            assert_eq!(input.array("begin").unwrap(), [0, 1, 2]);
            assert_eq!(input.take(7, "values").unwrap(), bytes[3..10]);
            assert_eq!(input.rest(190, "values").unwrap(), bytes[10..]);
        }
    }

    #[test]
    fn no_memory_is_taken_for_what_a_file_cannot_hold() {
        let error = input(b"abc").take(usize::MAX, "pixels").unwrap_err();
        assert!(error.to_string().contains("ends early"), "{error}");
        // Inflates to no more than a thousand times itself, however much its header says.
        let bomb = zipped(&vec![0; 1 << 16]);
        let error = input(&bomb).take(1 << 40, "pixels").unwrap_err();
        assert!(error.to_string().contains("ends early"), "{error}");
        let error = input(&bomb).rest(1000, "pixels").unwrap_err();
        assert!(error.to_string().contains("at most 1000 bytes"), "{error}");
    }

    #[test]
    fn what_follows_the_last_byte_is_an_error() {
        let mut twice = zipped(b"ab");
        input(b"").end().unwrap();
        for file in [b"abc".to_vec(), zipped(b"abc")] {
            let mut input = input(&file);
            let _ = input.array::<2>("begin").unwrap();
            let error = input.end().unwrap_err();
            assert!(error.to_string().contains("no more bytes"), "{error}");
        }
        twice.extend(b"garbage");
        let mut input = input(&twice);
        let _ = input.array::<2>("begin").unwrap();
        assert_eq!(input.end().unwrap_err().kind(), "malformed");
    }

    #[test]
    fn a_damaged_gzip_file_is_told() {
        let mut file = zipped(&[7; 100]);
        let checksum = file.len() - 6;
        file[checksum] ^= 1;
        let mut input = input(&file);
        let _ = input.take(100, "values").unwrap();
        let error = input.end().unwrap_err();
        assert!(error.to_string().contains("damaged gzip"), "{error}");
    }
}
