//! The arguments that say which images make up a dataset, the same for every verb that takes one.

use std::path::PathBuf;

use cavga::data::{DatasetSpec, Known};
use clap::Args as ClapArgs;

/// Which images of the dataset's folder are meant.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Dataset")]
pub(crate) struct Dataset {
    /// A public dataset, by its own layout and protocol: mvtec-ad, mstc, lag, mnist, fashion-mnist, cifar-10, visa,
    /// mvtec-loco, mvtec-ad-2, btad, mpdd, kolektor, magnetic-tile, ucsd-ped
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<Known>,
    /// Its category, scene or product, where it has several, as in bottle
    #[arg(long, value_name = "C", requires = "dataset")]
    pub(crate) category: Option<String>,
    /// The one class that is normal, for a dataset of classes: the number of MNIST's digit
    #[arg(long, value_name = "K", requires = "dataset")]
    pub(crate) normal_class: Option<u8>,
}

impl Dataset {
    /// What is asked for; none where nothing is.
    pub(crate) fn spec(&self) -> Option<DatasetSpec> {
        let spec = DatasetSpec {
            name: self.dataset,
            category: self.category.clone(),
            normal_class: self.normal_class,
        };
        (spec != DatasetSpec::default()).then_some(spec)
    }
}

/// The root of a dataset, and which images below it are meant.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Root {
    /// The dataset's folder
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) dataset: Dataset,
}
