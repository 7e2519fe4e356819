//! Maps and scores that any program wrote, measured beside masks: what stands behind `cavga metrics`.
//!
//! Nothing is assumed of the program that made them. Maps are files, paired with masks by name ([`pairs`]); scores of whole images
//! come from a table ([`table`]) or are read off the maps. Every choice made on the way is counted and told: maps
//! brought to the size of their masks, maps without a mask, masks with soft edges, values rounded.

mod found;
mod pairs;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use cavga_data::{Limits, load_score_map, load_soft_mask};
use serde_json::{Map, Value, json};

use crate::{
    Error, Result,
    map_size::resize,
    measure::{Extent, Figures, Images, Pixels, RESAMPLES, Resampling, Truth},
    progress::{Event, Progress},
};

use found::Found;
use pairs::{Pair, pair};
use table::{Row, read};

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

/// One image.
#[derive(Debug)]
struct Item {
    id: String,
    pair: Option<Pair>,
    row: Option<Row>,
    /// Read off the map when it is first loaded.
    score: OnceLock<f32>,
    has_mask: OnceLock<bool>,
    /// Whether its map was rounded to single precision.
    rounded: OnceLock<bool>,
    /// Whether its mask has soft edges.
    soft: OnceLock<bool>,
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
    let item = |id: String, pair, row| Item {
        id,
        pair,
        row,
        score: OnceLock::new(),
        has_mask: OnceLock::new(),
        rounded: OnceLock::new(),
        soft: OnceLock::new(),
    };
    match (pairs, rows, &options.image_scores) {
        (Some(pairs), None, _) => {
            let items = pairs.into_iter();
            Ok(items
                .map(|pair| item(pair.id.clone(), Some(pair), None))
                .collect())
        }
        (Some(pairs), Some(rows), Some(table)) => {
            let joined = table::join(pairs, rows, table)?.into_iter();
            Ok(joined
                .map(|(pair, row)| item(pair.id.clone(), Some(pair), Some(row)))
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
                .map(|row| item(row.id.clone(), None, Some(row)))
                .collect())
        }
        _ => Err(Error::Config {
            origin: "the arguments".to_owned(),
            why: "give maps and masks, or a table of scores".to_owned(),
        }),
    }
}

impl Item {
    /// Score and truth.
    fn rated(&self) -> (f32, bool) {
        let row = self.row.as_ref();
        let score = row
            .map(|row| row.score)
            .or_else(|| self.score.get().copied());
        let truth = row
            .and_then(|row| row.anomalous)
            .or_else(|| self.has_mask.get().copied());
        (score.unwrap_or(f32::NAN), truth.unwrap_or(false))
    }

    /// What kind of anomaly its table says, or its folder.
    fn kind(&self) -> String {
        let of_row = self.row.as_ref().and_then(|row| row.kind.clone());
        let folder = || {
            self.id
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder)
                .to_owned()
        };
        of_row.unwrap_or_else(folder)
    }

    fn group(&self) -> Option<&String> {
        self.row.as_ref().and_then(|row| row.group.as_ref())
    }

    /// An error if its table says that it is normal and its mask marks something, or that it is anomalous and nothing is marked: its
    /// pixels would count as the contrary of itself.
    fn agree(&self, pair: &Pair, marked: bool) -> Result<()> {
        let said = self.row.as_ref().and_then(|row| row.anomalous);
        let why = match (said, marked) {
            (Some(false), true) => "is labelled normal, but its mask marks pixels as anomalous",
            (Some(true), false) => "is labelled anomalous, but no mask marks a pixel of it",
            _ => return Ok(()),
        };
        Err(Error::Maps {
            path: pair.mask.clone().unwrap_or_else(|| pair.map.clone()),
            why: format!(
                "{} {why}; mend the label or the mask, or leave the image out",
                self.id
            ),
        })
    }

    /// Its map beside its mask.
    fn load(&self, options: &MeasureOptions) -> Result<Truth> {
        if options.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let Some(pair) = &self.pair else {
            return Err(Error::Stopped);
        };
        let map = load_score_map(&pair.map, &options.limits)?;
        self.rounded.get_or_init(|| map.rounded);
        let mask = match &pair.mask {
            Some(path) => {
                let (mask, soft) = load_soft_mask(path, options.mask_above, &options.limits)?;
                self.soft.get_or_init(|| soft);
                Some(mask)
            }
            None => None,
        };
        let marked = mask.as_ref().is_some_and(|mask| mask.area() > 0);
        self.agree(pair, marked)?;
        let values = &map.values;
        self.score.get_or_init(|| match options.image_score {
            ImageScore::Max => values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            ImageScore::Mean => {
                let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
                (sum / values.len().max(1) as f64) as f32
            }
        });
        let size = mask
            .as_ref()
            .map_or(pair.size, |mask| [mask.height, mask.width]);
        let mask = mask.map_or_else(|| vec![false; size[0] * size[1]], |mask| mask.pixels);
        self.has_mask.get_or_init(|| marked);
        let own = [map.height, map.width];
        let scores = if own == size {
            map.values
        } else {
            resize(&map.values, own, size)
        };
        Ok(Truth {
            path: pair.map.clone(),
            size,
            scores,
            mask,
            ignored: None,
            defects: Vec::new(),
        })
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
