//! What a run took of its dataset, `images.csv`: id, use, SHA-256 of the bytes. The split is made anew at every listing, and an image
//! more or less makes it another one: an evaluation asks here what was learnt from, not the folder.

use std::{collections::BTreeMap, io, path::Path};

use cavga_data::Sample;

use super::images::Images;
use crate::{Error, Result, atomic, run::RunFolder};

/// Writes it.
pub(super) fn write(run: &RunFolder, images: &Images) -> Result<()> {
    let uses = [
        (&*images.train, "learnt from"),
        (&*images.held_out, "held out"),
    ];
    atomic::write_with(&run.images(), |file| {
        let mut csv = csv::Writer::from_writer(file);
        csv.write_record(["id", "use", "sha256"])?;
        for (samples, what) in uses {
            for Sample { id, .. } in samples {
                let sha256 = images.sha256.get(id).map_or("", String::as_str);
                csv.write_record([id.as_str(), what, sha256])?;
            }
        }
        csv.flush()
    })
}

/// The ids of the images that the run took, by their SHA-256; none of a run from before there was such a file.
pub(crate) fn read(run: &RunFolder) -> Result<BTreeMap<String, String>> {
    let path = run.images();
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let wrong = |path: &Path, error: csv::Error| Error::io("read", path)(io::Error::other(error));
    let mut reader = csv::Reader::from_path(&path).map_err(|error| wrong(&path, error))?;
    let mut taken = BTreeMap::new();
    for line in reader.deserialize() {
        let (id, _, sha256): (String, String, String) =
            line.map_err(|error| wrong(&path, error))?;
        taken.insert(sha256, id);
    }
    Ok(taken)
}
