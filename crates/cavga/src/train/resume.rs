//! Beginning a run, and going on with one: only as what it began as, and on the same images.

use std::{collections::BTreeSet, path::Path};

use cavga_detect::{Learner, Tensors};

use super::{images::Images, taken};
use crate::{
    Error, Result, atomic,
    config::{self, RunConfig},
    run::{Record, RunFolder, StartedFrom, absolute},
    tensor_file::{self, Content, Place},
};

/// Makes the folder and its record, or checks that the record of a begun run says the same.
pub(super) fn begin(
    config: &RunConfig,
    run: &RunFolder,
    images: &Images,
    (data, device): (&Path, &str),
    (passes, steps): (usize, u64),
    weights: Vec<StartedFrom>,
) -> Result<Record> {
    if run.is_begun() {
        let (begun, record) = run.read_record()?;
        if let Some((key, found, asked)) = difference(&begun, config)? {
            return Err(Error::RunDiffers {
                path: run.record(),
                key,
                found,
                asked,
            });
        }
        if record.fingerprint != images.fingerprint {
            let (key, found) = ("record.fingerprint".to_owned(), record.fingerprint);
            return Err(Error::RunDiffers {
                path: run.record(),
                key,
                found,
                asked: images.fingerprint.clone(),
            });
        }
        // The same images elsewhere, or another device: where the run goes on now is what later calls need.
        let moved = Record {
            data: absolute(data),
            device: device.to_owned(),
            ..record.clone()
        };
        if moved != record {
            run.write_record(&begun, &moved)?;
        }
        return Ok(moved);
    }
    let normal = images.train.normal().len();
    let record = Record {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        device: device.to_owned(),
        data: absolute(data),
        fingerprint: images.fingerprint.clone(),
        n_train: normal,
        n_anomalous: images.train.len() - normal,
        n_calibration: images.held_out.len(),
        images: images.tally.clone(),
        passes,
        steps,
        training: None,
        anomalous: images.anomalous.clone(),
        weights,
    };
    atomic::create_folder(run.path())?;
    taken::write(run, images)?;
    run.write_record(config, &record)?;
    Ok(record)
}

/// The first value in which two configurations differ: its key, and both values. How often checkpoints are written may
/// differ, as it changes nothing in what comes out.
pub(crate) fn difference(
    begun: &RunConfig,
    asked: &RunConfig,
) -> Result<Option<(String, String, String)>> {
    let mut begun = begun.clone();
    begun.train.checkpoint_minutes = asked.train.checkpoint_minutes;
    begun.train.checkpoint_steps = asked.train.checkpoint_steps;
    config::difference(&begun.settled(), &asked.settled())
}

/// Goes on from the run's checkpoint, if it has one: brings the learner to where it was and says where that is, and
/// which images were gone until there.
pub(super) fn go_on(
    learner: &mut dyn Learner,
    config: &RunConfig,
    run: &RunFolder,
    fingerprint: &str,
) -> Result<Option<(Place, BTreeSet<usize>)>> {
    let Some((place, gone, state)) = load_checkpoint(config, run, fingerprint)? else {
        return Ok(None);
    };
    learner.restore(state).map_err(|source| Error::Misfit {
        path: run.checkpoint(),
        method: config.method.name(),
        source,
    })?;
    Ok(Some((place, gone)))
}

/// Where to go on, which images were gone until there, and the learner's state; `None` if the run has no checkpoint yet.
fn load_checkpoint(
    config: &RunConfig,
    run: &RunFolder,
    fingerprint: &str,
) -> Result<Option<(Place, BTreeSet<usize>, Tensors)>> {
    let path = run.checkpoint();
    if !path.exists() {
        return Ok(None);
    }
    let (header, state) = tensor_file::load(&path)?;
    let Content::Checkpoint { place, gone } = header.content else {
        return Err(Error::OtherKind {
            path,
            found: "model",
            expected: "checkpoint",
        });
    };
    let differs = |key: &str, found: String, asked: String| {
        Err(Error::RunDiffers {
            path: run.checkpoint(),
            key: key.to_owned(),
            found,
            asked,
        })
    };
    if header.method != config.method {
        return differs(
            "method",
            header.method.name().to_owned(),
            config.method.name().to_owned(),
        );
    }
    if header.size != config.data.size {
        return differs(
            "data.size",
            format!("{:?}", header.size),
            format!("{:?}", config.data.size),
        );
    }
    let tile = header.tile.map(|tile| tile.size);
    if tile != config.data.tile {
        return differs(
            "data.tile",
            format!("{tile:?}"),
            format!("{:?}", config.data.tile),
        );
    }
    if header.data != fingerprint {
        return differs(
            "the data's fingerprint",
            header.data,
            fingerprint.to_owned(),
        );
    }
    Ok(Some((place, gone, state)))
}
