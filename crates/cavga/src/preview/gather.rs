//! The pass over the images: each is decoded once, its figures kept, its pixels dropped.

use std::collections::{BTreeMap, BTreeSet};

use cavga_data::{Dataset, Error as DataError, Look, Mask, MaskSource, Sample, Small};
use image::{RgbImage, imageops};
use rayon::prelude::*;

use super::choose::Sheets;
use super::{PreviewOptions, Refused};
use crate::picture;
use crate::progress::{Event, Progress};

/// The longer side of a small picture.
const SIDE: u32 = 128;

/// JPEG's quality of a small picture: 4 to 6 kB of a photograph.
const QUALITY: u8 = 82;

/// Images between two words of progress; a few for each thread, so that none waits long for the others.
const STRIDE: usize = 128;

/// An image with all that is known of it.
pub(super) struct Entry<'a> {
    pub(super) sample: &'a Sample,
    pub(super) mask: Option<&'a MaskSource>,
    pub(super) is_train: bool,
}

impl Entry<'_> {
    pub(super) fn split(&self) -> &'static str {
        if self.is_train { "train" } else { "test" }
    }

    pub(super) fn is_anomalous(&self) -> bool {
        self.sample.label.is_anomalous()
    }
}

/// What was seen of an image.
#[derive(Default)]
pub(super) struct Seen {
    /// Nothing where it cannot be read.
    pub(super) look: Option<Look>,
    /// The mask, where there is one that fits.
    pub(super) defect: Option<Defect>,
    pub(super) refused: Vec<Refused>,
    /// The bytes of a small picture, mask outlined, where one was asked for.
    pub(super) picture: Option<Vec<u8>>,
}

/// What a mask marks.
pub(super) struct Defect {
    /// Share of the image's pixels.
    pub(super) area: f64,
    /// Sets of pixels connected through their 8 neighbours.
    pub(super) regions: usize,
}

/// All images, those for training first.
pub(super) fn entries(dataset: &Dataset) -> Vec<Entry<'_>> {
    let train = dataset.train.iter().map(|sample| Entry {
        sample,
        mask: None,
        is_train: true,
    });
    let test = dataset.test.iter().map(|test| Entry {
        sample: &test.sample,
        mask: test.mask.as_ref(),
        is_train: false,
    });
    train.chain(test).collect()
}

/// Looks at every image, several at a time; the result is in their order, whatever the threads.
pub(super) fn look(
    entries: &[Entry<'_>],
    sheets: &Sheets,
    options: &PreviewOptions,
    progress: &mut dyn Progress,
) -> Vec<Seen> {
    let wanted: BTreeSet<usize> = sheets
        .iter()
        .flat_map(|sheet| sheet.shown.clone())
        .collect();
    let numbered: Vec<(usize, &Entry<'_>)> = entries.iter().enumerate().collect();
    progress.on(Event::Begin {
        stage: "looking at images",
        total: entries.len() as u64,
        done: 0,
    });
    let mut seen = Vec::with_capacity(entries.len());
    for some in numbered.chunks(STRIDE) {
        let one =
            |&(at, entry): &(usize, &Entry<'_>)| look_at(entry, wanted.contains(&at), options);
        seen.par_extend(some.par_iter().map(one));
        progress.on(Event::Advance {
            done: seen.len() as u64,
        });
    }
    progress.on(Event::End);
    seen
}

/// Makes the pictures that are still missing of these images.
pub(super) fn pictures(
    entries: &[Entry<'_>],
    seen: &mut [Seen],
    wanted: &BTreeSet<usize>,
    options: &PreviewOptions,
    progress: &mut dyn Progress,
) {
    let missing = |at: &usize| {
        let seen = seen.get(*at);
        seen.is_some_and(|seen| seen.look.is_some() && seen.picture.is_none())
    };
    let missing: Vec<usize> = wanted.iter().copied().filter(missing).collect();
    progress.on(Event::Begin {
        stage: "picturing what stands out",
        total: missing.len() as u64,
        done: 0,
    });
    let made: BTreeMap<usize, Vec<u8>> = missing
        .par_iter()
        .filter_map(|&at| {
            let entry = entries.get(at)?;
            // An image that has vanished since is shown as unreadable.
            let small = entry.sample.source.small(SIDE, &options.limits).ok()?;
            let mask = entry.mask.and_then(|mask| mask.load(&options.limits).ok());
            Some((at, picture_of(small, mask.as_ref())?))
        })
        .collect();
    for (at, picture) in made {
        if let Some(seen) = seen.get_mut(at) {
            seen.picture = Some(picture);
        }
    }
    progress.on(Event::End);
}

fn look_at(entry: &Entry<'_>, pictured: bool, options: &PreviewOptions) -> Seen {
    let mut seen = Seen::default();
    let side = pictured.then_some(SIDE);
    let mut small = None;
    match entry.sample.source.look(side, &options.limits) {
        Ok(mut look) => {
            small = look.small.take();
            seen.look = Some(look);
        }
        Err(error) => seen.refused.push(refused(entry, &error)),
    }
    let mask = entry.mask.and_then(|source| {
        let size = seen.look.as_ref().map(|look| look.size);
        load_mask(entry, source, size, options)
            .map_err(|error| seen.refused.push(refused(entry, &error)))
            .ok()
    });
    seen.defect = mask.as_ref().map(|mask| Defect {
        area: mask.area() as f64 / mask.pixels.len().max(1) as f64,
        // More regions than can be counted are no defect but noise.
        regions: cavga_metrics::region_sizes(&mask.pixels, mask.width)
            .map_or(0, |sizes| sizes.len()),
    });
    seen.picture = small.and_then(|small| picture_of(small, mask.as_ref()));
    seen
}

/// The mask, if it marks something and is of its image's size.
fn load_mask(
    entry: &Entry<'_>,
    source: &MaskSource,
    image: Option<[usize; 2]>,
    options: &PreviewOptions,
) -> Result<Mask, DataError> {
    let mask = source.load(&options.limits)?;
    let (path, of) = (
        source.path().to_path_buf(),
        entry.sample.path().to_path_buf(),
    );
    let size = [mask.height, mask.width];
    match image {
        Some(image) if image != size => Err(DataError::MaskSize {
            path,
            of,
            image,
            mask: size,
        }),
        _ if mask.area() == 0 => Err(DataError::EmptyMask { path, of }),
        _ => Ok(mask),
    }
}

fn refused(entry: &Entry<'_>, error: &DataError) -> Refused {
    Refused {
        id: entry.sample.id.clone(),
        kind: error.kind().to_owned(),
        message: error.to_string(),
    }
}

/// A small picture with its mask outlined, as a file: JPEG, or PNG enlarged in whole steps where the image is tiny.
fn picture_of(small: Small, mask: Option<&Mask>) -> Option<Vec<u8>> {
    let mut image = RgbImage::from_raw(small.width, small.height, small.pixels)?;
    let times = SIDE / image.width().max(image.height()).max(1);
    if times > 1 {
        let (width, height) = (image.width() * times, image.height() * times);
        image = imageops::resize(&image, width, height, imageops::FilterType::Nearest);
    }
    if let Some(mask) = mask {
        let size = (mask.height, mask.width);
        picture::outline_reduced(&mut image, &mask.pixels, size).ok()?;
    }
    if times > 1 {
        picture::png(&image).ok()
    } else {
        picture::jpeg(&image, QUALITY).ok()
    }
}
