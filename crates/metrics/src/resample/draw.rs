//! What a resample holds: which items belong together, and how often each group of them is drawn.

use std::collections::HashMap;
use std::hash::Hash;

use crate::{Result, Undefined};

/// Which items belong together, and so are drawn together: photographs of one part, frames of one video.
///
/// Images of one group are alike, so that they tell less than as many images of different ones; a bootstrap that
/// draws them one by one finds an interval that is too narrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    /// The cluster of each item.
    of: Vec<u32>,
    /// How many there are.
    count: u32,
}

impl Clusters {
    /// Each of so many items by itself. No more than 4,294,967,295 are told apart; those beyond belong together.
    pub fn each(items: usize) -> Self {
        let of: Vec<u32> = (0..items)
            .map(|item| u32::try_from(item).unwrap_or(u32::MAX - 1))
            .collect();
        let count = of.last().map_or(0, |&last| last + 1);
        Self { of, count }
    }

    /// Items of equal group together; groups are numbered by their first items.
    pub fn grouped<K: Eq + Hash>(groups: &[K]) -> Self {
        let mut numbers = HashMap::new();
        let number = |group| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX - 1);
            *numbers.entry(group).or_insert(next)
        };
        let of: Vec<u32> = groups.iter().map(number).collect();
        let count = of.iter().max().map_or(0, |&last| last + 1);
        Self { of, count }
    }

    /// How many items there are.
    pub fn items(&self) -> usize {
        self.of.len()
    }

    /// How many clusters there are.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Fails unless there are at least two, from which something can be drawn.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`], [`Undefined::OneCluster`].
    pub fn need_several(&self) -> Result<()> {
        match self.count {
            0 => Err(Undefined::Empty),
            1 => Err(Undefined::OneCluster),
            _ => Ok(()),
        }
    }

    /// Writes how often each item stands in a resample: as many clusters as there are, drawn with replacement.
    pub(super) fn draw(&self, random: &mut SplitMix64, weights: &mut Vec<u32>) {
        let mut drawn = vec![0_u32; self.count()];
        for _ in 0..self.count {
            if let Some(times) = drawn.get_mut(random.below(self.count) as usize) {
                *times += 1;
            }
        }
        weights.clear();
        let times = |&cluster: &u32| drawn.get(cluster as usize).copied().unwrap_or(0);
        weights.extend(self.of.iter().map(times));
    }
}

/// The generator of Steele, Lea and Flood (OOPSLA 2014): a counter, scrambled. Fixed here rather than taken from a
/// library, so that a seed means the same draws for as long as this file says so.
#[derive(Clone, Debug)]
pub(super) struct SplitMix64(u64);

impl SplitMix64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// The stream of this number under this seed. Any stream is reached at once, so that resamples may be drawn in any
    /// order, by any number of threads.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let seed = scramble(seed.wrapping_add(Self::STEP));
        Self(scramble(seed ^ stream.wrapping_mul(Self::STEP)))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(Self::STEP);
        scramble(self.0)
    }

    /// A number below `bound`, all of them equally likely; 0 if the bound is 0.
    fn below(&mut self, bound: u32) -> u32 {
        // Lemire (ACM Transactions on Modeling and Computer Simulation 29(1), 2019): the upper half of a product is
        // evenly spread once the lower halves are left out that 2^32 does not divide into whole rounds.
        let least = if bound == 0 {
            0
        } else {
            bound.wrapping_neg() % bound
        };
        loop {
            let product = (self.next() >> 32) * u64::from(bound);
            if product as u32 >= least {
                return (product >> 32) as u32;
            }
        }
    }
}

fn scramble(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // The first numbers of splitmix64.c (Vigna) from the state 1234567.
        let mut random = SplitMix64(1_234_567);
        let found: Vec<_> = (0..3).map(|_| random.next()).collect();
        assert_eq!(
            found,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn each_number_is_equally_likely() {
        let mut random = SplitMix64::new(3, 0);
        let mut counts = [0_i32; 7];
        for _ in 0..70_000 {
            counts[random.below(7) as usize] += 1;
        }
        // Five standard deviations of a binomial count.
        assert!(
            counts.iter().all(|count| (count - 10_000).abs() < 470),
            "{counts:?}"
        );
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
        assert!((0..99).all(|_| random.below(u32::MAX) < u32::MAX));
    }

    #[test]
    fn what_belongs_together_is_drawn_together_and_nothing_is_lost() {
        let clusters = Clusters::grouped(&["b", "a", "b", "c", "a", "b"]);
        assert_eq!((clusters.items(), clusters.count()), (6, 3));
        let mut weights = Vec::new();
        for stream in 0..50 {
            clusters.draw(&mut SplitMix64::new(1, stream), &mut weights);
            assert_eq!(weights[0], weights[2]);
            assert_eq!(weights[0], weights[5]);
            assert_eq!(weights[1], weights[4]);
            assert_eq!(weights[0] + weights[1] + weights[3], 3);
        }
    }

    #[test]
    fn items_by_themselves_are_groups_of_one() {
        let groups: Vec<_> = (10..15).collect();
        assert_eq!(Clusters::each(5), Clusters::grouped(&groups));
        assert_eq!(Clusters::each(0).count(), 0);
        assert_eq!(Clusters::grouped::<u8>(&[]).count(), 0);
    }
}
