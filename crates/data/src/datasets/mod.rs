//! Public datasets by name: where each keeps its images, and by which protocol they are used.
//!
//! A dataset's own page is in `docs/datasets.md`.

mod btad;
mod cifar;
mod kolektor;
mod lag;
mod magnetic_tile;
mod mnist;
mod mpdd;
pub(crate) mod mstc;
mod mvtec_ad;
mod mvtec_ad_2;
mod mvtec_loco;
mod one_class;
mod protocol;
mod ucsd_ped;
pub(crate) mod video;
mod visa;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::scan::Scan;
use crate::spec::DatasetSpec;

/// A public dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// MVTec AD: 15 categories of industrial parts and textures.
    MvtecAd,
    /// Every fifth frame of ShanghaiTech Campus, 12 scenes: the paper's mSTC.
    Mstc,
    /// LAG: fundus images, normal or glaucoma, with attention maps.
    Lag,
    /// MNIST's digits, one class normal.
    Mnist,
    /// Fashion-MNIST's clothes, one class normal.
    FashionMnist,
    /// CIFAR-10, one class normal.
    #[serde(rename = "cifar-10")]
    Cifar10,
    /// VisA: 12 categories.
    Visa,
    /// MVTec LOCO AD: 5 categories, logical and structural anomalies, saturation areas.
    MvtecLoco,
    /// MVTec AD 2: 8 categories.
    #[serde(rename = "mvtec-ad-2")]
    MvtecAd2,
    /// BTAD: 3 products.
    Btad,
    /// MPDD: 6 painted metal parts.
    Mpdd,
    /// KolektorSDD: electrical commutators.
    Kolektor,
    /// Magnetic tile defects.
    MagneticTile,
    /// UCSD Pedestrian: Ped1 and Ped2.
    UcsdPed,
}

impl Known {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::MvtecAd,
        Self::Mstc,
        Self::Lag,
        Self::Mnist,
        Self::FashionMnist,
        Self::Cifar10,
        Self::Visa,
        Self::MvtecLoco,
        Self::MvtecAd2,
        Self::Btad,
        Self::Mpdd,
        Self::Kolektor,
        Self::MagneticTile,
        Self::UcsdPed,
    ];

    /// Its name as a user writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::MvtecAd => "mvtec-ad",
            Self::Mstc => "mstc",
            Self::Lag => "lag",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar-10",
            Self::Visa => "visa",
            Self::MvtecLoco => "mvtec-loco",
            Self::MvtecAd2 => "mvtec-ad-2",
            Self::Btad => "btad",
            Self::Mpdd => "mpdd",
            Self::Kolektor => "kolektor",
            Self::MagneticTile => "magnetic-tile",
            Self::UcsdPed => "ucsd-ped",
        }
    }

    /// The names of its classes, for a dataset of classes; else none.
    pub fn classes(self) -> &'static [&'static str] {
        match self {
            Self::Mnist => &mnist::DIGITS.classes,
            Self::FashionMnist => &mnist::CLOTHES.classes,
            Self::Cifar10 => &cifar::NAMES,
            _ => &[],
        }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Known {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|known| known.name() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|known| known.name()).collect();
            format!("expected one of {}, found {text:?}", names.join(", "))
        })
    }
}

/// What is found of a dataset below `root`.
pub(crate) fn scan(known: Known, spec: &DatasetSpec, root: &Path) -> Scan {
    match known {
        Known::MvtecAd => mvtec_ad::SET.scan(spec, root),
        Known::Mnist => mnist::scan(&mnist::DIGITS, spec, root),
        Known::FashionMnist => mnist::scan(&mnist::CLOTHES, spec, root),
        Known::Cifar10 => cifar::scan(spec, root),
        Known::Visa => visa::scan(spec, root),
        Known::MvtecLoco => mvtec_loco::scan(spec, root),
        Known::MvtecAd2 => mvtec_ad_2::scan(spec, root),
        Known::Btad => btad::SET.scan(spec, root),
        Known::Mpdd => mpdd::SET.scan(spec, root),
        Known::Mstc => mstc::scan(spec, root),
        Known::Lag => lag::scan(spec, root),
        Known::Kolektor => kolektor::scan(spec, root),
        Known::MagneticTile => magnetic_tile::scan(spec, root),
        Known::UcsdPed => ucsd_ped::scan(spec, root),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_text_and_in_a_configuration() {
        use serde::de::{IntoDeserializer, value::Error};
        for known in Known::ALL {
            let read = known.name().into_deserializer();
            assert_eq!(Known::deserialize(read), Ok::<_, Error>(known));
            assert_eq!(known.name().parse(), Ok(known));
        }
        let error = "mvtec".parse::<Known>().unwrap_err();
        assert!(error.contains("mvtec-ad, mstc"), "{error}");
    }
}
