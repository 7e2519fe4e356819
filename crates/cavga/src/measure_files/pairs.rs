//! Which mask is whose: by path below the two folders, without the ending.
//!
//! `scratch/000.tiff` belongs to `scratch/000.png` or `scratch/000_mask.png`, as MVTec AD has it. A map without a mask is of a normal
//! image, as sets have no mask for those; a mask without a map is an error: a prediction is missing.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use cavga_data::{list_masks, list_score_maps, mask_size, score_map_size};
use rayon::prelude::*;

use crate::{Error, Result};

/// What a mask's name may have besides its image's.
const SUFFIXES: [&str; 2] = ["_mask", "_gt"];

/// A map and its mask.
#[derive(Debug)]
pub(super) struct Pair {
    /// The map's path below its folder without the ending, with `/` between folders.
    pub(super) id: String,
    pub(super) map: PathBuf,
    pub(super) mask: Option<PathBuf>,
    /// `[height, width]` of the file.
    pub(super) map_size: [usize; 2],
    /// `[height, width]` at which it is measured: that of its mask. A map without a mask is measured at the size to which all maps of
    /// its own size are brought that have one, so that pixels of both weigh the same; else at its own.
    pub(super) size: [usize; 2],
}

/// All maps below a folder, each with its mask below another.
pub(super) fn pair(scores: &Path, masks: &Path) -> Result<Vec<Pair>> {
    if scores == masks {
        let why =
            "the maps and the masks are in the same folder: a map would be its own mask".to_owned();
        return Err(Error::Maps {
            path: scores.to_path_buf(),
            why,
        });
    }
    let maps = by_id(scores, list_score_maps(scores)?)?;
    let mut masks_by_id = by_id(masks, list_masks(masks)?)?;
    let mut pairs = Vec::with_capacity(maps.len());
    for (id, map) in maps {
        let mut found = Vec::new();
        for name in
            std::iter::once(id.clone()).chain(SUFFIXES.map(|suffix| format!("{id}{suffix}")))
        {
            found.extend(masks_by_id.remove(&name));
        }
        if let [first, second, ..] = &found[..] {
            let why = format!(
                "two masks are its own: {} and {}",
                first.display(),
                second.display()
            );
            return Err(Error::Maps { path: map, why });
        }
        pairs.push(Pair {
            id,
            map,
            mask: found.pop(),
            map_size: [0; 2],
            size: [0; 2],
        });
    }
    if let Some((_, mask)) = masks_by_id.first_key_value() {
        let why = format!(
            "no map below {} has its name, nor have {} other masks; a map and its mask have the same path below their folders \
             but for the ending, and the mask's may end in _mask or _gt",
            scores.display(),
            masks_by_id.len() - 1
        );
        return Err(Error::Maps {
            path: mask.clone(),
            why,
        });
    }
    sizes(&mut pairs)?;
    Ok(pairs)
}

/// Files by their path below a folder without the ending, of which no two may be the same.
fn by_id(folder: &Path, files: Vec<PathBuf>) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for path in files {
        let below = path
            .strip_prefix(folder)
            .unwrap_or(&path)
            .with_extension("");
        let parts = below.iter().map(|part| part.to_string_lossy());
        let id = parts.collect::<Vec<_>>().join("/");
        if let Some(other) = found.insert(id, path.clone()) {
            let why = format!(
                "{} has the same name with another ending; keep one of them",
                other.display()
            );
            return Err(Error::Maps { path, why });
        }
    }
    Ok(found)
}

/// Reads the sizes of all files and settles at which each map is measured.
fn sizes(pairs: &mut [Pair]) -> Result<()> {
    pairs.par_iter_mut().try_for_each(|pair| {
        pair.map_size = score_map_size(&pair.map)?;
        pair.size = match &pair.mask {
            Some(mask) => mask_size(mask)?,
            None => pair.map_size,
        };
        Ok::<_, Error>(())
    })?;
    let mut brought_to: BTreeMap<[usize; 2], Option<[usize; 2]>> = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| pair.mask.is_some()) {
        let to = brought_to.entry(pair.map_size).or_insert(Some(pair.size));
        *to = to.filter(|to| *to == pair.size);
    }
    for pair in pairs.iter_mut().filter(|pair| pair.mask.is_none()) {
        if let Some(Some(size)) = brought_to.get(&pair.map_size) {
            pair.size = *size;
        }
    }
    Ok(())
}
