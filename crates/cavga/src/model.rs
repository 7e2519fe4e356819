//! A trained model: loaded once, asked often.

use std::{collections::BTreeMap, path::Path};

use burn::tensor::{Device, Tensor, TensorData};
use cavga_detect::{Detector, Method, Tensors};

use crate::{
    Error, Result,
    calibration::Calibration,
    run::model_file,
    tensor_file::{self, Content, Header},
};

const DETECTOR: &str = "detector.";
const PRIOR: &str = "prior.";

/// What a detector says of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Raw image scores by name; the first is the method's own. Higher means more anomalous.
    pub scores: Vec<(&'static str, f32)>,
    /// Raw maps by name, row by row at the model's size; the first is the method's own.
    pub maps: Vec<(&'static str, Vec<f32>)>,
}

/// A trained model.
pub struct Model {
    detector: Box<dyn Detector>,
    method: Method,
    size: [usize; 2],
    data: String,
    calibration: Calibration,
    priors: BTreeMap<String, Vec<f32>>,
}

impl Model {
    pub(crate) fn new(
        detector: Box<dyn Detector>,
        (method, size, data): (Method, [usize; 2], String),
        calibration: Calibration,
        priors: BTreeMap<String, Vec<f32>>,
    ) -> Self {
        Self {
            detector,
            method,
            size,
            data,
            calibration,
            priors,
        }
    }

    /// Loads a model file, or the one in the folder of a run.
    ///
    /// # Errors
    /// Those of [`tensor_file::load`]; [`Error::OtherKind`] for a checkpoint; [`Error::Misfit`] if the file's tensors do
    /// not make its method.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        let path = &model_file(path)?;
        let (header, tensors) = tensor_file::load(path)?;
        let Content::Model { calibration } = header.content else {
            return Err(Error::OtherKind {
                path: path.clone(),
                found: "checkpoint",
                expected: "model",
            });
        };
        let mut state = Tensors::new();
        let mut priors = BTreeMap::new();
        for (name, tensor) in tensors {
            if let Some(name) = name.strip_prefix(DETECTOR) {
                state.insert(name.to_owned(), tensor);
            } else if let Some(map) = name.strip_prefix(PRIOR) {
                priors.insert(map.to_owned(), prior(path, &name, tensor, header.size)?);
            } else {
                let why = "no part of a model".to_owned();
                return Err(Error::Tensor {
                    path: path.clone(),
                    name,
                    why,
                });
            }
        }
        let method = header.method;
        let detector = method
            .detector(header.size, state, device)
            .map_err(|source| Error::Misfit {
                path: path.clone(),
                method: method.name(),
                source,
            })?;
        Ok(Self {
            detector,
            method,
            size: header.size,
            data: header.data,
            calibration,
            priors,
        })
    }

    /// Writes the model file, whole or not at all. The same model gives the same bytes.
    ///
    /// # Errors
    /// Those of [`tensor_file::save`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let state = self.detector.state()?;
        let mut tensors: Tensors = state
            .into_iter()
            .map(|(name, tensor)| (format!("{DETECTOR}{name}"), tensor))
            .collect();
        for (name, values) in &self.priors {
            tensors.insert(
                format!("{PRIOR}{name}"),
                TensorData::new(values.clone(), self.size),
            );
        }
        let header = Header {
            method: self.method.clone(),
            size: self.size,
            data: self.data.clone(),
            content: Content::Model {
                calibration: self.calibration.clone(),
            },
        };
        tensor_file::save(path, &header, &tensors)
    }

    /// The method and its configuration.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// `[height, width]` of the images it takes.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// The fingerprint of the dataset that it learnt from.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// Its scores and maps on normal images.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// The mean of each map over the training images, row by row at the model's size: what a map that looked at no image
    /// would say.
    pub fn priors(&self) -> &BTreeMap<String, Vec<f32>> {
        &self.priors
    }

    /// Scores one image: `pixels` in [0, 1], the red plane, then green, then blue, each row by row at the model's size.
    /// Images are scored one at a time everywhere, so that a score never depends on what else was asked.
    ///
    /// # Errors
    /// Those of the method, such as for an image of another size.
    pub fn score(&self, pixels: Vec<f32>) -> Result<Scored> {
        score(&*self.detector, pixels, self.size)
    }
}

pub(crate) fn score(
    detector: &dyn Detector,
    pixels: Vec<f32>,
    [height, width]: [usize; 2],
) -> Result<Scored> {
    if pixels.len() != 3 * height * width {
        let found = [1, 3, pixels.len() / 3, 1];
        let expected = format!("[1, 3, {height}, {width}]");
        return Err(cavga_detect::Error::Shape { expected, found }.into());
    }
    let images = Tensor::from_data(
        TensorData::new(pixels, [1, 3, height, width]),
        detector.device(),
    );
    let said = detector.score(images)?;
    let scores = said.images.iter().map(|score| {
        (
            score.name,
            score.values.first().copied().unwrap_or(f32::NAN),
        )
    });
    let maps = said.maps.into_iter().map(|map| {
        let values = map.values.into_data().iter::<f32>().collect();
        (map.name, values)
    });
    Ok(Scored {
        scores: scores.collect(),
        maps: maps.collect(),
    })
}

impl Scored {
    /// An error that names the image unless all scores and maps are finite.
    pub(crate) fn checked(self, image: &Path) -> Result<Self> {
        let score = self
            .scores
            .iter()
            .find(|(_, value)| !value.is_finite())
            .map(|(name, _)| format!("score {name}"));
        let map = || {
            self.maps
                .iter()
                .find(|(_, values)| values.iter().any(|value| !value.is_finite()))
        };
        match score.or_else(|| map().map(|(name, _)| format!("map {name}"))) {
            Some(what) => Err(Error::ScoreNotFinite {
                path: image.to_owned(),
                what,
            }),
            None => Ok(self),
        }
    }
}

fn prior(path: &Path, name: &str, tensor: TensorData, size: [usize; 2]) -> Result<Vec<f32>> {
    if tensor.shape().to_vec() == size {
        return Ok(tensor.iter::<f32>().collect());
    }
    let why = format!("{:?}, expected {size:?}", tensor.shape().to_vec());
    Err(Error::Tensor {
        path: path.to_owned(),
        name: name.to_owned(),
        why,
    })
}
