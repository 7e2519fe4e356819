//! What can go wrong on the way to a weight file.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::error::did_you_mean;

/// What can go wrong on the way to a weight file; what to do is part of what each says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A backbone that has no weights in the catalogue.
    #[error(
        "no pretrained weights are known for {found:?}{}; there are: {known}",
        did_you_mean(nearest)
    )]
    Unknown {
        /// What was asked for.
        found: String,
        /// The closest name there is.
        nearest: Option<String>,
        /// All names.
        known: String,
    },
    /// A file that the user named and that is not there.
    #[error(
        "{}: no such weight file; give the path of one, or \"auto\", or \"none\"",
        path.display()
    )]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// The system names no cache folder.
    #[error(
        "there is no folder for weights: neither CAVGA_WEIGHTS nor HOME (LOCALAPPDATA on Windows) is set; set CAVGA_WEIGHTS"
    )]
    NoFolder,
    /// The file is not here, and nobody serves it.
    #[error(
        "{backbone}: its weights are not on this computer and have no address of their own; {by_hand}"
    )]
    NoHome {
        /// The backbone.
        backbone: &'static str,
        /// What to do.
        by_hand: String,
    },
    /// The file is not here, and the network is forbidden.
    #[error(
        "{backbone}: its weights are not on this computer, and CAVGA_OFFLINE forbids fetching them; {by_hand}"
    )]
    Offline {
        /// The backbone.
        backbone: &'static str,
        /// What to do.
        by_hand: String,
    },
    /// The file is not here, and its home could not be reached or did not send it.
    #[error("{backbone}: its weights could not be fetched; try again later, or {by_hand}")]
    Unreachable {
        /// The backbone.
        backbone: &'static str,
        /// What to do.
        by_hand: String,
        /// Why.
        #[source]
        source: Box<FetchError>,
    },
    /// A file here that is not what its name says, and cannot be fetched again.
    #[error(
        "{}: damaged: its SHA-256 is {found}, expected {expected}; remove it, then {by_hand}",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The digest that the catalogue has.
        expected: String,
        /// The file's digest.
        found: String,
        /// What to do.
        by_hand: String,
    },
    /// A server sent another file.
    #[error(
        "{url}: not the file that was expected: its SHA-256 is {found}, expected {expected}; it was thrown away"
    )]
    WrongContent {
        /// The address.
        url: String,
        /// The digest that the catalogue has.
        expected: String,
        /// The digest of what was sent.
        found: String,
    },
    /// A server sends a file of another length.
    #[error(
        "{url}: not the file that was expected: {found} bytes at least, expected {expected}; it was thrown away"
    )]
    WrongLength {
        /// The address.
        url: String,
        /// The file's length.
        expected: u64,
        /// How much the server sends, as far as it is known.
        found: u64,
    },
    /// A server refused.
    #[error("{url}: the server answers {status}{}", meaning(*status))]
    Status {
        /// The address.
        url: String,
        /// HTTP's number.
        status: u16,
    },
    /// The connection failed, again and again.
    #[error(
        "{url}: {why}, after {got} of {expected} bytes{}", kept(*got)
    )]
    Connection {
        /// The address.
        url: String,
        /// What happened last.
        why: String,
        /// Bytes that are here.
        got: u64,
        /// The file's length.
        expected: u64,
    },
    /// No room.
    #[error(
        "{}: the disk is full; make room for {missing} more bytes and try again, or set CAVGA_WEIGHTS to a folder elsewhere",
        path.display()
    )]
    DiskFull {
        /// The file being written.
        path: PathBuf,
        /// How much is still to come.
        missing: u64,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl FetchError {
    /// Whether another way to the same file would help.
    pub(super) fn is_of_the_network(&self) -> bool {
        matches!(
            self,
            Self::WrongContent { .. }
                | Self::WrongLength { .. }
                | Self::Status { .. }
                | Self::Connection { .. }
        )
    }
}

fn kept(got: u64) -> &'static str {
    match got {
        0 => "",
        _ => ", which are kept: another try goes on from there",
    }
}

fn meaning(status: u16) -> &'static str {
    match status {
        404 | 410 => ": the file is not there any more",
        401 | 403 => ": access is refused, perhaps by a proxy",
        429 => ": too many requests",
        500.. => ": it is out of order",
        _ => "",
    }
}
