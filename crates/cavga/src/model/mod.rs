//! A trained model: loaded once, asked often.

mod scored;
mod tiled;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData};
use cavga_data::{Batch, Regions, Tiles, Valid};
use cavga_detect::{Detector, Method, Tensors};

use crate::{
    Error, Result,
    calibration::Calibration,
    run::model_file,
    tensor_file::{self, Content, Header, tiling},
    update::Trail,
    view::View,
};

pub use scored::Scored;

const DETECTOR: &str = "detector.";
const PRIOR: &str = "prior.";

/// A trained model.
pub struct Model {
    detector: Box<dyn Detector>,
    method: Method,
    size: [usize; 2],
    data: String,
    calibration: Calibration,
    priors: BTreeMap<String, Vec<f32>>,
    view: View,
    trail: Option<Trail>,
}

/// What a model is made of: its detector; method, size and dataset; how images come to it; its calibration and its maps' priors.
pub(crate) type Parts = (
    Box<dyn Detector>,
    (Method, [usize; 2], String),
    View,
    (Calibration, BTreeMap<String, Vec<f32>>),
);

impl Model {
    pub(crate) fn new(
        (detector, (method, size, data), view, (calibration, priors)): Parts,
    ) -> Self {
        Self {
            view,
            trail: None,
            detector,
            method,
            size,
            data,
            calibration,
            priors,
        }
    }

    /// The same with this trail.
    pub(crate) fn with_trail(self, trail: Option<Trail>) -> Self {
        Self { trail, ..self }
    }

    /// What [`Model::new`] made it of.
    pub(crate) fn into_parts(self) -> Parts {
        let made_as = (self.method, self.size, self.data);
        let known = (self.calibration, self.priors);
        (self.detector, made_as, self.view, known)
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
        let tiles = header
            .tile
            .map(|tile| Tiles::new(header.size, tile.size, tile.overlap));
        let tiles = tiles.transpose().map_err(|error| Error::NotOurs {
            path: path.clone(),
            why: error.to_string(),
        })?;
        let view = View::new(header.regions, tiles);
        let detector = method
            .detector(view.network_size(header.size), state, device)
            .map_err(|source| Error::Misfit {
                path: path.clone(),
                method: method.name(),
                source,
            })?;
        Ok(Self {
            view,
            detector,
            method,
            size: header.size,
            data: header.data,
            calibration,
            priors,
            trail: header.trail,
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
            tile: tiling(&self.view),
            regions: self.view.regions.as_deref().cloned(),
            data: self.data.clone(),
            trail: self.trail.clone(),
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

    /// Which part of each camera's images counts; `None` if all of them does.
    pub fn regions(&self) -> Option<&Arc<Regions>> {
        self.view.regions.as_ref()
    }

    /// The tiles that its network sees of an image; `None` if it sees it whole.
    pub fn tiles(&self) -> Option<&Tiles> {
        self.view.tiles.as_deref()
    }

    /// `[height, width]` of the images it takes; of those, a model with [`Model::tiles`] sees tiles.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Which images it learnt and forgot, and when; `None` of a method whose models cannot be updated.
    pub fn trail(&self) -> Option<&Trail> {
        self.trail.as_ref()
    }

    /// The fingerprint of the dataset that it learnt from when it was trained.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// Its scores and maps on normal images.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Whether the score or map of this name was itself fitted on some of the images that were held out of training.
    pub fn is_fitted(&self, name: &str) -> bool {
        self.detector.is_fitted(name)
    }

    /// The mean of each map over the training images, or over the held-out ones where the method remembers its training images, row by row
    /// at the model's size: what a map that looked at no image would say.
    pub fn priors(&self) -> &BTreeMap<String, Vec<f32>> {
        &self.priors
    }

    /// Scores one image: `pixels` in [0, 1], the red plane, then green, then blue, each row by row at the model's size.
    /// Images are scored one at a time everywhere, so that a score never depends on what else was asked.
    ///
    /// # Errors
    /// Those of the method, such as for an image of another size.
    pub fn score(&self, pixels: Vec<f32>) -> Result<Scored> {
        self.score_as("", pixels)
    }

    /// [`Model::score`] of the image called `name`, by which a camera of the model's regions claims it. What doesn't count is painted here
    /// at the model's size; [`predict`](crate::predict()) paints before it resizes, so that the last bits may differ.
    ///
    /// # Errors
    /// As [`Model::score`]; [`cavga_data::Error::Regions`] if two cameras claim the image.
    pub fn score_as(&self, name: &str, mut pixels: Vec<f32>) -> Result<Scored> {
        let valid = match &self.view.regions {
            None => None,
            Some(regions) => {
                let valid = regions.of(name, self.size)?;
                let valid = valid.map_or_else(|| Valid::all(self.size), |valid| (*valid).clone());
                if pixels.len() == 3 * valid.pixels.len() {
                    valid.paint(&mut pixels);
                }
                Some(valid)
            }
        };
        whole((&*self.detector, &self.view), pixels, self.size, valid)
    }

    /// Scores an image as it was loaded, of which a batch has one.
    pub(crate) fn score_loaded(&self, batch: Batch) -> Result<Scored> {
        score((&*self.detector, &self.view), batch, self.size)
    }

    /// Scores loaded images, each a batch of one, all at once; a model that sees tiles, `images.len()` tiles of each at once. Nobody who
    /// wants scores does so: it is there to check that scores do not depend on it.
    pub(crate) fn score_together(&self, images: &[&Batch]) -> Result<Vec<Scored>> {
        let valid = images.iter().map(|batch| loaded_valid(batch, self.size));
        if let Some(tiles) = &self.view.tiles {
            let each = images.iter().zip(valid);
            let each = each.map(|(batch, valid)| {
                tiled::score(&*self.detector, tiles, &batch.pixels, valid, images.len())
            });
            return each.collect();
        }
        let pixels = images.iter().flat_map(|batch| batch.pixels.iter().copied());
        together(
            &*self.detector,
            pixels.collect(),
            self.size,
            valid.collect(),
        )
    }

    /// [`Detector::score_as_trained`].
    pub(crate) fn score_as_trained(&mut self) -> bool {
        self.detector.score_as_trained()
    }
}

/// Which pixels count of an image that was loaded as a batch of one.
fn loaded_valid(batch: &Batch, size: [usize; 2]) -> Option<Valid> {
    let valid = batch.valid.as_ref()?;
    Some(Valid {
        size,
        pixels: valid.iter().map(|&counts| counts >= 0.5).collect(),
    })
}

/// What a detector says of an image as it was loaded.
pub(crate) fn score(by: (&dyn Detector, &View), batch: Batch, size: [usize; 2]) -> Result<Scored> {
    let valid = loaded_valid(&batch, size);
    whole(by, batch.pixels, size, valid)
}

fn whole(
    (detector, view): (&dyn Detector, &View),
    pixels: Vec<f32>,
    size: [usize; 2],
    valid: Option<Valid>,
) -> Result<Scored> {
    let [height, width] = size;
    if pixels.len() != 3 * height * width {
        let found = [1, 3, pixels.len() / 3, 1];
        let expected = format!("[1, 3, {height}, {width}]");
        return Err(cavga_detect::Error::Shape { expected, found }.into());
    }
    if let Some(tiles) = &view.tiles {
        return tiled::score(detector, tiles, &pixels, valid, tiled::AT_ONCE);
    }
    let mut scored = together(detector, pixels, size, vec![valid])?;
    // One image, one answer.
    Ok(scored.pop().unwrap_or_default())
}

/// What a detector says of images that it sees whole, all at once. `pixels`: one image behind the other, as many as `valid` has entries,
/// which are all there or none.
fn together(
    detector: &dyn Detector,
    pixels: Vec<f32>,
    size: [usize; 2],
    valid: Vec<Option<Valid>>,
) -> Result<Vec<Scored>> {
    let (count, [height, width]) = (valid.len(), size);
    let device = detector.device();
    let tensor = |values: Vec<f32>, planes: usize| {
        let values = TensorData::new(values, [count, planes, height, width]);
        Tensor::<4>::from_data(values, device)
    };
    let numbers: Option<Vec<_>> = valid
        .iter()
        .map(|valid| Some(valid.as_ref()?.numbers()))
        .collect();
    let counted = numbers.map(|numbers| tensor(numbers.concat(), 1));
    let said = detector.score(tensor(pixels, 3), counted)?;
    let maps = said.maps.into_iter();
    let mut maps: Vec<(_, Vec<f32>)> = maps
        .map(|map| (map.name, map.values.into_data().iter().collect()))
        .collect();
    let scored = valid
        .into_iter()
        .enumerate()
        .rev()
        .map(|(at, valid)| Scored {
            scores: said
                .images
                .iter()
                .map(|score| {
                    (
                        score.name,
                        score.values.get(at).copied().unwrap_or(f32::NAN),
                    )
                })
                .collect(),
            // From the back, so that the map of a single image is not copied.
            maps: maps
                .iter_mut()
                .map(|(name, values)| {
                    (
                        *name,
                        values.split_off((at * height * width).min(values.len())),
                    )
                })
                .collect(),
            valid,
        });
    let mut scored: Vec<_> = scored.collect();
    scored.reverse();
    Ok(scored)
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
