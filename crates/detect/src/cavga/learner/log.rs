//! What a step says for the log.

use burn::tensor::Tensor;

use super::CavgaLearner;
use crate::{
    Losses, Result,
    cavga::{Guidance, Objective},
    check::finite,
};

impl CavgaLearner {
    /// The values of the objective's terms, and their weighted sum as it is descended: `own`, that without the adversary, and the
    /// adversary's by what is left of its push, where there is one.
    pub(super) fn losses(
        &self,
        objective: &Objective,
        own: &Tensor<1>,
        factor: Option<f64>,
        step: u64,
    ) -> Result<Losses> {
        let reconstruction = finite("reconstruction", &objective.reconstruction, step)?;
        let divergence = finite("divergence", &objective.divergence, step)?;
        let mut total = finite("total", own, step)?;
        let mut terms = vec![
            ("reconstruction", reconstruction),
            ("divergence", divergence),
        ];
        if let (Some(adversarial), Some(factor)) = (&objective.adversarial, factor) {
            let adversarial = finite("adversarial", adversarial, step)?;
            total += self.config.weights.adversarial * factor * adversarial;
            terms.extend([("adversarial", adversarial), ("adversarial_factor", factor)]);
        }
        let mut losses = vec![("total", total)];
        losses.extend(terms);
        match &objective.guidance {
            Guidance::Expansion(loss) => {
                losses.push((
                    "attention_expansion",
                    finite("attention_expansion", loss, step)?,
                ));
            }
            Guidance::Classes {
                classification,
                guided_attention,
            } => losses.extend([
                (
                    "classification",
                    finite("classification", classification, step)?,
                ),
                (
                    "guided_attention",
                    finite("guided_attention", guided_attention, step)?,
                ),
            ]),
        }
        Ok(losses)
    }

    /// Mean and deviation over the batch of the attention, or of that of each class.
    pub(super) fn attention_statistics(
        &mut self,
        attention: &Tensor<4>,
        step: u64,
    ) -> Result<Losses> {
        let names: &[[&'static str; 2]] = match attention.dims()[1] {
            1 => &[["attention_mean", "attention_spread"]],
            _ => &[
                ["attention_normal_mean", "attention_normal_spread"],
                ["attention_anomalous_mean", "attention_anomalous_spread"],
            ],
        };
        let mut found = Losses::new();
        for (map, &[mean_name, spread_name]) in names.iter().enumerate() {
            let map = attention.clone().narrow(1, map, 1);
            let mean = finite(mean_name, &map.clone().mean(), step)?;
            let variance = map.sub_scalar(mean).square().mean();
            let spread = finite(spread_name, &variance, step)?.sqrt();
            let name = mean_name.trim_end_matches("_mean");
            self.watch.attention(name, mean, spread, step);
            found.extend([(mean_name, mean), (spread_name, spread)]);
        }
        Ok(found)
    }
}
