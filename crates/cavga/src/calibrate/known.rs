//! What the run beside a model took of its images, `images.csv`: read, made anew where there is none, and written again with what the model
//! is calibrated on.

use std::path::Path;

use crate::{
    Result,
    progress::{Event, Progress},
    run::RunFolder,
    train::{
        WouldTake,
        taken::{self, Taken, Use},
        would_take,
    },
};

/// What the run took, as its `images.csv` says, or its record and dataset where there is no such file, as in a run of an earlier version.
pub(super) fn known(
    run: &RunFolder,
    fingerprint: &str,
    progress: &mut dyn Progress,
) -> Result<Vec<Taken>> {
    let mut known = taken::read_all(run)?;
    if known.iter().any(|taken| taken.of == Use::Learnt) {
        return Ok(known);
    }
    match run_images(run, fingerprint) {
        Ok(images) => {
            progress.on(Event::Note(
                "the run has no images.csv: which images it took is found out from its run.toml and dataset",
            ));
            known.extend(images.taken.into_iter().map(|taken| match taken.of {
                // The program that trained it may have fitted on others.
                Use::Fitted => Taken {
                    of: Use::HeldOut,
                    ..taken
                },
                _ => taken,
            }));
        }
        Err(why) => {
            let text = format!(
                "cannot tell whether images were learnt from: there is no images.csv of the run beside the model, and {why}; none may be"
            );
            progress.on(Event::Note(&text));
        }
    }
    Ok(known)
}

/// What the run beside a model took, made anew: from its record and dataset, if they still say what the model was trained on. Else why
/// not.
pub(super) fn run_images(run: &RunFolder, fingerprint: &str) -> Result<WouldTake, String> {
    if !run.record().is_file() {
        return Err("no run.toml beside it says where its images are".to_owned());
    }
    let images = run
        .read_record()
        .and_then(|(config, record)| Ok((would_take(&record.data, &config)?, record.data)));
    let (images, data) =
        images.map_err(|error| format!("the run's images cannot be read: {error}"))?;
    if images.fingerprint != fingerprint {
        return Err(format!(
            "{} holds other images than the run's",
            data.display()
        ));
    }
    Ok(images)
}

/// Whether what is fitted on held-out images may have been fitted on one of this use. A run of an earlier version fitted on all that it
/// held out, and did not say so (`says_fitted`).
pub(super) fn may_be_fitted(of: Use, says_fitted: bool) -> bool {
    match of {
        Use::Fitted => true,
        Use::HeldOut => !says_fitted,
        Use::Calibrated | Use::Learnt => false,
    }
}

/// Whether the run says which of its held-out images it fitted on.
pub(super) fn says_fitted(known: &[Taken]) -> bool {
    known.iter().any(|taken| taken.of == Use::Fitted)
}

/// Saves the model at `path`, and with it in `images.csv` what it is calibrated on: on that nothing may be measured. Written down before,
/// so that no kill leaves a model without it; what the run's own model was calibrated on before is forgotten after. What another model in
/// its folder is calibrated on is added: nobody knows which of the models is asked.
pub(super) fn write_down(
    (run, path): (&RunFolder, &Path),
    (known, new): (&[Taken], &[Taken]),
    save: impl FnOnce() -> Result<()>,
) -> Result<()> {
    // Nothing is evaluated with a model by itself.
    let has_run = path == run.model() || run.record().is_file() || run.images().exists();
    let new: Vec<_> = new.iter().filter(|new| !known.contains(new)).collect();
    if has_run && !new.is_empty() {
        taken::write_all(&run.images(), known.iter().chain(new))?;
    }
    save()
}

/// As [`write_down`] ends for the run's own model: what it was calibrated on before, and is no more, is a test image again.
pub(super) fn forget(
    (run, path): (&RunFolder, &Path),
    (known, new): (&[Taken], &[Taken]),
) -> Result<()> {
    let has_before = known.iter().any(|taken| taken.of == Use::Calibrated);
    if path != run.model() || !has_before {
        return Ok(());
    }
    let stay = known.iter().filter(|taken| taken.of != Use::Calibrated);
    taken::write_all(&run.images(), stay.chain(new))
}
