//! Image AUROC per class as the paper's table 7 reports it, class 0 to 9, of CAVGA and of the strongest that it compares with.

use cavga_data::Known;

use crate::tables::reported::{MEAN, reported as printed};

/// Reported figures of one method.
pub(super) struct Reported {
    pub(super) method: &'static str,
    /// Of each class; none where only the mean is known.
    pub(super) classes: Option<[f64; 10]>,
    pub(super) mean: f64,
}

/// What is reported for a dataset.
pub(super) fn reported(dataset: Known) -> Vec<Reported> {
    let methods = match dataset {
        Known::FashionMnist => ["CAVGA-D_u", "LSA"],
        _ => ["CAVGA-D_u", "γ-VAE_g"],
    };
    let of = |method: &'static str| {
        let value =
            |row: &str| Some(printed((7, "image_auroc"), (dataset.name(), row), method)?.value);
        let classes: Vec<_> = (0..10)
            .map_while(|class| value(&class.to_string()))
            .collect();
        Some(Reported {
            method,
            classes: classes.try_into().ok(),
            mean: value(MEAN)?,
        })
    };
    methods.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cavga_comes_first_and_is_reported_for_the_papers_sets_alone() {
        for (dataset, mean, has_classes) in [
            (Known::Mnist, 0.986, true),
            (Known::Cifar10, 0.737, true),
            (Known::FashionMnist, 0.885, false),
        ] {
            let [first, _] = &*reported(dataset) else {
                panic!("{dataset}");
            };
            assert_eq!((first.method, first.mean), ("CAVGA-D_u", mean));
            assert_eq!(first.classes.is_some(), has_classes);
        }
        assert!(reported(Known::MvtecAd).is_empty());
    }
}
