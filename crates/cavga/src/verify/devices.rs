//! The devices that a model is asked on beside the CPU.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cavga_detect::{DeviceError, device};

use super::forms::Replayed;
use crate::{Error, Result};

/// Kinds of devices beside the CPU.
const DEVICES: [&str; 5] = ["wgpu", "vulkan", "metal", "cuda", "rocm"];

/// The names of the devices that this program and this machine have, and of each kind that cannot be opened its name and why.
pub(super) fn all() -> (Vec<String>, Vec<(String, String)>) {
    let mut found = Vec::new();
    let mut refused = Vec::new();
    for kind in DEVICES {
        for number in 0.. {
            let name = match number {
                0 => kind.to_owned(),
                _ => format!("{kind}:{number}"),
            };
            match device::parse(&name) {
                Ok(_) => found.push(name),
                Err(error) if number == 0 => {
                    refused.push((name, why(&error)));
                    break;
                }
                // As many as there are.
                Err(_) => break,
            }
        }
    }
    (found, refused)
}

/// Why a device is not tried; what to do about it is not asked here.
fn why(error: &DeviceError) -> String {
    match error {
        DeviceError::NotBuilt(_) => "this program was built without it".to_owned(),
        DeviceError::Missing { .. } => "this machine has none".to_owned(),
        other => other.to_string(),
    }
}

/// Asks on a device. One that fails, which drivers do by a panic too, is no fault of the model, and keeps no other form from being
/// compared.
pub(super) fn guarded(ask: impl FnOnce() -> Result<()>) -> Result<Replayed> {
    let why = match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(Ok(())) => return Ok(Replayed::Whole),
        Ok(Err(Error::Stopped)) => return Err(Error::Stopped),
        Ok(Err(error)) => chain(&error),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            text.unwrap_or("without a word").to_owned()
        }
    };
    Ok(Replayed::NotTried(format!("it failed: {why}")))
}

/// An error and all its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
