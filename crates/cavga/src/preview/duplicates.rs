//! Images that are there more than once: the same file, the same pixels in two files, or pictures that look alike.

use std::collections::BTreeMap;

use cavga_data::{Likeness, Look, alike};
use serde::Serialize;

use super::gather::{Entry, Seen};

/// How much images have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sameness {
    /// The same bytes.
    SameBytes,
    /// The same pixels in different files.
    SamePixels,
    /// Other pixels that look alike: saved again, resized, lightly edited, or taken a moment later.
    LookAlike,
}

/// A group of images that are the same or look alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// What they have in common.
    pub sameness: Sameness,
    /// Whether some are for training and some to test on: what is measured on these is not worth much.
    pub across_splits: bool,
    /// Whether some are labelled normal and some anomalous.
    pub labels_differ: bool,
    /// The images, those for training first. Of images with the same pixels, a group of look-alikes names the first alone.
    pub ids: Vec<String>,
    /// Their places among all images.
    #[serde(skip)]
    pub(super) places: Vec<usize>,
}

/// All groups: those across splits first, and among them those that have more in common.
pub(super) fn find(entries: &[Entry<'_>], seen: &[Seen], distance: u32) -> Vec<Duplicates> {
    let looks = || {
        let looks = seen.iter().enumerate();
        looks.filter_map(|(at, seen)| Some((at, seen.look.as_ref()?)))
    };
    let mut same: BTreeMap<[u8; 32], Vec<(usize, &Look)>> = BTreeMap::new();
    for (at, look) in looks() {
        same.entry(look.pixels).or_default().push((at, look));
    }
    let mut firsts: Vec<(usize, Likeness)> = same
        .values()
        .filter_map(|group| group.first())
        .map(|(at, look)| (*at, look.likeness))
        .collect();
    firsts.sort_by_key(|first| first.0);
    let mut groups: Vec<Duplicates> = same
        .into_values()
        .filter(|group| group.len() > 1)
        .map(|members| {
            let bytes = members.first().map(|(_, look)| look.bytes);
            let whole = members.iter().all(|(_, look)| Some(look.bytes) == bytes);
            let sameness = if whole {
                Sameness::SameBytes
            } else {
                Sameness::SamePixels
            };
            group(
                entries,
                sameness,
                members.iter().map(|member| member.0).collect(),
            )
        })
        .collect();
    let likenesses: Vec<Likeness> = firsts.iter().map(|first| first.1).collect();
    groups.extend(alike(&likenesses, distance).into_iter().map(|members| {
        let places = members
            .iter()
            .filter_map(|&at| firsts.get(at))
            .map(|first| first.0);
        group(entries, Sameness::LookAlike, places.collect())
    }));
    groups.sort_by_key(|group| {
        let first = group.places.first().copied();
        (!group.across_splits, group.sameness, first)
    });
    groups
}

fn group(entries: &[Entry<'_>], sameness: Sameness, places: Vec<usize>) -> Duplicates {
    let members: Vec<&Entry<'_>> = places.iter().filter_map(|&at| entries.get(at)).collect();
    let differ = |of: fn(&Entry<'_>) -> bool| {
        let first = members.first().map(|entry| of(entry));
        members.iter().any(|entry| Some(of(entry)) != first)
    };
    Duplicates {
        sameness,
        across_splits: differ(|entry| entry.is_train),
        labels_differ: differ(|entry| entry.is_anomalous()),
        ids: members
            .iter()
            .map(|entry| entry.sample.id.clone())
            .collect(),
        places,
    }
}
