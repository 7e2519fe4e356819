//! Probabilities and cross entropies, in f64.

fn probability(logit: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(logit)).exp())
}

/// ln(1 + eˣ). Not as −ln(1 − σ(x)): near 1, the probability has lost the digits of what it lacks.
fn softplus(x: f64) -> f64 {
    if x > 0.0 {
        x + (-x).exp().ln_1p()
    } else {
        x.exp().ln_1p()
    }
}

/// [`crate::logit::cross_entropy`]
pub fn cross_entropy(logits: &[f32], targets: &[f32], len: usize) -> Vec<f32> {
    let images = logits.chunks(len).zip(targets.chunks(len));
    let sums = images.map(|(logits, targets)| {
        let terms = logits.iter().zip(targets).map(|(&logit, &target)| {
            let (logit, target) = (f64::from(logit), f64::from(target));
            target * softplus(-logit) + (1.0 - target) * softplus(logit)
        });
        terms.sum()
    });
    super::to_f32(sums.collect())
}

/// [`crate::logit::cross_entropy_gradient`]
pub fn cross_entropy_gradient(logits: &[f32], targets: &[f32], gradients: &[f32]) -> Vec<f32> {
    let of = |i: usize| {
        let factor = gradients[i / (logits.len() / gradients.len())];
        (probability(logits[i]) - f64::from(targets[i])) * f64::from(factor)
    };
    super::to_f32((0..logits.len()).map(of).collect())
}

/// [`crate::logit::sigmoid`], and its gradient.
pub fn sigmoid(x: &[f32], dy: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let y: Vec<f64> = x.iter().map(|&x| probability(x)).collect();
    let dx = y
        .iter()
        .zip(dy)
        .map(|(y, &dy)| y * (1.0 - y) * f64::from(dy));
    let dx = super::to_f32(dx.collect());
    (super::to_f32(y), dx)
}
