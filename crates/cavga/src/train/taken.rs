//! What a run took of its dataset, `images.csv`: id, use, SHA-256 of the bytes. Images are learnt from, or held out, and some of these
//! fitted on; `cavga calibrate --data` adds those it calibrated on. The split is made anew at every listing, and an image
//! more or less makes it another one: an evaluation asks here what was learnt from, not the folder.

use std::{borrow::Borrow, collections::BTreeMap, io, path::Path};

use cavga_data::Sample;
use serde::{Deserialize, Serialize};

use super::images::Images;
use crate::{Error, Result, atomic, run::RunFolder, update::Coming};

/// What an image was taken for, the least first: of an image that is there twice, or used twice, the last of its uses counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Use {
    /// Held out of training, and seen by nothing; in a run of an earlier version, perhaps fitted on.
    #[serde(rename = "held out")]
    HeldOut,
    /// Calibrated on after training.
    #[serde(rename = "calibrated on")]
    Calibrated,
    /// Held out of training, and what is fitted on held-out images was fitted on it.
    #[serde(rename = "fitted on")]
    Fitted,
    /// Learnt from.
    #[serde(rename = "learnt from")]
    Learnt,
}

/// An image that a run took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    pub(crate) id: String,
    #[serde(rename = "use")]
    pub(crate) of: Use,
    pub(crate) sha256: String,
}

/// What a training takes.
pub(super) fn of(images: &Images) -> Vec<Taken> {
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
    taken.collect()
}

/// Images of a training, as a trail takes them.
pub(super) fn coming(images: &Images, samples: &[Sample]) -> Vec<Coming> {
    let sha256 = |id| images.sha256.get(id).cloned().unwrap_or_default();
    let ids = samples.iter().map(|sample| &sample.id);
    ids.map(|id| (id.clone(), sha256(id))).collect()
}

/// Writes what a training takes.
pub(super) fn write(run: &RunFolder, images: &Images) -> Result<()> {
    write_all(&run.images(), of(images))
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

/// The images by their SHA-256, each as it was put to its worst use.
pub(crate) fn worst(taken: &[Taken]) -> BTreeMap<&str, &Taken> {
    let mut worst = BTreeMap::<&str, &Taken>::new();
    for taken in taken {
        let known = worst.entry(&taken.sha256).or_insert(taken);
        if taken.of > known.of {
            *known = taken;
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last line won: an image that was learnt from passed for one held out where a copy of it was.
    #[test]
    fn an_image_that_was_used_twice_is_known_by_its_worst_use() {
        let taken = [Use::Fitted, Use::Learnt, Use::HeldOut].map(|of| Taken {
            id: format!("{of:?}"),
            of,
            sha256: "0a".to_owned(),
        });
        assert_eq!(worst(&taken).get("0a").unwrap().id, "Learnt");
        let uses = [Use::HeldOut, Use::Calibrated, Use::Fitted, Use::Learnt];
        assert!(uses.is_sorted());
    }
}
