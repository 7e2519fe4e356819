//! PaDiM: T. Defard, A. Setkov, A. Loesch, R. Audigier, "PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and
//! Localization", ICPR 2020.
//!
//! At each position of the finest features that are looked at, a Gaussian of the features there over all training images: of some channels drawn
//! by lot, with a covariance that is made regular by adding ε to its diagonal. How far a test image's features lie from it, under its
//! covariance, is the map. Reported on MVTec AD with WideResNet-50 and 550 channels: image AUROC .979, pixel AUROC .975, AUPRO .921.
//!
//! Where we differ: the encoder (`features` says why), and coarser features come to the finest grid by bilinear interpolation, where the paper
//! repeats the nearest. The image score is the largest value of the map, as in the paper.
//!
//! Sums over images are all that it keeps, so images may be added and taken out again later with the result that a fit from scratch
//! gives, to rounding; memory does not depend on how many there are.

mod config;
mod detector;
mod learner;
mod normal;
mod recipe;
#[cfg(test)]
mod tests;

pub use config::PadimConfig;
pub use detector::PadimDetector;
pub use learner::PadimLearner;
