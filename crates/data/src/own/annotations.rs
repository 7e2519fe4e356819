//! What annotation tools write: COCO's one file for all images, LabelMe's file for each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::entry::{Checked, Entry, Fault, normal_form, real_form, shown, slashed};
use super::masks::listed;
use super::{NOTE, Own, coco, labelme};
use crate::decode::image_size;
use crate::error::{Error, Result};
use crate::files::{name, walk};
use crate::mask::MaskSource;
use crate::polygon::Polygon;
use crate::sample::Label;

/// What an annotation file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotations {
    /// One image each; of one without an outline it says that nothing is wrong with it.
    pub images: Vec<Annotated>,
    /// What cannot be, or cannot be read here.
    pub faults: Vec<Fault>,
}

/// One image as annotated.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotated {
    /// The image's file, as written.
    pub file: String,
    /// `[height, width]`, where written.
    pub size: Option<[usize; 2]>,
    /// What is anomalous.
    pub polygons: Vec<Polygon>,
    /// The names of what the outlines show.
    pub kinds: BTreeSet<String>,
}

/// Reads a COCO or a LabelMe file, told apart by content.
///
/// # Errors
/// What is neither. What is wrong with single outlines is in [`Annotations::faults`].
pub fn parse(bytes: &[u8]) -> Checked<Annotations> {
    #[derive(Deserialize)]
    struct Keys {
        images: Option<IgnoredAny>,
        shapes: Option<IgnoredAny>,
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    let keys: Keys = serde_json::from_slice(bytes).map_err(json)?;
    match keys {
        Keys {
            images: Some(_), ..
        } => coco::parse(bytes),
        Keys {
            shapes: Some(_), ..
        } => labelme::parse(bytes),
        Keys { .. } => {
            let expected = "COCO (`images`, `annotations`) or LabelMe (`imagePath`, `shapes`)";
            Err(Fault::new("its keys", expected, "neither"))
        }
    }
}

/// What the JSON reader says, with its line and column.
pub(super) fn json(error: serde_json::Error) -> Fault {
    let place = format!("line {}, column {}", error.line(), error.column());
    Fault::new(place, "JSON of an annotation tool", error.to_string())
}

/// Requires a polygon that marks something in an image `[height, width]`.
pub(super) fn sound(place: &str, polygon: Polygon, size: Option<[usize; 2]>) -> Checked<Polygon> {
    if !polygon.is_sound() {
        let expected = "three corners or more, of finite numbers";
        let found = format!("{:?}", polygon.corners.get(..3).unwrap_or(&polygon.corners));
        return Err(Fault::new(place, expected, found));
    }
    let [height, width] = size.map_or([f64::INFINITY; 2], |size| size.map(|side| side as f64));
    let beside = |axis: usize, side: f64| {
        let values = || polygon.corners.iter().filter_map(move |c| c.get(axis));
        values().all(|&value| value <= 0.0) || values().all(|&value| value >= side)
    };
    if beside(0, width) || beside(1, height) {
        let found = format!("one wholly beside it, at {:?}", polygon.corners.first());
        let expected = format!("an outline in the image of {height} rows of {width}");
        return Err(Fault::new(place, expected, found));
    }
    Ok(polygon)
}

/// The images that annotations may be of, by the last part of their path.
struct Pool {
    /// Each as written, with `/`, and its place in the entries; none for an image that nobody gave a label yet.
    by_name: BTreeMap<String, Vec<(String, PathBuf, Option<usize>)>>,
}

impl Pool {
    fn new(files: impl Iterator<Item = (PathBuf, Option<usize>)>) -> Self {
        let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (path, entry) in files {
            let text = slashed(&normal_form(&path));
            by_name
                .entry(name(&path))
                .or_default()
                .push((text, path, entry));
        }
        Self { by_name }
    }

    /// The one image that is called so: by as much of its path as tells it.
    fn find(&self, file: &str) -> std::result::Result<(&Path, Option<usize>), String> {
        let wanted = slashed(&normal_form(Path::new(&file.replace('\\', "/"))));
        let last = wanted.rsplit('/').next().unwrap_or_default();
        let called = self.by_name.get(last).map_or(&[][..], Vec::as_slice);
        let alike = |text: &str| {
            let [a, b] = [text, &wanted].map(|path| path.rsplit('/'));
            a.zip(b).take_while(|(a, b)| a == b).count()
        };
        let most = called.iter().map(|(text, ..)| alike(text)).max();
        let mut best = called.iter().filter(|(text, ..)| Some(alike(text)) == most);
        match (best.next(), best.next()) {
            (Some((_, path, entry)), None) => Ok((path, *entry)),
            (Some((_, path, _)), Some((_, other, _))) => {
                Err(format!("{} and {}", path.display(), other.display()))
            }
            (None, _) => Err("none".into()),
        }
    }
}

impl Own<'_> {
    /// Reads the annotations at `path`: of images that folders or an index gave, else of those below the root.
    pub(super) fn read_annotations(&mut self, path: &Path) {
        let files = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => walk(path, usize::MAX).map(|found| {
                let is_json = |path: &PathBuf| {
                    path.extension()
                        .is_some_and(|e| e.eq_ignore_ascii_case("json"))
                };
                found.others.into_iter().filter(is_json).collect()
            }),
            Ok(_) => Ok(vec![path.to_path_buf()]),
            Err(error) => Err(Error::read(path)(error)),
        };
        let files: Vec<PathBuf> = match files {
            Ok(files) if files.is_empty() => {
                let fault = Fault::new("the folder", "LabelMe files (*.json)", "none");
                return self.problem(fault.at(path));
            }
            Ok(files) => files,
            Err(problem) => return self.problem(problem),
        };
        let has_anomalous = self.entries.iter().any(|e| e.label.is_anomalous());
        let pool = match self.pool(path, has_anomalous) {
            Ok(pool) => pool,
            Err(problem) => return self.problem(problem),
        };
        let mut of_image: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
        let (mut shapes, mut marked) = (0_usize, 0_usize);
        for file in &files {
            let read = fs::read(file).map_err(Error::read(file));
            let annotations = read.and_then(|bytes| parse(&bytes).map_err(|f| f.at(file)));
            let Annotations { images, faults } = match annotations {
                Ok(annotations) => annotations,
                Err(problem) => {
                    self.problem(problem);
                    continue;
                }
            };
            for fault in faults {
                self.problem(fault.at(file));
            }
            for annotated in images {
                shapes += annotated.polygons.len();
                marked += usize::from(!annotated.polygons.is_empty());
                if let Err(fault) = self.annotate(file, annotated, &pool, &mut of_image) {
                    self.problem(fault.at(file));
                }
            }
        }
        let message = format!(
            "{shapes} outlines on {marked} images, of {} annotated",
            of_image.len()
        );
        self.scan.warn(path, NOTE, message);
        self.tell_unlisted(&pool, &of_image);
    }

    /// The images that were given; where no anomalous one was, those below the root and beside the annotations too.
    fn pool(&self, path: &Path, has_anomalous: bool) -> Result<Pool> {
        let given = self.entries.iter().enumerate();
        let given: Vec<_> = given.map(|(at, e)| (e.path.clone(), Some(at))).collect();
        if has_anomalous || self.spec.index.is_some() {
            return Ok(Pool::new(given.into_iter()));
        }
        let mut known: BTreeSet<PathBuf> = given.iter().map(|(p, _)| real_form(p)).collect();
        let folder = if path.is_dir() {
            Some(path)
        } else {
            path.parent()
        };
        let mut files = given;
        for folder in [Some(&*self.scan.dataset.root), folder]
            .into_iter()
            .flatten()
        {
            if folder.is_dir() {
                let images = walk(folder, usize::MAX)?.images.into_iter();
                let new = images.filter(|image| known.insert(real_form(image)));
                files.extend(new.map(|image| (image, None)));
            }
        }
        Ok(Pool::new(files.into_iter()))
    }

    /// Takes in what is said of one image.
    fn annotate(
        &mut self,
        file: &Path,
        annotated: Annotated,
        pool: &Pool,
        of_image: &mut BTreeMap<PathBuf, PathBuf>,
    ) -> Checked<()> {
        let place = format!("image {}", shown(&annotated.file));
        let is_marked = !annotated.polygons.is_empty();
        let (path, entry) = match pool.find(&annotated.file) {
            Ok(found) => found,
            // One file may be for more images than are used here.
            Err(found) if is_marked => {
                return Err(Fault::new(
                    place,
                    "one image of this name among those given",
                    found,
                ));
            }
            Err(_) => return Ok(()),
        };
        if let Some(other) = of_image.insert(path.to_path_buf(), file.to_path_buf()) {
            let found = format!("others in {}", other.display());
            return Err(Fault::new(place, "its outlines in one place", found));
        }
        let at = match entry {
            Some(at) => at,
            None => self.add_annotated(path, &annotated),
        };
        let Some(entry) = self.entries.get_mut(at) else {
            return Ok(());
        };
        if is_marked && !entry.label.is_anomalous() {
            let expected = "no outline on an image that is given as normal (give it as anomalous, or give the annotations alone)";
            return Err(Fault::new(place, expected, "some"));
        }
        if is_marked && entry.mask.is_some() {
            let expected =
                "no outline on an image that has a mask in the index (leave one of the two away)";
            return Err(Fault::new(place, expected, "some"));
        }
        if is_marked {
            let size = annotated.size.map_or_else(|| image_size(&entry.path), Ok);
            let size = size.map_err(|e| Fault::new(place, "the image's size", e.to_string()))?;
            entry.mask = Some(MaskSource::Shapes {
                path: file.to_path_buf(),
                size,
                polygons: annotated.polygons,
            });
        }
        Ok(())
    }

    /// An image that the annotations alone tell of.
    fn add_annotated(&mut self, path: &Path, annotated: &Annotated) -> usize {
        let root = self.scan.dataset.root.clone();
        let own = path.parent().unwrap_or(Path::new(""));
        let base = if path.starts_with(&root) { &*root } else { own };
        let below = path.strip_prefix(base).unwrap_or(path);
        let real = fs::canonicalize(base).unwrap_or_else(|_| base.to_path_buf());
        let mut kinds = annotated.kinds.iter();
        let label = match (annotated.polygons.is_empty(), kinds.next(), kinds.next()) {
            (true, ..) => Label::Normal,
            (false, Some(kind), None) if kind != crate::sample::GOOD => {
                Label::Anomalous { kind: kind.clone() }
            }
            (false, Some(_), Some(_)) => Label::Anomalous {
                kind: "several".into(),
            },
            _ => Label::Anomalous {
                kind: "anomalous".into(),
            },
        };
        self.entries.push(Entry {
            id: self.ids.id(base, &real, below),
            below: below.to_path_buf(),
            path: path.to_path_buf(),
            label,
            mask: None,
            split: None,
            group: None,
        });
        self.entries.len() - 1
    }

    /// Images that lie there and nobody speaks of.
    fn tell_unlisted(&mut self, pool: &Pool, of_image: &BTreeMap<PathBuf, PathBuf>) {
        let all = pool.by_name.values().flatten();
        let unlisted =
            all.filter(|(_, path, entry)| entry.is_none() && !of_image.contains_key(path));
        let unlisted: Vec<&Path> = unlisted.map(|(_, path, _)| path.as_path()).collect();
        if let Some(first) = unlisted.first() {
            let list = listed(unlisted.iter().copied(), unlisted.len());
            let message = format!("not annotated, and not used: {list}");
            self.scan.warn(first, "not-used", message);
        }
        for path in unlisted {
            self.scan.unused(path.to_path_buf(), "not annotated");
        }
    }
}
