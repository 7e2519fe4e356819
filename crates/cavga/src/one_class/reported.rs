//! Image AUROC per class as the paper's table 7 reports it, class 0 to 9, of CAVGA, the strongest that it compares with, and the
//! methods that are to be had here.

use cavga_data::Known;

use super::Protocol;
use crate::tables::reported::{MEAN, Source, reported as printed};

/// Whose, as the paper calls them.
const SYSTEMS: [&str; 6] = [
    "CAVGA-D_u",
    "γ-VAE_g",
    "LSA",
    "β-VAE",
    "CapsNet_PP",
    "CapsNet_RE",
];

/// Reported figures of one method.
pub(super) struct Reported {
    pub(super) method: &'static str,
    /// Of each class; none where only the mean is known.
    pub(super) classes: Option<[f64; 10]>,
    pub(super) mean: f64,
    /// How the mean is known.
    pub(super) source: Source,
    /// By which they were measured.
    pub(super) protocol: Protocol,
}

/// What is reported for a dataset, to stand beside what is measured by a protocol: the whole of table 7 beside its own.
pub(super) fn reported(dataset: Known, protocol: Protocol) -> Vec<Reported> {
    let of = |&method: &&'static str| {
        let number = |row: &str| printed((7, "image_auroc"), (dataset.name(), row), method);
        let classes: Vec<_> = (0..10)
            .map_while(|class| Some(number(&class.to_string())?.value))
            .collect();
        let mean = number(MEAN)?;
        Some(Reported {
            method,
            classes: classes.try_into().ok(),
            mean: mean.value,
            source: mean.source,
            protocol: mean.protocol,
        })
    };
    let stands = |row: &Reported| protocol == Protocol::OneVsRest || row.protocol == protocol;
    SYSTEMS.iter().filter_map(of).filter(stands).collect()
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
            let rows = reported(dataset, Protocol::OneVsRest);
            assert_eq!((rows[0].method, rows[0].mean), ("CAVGA-D_u", mean));
            assert_eq!(rows[0].classes.is_some(), has_classes);
        }
        assert!(reported(Known::MvtecAd, Protocol::OneVsRest).is_empty());
    }

    #[test]
    fn beside_the_capsule_networks_protocol_stand_its_own_figures_alone() {
        let rows = reported(Known::Mnist, Protocol::RestVsOne);
        let methods: Vec<_> = rows.iter().map(|row| row.method).collect();
        assert_eq!(methods, ["CapsNet_PP", "CapsNet_RE"]);
    }
}
