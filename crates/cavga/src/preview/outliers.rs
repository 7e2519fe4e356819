//! Images that are unlike the others: by size, aspect ratio, brightness, clipped pixels or sharpness.
//!
//! "The others" are the normal images to learn from. A value is far off if it lies more than 3.5 robust deviations (1.4826 times
//! the median distance from the median) from their median, after Iglewicz and Hoaglin; a deviation counts as at least the
//! smallest that anyone would see, as in a set of renderings every median distance is 0.

use std::collections::BTreeMap;

use cavga_data::Look;
use serde::Serialize;

use super::figures::sizes;
use super::gather::{Entry, Seen};
use crate::measure::median;

/// So many robust deviations from the median are far off.
const FAR: f64 = 3.5;

/// Fewer training images than this say little of what is usual; then all images do.
const ENOUGH: usize = 5;

/// An image that is unlike the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outlier {
    /// The sample's id.
    pub id: String,
    /// In what, in words: "brighter than the others: mean grey 0.91, usually 0.42".
    pub why: Vec<String>,
    /// The short names of the same: `size`, `aspect`, `bright`, `dark`, `white`, `black`, `blurred`.
    pub kinds: Vec<&'static str>,
    /// How far off it is at most, in robust deviations; 0 where only the size differs.
    pub beyond: f64,
    /// Its place among all images.
    #[serde(skip)]
    pub(super) place: usize,
}

/// What is compared: how it is called, its value, the smallest deviation that counts, and how the two ends are said.
struct Measure {
    value: fn(&Look) -> f64,
    /// What the value is called.
    name: &'static str,
    least: f64,
    /// Kind and words where a value is too low, and where it is too high; nothing where that is no fault.
    low: Option<(&'static str, &'static str)>,
    high: Option<(&'static str, &'static str)>,
    /// From a logarithm back to what a reader knows.
    said: fn(f64) -> f64,
}

const MEASURES: [Measure; 5] = [
    Measure {
        value: |look| (look.size[1] as f64 / (look.size[0] as f64).max(1.0)).ln(),
        name: "width by height",
        least: 0.03,
        low: Some(("aspect", "narrower than the others")),
        high: Some(("aspect", "wider than the others")),
        said: f64::exp,
    },
    Measure {
        value: |look| look.brightness,
        name: "mean grey",
        least: 0.01,
        low: Some(("dark", "darker than the others")),
        high: Some(("bright", "brighter than the others")),
        said: |value| value,
    },
    Measure {
        value: |look| look.white,
        name: "share of fully white pixels",
        least: 0.01,
        low: None,
        high: Some(("white", "over-exposed")),
        said: |value| value,
    },
    Measure {
        value: |look| look.black,
        name: "share of fully black pixels",
        least: 0.01,
        low: None,
        high: Some(("black", "under-exposed")),
        said: |value| value,
    },
    Measure {
        value: |look| look.sharpness.max(1e-4).ln(),
        name: "sharpness",
        least: 0.1,
        low: Some(("blurred", "less sharp than the others")),
        high: None,
        said: f64::exp,
    },
];

/// What is usual of a measure.
struct Usual {
    median: f64,
    deviation: f64,
}

impl Usual {
    fn of(measure: &Measure, looks: &[&Look]) -> Option<Self> {
        let values: Vec<f64> = looks.iter().map(|look| (measure.value)(look)).collect();
        let median = median(values.clone())?;
        let apart = crate::measure::median(values.iter().map(|v| (v - median).abs()).collect())?;
        Some(Self {
            median,
            deviation: (1.4826 * apart).max(measure.least),
        })
    }
}

/// All outliers, in the order of the images.
pub(super) fn find(entries: &[Entry<'_>], seen: &[Seen]) -> Vec<Outlier> {
    let train = entries
        .iter()
        .zip(seen)
        .filter(|(entry, _)| entry.is_train && !entry.is_anomalous());
    let mut usual: Vec<&Look> = train.filter_map(|(_, seen)| seen.look.as_ref()).collect();
    if usual.len() < ENOUGH {
        usual = seen.iter().filter_map(|seen| seen.look.as_ref()).collect();
    }
    let usual: Vec<(&Measure, Usual)> = MEASURES
        .iter()
        .filter_map(|measure| Some((measure, Usual::of(measure, &usual)?)))
        .collect();
    let usual_size = majority(seen);
    let mut found: BTreeMap<usize, Outlier> = BTreeMap::new();
    for (place, (entry, seen)) in entries.iter().zip(seen).enumerate() {
        let Some(look) = &seen.look else { continue };
        let mut outlier = Outlier {
            id: entry.sample.id.clone(),
            why: Vec::new(),
            kinds: Vec::new(),
            beyond: 0.0,
            place,
        };
        if let Some([height, width]) = usual_size.filter(|&size| size != look.size) {
            let [own_height, own_width] = look.size;
            outlier.kinds.push("size");
            outlier.why.push(format!(
                "of another size: {own_height} × {own_width}, usually {height} × {width}"
            ));
        }
        for (measure, usual) in &usual {
            compare(look, measure, usual, &mut outlier);
        }
        if !outlier.kinds.is_empty() {
            found.insert(place, outlier);
        }
    }
    found.into_values().collect()
}

/// The size of more than half of the images, if there is one.
fn majority(seen: &[Seen]) -> Option<[usize; 2]> {
    let sizes = sizes(seen);
    let all: usize = sizes.iter().map(|size| size.images).sum();
    let first = sizes.first()?;
    (2 * first.images > all).then_some([first.height, first.width])
}

fn compare(look: &Look, measure: &Measure, usual: &Usual, outlier: &mut Outlier) {
    let value = (measure.value)(look);
    let beyond = (value - usual.median) / usual.deviation;
    let said = if beyond < 0.0 {
        measure.low
    } else {
        measure.high
    };
    let Some((kind, words)) = said.filter(|_| beyond.abs() > FAR) else {
        return;
    };
    outlier.kinds.push(kind);
    outlier.beyond = outlier.beyond.max(beyond.abs());
    let (value, median) = ((measure.said)(value), (measure.said)(usual.median));
    let name = measure.name;
    outlier
        .why
        .push(format!("{words}: {name} {value:.3}, usually {median:.3}"));
}
