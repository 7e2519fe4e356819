//! Files that hold many images, or arrays: readers that check every length before they believe it.

mod bytes;
pub(crate) mod cifar;
pub(crate) mod idx;
pub(crate) mod input;
pub(crate) mod npy;
mod npy_header;
mod pickle;

use std::sync::Arc;

use crate::source::Archive;

/// The images of an archive and the class of each, in their order.
#[derive(Debug)]
pub(crate) struct Labelled {
    pub(crate) images: Arc<Archive>,
    pub(crate) labels: Vec<u8>,
}

/// What to do about a file whose bytes are not what its format says.
const COPY_AGAIN: &str = "copy or download the file again";
