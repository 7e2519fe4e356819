//! The files of a pretraining.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Tensor;
use cavga_detect::{Tensors, dcgan::DcganConfig};
use image::{Rgb, RgbImage, imageops};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    picture::{self, PictureError},
    tensor_file::{self, Place},
    train::read_log,
};

/// What a file of pretrained weights says of itself, in its `__metadata__`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretrained {
    /// What was trained.
    pub network: Network,
    /// Width, latent, passes and all other settings.
    pub config: DcganConfig,
    /// What every random draw came from.
    pub seed: u64,
    /// SHA-256 over the names and contents of the images.
    pub data: String,
    /// How many images there were.
    pub images: usize,
    /// Steps in all.
    pub steps: u64,
    /// Whether it is done.
    pub stage: Stage,
}

/// What was trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// A DC-GAN: `generator.*` and `discriminator.*`.
    Dcgan,
}

/// Whether a pretraining is done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Stage {
    /// Done: the networks' weights alone.
    Weights,
    /// Not yet: all that it takes to go on.
    Checkpoint {
        /// Where in training.
        place: Place,
    },
}

/// Reads a file of pretrained weights.
///
/// # Errors
/// Those of [`tensor_file::load`]; [`Error::OtherKind`] for a checkpoint.
pub fn load(path: &Path) -> Result<(Pretrained, Tensors)> {
    let (about, tensors): (Pretrained, _) = tensor_file::load_as(path)?;
    match about.stage {
        Stage::Weights => Ok((about, tensors)),
        Stage::Checkpoint { .. } => Err(Error::OtherKind {
            path: path.to_owned(),
            found: "checkpoint",
            expected: "file of pretrained weights",
        }),
    }
}

/// Where each file is.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) weights: PathBuf,
    pub(super) checkpoint: PathBuf,
    pub(super) log: PathBuf,
    pub(super) samples: PathBuf,
}

impl Files {
    /// Those that belong to the weights `out`, once it is sure that it can be written and that nothing is lost by it.
    pub(super) fn of(out: &Path, resume: bool) -> Result<Self> {
        let wrong = |why: String| {
            Err(Error::Out {
                path: out.to_owned(),
                why,
            })
        };
        let Some(stem) = out.file_stem() else {
            return wrong("expected the name of a file".to_owned());
        };
        if out.is_dir() {
            return wrong("a folder; give the name of a file in it".to_owned());
        }
        // The parent of a bare name is the empty path, which stands for the present folder.
        let folder = out.parent().filter(|folder| *folder != Path::new(""));
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            let why = format!("its folder {} is missing; make it first", folder.display());
            return wrong(why);
        }
        let beside = |ending: &str| {
            let mut name = OsString::from(stem);
            name.push(ending);
            out.with_file_name(name)
        };
        let files = Self {
            weights: out.to_owned(),
            checkpoint: beside(".checkpoint.safetensors"),
            log: beside(".jsonl"),
            samples: beside(".samples.png"),
        };
        let others = [&files.checkpoint, &files.log, &files.samples];
        if others.contains(&&files.weights) {
            return wrong("a name that its log or samples need; end it in .safetensors".to_owned());
        }
        if !resume && files.weights.exists() {
            return wrong("is there already; give another name, or remove it first".to_owned());
        }
        if !resume && files.checkpoint.exists() {
            return wrong(format!(
                "begun already, up to {}; add --resume to go on, give another name, or remove that first",
                files.checkpoint.display()
            ));
        }
        // Without either there is no training that these belong to: they are another's, or the user's own.
        let is_begun = files.weights.exists() || files.checkpoint.exists();
        // A training killed before its first checkpoint left a log, which going on writes anew.
        let is_log = |path| read_log(path).is_ok_and(|lines| !lines.is_empty());
        let is_own_log = resume && is_log(&files.log);
        let others = [(&files.log, is_own_log), (&files.samples, false)].into_iter();
        let in_the_way = |&(other, is_own): &(&PathBuf, bool)| !is_own && other.exists();
        if let Some((other, _)) = others.filter(|_| !is_begun).find(in_the_way) {
            return wrong(format!(
                "{} would be overwritten, and there is no checkpoint to go on from; give another name, or remove that first",
                other.display()
            ));
        }
        Ok(files)
    }

    /// Removes the checkpoint of a training that is done. One that stays is in nobody's way but the disk's.
    pub(super) fn forget_checkpoint(&self) {
        if self.checkpoint.exists()
            && let Err(error) = fs::remove_file(&self.checkpoint)
        {
            tracing::warn!("{}: cannot remove it: {error}", self.checkpoint.display());
        }
    }
}

/// Images in a row of the sheet, and rows.
pub(super) const SHEET: usize = 8;

/// Pixels between two of its images.
const GAP: usize = 2;

/// The sheet of samples as a PNG file.
///
/// # Shapes
/// - samples: `[64, 3, height, width]` in [0, 1]
pub(super) fn sheet(samples: Tensor<4>) -> Result<Vec<u8>, PictureError> {
    let [_, channels, height, width] = samples.dims();
    let values: Vec<f32> = samples.into_data().iter().collect();
    let across = |side: usize| (SHEET * (side + GAP) - GAP) as u32;
    let mut sheet = RgbImage::from_pixel(across(width), across(height), Rgb([255; 3]));
    for (index, values) in values.chunks(channels * height * width).enumerate() {
        let place = |index: usize, side: usize| (index * (side + GAP)) as i64;
        let image = picture::planar(values, height, width)?;
        let (x, y) = (place(index % SHEET, width), place(index / SHEET, height));
        imageops::replace(&mut sheet, &image, x, y);
    }
    picture::png(&sheet)
}
