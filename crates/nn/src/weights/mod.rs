//! Weight files.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where weights come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Source {
    /// The cache folder, or home.
    Auto,
    /// Drawn from the seed.
    #[default]
    None,
    /// A file.
    File(PathBuf),
}

impl From<String> for Source {
    fn from(text: String) -> Self {
        match text.as_str() {
            "auto" => Self::Auto,
            "none" => Self::None,
            _ => Self::File(text.into()),
        }
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        match source {
            Source::Auto => "auto".into(),
            Source::None => "none".into(),
            Source::File(path) => path.display().to_string(),
        }
    }
}
