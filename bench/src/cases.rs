//! What can be timed, as `bench/cases.py` describes it.

use serde::Deserialize;

use crate::{
    Result, autoencoder, detector,
    inference::{self, Batched},
    loading::{self, Pass},
    metrics::{self, Maps},
    model::{self, Scoring},
    ops::{self, Adam, Convolution, Norm},
};

/// One repetition of a case; what it makes is dropped inside it, as Python does with what nobody keeps.
pub(crate) type Work = Box<dyn FnMut() -> Result<()>>;

/// A case.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub(crate) enum Case {
    /// What a process costs before it did anything.
    Nothing,
    /// A kernel of convolution.
    Conv(Convolution),
    /// A kernel of batch norm and LeakyReLU.
    Norm(Norm),
    /// The kernel of Adam.
    Adam(Adam),
    /// A training step of a plain convolutional VAE.
    TrainStep(Batched),
    /// A whole training step of CAVGA-D.
    CavgaD(Batched),
    /// A whole training step of CAVGA-R.
    CavgaR(Batched),
    /// ResNet-18's features.
    Resnet(Batched),
    /// MobileNetV2's features at strides 8 and 16.
    Taps(Batched),
    /// What CAVGA-D says of images.
    ScoreD(Batched),
    /// What CAVGA-R says of images.
    ScoreR(Batched),
    /// A pass over image files.
    Load(Pass),
    /// The first batch of such a pass.
    FirstBatch(Pass),
    /// The same batch, written to a file.
    Written(Pass),
    /// Figures of pixels.
    Metrics(Maps),
    /// What a model file says of images.
    Model(Scoring),
}

impl Case {
    /// Makes everything that the case needs.
    pub(crate) fn prepare(self) -> Result<Work> {
        match self {
            Self::Nothing => Ok(Box::new(|| Ok(()))),
            Self::Conv(convolution) => ops::convolution(&convolution),
            Self::Norm(norm) => Ok(ops::norm(&norm)),
            Self::Adam(adam) => Ok(ops::adam(&adam)),
            Self::TrainStep(batched) => Ok(autoencoder::train_step(batched)),
            Self::CavgaD(batched) => detector::train_step(&detector::dcgan(), batched),
            Self::CavgaR(batched) => detector::train_step(&detector::resnet(), batched),
            Self::Resnet(batched) => Ok(inference::resnet(batched)),
            Self::Taps(batched) => Ok(inference::taps(batched)),
            Self::ScoreD(batched) => detector::score(&detector::dcgan(), batched),
            Self::ScoreR(batched) => detector::score(&detector::resnet(), batched),
            Self::Load(pass) => Ok(loading::load(pass)),
            Self::FirstBatch(pass) => Ok(loading::first_batch(pass)),
            Self::Written(pass) => Ok(loading::written(pass)),
            Self::Metrics(maps) => metrics::figures(maps),
            Self::Model(scoring) => model::score(&scoring),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(case: &str) {
        let case: Case = serde_json::from_str(case).unwrap();
        let mut work = case.prepare().unwrap();
        work().unwrap();
        work().unwrap();
    }

    #[test]
    fn every_kind_of_convolution_runs() {
        for part in ["forward", "dx", "dw"] {
            for transposed in [false, true] {
                run(&format!(
                    r#"{{"name": "conv", "part": "{part}", "transposed": {transposed}, "channels": [3, 5],
                        "kernel": 4, "stride": 2, "padding": 1, "size": 8, "batch": 2}}"#
                ));
            }
        }
    }

    #[test]
    fn the_other_kernels_run() {
        run(r#"{"name": "norm", "part": "forward", "channels": 3, "size": 4, "batch": 2}"#);
        run(r#"{"name": "norm", "part": "backward", "channels": 3, "size": 4, "batch": 2}"#);
        run(r#"{"name": "adam", "parameters": 1000}"#);
        run(r#"{"name": "nothing"}"#);
    }

    #[test]
    fn features_of_backbones_are_made() {
        run(r#"{"name": "resnet", "batch": 1, "size": 64}"#);
        run(r#"{"name": "taps", "batch": 2, "size": 64}"#);
    }

    #[test]
    fn an_unknown_case_is_an_error() {
        assert!(serde_json::from_str::<Case>(r#"{"name": "lunch"}"#).is_err());
    }
}
