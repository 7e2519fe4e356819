//! Maps and scores that any program wrote, measured beside masks: what stands behind `cavga metrics`.
//!
//! Nothing is assumed of the program that made them. Maps are files, paired with masks by name ([`pairs`]); scores of whole images
//! come from a table ([`table`]) or are read off the maps. Every choice made on the way is counted and told: maps
//! brought to the size of their masks, maps without a mask, masks with soft edges, values rounded.

mod found;
mod item;
mod pairs;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use cavga_data::Limits;
use serde_json::{Map, Value, json};

use crate::{
    Error, Result,
    measure::{Extent, Figures, Images, Pixels, RESAMPLES, Resampling},
    progress::{Event, Progress},
};

use found::Found;
use item::Item;
use pairs::pair;
use table::read;

/// What to measure, and how.
#[derive(Debug, Clone)]
pub struct MeasureOptions {
    /// The folder of the maps.
    pub scores: Option<PathBuf>,
    /// The folder of the masks.
    pub masks: Option<PathBuf>,
    /// A table of whole images: `id`, `score`, and where it has them `label`, `kind`, `group`. `scores.csv` of a run is one.
    pub image_scores: Option<PathBuf>,
    /// How an image's score is read off its map where no table gives it.
    pub image_score: ImageScore,
    /// Above it a pixel is called anomalous, in the figures at a fixed threshold.
    pub threshold: f32,
    /// Above this share of full scale a pixel of a mask is anomalous.
    pub mask_above: f32,
    /// How many resamples of the images the intervals are made of; 0 for none.
    pub resamples: usize,
    /// Which files are refused undecoded.
    pub limits: Limits,
    /// Raised from another thread, it ends the work with [`Error::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Default for MeasureOptions {
    fn default() -> Self {
        Self {
            scores: None,
            masks: None,
            image_scores: None,
            image_score: ImageScore::Max,
            threshold: 0.5,
            mask_above: 0.0,
            resamples: RESAMPLES,
            limits: Limits::default(),
            stop: Arc::default(),
        }
    }
}

/// How an image's score is read off its map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageScore {
    /// The highest value.
    Max,
    /// The mean of all values.
    Mean,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct MeasuredFiles {
    /// All figures by name.
    pub figures: Figures,
    /// Figures of each kind of anomaly, against all normal images; of images and maps that lie in folders by kind.
    pub kinds: BTreeMap<String, Figures>,
    /// All of it as one flat object, as in `metrics.json` of a run.
    pub json: Map<String, Value>,
}

/// Measures maps beside masks, a table of images, or both.
///
/// # Errors
/// [`Error::Maps`] for files that don't pair, [`Error::Table`] for a table that cannot be read; those of the files; [`Error::Stopped`].
pub fn measure_files(
    options: &MeasureOptions,
    progress: &mut dyn Progress,
) -> Result<MeasuredFiles> {
    let items = gather(options)?;
    let with_maps: Vec<&Item> = items.iter().filter(|item| item.pair.is_some()).collect();
    let mut found = Found::default();
    let mut figures = Figures::default();
    progress.on(Event::Begin {
        stage: "measuring",
        total: 1,
        done: 0,
    });
    let measured = measure_pixels(options, &with_maps, &mut figures, &mut found);
    progress.on(Event::End);
    measured?;
    let mut all = of_images(options, &items);
    all.extend(figures);
    let figures = all;
    let kinds = by_kind(options, &items)?;
    found.scores_rounded = items
        .iter()
        .filter(|item| item.row.as_ref().is_some_and(|row| row.rounded))
        .count();
    for note in found.notes(options) {
        progress.on(Event::Note(&note));
    }
    let json = to_json(options, &items, &found, &figures, &kinds);
    Ok(MeasuredFiles {
        figures,
        kinds,
        json,
    })
}

/// All images, of the folders and the table.
fn gather(options: &MeasureOptions) -> Result<Vec<Item>> {
    let rows = options.image_scores.as_deref().map(read).transpose()?;
    let pairs = match (&options.scores, &options.masks) {
        (Some(scores), Some(masks)) => Some(pair(scores, masks)?),
        (None, None) => None,
        _ => {
            return Err(Error::Config {
                origin: "the arguments".to_owned(),
                why: "give the folder of the maps and that of the masks, both or none".to_owned(),
            });
        }
    };
    match (pairs, rows, &options.image_scores) {
        (Some(pairs), None, _) => {
            let items = pairs.into_iter();
            Ok(items
                .map(|pair| Item::new(pair.id.clone(), Some(pair), None))
                .collect())
        }
        (Some(pairs), Some(rows), Some(table)) => {
            let joined = table::join(pairs, rows, table)?.into_iter();
            Ok(joined
                .map(|(pair, row)| Item::new(pair.id.clone(), Some(pair), Some(row)))
                .collect())
        }
        (None, Some(rows), Some(table)) => {
            if let Some(row) = rows.iter().find(|row| row.anomalous.is_none()) {
                return Err(Error::Table {
                    path: table.clone(),
                    why: format!(
                        "{} has no label; without maps and masks every image needs one",
                        row.id
                    ),
                });
            }
            let items = rows.into_iter();
            Ok(items
                .map(|row| Item::new(row.id.clone(), None, Some(row)))
                .collect())
        }
        _ => Err(Error::Config {
            origin: "the arguments".to_owned(),
            why: "give maps and masks, or a table of scores".to_owned(),
        }),
    }
}

/// How the images are drawn again.
fn resampling(options: &MeasureOptions, items: &[&Item]) -> Option<Resampling> {
    let images = items
        .iter()
        .map(|item| (item.id.as_str(), item.group().map(String::as_str)));
    Resampling::new(images, options.resamples)
}

fn measure_pixels(
    options: &MeasureOptions,
    items: &[&Item],
    figures: &mut Figures,
    found: &mut Found,
) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    found.look(items);
    let load = |image: usize| items[image].load(options);
    let pixels = Pixels::pool(items.len(), &load, options.threshold)?;
    let mut of_maps = pixels.figures("", Extent::All);
    if let Some(resampling) = resampling(options, items) {
        pixels.intervals((&mut of_maps, ""), &load, &resampling)?;
    }
    found.look_back(items);
    found.pixels = [
        pixels.pooled.normal_pixels(),
        pixels.pooled.anomalous_pixels(),
    ];
    found.regions = pixels.pooled.regions();
    found.size_limits = pixels.pooled.size_limits();
    figures.extend(of_maps);
    Ok(())
}

/// Figures of whole images.
fn of_images(options: &MeasureOptions, items: &[Item]) -> Figures {
    let (scores, truth): (Vec<_>, Vec<_>) = items.iter().map(Item::rated).unzip();
    let images = Images {
        scores: &scores,
        truth: &truth,
    };
    let mut figures = images.figures("", Extent::All);
    let every: Vec<_> = items.iter().collect();
    if let Some(resampling) = resampling(options, &every) {
        images.intervals((&mut figures, ""), &resampling);
    }
    figures
}

/// Figures of each kind of anomaly, if there are several, against all normal images.
fn by_kind(options: &MeasureOptions, items: &[Item]) -> Result<BTreeMap<String, Figures>> {
    let anomalous = items.iter().filter(|item| item.rated().1);
    let kinds: BTreeSet<String> = anomalous.map(Item::kind).collect();
    if kinds.len() < 2 {
        return Ok(BTreeMap::new());
    }
    let of_kind = |kind: String| {
        let is_wanted = |item: &&Item| !item.rated().1 || item.kind() == kind;
        let wanted: Vec<&Item> = items.iter().filter(is_wanted).collect();
        let (scores, truth): (Vec<_>, Vec<_>) = wanted.iter().map(|item| item.rated()).unzip();
        let images = Images {
            scores: &scores,
            truth: &truth,
        };
        let mut figures = images.figures("", Extent::All);
        let with_maps: Vec<_> = wanted
            .into_iter()
            .filter(|item| item.pair.is_some())
            .collect();
        if !with_maps.is_empty() {
            let load = |image: usize| with_maps[image].load(options);
            figures.extend(
                Pixels::pool(with_maps.len(), &load, options.threshold)?.figures("", Extent::All),
            );
        }
        Ok((kind, figures))
    };
    kinds.into_iter().map(of_kind).collect()
}

fn to_json(
    options: &MeasureOptions,
    items: &[Item],
    found: &Found,
    figures: &Figures,
    kinds: &BTreeMap<String, Figures>,
) -> Map<String, Value> {
    let anomalous = items.iter().filter(|item| item.rated().1).count();
    let mut json = Map::new();
    json.insert("n_normal".to_owned(), json!(items.len() - anomalous));
    json.insert("n_anomalous".to_owned(), json!(anomalous));
    found.write(options, &mut json);
    figures.write(&mut json);
    let every: Vec<_> = items.iter().collect();
    let intervals = resampling(options, &every).map(|resampling| resampling.json());
    json.insert("intervals".to_owned(), intervals.unwrap_or(Value::Null));
    let kinds = kinds.iter().map(|(kind, figures)| {
        let mut of_kind = Map::new();
        figures.write(&mut of_kind);
        (kind.clone(), Value::from(of_kind))
    });
    json.insert("kinds".to_owned(), kinds.collect());
    json
}
