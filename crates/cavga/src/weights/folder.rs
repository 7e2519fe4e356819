//! Where weight files are kept: a folder of the user's, which every run of the program shares.

use std::{ffi::OsString, path::PathBuf};

/// The folder for weights, by environment variables: `CAVGA_WEIGHTS`, else the system's folder for what can be fetched
/// again. By hand, since it is three rules: XDG's on Linux, Apple's, and Windows'.
pub(super) fn from(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(folder) = variable("CAVGA_WEIGHTS") {
        return Some(folder.into());
    }
    let path = |name: &str| variable(name).map(PathBuf::from);
    let cache = if cfg!(windows) {
        path("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        path("HOME").map(|home| home.join("Library/Caches"))
    } else {
        // XDG's rule: a relative path is as good as none.
        path("XDG_CACHE_HOME")
            .filter(|folder| folder.is_absolute())
            .or_else(|| Some(path("HOME")?.join(".cache")))
    };
    Some(cache?.join("cavga").join("weights"))
}
