//! The losses of CAVGA (section 3), each a mean over the batch.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::Tensor,
};
use serde::{Deserialize, Serialize};

use crate::ops::{self, softplus};

/// L_R: binary cross entropy −[x log x̂ + (1 − x) log(1 − x̂)] of each image, summed over its pixel values,
/// from the logits of x̂.
///
/// # Shapes
/// - logits, images: `[batch, 3, height, width]`, images in [0, 1] → `[batch]`
pub fn reconstruction(logits: Tensor<4>, images: Tensor<4>) -> Tensor<1> {
    ops::cross_entropy(logits, images)
}

/// ½·Σ w² over all parameters of a module that want a gradient, which running statistics don't: times a weight decay, it has the gradient that torch's Adam adds for one.
///
/// # Shapes
/// - output: `[1]`
pub fn weight_decay<M: Module>(module: &M) -> Option<Tensor<1>> {
    let mut squares = Squares(None);
    module.visit(&mut squares);
    squares.0.map(|sum| sum.mul_scalar(0.5))
}

/// Adds up the squares of parameters that are learnt.
struct Squares(Option<Tensor<1>>);

impl ModuleVisitor for Squares {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if !value.is_require_grad() {
            return;
        }
        let squares = value.square().sum();
        self.0 = Some(match self.0.take() {
            Some(sum) => sum + squares,
            None => squares,
        });
    }
}

/// The discriminator's loss on real images, −log D(x). `target` below 1 smooths their labels (Salimans et al. 2016): the discriminator
/// is then asked for that probability instead of certainty. Its whole loss is the sum of this and [`discriminator_on_fake`].
///
/// # Shapes
/// - real: logits, `[batch]` → `[1]`
pub fn discriminator_on_real(real: Tensor<1>, target: f64) -> Tensor<1> {
    (softplus(real.clone()) - real.mul_scalar(target)).mean()
}

/// The discriminator's loss on reconstructed images, −log(1 − D(x̂)).
///
/// # Shapes
/// - fake: logits, `[batch]` → `[1]`
pub fn discriminator_on_fake(fake: Tensor<1>) -> Tensor<1> {
    softplus(fake).mean()
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
            expansion_of_means(missing, expansion)
        }
    }
}

/// L_ae of each image's mean of 1 − A, `[batch]`.
pub(crate) fn expansion_of_means(missing: Tensor<1>, expansion: Expansion) -> Tensor<1> {
    match expansion {
        Expansion::Equality => missing.mean(),
        Expansion::Barrier => {
            extended_barrier(missing.sub_scalar(BARRIER_SLACK), BARRIER_SHARPNESS).mean()
        }
    }
}

/// The class of normal images, c_n: the first of the classifier's two outputs.
pub const NORMAL: usize = 0;
/// The class of anomalous images, c_a: the second.
pub const ANOMALOUS: usize = 1;

/// What the classifier says: the logit of c_a less that of c_n, above 0 for "anomalous".
///
/// # Shapes
/// - logits: `[batch, 2]` → `[batch]`
pub fn evidence(logits: Tensor<2>) -> Tensor<1> {
    let of = |class| logits.clone().narrow(1, class, 1).squeeze_dim::<1>(1);
    of(ANOMALOUS) - of(NORMAL)
}

/// L_bce: −log of the probability that the classifier's softmax gives to each image's own class, times the image's weight, over the batch.
///
/// # Shapes
/// - logits: `[batch, 2]`; anomalous, weights: `[batch]`, the first of 0 and 1 → `[1]`
pub fn classification(logits: Tensor<2>, anomalous: Tensor<1>, weights: Tensor<1>) -> Tensor<1> {
    // Of two classes, the softmax is the sigmoid of the logits' difference.
    let evidence = evidence(logits);
    ((softplus(evidence.clone()) - evidence * anomalous) * weights).mean()
}

/// L_cga, the complementary guided attention loss (section 3.3): (1/N) Σ 1(p = y = c_n) · mean_ij(1 − A^{c_n} + A^{c_a}), with N
/// all images of the batch, counted or not.
///
/// # Shapes
/// - attention: `[images, 2, height, width]`, of the classes in their order
/// - counts: `[images]`, 1 for a normal image that the classifier calls normal, else 0
/// - output: `[1]`
pub fn guided_attention(attention: Tensor<4>, counts: Tensor<1>, batch: usize) -> Tensor<1> {
    let mean = |class| {
        let of = attention.clone().narrow(1, class, 1).mean_dims(&[1, 2, 3]);
        of.squeeze_dims::<1>(&[1, 2, 3])
    };
    guided_by_means([NORMAL, ANOMALOUS].map(mean), counts, batch)
}

/// L_cga of each image's mean of A^{c_n} and of A^{c_a}, `[images]` each.
pub(crate) fn guided_by_means(
    [normal, anomalous]: [Tensor<1>; 2],
    counts: Tensor<1>,
    batch: usize,
) -> Tensor<1> {
    let unlike = anomalous - normal + 1.0;
    (unlike * counts).sum().div_scalar(batch as f64)
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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// A loss of logits of zero and its gradient.
    fn at_zero(loss: impl Fn(Tensor<1>) -> Tensor<1>) -> (f32, f32) {
        let logits = Tensor::<1>::zeros([1], &Device::flex().autodiff()).require_grad();
        let loss = loss(logits.clone());
        let gradient = logits.grad(&loss.backward()).unwrap();
        (loss.into_scalar(), gradient.into_scalar())
    }

    #[test]
    fn a_logit_of_exactly_zero_has_a_gradient_in_every_loss() {
        let ln_2 = std::f32::consts::LN_2;
        assert_eq!(at_zero(|x| adversarial(x, false)), (ln_2, -0.5));
        assert_eq!(at_zero(|x| adversarial(x, true)), (-ln_2, -0.5));
        let on_real = at_zero(|x| discriminator_on_real(x, 1.0));
        assert_eq!(on_real, (ln_2, -0.5));
        let on_fake = at_zero(discriminator_on_fake);
        assert_eq!(on_fake, (ln_2, 0.5));
        let images = |x: &Tensor<1>| Tensor::full([1, 1, 1, 1], 0.25, &x.device());
        let pixel = at_zero(|x| {
            let images = images(&x);
            reconstruction(x.reshape([1, 1, 1, 1]), images)
        });
        assert_eq!(pixel, (ln_2, 0.25));
    }
}
