//! The part of the zip format that torch writes: entries stored as they are, found by the directory at the end.
//!
//! Our own rather than a crate's: torch never compresses, so what is needed is a directory of names and places, less
//! than a screen of code, while the crates bring decompressors, encryption and clocks. Sources: PKWARE's APPNOTE.TXT
//! 4.3, and torch's `caffe2/serialize/inline_container.cc`. The entries' CRC-32 is not looked at: torch lets its users
//! save without.

use std::collections::BTreeMap;

use super::reader::Reader;
use crate::weights::{Problem, error::malformed};

/// What the file begins with: the header of its first entry.
pub(super) const BEGIN: &[u8] = b"PK\x03\x04";

const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_LENGTH: usize = 20;
const END_64: &[u8] = b"PK\x06\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
/// What a 32-bit field says where the number is in the entry's extra field.
const IN_EXTRA: u64 = u32::MAX as u64;

/// The files in a zip by name; those that are not simply stored, as the code of TorchScript, have no bytes.
#[derive(Debug, Default)]
pub(super) struct Entries<'a>(BTreeMap<String, Option<&'a [u8]>>);

impl<'a> Entries<'a> {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A file's bytes; `None` where there is no such file.
    pub(super) fn get(&self, name: &str) -> Result<Option<&'a [u8]>, Problem> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Some(bytes)) => Ok(Some(bytes)),
            Some(None) => Err(malformed(format!(
                "its part {name:?} is compressed or encrypted, which torch does not do"
            ))),
        }
    }
}

/// Finds every entry of a zip.
pub(super) fn entries(bytes: &[u8]) -> Result<Entries<'_>, Problem> {
    let (count, first) = directory(bytes)?;
    let mut reader = Reader::new(part(bytes, first)?, "the zip's directory");
    let mut entries = Entries::default();
    for _ in 0..count {
        let (name, data) = entry(bytes, &mut reader)?;
        entries.0.insert(name, data);
    }
    Ok(entries)
}

/// The bytes from `first` on.
fn part(bytes: &[u8], first: u64) -> Result<&[u8], Problem> {
    usize::try_from(first)
        .ok()
        .and_then(|first| bytes.get(first..))
        .ok_or_else(|| malformed("the zip's directory points beyond its end"))
}

/// How many entries the directory has, and where it begins.
fn directory(bytes: &[u8]) -> Result<(u64, u64), Problem> {
    // A comment of up to 65535 bytes may stand after the end's record.
    let tail = bytes
        .len()
        .saturating_sub(END_LENGTH + usize::from(u16::MAX));
    let end = bytes
        .get(tail..)
        .and_then(|tail| tail.windows(END.len()).rposition(|four| four == END))
        .map(|at| tail + at)
        .ok_or_else(|| Problem::CutShort("the zip, whose directory is missing".to_owned()))?;
    let mut reader = Reader::new(part(bytes, end as u64)?, "the zip's directory");
    reader.skip(10)?;
    let count = u64::from(reader.u16()?);
    reader.skip(4)?;
    let first = u64::from(reader.u32()?);
    // The length of a comment, which ends the file.
    reader.skip(2)?;
    if count != u64::from(u16::MAX) && first != IN_EXTRA {
        return Ok((count, first));
    }
    let Some(locator) = end
        .checked_sub(LOCATOR_LENGTH)
        .and_then(|at| bytes.get(at..))
        .filter(|record| record.starts_with(LOCATOR))
    else {
        return Ok((count, first));
    };
    let mut reader = Reader::new(locator, "the zip's directory");
    reader.skip(8)?;
    let record = part(bytes, reader.u64()?)?;
    if !record.starts_with(END_64) {
        return Err(malformed("the zip's directory is not where its end says"));
    }
    let mut reader = Reader::new(record, "the zip's directory");
    reader.skip(32)?;
    let count = reader.u64()?;
    reader.skip(8)?;
    Ok((count, reader.u64()?))
}

/// The next entry of the directory: its name, and its bytes in the file.
fn entry<'a>(
    bytes: &'a [u8],
    reader: &mut Reader<'a>,
) -> Result<(String, Option<&'a [u8]>), Problem> {
    if reader.take(4)? != ENTRY {
        return Err(malformed("the zip's directory is broken"));
    }
    reader.skip(4)?;
    let flags = reader.u16()?;
    let method = reader.u16()?;
    reader.skip(8)?;
    let stored = u64::from(reader.u32()?);
    let length = u64::from(reader.u32()?);
    let names = [reader.u16()?, reader.u16()?, reader.u16()?].map(usize::from);
    reader.skip(8)?;
    let first = u64::from(reader.u32()?);
    let name = String::from_utf8_lossy(reader.take(names[0])?).into_owned();
    let extra = reader.take(names[1])?;
    reader.skip(names[2])?;
    if method != 0 || flags & 1 != 0 {
        return Ok((name, None));
    }
    let [length, _, first] = in_extra(extra, [length, stored, first])?;
    let mut local = Reader::new(part(bytes, first)?, "the zip's entries");
    if local.take(4)? != BEGIN {
        return Err(malformed(format!(
            "its part {name:?} is not where it should be"
        )));
    }
    local.skip(22)?;
    let skip = [local.u16()?, local.u16()?].map(usize::from);
    local.skip(skip[0])?;
    local.skip(skip[1])?;
    let length = usize::try_from(length).map_err(|_| malformed("an entry is too long"))?;
    Ok((name, Some(local.take(length)?)))
}

/// Numbers that do not fit in 32 bits stand in the extra field with the tag 1, in this order.
fn in_extra(extra: &[u8], mut numbers: [u64; 3]) -> Result<[u64; 3], Problem> {
    if !numbers.contains(&IN_EXTRA) {
        return Ok(numbers);
    }
    let mut reader = Reader::new(extra, "an entry's sizes");
    loop {
        let (tag, length) = (reader.u16()?, reader.length(2)?);
        let field = reader.take(length)?;
        if tag != 1 {
            continue;
        }
        let mut field = Reader::new(field, "an entry's sizes");
        for number in numbers.iter_mut().filter(|number| **number == IN_EXTRA) {
            *number = field.u64()?;
        }
        return Ok(numbers);
    }
}
