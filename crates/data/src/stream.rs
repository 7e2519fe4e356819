//! Random numbers that mean the same everywhere: PCG-64 with its state set by us and the conversions written out.
//!
//! The distributions of the `rand` crate may give other values in its next minor release; a seed written into a run
//! must not change its meaning with an update, so here only the generator itself is taken from a crate.

use rand::Rng;
use rand_pcg::Pcg64;

/// What a stream is for; it keeps the choices of one purpose apart from those of another under the same seed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    HoldOut = 1,
    Shuffle = 2,
    Augment = 3,
    Picture = 4,
    Defect = 5,
    Draw = 6,
    TestSplit = 7,
    Halves = 8,
}

/// SplitMix64's finaliser: a bijection of 64 bits in which every input bit moves every output bit.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// One stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Stream(Pcg64);

impl Stream {
    /// The stream for a purpose under a seed, told apart from its siblings by two numbers (a pass and an index, say).
    pub(crate) fn new(seed: u64, purpose: Purpose, a: u64, b: u64) -> Self {
        let mut words = [0_u64; 4];
        let mut state = mix(seed ^ mix(purpose as u64));
        for (i, word) in words.iter_mut().enumerate() {
            state = mix(state ^ mix(a.wrapping_add(i as u64)) ^ mix(!b).rotate_left(17));
            *word = state;
        }
        let wide = |high: u64, low: u64| (u128::from(high) << 64) | u128::from(low);
        Self(Pcg64::new(
            wide(words[0], words[1]),
            wide(words[2], words[3]),
        ))
    }

    /// Uniform in [0, 1), on a grid of 2⁻⁵³.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0..n, for n ≥ 1. The bias is below n / 2⁶⁴.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// True half of the time.
    pub(crate) fn coin(&mut self) -> bool {
        self.0.next_u64() >> 63 == 1
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A random order of 0..n.
    pub(crate) fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for last in (1..n).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_in_each_of_their_names() {
        let first = |seed, purpose, a, b| Stream::new(seed, purpose, a, b).bits();
        let base = first(1, Purpose::Shuffle, 2, 3);
        assert_eq!(base, first(1, Purpose::Shuffle, 2, 3));
        assert_ne!(base, first(2, Purpose::Shuffle, 2, 3));
        assert_ne!(base, first(1, Purpose::Augment, 2, 3));
        assert_ne!(base, first(1, Purpose::Shuffle, 3, 3));
        assert_ne!(base, first(1, Purpose::Shuffle, 2, 4));
        assert_ne!(
            first(1, Purpose::Shuffle, 2, 3),
            first(1, Purpose::Shuffle, 3, 2)
        );
    }

    #[test]
    fn units_stay_in_range_and_average_a_half() {
        let mut stream = Stream::new(7, Purpose::Picture, 0, 0);
        let values: Vec<f64> = (0..10_000).map(|_| stream.unit()).collect();
        assert!(values.iter().all(|v| (0.0..1.0).contains(v)));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }
}
