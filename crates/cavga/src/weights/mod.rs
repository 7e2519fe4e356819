//! Pretrained weights: which there are, where they lie on this computer, and fetching those that do not.
//!
//! [`locate`] gives the file that a backbone begins with. It looks into one folder of the user's ([`Options::folder`]),
//! and only if the file is not there asks the network, the only place in this library that does. What is fetched is
//! checked against a SHA-256 written in [`CATALOGUE`], so neither a broken line nor another's server can change a weight;
//! what lies there already is checked each time, so neither can a broken disk. Without a network the error says which
//! file to put where.
//!
//! Reading the file is `cavga_nn::weights`' work, which runs no code whatever the file says.

mod catalogue;
mod digest;
mod error;
mod fetch;
mod folder;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

pub use catalogue::{CATALOGUE, Entry, entry};
pub use cavga_detect::{Source, weights::read};
pub use digest::Digest;
pub(crate) use digest::of_file;
pub use error::FetchError;
use serde::{Serialize, Serializer};

use crate::{Error, Result, atomic, eval::as_text, progress::Event, progress::Progress};

/// Endings of a weight file that a user names after the backbone, in the order in which they are tried.
const ENDINGS: [&str; 3] = ["safetensors", "pth", "pt"];

/// How to look for weights, and how to fetch them.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder where weight files are kept; `None` where the system names none, and then nothing can be fetched.
    pub folder: Option<PathBuf>,
    /// Never ask the network.
    pub offline: bool,
    /// Raised from another thread, it ends a download with [`Error::Stopped`]; what came so far is kept.
    pub stop: Arc<AtomicBool>,
    /// How long a server may take to answer, and then to send each piece.
    pub patience: Duration,
    /// The pause before the first new try; it doubles with each that brings nothing.
    pub pause: Duration,
}

impl Options {
    /// As the environment says: the folder is `CAVGA_WEIGHTS`, else `cavga/weights` in the user's cache folder;
    /// `CAVGA_OFFLINE` set to anything but `0` or nothing forbids the network.
    pub fn from_env(stop: Arc<AtomicBool>) -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            folder: folder::from(set),
            offline: set("CAVGA_OFFLINE").is_some_and(|value| value != "0"),
            stop,
            patience: Duration::from_secs(30),
            pause: Duration::from_secs(1),
        }
    }
}

/// What is known of a backbone's weight file on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// There is none.
    Missing {
        /// Where it belongs; `None` where the system names no cache folder.
        #[serde(serialize_with = "as_text_if_any")]
        path: Option<PathBuf>,
    },
    /// There, and the very bytes that the catalogue knows.
    Verified {
        /// The file.
        #[serde(serialize_with = "as_text")]
        path: PathBuf,
    },
    /// There, put by the user under the backbone's name: other bytes than the catalogue knows, which is theirs to choose.
    Own {
        /// The file.
        #[serde(serialize_with = "as_text")]
        path: PathBuf,
    },
    /// There under the catalogue's name, but not its bytes.
    Damaged {
        /// The file.
        #[serde(serialize_with = "as_text")]
        path: PathBuf,
        /// Its SHA-256, in hexadecimal.
        found: String,
    },
}

fn as_text_if_any<S: Serializer>(
    path: &Option<PathBuf>,
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    match path {
        Some(path) => as_text(path, to),
        None => to.serialize_none(),
    }
}

/// The weight file that a backbone begins with; `None` for [`Source::None`]. Reports a download's bytes to `progress`.
///
/// For [`Source::Auto`]: the catalogue's file in the folder, else a file there that is called as the backbone is
/// (`resnet-18.safetensors`, `.pth`, `.pt`), else the catalogue's file from its home. A damaged file is fetched again.
///
/// # Errors
/// [`FetchError`], naming the backbone or the file and what to do; [`Error::Io`], [`Error::Data`] for one that cannot be written or read;
/// [`Error::Stopped`].
pub fn locate(
    backbone: &str,
    wanted: &Source,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Option<PathBuf>> {
    match wanted {
        Source::None => Ok(None),
        Source::File(path) if path.is_file() => Ok(Some(path.clone())),
        Source::File(path) => Err(FetchError::NoFile { path: path.clone() }.into()),
        Source::Auto => auto(entry(backbone)?, options, progress).map(Some),
    }
}

/// What there is of a backbone's weights on this computer; reads the whole file.
///
/// # Errors
/// [`Error::Data`] for a file that cannot be read.
pub fn state(entry: &Entry, folder: Option<&Path>) -> Result<State> {
    let Some(folder) = folder else {
        return Ok(State::Missing { path: None });
    };
    let named = folder.join(entry.file);
    if named.is_file() {
        let found = digest::of_file(&named)?;
        return Ok(if entry.sha256.fits(&found) {
            State::Verified { path: named }
        } else {
            State::Damaged { path: named, found }
        });
    }
    let own = ENDINGS
        .map(|ending| folder.join(format!("{}.{ending}", entry.backbone)))
        .into_iter()
        .find(|path| path.is_file());
    Ok(match own {
        Some(path) if entry.knows(&digest::of_file(&path)?) => State::Verified { path },
        Some(path) => State::Own { path },
        None => State::Missing { path: Some(named) },
    })
}

fn auto(entry: &Entry, options: &Options, progress: &mut dyn Progress) -> Result<PathBuf> {
    let path = match state(entry, options.folder.as_deref())? {
        State::Verified { path } | State::Own { path } => return Ok(path),
        State::Missing { path: None } => return Err(FetchError::NoFolder.into()),
        State::Missing { path: Some(path) } => path,
        State::Damaged { path, found } => {
            if options.offline || entry.home.is_none() {
                let expected = entry.sha256.to_string();
                let by_hand = entry.by_hand(&path);
                return Err(FetchError::Damaged {
                    path,
                    expected,
                    found,
                    by_hand,
                }
                .into());
            }
            let text = format!(
                "{}: damaged (SHA-256 {found}); fetching it again",
                path.display()
            );
            progress.on(Event::Note(&text));
            path
        }
    };
    from_home(entry, path, options, progress)
}

/// The catalogue's file, fetched to `path`.
fn from_home(
    entry: &Entry,
    path: PathBuf,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<PathBuf> {
    let by_hand = || entry.by_hand(&path);
    let Some(home) = entry.home else {
        return Err(FetchError::NoHome {
            backbone: entry.backbone,
            by_hand: by_hand(),
        }
        .into());
    };
    if options.offline {
        return Err(FetchError::Offline {
            backbone: entry.backbone,
            by_hand: by_hand(),
        }
        .into());
    }
    if let Some(folder) = path.parent() {
        atomic::create_folder(folder)?;
    }
    let text = format!(
        "fetching {} ({:.1} MB, {}) from {home}",
        entry.file,
        entry.bytes as f64 / 1e6,
        entry.licence
    );
    progress.on(Event::Note(&text));
    let wanted = fetch::Wanted {
        url: home,
        path: &path,
        sha256: entry.sha256,
        bytes: entry.bytes,
    };
    match fetch::fetch(&wanted, &fetch::agent(options, true), options, progress) {
        Ok(()) => Ok(path),
        Err(Error::Weights(source)) if source.is_of_the_network() => Err(FetchError::Unreachable {
            backbone: entry.backbone,
            by_hand: by_hand(),
            source: Box::new(source),
        }
        .into()),
        Err(other) => Err(other),
    }
}
