//! Images to be learnt: normal ones of a folder that the model does not know yet.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
};

use cavga_data::{DatasetSpec, Sample};
use rayon::prelude::*;

use super::{Coming, Trail, UpdateError, UpdateOptions, find::named};
use crate::{
    Result,
    calibrate::refuse::{self, Refused},
    progress::{Event, Progress},
    run::{RunFolder, absolute},
};

/// Images to be learnt.
#[derive(Default)]
pub(super) struct New {
    pub(super) samples: Vec<Sample>,
    pub(super) coming: Vec<Coming>,
    /// Images that were left out, by why.
    pub(super) left_out: BTreeMap<&'static str, usize>,
}

/// The normal images of a folder, without those that are learnt or held out, told by their bytes, and without copies. None may be a test image
/// of the run.
pub(super) fn images(
    folder: &Path,
    (trail, run): (&Trail, &RunFolder),
    options: &UpdateOptions,
    progress: &mut dyn Progress,
) -> Result<New> {
    let spec = DatasetSpec::default();
    let folder = absolute(folder);
    allowed(refuse::anomalous_folder(&spec, &folder))?;
    let listed = spec.open_normal(&folder)?.train;
    let all = listed.len();
    let hashes = listed
        .par_iter()
        .map(Sample::sha256)
        .collect::<cavga_data::Result<Vec<_>>>()?;
    let mut known = BTreeMap::new();
    known.extend(trail.learnt().map(|i| (i.sha256.clone(), "learnt already")));
    known.extend(trail.held_out().map(|i| (i.sha256.clone(), "held out")));
    let mut new = New::default();
    for (sample, sha256) in listed.into_iter().zip(hashes) {
        match known.entry(sha256) {
            Entry::Occupied(why) => *new.left_out.entry(why.get()).or_default() += 1,
            Entry::Vacant(place) => {
                new.coming.push((sample.id.clone(), place.key().clone()));
                new.samples.push(named(sample, false));
                place.insert("a copy of another");
            }
        }
    }
    for (why, count) in &new.left_out {
        let text = format!("images left out: {count} ({why})");
        progress.on(Event::Note(&text));
    }
    if new.samples.is_empty() {
        let (path, images) = (folder, all);
        return Err(UpdateError::NothingNew { path, images }.into());
    }
    let how = (&options.limits, &*options.stop);
    allowed(refuse::test_images(run, &new.samples, how, progress)?)?;
    Ok(new)
}

fn allowed(refused: Option<Refused>) -> Result<(), UpdateError> {
    match refused {
        Some(Refused { path, why, more }) => Err(UpdateError::NotToLearn { path, why, more }),
        None => Ok(()),
    }
}
