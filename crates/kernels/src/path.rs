//! Which instruction set the kernels use, chosen once per process, and the entry points compiled for each.

use crate::lanes::{Lanes, Portable};
use std::cell::Cell;
use std::sync::OnceLock;

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// 512-bit vectors (x86-64-v4).
    Avx512,
    /// 256-bit vectors with fused multiply-add (x86-64-v3).
    Avx2,
    /// Plain Rust, vectorised by the compiler for the target's baseline (SSE2, NEON, ...).
    Portable,
}

impl Path {
    /// As `CAVGA_KERNELS` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }

    /// The paths that this machine can run, fastest first.
    pub fn available() -> Vec<Self> {
        let mut paths = Vec::new();
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let fma = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            if fma
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                paths.push(Self::Avx512);
            }
            if fma {
                paths.push(Self::Avx2);
            }
        }
        paths.push(Self::Portable);
        paths
    }

    /// The path that kernels called from this thread use: the one set by [`with_path`], else the one named by
    /// `CAVGA_KERNELS`, else the fastest. A name that is unknown or that this machine cannot run is ignored.
    pub fn current() -> Self {
        static CHOSEN: OnceLock<Path> = OnceLock::new();
        FORCED.get().unwrap_or_else(|| {
            *CHOSEN.get_or_init(|| {
                let wanted = std::env::var("CAVGA_KERNELS").unwrap_or_default();
                let available = Self::available();
                let named = available.iter().find(|path| path.name() == wanted);
                *named.unwrap_or(&available[0])
            })
        })
    }
}

thread_local! {
    static FORCED: Cell<Option<Path>> = const { Cell::new(None) };
}

/// Runs `work` with its kernels on the given path. For tests and measurements.
///
/// # Panics
/// If this machine cannot run that path.
pub fn with_path<R>(path: Path, work: impl FnOnce() -> R) -> R {
    /// Puts the former choice back, also when `work` panics.
    struct Restore(Option<Path>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    assert!(
        Path::available().contains(&path),
        "this machine cannot run the {path:?} kernels"
    );
    let _restore = Restore(FORCED.replace(Some(path)));
    work()
}

/// Work on one thread, generic over the vectors it is written in.
///
/// Implementations mark `run` as `#[inline(always)]`: code that is not inlined into the entry point would not be compiled
/// for its instruction set.
pub(crate) trait Task {
    /// Does the work.
    ///
    /// # Safety
    /// The processor has the instruction set of `L`.
    unsafe fn run<L: Lanes>(self);
}

/// Runs a task on a path.
pub(crate) fn run(path: Path, task: impl Task) {
    match path {
        // SAFETY: `Path::current` and `with_path` only give paths that `available` found on this processor.
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 => unsafe { avx512(task) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 => unsafe { avx2(task) },
        // SAFETY: plain Rust runs anywhere.
        _ => unsafe { task.run::<Portable>() },
    }
}

/// Floats per vector and rows per register tile of a path: what packed layouts depend on.
pub(crate) fn tile(path: Path) -> (usize, usize) {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 => (crate::x86::Avx512::N, crate::x86::Avx512::ROWS),
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 => (crate::x86::Avx2::N, crate::x86::Avx2::ROWS),
        _ => (Portable::N, Portable::ROWS),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
unsafe fn avx512(task: impl Task) {
    // SAFETY: this function's features are those that the vectors need.
    unsafe { task.run::<crate::x86::Avx512>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn avx2(task: impl Task) {
    // SAFETY: this function's features are those that the vectors need.
    unsafe { task.run::<crate::x86::Avx2>() }
}
