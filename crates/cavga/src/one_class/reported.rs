//! Image AUROC per class as the paper's table 7 reports it, class 0 to 9. The cells were not read in the paper itself: they are
//! recalled, and checked against its means and the improvements that its figure 1 prints.

use cavga_data::Known;

use super::Protocol;

/// Reported figures of one method.
pub(super) struct Reported {
    pub(super) method: &'static str,
    /// Of each class; none where only the mean is known.
    pub(super) classes: Option<[f64; 10]>,
    pub(super) mean: f64,
    /// By which they were measured.
    pub(super) protocol: Protocol,
}

const fn all(method: &'static str, classes: [f64; 10], mean: f64) -> Reported {
    Reported {
        method,
        classes: Some(classes),
        mean,
        protocol: Protocol::OneVsRest,
    }
}

const fn mean(method: &'static str, mean: f64) -> Reported {
    Reported {
        method,
        classes: None,
        mean,
        protocol: Protocol::OneVsRest,
    }
}

impl Reported {
    const fn of_rest_vs_one(mut self) -> Self {
        self.protocol = Protocol::RestVsOne;
        self
    }
}

/// CAVGA, the strongest that it compares with, and the methods that are to be had here.
const MNIST: [Reported; 5] = [
    all(
        "CAVGA-D_u",
        [
            0.994, 0.997, 0.989, 0.983, 0.977, 0.968, 0.988, 0.986, 0.988, 0.991,
        ],
        0.986,
    ),
    all(
        "γ-VAE_g",
        [
            0.991, 0.996, 0.983, 0.978, 0.976, 0.972, 0.993, 0.981, 0.980, 0.967,
        ],
        0.982,
    ),
    all(
        "LSA",
        [
            0.993, 0.999, 0.959, 0.966, 0.956, 0.964, 0.994, 0.980, 0.953, 0.981,
        ],
        0.975,
    ),
    all(
        "CapsNet PP",
        [
            0.998, 0.990, 0.984, 0.976, 0.935, 0.970, 0.942, 0.987, 0.993, 0.990,
        ],
        0.977,
    )
    .of_rest_vs_one(),
    all(
        "CapsNet RE",
        [
            0.947, 0.907, 0.970, 0.949, 0.872, 0.966, 0.909, 0.934, 0.929, 0.871,
        ],
        0.925,
    )
    .of_rest_vs_one(),
];
const FASHION: [Reported; 4] = [
    mean("CAVGA-D_u", 0.885),
    mean("LSA", 0.876),
    mean("CapsNet PP", 0.765).of_rest_vs_one(),
    mean("CapsNet RE", 0.679).of_rest_vs_one(),
];
/// CapsNet PP's cells, as recalled, do not have its mean.
const CIFAR: [Reported; 5] = [
    all(
        "CAVGA-D_u",
        [
            0.653, 0.784, 0.761, 0.747, 0.775, 0.552, 0.813, 0.745, 0.801, 0.741,
        ],
        0.737,
    ),
    all(
        "γ-VAE_g",
        [
            0.702, 0.663, 0.680, 0.713, 0.770, 0.689, 0.805, 0.588, 0.813, 0.744,
        ],
        0.717,
    ),
    all(
        "LSA",
        [
            0.735, 0.580, 0.690, 0.542, 0.761, 0.546, 0.751, 0.535, 0.717, 0.548,
        ],
        0.641,
    ),
    mean("CapsNet PP", 0.612).of_rest_vs_one(),
    all(
        "CapsNet RE",
        [
            0.371, 0.737, 0.421, 0.588, 0.388, 0.601, 0.491, 0.631, 0.410, 0.671,
        ],
        0.531,
    )
    .of_rest_vs_one(),
];

/// What is reported for a dataset, to stand beside what is measured by a protocol: the whole of table 7 beside its own.
pub(super) fn reported(
    dataset: Known,
    protocol: Protocol,
) -> impl Iterator<Item = &'static Reported> {
    let rows: &[Reported] = match dataset {
        Known::Mnist => &MNIST,
        Known::FashionMnist => &FASHION,
        Known::Cifar10 => &CIFAR,
        _ => &[],
    };
    rows.iter()
        .filter(move |row| protocol == Protocol::OneVsRest || row.protocol == protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_means_are_those_of_the_cells() {
        for known in Known::ALL {
            for row in reported(known, Protocol::OneVsRest) {
                let Some(classes) = row.classes else { continue };
                let mean = classes.iter().sum::<f64>() / 10.0;
                assert!(
                    (mean - row.mean).abs() < 6e-4,
                    "{known} {}: {mean}",
                    row.method
                );
            }
        }
    }
}
