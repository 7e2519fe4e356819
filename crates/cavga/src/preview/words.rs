//! What one should know before training, in sentences.

use super::{Duplicates, PartCounts, Preview, Sameness};

/// Kinds of outliers, as they are counted in a sentence.
const KINDS: [(&str, &str); 7] = [
    ("size", "of another size than most"),
    ("aspect", "of another shape (width by height)"),
    ("bright", "brighter than the others"),
    ("dark", "darker than the others"),
    ("white", "over-exposed"),
    ("black", "under-exposed"),
    ("blurred", "less sharp than the others"),
];

/// The sentences, the gravest first; empty where nothing stands out.
pub(super) fn stands_out(preview: &Preview) -> Vec<String> {
    let mut said = Vec::new();
    match preview.problems.len() {
        0 => {}
        1 => said.push("a problem that keeps the set from being used, below".to_owned()),
        n => said.push(format!(
            "{n} problems that keep the set from being used, below"
        )),
    }
    let unreadable: usize = preview.parts.iter().map(|part| part.unreadable).sum();
    let masks = preview.refused.len().saturating_sub(unreadable);
    let mut count = |n: usize, what: &str| {
        if n > 0 {
            said.push(format!("{}{what}", images(n)));
        }
    };
    count(unreadable, " cannot be read");
    count(masks, " with a mask that cannot be used");
    said.extend(duplicates(preview));
    let mut count = |n: usize, what: &str| {
        if n > 0 {
            said.push(format!("{}{what}", images(n)));
        }
    };
    for (kind, what) in KINDS {
        let of_kind = preview
            .outliers
            .iter()
            .filter(|outlier| outlier.kinds.contains(&kind));
        count(of_kind.count(), &format!(" {what}"));
    }
    if preview.sizes.len() > 1 {
        said.push(format!(
            "{} sizes; training brings all to one",
            preview.sizes.len()
        ));
    }
    said.extend(without_masks(preview));
    if preview.files.grey > 0 && preview.files.colour > 0 {
        let (grey, colour) = (preview.files.grey, preview.files.colour);
        said.push(format!("{grey} grey and {colour} colour images"));
    }
    if preview.files.turned > 0 {
        said.push(format!(
            "{} turned upright by EXIF data",
            images(preview.files.turned)
        ));
    }
    said
}

/// Images that are there more than once, or look it.
fn duplicates(preview: &Preview) -> Vec<String> {
    let mut said = Vec::new();
    let mut count = |n: usize, what: &str| {
        if n > 0 {
            said.push(format!("{}{what}", images(n)));
        }
    };
    let groups = |take: fn(&Duplicates) -> bool| preview.duplicates.iter().filter(move |g| take(g));
    let members = |take: fn(&Duplicates) -> bool| groups(take).map(|group| group.ids.len()).sum();
    let same = |group: &Duplicates| group.sameness != Sameness::LookAlike;
    count(
        members(|g| g.sameness != Sameness::LookAlike && g.across_splits),
        " in training and test at once (the same pixels)",
    );
    count(
        members(|g| g.sameness != Sameness::LookAlike && g.labels_differ),
        " with the same pixels and labels that differ",
    );
    let within: usize = preview
        .duplicates
        .iter()
        .filter(|g| same(g) && !g.across_splits)
        .map(|g| g.ids.len())
        .sum();
    count(within, " with the same pixels as another of its split");
    count(
        members(|g| g.sameness == Sameness::LookAlike && g.across_splits),
        " that look alike in training and test",
    );
    count(
        members(|g| g.sameness == Sameness::LookAlike && !g.across_splits),
        " that look like another of its split",
    );
    said
}

/// Anomalous test images without a mask, where others have one.
fn without_masks(preview: &Preview) -> Option<String> {
    let anomalous = || preview.parts.iter().filter(|part| part.anomalous);
    let sum = |of: fn(&PartCounts) -> usize| anomalous().map(of).sum::<usize>();
    let (images, masks) = (sum(|part| part.images), sum(|part| part.with_mask));
    (masks > 0 && masks < images).then(|| {
        format!(
            "{} of {images} anomalous images without a mask",
            images - masks
        )
    })
}

/// "1 image", "2 images".
pub(super) fn images(n: usize) -> String {
    if n == 1 {
        "1 image".to_owned()
    } else {
        format!("{n} images")
    }
}

/// How many images there are for what.
pub(super) fn summary(preview: &Preview) -> String {
    let of = |take: fn(&PartCounts) -> bool| -> usize {
        let parts = preview.parts.iter().filter(|part| take(part));
        parts.map(|part| part.images).sum()
    };
    let masks: usize = preview.parts.iter().map(|part| part.with_mask).sum();
    let unused = preview.tally.seen.saturating_sub(preview.tally.used);
    let unused = match unused {
        0 => String::new(),
        1 => "; 1 file is not used".to_owned(),
        n => format!("; {n} files are not used"),
    };
    format!(
        "{} to learn from; {} normal and {} anomalous to test on, {masks} with a mask{unused}.",
        images(of(|part| part.split == "train")),
        of(|part| part.split == "test" && !part.anomalous),
        of(|part| part.split == "test" && part.anomalous),
    )
}
