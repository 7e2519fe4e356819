//! What a user should hear of while CAVGA learns: an attention that says nothing any more, a classifier that calls everything the same.

/// Images of a class, normal and anomalous, that must all be called the other in a row before the classifier counts as collapsed. There are few
/// anomalous ones, of which each pass shows every one; an untrained classifier may call the normal ones of a batch all the same.
const RUNS: [u32; 2] = [64, 8];

/// Watches a training; speaks of each thing once. What it has seen is not part of a checkpoint: it changes nothing that is learnt.
#[derive(Debug, Default)]
pub(super) struct Watch {
    saturated: bool,
    /// For each class, normal and anomalous, whether it was said to be missed.
    collapsed: [bool; 2],
    /// Images of each class that the classifier missed in a row.
    missed: [u32; 2],
    /// The classifier's last loss, and when that was.
    last: (f64, u64),
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
        self.last = (loss, step);
        for (&evidence, &anomalous) in evidence.iter().zip(anomalous) {
            let missed = &mut self.missed[usize::from(anomalous)];
            *missed = if (evidence > 0.0) == anomalous {
                0
            } else {
                missed.saturating_add(1)
            };
        }
        for class in [0, 1] {
            if self.missed[class] >= RUNS[class] {
                self.warn_of_collapse(class);
            }
        }
    }

    /// The end of the training: a few anomalous images that were missed at last are no long run, and yet all that there is to say.
    pub(super) fn end(&mut self) {
        if self.missed[1] > 1 {
            self.warn_of_collapse(1);
        }
    }

    fn warn_of_collapse(&mut self, class: usize) {
        if std::mem::replace(&mut self.collapsed[class], true) {
            return;
        }
        let [whom, what] = [["normal", "anomalous"], ["anomalous", "normal"]][class];
        let (missed, (loss, step)) = (self.missed[class], self.last);
        tracing::warn!(
            step,
            loss,
            "the classifier calls everything {what}: the last {missed} {whom} training images were missed; a larger \
             method.weights.classifier, or method.weights.anomalous, gives it more to learn from"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_classifier_that_misses_one_class_in_a_row_has_collapsed() {
        let mut watch = Watch::default();
        for step in 1..8 {
            watch.classifier(&[-1.0, -1.0], &[false, true], 0.1, step);
        }
        // One that is right is enough to start anew.
        watch.classifier(&[0.5], &[true], 0.1, 8);
        assert_eq!(watch.collapsed, [false, false]);
        for step in 9..17 {
            watch.classifier(&[-1.0], &[true], 0.1, step);
        }
        assert_eq!(watch.collapsed, [false, true]);
    }

    #[test]
    fn a_first_batch_of_one_sign_is_no_collapse_and_uses_up_no_warning() {
        let mut watch = Watch::default();
        watch.classifier(&[1.0; 32], &[false; 32], 0.1, 0);
        assert_eq!(watch.collapsed, [false, false]);
    }

    #[test]
    fn a_short_training_that_ends_with_every_anomalous_image_missed_says_so() {
        let mut watch = Watch::default();
        watch.classifier(&[-1.0], &[true], 0.1, 0);
        watch.classifier(&[-1.0], &[true], 0.1, 1);
        watch.end();
        assert_eq!(watch.collapsed, [false, true]);
    }
}
