//! Which instruction set the CPU's kernels use, for whoever checks that all of them agree.

pub use cavga_kernels::path::{Path, with_path};
