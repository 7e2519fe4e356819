//! Weight files of others: safetensors, and what torch saves, read without running any code.
//!
//! [`read`] tells the format by the file's first bytes, never by its name, and gives every tensor of real numbers as
//! f32 under its own name. Three things make files of the same network differ and are undone here: state dicts that lie
//! inside a training checkpoint, the prefix `module.` of torch's `DataParallel`, and counters such as
//! `num_batches_tracked`, which are whole numbers and left aside.
//!
//! A file comes from anywhere. So nothing in it is believed: every length is checked before it is used, what is made
//! from a file stays within a few times its size, and anything but tensors is an error that says what it is.

mod error;
mod numbers;
mod safe;
mod source;
mod torch;

use std::{fs, path::Path};

use burn::tensor::TensorData;

pub use error::{Problem, WeightsError};
pub use source::Source;

use crate::state::Tensors;

/// Reads the tensors of a weight file, as f32.
///
/// Formats: safetensors; torch's `.pth`, `.pt`, `.bin` of any version since 0.2 (zip, and the older pickles in a row).
/// Tensors of whole numbers are left aside. The file is held in memory while it is read: twice its size where it holds
/// f32.
///
/// # Errors
/// [`WeightsError`], with the file and what to do: a file that cannot be read, is of no known format, is cut short, asks
/// for code to be run, or holds a number that is not finite.
pub fn read(path: &Path) -> Result<Tensors, WeightsError> {
    let wrap = |problem| WeightsError {
        path: path.to_owned(),
        problem,
    };
    let bytes = fs::read(path).map_err(|error| wrap(Problem::Io(error)))?;
    parse(&bytes).map_err(wrap)
}

/// As [`read`], from memory.
///
/// # Errors
/// A [`Problem`], as for [`read`].
pub fn parse(bytes: &[u8]) -> Result<Tensors, Problem> {
    let tensors = if safe::is_it(bytes) {
        safe::parse(bytes)?
    } else if torch::is_zip(bytes) {
        torch::parse_zip(bytes)?
    } else if torch::is_pickle(bytes) {
        torch::parse_pickles(bytes)?
    } else {
        return Err(unknown(bytes));
    };
    if tensors.is_empty() {
        return Err(Problem::NoTensors);
    }
    Ok(without_prefix(tensors))
}

/// What a file that is no weight file looks like, where that is easily told.
fn unknown(bytes: &[u8]) -> Problem {
    let start = bytes.trim_ascii_start();
    let begins = |word: &str| {
        start
            .get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    Problem::Unknown(if bytes.is_empty() {
        "an empty file".to_owned()
    } else if begins("<!doctype") || begins("<html") {
        "a web page: the download went wrong".to_owned()
    } else if begins("version https://git-lfs") {
        "a Git LFS pointer: the file itself was not fetched".to_owned()
    } else if begins("\u{89}HDF") {
        "an HDF5 file".to_owned()
    } else {
        let first: Vec<_> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
        format!("a file that begins with the bytes {}", first.join(" "))
    })
}

/// Names as the network has them: `DataParallel` puts `module.` in front of every one.
fn without_prefix(tensors: Tensors) -> Tensors {
    const PREFIX: &str = "module.";
    if !tensors.keys().all(|name| name.starts_with(PREFIX)) {
        return tensors;
    }
    let bare = |name: &String| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    tensors
        .into_iter()
        .map(|(name, data)| (bare(&name), data))
        .collect()
}

/// A tensor of finite numbers; the caller has made sure that as many are there as the shape says.
fn tensor(name: &str, values: Vec<f32>, shape: &[usize]) -> Result<TensorData, Problem> {
    if let Some((at, value)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        return Err(Problem::NotFinite {
            name: name.to_owned(),
            value: *value,
            at,
        });
    }
    Ok(TensorData::new(values, shape.to_vec()))
}
