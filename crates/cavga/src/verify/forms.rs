//! The forms of a model: every way to come from an image to its scores and maps.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use burn::tensor::Device;
use cavga_data::{Batch, ImageSource, Sample, TestSample, generate::Pattern};
use cavga_detect::{
    device,
    kernels::{Path as Kernels, with_path},
};

use super::{VerifyOptions, devices};
use crate::{
    Error, Result,
    config::DataConfig,
    eval,
    model::{Model, Scored},
    predict::{PredictOptions, predict},
};

/// A way to come from images to scores and maps.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// As the reference, once more.
    Again,
    /// The network as it was trained, instead of the form that is prepared for inference.
    Trained,
    /// So many images at once or, of a model that sees tiles, so many tiles.
    Together(usize),
    /// On so many threads.
    Threads(usize),
    /// With the kernels for another instruction set.
    Kernels(Kernels),
    /// Saved and loaded.
    Saved,
    /// Pixels in memory, as a user of the library gives them.
    Pixels,
    /// Files, as `predict` takes them.
    Predict,
    /// Files, as `eval` takes them.
    Eval,
    /// On another device.
    Device(String),
}

/// Another loading of the same model.
pub(super) type Load<'a> = &'a dyn Fn(&Device) -> Result<Model>;

/// A model and what it is asked.
pub(super) struct Replay<'a> {
    pub(super) model: Model,
    pub(super) load: Load<'a>,
    /// With the ids that `predict` gives them.
    pub(super) samples: Vec<Sample>,
    /// What the samples are called in what is told.
    pub(super) names: Vec<String>,
    /// The samples as they are loaded, each in a batch of its own.
    pub(super) batches: Vec<Batch>,
    /// For files.
    pub(super) folder: &'a Path,
    pub(super) options: &'a VerifyOptions,
}

/// Hears what a form says of an image, by its number.
type Say<'a> = &'a mut dyn FnMut(usize, &Scored);

/// What became of a form.
pub(super) enum Replayed {
    /// Every image was heard of.
    Whole,
    /// Only of those that can be asked about in this way, of which there were some.
    Part,
    /// Every image was heard of, and a file is not what it should be.
    OtherFile(&'static str),
    /// It could not be tried, and why.
    NotTried(String),
}

/// The forms that this program and this machine have, and of each device that cannot be opened its name and why.
pub(super) fn all(tiles: bool) -> (Vec<Form>, Vec<(String, String)>) {
    let mut forms = vec![Form::Again, Form::Trained];
    let at_once: &[_] = if tiles { &[1, 2, 5] } else { &[2, 5, 8] };
    forms.extend(at_once.iter().map(|&count| Form::Together(count)));
    let mut threads = vec![1, 2, 3, rayon::current_num_threads()];
    threads.sort_unstable();
    threads.dedup();
    forms.extend(threads.into_iter().map(Form::Threads));
    let kernels = Kernels::available().into_iter();
    let others = kernels.filter(|kernels| *kernels != Kernels::current());
    forms.extend(others.map(Form::Kernels));
    forms.extend([Form::Saved, Form::Pixels, Form::Predict, Form::Eval]);
    let (devices, refused) = devices::all();
    forms.extend(devices.into_iter().map(Form::Device));
    (forms, refused)
}

impl Form {
    /// What it is called in the table.
    pub(super) fn name(&self, tiles: bool) -> String {
        let things = if tiles { "tiles" } else { "images" };
        match self {
            Self::Again => "asked again".to_owned(),
            Self::Trained => "network as trained".to_owned(),
            Self::Together(1) => "1 tile at once".to_owned(),
            Self::Together(count) => format!("{count} {things} at once"),
            Self::Threads(1) => "1 thread".to_owned(),
            Self::Threads(count) => format!("{count} threads"),
            Self::Kernels(kernels) => format!("{} kernels", kernels.name()),
            Self::Saved => "saved and loaded".to_owned(),
            Self::Pixels => "pixels in memory".to_owned(),
            Self::Predict => "predict, from files".to_owned(),
            Self::Eval => "eval, from files".to_owned(),
            Self::Device(name) => format!("device {name}"),
        }
    }

    /// Whether nothing less than the same bits is promised: where the same instructions do the same sums.
    pub(super) fn is_exact(&self) -> bool {
        match self {
            Self::Trained | Self::Together(_) | Self::Kernels(_) | Self::Device(_) => false,
            Self::Again
            | Self::Threads(_)
            | Self::Saved
            | Self::Pixels
            | Self::Predict
            | Self::Eval => true,
        }
    }

    /// Whether it only scores.
    pub(super) fn only_scores(&self) -> bool {
        *self == Self::Predict
    }

    /// Asks about all images in this way.
    pub(super) fn replay(&self, replay: &mut Replay<'_>, say: Say<'_>) -> Result<Replayed> {
        let cpu = device::parse("cpu")?;
        match self {
            Self::Again => replay.each(&replay.model, say)?,
            Self::Trained => {
                let mut model = (replay.load)(&cpu)?;
                if !model.score_as_trained() {
                    return Ok(Replayed::NotTried("this model has no other".to_owned()));
                }
                replay.each(&model, say)?;
            }
            Self::Together(count) => replay.together(*count, say)?,
            Self::Threads(count) => replay.on_threads(*count, say)?,
            Self::Kernels(kernels) => with_path(*kernels, || {
                // Weights are laid out for their kernels.
                let model = (replay.load)(&cpu)?;
                replay.each(&model, say)
            })?,
            Self::Saved => return replay.saved(&cpu, say),
            Self::Pixels => return replay.pixels(say),
            Self::Predict => return replay.predict(say),
            Self::Eval => replay.eval(say)?,
            Self::Device(name) => {
                return devices::guarded(|| {
                    let model = (replay.load)(&device::parse(name)?)?;
                    replay.each(&model, say)
                });
            }
        }
        Ok(Replayed::Whole)
    }
}

impl Replay<'_> {
    /// The path of an image, for messages.
    pub(super) fn path(&self, at: usize) -> &Path {
        self.samples.get(at).map_or(Path::new(""), Sample::path)
    }

    /// How images are loaded.
    pub(super) fn settings(model: &Model, options: &VerifyOptions) -> DataConfig {
        // An image that is gone was not compared.
        DataConfig::each(model.size(), options.limits)
    }

    fn check_stop(&self) -> Result<()> {
        match self.options.stop.load(Ordering::Relaxed) {
            true => Err(Error::Stopped),
            false => Ok(()),
        }
    }

    /// One image after the other.
    pub(super) fn each(&self, model: &Model, say: Say<'_>) -> Result<()> {
        for (at, batch) in self.batches.iter().enumerate() {
            self.check_stop()?;
            say(at, &model.score_loaded(batch.clone())?);
        }
        Ok(())
    }

    /// What is said of an image of which each pixel went up or down by the tolerance, by lot.
    pub(super) fn moved(&self, at: usize, draw: u64) -> Result<Scored> {
        self.check_stop()?;
        let Some(mut batch) = self.batches.get(at).cloned() else {
            return Ok(Scored::default());
        };
        let step = self.options.tolerance as f32;
        let [_, _, height, width] = batch.shape;
        let lots = Pattern::Noise.image([height, width], draw).pixels;
        for (pixel, lot) in batch.pixels.iter_mut().zip(lots) {
            *pixel += if lot < 0.5 { -step } else { step };
        }
        self.model.score_loaded(batch)
    }

    /// `count` at once; the last ones with some of the first, so that there are never less.
    fn together(&self, count: usize, say: Say<'_>) -> Result<()> {
        let mut places = (0..self.batches.len()).cycle();
        for _ in 0..self.batches.len().div_ceil(count.max(1)) {
            self.check_stop()?;
            let places: Vec<_> = places.by_ref().take(count).collect();
            let images = places.iter().filter_map(|&at| self.batches.get(at));
            let scored = self.model.score_together(&images.collect::<Vec<_>>())?;
            for (at, scored) in places.into_iter().zip(&scored) {
                say(at, scored);
            }
        }
        Ok(())
    }

    fn on_threads(&mut self, count: usize, say: Say<'_>) -> Result<()> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
        let pool = pool.map_err(|error| Error::Threads {
            threads: count,
            why: error.to_string(),
        })?;
        for (at, batch) in self.batches.iter().enumerate() {
            self.check_stop()?;
            let (model, batch) = (&mut self.model, batch.clone());
            // In the pool itself, as everything that runs there shares its threads.
            say(at, &pool.install(move || model.score_loaded(batch))?);
        }
        Ok(())
    }

    /// Also: whether the same model gives the same bytes.
    fn saved(&self, cpu: &Device, say: Say<'_>) -> Result<Replayed> {
        let [first, second] =
            ["first", "second"].map(|name| self.folder.join(name).with_extension("safetensors"));
        self.model.save(&first)?;
        let model = Model::load(&first, cpu)?;
        model.save(&second)?;
        self.each(&model, say)?;
        let bytes = |path: &Path| fs::read(path).map_err(Error::io("read", path));
        Ok(match bytes(&first)? == bytes(&second)? {
            true => Replayed::Whole,
            false => Replayed::OtherFile("the model file, saved again"),
        })
    }

    /// Where there are regions, painting before and after resizing are two things: only images of the model's size then.
    fn pixels(&self, say: Say<'_>) -> Result<Replayed> {
        let (mut heard, mut passed_over) = (false, false);
        for (at, (sample, batch)) in self.samples.iter().zip(&self.batches).enumerate() {
            self.check_stop()?;
            if self.model.regions().is_some() && sample.source.size()? != self.model.size() {
                passed_over = true;
                continue;
            }
            heard = true;
            say(at, &self.model.score_as(&sample.id, batch.pixels.clone())?);
        }
        Ok(match (heard, passed_over) {
            (true, false) => Replayed::Whole,
            (true, true) => Replayed::Part,
            (false, _) => Replayed::NotTried(
                "of a model with regions, only for images of the model's size".to_owned(),
            ),
        })
    }

    /// An image of an archive is no file.
    fn predict(&self, say: Say<'_>) -> Result<Replayed> {
        let files = self.samples.iter().enumerate();
        let files = files.filter_map(|(at, sample)| match &sample.source {
            ImageSource::File(path) => Some((at, path.clone())),
            ImageSource::Record(_) => None,
        });
        let (places, paths): (Vec<_>, Vec<_>) = files.unzip();
        if paths.is_empty() {
            return Ok(Replayed::NotTried(
                "the images are no files of their own".to_owned(),
            ));
        }
        let options = PredictOptions {
            limits: self.options.limits,
            stop: Arc::clone(&self.options.stop),
            ..PredictOptions::default()
        };
        let (mut order, mut failed) = (places.iter(), None);
        predict(
            &self.model,
            &paths,
            &options,
            &mut |_, said| match (said, order.next()) {
                (Ok(prediction), Some(&at)) => say(
                    at,
                    &Scored {
                        scores: prediction.scores.into_iter().collect(),
                        ..Scored::default()
                    },
                ),
                (Ok(_), None) => {}
                (Err(error), _) => failed = Some(error),
            },
        )?;
        match failed {
            Some(error) => Err(error),
            None if places.len() < self.samples.len() => Ok(Replayed::Part),
            None => Ok(Replayed::Whole),
        }
    }

    fn eval(&self, say: Say<'_>) -> Result<()> {
        let tests = self.samples.iter().map(|sample| TestSample {
            sample: sample.clone(),
            mask: None,
        });
        let settings = Self::settings(&self.model, self.options);
        let stop = &self.options.stop;
        let heard = eval::score_only(&self.model, tests.collect(), &settings, stop)?;
        let Some(first) = self.batches.first() else {
            return Ok(());
        };
        // An evaluation goes by the order alone.
        let named = self.model.score_loaded(first.clone())?;
        for (at, (scores, maps)) in heard.into_iter().enumerate() {
            let scores = named.scores.iter().zip(scores);
            let maps = named.maps.iter().zip(maps);
            let scored = Scored {
                scores: scores.map(|((name, _), value)| (*name, value)).collect(),
                maps: maps.map(|((name, _), values)| (*name, values)).collect(),
                valid: None,
            };
            say(at, &scored);
        }
        Ok(())
    }
}
