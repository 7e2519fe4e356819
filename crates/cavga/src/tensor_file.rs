//! Model files and checkpoints: safetensors with all that it takes to use them.
//!
//! The format's own metadata, a map from text to text, gets one entry, `cavga`: JSON with the format version, a checksum
//! and a [`Header`]. One entry, because the order of several is not fixed and the same run shall give the same bytes.
//! The checksum covers names, shapes and values of all tensors and the header: a flipped byte anywhere is found.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::Path,
};

use burn::tensor::{DType, TensorData, f16};
use cavga_data::{Regions, hex};
use cavga_detect::{Method, Tensors};
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{Error, Result, atomic, calibration::Calibration, methods, update::Trail, view::View};

/// The version of the files written. Those of version 4, which knew no trail, of version 3, which held no scores of held-out images, and of
/// version 2, which knew neither tiles nor regions, are read too.
pub const FORMAT: u64 = 5;

/// The oldest version that is read.
const OLDEST: u64 = 2;

const ENTRY: &str = "cavga";

/// What a file of tensors says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The method and its configuration.
    pub method: Method,
    /// `[height, width]` of the images it takes.
    pub size: [usize; 2],
    /// The tiles that its network sees of them; without it, the whole image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tile: Option<Tiling>,
    /// Which part of each camera's images counts, polygons and masks; without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Regions>,
    /// The fingerprint of the dataset it learnt from when it was trained.
    pub data: String,
    /// Which images it learnt since, and which it forgot: of the model of a method that can be updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail: Option<Trail>,
    /// What the file is for.
    pub content: Content,
}

/// How images are cut into tiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiling {
    /// `[height, width]` of a tile.
    pub size: [usize; 2],
    /// What neighbours share at least, a part of a tile's side.
    pub overlap: f64,
}

/// The tiles of a view, as a file says them.
pub(crate) fn tiling(view: &View) -> Option<Tiling> {
    view.tiles.as_ref().map(|tiles| Tiling {
        size: tiles.tile(),
        overlap: tiles.overlap(),
    })
}

/// What a file of tensors is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Content {
    /// Inference: the detector's state under `detector.`, the mean map of normal images under `prior.<map>`.
    Model {
        /// Scores and maps on normal images.
        calibration: Calibration,
    },
    /// Going on with training: the learner's state.
    Checkpoint {
        /// Where in training.
        place: Place,
        /// The numbers of the images that were not there when they were to be learnt.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        gone: BTreeSet<usize>,
    },
}

/// A moment in training, between two steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Steps done.
    pub step: u64,
    /// Passes done.
    pub pass: usize,
    /// Batches of the next pass that are done.
    pub batch: usize,
    /// Seconds spent training, over all sittings.
    pub seconds: f64,
}

#[derive(Serialize, Deserialize)]
struct Envelope<H> {
    format: u64,
    sha256: String,
    header: H,
}

/// Only as much of the entry as every version has.
#[derive(Deserialize)]
struct Format {
    format: u64,
}

/// Writes a file of tensors, whole or not at all. `header` is a [`Header`], or what another kind of file says of itself.
///
/// # Errors
/// [`Error::Io`]; [`Error::Tensor`] for a tensor of quantised or truth values, which have no agreed format.
pub fn save(path: &Path, header: &impl Serialize, tensors: &Tensors) -> Result<()> {
    let mut views = Vec::with_capacity(tensors.len());
    for (name, data) in tensors {
        let bad = |why: String| Error::Tensor {
            path: path.to_owned(),
            name: name.clone(),
            why,
        };
        let dtype = file_type(data.dtype())
            .ok_or_else(|| bad(format!("{:?} cannot be stored", data.dtype())))?;
        let view = TensorView::new(dtype, data.shape().to_vec(), data.as_bytes())
            .map_err(|e| bad(e.to_string()))?;
        views.push((name.as_str(), view));
    }
    let unwritable = |why: String| Error::NotOurs {
        path: path.to_owned(),
        why,
    };
    let header = serde_json::to_value(header).map_err(|e| unwritable(e.to_string()))?;
    let sha256 = checksum(&header, views.iter().map(|(name, view)| (*name, view)));
    let entry = serde_json::to_string(&Envelope {
        format: FORMAT,
        sha256,
        header,
    })
    .map_err(|e| unwritable(e.to_string()))?;
    let bytes = safetensors::serialize(views, Some(HashMap::from([(ENTRY.to_owned(), entry)])))
        .map_err(|e| unwritable(e.to_string()))?;
    atomic::write(path, &bytes)
}

/// Reads a file of tensors.
///
/// # Errors
/// One of [`Error::Io`], [`Error::NotSafetensors`], [`Error::CutShort`], [`Error::NotOurs`], [`Error::OtherFormat`],
/// [`Error::Damaged`], [`Error::Tensor`], each naming the file and what to do.
pub fn load(path: &Path) -> Result<(Header, Tensors)> {
    let (header, tensors): (Header, _) = load_as(path)?;
    let not_ours = |why| Error::NotOurs {
        path: path.to_owned(),
        why,
    };
    if let Content::Model { calibration } = &header.content {
        calibration.check().map_err(not_ours)?;
    }
    if let Some(trail) = &header.trail {
        trail.check().map_err(not_ours)?;
    }
    Ok((header, tensors))
}

/// [`load`] for a file whose header is an `H`.
pub(crate) fn load_as<H: DeserializeOwned>(path: &Path) -> Result<(H, Tensors)> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let owned = || path.to_owned();
    let not_safetensors = |error| match error {
        SafeTensorError::MetadataIncompleteBuffer => Error::CutShort { path: owned() },
        other => Error::NotSafetensors {
            path: owned(),
            why: other.to_string(),
        },
    };
    let parsed = SafeTensors::deserialize(&bytes).map_err(not_safetensors)?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(not_safetensors)?;
    let entries = metadata.metadata().as_ref();
    let entry = entries.and_then(|entries| entries.get(ENTRY));
    let envelope = envelope(path, entry)?;
    let mut views: Vec<_> = parsed.iter().collect();
    views.sort_by_key(|(name, _)| *name);
    // Of a large file each takes as long as the other.
    let (sha256, tensors) = std::thread::scope(|scope| {
        let views = views.iter().map(|(name, view)| (*name, view));
        let of_all = views.clone();
        let hash = scope.spawn(|| checksum(&envelope.header, of_all));
        let values = views.map(|(name, view)| Ok((name.to_owned(), value(path, name, view)?)));
        let values = values.collect::<Result<_>>();
        (hash.join(), values)
    });
    if !sha256.is_ok_and(|sha256| sha256 == envelope.sha256) {
        return Err(Error::Damaged { path: owned() });
    }
    if let Some(name) = envelope
        .header
        .pointer("/method/name")
        .and_then(|name| name.as_str())
    {
        methods::named(name).map_err(|e| Error::NotOurs {
            path: owned(),
            why: e.to_string(),
        })?;
    }
    let header = serde_json::from_value(envelope.header).map_err(|e| Error::NotOurs {
        path: owned(),
        why: e.to_string(),
    })?;
    Ok((header, tensors?))
}

/// What one of our files says of itself.
fn envelope(path: &Path, entry: Option<&String>) -> Result<Envelope<serde_json::Value>> {
    let owned = || path.to_owned();
    let entry = entry.ok_or_else(|| Error::NotOurs {
        path: owned(),
        why: format!("it has no metadata entry {ENTRY:?}"),
    })?;
    let Format { format } = parse(path, entry)?;
    if !(OLDEST..=FORMAT).contains(&format) {
        return Err(Error::OtherFormat {
            path: owned(),
            found: format,
            known: FORMAT,
            oldest: OLDEST,
        });
    }
    parse(path, entry)
}

fn parse<T: DeserializeOwned>(path: &Path, entry: &str) -> Result<T> {
    serde_json::from_str(entry).map_err(|e| Error::NotOurs {
        path: path.to_owned(),
        why: format!("its metadata entry {ENTRY:?} cannot be read: {e}"),
    })
}

/// `tensors` in the order of their names. `serde_json` keeps a map's keys sorted, so the header's text is one for all.
fn checksum<'a, 'b: 'a>(
    header: &serde_json::Value,
    tensors: impl Iterator<Item = (&'a str, &'a TensorView<'b>)>,
) -> String {
    let mut hash = Sha256::new();
    hash.update(header.to_string());
    for (name, view) in tensors {
        hash.update(format!(
            "\n{name:?} {:?} {:?}\n",
            view.dtype(),
            view.shape()
        ));
        hash.update(view.data());
    }
    hex(&hash.finalize())
}

fn file_type(dtype: DType) -> Option<Dtype> {
    Some(match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::U32 => Dtype::U32,
        DType::F16 => Dtype::F16,
        DType::U8 => Dtype::U8,
        _ => return None,
    })
}

fn value(path: &Path, name: &str, view: &TensorView<'_>) -> Result<TensorData> {
    // The bytes in a file are little-endian and need not be aligned: numbers are made one by one.
    macro_rules! numbers {
        ($type:ty) => {{
            let (chunks, _) = view.data().as_chunks();
            let numbers: Vec<$type> = chunks
                .iter()
                .map(|bytes| <$type>::from_le_bytes(*bytes))
                .collect();
            TensorData::new(numbers, view.shape().to_vec())
        }};
    }
    Ok(match view.dtype() {
        Dtype::F64 => numbers!(f64),
        Dtype::F32 => numbers!(f32),
        Dtype::I64 => numbers!(i64),
        Dtype::I32 => numbers!(i32),
        Dtype::U32 => numbers!(u32),
        Dtype::F16 => numbers!(f16),
        Dtype::U8 => numbers!(u8),
        other => {
            let why = format!("numbers of type {other:?} are not read");
            return Err(Error::Tensor {
                path: path.to_owned(),
                name: name.to_owned(),
                why,
            });
        }
    })
}
