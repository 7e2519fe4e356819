//! Figures of whole images by one score.

use cavga_metrics::{self as metrics, ImageRanking, WeightedImages};

use super::{ALARMS, Extent, Figures, IMAGE_LIMIT, Resampling};

/// How many of the figures, the first, are given of every score.
const SHORT: usize = 3;

/// Images by their score, with the truth of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Images<'a> {
    pub(crate) scores: &'a [f32],
    pub(crate) truth: &'a [bool],
}

type Measure = fn(&WeightedImages<'_>) -> metrics::Result<f64>;

/// What is measured, in the order in which it is shown.
fn measures() -> [(String, Measure); 7] {
    [
        ("image_auroc".to_owned(), |images| images.auroc()),
        ("image_average_precision".to_owned(), |images| {
            images.average_precision()
        }),
        ("image_f1_max".to_owned(), |images| Ok(images.f1_max()?.f1)),
        (format!("image_auroc_to_{IMAGE_LIMIT:.2}"), |images| {
            images.auroc_to(IMAGE_LIMIT)
        }),
        (
            format!("image_auroc_to_{IMAGE_LIMIT:.2}_mcclish"),
            |images| images.auroc_to_mcclish(IMAGE_LIMIT),
        ),
        (format!("image_recall_at_fpr_{ALARMS:.2}"), |images| {
            Ok(images.at_alarm_rate(ALARMS)?.recall)
        }),
        (format!("image_precision_at_fpr_{ALARMS:.2}"), |images| {
            images.at_alarm_rate(ALARMS)?.precision(ALARMS)
        }),
    ]
}

impl Images<'_> {
    /// All figures that need no threshold, or those alone that are of use beside another score's.
    pub(crate) fn figures(&self, prefix: &str, extent: Extent) -> Figures {
        let mut figures = Figures::default();
        let ranking = ImageRanking::new(self.scores, self.truth);
        let ones = vec![1; self.scores.len()];
        for (name, measure) in measures().into_iter().take(extent.of(SHORT)) {
            let value = ranking
                .as_ref()
                .map_err(|reason| *reason)
                .and_then(|ranking| measure(&ranking.weighted(&ones)?));
            figures.add(prefix, &name, value);
        }
        figures
    }

    /// Their intervals over resamples of the images.
    pub(crate) fn intervals(
        &self,
        (figures, prefix): (&mut Figures, &str),
        resampling: &Resampling,
    ) {
        let Ok(ranking) = ImageRanking::new(self.scores, self.truth) else {
            return;
        };
        let measures = measures();
        let values = resampling.values(|weights| {
            let images = ranking.weighted(weights);
            let values = measures
                .iter()
                .map(|(_, measure)| images.and_then(|images| measure(&images)));
            values.collect::<Vec<_>>()
        });
        for (place, (name, _)) in measures.iter().enumerate() {
            let column = values
                .iter()
                .filter_map(|values| values.get(place).copied());
            figures.set_interval(prefix, name, resampling.bootstrap.interval(column));
        }
    }

    /// The interval of a figure of decisions, such as balanced accuracy: `called` says which images are called anomalous.
    pub(crate) fn decision_interval(
        &self,
        called: &[bool],
        resampling: &Resampling,
    ) -> metrics::Result<metrics::Interval> {
        let ranking = ImageRanking::new(self.scores, self.truth)?;
        let values =
            resampling.values(|weights| ranking.weighted(weights)?.balanced_accuracy(called));
        resampling.bootstrap.interval(values)
    }
}
