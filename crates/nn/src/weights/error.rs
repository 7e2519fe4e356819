//! What can be wrong with a weight file.

use std::{io, path::PathBuf};

use thiserror::Error;

/// A weight file that cannot be used.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct WeightsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, and what to do.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a weight file, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// It cannot be read at all.
    #[error("cannot read: {0}")]
    Io(#[source] io::Error),
    /// Another kind of file.
    #[error(
        "neither safetensors nor a state dict saved by torch, but {0}; give a .safetensors or .pth file"
    )]
    Unknown(String),
    /// It ends too early.
    #[error("cut short: it ends within {0}; copy or download it again")]
    CutShort(String),
    /// A pickle that wants more than tensors.
    #[error(
        "asks for {0}, which is no tensor: not read; save the network's state_dict() alone, or as safetensors"
    )]
    Global(String),
    /// The format's rules are broken, or it uses a part of the format that no weights need.
    #[error("damaged, or not what torch writes: {0}; copy it again, or save it as safetensors")]
    Malformed(String),
    /// A program instead of weights.
    #[error("a TorchScript program, not weights alone; save the module's state_dict()")]
    Script,
    /// Nothing to load.
    #[error("holds no tensors of real numbers; save the network's state_dict()")]
    NoTensors,
    /// A tensor that cannot be read.
    #[error("the tensor {name:?} {why}")]
    Tensor {
        /// Its name in the file.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A weight that is no number, or too large for f32.
    #[error(
        "the tensor {name:?} holds {value} at position {at}, expected finite numbers; the weights are broken, take another file"
    )]
    NotFinite {
        /// Its name in the file.
        name: String,
        /// The value.
        value: f32,
        /// Where in the tensor, counted from 0 in row-major order.
        at: usize,
    },
}

/// For `map_err` and `ok_or_else`: rules of the format that are broken.
pub(super) fn malformed(why: impl Into<String>) -> Problem {
    Problem::Malformed(why.into())
}
