//! One camera: which images are its, and what of them counts.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::decode::Limits;
use crate::error::{Error, Result};
use crate::files::pattern;
use crate::mask::Mask;
use crate::polygon::Polygon;
use crate::valid::{Valid, from_runs, runs};

/// As [`super::Regions::parse`] reads it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default)]
    camera: Vec<WrittenCamera>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCamera {
    images: Option<String>,
    size: Option<[usize; 2]>,
    #[serde(default)]
    include: Vec<Polygon>,
    #[serde(default)]
    ignore: Vec<Polygon>,
    include_mask: Option<PathBuf>,
    ignore_mask: Option<PathBuf>,
}

impl Written {
    /// With the masks that it names, relative to `folder`, as `load` gives them.
    pub(super) fn read(
        self,
        folder: &Path,
        load: impl Fn(&Path) -> Result<Mask>,
    ) -> Result<Vec<Camera>> {
        let camera = |camera: WrittenCamera| {
            let mask = |path: Option<PathBuf>| {
                let path = path.map(|path| folder.join(path));
                path.map(|path| Ok(Marked::from(load(&path)?))).transpose()
            };
            Ok(Camera {
                images: camera.images,
                size: camera.size,
                include: camera.include,
                ignore: camera.ignore,
                include_mask: mask(camera.include_mask)?,
                ignore_mask: mask(camera.ignore_mask)?,
            })
        };
        self.camera.into_iter().map(camera).collect()
    }
}

/// One camera, whole: masks are in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Camera {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    images: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<[usize; 2]>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    include: Vec<Polygon>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ignore: Vec<Polygon>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    include_mask: Option<Marked>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ignore_mask: Option<Marked>,
}

/// A mask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Runs", into = "Runs")]
struct Marked {
    size: [usize; 2],
    pixels: Vec<bool>,
}

/// A mask as it is stored, a hundred times smaller.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Runs {
    size: [usize; 2],
    runs: Vec<u64>,
}

impl From<Mask> for Marked {
    fn from(mask: Mask) -> Self {
        Self {
            size: [mask.height, mask.width],
            pixels: mask.pixels,
        }
    }
}

impl From<Marked> for Runs {
    fn from(mask: Marked) -> Self {
        Self {
            size: mask.size,
            runs: runs(&mask.pixels),
        }
    }
}

impl TryFrom<Runs> for Marked {
    type Error = Error;

    fn try_from(Runs { size, runs }: Runs) -> Result<Self> {
        let pixels = area(size).ok_or_else(|| Error::Setting {
            key: "size",
            expected: "a mask of at least 1 and at most 200 million pixels",
            found: format!("{size:?}"),
        })?;
        Ok(Self {
            size,
            pixels: from_runs(&runs, pixels)?,
        })
    }
}

/// Pixels of an image of this size; `None` for none, and for more than any image may have.
fn area([height, width]: [usize; 2]) -> Option<usize> {
    let area = height.checked_mul(width)?;
    (area > 0 && area as u64 <= Limits::default().max_pixels).then_some(area)
}

impl Camera {
    pub(super) fn images(&self) -> Option<&str> {
        self.images.as_deref()
    }

    /// What was expected and what was found instead, of a camera that cannot be.
    pub(super) fn check(&self) -> std::result::Result<(), (String, String)> {
        let wrong = |expected: &str, found: String| Err((expected.to_owned(), found));
        if let Some(Err(error)) = self.images().map(pattern) {
            return wrong(
                "images as a pattern of *, ?, [...] and **",
                error.kind().to_string(),
            );
        }
        if let Some(size) = self.size.filter(|&size| area(size).is_none()) {
            return wrong(
                "size = [height, width] of at least 1 and at most 200 million pixels",
                format!("{size:?}"),
            );
        }
        let mut polygons = self.include.iter().chain(&self.ignore);
        if let Some(polygon) = polygons.find(|polygon| !polygon.is_sound()) {
            return wrong(
                "polygons of at least three corners [x, y], all finite",
                format!("{:?}", polygon.corners),
            );
        }
        let has_polygons = !(self.include.is_empty() && self.ignore.is_empty());
        if has_polygons && self.size.is_none() {
            return wrong(
                "size = [height, width] of the image that the polygons are drawn on",
                "none".into(),
            );
        }
        let masks = [&self.include_mask, &self.ignore_mask];
        let other = |mask: &&Marked| self.size.is_some_and(|size| mask.size != size);
        if let Some(mask) = masks.into_iter().flatten().find(other) {
            return wrong(
                "masks of the size given",
                format!("{:?} (height, width)", mask.size),
            );
        }
        if !has_polygons && masks.into_iter().flatten().next().is_none() {
            return wrong(
                "include, ignore, include_mask or ignore_mask",
                "none of them".into(),
            );
        }
        Ok(())
    }

    /// Whether the pattern is of an image of this id or path, or of the end of it from some folder on: `cam1/*` claims
    /// `train/good/cam1/000.png` and `/photos/cam1/000.png`.
    pub(super) fn claims(&self, name: &str) -> bool {
        let Some(images) = self.images() else {
            return true;
        };
        let Ok(pattern) = pattern(images) else {
            return false;
        };
        let name = name.replace('\\', "/");
        let ends = name
            .match_indices('/')
            .filter_map(|(at, _)| name.get(at + 1..));
        std::iter::once(name.as_str())
            .chain(ends)
            .any(|end| pattern.is_match(end))
    }

    /// What counts of an image of `size`, whatever the size drawn at.
    pub(super) fn draw(&self, size: [usize; 2]) -> Valid {
        let included = !self.include.is_empty() || self.include_mask.is_some();
        let mut valid = Valid::all(size);
        if included {
            valid.pixels = self.marked(&self.include, &self.include_mask, size);
        }
        let ignored = self.marked(&self.ignore, &self.ignore_mask, size);
        for (counts, ignored) in valid.pixels.iter_mut().zip(ignored) {
            *counts &= !ignored;
        }
        valid
    }

    /// What polygons or a mask mark.
    fn marked(&self, polygons: &[Polygon], mask: &Option<Marked>, size: [usize; 2]) -> Vec<bool> {
        let mut marked = vec![false; size[0].saturating_mul(size[1])];
        let [down, across] = match self.size {
            Some(drawn) => [0, 1].map(|at| size[at] as f64 / drawn[at].max(1) as f64),
            None => [1.0; 2],
        };
        for polygon in polygons {
            // Each for itself: two that overlap mark both, and don't cancel.
            let corners = polygon.corners.iter();
            let corners = corners.map(|[x, y]| [x * across, y * down]).collect();
            Polygon { corners }.fill(size, &mut marked);
        }
        if let Some(mask) = mask {
            mask.add_to(size, &mut marked);
        }
        marked
    }
}

impl Marked {
    /// Marks the pixels of an image of `size` whose centres lie in marked pixels of this.
    fn add_to(&self, size: [usize; 2], pixels: &mut [bool]) {
        let nearest = |at: usize, to: usize, from: usize| {
            // (at + ½)·from / to, rounded down, in whole numbers.
            (2 * at as u128 + 1) * from as u128 / (2 * to as u128)
        };
        let [height, width] = self.size;
        let columns: Vec<_> = (0..size[1])
            .map(|column| nearest(column, size[1], width) as usize)
            .collect();
        let lines = pixels.chunks_exact_mut(size[1].max(1));
        for (row, line) in lines.enumerate() {
            let row = nearest(row, size[0], height) as usize;
            let own = self.pixels.get(row * width..(row + 1) * width);
            let own = own.unwrap_or_default();
            for (pixel, &column) in line.iter_mut().zip(&columns) {
                *pixel |= own.get(column).copied().unwrap_or(false);
            }
        }
    }
}
