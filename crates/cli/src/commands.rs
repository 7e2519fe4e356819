//! One function for each verb.

use std::{
    path::Path,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use cavga::{
    EvalOptions, Evaluation, Method, Model, Outcome, PredictOptions, Prediction, Record, RunFolder,
    TrainOptions,
    calibration::{percent_text, rate_text},
    config::RunConfig,
    data::Limits,
    demo::{DEMO_MAP, Demo, demo},
};
use serde_json::json;

use crate::{
    args::{self, Args, Command},
    output::{self, STOPPED, line},
    show::{duration, note, progress},
    weights,
};

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Demo(args) => run_demo(&args),
        Command::Train(args) => train(&args),
        Command::Ablate(args) => crate::ablate::run(args),
        Command::OneClass(args) => crate::one_class::run(args),
        Command::Tables(args) => crate::tables::run(args),
        Command::Eval(args) => eval(&args),
        Command::Compare(args) => crate::compare::run(args),
        Command::Calibrate(args) => crate::calibrate::run(&args),
        Command::Update(args) => crate::update::run(&args),
        Command::Metrics(args) => crate::metrics::run(args),
        Command::Predict(args) => predict(args),
        Command::Verify(args) => crate::verify::run(&args),
        Command::Methods(args) => methods(&args),
        Command::Weights(args) => weights::run(&args),
        Command::Pretrain(args) => crate::pretrain::run(&args),
        Command::Data(args) => crate::data::run(&args),
    }
}

/// A flag that Ctrl-C raises; a second Ctrl-C ends the program at once.
pub(crate) fn stop_flag() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(STOPPED));
        }
        note("stopping; once more to stop at once");
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}

fn run_demo(args: &args::Demo) -> Result<ExitCode> {
    let stop = stop_flag()?;
    let outcome = demo(&args.out, args.device.name(), &stop, &mut *progress())?;
    let Demo::Finished { run, evaluation } = outcome else {
        note(&format!(
            "stopped; remove {} before another demo",
            args.out.display()
        ));
        return Ok(ExitCode::from(STOPPED));
    };
    if args.json.json {
        line(serde_json::to_string_pretty(&evaluation.metrics)?)?;
    } else {
        print_figures(&evaluation)?;
        let key = format!("{DEMO_MAP}.pixel_auroc");
        if let Some(Ok(auroc)) = evaluation.figures.get(&key) {
            line(format!(
                "\nThe map {DEMO_MAP} tells defective pixels from others with an AUROC of {auroc:.3}."
            ))?;
        }
        line(format!("Report: {}", run.report().display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn train(args: &args::Train) -> Result<ExitCode> {
    let run = RunFolder::new(&args.out);
    // A resumed run goes on as it was; what is said on the command line besides is checked against it.
    let begun = if args.resume && run.record().exists() {
        Some(run.read_record()?)
    } else {
        None
    };
    let method = args
        .method
        .as_deref()
        .or(begun.as_ref().map(|(config, _)| config.method.name()));
    let data = args
        .dataset
        .root(args.data.as_deref())
        .or(begun.as_ref().map(|(_, record)| record.data.as_path()));
    let (Some(method), Some(data)) = (method, data) else {
        // Says which file is missing.
        run.read_record()?;
        anyhow::bail!(
            "give METHOD and --data: {} holds no run to resume",
            args.out.display()
        );
    };
    let own_config = begun.as_ref().map(|_| run.record());
    let mut overrides = args.overrides.clone();
    overrides.extend(args.seed.map(|seed| format!("train.seed={seed}")));
    let mut config = RunConfig::read(
        method,
        args.config.as_deref().or(own_config.as_deref()),
        &overrides,
    )?;
    config.data.dataset = args.dataset.over(config.data.dataset);
    let device = match (&args.device.device, &begun) {
        (None, Some((_, record))) => record.device.as_str(),
        _ => args.device.name(),
    };
    let options = TrainOptions {
        device: device.to_owned(),
        resume: args.resume,
        stop: stop_flag()?,
    };
    match cavga::train(&config, data, &run, &options, &mut *progress())? {
        Outcome::Stopped { step, steps } => Ok(stopped(&run, [step, steps])),
        Outcome::WasFinished(record) => {
            note("this run was finished before; nothing was done");
            trained(args, &run, &record)
        }
        Outcome::Finished(record) => trained(args, &run, &record),
    }
}

/// Says how to go on.
fn stopped(run: &RunFolder, [step, steps]: [u64; 2]) -> ExitCode {
    let how = match run.checkpoint().is_file() {
        true => "go on",
        // Of a method that writes none, or before the first step.
        false => "there is no checkpoint, begin anew",
    };
    note(&format!(
        "stopped after step {step} of {steps}; {how} with: cavga train --resume --out {}",
        run.path().display()
    ));
    ExitCode::from(STOPPED)
}

fn trained(args: &args::Train, run: &RunFolder, record: &Record) -> Result<ExitCode> {
    if args.json.json {
        line(serde_json::to_string(
            &json!({ "run": run.path().to_string_lossy(), "model": run.model().to_string_lossy(), "record": record }),
        )?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(training) = &record.training {
        let time =
            duration(Duration::try_from_secs_f64(training.minutes * 60.0).unwrap_or_default());
        let memory = training
            .peak_memory_mib
            .map_or_else(String::new, |mib| format!(", {mib:.0} MiB at most"));
        line(format!("Trained {} steps in {time}{memory}.", record.steps))?;
    }
    line(format!("Images: {}", record.images))?;
    line(format!("Model: {}", run.model().display()))?;
    line(format!("Next:  cavga eval {}", run.path().display()))?;
    Ok(ExitCode::SUCCESS)
}

fn eval(args: &args::Eval) -> Result<ExitCode> {
    let run = RunFolder::new(&args.run);
    let (config, _) = run.read_record()?;
    let options = EvalOptions {
        data: args.data.clone(),
        dataset: Some(args.dataset.over(config.data.dataset)),
        device: args.device.name().to_owned(),
        map: args.map.clone(),
        maps: !args.no_maps,
        resamples: args.resamples,
        stop: stop_flag()?,
    };
    let evaluation = cavga::evaluate(&run, &options, &mut *progress())?;
    if args.json.json {
        line(serde_json::to_string_pretty(&evaluation.metrics)?)?;
    } else {
        print_figures(&evaluation)?;
        line(format!("\nReport: {}", run.report().display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A figure by name, with its interval or the reason why it has no value.
pub(crate) fn figure(
    name: &str,
    width: usize,
    value: &Result<f64, String>,
    interval: Option<[f64; 2]>,
) -> String {
    match (value, interval) {
        (Ok(value), Some([low, high])) => {
            format!("{name:width$}  {value:.4}  [{low:.4}, {high:.4}]")
        }
        (Ok(value), None) => format!("{name:width$}  {value:.4}"),
        (Err(reason), _) => format!("{name:width$}  undefined: {reason}"),
    }
}

/// A line for each figure. Those without a prefix are of the method's own score and map.
fn print_figures(evaluation: &Evaluation) -> Result<()> {
    let own = |names: &[String]| names.first().cloned().unwrap_or_else(|| "none".to_owned());
    line(format!(
        "Own score: {}. Own map: {}.\n",
        own(&evaluation.scores),
        own(&evaluation.maps)
    ))?;
    if evaluation.removed > 0 {
        line(format!(
            "Test images left out, as the run learnt from them: {}.\n",
            evaluation.removed
        ))?;
    }
    let width = evaluation
        .figures
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or(0);
    for (name, value) in evaluation.figures.iter() {
        line(figure(
            name,
            width,
            value,
            evaluation.figures.interval(name),
        ))?;
    }
    Ok(())
}

fn predict(args: args::Predict) -> Result<ExitCode> {
    let device = cavga::device::parse(args.device.name()).map_err(cavga::Error::from)?;
    let model = Model::load(&args.model, &device)?;
    let stop = stop_flag()?;
    let options = PredictOptions {
        out: args.out,
        map: args.map,
        limits: Limits {
            max_pixels: args.max_pixels,
        },
        stop: Arc::clone(&stop),
    };
    let mut failed = false;
    let mut printed = Ok(());
    let ended = cavga::predict(&model, &args.images, &options, &mut |path, said| {
        if printed.is_err() {
            return;
        }
        match said {
            Ok(prediction) => printed = print_prediction(&prediction, args.json.json),
            Err(error) => {
                failed = true;
                if args.json.json {
                    printed = print_failure(path, &error);
                }
                output::report(&error.into());
            }
        }
        if printed.is_err() {
            // Nobody reads on (`cavga predict ... | head -1`): the other images need not be asked about.
            stop.store(true, Ordering::Relaxed);
        }
    });
    printed?;
    ended?;
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn print_prediction(prediction: &Prediction, as_json: bool) -> Result<()> {
    if as_json {
        line(serde_json::to_string(prediction)?)?;
        return Ok(());
    }
    let overlay = prediction.files.as_ref();
    let overlay = overlay.map_or_else(String::new, |files| {
        format!("  {}", files.overlay.display())
    });
    line(format!(
        "{:9}  {:.6}  {}  {}{overlay}",
        prediction.verdict.as_str(),
        prediction.score,
        of_threshold(prediction),
        prediction.image.display()
    ))?;
    Ok(())
}

/// p-value, percent and thresholds of a score, as far as they are known.
fn of_threshold(prediction: &Prediction) -> String {
    let p_value = prediction.p_value.map_or_else(|| "?".to_owned(), rate_text);
    let percent = prediction.percent_of_threshold;
    let is_above = prediction.score > prediction.threshold;
    let percent = percent.map_or_else(|| "?".to_owned(), |percent| percent_text(percent, is_above));
    let unsure = prediction.unsure_threshold;
    let unsure = unsure.map_or_else(String::new, |unsure| format!(", unsure above {unsure:.6}"));
    let threshold = prediction.threshold;
    format!("p {p_value:<7}  {percent:>6} %  (threshold {threshold:.6}{unsure})")
}

fn print_failure(path: &Path, error: &cavga::Error) -> Result<()> {
    line(serde_json::to_string(
        &json!({ "image": path.to_string_lossy(), "error": error.to_string() }),
    )?)?;
    Ok(())
}

fn methods(args: &args::Methods) -> Result<ExitCode> {
    let all = Method::all();
    if args.json.json {
        let described = all.iter().map(|method| {
            json!({ "name": method.name(), "summary": method.summary(), "paper": method.paper(), "defaults": method })
        });
        line(serde_json::to_string_pretty(
            &described.collect::<Vec<_>>(),
        )?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = all
        .iter()
        .map(|method| method.name().len())
        .max()
        .unwrap_or(0);
    for method in &all {
        line(format!("{:width$}  {}", method.name(), method.summary()))?;
        line(format!("{:width$}  {}", "", method.paper()))?;
    }
    line("\nSettings and defaults: cavga methods --json")?;
    Ok(ExitCode::SUCCESS)
}
