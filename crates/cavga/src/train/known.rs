//! What a run's networks know before they start: the weight files that its settings name, found and read.

use std::sync::{Arc, atomic::AtomicBool};

use cavga_detect::{Method, Pretrained, Source, WeightFile};

use crate::{
    Error, Result, pretrain,
    progress::Progress,
    run::{StartedFrom, absolute},
    weights::{Options, locate, of_file, read},
};

/// The network whose weights `cavga pretrain` makes.
const DCGAN: &str = "dcgan";

/// The files' tensors, and what of them goes down in the run's record.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) pretrained: Pretrained,
    pub(super) files: Vec<StartedFrom>,
}

impl Known {
    /// Finds and reads the weight files that the method's settings name; fetches them where they say so.
    pub(super) fn find(
        method: &Method,
        stop: &Arc<AtomicBool>,
        progress: &mut dyn Progress,
    ) -> Result<Self> {
        let mut known = Self::default();
        for wanted in method.weights() {
            if wanted.source == Source::Auto && !wanted.is_published {
                let why = format!(
                    "{} = \"auto\": nobody publishes weights of a {}; `cavga pretrain dcgan` makes them, and \"none\" starts without",
                    wanted.key, wanted.network
                );
                let origin = format!("settings of {}", method.name());
                return Err(Error::Config { origin, why });
            }
            let options = Options::from_env(Arc::clone(stop));
            let Some(path) = locate(wanted.network, &wanted.source, &options, progress)? else {
                continue;
            };
            known.files.push(StartedFrom {
                key: wanted.key.to_owned(),
                network: wanted.network.to_owned(),
                path: absolute(&path),
                sha256: of_file(&path)?,
            });
            // A DC-GAN's file is of this program: its format and checksum are known, and a checkpoint is no such file.
            let tensors = match wanted.network {
                DCGAN => pretrain::load(&path)?.1,
                _ => read(&path)?,
            };
            let file = WeightFile { path, tensors };
            known.pretrained.insert(wanted.key, file);
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use cavga_detect::{Tensors, cavga::CavgaConfig};

    use super::*;
    use crate::{
        pretrain::{DcganConfig, Network, Stage},
        tensor_file::{self, Place},
    };

    #[test]
    fn an_encoder_does_not_start_from_a_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("faces.safetensors");
        let mut config = CavgaConfig::default();
        config.encoder.weights = Source::File(path.clone());
        let method = Method::CavgaDU(config);
        let find = |stage| {
            let about = pretrain::Pretrained {
                network: Network::Dcgan,
                config: DcganConfig::default(),
                seed: 0,
                data: String::new(),
                images: 2,
                steps: 1,
                stage,
            };
            tensor_file::save(&path, &about, &Tensors::new()).unwrap();
            Known::find(&method, &Arc::default(), &mut ())
        };
        let known = find(Stage::Weights).unwrap();
        assert!(known.pretrained.get("method.encoder.weights").is_some());
        let place = Place::default();
        let error = find(Stage::Checkpoint { place }).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("a checkpoint, expected a file"), "{said}");
        std::fs::write(&path, "of another program").unwrap();
        let error = Known::find(&method, &Arc::default(), &mut ()).unwrap_err();
        assert!(matches!(error, Error::NotSafetensors { .. }), "{error}");
    }
}
