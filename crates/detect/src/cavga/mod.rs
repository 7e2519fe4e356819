//! CAVGA: S. Venkataramanan, K.-C. Peng, R. V. Singh, A. Mahalanobis, "Attention Guided Anomaly Localization in Images", ECCV 2020.
//!
//! A variational autoencoder with a convolutional latent and an adversary, whose Grad-CAM attention on the encoder's last convolution is
//! guided by normal images. Unsupervised: the attention of the latent is to cover all of every normal image, and what it leaves out of a test
//! image is anomalous; L + L_adv + 0.01·L_ae. Weakly supervised, with 2 % anomalous images: a classifier on the latent has an
//! attention for each class, on normal images that of "normal" is to cover all and that of "anomalous" nothing, and on a test image the latter is
//! the map; L + L_adv + 0.001·L_bce + 0.01·L_cga. Reported on MVTec AD: IoU .41 (D_u), .47 (R_u), .50 (D_w), .59 (R_w), pixel
//! AUROC .85, .89, .92, .93.
//!
//! Where the paper is silent we chose, and each choice is a key of [`CavgaConfig`]. Where we differ: the attention's
//! gradient is written out in closed form instead of differentiated twice, which is exact; the adversary is kept in balance
//! ([`Adversary`]: smoothed labels, instance noise, and a limit on its gradient, each of which can be switched off). Anomalous training
//! images have a part in L_bce alone, but a batch that holds one has its statistics in the encoder's batch norms too, unless those keep the
//! statistics that they came with. Beside the paper's map other maps of the same pass are kept under their own names.

mod adversary;
mod apart;
mod config;
mod detector;
mod learner;
mod look;
mod networks;
mod normal;
mod objective;
mod pretrained;
mod recipe;
mod variant;
mod watch;

pub use config::{
    Adversary, AttentionConfig, CavgaConfig, EncoderConfig, LatentConfig, LatentForm, Reduction,
    Weights,
};
pub use detector::CavgaDetector;
pub use learner::CavgaLearner;
pub use look::{Alpha, Seen};
pub use networks::{Vae, VaeInference};
pub use objective::{Forward, Guidance, Labels, Objective};
pub use variant::{Parts, Supervision, Variant};
