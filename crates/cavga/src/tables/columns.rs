//! The columns of a table: the paper's systems, and methods that the paper doesn't have.

use cavga_detect::Method;

use super::{
    paper::{Paper, method_of, system_method},
    reported::systems,
};
use crate::{
    Error, Result,
    ablate::{self, COLUMNS, Parts},
    methods,
};

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    /// As one names it: the method, or the ablation's column.
    pub(super) key: String,
    /// As in a heading.
    pub(super) title: String,
    /// What the paper calls it, if the paper has it.
    pub(super) system: Option<&'static str>,
    /// The method, whether this build has it or not.
    pub(super) method: String,
    /// What of the method it leaves out.
    pub(super) ablation: Option<&'static ablate::Column>,
}

impl Column {
    /// A system of the paper's table.
    fn of_paper(system: &'static str) -> Self {
        if let Some(column) = COLUMNS.iter().find(|column| column.name == system) {
            return Self {
                key: system.to_owned(),
                title: column.title(Parts::R),
                system: Some(system),
                method: column.method(Parts::R),
                ablation: Some(column),
            };
        }
        let method = method_of(system).unwrap_or(system);
        Self {
            key: method.to_owned(),
            title: system.to_owned(),
            system: Some(system),
            method: method.to_owned(),
            ablation: None,
        }
    }

    /// A method that the table of the paper doesn't have.
    fn of_method(method: &str) -> Self {
        Self {
            key: method.to_owned(),
            title: method.to_owned(),
            system: None,
            method: method.to_owned(),
            ablation: None,
        }
    }

    /// The method with its own settings, if this build has it.
    pub(super) fn built(&self) -> Option<Method> {
        methods::named(&self.method).ok()
    }

    /// Whether its method has no use for more passes: a memory bank looks at every image once and keeps what it saw.
    pub(super) fn looks_once(&self) -> bool {
        self.built().is_some_and(|method| method.reopens())
    }

    /// As `--set` may name it: its method, and itself where that is another name.
    pub(super) fn names(&self) -> Vec<&str> {
        match self.method == self.key {
            true => vec![&self.method],
            false => vec![&self.method, &self.key],
        }
    }

    /// Whether 0.5 means something on its map.
    pub(super) fn is_cavga(&self) -> bool {
        self.method.starts_with("cavga-")
    }

    /// What its runs' folders are called. A column that leaves nothing out of its method is that method's run in other tables.
    pub(super) fn folder(&self) -> &str {
        match self.ablation {
            Some(column) if !column.is_whole() => column.name,
            _ => &self.method,
        }
    }
}

/// All columns that a table may have: the paper's, and behind them the methods of this build that it doesn't have.
pub(super) fn all(paper: &Paper) -> Vec<Column> {
    let mut columns: Vec<_> = systems(paper.number)
        .into_iter()
        .map(Column::of_paper)
        .collect();
    if paper.number != 8 {
        for method in Method::all() {
            if columns.iter().all(|column| column.method != method.name()) {
                columns.push(Column::of_method(method.name()));
            }
        }
    }
    columns
}

/// The columns of these names, each once: the paper's in its order, then the others in theirs. Without names, the paper's.
///
/// # Errors
/// [`Error::UnknownMethod`]; [`Error::Config`] for a name that the ablation has not.
pub(super) fn asked(paper: &Paper, names: &[String]) -> Result<Vec<Column>> {
    let all = all(paper);
    let mut columns: Vec<Column> = all
        .iter()
        .filter(|column| match names.is_empty() {
            true => column.system.is_some(),
            false => names.iter().any(|name| is_called(column, name)),
        })
        .filter(|column| column.system.is_some())
        .cloned()
        .collect();
    for name in names {
        if columns.iter().any(|column| is_called(column, name)) {
            continue;
        }
        if paper.number == 8 {
            let known: Vec<_> = all.iter().map(|column| &*column.key).collect();
            return Err(Error::Config {
                origin: "--methods".to_owned(),
                why: format!("{name}: expected a column of table 8: {}", known.join(", ")),
            });
        }
        // A system of another table of the paper may be built some day; anything else must be a method.
        let method = match system_method(name) {
            Some(method) => method,
            None => methods::named(name)?.name(),
        };
        columns.push(Column::of_method(method));
    }
    Ok(columns)
}

fn is_called(column: &Column, name: &str) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    is(&column.key) || column.system.is_some_and(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(number: u8, names: &[&str]) -> Result<Vec<String>> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let columns = asked(Paper::of(number).unwrap(), &names)?;
        Ok(columns.into_iter().map(|column| column.key).collect())
    }

    #[test]
    fn without_names_the_columns_are_the_papers_in_its_order() {
        let three = keys(3, &[]).unwrap();
        assert_eq!(three.len(), 11);
        assert_eq!((&*three[0], &*three[10]), ("avid", "cavga-r-w"));
        assert_eq!(keys(8, &[]).unwrap()[7], "c8-w-conv-cga");
    }

    #[test]
    fn methods_that_the_paper_has_not_come_last_and_each_once() {
        let found = keys(3, &["vae", "cavga-d-u", "ae_ssim", "lsa", "vae"]).unwrap();
        assert_eq!(found, ["ae-ssim", "lsa", "cavga-d-u", "vae"]);
        // A system that only another table has, built or not.
        assert_eq!(keys(3, &["CapsNet-PP"]).unwrap(), ["capsnet-pp"]);
        assert!(matches!(
            keys(3, &["vea"]),
            Err(Error::UnknownMethod { .. })
        ));
        let said = keys(8, &["vae"]).unwrap_err().to_string();
        assert!(said.contains("c4-u-conv-ae"), "{said}");
    }

    #[test]
    fn whole_columns_of_the_ablation_share_the_runs_of_their_methods() {
        let columns = asked(Paper::of(8).unwrap(), &[]).unwrap();
        let folders: Vec<_> = columns.iter().map(Column::folder).collect();
        assert_eq!(folders[2..5], ["c3-u-conv", "cavga-r-u", "c5-w-flat"]);
        assert_eq!(folders[7], "cavga-r-w");
    }
}
