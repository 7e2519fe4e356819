//! What a user should hear of while CAVGA learns: an attention that says nothing any more, a classifier that calls everything the same.

/// Images of a class, one after the other, that must all be called the other before the classifier counts as collapsed.
const RUN: u32 = 16;

/// Watches a training; speaks of each thing once. What it has seen is not part of a checkpoint: it changes nothing that is learnt.
#[derive(Debug, Default)]
pub(super) struct Watch {
    saturated: bool,
    collapsed: bool,
    /// Images of each class, normal and anomalous, that the classifier missed in a row.
    missed: [u32; 2],
}

impl Watch {
    /// Mean and deviation of an attention over a batch.
    pub(super) fn attention(&mut self, name: &str, mean: f64, spread: f64, step: u64) {
        if !(0.01..=0.99).contains(&mean) && spread < 0.01 && !self.saturated {
            self.saturated = true;
            tracing::warn!(
                step,
                mean,
                spread,
                "{name} is saturated: the paper's map carries next to nothing; the deviation maps do not depend on it"
            );
        }
    }

    /// What the classifier says of a batch, above 0 for "anomalous", and its loss.
    pub(super) fn classifier(
        &mut self,
        evidence: &[f32],
        anomalous: &[bool],
        loss: f64,
        step: u64,
    ) {
        for (&evidence, &anomalous) in evidence.iter().zip(anomalous) {
            let missed = &mut self.missed[usize::from(anomalous)];
            *missed = if (evidence > 0.0) == anomalous {
                0
            } else {
                missed.saturating_add(1)
            };
        }
        let [normal, of_anomalous] = self.missed;
        if normal.max(of_anomalous) >= RUN && !self.collapsed {
            self.collapsed = true;
            let [whom, what] = if of_anomalous >= RUN {
                ["anomalous", "normal"]
            } else {
                ["normal", "anomalous"]
            };
            tracing::warn!(
                step,
                loss,
                "the classifier calls everything {what}: the last {RUN} {whom} training images were missed; a larger \
                 method.weights.classifier or method.weights.anomalous gives it more to learn from"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_classifier_that_misses_one_class_in_a_row_has_collapsed() {
        let mut watch = Watch::default();
        for step in 0..RUN - 1 {
            watch.classifier(&[-1.0, -1.0], &[false, true], 0.1, u64::from(step));
        }
        // One that is right is enough to start anew.
        watch.classifier(&[0.5], &[true], 0.1, 20);
        assert!(!watch.collapsed);
        for step in 0..RUN {
            watch.classifier(&[-1.0], &[true], 0.1, u64::from(step));
        }
        assert!(watch.collapsed);
    }
}
