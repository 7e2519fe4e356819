//! That a run came to an error, and in which call: kept beside the run, so that the processes of a call try it once, and so that other
//! calls' tables say it.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::{Result, atomic, run::RunFolder};

/// The file beside the run's own.
const FILE: &str = "failed.json";

/// An error of a run, which another call may not meet.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Failed {
    /// [`TablesOptions::call`](super::TablesOptions::call).
    pub(super) call: String,
    pub(super) reason: String,
}

impl Failed {
    /// What is kept of a run; none of one that came to no error. It is a note, and one that cannot be read is none.
    pub(super) fn read(run: &RunFolder) -> Option<Self> {
        let text = fs::read(run.path().join(FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// What is kept of a run that came to an error in this call.
    pub(super) fn of_call(run: &RunFolder, call: &str) -> Option<Self> {
        Self::read(run).filter(|failed| failed.call == call)
    }

    pub(super) fn write(&self, run: &RunFolder) -> Result<()> {
        atomic::write_with(&run.path().join(FILE), |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            file.write_all(b"\n")
        })
    }

    /// Of a run that came to an end at last.
    pub(super) fn forget(run: &RunFolder) -> Result<()> {
        atomic::remove(&run.path().join(FILE))
    }
}
