//! Under which seeds runs are made.

use std::collections::BTreeSet;

use crate::{Error, Result, config::refuse_decided};

/// The seeds asked for, else the settings' `own`.
///
/// # Errors
/// [`Error::Config`] for a seed asked for twice, or beside one that is set, which would be of no effect.
pub(crate) fn seeds(asked: &[u64], overrides: &[String], own: u64) -> Result<Vec<u64>> {
    if asked.is_empty() {
        return Ok(vec![own]);
    }
    refuse_decided(overrides, &["train", "seed"], "--seeds")?;
    let different: BTreeSet<_> = asked.iter().collect();
    if different.len() < asked.len() {
        return Err(Error::Config {
            origin: "--seeds".to_owned(),
            why: format!("expected different seeds, found {asked:?}"),
        });
    }
    Ok(asked.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_different_and_said_once() {
        let set = ["train.batch=2".to_owned(), "train.seed=5".to_owned()];
        assert_eq!(seeds(&[], &set, 5).unwrap(), [5]);
        assert_eq!(seeds(&[1, 0], &set[..1], 5).unwrap(), [1, 0]);
        let said = |asked: &[u64], set: &[String]| seeds(asked, set, 5).unwrap_err().to_string();
        assert!(said(&[1, 1], &[]).contains("different"));
        assert!(said(&[0], &set).contains("train.seed"));
    }
}
