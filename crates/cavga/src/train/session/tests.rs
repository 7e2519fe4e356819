//! The loop against learners that misbehave.

use burn::tensor::TensorData;
use cavga_data::{
    Train,
    generate::{GenerateConfig, write_dataset},
};
use cavga_detect::{Batch, Detector, Observer};

use super::*;
use crate::{methods, train::read_log, view::View};

/// Counts steps; its loss or its weight stops being a number at a given one.
struct Fake {
    steps: f32,
    bad_loss: f32,
    bad_weight: f32,
}

impl Learner for Fake {
    fn passes(&self) -> usize {
        1
    }
    fn observe(&mut self, _: &Batch) -> cavga_detect::Result<Losses> {
        self.steps += 1.0;
        let loss = if self.steps >= self.bad_loss {
            f64::NAN
        } else {
            0.5
        };
        Ok(vec![("total", loss)])
    }
    fn finish(
        self: Box<Self>,
        _: &mut dyn Iterator<Item = cavga_detect::Result<Batch>>,
        _: &mut dyn Observer,
    ) -> cavga_detect::Result<Box<dyn Detector>> {
        Err(cavga_detect::Error::NoImages("a fake makes no detector"))
    }
    fn state(&self) -> cavga_detect::Result<Option<Tensors>> {
        let weight = if self.steps >= self.bad_weight {
            f32::NAN
        } else {
            self.steps
        };
        let weight = ("weight".to_owned(), TensorData::from([weight]));
        Ok(Some(Tensors::from([weight])))
    }
    fn restore(&mut self, _: Tensors) -> cavga_detect::Result<()> {
        Ok(())
    }
}

/// Trains five passes of one step each with a checkpoint after each; the error, and the checkpoint's step.
fn diverge(bad_loss: f32, bad_weight: f32) -> (String, Option<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let data = write_dataset(folder.path().join("data"), &GenerateConfig::tiny()).unwrap();
    let run = RunFolder::new(folder.path());
    let mut config = RunConfig::new(methods::named("cavga-d-u").unwrap());
    config.data.size = [32, 32];
    config.train.checkpoint_steps = Some(1);
    let (train, view) = (Train::from(data.train), View::default());
    let items = view.items(&train, config.data.size).unwrap();
    let lessons = Lessons {
        samples: &train,
        items: &items,
        view: &view,
    };
    let device = Device::flex();
    let mut session = Session {
        config: &config,
        run: &run,
        fingerprint: "",
        lessons,
        passes: 5,
        device: &device,
        stop: &AtomicBool::new(false),
        learner: Box::new(Fake {
            steps: 0.0,
            bad_loss,
            bad_weight,
        }),
        place: Place::default(),
        saved: None,
        gone: Default::default(),
    };
    let error = session.train(&mut ()).unwrap_err().to_string();
    assert!(
        read_log(&run.log())
            .unwrap()
            .iter()
            .all(|line| line.losses["total"].is_finite())
    );
    let saved = run
        .checkpoint()
        .exists()
        .then(|| tensor_file::load(&run.checkpoint()).unwrap().0);
    let step = saved.map(|header| match header.content {
        Content::Checkpoint { place, .. } => place.step,
        Content::Model { .. } => 0,
    });
    (error, step)
}

#[test]
fn a_loss_that_is_no_number_stops_training_and_the_last_checkpoint_stays() {
    let (error, step) = diverge(3.0, f32::INFINITY);
    assert!(
        error.contains("diverged at step 3: the loss total is NaN"),
        "{error}"
    );
    assert!(
        error.contains("the checkpoint of step 2 is kept"),
        "{error}"
    );
    assert_eq!(step, Some(2));
    let (error, step) = diverge(1.0, f32::INFINITY);
    assert!(error.contains("there was no checkpoint yet"), "{error}");
    assert_eq!(step, None);
}

#[test]
fn a_weight_that_is_no_number_is_never_saved() {
    let (error, step) = diverge(f32::INFINITY, 3.0);
    assert!(error.contains("the tensor weight is NaN"), "{error}");
    assert_eq!(step, Some(2));
}
