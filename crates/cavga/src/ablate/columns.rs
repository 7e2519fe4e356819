//! The columns of table 8: what each leaves out of CAVGA, and the IoU that the paper printed for it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Which CAVGA is taken apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parts {
    /// CAVGA-R, as in the paper's table.
    #[default]
    R,
    /// CAVGA-D, which the paper's table doesn't have.
    D,
}

impl fmt::Display for Parts {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::R => "r",
            Self::D => "d",
        })
    }
}

impl FromStr for Parts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "r" => Ok(Self::R),
            "d" => Ok(Self::D),
            _ => Err("expected r or d".to_owned()),
        }
    }
}

/// A column of table 8.
#[derive(Debug, PartialEq)]
pub struct Column {
    /// Its name, as a folder.
    pub name: &'static str,
    /// Whether it learns from anomalous images too.
    pub weak: bool,
    /// Whether its latent is flat: "*" in the paper.
    pub flat: bool,
    /// Whether its objective has the term of the attention: L_ae, or weakly supervised L_cga.
    pub term: bool,
    /// IoU as printed: of bottle, hazelnut, capsule, metal nut, leather, and the mean over all of MVTec AD.
    printed: [f64; 6],
}

/// The categories of which table 8 has a row, in the order of [`Column::printed`].
const CATEGORIES: [&str; 5] = ["bottle", "hazelnut", "capsule", "metal nut", "leather"];

/// Table 8 of Venkataramanan et al., ECCV 2020, from left to right.
pub const COLUMNS: [Column; 8] = [
    Column {
        name: "c1-u-flat",
        weak: false,
        flat: true,
        term: false,
        printed: [0.24, 0.16, 0.09, 0.28, 0.55, 0.24],
    },
    Column {
        name: "c2-u-flat-ae",
        weak: false,
        flat: true,
        term: true,
        printed: [0.27, 0.26, 0.22, 0.38, 0.71, 0.34],
    },
    Column {
        name: "c3-u-conv",
        weak: false,
        flat: false,
        term: false,
        printed: [0.26, 0.31, 0.14, 0.34, 0.64, 0.33],
    },
    Column {
        name: "c4-u-conv-ae",
        weak: false,
        flat: false,
        term: true,
        printed: [0.33, 0.47, 0.31, 0.45, 0.79, 0.47],
    },
    Column {
        name: "c5-w-flat",
        weak: true,
        flat: true,
        term: false,
        printed: [0.16, 0.51, 0.18, 0.25, 0.72, 0.39],
    },
    Column {
        name: "c6-w-flat-cga",
        weak: true,
        flat: true,
        term: true,
        printed: [0.34, 0.76, 0.36, 0.38, 0.79, 0.52],
    },
    Column {
        name: "c7-w-conv",
        weak: true,
        flat: false,
        term: false,
        printed: [0.28, 0.67, 0.27, 0.28, 0.75, 0.48],
    },
    Column {
        name: "c8-w-conv-cga",
        weak: true,
        flat: false,
        term: true,
        printed: [0.39, 0.79, 0.41, 0.46, 0.84, 0.60],
    },
];

/// The keys that tell one column from another, which nobody else may set.
pub(super) const KEYS: [[&str; 3]; 4] = [
    ["method", "name", ""],
    ["method", "latent", "form"],
    ["method", "ae", ""],
    ["method", "cga", ""],
];

impl Column {
    /// The method's name.
    pub(crate) fn method(&self, parts: Parts) -> String {
        format!("cavga-{parts}-{}", if self.weak { "w" } else { "u" })
    }

    /// What tells it from the method as it is, as `key=value`.
    pub(crate) fn settings(&self) -> [String; 2] {
        let form = if self.flat { "flat" } else { "conv" };
        let term = if self.weak { "cga" } else { "ae" };
        [
            format!("method.latent.form={form}"),
            format!("method.{term}={}", self.term),
        ]
    }

    /// Whether it is the method as it is, with nothing left out.
    pub(crate) fn is_whole(&self) -> bool {
        !self.flat && self.term
    }

    /// As the paper's table has it on top, as in `R*_u + L_ae`.
    pub fn title(&self, parts: Parts) -> String {
        let parts = match parts {
            Parts::R => "R",
            Parts::D => "D",
        };
        let star = if self.flat { "*" } else { "" };
        let supervision = if self.weak { "w" } else { "u" };
        let latent = if self.flat { "" } else { " + conv z" };
        let term = match (self.term, self.weak) {
            (false, _) => "",
            (true, false) => " + L_ae",
            (true, true) => " + L_cga",
        };
        format!("{parts}{star}_{supervision}{latent}{term}")
    }

    /// The paper's IoU, mean over the 15 categories of MVTec AD; there is none of CAVGA-D.
    pub fn reported_mean(&self, parts: Parts) -> Option<f64> {
        let [.., mean] = self.printed;
        (parts == Parts::R).then_some(mean)
    }

    /// The paper's IoU of a category, if its table has a row of it.
    pub fn reported(&self, parts: Parts, category: &str) -> Option<f64> {
        let row = CATEGORIES.iter().position(|known| *known == category)?;
        self.printed.get(row).copied().filter(|_| parts == Parts::R)
    }
}

/// The category of table 8 that a folder's name says, as in `metal_nut` or `Metal Nut`.
pub(super) fn category(folder: &str) -> Option<&'static str> {
    let name = folder.to_lowercase().replace(['_', '-'], " ");
    CATEGORIES.into_iter().find(|known| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_the_papers_in_its_order() {
        let titles = COLUMNS.each_ref().map(|column| column.title(Parts::R));
        assert_eq!(
            titles,
            [
                "R*_u",
                "R*_u + L_ae",
                "R_u + conv z",
                "R_u + conv z + L_ae",
                "R*_w",
                "R*_w + L_cga",
                "R_w + conv z",
                "R_w + conv z + L_cga"
            ]
        );
        let means = COLUMNS
            .each_ref()
            .map(|column| column.reported_mean(Parts::R));
        let printed = [0.24, 0.34, 0.33, 0.47, 0.39, 0.52, 0.48, 0.60];
        assert_eq!(means, printed.map(Some));
    }

    #[test]
    fn a_row_is_reported_for_its_own_category_alone() {
        let last = &COLUMNS[7];
        let of = |folder| category(folder).and_then(|known| last.reported(Parts::R, known));
        assert_eq!(of("Metal_Nut"), Some(0.46));
        assert_eq!(of("leather"), Some(0.84));
        assert_eq!(of("toothbrush"), None);
        assert_eq!(last.reported(Parts::D, "leather"), None);
    }
}
