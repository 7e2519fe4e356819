//! `images.csv` of the run beside a changed model: on what it learnt nothing may be measured, on what it forgot it may.

use std::{collections::BTreeSet, path::Path};

use super::{ChangeKind, Trail, TrailImage, find::Finder};
use crate::{
    Result,
    run::RunFolder,
    train::taken::{self, Taken, Use},
};

/// Saves the model at `path`. What it learnt is written down before, so that no kill leaves a model without it; what the run's own model knows
/// no more is forgotten after. What another model in its folder forgot stays: nobody knows which of the models is asked.
pub(super) fn write_down(
    path: &Path,
    trail: &Trail,
    save: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let run = RunFolder::new(path.parent().unwrap_or(Path::new(".")));
    // Nothing is evaluated with a model by itself.
    if path != run.model() && !run.record().is_file() && !run.images().exists() {
        return save();
    }
    let known = taken::read_all(&run)?;
    let mut finder = Finder::new(trail, None);
    let mut new = Vec::new();
    for image in trail.images.iter().filter(|image| image.went.is_none()) {
        let of = used(trail, image);
        let is_known = |known: &Taken| known.sha256 == image.sha256 && known.of >= of;
        if !known.iter().any(is_known) {
            let id = finder.sample(image).id;
            let sha256 = image.sha256.clone();
            new.push(Taken { id, of, sha256 });
        }
    }
    if !new.is_empty() {
        taken::write_all(&run.images(), known.iter().chain(&new))?;
    }
    save()?;
    if path != run.model() {
        return Ok(());
    }
    let of = |went: bool| -> BTreeSet<&str> {
        let images = trail.images.iter();
        let images = images.filter(|image| image.went.is_some() == went);
        images.map(|image| &*image.sha256).collect()
    };
    let (went, stays) = (of(true), of(false));
    let is_gone = |taken: &&Taken| {
        let sha256 = &*taken.sha256;
        went.contains(sha256) && !stays.contains(sha256)
    };
    let all = || known.iter().chain(&new);
    if all().any(|taken| is_gone(&taken)) {
        taken::write_all(&run.images(), all().filter(|taken| !is_gone(taken)))?;
    }
    Ok(())
}

/// What an image was taken for.
fn used(trail: &Trail, image: &TrailImage) -> Use {
    let came = trail.changes.get(image.came).map(|change| change.kind);
    match (image.number, came) {
        (Some(_), _) => Use::Learnt,
        (None, Some(ChangeKind::Calibrate)) => Use::Calibrated,
        (None, _) => Use::HeldOut,
    }
}
