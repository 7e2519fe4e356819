//! What a model is asked about: images of a folder, or generated ones, as files either way, so that decoding is replayed too.

use std::path::Path;

use cavga_data::{
    Batch, DatasetSpec, Error as DataError, Image, ImageSource, Label, Sample,
    generate::{Defect, GenerateConfig, Pattern, Texture, defective_image, normal_image},
    list_images,
};

use crate::{
    Error, Result, atomic,
    config::DataConfig,
    feed,
    model::Model,
    picture::{planar, png},
};

/// Sides that a generated texture may have.
const SIDES: std::ops::RangeInclusive<usize> = 16..=8192;

/// The images of a folder or dataset that are asked about: `count` of them, evenly spaced in the order of their names, so that there are
/// some of each kind; all, if there are no more.
///
/// # Errors
/// What is wrong with a dataset, but for what keeps plain images from being one: its masks are no images to ask about.
pub(super) fn found(spec: &DatasetSpec, folder: &Path, count: usize) -> Result<Vec<Sample>> {
    let all: Vec<_> = match spec.open(folder) {
        // Without the masks, which a listing would have among the images.
        Ok(dataset) => {
            let tests = dataset.test.into_iter().map(|test| test.sample);
            tests.chain(dataset.train).collect()
        }
        Err(error) if !is_plain(&error, spec, folder) => return Err(error.into()),
        Err(_) => list_images(folder)?
            .iter()
            .map(|path| {
                // A single file is a folder of its own.
                let root = if path == folder {
                    path.parent()
                } else {
                    Some(folder)
                };
                Sample::found(root.unwrap_or(folder), path, Label::Normal)
            })
            .collect(),
    };
    let step = |at: usize| at * all.len() / count.min(all.len()).max(1);
    let places = (0..count.min(all.len())).map(step);
    Ok(places.filter_map(|place| all.get(place).cloned()).collect())
}

/// Whether what could not be opened as a dataset is a file, or a folder of images that only a training would refuse.
fn is_plain(error: &DataError, spec: &DatasetSpec, folder: &Path) -> bool {
    let has_no_masks = !folder.join("ground_truth").is_dir();
    let is_plain = match error {
        DataError::NotAFolder { .. } => true,
        DataError::SameStem { .. } | DataError::NoNormalImage { .. } => has_no_masks,
        _ => false,
    };
    is_plain && *spec == DatasetSpec::default()
}

/// What images are called in what is told, and the images under the ids that `predict` gives them, their paths: which camera's regions an
/// image has goes by its id. One of an archive has no file that could be predicted, and keeps its own.
pub(super) fn by_path(samples: Vec<Sample>) -> (Vec<String>, Vec<Sample>) {
    let by_path = samples.into_iter().map(|mut sample| {
        let name = sample.id.clone();
        if let ImageSource::File(path) = &sample.source {
            sample.id = path.display().to_string();
        }
        (name, sample)
    });
    by_path.unzip()
}

/// Whether the model's regions say something of one of the images at least; so it is where all of an image counts.
pub(super) fn are_claimed(model: &Model, samples: &[Sample]) -> Result<bool> {
    let Some(regions) = model.regions() else {
        return Ok(true);
    };
    for sample in samples {
        if regions.of(&sample.id, sample.source.size()?)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes `count` images into a folder: patterns at the ends of what there is, textures, and textures with a defect; by turns at the model's
/// `size` and at another, which has to be resized. The same for the same size.
pub(super) fn generated(folder: &Path, size: [usize; 2], count: usize) -> Result<Vec<Sample>> {
    let [height, width] = size;
    let sizes = [size, [height * 3 / 2 + 1, width * 4 / 5 + 3]];
    let sample = |number: usize| {
        let round = number / KINDS;
        let size = sizes.get(round % sizes.len()).copied().unwrap_or(size);
        let (kind, image) = image(number % KINDS, size, round as u64)?;
        let name = format!("{number:02}-{kind}.png");
        let path = folder.join(&name);
        let picture = planar(&image.pixels, image.height, image.width)?;
        atomic::write(&path, &png(&picture)?)?;
        Ok(Sample::new(name, path, Label::Normal))
    };
    (0..count).map(sample).collect()
}

/// How many kinds of images [`image`] makes.
const KINDS: usize = 2 * Pattern::ALL.len();

/// One of the kinds of images, and what it is called.
fn image(kind: usize, size: [usize; 2], seed: u64) -> Result<(&'static str, Image)> {
    if let Some(pattern) = Pattern::ALL.get(kind) {
        return Ok((pattern.name(), pattern.image(size, seed)));
    }
    let texture = kind % Texture::ALL.len();
    let config = GenerateConfig {
        seed,
        size: size.map(|side| side.clamp(*SIDES.start(), *SIDES.end())),
        texture: Texture::ALL.get(texture).copied().unwrap_or_default(),
        ..GenerateConfig::default()
    };
    Ok(match kind.is_multiple_of(2) {
        true => ("texture", normal_image(&config, seed)?),
        false => {
            let defect = match kind % 3 {
                0 => Defect::Blob,
                1 => Defect::Stain,
                _ => Defect::Scratch,
            };
            ("defect", defective_image(&config, defect, seed)?.0)
        }
    })
}

/// Loads each as `predict` and `eval` do, in a batch of its own.
pub(super) fn load(model: &Model, samples: &[Sample], settings: &DataConfig) -> Result<Vec<Batch>> {
    let batches = feed::plain(samples.to_vec(), settings, model.regions(), 1)?;
    batches.map(|batch| batch.map_err(Error::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_images_are_of_every_kind_and_of_two_sizes() {
        let folder = tempfile::tempdir().unwrap();
        let samples = generated(folder.path(), [32, 48], 16).unwrap();
        let names: Vec<_> = samples.iter().map(|sample| sample.id.as_str()).collect();
        assert_eq!(names[0], "00-black.png");
        assert_eq!(names[8], "08-black.png");
        let is_kind = |kind: &str| names.iter().filter(|name| name.contains(kind)).count();
        assert_eq!(
            ["white", "noise", "texture", "defect"].map(is_kind),
            [2, 2, 4, 4]
        );
        let sizes = [0, 8].map(|at: usize| samples[at].source.size().unwrap());
        assert_eq!(sizes, [[32, 48], [49, 41]]);
        // Model sizes below a texture's are made larger.
        assert_eq!(generated(folder.path(), [8, 8], 8).unwrap().len(), 8);
    }

    #[test]
    fn images_of_a_dataset_are_spread_over_it_and_masks_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("set");
        cavga_data::generate::write_dataset(&root, &GenerateConfig::tiny()).unwrap();
        let ids = |count| {
            let samples = found(&DatasetSpec::default(), &root, count).unwrap();
            samples
                .into_iter()
                .map(|sample| sample.id)
                .collect::<Vec<_>>()
        };
        let all = ids(100);
        assert_eq!(all.len(), 11);
        assert!(all.iter().all(|id| !id.contains("ground_truth")), "{all:?}");
        let three = ids(3);
        assert_eq!(three, [0, 3, 7].map(|at: usize| all[at].clone()));
        assert_eq!(ids(1).len(), 1);
    }

    /// Its masks would have been asked about as images.
    #[test]
    fn a_faulty_dataset_is_told_and_is_no_plain_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("set");
        cavga_data::generate::write_dataset(&root, &GenerateConfig::tiny()).unwrap();
        let open = |root: &Path| found(&DatasetSpec::default(), root, 100);
        let is_of = |error: &Error, kind: &str| match error {
            Error::Data(error) => error.kind() == kind,
            _ => false,
        };
        let images = open(&root).unwrap();
        let test = images.iter().find(|image| image.label.is_anomalous());
        let test = test.unwrap().path();
        let twice = test.with_extension("jpg");
        std::fs::copy(test, &twice).unwrap();
        let error = open(&root).unwrap_err();
        assert!(is_of(&error, "same-stem"), "{error}");
        // Without masks it is but a folder of images.
        let plain = open(test.parent().unwrap()).unwrap();
        assert!(plain.iter().any(|image| image.path() == twice));
        std::fs::remove_file(&twice).unwrap();
        std::fs::remove_dir_all(root.join("train")).unwrap();
        let error = open(&root).unwrap_err();
        assert!(is_of(&error, "no-normal-image"), "{error}");
        std::fs::create_dir_all(root.join("train/good")).unwrap();
        let error = open(folder.path()).unwrap_err();
        assert!(is_of(&error, "several-datasets"), "{error}");
    }

    #[test]
    fn images_have_the_ids_that_predict_gives_them() {
        let folder = tempfile::tempdir().unwrap();
        let samples = generated(folder.path(), [16, 16], 2).unwrap();
        let (names, samples) = by_path(samples);
        assert_eq!(names[0], "00-black.png");
        assert_eq!(
            samples[0].id,
            folder.path().join(&names[0]).display().to_string()
        );
    }
}
