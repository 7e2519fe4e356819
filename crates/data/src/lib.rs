//! What is looked at: datasets on disk, decoding, masks, splits, augmentation, loading, and generated sets.
//!
//! Everything here ends in plain slices and small structs: there are no tensors, so that the question "what is in this
//! pixel" never depends on a device or a framework. The way through the crate is the way of an image:
//!
//! 1. [`Dataset::open`] finds the [`Sample`]s of a folder and refuses a set that contradicts itself; [`check()`] finds
//!    *everything* that is wrong with it, file by file; [`ImageSource::look`] and [`alike()`] say what its images are like;
//!    [`leaks`] finds training images among the test images.
//! 2. [`hold_out`] takes calibration images from the training images, before anything has learned from them;
//!    [`draw_anomalous`] takes the few anomalous images that a weakly supervised method learns from out of the test set.
//! 3. [`load_image`] and [`load_mask`] decode one file, by its content and within [`Limits`].
//! 4. [`Loader`] does so for a whole pass, in parallel, ahead of the consumer and in bounded memory, with [`Augment`].
//!    [`Regions`] say which part of an image counts, [`Tiles`] cut a large one.
//! 5. [`generate`] makes sets with known defects, for the demo and for tests.
//!
//! Every random choice comes from a stream named by its seed and its purpose (never by a thread or the clock), so the
//! same seed gives the same bits however many threads run.

mod alike;
mod archive;
mod augment;
mod check;
mod dataset;
mod datasets;
mod decode;
mod draw;
mod error;
mod files;
mod fit;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gaps;
pub mod generate;
mod layout;
mod leak;
mod loader;
mod look;
mod mask;
pub mod own;
mod planes;
mod polygon;
mod prepare;
mod regions;
mod sample;
mod scan;
mod score_map;
mod source;
mod spec;
mod split;
mod stream;
mod tile;
mod valid;
mod video_frames;

pub use alike::{Likeness, alike};
pub use augment::Augment;
pub use check::{Counts, Problem, Report, Survey, check};
pub use dataset::{Dataset, Tally, Unused, hash_file, hex};
pub use datasets::Known;
pub use decode::{Image, Limits, image_size, load_fitted, load_image};
pub use draw::{Draw, draw_anomalous};
pub use error::{Error, Result};
pub use files::list_images;
pub use fit::Fit;
pub use gaps::load_score_map_with_gaps;
pub use leak::{Leak, Leaks, Same, leaks};
pub use loader::{Batch, Loader, LoaderConfig};
pub use look::{Look, Small};
pub use mask::{Mask, MaskSource, Region, RegionFile, Saturation, check_mask, load_mask};
pub use polygon::Polygon;
pub use regions::Regions;
pub use sample::{Label, Sample, TestSample};
pub use score_map::{
    ScoreMap, list_masks, list_score_maps, load_score_map, load_soft_mask, mask_size,
    score_map_size,
};
pub use source::{Archive, ImageSource, Record};
pub use spec::DatasetSpec;
pub use split::{Calibration, Test, Train, hold_out, shuffled};
pub use tile::{MAX_OVERLAP, Tiles};
pub use valid::{PAINT, Valid};
pub use video_frames::{Extracted, FrameExtraction, FrameProgress, extract_frames};
