//! Random numbers by name: a seed, a stream and a step give the same draws on every device and after every restart.

use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

/// What a draw is for; each has a stream of its own, so that one more draw here never shifts the draws there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Initial weights.
    Weights = 1,
    /// The noise of the latent's sampling.
    Latent = 2,
    /// Noise on the images that the discriminator sees: real ones.
    InstanceReal = 3,
    /// Noise on the images that the discriminator sees: reconstructed ones.
    InstanceFake = 4,
    /// Which features a memory bank chooses among, where memory does not hold all.
    Reservoir = 5,
    /// The first choice of a memory bank.
    FirstCentre = 6,
    /// A random projection.
    Projection = 7,
    /// Which channels a Gaussian is of.
    Channels = 8,
    /// Latents of the images that are shown of a generator, the same ones at all times.
    Samples = 9,
    /// Where patches are cut out of images.
    Patches = 10,
    /// Noise on images that a network is to clean.
    Corruption = 11,
}

/// The generator of a stream at a step of a run.
pub fn generator(seed: u64, stream: Stream, step: u64) -> Pcg64 {
    // SplitMix64's finaliser spreads neighbouring seeds and steps over the whole state.
    fn mix(mut z: u64) -> u64 {
        z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    Pcg64::seed_from_u64(mix(mix(mix(seed) ^ stream as u64) ^ step))
}

/// Standard normal numbers.
///
/// # Shapes
/// - output: `shape`
pub fn normal<const D: usize>(
    shape: [usize; D],
    generator: &mut impl Rng,
    device: &Device,
) -> Tensor<D> {
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count)
        .map(|_| StandardNormal.sample(generator))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_steps_differ_and_repeat() {
        let draw = |seed, stream, step| {
            normal([4], &mut generator(seed, stream, step), &Device::flex())
                .into_data()
                .iter::<f32>()
                .collect::<Vec<_>>()
        };
        let first = draw(7, Stream::Latent, 3);
        assert_eq!(first, draw(7, Stream::Latent, 3));
        assert_ne!(first, draw(8, Stream::Latent, 3));
        assert_ne!(first, draw(7, Stream::Weights, 3));
        assert_ne!(first, draw(7, Stream::Latent, 4));
    }
}
