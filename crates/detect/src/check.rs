//! What every method asks of its settings and its losses.

use burn::tensor::Tensor;
use cavga_nn::{adam::AdamConfig, conv_autoencoder::Plan, part::Part};

use crate::{Error, Result};

/// The most channels that a layer may be asked for, far above what is of use: products of them must not overflow.
const MAX_WIDTH: usize = 1 << 14;

/// The most weights of a layer: 4 GiB of f32, and three times as much with Adam's moments.
const MAX_WEIGHTS: usize = 1 << 30;

/// An error if a layer would have more weights than any machine holds. `factors`: their product is the number of its weights; `found`: what
/// the setting says that they grow with.
pub(crate) fn check_weights(
    key: &'static str,
    found: &dyn ToString,
    factors: &[usize],
) -> Result<()> {
    let weights = factors
        .iter()
        .try_fold(1_usize, |product, &factor| product.checked_mul(factor));
    let fits = weights.is_some_and(|weights| weights <= MAX_WEIGHTS);
    let expected = format!(
        "at most {MAX_WEIGHTS} weights of a layer: fewer with smaller images, or a smaller number here"
    );
    check(key, fits, &expected, found)
}

pub(crate) fn check_width(key: &'static str, channels: usize) -> Result<()> {
    let fits = (1..=MAX_WIDTH).contains(&channels);
    check(key, fits, "1 to 16384", &channels)
}

/// The keys of a method's one optimizer.
pub(crate) const ADAM_KEYS: [&str; 4] = ["adam.rate", "adam.beta_1", "adam.beta_2", "adam.epsilon"];

pub(crate) fn check_adam(
    [rate, beta_1, beta_2, epsilon]: [&'static str; 4],
    adam: &AdamConfig,
) -> Result<()> {
    let decay = |key, value| {
        check(
            key,
            (0.0..1.0).contains(&value),
            "at least 0, below 1",
            &value,
        )
    };
    check_amount(rate, adam.rate)?;
    decay(beta_1, adam.beta_1)?;
    decay(beta_2, adam.beta_2)?;
    let above_0 = adam.epsilon > 0.0 && adam.epsilon.is_finite();
    check(epsilon, above_0, "a number above 0", &adam.epsilon)
}

pub(crate) fn check_amount(key: &'static str, value: f64) -> Result<()> {
    let fits = value >= 0.0 && value.is_finite();
    check(key, fits, "a number of at least 0", &value)
}

pub(crate) fn check(
    key: &'static str,
    fits: bool,
    expected: &str,
    found: &dyn ToString,
) -> Result<()> {
    if fits {
        return Ok(());
    }
    Err(Error::Config {
        key,
        expected: expected.to_owned(),
        found: found.to_string(),
    })
}

/// An error unless it is a share of more than nothing.
pub(crate) fn check_share(key: &'static str, value: f64) -> Result<()> {
    let fits = value > 0.0 && value <= 1.0;
    check(key, fits, "above 0, at most 1", &value)
}

/// An error unless it is a Gaussian's deviation as a part of the images' height: someone may mean pixels.
pub(crate) fn check_smoothing(value: f64) -> Result<()> {
    check("smoothing", (0.0..=1.0).contains(&value), "0 to 1", &value)
}

/// A plan of layers for a `width` and a `latent`, or an error if images of `size` cannot be halved to a grid that one has, or a layer would
/// be too large.
pub(crate) fn check_plan(
    plan: Option<Plan>,
    [width, latent]: [usize; 2],
    key: &'static str,
    size: [usize; 2],
) -> Result<Plan> {
    let plan = plan.ok_or_else(|| Error::Config {
        key,
        expected: "sides that can be halved together at least twice, until the shorter is 31 or less, as multiples of 32 up to 1024 can"
            .to_owned(),
        found: format!("{size:?}"),
    })?;
    for factors in plan.convolutions() {
        check_weights("width", &width, &factors)?;
    }
    if let Some(factors) = plan.hidden_weights() {
        check_weights("width", &width, &factors)?;
    }
    check_weights("latent", &latent, &[plan.features(), latent])?;
    Ok(plan)
}

/// An error unless there is an image and all are of `size`, `[height, width]`.
pub(crate) fn check_images(images: &Tensor<4>, [height, width]: [usize; 2]) -> Result<()> {
    let found = images.dims();
    if found[0] > 0 && found[1..] == [3, height, width] {
        return Ok(());
    }
    Err(Error::Shape {
        expected: format!("[at least 1, 3, {height}, {width}]"),
        found,
    })
}

/// An error unless what counts, if it is said, is said of each pixel of the images.
pub(crate) fn check_valid(images: &Tensor<4>, part: Option<&Part>) -> Result<()> {
    let [batch, _, height, width] = images.dims();
    match part.map(|part| part.valid().dims()) {
        Some(found) if found != [batch, 1, height, width] => Err(Error::Shape {
            expected: format!("what counts of them as [{batch}, 1, {height}, {width}]"),
            found,
        }),
        _ => Ok(()),
    }
}

/// The value of a loss, or an error that names it.
pub(crate) fn finite(name: &'static str, loss: &Tensor<1>, step: u64) -> Result<f64> {
    let value = f64::from(loss.clone().into_scalar::<f32>());
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Error::NotFinite { name, value, step })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_that_no_machine_holds_are_refused_by_what_they_grow_with() {
        let refused = |plan: Option<Plan>, [width, latent]: [usize; 2]| match check_plan(
            plan,
            [width, latent],
            "size",
            [256, 256],
        ) {
            Err(Error::Config { key, .. }) => Some(key),
            _ => None,
        };
        let bergmann = |width, latent| {
            let plan = Plan::bergmann(3, [256, 256], width);
            refused(plan, [width, latent])
        };
        let higgins = |width, latent| {
            let plan = Plan::higgins(3, [256, 256], width);
            refused(plan, [width, latent])
        };
        assert_eq!([bergmann(32, 100), higgins(32, 32)], [None; 2]);
        assert_eq!(
            [bergmann(16384, 100), higgins(16384, 32)],
            [Some("width"); 2]
        );
        assert_eq!(bergmann(2048, 16384), Some("latent"));
        assert_eq!(refused(None, [32, 100]), Some("size"));
    }
}
