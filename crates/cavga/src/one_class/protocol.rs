//! Which class, or classes, are normal.

use std::{fmt, str::FromStr};

use cavga_data::DatasetSpec;

/// What a class in its turn is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// The normal one, all others being anomalous: the paper's, after ADGAN.
    #[default]
    OneVsRest,
    /// The anomalous one, all others being normal and learnt with their classes: that of CapsNet's own paper (Li et al. 2019).
    RestVsOne,
}

impl Protocol {
    const ALL: [Self; 2] = [Self::OneVsRest, Self::RestVsOne];

    /// Its name as a user writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneVsRest => "one-vs-rest",
            Self::RestVsOne => "rest-vs-one",
        }
    }

    /// The names of the table's files, Markdown and CSV.
    pub fn files(self) -> [&'static str; 2] {
        match self {
            Self::OneVsRest => ["one-class.md", "one-class.csv"],
            Self::RestVsOne => ["rest-vs-one.md", "rest-vs-one.csv"],
        }
    }

    /// What a class in its turn is, in a word.
    pub(super) fn turn(self) -> &'static str {
        match self {
            Self::OneVsRest => "normal",
            Self::RestVsOne => "anomalous",
        }
    }

    /// The folder of a class's run.
    pub(super) fn folder(self, class: u8, seed: u64) -> String {
        match self {
            Self::OneVsRest => format!("class-{class}-seed-{seed}"),
            Self::RestVsOne => format!("all-but-{class}-seed-{seed}"),
        }
    }

    /// How many classes are learnt, of so many.
    pub(super) fn learnt(self, classes: usize) -> usize {
        match self {
            Self::OneVsRest => 1,
            Self::RestVsOne => classes - 1,
        }
    }

    /// The images of a class's turn, of a dataset that `spec` names.
    pub(super) fn spec(self, spec: DatasetSpec, class: u8) -> DatasetSpec {
        let (normal_class, anomalous_class) = match self {
            Self::OneVsRest => (Some(class), None),
            Self::RestVsOne => (None, Some(class)),
        };
        DatasetSpec {
            normal_class,
            anomalous_class,
            ..spec
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| {
            let [first, second] = Self::ALL;
            format!("expected {first} or {second}, found {text:?}")
        })
    }
}
