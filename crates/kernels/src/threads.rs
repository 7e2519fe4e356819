//! Where a sequence of kernels runs.

use crate::path::{Path, with_path};

/// Runs a sequence of kernels on one of the threads that share them. From another thread, each kernel is a message to those threads
/// and a wait for them to wake and to answer, which costs a small network more than a tenth of its time; this way it is one message
/// for all.
///
/// `work` must not wait for anything that needs those threads.
pub fn together<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let path = Path::current();
    rayon::scope(|_| with_path(path, work))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_goes_along() {
        with_path(Path::Portable, || {
            assert_eq!(together(Path::current), Path::Portable);
        });
    }
}
