//! Where a network's first weights come from, as a configuration says it.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// Where a network's first weights come from: `"auto"`, `"none"`, or a file's path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// Pretrained weights from the cache folder, fetched from their home if they are not there.
    #[default]
    Auto,
    /// None: the network begins with random weights.
    None,
    /// This file. A file that is called `auto` or `none` is given as `./auto`.
    File(PathBuf),
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "none" => Self::None,
            path => Self::File(path.into()),
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::File(path) => serializer.serialize_str(path.to_str().ok_or_else(|| {
                ser::Error::custom(format!("{}: this path is not UTF-8", path.display()))
            })?),
            word => serializer.collect_str(word),
        }
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Err(de::Error::custom(
                "weights are \"auto\", \"none\" or the path of a file, found \"\"",
            ));
        }
        let Ok(source) = text.parse();
        Ok(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Config {
        weights: Source,
    }

    #[test]
    fn it_is_one_word_or_a_path_in_toml() {
        for (text, source) in [
            ("auto", Source::Auto),
            ("none", Source::None),
            ("./auto", Source::File("./auto".into())),
            ("a b/c.pth", Source::File("a b/c.pth".into())),
        ] {
            let config = Config { weights: source };
            let toml = format!("weights = {text:?}\n");
            assert_eq!(toml::to_string(&config).unwrap(), toml);
            assert_eq!(toml::from_str::<Config>(&toml).unwrap(), config);
        }
        let error = toml::from_str::<Config>("weights = \"\"").unwrap_err();
        assert!(error.to_string().contains("the path of a file"), "{error}");
    }
}
