//! Anomalous images: a part in the classifier's loss, and no other.

use burn::tensor::Tensor;
use cavga_nn::{layers::Mode, losses};

use super::{super::Labels, CavgaLearner};
use crate::{Batch, Error, Losses, Result, check::finite};

impl CavgaLearner {
    /// A batch without a normal image: there is nothing to reconstruct and no attention to guide.
    pub(super) fn observe_anomalous(
        &mut self,
        images: Tensor<4>,
        labels: &Labels,
        batch: &Batch,
    ) -> Result<Losses> {
        let step = batch.step;
        // What is anomalous alone must not become what the batch norms take for normal.
        let seen = self.see(images, batch.pass, Mode::Look);
        let mu = self.vae.latent().mean(seen.features.clone());
        let logits = self.vae.classify(mu).ok_or(Error::NoImages(
            "a batch of anomalous images, which this method does not learn from",
        ))?;
        let loss = labels.classification(logits.clone(), &self.config);
        let classification = finite("classification", &loss, step)?;
        self.watch_classifier(logits, labels, classification, step);
        let weight = self.config.weights.classifier;
        self.step(&[loss.mul_scalar(weight).backward()]);
        Ok(vec![
            ("total", weight * classification),
            ("classification", classification),
        ])
    }

    pub(super) fn watch_classifier(
        &mut self,
        logits: Tensor<2>,
        labels: &Labels,
        loss: f64,
        step: u64,
    ) {
        let evidence = losses::evidence(logits).into_data().convert::<f32>();
        let evidence: Vec<f32> = evidence.iter::<f32>().collect();
        self.watch
            .classifier(&evidence, labels.anomalous(), loss, step);
    }
}
