//! `cavga verify`.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::Result;
use cavga::{
    data::{DatasetSpec, Limits},
    verify::{FormFound, Verification, VerifyOptions, verify},
};
use clap::Args as ClapArgs;

use crate::{
    args::Json,
    commands::stop_flag,
    dataset::Dataset,
    output::{line, table},
    show::progress,
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Verify {
    /// The folder of a run, or a model file
    pub(crate) model: PathBuf,
    /// A folder of images or a dataset; without it, images are generated
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Ask about so many images; of a folder with more, some from all of it
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) images: u32,
    /// Let pass differences up to this, where the same bits are not promised
    #[arg(long, value_name = "SHARE", default_value_t = VerifyOptions::default().tolerance, value_parser = tolerance)]
    pub(crate) tolerance: f64,
    /// Let more than the tolerance pass where the model itself moves as far when each pixel moves by the tolerance
    #[arg(long)]
    pub(crate) allow_undetermined: bool,
    /// Refuse images of more pixels than this
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_pixels)]
    pub(crate) max_pixels: u64,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dataset: Dataset,
}

/// A tolerance, as in 1e-5.
pub(crate) fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| (0.0..1.0).contains(number))
        .ok_or_else(|| "expected a number from 0 to below 1, as in 1e-5".to_owned())
}

pub(crate) fn run(args: &Verify) -> Result<ExitCode> {
    let (dataset, data) = (args.dataset.spec(), args.dataset.root(args.data.as_deref()));
    if data.is_none() && dataset != DatasetSpec::default() {
        return Err(cavga::Error::Config {
            origin: "--data".to_owned(),
            why: "expected the folder that the other options of a dataset are about, found none; add it, or leave them out"
                .to_owned(),
        }
        .into());
    }
    let options = VerifyOptions {
        data: data.map(Into::into),
        dataset,
        images: args.images.try_into().unwrap_or(usize::MAX),
        tolerance: args.tolerance,
        allow_undetermined: args.allow_undetermined,
        limits: Limits {
            max_pixels: args.max_pixels,
        },
        stop: stop_flag()?,
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
        "images",
        "scores",
        "map pixels",
        "largest",
        "verdict",
        "where",
    ];
    let rows = found.forms.iter().map(|form| row(form, found.tolerance));
    let right = [false, true, true, true, true, false, false];
    table(head, rows, right)?;
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
    for note in &found.notes {
        line(format!("\nnote: {note}"))?;
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

fn row(form: &FormFound, tolerance: f64) -> [String; 7] {
    let verdict = match (form.agrees, form.same_bits, form.largest > tolerance) {
        (true, true, _) => "same bits",
        (true, false, false) => "agrees",
        (true, false, true) => "agrees *",
        (false, ..) if form.exact => "DIFFERS: the same bits are promised",
        (false, ..) => "DIFFERS",
    };
    // Number and place of one difference: what does not agree, else what is furthest apart.
    let shown = form.fault.as_ref().or(form.place.as_ref());
    let place = shown.map_or_else(String::new, |place| {
        let numbers = match form.agrees && form.largest <= tolerance {
            true => String::new(),
            false => format!(": {} for {}", place.found, place.expected),
        };
        format!("{}, {}{numbers}", place.image, place.what)
    });
    let largest = match shown.map_or(0.0, |place| place.relative) {
        0.0 => "0".to_owned(),
        largest => format!("{largest:.1e}"),
    };
    [
        form.form.clone(),
        form.images.to_string(),
        form.scores.to_string(),
        form.map_pixels.to_string(),
        largest,
        verdict.to_owned(),
        place,
    ]
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
