//! What can go wrong in a method.

use std::path::{Path, PathBuf};

use cavga_nn::fit::Misfit;
use thiserror::Error;

/// What can go wrong in a method.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration value that the method cannot work with.
    #[error("{key} = {found}: expected {expected}")]
    Config {
        /// The key as written in the configuration.
        key: &'static str,
        /// What would be accepted.
        expected: String,
        /// What was given.
        found: String,
    },
    /// Images of a shape that the method cannot take.
    #[error("images are {found:?} (batch, channels, height, width), expected {expected}")]
    Shape {
        /// What the method takes.
        expected: String,
        /// What it was given.
        found: [usize; 4],
    },
    /// Training produced a number that is not finite.
    #[error("the loss {name} is {value} at step {step}: training diverged")]
    NotFinite {
        /// Which loss.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The step at which it happened.
        step: u64,
    },
    /// No image to learn from, or none was held out.
    #[error("{0}")]
    NoImages(&'static str),
    /// A batch that does not say which images it has.
    #[error("{numbers} numbers for {images} images")]
    Numbers {
        /// How many numbers.
        numbers: usize,
        /// How many images.
        images: usize,
    },
    /// A batch with more or fewer labels than images.
    #[error("{labels} labels for {images} images")]
    Labels {
        /// How many labels.
        labels: usize,
        /// How many images.
        images: usize,
    },
    /// A device that cannot differentiate.
    #[error(
        "the attention needs a gradient, and this device gave none: take another, or for CAVGA leave attention.stage out"
    )]
    NoGradient,
    /// Asked to unlearn, of a method that cannot.
    #[error("this method cannot forget images: train again without them")]
    NeverForgets,
    /// Nobody waits any longer.
    #[error("stopped")]
    Stopped,
    /// A weight file of another network.
    #[error("{}: the weights of another network", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        #[source]
        source: Box<Misfit>,
    },
    /// Tensors that do not fit the network, or cannot be read.
    #[error(transparent)]
    State(#[from] cavga_nn::state::StateError),
    /// The images handed over could not be produced.
    #[error(transparent)]
    Source(#[from] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// For `map_err` on what takes a weight file's tensors.
    pub(crate) fn weights(path: &Path) -> impl FnOnce(Misfit) -> Self {
        let path = path.to_owned();
        move |misfit| Self::Weights {
            path,
            source: Box::new(misfit),
        }
    }
}

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;
