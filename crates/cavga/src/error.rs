//! What can go wrong above the methods: files, configurations, runs.

use std::{io, path::PathBuf};

use thiserror::Error;

/// What can go wrong above the methods. Every variant names the file or the key, and what to do about it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read or written.
    #[error("{}: cannot {doing}", path.display())]
    Io {
        /// What was tried, as in "cannot write".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that is not in the safetensors format.
    #[error(
        "{}: not a safetensors file, or cut short in its first bytes ({why}); give a file that this program wrote",
        path.display()
    )]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        why: String,
    },
    /// A safetensors file that ends before its last tensor does.
    #[error("{}: cut short: the file ends before its tensors do; copy it again or train again", path.display())]
    CutShort {
        /// The file.
        path: PathBuf,
    },
    /// A file of tensors that this library did not write, or not this version of it.
    #[error("{}: not a model or checkpoint of this program: {why}", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What is missing.
        why: String,
    },
    /// A file of a version that this program does not know.
    #[error(
        "{}: written in format {found}, this program reads formats {oldest} to {known}; use a program of the version that wrote it",
        path.display()
    )]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u64,
        /// The version that is read.
        known: u64,
        /// The oldest that this program knows.
        oldest: u64,
    },
    /// A file whose content is not what was written.
    #[error("{}: damaged: its checksum does not match its content; copy it again or train again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A model where a checkpoint was expected, or the other way about.
    #[error("{}: a {found}, expected a {expected}", path.display())]
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What was asked for.
        expected: &'static str,
    },
    /// Tensors of a type that the file format or this program does not have.
    #[error("{}: tensor {name}: {why}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file whose tensors are not the ones that its method needs.
    #[error("{}: its tensors do not make a {method}", path.display())]
    Misfit {
        /// The file.
        path: PathBuf,
        /// The method that the file names.
        method: &'static str,
        /// What the method says.
        #[source]
        source: cavga_detect::Error,
    },
    /// A method that does not exist, or not in this version.
    #[error(
        "no method is called {found:?}{}; there are: {known}",
        did_you_mean(nearest)
    )]
    UnknownMethod {
        /// What was asked for.
        found: String,
        /// The closest name there is.
        nearest: Option<String>,
        /// All names.
        known: String,
    },
    /// A map that the model does not make.
    #[error(
        "the model makes no map called {found:?}{}; it makes: {known}",
        did_you_mean(nearest)
    )]
    UnknownMap {
        /// What was asked for.
        found: String,
        /// The closest name there is.
        nearest: Option<String>,
        /// All names.
        known: String,
    },
    /// A score that the model does not give.
    #[error(
        "the model gives no score called {found:?}{}; it gives: {known}",
        did_you_mean(nearest)
    )]
    UnknownScore {
        /// What was asked for.
        found: String,
        /// The closest name there is.
        nearest: Option<String>,
        /// All names.
        known: String,
    },
    /// A configuration key that does not exist.
    #[error(
        "{origin}: unknown key {key}{}; known here: {known}",
        did_you_mean(nearest)
    )]
    UnknownKey {
        /// The file, or the option on the command line.
        origin: String,
        /// The key, with its section.
        key: String,
        /// The closest key there is.
        nearest: Option<String>,
        /// All keys of that section.
        known: String,
    },
    /// A configuration that cannot be read.
    #[error("{origin}: {why}")]
    Config {
        /// The file, or the option on the command line.
        origin: String,
        /// What is wrong.
        why: String,
    },
    /// A run folder that holds a run already.
    #[error("{}: holds a run already; add --resume to go on with it, or give another folder", path.display())]
    RunExists {
        /// The folder.
        path: PathBuf,
    },
    /// A file that is not to be written where it was asked for.
    #[error("{}: {why}", path.display())]
    Out {
        /// The file.
        path: PathBuf,
        /// What is in the way, and what to do.
        why: String,
    },
    /// An image smaller than what is made of it.
    #[error(
        "{}: {} rows of {} pixels, expected at least {needed} of each; take it out, or give a larger one",
        path.display(), found[0], found[1]
    )]
    ImageTooSmall {
        /// The image.
        path: PathBuf,
        /// Its height and width.
        found: [usize; 2],
        /// The least height and width.
        needed: usize,
    },
    /// A folder without a run.
    #[error("{}: not the folder of a run: it has no {missing}{hint}", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// The file that is missing.
        missing: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A run that was to go on with something else than it began with.
    #[error("{}: this run has {key} = {found}, not {asked}; resume it as it is, or start another folder", path.display())]
    RunDiffers {
        /// The run's record or checkpoint.
        path: PathBuf,
        /// Which value differs.
        key: String,
        /// Its value in the run.
        found: String,
        /// The value that was asked for.
        asked: String,
    },
    /// A test image that the model was calibrated on.
    #[error(
        "{}: the model is calibrated on it ({}){}; calibrate on other images, or evaluate on others",
        path.display(), other.display(), and_more(*more)
    )]
    CalibratedOn {
        /// The test image.
        path: PathBuf,
        /// What it was called when it was calibrated on.
        other: PathBuf,
        /// Further test images that the run took.
        more: usize,
    },
    /// Images to calibrate on that are test images of the run, or anomalous.
    #[error(
        "{}: {why}{}; thresholds are chosen on neither test images nor anomalous ones, give others",
        path.display(), and_more(*more)
    )]
    NotToCalibrateOn {
        /// The image or folder.
        path: PathBuf,
        /// What it is.
        why: String,
        /// Further images that are the like.
        more: usize,
    },
    /// Runs that were not measured on the same images.
    #[error("{}: {why}", path.display())]
    OtherImages {
        /// The run's folder or its file.
        path: PathBuf,
        /// Which image is not the same, and what to do.
        why: String,
    },
    /// Training produced a number that is not finite.
    #[error(
        "training diverged at step {step}: {what} is {value}; {kept}. A smaller learning rate often helps"
    )]
    Diverged {
        /// The step, counted from 1.
        step: u64,
        /// What is not finite.
        what: String,
        /// Its value.
        value: f64,
        /// What is left of the run.
        kept: String,
    },
    /// An image whose score or map is not a number.
    #[error("{}: its {what} is not a finite number; the model is broken, train again", path.display())]
    ScoreNotFinite {
        /// The image.
        path: PathBuf,
        /// The score or map.
        what: String,
    },
    /// Too few images to do what was asked.
    #[error("{}: {found} {what}, at least {needed} needed", path.display())]
    TooFewImages {
        /// The dataset.
        path: PathBuf,
        /// Which images.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// A map that cannot be measured.
    #[error("{}: its map cannot be measured", path.display())]
    Pixels {
        /// The image.
        path: PathBuf,
        /// Why.
        #[source]
        source: cavga_metrics::Undefined,
    },
    /// Maps and masks that do not pair.
    #[error("{}: {why}", path.display())]
    Maps {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A table of scores that cannot be used.
    #[error("{}: {why}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What was expected, and what was found.
        why: String,
    },
    /// Threads that the system refuses.
    #[error(
        "cannot start {threads} threads ({why}); end other programs, or raise the limit of threads"
    )]
    Threads {
        /// How many.
        threads: usize,
        /// What the system says.
        why: String,
    },
    /// The work was interrupted.
    #[error("stopped")]
    Stopped,
    /// A dataset or an image.
    #[error(transparent)]
    Data(#[from] cavga_data::Error),
    /// A method.
    #[error(transparent)]
    Method(#[from] cavga_detect::Error),
    /// A device.
    #[error(transparent)]
    Device(#[from] cavga_detect::DeviceError),
    /// A file of pretrained weights.
    #[error(transparent)]
    Weights(#[from] crate::weights::FetchError),
    /// A weight file that cannot be read.
    #[error(transparent)]
    WeightFile(#[from] cavga_detect::weights::WeightsError),
    /// A model that cannot be changed as asked.
    #[error(transparent)]
    Update(#[from] crate::update::UpdateError),
    /// A picture for a report.
    #[error(transparent)]
    Picture(#[from] crate::picture::PictureError),
}

impl Error {
    /// What a method says: that it was interrupted means the same as everywhere.
    pub(crate) fn of_method(error: cavga_detect::Error) -> Self {
        match error {
            cavga_detect::Error::Stopped => Self::Stopped,
            // Of the images that it asked for.
            cavga_detect::Error::Source(source) => match source.downcast::<Self>() {
                Ok(own) => *own,
                Err(other) => cavga_detect::Error::Source(other).into(),
            },
            other => other.into(),
        }
    }

    /// For `map_err` on the calls of the standard library.
    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// ", and 3 more like it": what a message says of images of which it names the first.
pub(crate) fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(", and {more} more like it"),
    }
}

pub(crate) fn did_you_mean(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |name| format!(" (did you mean {name}?)"))
}

/// The known word closest to `found`, if one is close enough to be a slip of the keyboard.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(found, word), word))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word.to_owned())
}
