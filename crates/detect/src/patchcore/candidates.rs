//! The features that a bank is chosen among, within the memory that they may take.

use cavga_nn::{
    kernels::{
        bank::{Farthest, Rows, SparseProjection},
        together,
    },
    random::{self, Stream},
};
use rand::{Rng, RngExt as _};

use super::{
    PatchcoreConfig,
    bank::{Bank, Origin, distance},
};
use crate::{Observer, Result};

/// Picks between two reports of progress.
const REPORT: usize = 32;

/// Features of training images: all of them, or as many as memory holds, each with the same chance to be there (reservoir sampling, Vitter
/// 1985, algorithm R).
#[derive(Debug)]
pub(super) struct Candidates {
    pub(super) rows: Rows,
    /// The number of the image that each is of.
    pub(super) owners: Vec<u32>,
    capacity: usize,
    /// How many were offered.
    offered: u64,
}

impl Candidates {
    /// None yet. `width`: channels.
    pub(super) fn new(config: &PatchcoreConfig, width: usize) -> Self {
        let precision = config.precision.into();
        // What the choice keeps of each: its own row, the projected one, its owner, its nearest pick and the distance to that.
        let projected = config
            .projected(width)
            .map_or(0, |to| Rows::bytes_per_row(to, precision));
        let bytes = Rows::bytes_per_row(width, precision) + projected + 3 * size_of::<u32>();
        let capacity = config.memory.bytes() / bytes as u64;
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX).max(1);
        let mut candidates = Self {
            rows: Rows::new(width, precision),
            owners: Vec::new(),
            capacity,
            offered: 0,
        };
        // All at once, as to grow would need the old and the new at a time. Where the system gives less, it grows all the same.
        if candidates.rows.reserve(capacity) {
            let _ = candidates.owners.try_reserve_exact(capacity);
        }
        candidates
    }

    /// Offers one feature of an image.
    pub(super) fn offer(&mut self, row: &[f32], owner: u32, generator: &mut impl Rng) {
        let place = generator.random_range(0..=self.offered);
        self.offered += 1;
        if self.rows.len() < self.capacity {
            self.rows.push(row);
            self.owners.push(owner);
        } else if let Some((place, of)) = usize::try_from(place)
            .ok()
            .and_then(|place| Some((place, self.owners.get_mut(place)?)))
        {
            self.rows.replace(place, row);
            *of = owner;
        }
    }

    /// Whether all that were offered are there.
    pub(super) fn is_whole(&self) -> bool {
        self.offered == self.rows.len() as u64
    }

    /// Goes on choosing: `bank` grows to `wanted` rows. Where it has no room for any more, rows are chosen among its own and these.
    pub(super) fn choose(
        self,
        bank: Bank,
        wanted: usize,
        (config, seed): (&PatchcoreConfig, u64),
        observer: &mut dyn Observer,
    ) -> Result<Bank> {
        let Self {
            rows: mut all,
            mut owners,
            ..
        } = self;
        let Bank { rows, origin } = bank;
        if all.is_empty() {
            return Ok(Bank { rows, origin });
        }
        // The bank goes behind them, as it is the smaller: they may be all that memory holds.
        let (first_kept, kept) = (all.len(), rows.len());
        let mut row = vec![0.0; rows.width()];
        for at in 0..kept {
            rows.get(at, &mut row);
            all.push(&row);
        }
        drop(rows);
        owners.extend(origin.owners);
        let stays = if wanted > kept { kept } else { 0 };
        let projected = config
            .projected(all.width())
            .map(|to| project(&all, to, seed, observer))
            .transpose()?;
        let start = match stays {
            0 => vec![first(&all, seed)],
            _ => (first_kept..first_kept + stays).collect(),
        };
        let measured = projected.as_ref().unwrap_or(&all);
        let (picks, mut radius, nearest) = pick(measured, &start, wanted, observer)?;
        if projected.is_some() {
            // A projection keeps distances on average only.
            radius = reach(&all, &picks, &nearest);
        }
        drop(projected);
        let of_picks = picks.iter().filter_map(|&row| owners.get(row).copied());
        let origin = Origin {
            owners: of_picks.collect(),
            // Whose nearest row stays is as near to it as before; else it is that far from a row that is within the new radius.
            radius: match stays {
                0 => radius + origin.radius,
                _ => radius.max(origin.radius),
            },
            ..origin
        };
        Ok(Bank {
            rows: all.select(&picks),
            origin,
        })
    }
}

/// Where the greedy choice begins.
fn first(rows: &Rows, seed: u64) -> usize {
    let mut generator = random::generator(seed, Stream::FirstCentre, 0);
    generator.random_range(0..rows.len())
}

/// The largest distance of a row from the pick that `nearest` names for it.
fn reach(rows: &Rows, picks: &[usize], nearest: &[u32]) -> f32 {
    let (mut row, mut pick) = (vec![0.0; rows.width()], vec![0.0; rows.width()]);
    let mut farthest = 0.0_f64;
    for (at, &name) in nearest.iter().enumerate() {
        let Some(&picked) = picks.get(name as usize) else {
            continue;
        };
        rows.get(at, &mut row);
        rows.get(picked, &mut pick);
        farthest = farthest.max(distance(&row, &pick));
    }
    farthest as f32
}

/// The greedy choice of `wanted` rows, of which those in `start` are chosen already; the distance of the farthest row from its nearest; and
/// which of them is nearest to each row.
pub(super) fn pick(
    rows: &Rows,
    start: &[usize],
    wanted: usize,
    observer: &mut dyn Observer,
) -> Result<(Vec<usize>, f32, Vec<u32>)> {
    let wanted = wanted.min(rows.len());
    let mut farthest = Farthest::new(rows);
    observer.begin("choosing the memory bank", wanted as u64);
    // Those of a bank that goes on may be thousands, too: the same steps, told and stopped alike.
    let mut start = start.iter().copied();
    let mut next = |farthest: &Farthest| {
        start.next().or_else(|| {
            let (row, distance) = farthest.farthest()?;
            // A row at no distance is one that is picked, or like one.
            (distance > 0.0 && farthest.picked().len() < wanted).then_some(row)
        })
    };
    let mut is_done = false;
    while !is_done {
        is_done = together(|| {
            (0..REPORT).any(|_| match next(&farthest) {
                Some(row) => {
                    farthest.pick(row);
                    false
                }
                None => true,
            })
        });
        observer.advance(farthest.picked().len() as u64)?;
    }
    observer.end();
    let radius = farthest.farthest().map_or(0.0, |(_, distance)| distance);
    let picked = farthest.picked().to_vec();
    Ok((picked, radius, farthest.into_nearest()))
}

fn project(rows: &Rows, to: usize, seed: u64, observer: &mut dyn Observer) -> Result<Rows> {
    let mut generator = random::generator(seed, Stream::Projection, 0);
    let projection = SparseProjection::new(rows.width(), to, || generator.random::<u64>());
    let mut projected = Rows::with_capacity(to, rows.precision(), rows.len());
    let (mut row, mut short) = (vec![0.0; rows.width()], vec![0.0; to]);
    observer.begin("projecting features", rows.len() as u64);
    for at in 0..rows.len() {
        if at.is_multiple_of(1 << 14) {
            observer.advance(at as u64)?;
        }
        rows.get(at, &mut row);
        projection.apply(&row, &mut short);
        projected.push(&short);
    }
    observer.end();
    Ok(projected)
}
