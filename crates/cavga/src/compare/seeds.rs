//! Runs that differ by nothing but the seed: what another training would have given.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    figures::{Column, Measured},
    maps,
    read::Evaluated,
};
use crate::series::{Spread, spread};

/// Runs of one configuration on the same training images, under several seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seeds {
    /// Their names.
    pub runs: Vec<String>,
    /// Their seeds.
    pub seeds: Vec<u64>,
    /// The method's name.
    pub method: String,
    /// Mean and standard deviation (n - 1) of each figure that all of them have; of pixels, if all are of the same map.
    pub figures: BTreeMap<&'static str, Spread>,
}

/// Each set of runs that differ only by their seeds, of which there are two or more.
pub(super) fn of(runs: &[Evaluated], names: &[String], measured: &[Measured]) -> Vec<Seeds> {
    let mut sets: BTreeMap<String, BTreeMap<u64, usize>> = BTreeMap::new();
    for (place, run) in runs.iter().enumerate() {
        let of_set = sets.entry(without_seed(run)).or_default();
        // The same seed again is the same run again, and no second training.
        of_set.entry(run.config.train.seed).or_insert(place);
    }
    let several = sets.into_values().filter(|set| set.len() > 1);
    let mut all: Vec<_> = several
        .filter_map(|set| {
            let places: Vec<_> = set.values().copied().collect();
            let first = *places.iter().min()?;
            let named = places.iter().filter_map(|&place| names.get(place).cloned());
            let seeds = Seeds {
                runs: named.collect(),
                seeds: set.keys().copied().collect(),
                method: runs.get(first)?.config.method.name().to_owned(),
                figures: figures(&places, measured),
            };
            Some((first, seeds))
        })
        .collect();
    all.sort_by_key(|(first, _)| *first);
    all.into_iter().map(|(_, seeds)| seeds).collect()
}

fn figures(places: &[usize], measured: &[Measured]) -> BTreeMap<&'static str, Spread> {
    let columns = |place: usize| measured.get(place).into_iter().flat_map(|all| &all.columns);
    let map = |place: &usize| measured.get(*place).map(|all| &all.map);
    let one_map = places.iter().map(map).collect::<BTreeSet<_>>().len() < 2;
    let keys = places.first().copied().into_iter().flat_map(columns);
    let same = keys.filter(|column| one_map || !maps::KEYS.contains(&column.key));
    same.filter_map(|Column { key, .. }| {
        let of_run = |&place: &usize| {
            let column = columns(place).find(|column| column.key == *key);
            column.and_then(|column| column.value.clone().ok())
        };
        let values: Option<Vec<_>> = places.iter().map(of_run).collect();
        Some((*key, spread(&values?)?))
    })
    .collect()
}

/// All that a run was made of, but its seed.
fn without_seed(run: &Evaluated) -> String {
    let mut config = run.config.clone();
    config.train.seed = 0;
    // Which anomalous images a weakly supervised run learnt from, and so its fingerprint, depends on the seed.
    let data = match run.record.n_anomalous {
        0 => run.record.fingerprint.clone(),
        _ => run.record.data.display().to_string(),
    };
    format!("{config:?} {data}")
}
