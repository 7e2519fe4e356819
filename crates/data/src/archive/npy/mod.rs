//! NumPy's array files, of which masks of videos come. Source: NumPy's `numpy/lib/_format_impl.py`.
//!
//! `\x93NUMPY`, a version, the length of the header, the header: a dict as Python writes it, the values. Frames are read
//! by themselves, since the array of one video may be larger than memory.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::npy_header::Header;
use crate::decode::Limits;
use crate::error::{Error, Result};
use crate::mask::Mask;

/// The longest list of labels: days of video.
const MOST_LABELS: usize = 1 << 24;
/// The longest header, which NumPy itself does not believe beyond 10,000 bytes.
const LONGEST_HEADER: usize = 1 << 16;
const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// Frame `index` of an array `[frames, height, width]`, or the array `[height, width]` itself as frame 0: marked where it
/// isn't 0.
pub(crate) fn frame(path: &Path, index: usize, limits: &Limits) -> Result<Mask> {
    Array::open(path)?.frame(index, limits)
}

/// `[height, width]` of an array's frames.
pub(crate) fn frame_size(path: &Path) -> Result<[usize; 2]> {
    let [_, height, width] = Array::open(path)?.frames()?;
    Ok([height, width])
}

/// SHA-256 of a frame's size and its bytes.
pub(crate) fn frame_digest(path: &Path, index: usize) -> Result<[u8; 32]> {
    let mut array = Array::open(path)?;
    let [_, height, width] = array.frames()?;
    let mut hash = Sha256::new();
    for side in [height, width] {
        hash.update((side as u64).to_le_bytes());
    }
    array.each_row(index, |_, row| {
        hash.update(row);
        Ok(())
    })?;
    Ok(hash.finalize().into())
}

/// How many frames an array `[frames, height, width]` has.
pub(crate) fn frame_count(path: &Path) -> Result<usize> {
    let [frames, ..] = Array::open(path)?.frames()?;
    Ok(frames)
}

/// The values of an array of one dimension: whether each isn't 0.
pub(crate) fn vector(path: &Path) -> Result<Vec<bool>> {
    Array::open(path)?.vector()
}

/// Size and numbers of an array `[height, width]`, further dimensions of 1 in front allowed.
pub(crate) fn numbers(path: &Path, limits: &Limits) -> Result<([usize; 2], Vec<f64>)> {
    let mut array = Array::open(path)?.into_map()?;
    let [_, height, width] = array.frames()?;
    array.require_within(limits, [height, width])?;
    let number = array.header.number;
    let mut values = Vec::with_capacity(height.saturating_mul(width));
    array.each_row(0, |_, row| {
        let row = row.chunks_exact(number.size());
        values.extend(row.map(|value| number.value(value)));
        Ok(())
    })?;
    Ok(([height, width], values))
}

/// Size of an array as [`numbers`] reads it.
pub(crate) fn map_size(path: &Path) -> Result<[usize; 2]> {
    let [_, height, width] = Array::open(path)?.into_map()?.frames()?;
    Ok([height, width])
}

/// An open array whose file is as long as its header says.
pub(crate) struct Array<'a, R> {
    path: &'a Path,
    reader: R,
    header: Header,
    /// Where the values begin.
    begin: u64,
}

impl<'a> Array<'a, BufReader<File>> {
    fn open(path: &'a Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::read(path))?;
        Self::read(path, BufReader::new(file))
    }
}

impl<'a, R: Read + Seek> Array<'a, R> {
    /// Reads the header and compares the length of the file with it.
    pub(crate) fn read(path: &'a Path, mut reader: R) -> Result<Self> {
        let early = |error| refuse(path, "a whole header", error);
        let head: [u8; 8] = bytes(&mut reader).map_err(early)?;
        let [magic @ .., major, _minor] = head;
        if magic != MAGIC {
            let found = format!("one that begins with {magic:02x?}");
            return Err(malformed(path, "an array of NumPy", found));
        }
        let (length, head) = match major {
            1 => (
                u16::from_le_bytes(bytes(&mut reader).map_err(early)?).into(),
                10,
            ),
            2 | 3 => (u32::from_le_bytes(bytes(&mut reader).map_err(early)?), 12),
            other => {
                let found = format!("version {other}");
                return Err(malformed(
                    path,
                    "an array of NumPy of version 1, 2 or 3",
                    found,
                ));
            }
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > LONGEST_HEADER {
            let expected = format!("a header of at most {LONGEST_HEADER} bytes");
            return Err(malformed(path, &expected, length.to_string()));
        }
        let mut text = vec![0; length];
        reader.read_exact(&mut text).map_err(early)?;
        let header = Header::parse(&text)
            .map_err(|found| malformed(path, "a header of an array of numbers", found))?;
        let array = Self {
            path,
            reader,
            header,
            begin: head + length as u64,
        };
        array.whole()
    }

    /// Requires the file to end with the last value.
    fn whole(mut self) -> Result<Self> {
        let sides = self.header.shape.iter();
        let bytes = sides
            .map(|side| *side as u64)
            .try_fold(self.header.number.size() as u64, u64::checked_mul);
        let expected = bytes.and_then(|bytes| bytes.checked_add(self.begin));
        let found = self.reader.seek(SeekFrom::End(0));
        let found = found.map_err(Error::read(self.path))?;
        if expected == Some(found) {
            return Ok(self);
        }
        let expected = expected.map_or("fewer".to_owned(), |bytes| bytes.to_string());
        let expected = format!(
            "{expected} bytes, as its shape {:?} says",
            self.header.shape
        );
        Err(malformed(self.path, &expected, found.to_string()))
    }

    /// `[frames, height, width]`.
    pub(crate) fn frames(&self) -> Result<[usize; 3]> {
        let shape = match *self.header.shape {
            [height, width] => [1, height, width],
            [frames, height, width] => [frames, height, width],
            _ => [0; 3],
        };
        if shape.contains(&0) {
            let expected = "frames as an array [frames, height, width]";
            let found = format!("one of {:?}", self.header.shape);
            return Err(malformed(self.path, expected, found));
        }
        Ok(shape)
    }

    pub(crate) fn frame(&mut self, index: usize, limits: &Limits) -> Result<Mask> {
        let [_, height, width] = self.frames()?;
        self.require_within(limits, [height, width])?;
        let number = self.header.number;
        let path = self.path;
        let mut pixels = Vec::new();
        self.each_row(index, |at, row| {
            for (column, value) in row.chunks_exact(number.size()).enumerate() {
                pixels.push(number.is_marked(value).ok_or_else(|| Error::NotFinite {
                    path: path.to_path_buf(),
                    value: f32::NAN,
                    row: at,
                    column,
                })?);
            }
            Ok(())
        })?;
        Ok(Mask {
            height,
            width,
            pixels,
        })
    }

    fn require_within(&self, limits: &Limits, [height, width]: [usize; 2]) -> Result<()> {
        if (height as u64).saturating_mul(width as u64) <= limits.max_pixels {
            return Ok(());
        }
        Err(Error::TooLarge {
            path: self.path.to_path_buf(),
            limit: limits.max_pixels,
            found: format!("{height} rows of {width}"),
        })
    }

    /// The array without dimensions of 1 in front of its height and width.
    fn into_map(mut self) -> Result<Self> {
        match &self.header.shape[..] {
            [ones @ .., height, width] if ones.iter().all(|&side| side == 1) => {
                self.header.shape = vec![*height, *width];
                Ok(self)
            }
            other => {
                let found = format!("one of {other:?}");
                let expected = "one map as an array [height, width]";
                Err(malformed(self.path, expected, found))
            }
        }
    }

    /// Calls `each` with the number and the bytes of every row of a frame.
    fn each_row(
        &mut self,
        index: usize,
        mut each: impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let [frames, height, width] = self.frames()?;
        if index >= frames {
            let expected = format!("a frame {index}, counted from 0");
            return Err(malformed(self.path, &expected, format!("{frames} frames")));
        }
        // All of this is within the file's length, which was compared.
        let row = width.saturating_mul(self.header.number.size());
        let frame = (row as u64).saturating_mul(height as u64);
        let at = self
            .begin
            .saturating_add(frame.saturating_mul(index as u64));
        let seek = self.reader.seek(SeekFrom::Start(at));
        seek.map_err(Error::read(self.path))?;
        let mut bytes = vec![0; row];
        for row in 0..height {
            let read = self.reader.read_exact(&mut bytes);
            read.map_err(|error| refuse(self.path, "all rows", error))?;
            each(row, &bytes)?;
        }
        Ok(())
    }

    pub(crate) fn vector(&mut self) -> Result<Vec<bool>> {
        let [length] = *self.header.shape else {
            let found = format!("one of {:?}", self.header.shape);
            return Err(malformed(self.path, "an array of one dimension", found));
        };
        if length > MOST_LABELS {
            let expected = format!("at most {MOST_LABELS} values");
            return Err(malformed(self.path, &expected, length.to_string()));
        }
        let number = self.header.number;
        let mut bytes = vec![0; length.saturating_mul(number.size())];
        let seek = self.reader.seek(SeekFrom::Start(self.begin));
        seek.map_err(Error::read(self.path))?;
        let read = self.reader.read_exact(&mut bytes);
        read.map_err(|error| refuse(self.path, "all values", error))?;
        let values = bytes.chunks_exact(number.size()).enumerate();
        let marked = values.map(|(column, value)| {
            number.is_marked(value).ok_or_else(|| Error::NotFinite {
                path: self.path.to_path_buf(),
                value: f32::NAN,
                row: 0,
                column,
            })
        });
        marked.collect()
    }
}

fn bytes<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// What an error of the reader says of the file.
fn refuse(path: &Path, expected: &str, error: io::Error) -> Error {
    if error.kind() == ErrorKind::UnexpectedEof {
        return malformed(path, expected, "that the file ends early".into());
    }
    Error::read(path)(error)
}

fn malformed(path: &Path, expected: &str, found: String) -> Error {
    Error::Malformed {
        path: path.to_path_buf(),
        expected: expected.to_owned(),
        found,
        advice: "save it with numpy.save as a little-endian, C-ordered array of numbers; if it was cut short, copy it again",
    }
}

#[cfg(test)]
mod tests;
