//! Settings that methods on frozen features share.

use std::{fmt, str::FromStr};

use cavga_nn::{backbone::Kind, weights::Source};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Result, check::check, pretrained::ENCODER, recipe::WantedWeights};

/// The network whose features are looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureConfig {
    /// Which network.
    pub backbone: Kind,
    /// `auto`: its ImageNet weights, from the cache folder or their home; a file of them; or `none`: drawn from the seed, which is only of
    /// use to measure what the weights bring.
    pub weights: Source,
    /// Which of its stages, counted from 1, the finest first.
    pub stages: Vec<usize>,
}

impl Default for FeatureConfig {
    fn default() -> Self {
        Self {
            backbone: Kind::EfficientnetLite0,
            weights: Source::Auto,
            stages: vec![2, 3],
        }
    }
}

impl FeatureConfig {
    pub(crate) fn check(&self) -> Result<()> {
        let most = self.backbone.stages();
        let rises = self.stages.is_sorted_by(|one, next| one < next);
        let exist = self.stages.iter().all(|stage| (1..=most).contains(stage));
        check(
            "encoder.stages",
            rises && exist && !self.stages.is_empty(),
            &format!(
                "stages of {} in rising order, 1 to {most}",
                self.backbone.name()
            ),
            &format!("{:?}", self.stages),
        )
    }

    /// Where the network's weights are to come from.
    pub(crate) fn wanted(&self) -> WantedWeights {
        WantedWeights {
            key: ENCODER,
            network: self.backbone.name(),
            source: self.weights.clone(),
            is_published: true,
        }
    }

    /// Channels of all its features.
    pub(crate) fn channels(&self) -> usize {
        let of = self.backbone.tap_channels();
        let stages = self.stages.iter();
        stages
            .filter_map(|&stage| of.get(stage.checked_sub(1)?))
            .sum()
    }
}

/// How the rows of a memory bank are kept. Arithmetic is always of single precision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// Half precision: half the memory and half the model, features rounded to three digits.
    F16,
}

impl From<Precision> for cavga_nn::kernels::bank::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::F16 => Self::F16,
        }
    }
}

/// An amount of memory, as in `2 GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory(u64);

const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl Memory {
    /// So many GiB.
    pub const fn gib(count: u64) -> Self {
        Self(count << 30)
    }

    /// So many MiB.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("expected an amount of memory as in \"2 GiB\" or \"512 MiB\", found {text:?}")
        };
        let parsed = UNITS.iter().find_map(|(unit, bytes)| {
            let count: f64 = text.trim().strip_suffix(unit)?.trim().parse().ok()?;
            let bytes = count * *bytes as f64;
            (bytes >= 1.0 && bytes < u64::MAX as f64).then_some(Self(bytes as u64))
        });
        parsed.ok_or_else(wrong)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS
            .iter()
            .find(|(_, bytes)| self.0.is_multiple_of(*bytes));
        match whole {
            Some((unit, bytes)) => write!(f, "{} {unit}", self.0 / bytes),
            None => write!(f, "{} KiB", self.0 as f64 / 1024.0),
        }
    }
}

impl Serialize for Memory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_written_as_it_is_read() {
        for text in ["2 GiB", "512 MiB", "3 KiB", "0.5 KiB"] {
            assert_eq!(text.parse::<Memory>().unwrap().to_string(), text);
        }
        assert_eq!("1.5GiB".parse::<Memory>().unwrap().to_string(), "1536 MiB");
        for text in ["2", "GiB", "-1 GiB", "nan GiB", "0 GiB", "1e99 GiB", "2 GB"] {
            assert!(text.parse::<Memory>().is_err(), "{text}");
        }
    }

    #[test]
    fn stages_exist_and_rise() {
        let with = |stages: &[usize]| FeatureConfig {
            stages: stages.to_vec(),
            ..FeatureConfig::default()
        };
        assert!(with(&[1, 2, 5]).check().is_ok());
        for wrong in [&[][..], &[0, 1], &[2, 2], &[3, 2], &[6]] {
            let said = with(wrong).check().unwrap_err().to_string();
            assert!(said.contains("1 to 5"), "{said}");
        }
    }
}
