//! The user's own images, however they are laid out: folders and globs, or an index, with masks of any names that tell their
//! images or with outlines from an annotation tool.
//!
//! Whatever says what there is becomes a list of entries, and from there on the way is one: masks find their images, what
//! nobody assigned is split by seed, and what contradicts itself is a problem. What was seen and is not used is told.

pub mod annotations;
mod apply;
mod coco;
mod entry;
mod folders;
pub mod index;
mod labelme;
mod masks;
mod names;
#[cfg(feature = "parquet")]
mod parquet;
mod parts;
mod split;

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::Error;
use crate::scan::Scan;
use crate::spec::DatasetSpec;

pub(crate) use entry::tell_apart;
pub use entry::{Checked, Fault, Split};
use entry::{Entry, Ids, real_form};

/// The kind of a message that tells what was understood, in which nothing is odd.
pub(crate) const NOTE: &str = "matched";

/// How many files a message lists.
const LISTED: usize = 10;

/// The reading of the user's own data: what is found so far.
struct Own<'a> {
    spec: &'a DatasetSpec,
    scan: Scan,
    entries: Vec<Entry>,
    ids: Ids,
}

/// Reads what `spec` names below `root`.
pub(crate) fn scan(spec: &DatasetSpec, root: &Path) -> Scan {
    let mut own = Own {
        spec,
        scan: Scan::new(root),
        entries: Vec::new(),
        ids: Ids::new(root),
    };
    match setting(spec) {
        Some(problem) => own.scan.problems.push(problem),
        None => own.read(),
    }
    // Folders may overlap.
    let mut seen = BTreeSet::new();
    let unused = &mut own.scan.dataset.unused;
    unused.retain(|unused| seen.insert(real_form(&unused.path)));
    own.scan.sorted()
}

impl Own<'_> {
    fn read(&mut self) {
        match &self.spec.index {
            Some(index) => self.read_index(&self.scan.dataset.root.join(index)),
            None => self.read_folders(),
        }
        if let Some(masks) = &self.spec.masks {
            self.read_masks(masks);
        }
        if let Some(annotations) = &self.spec.annotations {
            self.read_annotations(&self.scan.dataset.root.join(annotations));
        }
        // What follows from half of the data is no help to whoever mends the other half.
        if self.scan.problems.is_empty() || !self.entries.is_empty() {
            self.split();
        }
    }

    fn problem(&mut self, problem: Error) {
        self.scan.problems.push(problem);
    }
}

/// What is wrong with the settings themselves.
fn setting(spec: &DatasetSpec) -> Option<Error> {
    let wrong = |key, expected, found: String| {
        Some(Error::Setting {
            key,
            expected,
            found,
        })
    };
    let folders = [&spec.normal, &spec.anomalous, &spec.test_normal];
    let has_folders = folders.iter().any(|list| !list.is_empty());
    if let Some(name) = spec.name {
        let expected = "a public dataset, or files of one's own";
        return wrong("name", expected, format!("{name} and both"));
    }
    if spec.index.is_some() && has_folders {
        let expected = "either an index or `normal`, `anomalous` and `test_normal`";
        return wrong("index", expected, "both".into());
    }
    if spec.masks.is_some() && spec.annotations.is_some() {
        let expected = "either `masks` or `annotations`";
        return wrong("masks", expected, "both".into());
    }
    if spec.masks.is_some() && spec.index.is_none() && spec.anomalous.is_empty() {
        let expected = "the `anomalous` images that the masks are of";
        return wrong("masks", expected, "masks alone".into());
    }
    if !(0.0..1.0).contains(&spec.test_share) {
        let expected = "a share of at least 0 and below 1";
        return wrong("test_share", expected, spec.test_share.to_string());
    }
    None
}
