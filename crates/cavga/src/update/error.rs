//! Why a model cannot be changed as asked.

use std::path::PathBuf;

use thiserror::Error;

use crate::error::{and_more, did_you_mean};

/// Why a model cannot be changed as asked. Nothing is changed then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The model of a method that does not go back to learning.
    #[error(
        "{}: a {method} learns in many passes over all of its images, none can be added or forgotten later; train again with the images to add, \
         or without those to forget",
        path.display()
    )]
    NotReopened {
        /// The model file.
        path: PathBuf,
        /// Its method.
        method: &'static str,
    },
    /// A model file that does not say what it learnt.
    #[error("{}: it does not say which images it learnt; train again", path.display())]
    NoTrail {
        /// The model file.
        path: PathBuf,
    },
    /// An image that the model does not know.
    #[error(
        "{}: no image called {found:?} was learnt or held out{}; cavga update --list names those that were",
        path.display(), did_you_mean(nearest)
    )]
    UnknownImage {
        /// The model file.
        path: PathBuf,
        /// What was asked for.
        found: String,
        /// The closest id there is.
        nearest: Option<String>,
    },
    /// An image that the model does not know any more.
    #[error("{}: {id} went before, by change {change} ({kind}, {time})", path.display())]
    WentBefore {
        /// The model file.
        path: PathBuf,
        /// The image.
        id: String,
        /// The place of the change that it went by.
        change: usize,
        /// What that did.
        kind: &'static str,
        /// When.
        time: String,
    },
    /// A folder of which no image is new.
    #[error("{}: none of its {images} images is new: all are learnt, or held out", path.display())]
    NothingNew {
        /// The folder.
        path: PathBuf,
        /// How many images are in it.
        images: usize,
    },
    /// All images are to be forgotten.
    #[error("{}: no image would be left that it learnt; delete the file, or add images first", path.display())]
    NothingLeft {
        /// The model file.
        path: PathBuf,
    },
    /// No image is held out any more.
    #[error(
        "{}: no held-out image is left to calibrate on; give others with cavga calibrate --data first, or keep the thresholds of before with \
         --keep-calibration",
        path.display()
    )]
    NoHeldOut {
        /// The model file.
        path: PathBuf,
    },
    /// Rates that were asked for, and that the images held out do not support any more.
    #[error(
        "{}: {images} held-out images cannot hold the rates that cavga calibrate was asked for of the score {score}: {why}. Ask for others \
         first, with cavga calibrate --score {score}, or keep the thresholds of before with --keep-calibration",
        path.display()
    )]
    Rates {
        /// The model file.
        path: PathBuf,
        /// How many images are held out.
        images: usize,
        /// The score.
        score: String,
        /// Which rate it is.
        why: String,
    },
    /// An image that is needed once more and is not what it was.
    #[error("{}: {why}; {advice}", path.display())]
    NotAsLearnt {
        /// Where it was looked for.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        advice: &'static str,
    },
    /// Images that were learnt otherwise than as they are.
    #[error(
        "{}: to forget an image, this method has to see it once more as it was learnt, and images were learnt {how}; train again without it",
        path.display()
    )]
    NotRepeatable {
        /// The model file.
        path: PathBuf,
        /// How they were learnt.
        how: &'static str,
    },
    /// Images that must not be learnt.
    #[error(
        "{}: {why}{}; neither test images nor anomalous ones are learnt as normal, give others",
        path.display(), and_more(*more)
    )]
    NotToLearn {
        /// The image or folder.
        path: PathBuf,
        /// What it is.
        why: String,
        /// Further images that are the like.
        more: usize,
    },
}
