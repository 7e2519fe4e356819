//! CAVGA, unsupervised: S. Venkataramanan, K.-C. Peng, R. V. Singh, A. Mahalanobis, "Attention Guided Anomaly
//! Localization in Images", ECCV 2020.
//!
//! A variational autoencoder with a convolutional latent and an adversary, whose Grad-CAM attention (of the latent, on the
//! encoder's last convolution) is trained to cover all of every normal image: what it leaves out of a test image is
//! anomalous. Objective: L + L_adv + 0.01·L_ae. Reported on MVTec AD: IoU .41 (D) and .47 (R), pixel AUROC .85 and .89.
//!
//! Where the paper is silent we chose, and each choice is a key of [`CavgaConfig`]. Where we differ: the attention's
//! gradient is written out in closed form instead of differentiated twice, which is exact; the adversary is kept in balance
//! ([`Adversary`]: smoothed labels, instance noise, and a limit on its gradient, each of which can be switched off); and beside
//! the paper's map `one-minus-attention` other maps of the same pass are kept under their own names.

mod adversary;
mod config;
mod detector;
mod learner;
mod networks;
mod objective;

pub use config::{Adversary, AttentionConfig, CavgaConfig, Reduction, Weights};
pub use detector::CavgaDetector;
pub use learner::CavgaLearner;
pub use networks::{Parts, Vae, VaeInference};
pub use objective::{Forward, Objective};
