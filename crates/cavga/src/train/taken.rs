//! What a run took of its dataset, `images.csv`: id, use, SHA-256 of the bytes. Images are learnt from, or held out, and some of these
//! fitted on; `cavga calibrate --data` adds those it calibrated on. The split is made anew at every listing, and an image
//! more or less makes it another one: an evaluation asks here what was learnt from, not the folder.

use std::{borrow::Borrow, collections::BTreeMap, io, path::Path};

use cavga_data::Sample;
use serde::{Deserialize, Serialize};

use super::images::Images;
use crate::{Error, Result, atomic, run::RunFolder};

/// What an image was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Use {
    /// Learnt from.
    #[serde(rename = "learnt from")]
    Learnt,
    /// Held out of training, and what is fitted on held-out images was fitted on it.
    #[serde(rename = "fitted on")]
    Fitted,
    /// Held out of training, and seen by nothing; in a run of an earlier version, either.
    #[serde(rename = "held out")]
    HeldOut,
    /// Of other images, calibrated on after training.
    #[serde(rename = "calibrated on")]
    Calibrated,
}

/// An image that a run took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    pub(crate) id: String,
    #[serde(rename = "use")]
    pub(crate) of: Use,
    pub(crate) sha256: String,
}

/// Writes what a training takes.
pub(super) fn write(run: &RunFolder, images: &Images) -> Result<()> {
    let (fit, rest) = &images.halves;
    let uses = [
        (&*images.train, Use::Learnt),
        (&**fit, Use::Fitted),
        (&**rest, Use::HeldOut),
    ];
    let taken = uses.into_iter().flat_map(|(samples, of)| {
        samples.iter().map(move |Sample { id, .. }| Taken {
            id: id.clone(),
            of,
            sha256: images.sha256.get(id).cloned().unwrap_or_default(),
        })
    });
    write_all(&run.images(), taken)
}

/// Writes the file.
pub(crate) fn write_all(
    path: &Path,
    taken: impl IntoIterator<Item = impl Borrow<Taken>>,
) -> Result<()> {
    atomic::write_with(path, |file| {
        let mut csv = csv::Writer::from_writer(file);
        for taken in taken {
            csv.serialize(taken.borrow())?;
        }
        csv.flush()
    })
}

/// What the file says, line by line; nothing of a run from before there was such a file.
pub(crate) fn read_all(run: &RunFolder) -> Result<Vec<Taken>> {
    let path = run.images();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let wrong = |error: csv::Error| Error::io("read", &path)(io::Error::other(error));
    let mut reader = csv::Reader::from_path(&path).map_err(wrong)?;
    reader
        .deserialize()
        .map(|line| line.map_err(wrong))
        .collect()
}

/// The ids of the images that the run took, by their SHA-256; none of a run from before there was such a file.
pub(crate) fn read(run: &RunFolder) -> Result<BTreeMap<String, String>> {
    let taken = read_all(run)?.into_iter();
    Ok(taken.map(|taken| (taken.sha256, taken.id)).collect())
}
