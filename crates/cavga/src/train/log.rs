//! `train.jsonl`: one line of JSON for each step.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{Error, Result, atomic};

/// One step of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Counted from 1, over all sittings.
    pub step: u64,
    /// Counted from 1.
    pub pass: usize,
    /// The losses by name.
    pub losses: BTreeMap<String, f64>,
    /// Images per second, over the last few seconds.
    pub images_per_second: f64,
    /// Seconds spent training so far, over all sittings.
    pub seconds: f64,
}

/// Reads a log. A last line that a kill cut short is left out.
///
/// # Errors
/// [`Error::Io`].
pub fn read_log(path: &Path) -> Result<Vec<LogLine>> {
    let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
    Ok(text
        .lines()
        .map_while(|line| serde_json::from_str(line).ok())
        .collect())
}

/// A log being written.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Goes on behind step `done`: what an interrupted sitting logged after its last checkpoint is done again, so it goes.
    pub(crate) fn open(path: &Path, done: u64) -> Result<Self> {
        let mut kept = String::new();
        if done > 0 && path.exists() {
            for line in read_log(path)?.iter().filter(|line| line.step <= done) {
                kept += &text(line);
            }
        }
        atomic::write(path, kept.as_bytes())?;
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(Error::io("write", path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Adds a line, at once visible to who follows the file.
    pub(crate) fn add(&mut self, line: &LogLine) -> Result<()> {
        self.file
            .write_all(text(line).as_bytes())
            .map_err(Error::io("write", &self.path))
    }
}

fn text(line: &LogLine) -> String {
    // Numbers and text by name: there is nothing in a line that JSON cannot hold.
    serde_json::to_string(line).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resuming_drops_what_lies_behind_the_checkpoint_and_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.jsonl");
        let line = |step| LogLine {
            step,
            pass: 1,
            losses: BTreeMap::from([("total".to_owned(), 0.5)]),
            images_per_second: 2.0,
            seconds: 1.0,
        };
        let mut log = Log::open(&path, 0).unwrap();
        (1..=5).for_each(|step| log.add(&line(step)).unwrap());
        log.file.write_all(b"{\"step\": 6, \"pa").unwrap();
        let mut log = Log::open(&path, 3).unwrap();
        log.add(&line(4)).unwrap();
        let steps: Vec<_> = read_log(&path)
            .unwrap()
            .iter()
            .map(|line| line.step)
            .collect();
        assert_eq!(steps, [1, 2, 3, 4]);
    }
}
