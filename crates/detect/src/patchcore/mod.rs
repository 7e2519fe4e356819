//! PatchCore: K. Roth, L. Pemula, J. Zepeda, B. Schölkopf, T. Brox, P. Gehler, "Towards Total Recall in Industrial Anomaly Detection",
//! CVPR 2022.
//!
//! Features of a network that knows ImageNet, each averaged with its neighbours (section 3.1), are thinned to a coreset by the greedy choice of
//! the k-centre problem (section 3.2, algorithm 1), and how far a test image's features lie from the nearest of them is the map (section 3.3).
//! Reported on MVTec AD with WideResNet-50 and 25 % of the features: image AUROC .991, pixel AUROC .981, AUPRO .935.
//!
//! Where we differ: the encoder (`features` says why); the bank has at most [`PatchcoreConfig::most`] rows, as the time to score an image grows with
//! it; random projection is only used where it saves something; and features beyond the memory that is granted are drawn by lot
//! ([`PatchcoreConfig::memory`]). When all fit, the choice is exactly the greedy one. Nearest rows are exact, no index approximates them.
//!
//! A bank can be [reopened](crate::Detector::reopened): rows of more images are chosen as the greedy choice would go on, and rows of forgotten
//! ones leave. `radius` bounds how far a feature that was chosen among lies from its nearest row, by measure and the triangle inequality.

mod bank;
mod candidates;
mod config;
mod detector;
mod learner;
mod recipe;
mod scorer;
#[cfg(test)]
mod tests;

pub use config::PatchcoreConfig;
pub use detector::PatchcoreDetector;
pub use learner::PatchcoreLearner;
