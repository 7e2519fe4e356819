//! The arguments that say which images make up a dataset, the same for every verb that takes one.

use std::path::{Path, PathBuf};

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
    /// The one class that is anomalous, in place of the one that is normal: the others are learnt with their classes
    #[arg(
        long,
        value_name = "K",
        requires = "dataset",
        conflicts_with = "normal_class"
    )]
    pub(crate) anomalous_class: Option<u8>,
    /// Your own normal images: folders (with those below them), files, or quoted globs as in 'parts/*/ok/*.png'
    #[arg(long, value_name = "DIR|GLOB", num_args = 1.., conflicts_with = "dataset")]
    pub(crate) normal: Vec<String>,
    /// Anomalous images to test on, likewise; each one's kind is its folder's name
    #[arg(long, value_name = "DIR|GLOB", num_args = 1.., conflicts_with = "dataset")]
    pub(crate) anomalous: Vec<String>,
    /// Normal images to test on, likewise; without it, and with anomalous ones, some of --normal by seed
    #[arg(long, value_name = "DIR|GLOB", num_args = 1.., conflicts_with = "dataset")]
    pub(crate) test_normal: Vec<String>,
    /// The masks of the anomalous images; any names that tell one image each
    #[arg(long, value_name = "DIR|GLOB", conflicts_with = "dataset")]
    pub(crate) masks: Option<String>,
    /// All of it as a table, CSV or Parquet: path, label, kind, mask, split, group
    #[arg(long, value_name = "FILE", conflicts_with = "dataset")]
    pub(crate) index: Option<PathBuf>,
    /// Outlines of the defects: a COCO JSON, or a folder of LabelMe JSONs
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "dataset")]
    pub(crate) annotations: Option<PathBuf>,
    /// The share of the normal images that are tested on, where nothing else says which
    #[arg(long, value_name = "SHARE")]
    pub(crate) test_share: Option<f64>,
    /// Seed of that choice
    #[arg(long, value_name = "N")]
    pub(crate) split_seed: Option<u64>,
    /// Tell of images that are in train and test, and go on
    #[arg(long)]
    pub(crate) allow_leaks: bool,
    /// Let an index name files outside of its folder and the dataset's
    #[arg(long)]
    pub(crate) outside: bool,
}

impl Dataset {
    /// `settings` changed by what is asked for. Whoever names a dataset or files of their own names all of it: nothing else of the
    /// settings says which images are meant then.
    pub(crate) fn over(&self, settings: DatasetSpec) -> DatasetSpec {
        let which = DatasetSpec {
            name: self.dataset,
            category: self.category.clone(),
            normal_class: self.normal_class,
            anomalous_class: self.anomalous_class,
            normal: self.normal.clone(),
            anomalous: self.anomalous.clone(),
            test_normal: self.test_normal.clone(),
            masks: self.masks.clone(),
            index: self.index.clone(),
            annotations: self.annotations.clone(),
            ..DatasetSpec::default()
        };
        let named = which != DatasetSpec::default();
        DatasetSpec {
            test_share: self.test_share.unwrap_or(settings.test_share),
            split_seed: self.split_seed.unwrap_or(settings.split_seed),
            allow_leaks: self.allow_leaks || settings.allow_leaks,
            outside: self.outside || settings.outside,
            ..if named { which } else { settings }
        }
    }

    /// What is asked for, without settings.
    pub(crate) fn spec(&self) -> DatasetSpec {
        self.over(DatasetSpec::default())
    }

    /// The folder that its paths are relative to: the one given, else, where files of one's own are named, the current one.
    pub(crate) fn root<'a>(&self, given: Option<&'a Path>) -> Option<&'a Path> {
        given.or(self.spec().is_own().then_some(Path::new(".")))
    }
}

/// Which normal images of the folder are meant, for a verb that wants no others.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Dataset")]
pub(crate) struct NormalImages {
    /// A public dataset, by its own layout and protocol, whose training images are meant; cavga train --help lists them
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<Known>,
    /// Its category, scene or product, where it has several, as in bottle
    #[arg(long, value_name = "C", requires = "dataset")]
    pub(crate) category: Option<String>,
    /// The one class that is normal, for a dataset of classes: the number of MNIST's digit
    #[arg(long, value_name = "K", requires = "dataset")]
    pub(crate) normal_class: Option<u8>,
    /// The one class that is anomalous, in place of the one that is normal: the others are learnt with their classes
    #[arg(
        long,
        value_name = "K",
        requires = "dataset",
        conflicts_with = "normal_class"
    )]
    pub(crate) anomalous_class: Option<u8>,
    /// Your own normal images: folders (with those below them), files, or quoted globs as in 'parts/*/ok/*.png'
    #[arg(long, value_name = "DIR|GLOB", num_args = 1.., conflicts_with = "dataset")]
    pub(crate) normal: Vec<String>,
    /// A table, CSV or Parquet, whose normal training images are meant: path, label, split, group
    #[arg(long, value_name = "FILE", conflicts_with = "dataset")]
    pub(crate) index: Option<PathBuf>,
    /// Let an index name files outside of its folder and the dataset's
    #[arg(long, requires = "index")]
    pub(crate) outside: bool,
}

impl NormalImages {
    /// What is asked for.
    pub(crate) fn spec(&self) -> DatasetSpec {
        DatasetSpec {
            name: self.dataset,
            category: self.category.clone(),
            normal_class: self.normal_class,
            anomalous_class: self.anomalous_class,
            normal: self.normal.clone(),
            index: self.index.clone(),
            outside: self.outside,
            ..DatasetSpec::default()
        }
    }
}

/// A dataset's folder, and which images below it are meant.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Root {
    /// The dataset's folder; without it, the current one
    #[arg(default_value = ".")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) dataset: Dataset,
}
