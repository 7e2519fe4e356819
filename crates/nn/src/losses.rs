//! The losses of CAVGA (section 3), each a mean over the batch.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

/// log(1 + exp x), without overflow. The sum max(x, 0) + log1p(exp(−|x|)) is exact for large |x| of either sign.
fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::relu(x.clone()) + x.abs().neg().exp().log1p()
}

/// L_R: binary cross entropy −[x log x̂ + (1 − x) log(1 − x̂)] of each image, summed over its pixel values,
/// from the logits of x̂.
///
/// # Shapes
/// - logits, images: `[batch, 3, height, width]`, images in [0, 1] → `[batch]`
pub fn reconstruction(logits: Tensor<4>, images: Tensor<4>) -> Tensor<1> {
    let terms = softplus(logits.clone()) - logits * images;
    terms.sum_dims(&[1, 2, 3]).squeeze_dims::<1>(&[1, 2, 3])
}

/// The discriminator's loss −[log D(x) + log(1 − D(x̂))]. `real_target` below 1 smooths the real images' labels (Salimans et al.
/// 2016): the discriminator is then asked for that probability instead of certainty.
///
/// # Shapes
/// - real, fake: logits, `[batch]` → `[1]`
pub fn discriminator(real: Tensor<1>, fake: Tensor<1>, real_target: f64) -> Tensor<1> {
    let on_real = softplus(real.clone()) - real.mul_scalar(real_target);
    (on_real + softplus(fake)).mean()
}

/// L_adv as the encoder and decoder see it: −log D(x̂), or with `saturating` the literal log(1 − D(x̂)).
///
/// # Shapes
/// - fake: logits, `[batch]` → `[1]`
pub fn adversarial(fake: Tensor<1>, saturating: bool) -> Tensor<1> {
    if saturating {
        softplus(fake).neg().mean()
    } else {
        softplus(fake.neg()).mean()
    }
}

/// What the attention expansion loss asks of A.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expansion {
    /// 1 everywhere: L_ae = mean(1 − A), as printed.
    #[default]
    Equality,
    /// A mean of at least 1 − slack, by an extended log-barrier (Silva-Rodríguez et al. 2022). Its gradient, 1 / (t·distance), falls
    /// with the distance from the bound but never to 0: at t = 10 and a slack of 0.1 it stays above the equality's.
    Barrier,
}

/// The slack of [`Expansion::Barrier`]: how much of A may stay unexpanded.
pub const BARRIER_SLACK: f64 = 0.1;
/// The sharpness t of the barrier's extension, as in its authors' code.
pub const BARRIER_SHARPNESS: f64 = 10.0;

/// L_ae, the attention expansion loss.
///
/// # Shapes
/// - attention: `[batch, 1, height, width]` in [0, 1] → `[1]`
pub fn attention_expansion(attention: Tensor<4>, expansion: Expansion) -> Tensor<1> {
    let missing = attention.neg().add_scalar(1.0);
    match expansion {
        Expansion::Equality => missing.mean(),
        Expansion::Barrier => {
            let missing = missing.mean_dims(&[1, 2, 3]).squeeze_dims::<1>(&[1, 2, 3]);
            extended_barrier(missing.sub_scalar(BARRIER_SLACK), BARRIER_SHARPNESS).mean()
        }
    }
}

/// The log-barrier −log(−z)/t for a constraint z ≤ 0, extended by its tangent from z = −1/t² on (Kervadec et al. 2019).
fn extended_barrier(z: Tensor<1>, t: f64) -> Tensor<1> {
    let edge = -1.0 / (t * t);
    let inside = z.clone().lower_equal_scalar(edge);
    // Clamped where the tangent applies, so that no NaN arises there, not even one that is masked away: its gradient is NaN too.
    let barrier = z.clone().clamp_max(edge).neg().log().div_scalar(-t);
    let tangent = z.mul_scalar(t).add_scalar(2.0 * t.ln() / t + 1.0 / t);
    tangent.mask_where(inside, barrier)
}
