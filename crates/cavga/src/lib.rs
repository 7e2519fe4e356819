//! Train, evaluate, calibrate, inspect, report: model files and run folders.
//!
//! The way of a run: a [`config`] says what is to be done, [`train()`] does it into a [`RunFolder`], [`evaluate`] measures
//! the model on test images and writes a [`report`], [`predict`] asks it about any image. Whoever has images in memory
//! loads a [`Model`] and calls [`Model::score`]. [`calibrate()`] sets a model's thresholds for a rate of false alarms. [`ablate`]
//! makes the runs of the paper's table 8 and their table, [`tables`] those of its tables 3 to 8 on many datasets, [`compare`] sets
//! runs on the same images against each other.
//!
//! Nothing here prints or exits: long work reports to a [`progress::Progress`], every error is an [`Error`] that names
//! the file or the key and what to do.

pub mod ablate;
pub mod atomic;
mod calibrate;
pub mod calibration;
pub mod compare;
pub mod config;
pub mod demo;
mod error;
mod eval;
mod feed;
mod leaks;
pub mod map_size;
mod measure;
mod measure_files;
pub mod methods;
mod model;
pub mod one_class;
pub mod picture;
mod predict;
pub mod pretrain;
pub mod preview;
pub mod progress;
pub mod report;
mod run;
mod series;
pub mod tables;
pub mod tensor_file;
pub mod threads;
mod train;
mod update;
pub mod verify;
mod view;
pub mod weights;

pub use calibrate::{Ask, By, CONFIDENCE, CalibrateOptions, Calibrated, OtherScore, calibrate};
pub use cavga_data as data;
pub use cavga_detect::{Error as MethodError, Method, device};
pub use cavga_metrics as metrics;
pub use error::{Error, Result};
pub use eval::{EvalOptions, Evaluation, MapFiles, evaluate};
pub use measure::{Figures, RESAMPLES};
pub use measure_files::{ImageScore, MeasureOptions, MeasuredFiles, measure_files};
pub use model::{Model, Scored};
pub use predict::{PredictOptions, Prediction, predict};
pub use run::{Learnt, Record, RunFolder, StartedFrom, Training};
pub use train::{LogLine, Outcome, TrainOptions, read_log, train};
pub use update::{
    Change, ChangeKind, Trail, TrailImage, Update, UpdateError, UpdateOptions, Updated, trail,
    update,
};
