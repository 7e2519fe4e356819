//! Which mask is which image's, by their names alone.
//!
//! A rule makes a key of every image and of every mask; it fits if each mask's key is that of exactly one image, and no two
//! masks share one. Rules are tried from the strictest to the loosest, and a loose one is believed only if no other of its
//! looseness pairs otherwise: a wrong mask is worse than none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use super::parts::{Name, names};

/// How folders must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folders {
    /// The same below the one given.
    Same,
    /// The same but for those that all images, or all masks, have in common (`scratch/images`, `scratch/masks`).
    Parallel,
    /// They don't matter.
    Any,
}

/// How the names themselves must agree.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Names {
    Same,
    /// The mask's is the image's between two texts that all masks have.
    MaskAffix(String, String),
    /// The image's is the mask's between two texts that all images have.
    ImageAffix(String, String),
    /// The same without what all images, or all masks, begin or end with.
    Core,
    /// The last number in them is the same.
    Number,
}

/// A rule that pairs masks with images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    folders: Folders,
    names: Names,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.names {
            Names::Same => f.write_str("the image's name")?,
            Names::MaskAffix(before, after) => {
                f.write_str(&joined(before, "image's name", after))?
            }
            Names::ImageAffix(before, after) => {
                write!(f, "image named {}", joined(before, "mask's name", after))?;
            }
            Names::Core => f.write_str("the name without what all begin or end with")?,
            Names::Number => f.write_str("the last number in the name")?,
        }
        f.write_str(match self.folders {
            Folders::Same => ", in the same folders",
            Folders::Parallel => ", in parallel folders",
            Folders::Any => "",
        })
    }
}

fn joined(before: &str, middle: &str, after: &str) -> String {
    let parts = [before, middle, after].into_iter().enumerate();
    let parts = parts.filter(|(_, part)| !part.is_empty());
    let parts = parts.map(|(at, part)| match at {
        1 => part.to_string(),
        _ => format!("`{part}`"),
    });
    parts.collect::<Vec<_>>().join(" + ")
}

/// What was tried, for a message.
pub(super) const TRIED: &str = "the same name, a common beginning or ending, the last number, in the same, parallel and any folders";

/// Which mask is which image's.
#[derive(Debug)]
pub(super) struct Pairs {
    pub(super) rule: Rule,
    /// The image of each mask.
    pub(super) image_of: Vec<usize>,
}

/// The image of each mask, as far as a rule tells.
type Found = Vec<Option<usize>>;

/// Why no rule fits.
#[derive(Debug)]
pub(super) enum Unpaired {
    /// The rule that came closest, and the masks and images that it leaves.
    Left {
        rule: Option<Rule>,
        masks: Vec<usize>,
        images: Vec<usize>,
    },
    /// Two rules pair differently.
    Ambiguous(Box<[Rule; 2]>),
}

/// Finds the image of every mask. Paths are relative to the folders that images and masks were found in.
pub(super) fn pair(images: &[&Path], masks: &[&Path]) -> Result<Pairs, Unpaired> {
    let (images, masks) = (names(images), names(masks));
    let mut most = 0;
    let mut closest: Option<(Rule, Found)> = None;
    for level in [0, 1, 2, 3] {
        let mut fitting: Vec<Pairs> = Vec::new();
        for rule in rules(level, &images, &masks) {
            let found = apply(&rule, &images, &masks);
            let count = found.iter().flatten().count();
            if count > most {
                most = count;
                closest = Some((rule.clone(), found.clone()));
            }
            let whole: Option<Vec<usize>> = found.into_iter().collect();
            if let Some(image_of) = whole {
                fitting.push(Pairs { rule, image_of });
            }
        }
        let mut fitting = fitting.into_iter();
        if let Some(first) = fitting.next() {
            return match fitting.find(|other| other.image_of != first.image_of) {
                // Names that are the same in the same folders need no second opinion.
                Some(other) if level > 0 => {
                    Err(Unpaired::Ambiguous(Box::new([first.rule, other.rule])))
                }
                _ => Ok(first),
            };
        }
    }
    let (rule, found) = match closest {
        Some((rule, found)) => (Some(rule), found),
        None => (None, vec![None; masks.len()]),
    };
    let taken: BTreeSet<usize> = found.iter().copied().flatten().collect();
    let left = |(at, image): (usize, &Option<usize>)| image.is_none().then_some(at);
    Err(Unpaired::Left {
        rule,
        masks: found.iter().enumerate().filter_map(left).collect(),
        images: (0..images.len()).filter(|at| !taken.contains(at)).collect(),
    })
}

/// The rules of one looseness.
fn rules(level: usize, images: &[Name], masks: &[Name]) -> Vec<Rule> {
    let all = [Folders::Same, Folders::Parallel, Folders::Any];
    let with = |names: Names| {
        let names = move |folders| Rule {
            folders,
            names: names.clone(),
        };
        all.into_iter().map(names)
    };
    match level {
        0 => with(Names::Same).collect(),
        1 => {
            let of_masks = affixes(masks, images);
            let of_images = affixes(images, masks);
            let of_masks = of_masks.into_iter().map(|(a, b)| Names::MaskAffix(a, b));
            let of_images = of_images.into_iter().map(|(a, b)| Names::ImageAffix(a, b));
            of_masks.chain(of_images).flat_map(with).collect()
        }
        2 => with(Names::Core).collect(),
        _ => with(Names::Number).collect(),
    }
}

/// The image of each mask under a rule; none where the key is no image's, several images', or another mask's too.
fn apply(rule: &Rule, images: &[Name], masks: &[Name]) -> Found {
    let mut by_key: BTreeMap<(&[String], &str), Option<usize>> = BTreeMap::new();
    for (at, image) in images.iter().enumerate() {
        let name = match &rule.names {
            Names::ImageAffix(before, after) => within(&image.stem, before, after),
            other => key(other, image),
        };
        if let Some(name) = name {
            let entry = by_key.entry((folders(rule.folders, image), name));
            entry.and_modify(|at| *at = None).or_insert(Some(at));
        }
    }
    let mut times = vec![0_usize; images.len()];
    let found: Found = masks
        .iter()
        .map(|mask| {
            let name = match &rule.names {
                Names::MaskAffix(before, after) => within(&mask.stem, before, after),
                other => key(other, mask),
            };
            let image = *by_key.get(&(folders(rule.folders, mask), name?))?;
            if let Some(times) = image.and_then(|image| times.get_mut(image)) {
                *times += 1;
            }
            image
        })
        .collect();
    let once = |image: &usize| times.get(*image) == Some(&1);
    found.into_iter().map(|image| image.filter(once)).collect()
}

fn folders(folders: Folders, name: &Name) -> &[String] {
    match folders {
        Folders::Same => &name.folders,
        Folders::Parallel => &name.own_folders,
        Folders::Any => &[],
    }
}

fn key<'a>(names: &Names, name: &'a Name) -> Option<&'a str> {
    match names {
        Names::Same | Names::MaskAffix(..) | Names::ImageAffix(..) => Some(&name.stem),
        Names::Core => Some(&name.core)
            .filter(|core| !core.is_empty())
            .map(String::as_str),
        Names::Number => name.number.as_deref(),
    }
}

fn within<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

/// What may stand before and after the names of `inner` in all names of `outer`: guessed from one of them, and right for all.
fn affixes(outer: &[Name], inner: &[Name]) -> Vec<(String, String)> {
    // The shortest has the fewest places for a chance hit.
    let Some(first) = outer.iter().min_by_key(|name| name.stem.len()) else {
        return Vec::new();
    };
    let mut found = BTreeSet::new();
    for name in inner.iter().filter(|name| !name.stem.is_empty()) {
        for (at, _) in first.stem.match_indices(&name.stem) {
            let [before, after] = [first.stem.get(..at), first.stem.get(at + name.stem.len()..)]
                .map(Option::unwrap_or_default);
            let adds = !before.is_empty() || !after.is_empty();
            if adds
                && !tears_a_number(before, &name.stem, after)
                && outer
                    .iter()
                    .all(|o| within(&o.stem, before, after).is_some())
            {
                found.insert((before.to_string(), after.to_string()));
            }
        }
    }
    // Names of one file alone make no rule that leaves nothing open: the fewest letters added say the least that is new.
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(before, after)| (before.len() + after.len(), before.clone()));
    found.truncate(8);
    found
}

/// Whether a run of digits would be torn: `12_mask` is the mask of 12, and not of 2 with a 1 before it.
fn tears_a_number(before: &str, name: &str, after: &str) -> bool {
    let is_digit = |letter: Option<char>| letter.is_some_and(|l| l.is_ascii_digit());
    is_digit(before.chars().next_back()) && is_digit(name.chars().next())
        || is_digit(name.chars().next_back()) && is_digit(after.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(list: &'static str) -> Vec<&'static Path> {
        list.split_whitespace().map(Path::new).collect()
    }

    fn pairs(images: &'static str, masks: &'static str) -> Result<(String, Vec<usize>), Unpaired> {
        let found = pair(&paths(images), &paths(masks))?;
        Ok((found.rule.to_string(), found.image_of))
    }

    #[test]
    fn names_of_many_kinds_find_their_images() {
        for (images, masks, rule) in [
            (
                "a/1.jpg b/1.jpg",
                "a/1.png b/1.png",
                "the image's name, in the same folders",
            ),
            (
                "1.jpg 11.jpg",
                "1_mask.png 11_mask.png",
                "image's name + `_mask`, in the same folders",
            ),
            (
                "1.jpg 2.jpg",
                "gt-1.png gt-2.png",
                "`gt-` + image's name, in the same folders",
            ),
            (
                "s/img/1.png t/img/1.png",
                "s/mask/1.png t/mask/1.png",
                "the image's name, in parallel folders",
            ),
            (
                "s/img/1.png t/img/1.png",
                "s/gt/m1.png t/gt/m1.png",
                "`m` + image's name, in parallel folders",
            ),
            ("img/1.png img/2.png", "x/1.png y/2.png", "the image's name"),
            (
                "1_rgb.png 2_rgb.png",
                "1.png 2.png",
                "image named mask's name + `_rgb`, in the same folders",
            ),
            (
                "a_rgb.png b_rgb.png",
                "a_gt.png b_gt.png",
                "the name without what all begin or end with, in the same folders",
            ),
            (
                "img001.png img002.png",
                "label1.png label2.png",
                "the last number in the name, in the same folders",
            ),
            (
                "1.mask.png 2.mask.png",
                "1.mask.gt.png 2.mask.gt.png",
                "image's name + `.gt`, in the same folders",
            ),
        ] {
            assert_eq!(
                pairs(images, masks).unwrap(),
                (rule.to_string(), vec![0, 1]),
                "{images}"
            );
        }
    }

    #[test]
    fn fewer_masks_than_images_are_paired() {
        let (_, found) = pairs("1.png 2.png 3.png", "2_m.png").unwrap();
        assert_eq!(found, [1]);
        assert_eq!(pairs("7.png 8.png 9.png", "9.png 8.png").unwrap().1, [2, 1]);
        let tens = pairs("0.png 1.png 10.png 11.png", "10_m.png 11_m.png");
        assert_eq!(tens.unwrap().1, [2, 3]);
    }

    #[test]
    fn what_is_open_is_refused() {
        // Which image's, by name; and by no name at all.
        assert!(pairs("a/1.png b/1.png", "1.png").is_err());
        assert!(pairs("a.png b.png", "x.png y.png").is_err());
        // Two masks of one image.
        assert!(pairs("1.png 2.png", "1_a.png 1_b.png").is_err());
        // One mask too many: it, and nothing else, is left.
        let Err(Unpaired::Left { masks, images, .. }) = pairs("1.png 2.png", "1.png 2.png z.png")
        else {
            panic!("it was paired")
        };
        assert_eq!((masks, images.len()), (vec![2], 0));
        // By its beginning it is the first image's, by its end the second's.
        let Err(Unpaired::Ambiguous(_)) = pairs("a.png b.png", "ab.png") else {
            panic!("it was paired")
        };
    }
}
