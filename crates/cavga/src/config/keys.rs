//! Keys of a configuration: setting one by its dotted name, and naming the one that a slip of the keyboard missed.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::{Error, Result, error::nearest};

/// Sets `section.key=value` in `table`; the value is TOML, or else taken as text.
pub(super) fn set(table: &mut Table, text: &str) -> Result<()> {
    let wrong = |why: &str| Error::Config {
        origin: format!("--set {text}"),
        why: why.to_owned(),
    };
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| wrong("expected key=value"))?;
    let value = value.trim();
    let value = toml::from_str::<Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("v"))
        .unwrap_or_else(|| Value::String(value.to_owned()));
    let mut path: Vec<_> = key.split('.').map(str::trim).collect();
    if path.iter().any(|part| part.is_empty()) {
        return Err(wrong("expected key=value, where key is like train.batch"));
    }
    let last = path.pop().ok_or_else(|| wrong("expected key=value"))?;
    let mut section = table;
    for part in path {
        let entry = section
            .entry(part)
            .or_insert_with(|| Value::Table(Table::new()));
        section = entry
            .as_table_mut()
            .ok_or_else(|| wrong(&format!("{part} is a value, not a section")))?;
    }
    section.insert(last.to_owned(), value);
    Ok(())
}

/// Lays `over` over `table`, section by section.
pub(super) fn merge(table: &mut Table, over: Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

/// Reads a configuration from a table. `origin` names the file or the option in errors.
pub(super) fn deserialize<C: DeserializeOwned>(table: &Table, origin: &str) -> Result<C> {
    table.clone().try_into().map_err(|error: toml::de::Error| {
        unknown_key(table, origin, error.message()).unwrap_or_else(|| Error::Config {
            origin: origin.to_owned(),
            why: error.to_string().trim_end().replace('\n', " "),
        })
    })
}

/// serde names the unknown field and its known neighbours in its message, and nowhere else.
fn unknown_key(table: &Table, origin: &str, message: &str) -> Option<Error> {
    let (found, rest) = message.strip_prefix("unknown field `")?.split_once('`')?;
    let known: Vec<_> = rest.split('`').skip(1).step_by(2).collect();
    Some(Error::UnknownKey {
        origin: origin.to_owned(),
        key: full_name(table, found, &known).map_or_else(|| found.to_owned(), |(_, key)| key),
        nearest: nearest(found, known.iter().copied()),
        known: if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        },
    })
}

/// The dotted name of the key called `last` that is unknown: several sections may have one of that name, and the section
/// with the most `known` keys beside it, which it has from the defaults, is the one complained of. With how many those are.
fn full_name(table: &Table, last: &str, known: &[&str]) -> Option<(usize, String)> {
    let own = table.contains_key(last).then(|| {
        let beside = known.iter().filter(|key| table.contains_key(**key)).count();
        (beside, last.to_owned())
    });
    let below = table.iter().filter_map(|(name, value)| {
        let (beside, key) = full_name(value.as_table()?, last, known)?;
        Some((beside, format!("{name}.{key}")))
    });
    own.into_iter()
        .chain(below)
        .max_by_key(|(beside, _)| *beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_word_is_text_and_a_number_is_a_number() {
        let mut table = Table::new();
        set(&mut table, "a.b.c=min-max").unwrap();
        set(&mut table, "a.d = 1e-4").unwrap();
        assert_eq!(
            table.to_string(),
            "[a]\nd = 0.0001\n\n[a.b]\nc = \"min-max\"\n"
        );
    }

    #[test]
    fn a_value_is_not_a_section() {
        let mut table = Table::new();
        set(&mut table, "a=1").unwrap();
        assert!(
            set(&mut table, "a.b=1")
                .unwrap_err()
                .to_string()
                .contains("a is a value")
        );
    }
}
