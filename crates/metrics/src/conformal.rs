//! Decisions with a guarantee, from the scores of held-out normal images: split conformal prediction (Vovk, Gammerman and
//! Shafer 2005; for outliers Bates, Candès, Lei, Romano and Sesia 2023).
//!
//! With n held-out scores, the p-value of a new score s is (1 + #{held out >= s}) / (n + 1). If the new image is normal and
//! exchangeable with the held-out ones, P(p <= α) <= α for every α, whatever the scores' distribution and however many
//! images there are. An alarm is raised where p <= α; that is where s exceeds the k-th largest held-out score,
//! k = ⌊α (n + 1)⌋. The two say the same of every score and every α: k is the largest for which k / (n + 1), as the p-value
//! is computed, is at most α, so that no rounding can come between.
//!
//! The guarantee is over held-out and new images alike. Given these held-out images, the threshold's true rate is a draw: of
//! Beta(k, n + 1 − k) for scores without ties, and less with them; [`Threshold::rate_at_most`] bounds it.

mod binomial;
#[cfg(test)]
mod tests;

use crate::{Result, Undefined};

/// Scores of held-out normal images, in rising order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOut<'a> {
    sorted: &'a [f32],
}

/// A threshold of held-out scores: above it, an alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The rank-th largest held-out score. A score at the threshold itself raises no alarm.
    pub value: f32,
    /// Its place among the held-out scores, the largest being 1.
    pub rank: usize,
    /// How many held-out scores there are.
    pub images: usize,
}

impl<'a> HeldOut<'a> {
    /// `sorted`: in rising order, equal ones included.
    ///
    /// # Errors
    /// [`Undefined::Empty`], [`Undefined::NotFinite`], [`Undefined::NotSorted`].
    pub fn new(sorted: &'a [f32]) -> Result<Self> {
        if sorted.is_empty() {
            return Err(Undefined::Empty);
        }
        if let Some(index) = sorted.iter().position(|score| !score.is_finite()) {
            return Err(Undefined::NotFinite { index });
        }
        let pairs = sorted.iter().zip(sorted.iter().skip(1));
        match pairs.enumerate().find(|(_, (low, high))| low > high) {
            Some((index, _)) => Err(Undefined::NotSorted { index: index + 1 }),
            None => Ok(Self { sorted }),
        }
    }

    /// How many there are.
    pub fn images(&self) -> usize {
        self.sorted.len()
    }

    /// The p-value of a score, in [1 / (n + 1), 1]: the share of images, the one asked about and those held out, that score at
    /// least as high.
    ///
    /// # Errors
    /// [`Undefined::NotFinite`] of a NaN. An infinite score has a p-value.
    pub fn p_value(&self, score: f32) -> Result<f64> {
        if score.is_nan() {
            return Err(Undefined::NotFinite { index: 0 });
        }
        let below = self.sorted.partition_point(|&held_out| held_out < score);
        let at_least = self.images() - below;
        Ok(share(at_least + 1, self.images()))
    }

    /// The threshold whose false-alarm rate is at most `rate`, and as near to it as so many images allow.
    ///
    /// # Errors
    /// [`Undefined::RateOutOfRange`]; [`Undefined::TooFewHeldOut`] for a rate below 1 / (n + 1).
    pub fn threshold(&self, rate: f64) -> Result<Threshold> {
        check_rate(rate)?;
        let images = self.images();
        let rank = rank(rate, images);
        let value = images.checked_sub(rank).and_then(|at| self.sorted.get(at));
        match value {
            Some(&value) => Ok(Threshold {
                value,
                rank,
                images,
            }),
            None => Err(Undefined::TooFewHeldOut {
                rate,
                found: images,
                needed: images_needed(rate)?,
            }),
        }
    }

    /// The threshold of the smallest rate that so many images support: the highest held-out score.
    pub fn strictest(&self) -> Threshold {
        Threshold {
            value: self.sorted.last().copied().unwrap_or(f32::INFINITY),
            rank: 1,
            images: self.images(),
        }
    }

    /// The middle held-out score, or between the two in the middle.
    pub fn median(&self) -> f64 {
        let at = |place: usize| self.sorted.get(place).copied().map_or(f64::NAN, f64::from);
        let middle = self.images() / 2;
        match self.images() % 2 {
            1 => at(middle),
            _ => f64::midpoint(at(middle.saturating_sub(1)), at(middle)),
        }
    }
}

impl Threshold {
    /// The false-alarm rate that is guaranteed, rank / (n + 1): over draws of held-out and new normal images.
    pub fn rate(&self) -> f64 {
        share(self.rank, self.images)
    }

    /// What the true false-alarm rate of this very threshold does not exceed with `confidence`, as in 0.95: the quantile of
    /// Beta(rank, n + 1 − rank).
    ///
    /// # Errors
    /// [`Undefined::RateOutOfRange`] of a confidence outside (0, 1).
    pub fn rate_at_most(&self, confidence: f64) -> Result<f64> {
        check_rate(confidence)?;
        Ok(binomial::beta_quantile(self.rank, self.images, confidence))
    }
}

/// The smallest false-alarm rate that `images` held-out images support, 1 / (n + 1).
pub fn smallest_rate(images: usize) -> f64 {
    share(1, images)
}

/// How many held-out images a false-alarm rate takes: ⌈1 / rate⌉ − 1, and at least one.
///
/// # Errors
/// [`Undefined::RateOutOfRange`].
pub fn images_needed(rate: f64) -> Result<usize> {
    check_rate(rate)?;
    // The conversion saturates; so many images are nobody's, and next to them one more or less is lost in rounding.
    let mut images = (1.0 / rate).ceil() as usize;
    if images < 1 << 52 {
        while share(1, images) > rate {
            images += 1;
        }
        while images > 1 && share(1, images - 1) <= rate {
            images -= 1;
        }
    }
    Ok(images)
}

/// `count` of n + 1 images. Division rounds to the nearest number, so that a rate that is written as a decimal and is such a
/// share (0.07 of 99 + 1) equals it.
fn share(count: usize, images: usize) -> f64 {
    count as f64 / (images as f64 + 1.0)
}

/// The largest k for which k / (n + 1) is at most `rate`, which is in (0, 1): k is at most n.
fn rank(rate: f64, images: usize) -> usize {
    // A product that rounding moved across an integer is one off.
    let mut rank = (rate * (images as f64 + 1.0)) as usize;
    while rank > 0 && share(rank, images) > rate {
        rank -= 1;
    }
    while rank < images && share(rank + 1, images) <= rate {
        rank += 1;
    }
    rank
}

fn check_rate(rate: f64) -> Result<()> {
    match rate > 0.0 && rate < 1.0 {
        true => Ok(()),
        false => Err(Undefined::RateOutOfRange { rate }),
    }
}
