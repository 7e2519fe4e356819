//! Files that hold many images, or arrays: readers that check every length before they believe it.

pub(crate) mod npy;
