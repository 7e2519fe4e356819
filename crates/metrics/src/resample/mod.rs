//! How far a figure would move on other images of the same kind: the bootstrap.
//!
//! The test set is drawn again from itself, with replacement, as many images as there are, and the figure computed
//! anew; the middle part of its values over many such resamples is the interval (Efron, Annals of Statistics 7(1),
//! 1979; the percentile interval). Nothing is drawn twice to be computed: a resample is a *weight* for each image, how often it
//! stands in it, and a figure of weighted images costs what the figure itself costs.
//!
//! - **Whole groups are drawn**, where images belong together ([`Clusters`]), never single images of one.
//! - **Draws depend on seed and number alone**, not on what is computed of them nor on threads: two runs on the same
//!   images, and figures of images and of pixels, see the same resamples. Differences are therefore *paired*.
//! - **The classes are not held fixed**: how many anomalous images there are varies as it would.
//! - **What is undefined in a resample** (it holds no anomalous image, say) is left out and counted.
//!
//! An interval says what other images would do, not what another training would: that is a matter of seeds. And where a
//! figure is perfect, so it is in every resample: the interval is a point, and says only that this sample holds no
//! failure.

mod draw;

pub use draw::Clusters;

use draw::SplitMix64;

use crate::{Result, Undefined};

/// How to resample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// How many resamples are drawn.
    pub resamples: usize,
    /// Fixes the draws.
    pub seed: u64,
    /// The share of the values that an interval holds, in (0, 1).
    pub level: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            resamples: 1000,
            seed: 0,
            level: 0.95,
        }
    }
}

/// Where a figure would lie on other images of the same kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its lower end: the share `(1 - level) / 2` of the values lies below.
    pub low: f64,
    /// Its upper end: as much lies above.
    pub high: f64,
    /// The share of the values between the ends.
    pub level: f64,
    /// How many resamples were drawn.
    pub resamples: usize,
    /// In how many of them the figure is undefined; they are left out.
    pub undefined: usize,
}

/// How two figures of the same images differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Of the first figure minus the second, in the same resamples.
    pub interval: Interval,
    /// In which share of the resamples the first is the larger, a tie counting half.
    pub share_above: f64,
}

impl Bootstrap {
    /// How often each item stands in the resample of this number, which may be any, also beyond [`Self::resamples`].
    pub fn weights(&self, clusters: &Clusters, number: usize) -> Vec<u32> {
        let mut weights = Vec::with_capacity(clusters.items());
        self.draw(clusters, number, &mut weights);
        weights
    }

    fn draw(&self, clusters: &Clusters, number: usize, weights: &mut Vec<u32>) {
        clusters.draw(&mut SplitMix64::new(self.seed, number as u64), weights);
    }

    /// The values of some figures in each resample: `figures` gets the items' weights, and always gives as many values.
    ///
    /// Resamples are drawn one after the other; whoever wants threads calls [`Self::weights`] from them, for the same.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] without items, [`Undefined::OneCluster`].
    pub fn values<V>(
        &self,
        clusters: &Clusters,
        mut figures: impl FnMut(&[u32]) -> V,
    ) -> Result<Vec<V>> {
        clusters.need_several()?;
        let mut weights = Vec::with_capacity(clusters.items());
        let value = |number| {
            self.draw(clusters, number, &mut weights);
            figures(&weights)
        };
        Ok((0..self.resamples).map(value).collect())
    }

    /// The intervals of some figures: `figures` gets the weights of the items in a resample, and always gives as many
    /// values in the same order.
    ///
    /// # Errors
    ///
    /// As [`Self::values`]; that of a single figure as [`Self::interval`].
    pub fn intervals(
        &self,
        clusters: &Clusters,
        figures: impl FnMut(&[u32]) -> Vec<Result<f64>>,
    ) -> Result<Vec<Result<Interval>>> {
        let values = self.values(clusters, figures)?;
        let count = values.iter().map(Vec::len).max().unwrap_or(0);
        let column = |place: usize| {
            let of = |values: &Vec<_>| values.get(place).copied().unwrap_or(Err(Undefined::Empty));
            self.interval(values.iter().map(of))
        };
        Ok((0..count).map(column).collect())
    }

    /// The interval of one figure from its values in all resamples. Its ends are quantiles of the values, linear between
    /// neighbours: of n values in order, the quantile q lies at place q · (n − 1), counted from 0 (Hyndman and Fan's
    /// seventh, NumPy's own).
    ///
    /// # Errors
    ///
    /// [`Undefined::LevelOutOfRange`]; [`Undefined::TooFewResamples`] where the figure is undefined in more than half of
    /// the resamples, or in all but one.
    pub fn interval(&self, values: impl IntoIterator<Item = Result<f64>>) -> Result<Interval> {
        check_level(self.level)?;
        let mut resamples = 0;
        let count = |value: Result<f64>| {
            resamples += 1;
            value.ok().filter(|value| value.is_finite())
        };
        let mut defined: Vec<f64> = values.into_iter().filter_map(count).collect();
        let undefined = resamples - defined.len();
        if defined.len() < 2 || undefined > defined.len() {
            return Err(Undefined::TooFewResamples {
                defined: defined.len(),
                resamples,
            });
        }
        defined.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        Ok(Interval {
            low: quantile(&defined, tail),
            high: quantile(&defined, 1.0 - tail),
            level: self.level,
            resamples,
            undefined,
        })
    }

    /// How two figures differ, from pairs of their values in the same resamples.
    ///
    /// # Errors
    ///
    /// As [`Self::interval`]; a difference is undefined where one of the two is.
    pub fn difference(
        &self,
        pairs: impl IntoIterator<Item = (Result<f64>, Result<f64>)>,
    ) -> Result<Difference> {
        let differences: Vec<Result<f64>> = pairs
            .into_iter()
            .map(|(first, second)| Ok(first? - second?))
            .collect();
        let interval = self.interval(differences.iter().copied())?;
        let twice: usize = differences
            .iter()
            .flatten()
            .filter(|difference| difference.is_finite())
            .map(|&difference| match difference {
                above if above > 0.0 => 2,
                0.0 => 1,
                _ => 0,
            })
            .sum();
        let defined = interval.resamples - interval.undefined;
        Ok(Difference {
            interval,
            share_above: twice as f64 / (2 * defined) as f64,
        })
    }

    /// How each of some figures differs between two runs on the same items: `figures` gets the weights of the items in a
    /// resample, and always gives as many pairs in the same order.
    ///
    /// # Errors
    ///
    /// As [`Self::values`]; that of a single figure as [`Self::difference`].
    pub fn paired(
        &self,
        clusters: &Clusters,
        figures: impl FnMut(&[u32]) -> Vec<(Result<f64>, Result<f64>)>,
    ) -> Result<Vec<Result<Difference>>> {
        let values = self.values(clusters, figures)?;
        let count = values.iter().map(Vec::len).max().unwrap_or(0);
        let none = (Err(Undefined::Empty), Err(Undefined::Empty));
        let column = |place: usize| {
            let of = |values: &Vec<_>| values.get(place).copied().unwrap_or(none);
            self.difference(values.iter().map(of))
        };
        Ok((0..count).map(column).collect())
    }
}

/// Fails unless a level lies in (0, 1).
pub(crate) fn check_level(level: f64) -> Result<()> {
    // Written so that NaN fails too.
    if level > 0.0 && level < 1.0 {
        Ok(())
    } else {
        Err(Undefined::LevelOutOfRange { level })
    }
}

/// A quantile of sorted values, linear between neighbours; of none, NaN.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share.clamp(0.0, 1.0) * last as f64;
    // Below `last`, so the cast cuts nothing off but the fraction.
    let below = (place as usize).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    low + (high - low) * (place - below as f64)
}

#[cfg(test)]
mod tests;
