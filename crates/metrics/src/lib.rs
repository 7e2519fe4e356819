//! What a number means: ROC, precision-recall, per-region overlap, IoU, F1. Slices in, numbers out.
//!
//! Published figures for anomaly localization are often not comparable, because the same name hides
//! different rules: thresholds binned or exact, ties broken or averaged, `>` or `>=`, maps at the
//! model's size or at the mask's. This crate therefore keeps one exact definition of each figure,
//! says it in the documentation, and depends on nothing (but for the error function, which the standard library
//! lacks), so that it can be checked alone.
//!
//! - **Exact.** Every curve runs over all distinct scores. Nothing is binned; equal scores are
//!   never told apart (`-0.0` equals `0.0`). Counts are `u64` and sums `f64`, so hundreds of
//!   millions of pixels are counted right.
//! - **Undefined stays undefined.** A figure that the input does not define is an [`Undefined`] and
//!   never a silent 0 or 1. Each figure is asked for on its own, so that one that is undefined does
//!   not hide the others.
//! - **Scores are raw.** A higher score means more anomalous; no range is assumed, nothing is
//!   clamped or rescaled.
//!
//! Whole images are rated by the functions at the root ([`auroc`], [`average_precision`],
//! [`f1_max`], ...), each of which takes two slices that describe the same images in the same
//! order, and refuses slices of different lengths ([`Undefined::LengthMismatch`]), empty ones
//! ([`Undefined::Empty`]) and scores that are NaN or infinite ([`Undefined::NotFinite`]). Pixels
//! are rated by a [`PixelEvaluation`], which takes one [`PixelMap`] at a time, counts its pixels
//! by score, and becomes [`PixelMetrics`].
//!
//! Decisions with a guaranteed rate of false alarms come from [`conformal`].
//!
//! How sure a figure is says a [`Bootstrap`] over images, or over the groups that they belong to; of the AUROC of whole images
//! [`delong()`] says so without drawing. Both compare two runs on the same images too.
//!
//! ```
//! use cavga_metrics::{AUPRO_LIMIT, PixelEvaluation, PixelMap, Undefined};
//!
//! let mut evaluation = PixelEvaluation::new(0.5);
//! let scores = [0.1, 0.2, 0.9, 0.3];
//! evaluation.push(&PixelMap::new(&scores, &[false, false, true, false], 2, 2)?)?;
//! let metrics = evaluation.finish();
//! assert_eq!(metrics.auroc()?, 1.0);
//! assert_eq!(metrics.aupro(AUPRO_LIMIT)?, 1.0);
//! assert_eq!(metrics.iou_pooled()?, 1.0);
//! # Ok::<(), Undefined>(())
//! ```

pub mod conformal;
mod counts;
mod curve;
mod delong;
mod image;
mod iou;
mod mcnemar;
mod normal;
mod overlap;
mod pixel;
mod ranking;
mod regions;
mod resample;
mod steps;
mod undefined;
mod weighted;

pub use curve::{CurvePoint, PrecisionRecallPoint, ProPoint, RocPoint, thin};
pub use delong::{DeLong, DeLongDifference, delong, delong_difference};
pub use image::{
    at_alarm_rate, auroc, auroc_to, auroc_to_mcclish, average_precision, balanced_accuracy, f1_max,
    precision_recall_curve, roc_curve,
};
pub use iou::{BestIou, FixedThresholdIou};
pub use mcnemar::mcnemar;
pub use overlap::AUPRO_LIMIT;
pub use pixel::{
    AUPIMO_LIMITS, Defect, ImagePixels, PerImage, PixelEvaluation, PixelGrid, PixelMap,
    PixelMetrics, PixelResampler, SizeClass, WeightedPixels,
};
pub use regions::region_sizes;
pub use resample::{Bootstrap, Clusters, Difference, Interval};
pub use steps::{AtAlarmRate, BestF1};
pub use undefined::{Result, Undefined};
pub use weighted::{ImageRanking, WeightedImages};
