//! `cavga weights`: the pretrained weights there are, and fetching them.

use std::{path::Path, process::ExitCode, sync::Arc};

use anyhow::Result;
use cavga::weights::{CATALOGUE, Entry, Options, Source, State, entry, locate, state};
use serde_json::{Value, json};

use crate::{
    args,
    commands::stop_flag,
    output::line,
    show::{note, progress},
};

pub(crate) fn run(args: &args::Weights) -> Result<ExitCode> {
    match &args.backbone {
        Some(backbone) => fetch(backbone, args.json.json)?,
        None => list(args.json.json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn fetch(backbone: &str, as_json: bool) -> Result<()> {
    let entry = entry(backbone).map_err(cavga::Error::from)?;
    let options = Options::from_env(stop_flag()?);
    locate(backbone, &Source::Auto, &options, &mut *progress())?;
    let state = state(entry, options.folder.as_deref())?;
    if as_json {
        line(serde_json::to_string(&described(entry, &state))?)?;
    } else {
        line(format!("{backbone}: {}", said(&state)))?;
    }
    Ok(())
}

fn list(as_json: bool) -> Result<()> {
    let options = Options::from_env(Arc::default());
    let folder = options.folder.as_deref();
    let all = CATALOGUE
        .iter()
        .map(|entry| Ok((entry, state(entry, folder)?)));
    let all: Vec<_> = all.collect::<cavga::Result<_>>()?;
    if as_json {
        let all: Vec<_> = all
            .iter()
            .map(|(entry, state)| described(entry, state))
            .collect();
        // As text: a folder need not be called in UTF-8.
        let folder = folder.map(Path::to_string_lossy);
        line(serde_json::to_string(
            &json!({ "folder": folder, "weights": all }),
        )?)?;
        return Ok(());
    }
    for (entry, state) in &all {
        line(format!(
            "{}  {:.1} MB, {}\n  {}\n  {} {}",
            entry.backbone,
            entry.bytes as f64 / 1e6,
            entry.licence,
            said(state),
            if entry.home.is_some() {
                "home:"
            } else {
                "no address of its own; from"
            },
            entry.home.unwrap_or(entry.origin),
        ))?;
    }
    if let Some(folder) = folder {
        note(&format!("folder: {}", folder.display()));
    }
    Ok(())
}

fn said(state: &State) -> String {
    match state {
        State::Missing { path: Some(path) } => format!("not here; belongs at {}", path.display()),
        State::Missing { path: None } => "not here; set CAVGA_WEIGHTS to a folder".to_owned(),
        State::Verified { path } => format!("here, verified: {}", path.display()),
        State::Own { path } => format!("here, your own file: {}", path.display()),
        State::Damaged { path, found } => {
            format!("damaged (SHA-256 {found}): {}", path.display())
        }
    }
}

fn described(entry: &Entry, state: &State) -> Value {
    let mut described = json!({
        "backbone": entry.backbone,
        "file": entry.file,
        "bytes": entry.bytes,
        "sha256": entry.sha256.to_string(),
        "licence": entry.licence,
        "home": entry.home,
        "origin": entry.origin,
    });
    if let (Some(described), Ok(Value::Object(state))) =
        (described.as_object_mut(), serde_json::to_value(state))
    {
        described.extend(state);
    }
    described
}
