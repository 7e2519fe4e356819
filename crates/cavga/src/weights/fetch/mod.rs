//! Fetching one file: goes on where it was cut, checks what came, and puts it in place whole or not at all.
//!
//! The bytes go to `FILE.part`, which a new try, in this process or a later one, goes on from by asking for the rest
//! alone. The hash runs along, over the part on disk first. Only what has the right length and SHA-256 is renamed to
//! `FILE`. A lock on `FILE.lock` lets one process fetch while others wait for it.

mod part;
#[cfg(test)]
mod tests;

use std::{
    fs::{File, TryLockError},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    thread,
    time::Duration,
};

use part::Part;
use ureq::{Agent, Body, http::Response};

use super::{Digest, FetchError, Options, digest};
use crate::{
    Error, Result, atomic,
    progress::{Event, Progress},
};

/// Tries in a row that may bring nothing.
const FRUITLESS: u32 = 4;
/// Tries in all: a server that sends a little each time ends too.
const TRIES: u32 = 50;

/// What is to be fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) url: &'a str,
    /// The file to make; its folder exists.
    pub(super) path: &'a Path,
    pub(super) sha256: Digest,
    pub(super) bytes: u64,
}

/// A try that failed.
struct Failure {
    // Large, and seldom there.
    error: Box<Error>,
    /// Whether a new try may do better.
    passing: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error: Box::new(error),
            passing: false,
        }
    }
}

/// What asks. `https_only` is false in tests alone, whose server is on this computer and behind no proxy.
pub(super) fn agent(options: &Options, https_only: bool) -> Agent {
    let patience = Some(options.patience);
    let mut config = Agent::config_builder()
        .https_only(https_only)
        .http_status_as_error(false)
        .max_redirects(5)
        .timeout_resolve(patience)
        .timeout_connect(patience)
        .timeout_recv_response(patience)
        .timeout_per_read(patience)
        .user_agent(concat!("cavga/", env!("CARGO_PKG_VERSION")));
    if !https_only {
        config = config.proxy(None);
    }
    config.build().into()
}

/// Makes the file, from what an earlier try left and what its home sends.
pub(super) fn fetch(
    wanted: &Wanted<'_>,
    agent: &Agent,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<()> {
    let lock = beside(wanted.path, "lock");
    let _alone = alone(&lock, options, progress)?;
    // Another process may have made it while this one waited.
    if !(wanted.path.is_file() && wanted.sha256.fits(&digest::of_file(wanted.path)?)) {
        let mut part = Part::open(wanted)?;
        progress.on(Event::Begin {
            stage: "fetching weights, bytes",
            total: wanted.bytes,
            done: part.length,
        });
        let fetched = try_again(wanted, &mut part, agent, options, progress);
        progress.on(Event::End);
        if fetched.is_err() && part.length == 0 {
            atomic::remove(&part.path)?;
        }
        fetched?;
        part.finish(wanted.path)?;
    }
    // Whoever waits for it finds the file made. If it cannot be removed, an empty file stays: nothing to fail for.
    let _ = atomic::remove(&lock);
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// Waits until no other process fetches this file. `None` where the file system knows no locks: two that fetch at once
/// then write the same bytes twice, and the checksum still decides.
fn alone(lock: &Path, options: &Options, progress: &mut dyn Progress) -> Result<Option<File>> {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(lock)
        .map_err(Error::io("write", lock))?;
    let mut said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) => {
                if !said {
                    progress.on(Event::Note(
                        "another process is fetching this file; waiting for it",
                    ));
                    said = true;
                }
                pause(Duration::from_millis(200), options)?;
            }
        }
    }
}

/// Sleeps, unless stopped.
fn pause(time: Duration, options: &Options) -> Result<()> {
    const STEP: Duration = Duration::from_millis(50);
    let mut left = time;
    loop {
        if options.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(STEP));
        left = left.saturating_sub(STEP);
    }
}

/// Tries until the part is whole and right, or nothing more can be hoped for.
fn try_again(
    wanted: &Wanted<'_>,
    part: &mut Part,
    agent: &Agent,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<()> {
    let mut fruitless = 0;
    let mut from_the_start = false;
    for last in (0..TRIES).rev() {
        let before = part.length;
        let tried = if before == wanted.bytes {
            Ok(())
        } else {
            try_once(wanted, part, agent, options, progress)
        };
        match tried {
            Ok(()) => {
                let found = part.sha256();
                if wanted.sha256.fits(&found) {
                    return Ok(());
                }
                let pieced = part.pieced;
                part.restart()?;
                if !pieced || from_the_start {
                    return Err(FetchError::WrongContent {
                        url: wanted.url.to_owned(),
                        expected: wanted.sha256.to_string(),
                        found,
                    }
                    .into());
                }
                // The pieces may be of different files: once more, in one piece.
                from_the_start = true;
            }
            Err(Failure { error, passing }) => {
                fruitless = if part.length > before {
                    0
                } else {
                    fruitless + 1
                };
                if !passing || fruitless >= FRUITLESS || last == 0 {
                    return Err(*error);
                }
                progress.on(Event::Note(&format!("{error}; trying again")));
                pause(
                    options.pause * 2_u32.pow(fruitless.saturating_sub(1)),
                    options,
                )?;
            }
        }
    }
    Err(lost(
        wanted,
        part,
        "the connection is cut again and again".to_owned(),
    ))
}

fn lost(wanted: &Wanted<'_>, part: &Part, why: String) -> Error {
    FetchError::Connection {
        url: wanted.url.to_owned(),
        why,
        got: part.length,
        expected: wanted.bytes,
    }
    .into()
}

/// Asks for what is missing and takes what comes.
fn try_once(
    wanted: &Wanted<'_>,
    part: &mut Part,
    agent: &Agent,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<(), Failure> {
    pause(Duration::ZERO, options)?;
    let mut request = agent.get(wanted.url);
    if part.length > 0 {
        request = request.header("Range", format!("bytes={}-", part.length));
    }
    let mut response = request.call().map_err(|error| Failure {
        passing: matches!(
            error,
            ureq::Error::Timeout(_)
                | ureq::Error::Io(_)
                | ureq::Error::ConnectionFailed
                | ureq::Error::Protocol(_)
        ),
        error: Box::new(lost(wanted, part, error.to_string())),
    })?;
    agree(wanted, part, &response)?;
    progress.on(Event::Advance { done: part.length });
    let mut body = response.body_mut().as_reader();
    let mut piece = vec![0; digest::PIECE];
    loop {
        pause(Duration::ZERO, options)?;
        let count = match body.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(Failure {
                    error: Box::new(lost(wanted, part, error.to_string())),
                    passing: true,
                });
            }
        };
        let found = part.length + count as u64;
        if found > wanted.bytes {
            part.restart()?;
            return Err(wrong_length(wanted, found).into());
        }
        part.append(piece.get(..count).unwrap_or_default(), wanted)?;
        progress.on(Event::Advance { done: part.length });
    }
    if part.length == wanted.bytes {
        return Ok(());
    }
    Err(Failure {
        error: Box::new(lost(wanted, part, "the connection was cut".to_owned())),
        passing: true,
    })
}

fn wrong_length(wanted: &Wanted<'_>, found: u64) -> Error {
    FetchError::WrongLength {
        url: wanted.url.to_owned(),
        expected: wanted.bytes,
        found,
    }
    .into()
}

/// Makes the part fit what the server is about to send: the rest of the file, or all of it.
fn agree(wanted: &Wanted<'_>, part: &mut Part, response: &Response<Body>) -> Result<(), Failure> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    match response.status().as_u16() {
        206 => {
            let range = header("content-range").and_then(|range| range.strip_prefix("bytes "));
            if range.is_some_and(|range| range.starts_with(&format!("{}-", part.length))) {
                part.pieced = true;
                return Ok(());
            }
            part.restart()?;
            Err(Failure {
                error: Box::new(lost(
                    wanted,
                    part,
                    "the server sent another part than asked".to_owned(),
                )),
                passing: true,
            })
        }
        // A page instead of the file must not cost what is here already.
        200 => match header("content-length").and_then(|length| length.parse().ok()) {
            Some(length) if length != wanted.bytes => Err(wrong_length(wanted, length).into()),
            _ => Ok(part.restart()?),
        },
        status => {
            // 416: the part has no rest there; it is of another file.
            if status == 416 {
                part.restart()?;
            }
            Err(Failure {
                error: Box::new(
                    FetchError::Status {
                        url: wanted.url.to_owned(),
                        status,
                    }
                    .into(),
                ),
                passing: matches!(status, 408 | 416 | 425 | 429 | 500..),
            })
        }
    }
}
