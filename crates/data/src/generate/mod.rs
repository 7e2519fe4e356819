//! Generated datasets: textured normal images and defects whose masks are exact, for the demo and for tests.
//!
//! Real sets are large and under licences of their own; these are made in a second, and the same seed and size make the
//! same bytes. No function of the system's mathematics library is called, as its last bits differ between systems.
//!
//! A defect's mask is measured, not drawn: it is where the image with the defect differs from the image without. A
//! change too small to see (under [`VISIBLE`] levels of 255) is taken back, so that mask and change are the same pixels.

mod canvas;
mod defect;
mod noise;
mod pattern;
mod texture;

use std::fs;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::decode::Image;
use crate::error::{Error, Result};
use crate::mask::Mask;
use crate::sample::GOOD;

pub use defect::VISIBLE;
pub use pattern::Pattern;

/// What the normal images show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Texture {
    /// Cloth: threads over and under each other.
    Woven,
    /// A planed board with its rings.
    Wood,
    /// Leather: irregular grains between creases.
    Leather,
    /// A toothed metal disc on a dark ground, always in the same place: an aligned object.
    #[default]
    Gear,
}

impl Texture {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Woven, Self::Wood, Self::Leather, Self::Gear];
}

/// A kind of defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// A thin bent line.
    Scratch,
    /// A lump of something that doesn't belong there.
    Blob,
    /// A piece that is gone: what lies behind is seen.
    MissingPart,
    /// A large patch that is darker or lighter, with a soft edge.
    Stain,
    /// A stamp in coloured ink.
    Misprint,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Scratch,
        Self::Blob,
        Self::MissingPart,
        Self::Stain,
        Self::Misprint,
    ];

    /// Its name as a folder: `"missing_part"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scratch => "scratch",
            Self::Blob => "blob",
            Self::MissingPart => "missing_part",
            Self::Stain => "stain",
            Self::Misprint => "misprint",
        }
    }
}

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateConfig {
    /// Everything random comes from it.
    pub seed: u64,
    /// Height and width, each at least 16.
    pub size: [usize; 2],
    /// What the images show.
    pub texture: Texture,
    /// Normal images to learn from.
    pub train: usize,
    /// Normal images to test on.
    pub test_normal: usize,
    /// Anomalous images of each of the five kinds.
    pub test_per_defect: usize,
}

impl Default for GenerateConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            size: [256, 256],
            texture: Texture::Gear,
            train: 60,
            test_normal: 20,
            test_per_defect: 8,
        }
    }
}

impl GenerateConfig {
    /// The smallest set that has everything: for tests.
    pub fn tiny() -> Self {
        Self {
            size: [32, 32],
            train: 4,
            test_normal: 2,
            test_per_defect: 1,
            ..Self::default()
        }
    }

    fn validate(&self) -> Result<()> {
        if self.size.iter().all(|side| (16..=8192).contains(side)) {
            return Ok(());
        }
        let found = format!("{} x {}", self.size[0], self.size[1]);
        Err(Error::Setting {
            key: "size",
            expected: "a height and a width of 16 to 8192",
            found,
        })
    }
}

/// A normal image by its number; its values are multiples of 1/255, as they are after a round trip through a file.
///
/// # Errors
/// A size out of range.
pub fn normal_image(config: &GenerateConfig, index: u64) -> Result<Image> {
    config.validate()?;
    Ok(texture::paint(config, index).to_image())
}

/// The normal image of that number with a defect, and the defect's mask, which is never empty.
///
/// # Errors
/// A size out of range.
pub fn defective_image(
    config: &GenerateConfig,
    defect: Defect,
    index: u64,
) -> Result<(Image, Mask)> {
    config.validate()?;
    let (canvas, mask) = defect::paint(config, &texture::paint(config, index), defect, index);
    Ok((canvas.to_image(), mask))
}

/// One file of a dataset: number of the picture, folder below `test` or `train`, name, defect.
struct Job {
    index: u64,
    folder: String,
    name: String,
    defect: Option<Defect>,
}

/// Writes a dataset in MVTec AD's layout (PNG) to a folder that is new or empty, and opens it.
///
/// # Errors
/// A size out of range, a folder with files in it, or files that cannot be written.
pub fn write_dataset(root: impl AsRef<Path>, config: &GenerateConfig) -> Result<Dataset> {
    let root = root.as_ref();
    config.validate()?;
    fs::create_dir_all(root).map_err(Error::write(root))?;
    // Images of an earlier call with another seed would mix with the new ones.
    if fs::read_dir(root)
        .map_err(Error::read(root))?
        .next()
        .is_some()
    {
        return Err(Error::FolderNotEmpty {
            path: root.to_path_buf(),
        });
    }
    let jobs = jobs(config);
    for job in &jobs {
        make_folder(&root.join(&job.folder))?;
        if let Some(defect) = job.defect {
            make_folder(&root.join("ground_truth").join(defect.name()))?;
        }
    }
    jobs.par_iter()
        .try_for_each(|job| write(root, config, job))?;
    Dataset::open(root)
}

/// Every picture has a number of its own, so that no test image is a training image with a defect.
fn jobs(config: &GenerateConfig) -> Vec<Job> {
    let mut jobs = Vec::new();
    let mut add = |folder: &str, count: usize, defect: Option<Defect>| {
        for i in 0..count {
            let index = jobs.len() as u64;
            jobs.push(Job {
                index,
                folder: folder.to_string(),
                name: format!("{i:03}"),
                defect,
            });
        }
    };
    add(&format!("train/{GOOD}"), config.train, None);
    add(&format!("test/{GOOD}"), config.test_normal, None);
    for defect in Defect::ALL {
        add(
            &format!("test/{}", defect.name()),
            config.test_per_defect,
            Some(defect),
        );
    }
    jobs
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::write(path))
}

fn write(root: &Path, config: &GenerateConfig, job: &Job) -> Result<()> {
    let mut canvas = texture::paint(config, job.index);
    if let Some(defect) = job.defect {
        let (damaged, mask) = defect::paint(config, &canvas, defect, job.index);
        canvas = damaged;
        let path = root
            .join("ground_truth")
            .join(defect.name())
            .join(format!("{}_mask.png", job.name));
        let grey: Vec<u8> = mask
            .pixels
            .iter()
            .map(|&marked| if marked { 255 } else { 0 })
            .collect();
        canvas::write_png(
            &path,
            &grey,
            [mask.height, mask.width],
            image::ExtendedColorType::L8,
        )?;
    }
    let path = root.join(&job.folder).join(format!("{}.png", job.name));
    canvas::write_png(
        &path,
        &canvas.rgb,
        [canvas.height, canvas.width],
        image::ExtendedColorType::Rgb8,
    )
}
