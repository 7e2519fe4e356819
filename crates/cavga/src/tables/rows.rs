//! The rows of a table, and where below the root the images of each are.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use cavga_data::{DatasetSpec, Known};

use super::paper::{Paper, Set};
use crate::{Error, Result};

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// The set of the paper's that it is of, by its place; none of a row that the paper doesn't have.
    pub(super) set: Option<usize>,
    /// As the paper has it, or the folder's name.
    pub(super) name: String,
    /// What its runs' folder is called, and it itself in `--rows`.
    pub(super) key: String,
    /// As in a heading.
    pub(super) title: String,
    /// Its images, if they are there.
    pub(super) images: Option<Images>,
}

/// Where images are, and which of them are meant.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Images {
    pub(super) folder: PathBuf,
    /// With no more than name, category and class.
    pub(super) which: DatasetSpec,
}

impl Images {
    /// Those of a folder in MVTec AD's layout.
    fn in_layout(folder: PathBuf) -> Option<Self> {
        folder.join("train/good").is_dir().then(|| Self {
            folder,
            which: DatasetSpec::default(),
        })
    }
}

/// All rows of the paper's table.
pub(super) fn all(paper: &Paper, root: &Path, out: &Path) -> Vec<Row> {
    let out = std::path::absolute(out).ok();
    let mut folders = folders(root);
    // Whatever its name, it holds runs.
    folders.retain(|folder| out.as_ref() != Some(folder));
    let rows = |(place, set): (usize, &Set)| -> Vec<Row> {
        let rows = set.rows.iter();
        rows.map(|name| row(set, place, name, root, &folders))
            .collect()
    };
    paper.sets.iter().enumerate().flat_map(rows).collect()
}

/// The rows of these names, each once: the paper's in its order, then folders below the root that it doesn't have.
///
/// # Errors
/// [`Error::Config`] for a name that is neither.
pub(super) fn asked(paper: &Paper, root: &Path, names: &[String], all: &[Row]) -> Result<Vec<Row>> {
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    let is_of = |row: &Row, name: &str| {
        let set = row.set.and_then(|set| paper.sets.get(set));
        let name = spelled(name);
        // Of several sets a class's number names none.
        let is_named = paper.sets.len() == 1 && row.name == name;
        row.key == name || is_named || set.is_some_and(|set| set.known.name() == name)
    };
    let mut rows = all.to_vec();
    rows.retain(|row| names.iter().any(|name| is_of(row, name)));
    for name in names {
        if rows.iter().any(|row| is_of(row, name) || row.key == *name) {
            continue;
        }
        rows.push(other(paper, root, name, all)?);
    }
    Ok(rows)
}

/// A row that the paper doesn't have.
fn other(paper: &Paper, root: &Path, name: &str, all: &[Row]) -> Result<Row> {
    let wrong = |why: String| Error::Config {
        origin: "--rows".to_owned(),
        why: format!("{name}: {why}"),
    };
    let mut parts = Path::new(name).components();
    if !matches!(
        (parts.next(), parts.next()),
        (Some(Component::Normal(_)), None)
    ) {
        return Err(wrong(
            "expected the name of a folder below --data".to_owned(),
        ));
    }
    let images = Images::in_layout(root.join(name)).ok_or_else(|| {
        let known: Vec<_> = all.iter().map(|row| &*row.key).collect();
        wrong(format!(
            "expected a row of table {} ({}), or a folder of {} with train/good in it",
            paper.number,
            known.join(", "),
            root.display()
        ))
    })?;
    Ok(Row {
        images: Some(images),
        ..remembered(root, name)
    })
}

/// A row that the paper doesn't have and an earlier call asked for, whether its images are still there or not.
pub(super) fn remembered(root: &Path, name: &str) -> Row {
    Row {
        set: None,
        name: name.to_owned(),
        key: name.to_owned(),
        title: name.to_owned(),
        images: Images::in_layout(root.join(name)),
    }
}

fn row(set: &Set, place: usize, name: &str, root: &Path, folders: &[PathBuf]) -> Row {
    let (key, title, images) = match set.known {
        Known::MvtecAd => (
            name.to_owned(),
            name.to_owned(),
            category(name, root, folders),
        ),
        Known::Mstc => (
            format!("mstc-{name}"),
            name.to_owned(),
            scene(name, root, folders),
        ),
        Known::Lag => {
            let spec = DatasetSpec {
                name: Some(Known::Lag),
                ..DatasetSpec::default()
            };
            let images = named(root, folders, &["lag"], "non_glaucoma", spec);
            (name.to_owned(), set.title.to_owned(), images)
        }
        known => {
            let (title, images) = class(known, name, root, folders);
            let title = format!("{} {title}", set.title);
            (format!("{known}-{name}"), title, images)
        }
    };
    Row {
        set: Some(place),
        name: name.to_owned(),
        key,
        title,
        images,
    }
}

/// A category of MVTec AD: below the root itself, or below a folder that is called so.
fn category(name: &str, root: &Path, folders: &[PathBuf]) -> Option<Images> {
    let mut places = vec![root];
    let names = ["mvtec", "mvtecad", "mvtecanomalydetection"];
    places.extend(called(None, folders, &names));
    let mut places = places.into_iter();
    places.find_map(|place| Images::in_layout(place.join(name)))
}

/// A scene of mSTC, or frames that somebody has laid out as MVTec AD's.
fn scene(name: &str, root: &Path, folders: &[PathBuf]) -> Option<Images> {
    let mut places = called(Some(root), folders, &["mstc", "shanghaitech"]).into_iter();
    let images = places.find(|place| has_scene(place, name));
    let images = images.map(|folder| Images {
        folder: folder.to_owned(),
        which: DatasetSpec {
            name: Some(Known::Mstc),
            category: Some(name.to_owned()),
            ..DatasetSpec::default()
        },
    });
    images.or_else(|| Images::in_layout(root.join(name)))
}

/// A class of a set of classes, and what it is called.
fn class(known: Known, name: &str, root: &Path, folders: &[PathBuf]) -> (String, Option<Images>) {
    let class = name.parse().ok();
    let spec = DatasetSpec {
        name: Some(known),
        normal_class: class,
        ..DatasetSpec::default()
    };
    let of_class = class.and_then(|class| known.classes().get(usize::from(class)));
    let title = match of_class {
        Some(class) if *class != name => format!("{name} {class}"),
        _ => name.to_owned(),
    };
    let holds = match known {
        Known::Cifar10 => "data_batch_",
        _ => "train-images",
    };
    let images = named(root, folders, &[&plain(known.name())], holds, spec);
    (title, images)
}

/// A dataset in the first folder that is called so and holds what begins with `holds`; where none does, in the one that is called exactly so,
/// and opening it says what is missing.
fn named(
    root: &Path,
    folders: &[PathBuf],
    names: &[&str],
    holds: &str,
    which: DatasetSpec,
) -> Option<Images> {
    let places = called(Some(root), folders, names);
    let mut found = places.iter().filter(|place| has(place, holds, DEPTH));
    let exact = || places.iter().find(|place| is_exactly(place, names));
    let folder = found.next().or_else(exact)?;
    Some(Images {
        folder: folder.to_path_buf(),
        which,
    })
}

/// The root, if it is called so, and the folders below it: first those that are called exactly so.
fn called<'f>(root: Option<&'f Path>, folders: &'f [PathBuf], names: &[&str]) -> Vec<&'f Path> {
    let places = root.into_iter().chain(folders.iter().map(PathBuf::as_path));
    let is_called = |place: &&Path| names.iter().any(|name| is_called(place, name));
    let mut places: Vec<_> = places.filter(is_called).collect();
    places.sort_by_key(|place| !is_exactly(place, names));
    places
}

/// So deep lie the files of a dataset as it is unpacked: `MNIST/raw/train-images-idx3-ubyte`.
const DEPTH: usize = 2;

/// Whether what is called so lies in a folder, or in one below it.
fn has(folder: &Path, beginning: &str, depth: usize) -> bool {
    let inside = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut inside = inside.map(|entry| entry.path());
    inside.any(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(beginning)
            || (depth > 0 && path.is_dir() && has(&path, beginning, depth - 1))
    })
}

/// Whether a scene's videos are among those of a folder.
fn has_scene(folder: &Path, scene: &str) -> bool {
    let prefix = format!("{scene}_");
    let inside = folders(folder);
    let mut places = std::iter::once(folder).chain(inside.iter().map(PathBuf::as_path));
    places.any(|place| has(&place.join("testing/frames"), &prefix, 0))
}

/// Whether a folder's name begins so, whatever its case and hyphens; CIFAR-100 is not CIFAR-10.
fn is_called(folder: &Path, name: &str) -> bool {
    let own = own_name(folder);
    let rest = own.strip_prefix(name);
    rest.is_some_and(|rest| !(name.ends_with(char::is_numeric) && rest.starts_with('0')))
}

fn is_exactly(folder: &Path, names: &[&str]) -> bool {
    names.contains(&&*own_name(folder))
}

fn own_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    plain(&name.to_string_lossy())
}

fn plain(name: &str) -> String {
    let letters = name
        .chars()
        .filter(|letter| !matches!(letter, '-' | '_' | ' '));
    letters.collect::<String>().to_lowercase()
}

/// A row as its key is written: `Metal Nut` and `mnist/3` are `metal_nut` and `mnist-3`.
fn spelled(name: &str) -> String {
    name.to_lowercase().replace(' ', "_").replace('/', "-")
}

/// The folders below the root, by name.
fn folders(root: &Path) -> Vec<PathBuf> {
    let inside = fs::read_dir(root).into_iter().flatten().flatten();
    let mut folders: Vec<_> = inside.map(|entry| entry.path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(folders: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        root
    }

    fn found(number: u8, root: &Path) -> Vec<String> {
        let rows = all(Paper::of(number).unwrap(), root, &root.join("out"));
        let there = rows.into_iter().filter(|row| row.images.is_some());
        there.map(|row| row.key).collect()
    }

    #[test]
    fn rows_are_found_below_the_root() {
        let root = root(&[
            "leather/train/good",
            "bottle",
            "MVTec_anomaly_detection/metal_nut/train/good",
            "cifar-100",
            "cifar10_subset/data_batch_1.bin",
            "Fashion-MNIST",
            "lag_database/LAG/non_glaucoma",
            "shanghaitech/testing/frames/03_0031",
        ]);
        assert_eq!(found(3, root.path()), ["metal_nut", "leather"]);
        let mut classes = found(7, root.path());
        classes.retain(|key| key.ends_with("-3"));
        assert_eq!(classes, ["fashion-mnist-3", "cifar-10-3"]);
        assert_eq!(found(5, root.path()), ["lag"]);
        assert_eq!(found(4, root.path()), ["mstc-03"]);
        let inside = root.path().join("cifar10_subset");
        assert_eq!(
            found(7, &inside).len(),
            10,
            "the root may be the set itself"
        );
    }

    #[test]
    fn the_folder_that_holds_the_images_is_taken_and_never_that_of_the_runs() {
        let root = root(&[
            "MNIST-C",
            "mnist",
            "Fashion-MNIST-labels",
            "fashion_mnist_raw/raw/train-images-idx3-ubyte",
            "mstc-tables/testing/frames/01_0001",
            "shanghaitech-a/testing/frames/01_0002",
        ]);
        let out = root.path().join("mstc-tables");
        let folder = |number: u8, key: &str| {
            let rows = all(Paper::of(number).unwrap(), root.path(), &out);
            let row = rows.into_iter().find(|row| row.key == key).unwrap();
            row.images.map(|images| own_name(&images.folder))
        };
        assert_eq!(folder(7, "mnist-3").as_deref(), Some("mnist"));
        assert_eq!(
            folder(7, "fashion-mnist-3").as_deref(),
            Some("fashionmnistraw")
        );
        assert_eq!(folder(4, "mstc-01").as_deref(), Some("shanghaitecha"));
        assert_eq!(folder(5, "lag"), None);
    }

    #[test]
    fn rows_go_by_name_and_folders_that_the_paper_has_not_come_last() {
        let root = root(&["ucsd_ped2/train/good", "leather/train/good", "empty"]);
        let keys = |number: u8, names: &[&str]| -> Result<Vec<String>> {
            let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
            let (paper, root) = (Paper::of(number).unwrap(), root.path());
            let rows = asked(paper, root, &names, &all(paper, root, &root.join("out")))?;
            Ok(rows.into_iter().map(|row| row.key).collect())
        };
        assert_eq!(
            keys(3, &["leather", "Metal Nut"]).unwrap(),
            ["metal_nut", "leather"]
        );
        assert_eq!(
            keys(4, &["ucsd_ped2", "mstc-02"]).unwrap(),
            ["mstc-02", "ucsd_ped2"]
        );
        assert_eq!(keys(7, &["cifar-10"]).unwrap().len(), 10);
        assert_eq!(keys(7, &["mnist/3"]).unwrap(), ["mnist-3"]);
        assert_eq!(keys(3, &[]).unwrap().len(), 15);
        assert_eq!(keys(4, &["07"]).unwrap(), ["mstc-07"]);
        assert!(keys(7, &["3"]).is_err(), "of which set?");
        for wrong in ["empty", "../leather", "carpets"] {
            let said = keys(4, &[wrong]).unwrap_err().to_string();
            assert!(said.contains("--rows") && said.contains(wrong), "{said}");
        }
    }
}
