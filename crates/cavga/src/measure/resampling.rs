//! How the images of a test set are drawn again.

use cavga_metrics::{Bootstrap, Clusters};
use rayon::prelude::*;
use serde_json::{Value, json};

/// Draws of the images; one holds all images of a group or none.
#[derive(Debug, Clone)]
pub(crate) struct Resampling {
    pub(crate) bootstrap: Bootstrap,
    pub(crate) clusters: Clusters,
}

impl Resampling {
    /// So many draws of images, of each of which the id and the group are given, by the bootstrap's own seed: two runs on one test
    /// set see the same draws. None of no draws, or where there is nothing to choose from.
    pub(crate) fn new<'a>(
        images: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone,
        resamples: usize,
    ) -> Option<Self> {
        let clusters = match images.clone().any(|(_, group)| group.is_some()) {
            false => Clusters::each(images.count()),
            true => {
                let own = images.map(|(id, group)| group.ok_or(id));
                Clusters::grouped(&own.collect::<Vec<_>>())
            }
        };
        let bootstrap = Bootstrap {
            resamples,
            ..Bootstrap::default()
        };
        let is_any = resamples > 0 && clusters.count() > 1;
        is_any.then_some(Self {
            bootstrap,
            clusters,
        })
    }

    /// What `figures` says of each draw, from the images' weights in it, on all threads.
    pub(crate) fn values<T: Send>(&self, figures: impl Fn(&[u32]) -> T + Sync) -> Vec<T> {
        let value = |number| figures(&self.bootstrap.weights(&self.clusters, number));
        let numbers = (0..self.bootstrap.resamples).into_par_iter();
        numbers.map(value).collect()
    }

    /// For `metrics.json`.
    pub(crate) fn json(&self) -> Value {
        json!({
            "level": self.bootstrap.level,
            "resamples": self.bootstrap.resamples,
            "seed": self.bootstrap.seed,
            "clusters": self.clusters.count(),
        })
    }
}
