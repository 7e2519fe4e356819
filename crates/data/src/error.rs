//! What can go wrong with data, as one type: every variant names the file, what was expected, what was found and what
//! to do, because the person who reads it has the folder before them and not this code.

use std::io;
use std::path::{Path, PathBuf};

use crate::leak::Same;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A problem with a folder, a file or a setting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(
    missing_docs,
    reason = "each variant's message says what its fields are"
)]
pub enum Error {
    #[error(
        "{path}: expected a readable file or folder, found: {source}; check that it is there and that you may read it"
    )]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "{path}: expected to write it, found: {source}; check the folder's permissions and the space left on the disk"
    )]
    Write { path: PathBuf, source: io::Error },
    #[error("{path}: expected a folder of images, found nothing by that name; check the path")]
    FolderMissing { path: PathBuf },
    #[error("{path}: expected a folder of images, found a file; give the folder that holds it")]
    NotAFolder { path: PathBuf },
    #[error(
        "{path}: expected an empty folder to write a new dataset to, found files in it; choose another folder"
    )]
    FolderNotEmpty { path: PathBuf },
    #[error(
        "{path}: expected images (png, jpg, bmp, tif, pgm, webp), found none; put images there, or normal ones in \
         {path}/train/good"
    )]
    EmptyFolder { path: PathBuf },
    #[error(
        "{path}: expected normal images to learn from in {expected}, found none; put images of good parts there"
    )]
    NoNormalImage { path: PathBuf, expected: PathBuf },
    #[error("{path}: expected one dataset, found a folder of several ({names}); give one of them")]
    SeveralDatasets { path: PathBuf, names: String },
    #[error(
        "{path}: expected its mask {expected}, as other anomalous images have masks, found none; add the mask, or \
         remove `ground_truth` to go without masks"
    )]
    ImageWithoutMask { path: PathBuf, expected: PathBuf },
    #[error(
        "{path}: expected the image of this mask in {expected}, found none; add the image or remove the mask"
    )]
    MaskWithoutImage { path: PathBuf, expected: PathBuf },
    #[error(
        "{path}: expected one file with this stem in its folder, found {other} too; rename or remove one of them"
    )]
    SameStem { path: PathBuf, other: PathBuf },
    #[error("{path}: expected an image, found a file of 0 bytes; copy it again or remove it")]
    EmptyFile { path: PathBuf },
    #[error(
        "{path}: expected an image (PNG, JPEG, BMP, TIFF, PNM or WebP), found none of these by its first bytes; \
         convert it or remove it"
    )]
    NotAnImage { path: PathBuf },
    #[error(
        "{path}: expected a whole {format} image, found that the file ends early; copy it again or remove it"
    )]
    Truncated { path: PathBuf, format: String },
    #[error(
        "{path}: expected a readable image, found: {found}; save it again as an 8 or 16 bit PNG, or remove it"
    )]
    Undecodable { path: PathBuf, found: String },
    #[error(
        "{path}: expected this file of {dataset}, found nothing by that name; put it there, or give the folder that has it"
    )]
    FileMissing { path: PathBuf, dataset: String },
    #[error("{path}: expected {expected}, found {found}; {advice}")]
    Malformed {
        path: PathBuf,
        expected: String,
        found: String,
        advice: &'static str,
    },
    #[error(
        "{path}: expected at most {limit} pixels, found {found}; if this is meant, raise `max_pixels`"
    )]
    TooLarge {
        path: PathBuf,
        limit: u64,
        found: String,
    },
    #[error(
        "{path}: expected numbers, found {value} at row {row}, column {column}; replace such values or remove it"
    )]
    NotFinite {
        path: PathBuf,
        value: f32,
        row: usize,
        column: usize,
    },
    #[error(
        "{path}: expected floating-point values within 0 and 1, found {value} at row {row}, column {column}; rescale it"
    )]
    OutOfRange {
        path: PathBuf,
        value: f32,
        row: usize,
        column: usize,
    },
    #[error(
        "{path}: expected a mask of its image's size {image:?} (height, width), found {mask:?}; make the mask again \
         at the size of {of}"
    )]
    MaskSize {
        path: PathBuf,
        of: PathBuf,
        image: [usize; 2],
        mask: [usize; 2],
    },
    #[error(
        "{path}: expected marked pixels, as {of} is labelled anomalous, found none; mark the defect or move the image"
    )]
    EmptyMask { path: PathBuf, of: PathBuf },
    #[error(
        "{path}: expected an image not seen in training, found the same {same} in {other}{}; remove one of them, or set \
         `allow_leaks`", beside(.more)
    )]
    Leak {
        path: PathBuf,
        other: PathBuf,
        same: Same,
        more: usize,
    },
    #[error(
        "{path}: expected group {group:?} on one side of the split, found it in test ({other}) too; mend the groups or \
         the split, or set `allow_leaks`"
    )]
    GroupStraddles {
        path: PathBuf,
        group: String,
        other: PathBuf,
    },
    #[error("{path}, {place}: expected {expected}, found {found}; mend it there")]
    Entry {
        path: PathBuf,
        place: String,
        expected: String,
        found: String,
    },
    #[error(
        "{path}: expected images whose names match this pattern, found none; check it (`*` within a name, `**` across \
         folders, names that begin with a dot are left out)"
    )]
    NoMatch { path: PathBuf },
    #[error(
        "{path}: expected an image given once, found it as {first} and as {second}{}; give it as one of them",
        beside(.more)
    )]
    TwoLabels {
        path: PathBuf,
        first: &'static str,
        second: &'static str,
        more: usize,
    },
    #[error(
        "{path}: expected masks whose names tell their images, found {found}; tried {tried}; rename them, or name each \
         image's mask in an index"
    )]
    MasksUnmatched {
        path: PathBuf,
        found: String,
        tried: String,
    },
    #[error(
        "{path}: expected its mask, as other anomalous images have masks, found none; {count} without: {list}; add them, \
         or give no masks at all"
    )]
    ImagesWithoutMask {
        path: PathBuf,
        count: usize,
        list: String,
    },
    #[error(
        "{path}: expected it where it was listed, found it gone; {count} files are gone so far, {limit} may be; copy them \
         again, or raise `missing_allowed`"
    )]
    Vanished {
        path: PathBuf,
        count: usize,
        limit: usize,
    },
    #[error(
        "{path}: expected a build of this program that reads Parquet, found one without; save it as CSV, or build with the \
         feature `parquet`"
    )]
    NoParquet { path: PathBuf },
    #[error("{path}: expected {expected}, found {found}; {todo}")]
    Protocol {
        path: PathBuf,
        kind: &'static str,
        expected: String,
        found: String,
        todo: String,
    },
    #[error("{path}: expected {expected}, found {found}; change the regions")]
    Regions {
        path: PathBuf,
        expected: String,
        found: String,
    },
    #[error("`{key}`: expected {expected}, found {found}; change this setting")]
    Setting {
        key: &'static str,
        expected: &'static str,
        found: String,
    },
    #[error(
        "{path}: expected to load it, found a fault in this program ({found}); please report it with the file"
    )]
    Worker { path: PathBuf, found: String },
    #[error("expected to start {threads} loader threads, found: {source}; lower `threads`")]
    Threads { threads: usize, source: io::Error },
}

impl Error {
    /// The problem's short name for tables and machines, in kebab-case: `"mask-size"`, `"truncated"`, ...
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Read { .. } => "unreadable",
            Self::Write { .. } => "unwritable",
            Self::FolderMissing { .. } => "folder-missing",
            Self::NotAFolder { .. } => "not-a-folder",
            Self::FolderNotEmpty { .. } => "folder-not-empty",
            Self::EmptyFolder { .. } => "empty-folder",
            Self::NoNormalImage { .. } => "no-normal-image",
            Self::SeveralDatasets { .. } => "several-datasets",
            Self::ImageWithoutMask { .. } => "image-without-mask",
            Self::MaskWithoutImage { .. } => "mask-without-image",
            Self::SameStem { .. } => "same-stem",
            Self::EmptyFile { .. } => "empty-file",
            Self::NotAnImage { .. } => "not-an-image",
            Self::Truncated { .. } => "truncated",
            Self::Undecodable { .. } => "undecodable",
            Self::FileMissing { .. } => "file-missing",
            Self::Malformed { .. } => "malformed",
            Self::TooLarge { .. } => "too-large",
            Self::NotFinite { .. } => "not-finite",
            Self::OutOfRange { .. } => "out-of-range",
            Self::MaskSize { .. } => "mask-size",
            Self::EmptyMask { .. } => "empty-mask",
            Self::Leak { .. } => "leak",
            Self::Protocol { kind, .. } => kind,
            Self::Regions { .. } => "regions",
            Self::GroupStraddles { .. } => "group-straddles",
            Self::Entry { .. } => "entry",
            Self::NoMatch { .. } => "no-match",
            Self::TwoLabels { .. } => "two-labels",
            Self::MasksUnmatched { .. } => "masks-unmatched",
            Self::ImagesWithoutMask { .. } => "images-without-mask",
            Self::Vanished { .. } => "vanished",
            Self::NoParquet { .. } => "no-parquet",
            Self::Setting { .. } => "setting",
            Self::Worker { .. } => "worker",
            Self::Threads { .. } => "threads",
        }
    }

    /// The file or folder that the problem is about, where there is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Read { path, .. }
            | Self::Write { path, .. }
            | Self::FolderMissing { path }
            | Self::NotAFolder { path }
            | Self::FolderNotEmpty { path }
            | Self::EmptyFolder { path }
            | Self::NoNormalImage { path, .. }
            | Self::SeveralDatasets { path, .. }
            | Self::ImageWithoutMask { path, .. }
            | Self::MaskWithoutImage { path, .. }
            | Self::SameStem { path, .. }
            | Self::EmptyFile { path }
            | Self::NotAnImage { path }
            | Self::Truncated { path, .. }
            | Self::Undecodable { path, .. }
            | Self::FileMissing { path, .. }
            | Self::Malformed { path, .. }
            | Self::TooLarge { path, .. }
            | Self::NotFinite { path, .. }
            | Self::OutOfRange { path, .. }
            | Self::MaskSize { path, .. }
            | Self::EmptyMask { path, .. }
            | Self::Leak { path, .. }
            | Self::Protocol { path, .. }
            | Self::Regions { path, .. }
            | Self::GroupStraddles { path, .. }
            | Self::Entry { path, .. }
            | Self::NoMatch { path }
            | Self::TwoLabels { path, .. }
            | Self::MasksUnmatched { path, .. }
            | Self::ImagesWithoutMask { path, .. }
            | Self::Vanished { path, .. }
            | Self::NoParquet { path }
            | Self::Worker { path, .. } => Some(path),
            Self::Setting { .. } | Self::Threads { .. } => None,
        }
    }

    /// Whether what is wrong is that a file is not there: one that was listed and has vanished since.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// For `map_err` where a file could not be read.
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Read {
            path: path.to_path_buf(),
            source,
        }
    }

    /// For `map_err` where a file could not be written.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Write {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// ", and 3 more like it": what a message says of problems of which it names the first.
fn beside(more: &usize) -> String {
    match more {
        0 => String::new(),
        more => format!(", and {more} more like it"),
    }
}
