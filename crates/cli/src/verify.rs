//! `cavga verify`.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::Result;
use cavga::verify::{FormFound, Verification, VerifyOptions, verify};

use crate::{args, commands::stop_flag, output::line, show::progress};

/// A tolerance, as in 1e-5.
pub(crate) fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| (0.0..1.0).contains(number))
        .ok_or_else(|| "expected a number from 0 to below 1, as in 1e-5".to_owned())
}

pub(crate) fn run(args: &args::Verify) -> Result<ExitCode> {
    let options = VerifyOptions {
        data: args.data.clone(),
        images: args.images.try_into().unwrap_or(usize::MAX),
        tolerance: args.tolerance,
        allow_undetermined: args.allow_undetermined,
        stop: stop_flag()?,
        ..VerifyOptions::default()
    };
    let found = verify(&args.model, &options, &mut *progress())?;
    match args.json.json {
        true => line(serde_json::to_string_pretty(&found)?)?,
        false => print(&found)?,
    }
    Ok(match found.agrees {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn print(found: &Verification) -> Result<()> {
    let [height, width] = found.size;
    let images = match found.generated {
        true => "generated images",
        false => "images",
    };
    line(format!(
        "{} ({}, {height} x {width}) on {} {images}, against one at a time on the CPU as predict and eval score\n",
        found.model.display(),
        found.method,
        found.images.len()
    ))?;
    let head = [
        "form",
        "scores",
        "map pixels",
        "largest",
        "verdict",
        "where",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(found.forms.iter().map(|form| row(form, found.tolerance)));
    table(&rows)?;
    if found
        .forms
        .iter()
        .any(|form| form.agrees && form.largest > found.tolerance)
    {
        line(format!(
            "\n* more than {:e}, but no more than the model itself moves when each pixel moves by {:e}: the image determines no more",
            found.tolerance, found.tolerance
        ))?;
    }
    // Devices that are refused for one reason are one line.
    let mut reasons = BTreeMap::<_, Vec<_>>::new();
    for form in &found.not_compared {
        reasons
            .entry(&form.why)
            .or_default()
            .push(form.form.as_str());
    }
    if !reasons.is_empty() {
        line("")?;
    }
    for (why, forms) in reasons {
        line(format!("not compared: {} ({why})", forms.join(", ")))?;
    }
    line(format!("\n{}", verdict(found)))?;
    Ok(())
}

fn row(form: &FormFound, tolerance: f64) -> [String; 6] {
    let verdict = match (form.agrees, form.same_bits, form.largest > tolerance) {
        (true, true, _) => "same bits",
        (true, false, false) => "agrees",
        (true, false, true) => "agrees *",
        (false, ..) if form.exact => "DIFFERS: the same bits are promised",
        (false, ..) => "DIFFERS",
    };
    let place = form.fault.as_ref().or(form.place.as_ref());
    let place = place.map_or_else(String::new, |place| {
        let numbers = match form.agrees && form.largest <= tolerance {
            true => String::new(),
            false => format!(": {} for {}", place.found, place.expected),
        };
        format!("{}, {}{numbers}", place.image, place.what)
    });
    let largest = match form.largest {
        0.0 => "0".to_owned(),
        largest => format!("{largest:.1e}"),
    };
    [
        form.form.clone(),
        form.scores.to_string(),
        form.map_pixels.to_string(),
        largest,
        verdict.to_owned(),
        place,
    ]
}

/// Columns as wide as their widest entry; numbers to the right.
fn table(rows: &[[String; 6]]) -> Result<()> {
    let width = |column: usize| {
        let entries = rows.iter().filter_map(|row| row.get(column));
        entries
            .map(|entry| entry.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    for [form, scores, pixels, largest, verdict, place] in rows {
        let [a, b, c, d, e, _] = widths;
        let text =
            format!("{form:a$}  {scores:>b$}  {pixels:>c$}  {largest:>d$}  {verdict:e$}  {place}");
        line(text.trim_end())?;
    }
    Ok(())
}

fn verdict(found: &Verification) -> String {
    let (forms, tolerance) = (found.forms.len(), found.tolerance);
    let differ = found.forms.iter().filter(|form| !form.agrees);
    let differ: Vec<_> = differ.map(|form| form.form.as_str()).collect();
    if !differ.is_empty() {
        return format!(
            "{} of {forms} forms do not agree within {tolerance:e}: {}",
            differ.len(),
            differ.join("; ")
        );
    }
    let more = found.forms.iter().filter(|form| form.largest > tolerance);
    match more.count() {
        0 => format!("all {forms} forms agree within {tolerance:e}"),
        more => format!(
            "all {forms} forms agree within {tolerance:e}, {more} of them as far as the images determine the numbers (*)"
        ),
    }
}
