//! Kernels that methods call by themselves, and which instruction set all of them use, for whoever checks that they agree.

pub use cavga_kernels::{
    bank, gaussian,
    path::{Path, with_path},
};
