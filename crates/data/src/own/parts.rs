//! Names of files in the parts that masks are matched by.

use std::collections::BTreeSet;
use std::path::Path;

use super::entry::slashed;
use crate::files::stem;

/// A name in its parts.
pub(super) struct Name {
    pub(super) folders: Vec<String>,
    /// Without the folders that all have.
    pub(super) own_folders: Vec<String>,
    pub(super) stem: String,
    pub(super) core: String,
    pub(super) number: Option<String>,
}

/// Paths in their parts.
pub(super) fn names(paths: &[&Path]) -> Vec<Name> {
    let stems: Vec<String> = paths.iter().map(|path| stem(path)).collect();
    let [before, after] = common(&stems);
    let folders: Vec<Vec<String>> = paths.iter().map(|path| folders_of(path)).collect();
    let mut shared: BTreeSet<&String> = folders.first().into_iter().flatten().collect();
    for folders in &folders {
        shared.retain(|folder| folders.contains(folder));
    }
    let own = |folders: &Vec<String>| {
        let own = folders.iter().filter(|folder| !shared.contains(folder));
        own.cloned().collect::<Vec<_>>()
    };
    let own_folders: Vec<_> = folders.iter().map(own).collect();
    let parts = stems.into_iter().zip(folders).zip(own_folders);
    let name = |((stem, folders), own_folders): ((String, Vec<String>), _)| Name {
        core: stem
            .get(before..stem.len().saturating_sub(after))
            .unwrap_or_default()
            .to_string(),
        number: last_number(&stem),
        folders,
        own_folders,
        stem,
    };
    parts.map(name).collect()
}

fn folders_of(path: &Path) -> Vec<String> {
    let folder = slashed(path.parent().unwrap_or(Path::new("")));
    let parts = folder.split('/').filter(|part| !part.is_empty());
    parts.map(String::from).collect()
}

/// How many bytes all texts have in common before and after: whole words alone, as `part_1` and `part_2` share `part_`, but
/// 100 and 101 no 10.
fn common(texts: &[String]) -> [usize; 2] {
    let [first, others @ ..] = texts else {
        return [0, 0];
    };
    if others.is_empty() {
        return [0, 0];
    }
    let is_end = |letter: char| matches!(letter, '_' | '-' | '.' | ' ');
    let mut before = first.as_str();
    let mut after = first.as_str();
    for other in others {
        let alike = |(a, b): &(char, char)| a == b;
        let length = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
            pairs.take_while(alike).map(|(a, _)| a.len_utf8()).sum()
        };
        let start = length(&mut before.chars().zip(other.chars()));
        before = before.get(..start).unwrap_or_default();
        let end = length(&mut after.chars().rev().zip(other.chars().rev()));
        after = after.get(after.len() - end..).unwrap_or_default();
    }
    let before = before.rfind(is_end).map_or(0, |at| at + 1);
    let after = after.find(is_end).map_or(0, |at| after.len() - at);
    [before, after]
}

/// The last run of digits, without leading zeros.
fn last_number(stem: &str) -> Option<String> {
    let end = stem.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let digits = stem.get(..end)?;
    let start = digits.rfind(|letter: char| !letter.is_ascii_digit());
    let start = start.map_or(0, |at| at + digits.get(at..).map_or(1, first_len));
    let number = digits.get(start..)?.trim_start_matches('0');
    Some(if number.is_empty() { "0" } else { number }.to_string())
}

fn first_len(text: &str) -> usize {
    text.chars().next().map_or(1, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_leading_zeros_and_letters_of_any_script_before_them() {
        for (stem, number) in [
            ("a007b", Some("7")),
            ("000", Some("0")),
            ("größe12", Some("12")),
            ("ü", None),
            ("1_20_300x", Some("300")),
        ] {
            assert_eq!(last_number(stem).as_deref(), number, "{stem}");
        }
    }
}
